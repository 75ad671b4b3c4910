"""A statement's plan, found by its first word.

COMMANDS is a whitelist: a command that Redshift has not is a syntax error, one
that only the stand-in has not says so.
"""

from . import blocks, changes, definitions, emit, lexer, queries, variables
from .cursor import Cursor
from .definitions import pass_on
from .errors import RsError, syntax, unsupported
from .plan import Plan


def plan(session, tokens):
    cursor = Cursor(session, tokens)
    first = cursor.peek()
    command = COMMANDS.get(first.key)
    if not command:
        raise syntax(first.text)
    made = command(session, cursor)
    made.text = lexer.text(tokens)
    made.asks_ids = any(token.key.startswith("PG_LAST_") for token in tokens)
    return made


def explain(session, cursor):
    cursor.next()
    verbose = "VERBOSE " if cursor.accept("VERBOSE") else ""
    if cursor.peek().key in ("ANALYZE", "(") or cursor.done:
        raise cursor.error()
    inner = plan(session, cursor.rest())
    if not inner.sql:
        raise syntax(inner.text.split()[0])
    return Plan("", "EXPLAIN %s%s" % (verbose, inner.sql))


def prepare(session, cursor):
    cursor.expect("PREPARE")
    name = cursor.backend_name()
    kinds = ""
    if cursor.accept("("):
        kinds = "(%s)" % emit.sql(session, cursor.upto())
        cursor.expect(")")
    cursor.expect("AS")
    if cursor.peek().key not in ("SELECT", "WITH", "INSERT", "UPDATE",
                                 "DELETE"):
        raise cursor.error()
    inner = plan(session, cursor.rest())
    return Plan("", "PREPARE %s%s AS %s" % (name, kinds, inner.sql))


def deallocate(session, cursor):
    if cursor.peek(1).key == "ALL" or cursor.peek(2).key == "ALL":
        raise syntax("ALL")
    return pass_on(session, cursor)


def not_supported(_session, cursor):
    raise RsError("0A000", 'SQL command "%s" not supported.'
                  % lexer.text(cursor.items))


def not_here(_session, cursor):
    raise unsupported(cursor.peek().key)


COMMANDS = {
    "SELECT": queries.select, "WITH": queries.select, "(": queries.select,
    "EXPLAIN": explain, "PREPARE": prepare, "DEALLOCATE": deallocate,
    "EXECUTE": pass_on, "DECLARE": pass_on, "FETCH": pass_on,
    "CLOSE": pass_on,
    "INSERT": changes.insert, "UPDATE": changes.update,
    "DELETE": changes.delete, "MERGE": changes.merge,
    "TRUNCATE": changes.truncate, "COPY": changes.copy_plan,
    "UNLOAD": changes.unload,
    "BEGIN": blocks.begin, "START": blocks.begin, "COMMIT": blocks.commit,
    "END": blocks.commit, "ROLLBACK": blocks.rollback,
    "ABORT": blocks.rollback, "LOCK": blocks.lock,
    "CREATE": definitions.create, "ALTER": definitions.alter_any,
    "DROP": definitions.drop, "COMMENT": definitions.comment,
    "GRANT": pass_on, "REVOKE": pass_on, "VACUUM": definitions.vacuum,
    "ANALYZE": definitions.analyze, "ANALYSE": definitions.analyze,
    "SET": variables.set_plan, "RESET": variables.reset,
    "SHOW": variables.show,
    "SAVEPOINT": not_supported, "RELEASE": not_supported,
    "CALL": not_here, "CANCEL": not_here, "REFRESH": not_here,
    "DESC": not_here, "USE": not_here,
}
