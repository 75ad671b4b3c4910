"""A statement's plan, found by its first words.

COMMANDS and CREATE are whitelists: a command that Redshift has not is a
syntax error, one that only the stand-in has not says so.
"""

from . import (alter, copy, emit, lateviews, lexer, references, settings,
               tables)
from .backend import ident, literal
from .cursor import Cursor
from .errors import RsError, syntax, unsupported
from .plan import Plan, quiet


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


def no_parameters(tokens):
    """COPY, UNLOAD and DDL take no bind parameters (facts, section 5.2)."""
    for token in tokens:
        if token.kind == lexer.PARAM:
            raise syntax(token.text)


def _locks(relation):
    """Writers of a table take turns."""
    return ["SELECT rsi.write_lock(%s)" % relation.regclass]


def _bound(session, made):
    """The late-binding views are real while the statement runs."""
    if session.server.has_late_views:
        made.before.insert(0, lateviews.BIND)
    return made


# -- queries ------------------------------------------------------------------

def select(session, cursor):
    tokens = cursor.rest()
    keys = [token.key for token in tokens]
    for at, key in enumerate(keys):
        if key == "FOR" and keys[at + 1:at + 2] in (["UPDATE"], ["SHARE"]):
            raise RsError("0A000", "SELECT FOR UPDATE/SHARE is not supported")
        if key in ("INSERT", "UPDATE", "DELETE", "MERGE") \
                and keys[at - 1] in ("(", ")") and keys[0] == "WITH":
            raise syntax(tokens[at].text)
        if tokens[at].kind == lexer.STRING \
                and tokens[at].value == "server_version_num":
            raise settings.unrecognized("server_version_num")
    catalog = references.catalog_only(tokens) and "INTO" not in keys
    made = Plan("", emit.sql(session, tokens, names_in_literals=True),
                catalog_only=catalog, counted=not catalog)
    return made if catalog else _bound(session, made)


def explain(session, cursor):
    cursor.next()
    verbose = "VERBOSE " if cursor.accept("VERBOSE") else ""
    if cursor.peek().key in ("ANALYZE", "(") or cursor.done:
        raise cursor.error()
    inner = plan(session, cursor.rest())
    if not inner.sql:
        raise syntax(inner.text.split()[0])
    return Plan("", "EXPLAIN %s%s" % (verbose, inner.sql))


# -- rows ---------------------------------------------------------------------

def _refuse_returning(tokens):
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.key, 0)
        if depth == 0 and token.key in ("RETURNING", "OVERRIDING"):
            raise syntax(token.text)


def insert(session, cursor):
    cursor.expect("INSERT", "INTO")
    relation = cursor.relation()
    columns = ""
    if cursor.looking_at("(") and cursor.peek(1).key not in ("SELECT", "WITH"):
        columns = " (%s)" % ", ".join(cursor.quoted(name)
                                      for name in cursor.names())
    rest = cursor.rest()
    _refuse_returning(rest)
    if rest and rest[0].key not in ("VALUES", "DEFAULT", "SELECT", "WITH",
                                    "("):
        raise syntax(rest[0].text)
    made = Plan("", "INSERT INTO %s%s %s" % (
        relation.backend, columns, emit.sql(session, rest)),
        before=_locks(relation), counted=True)
    return _bound(session, made)


def update(session, cursor):
    cursor.expect("UPDATE")
    relation = cursor.relation()
    cursor.expect("SET")                # no alias (facts, section 3.2)
    rest = cursor.rest()
    _refuse_returning(rest)
    return _bound(session, Plan("", "UPDATE %s SET %s" % (
        relation.backend, emit.sql(session, rest)),
        before=_locks(relation), counted=True))


def delete(session, cursor):
    cursor.expect("DELETE")
    cursor.accept("FROM")
    relation = cursor.relation()
    if not cursor.done and cursor.peek().key not in ("USING", "WHERE"):
        raise cursor.error()            # no alias
    rest = cursor.rest()
    _refuse_returning(rest)
    return _bound(session, Plan("", "DELETE FROM %s %s" % (
        relation.backend, emit.sql(session, rest)),
        before=_locks(relation), counted=True))


def merge(session, cursor):
    """One WHEN MATCHED and one WHEN NOT MATCHED, from a table."""
    cursor.expect("MERGE", "INTO")
    relation = cursor.relation()
    cursor.expect("USING")
    source = cursor.relation()
    alias = " AS " + cursor.backend_name() if cursor.accept("AS") else ""
    if not alias and not cursor.looking_at("ON"):
        alias = " " + cursor.backend_name()
    cursor.expect("ON")
    condition = emit.sql(session, cursor.upto("WHEN", "REMOVE"))
    if cursor.looking_at("REMOVE"):
        raise unsupported("MERGE ... REMOVE DUPLICATES")
    cursor.expect("WHEN", "MATCHED", "THEN")
    if cursor.peek().key not in ("UPDATE", "DELETE"):
        raise cursor.error()
    matched = emit.sql(session, cursor.upto("WHEN"))
    cursor.expect("WHEN", "NOT", "MATCHED", "THEN")
    if not cursor.looking_at("INSERT"):
        raise cursor.error()
    fresh = emit.sql(session, cursor.upto("WHEN"))
    cursor.expect_end()
    check = "SELECT rsi.check_merge_source(%s)" % source.regclass
    return Plan("", "MERGE INTO %s USING %s%s ON %s WHEN MATCHED THEN %s "
                "WHEN NOT MATCHED THEN %s" % (
                    relation.backend, source.backend, alias, condition,
                    matched, fresh), tag="MERGE",
                before=_locks(relation) + [check], counted=True)


def truncate(_session, cursor):
    """Commits the transaction that it runs in (facts, section 3)."""
    cursor.expect("TRUNCATE")
    cursor.accept("TABLE")
    relation = cursor.relation()
    cursor.expect_end()

    def run(session):
        session.transaction.open()
        session.backend.run("TRUNCATE " + relation.backend)
        session.transaction.end("COMMIT")
        return "TRUNCATE TABLE and COMMIT TRANSACTION"
    return Plan("", own=run)


def copy_plan(session, cursor):
    tokens = cursor.rest()
    no_parameters(tokens)
    return Plan("", own=lambda s: copy.run(s, tokens), counted=True)


def unload(_session, cursor):
    no_parameters(cursor.rest())
    raise unsupported("UNLOAD")


# -- transactions -------------------------------------------------------------

def _ending(cursor):
    cursor.next()
    cursor.accept_any("WORK", "TRANSACTION")
    cursor.expect_end()


def begin(_session, cursor):
    if cursor.next().key == "START":
        cursor.expect("TRANSACTION")
    else:
        cursor.accept_any("WORK", "TRANSACTION")
    mode = ""
    while not cursor.done:
        mode = _mode(cursor) or mode
        cursor.accept(",")

    def run(session):
        if session.transaction.explicit:
            session.notice("WARNING", "25001", "there is already a "
                           "transaction in progress")
        else:
            session.copy_id_before_block = session.last_copy_id
            session.transaction.begin(mode)
        return "BEGIN"
    return Plan("", own=run)


def _mode(cursor):
    """Every isolation level may be written; all mean the database's own."""
    if cursor.accept("ISOLATION", "LEVEL"):
        if not (cursor.accept("SERIALIZABLE") or cursor.accept("REPEATABLE",
                                                               "READ")
                or cursor.accept("READ", "COMMITTED")
                or cursor.accept("READ", "UNCOMMITTED")):
            raise cursor.error()
        return ""
    cursor.expect("READ")
    found = cursor.accept_any("ONLY", "WRITE")
    if not found:
        raise cursor.error()
    return " READ " + found


def commit(_session, cursor):
    _ending(cursor)
    return Plan("", own=lambda s: _end(s, "COMMIT"), ends_block=True)


def rollback(_session, cursor):
    _ending(cursor)
    return Plan("", own=lambda s: _end(s, "ROLLBACK"), ends_block=True)


def _end(session, command):
    if not session.transaction.in_block:
        session.notice("WARNING", "25P01", "there is no transaction in "
                       "progress")
    explicit = session.transaction.explicit
    tag = session.transaction.end(command)
    if tag == "ROLLBACK" and explicit:
        # facts, section 2.2: not updated if the transaction is rolled back
        session.last_copy_id = session.copy_id_before_block
    return tag


def lock(_session, cursor):
    cursor.expect("LOCK")
    cursor.accept("TABLE")
    found = [cursor.relation().backend]
    while cursor.accept(","):
        found.append(cursor.relation().backend)
    cursor.expect_end()
    return Plan("", "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE"
                % ", ".join(found))


# -- definitions --------------------------------------------------------------

def create(session, cursor):
    no_parameters(cursor.items)
    cursor.expect("CREATE")
    replace = cursor.accept("OR", "REPLACE")
    word = cursor.peek().key
    if replace and word not in ("VIEW", "FUNCTION", "PROCEDURE"):
        raise cursor.error()
    if word in ("UNIQUE", "INDEX"):
        raise RsError("0A000", 'SQL command "%s" not supported on Redshift '
                      "tables." % lexer.text(cursor.items))
    if word in CREATE_NOT_HERE:
        raise unsupported("CREATE " + word)
    if word == "VIEW":
        return create_view(session, cursor, replace)
    if word not in CREATE:
        raise cursor.error()
    return CREATE[word](session, cursor)


def create_view(session, cursor, replace):
    cursor.expect("VIEW")
    relation = cursor.relation()
    columns = ""
    if cursor.looking_at("("):
        columns = ", ".join(cursor.quoted(n) for n in cursor.names())
    cursor.expect("AS")
    query = cursor.rest()
    if lateviews.is_late(query):
        return lateviews.create(session, relation, columns, query[:-4],
                                replace)
    made = Plan("", "CREATE %sVIEW %s%s AS %s" % (
        "OR REPLACE " if replace else "", relation.backend,
        " (%s)" % columns if columns else "", emit.sql(session, query)))
    return _bound(session, made)


def create_schema(_session, cursor):
    cursor.expect("SCHEMA")
    unless = cursor.accept("IF", "NOT", "EXISTS")
    name = "" if cursor.looking_at("AUTHORIZATION") else cursor.backend_name()
    owner = ""
    if cursor.accept("AUTHORIZATION"):
        owner = " AUTHORIZATION " + cursor.backend_name()
    if cursor.accept("QUOTA"):
        if not cursor.accept("UNLIMITED"):
            cursor.integer()
            if not cursor.accept_any("MB", "GB", "TB"):
                raise cursor.error()
    cursor.expect_end()
    return Plan("", "CREATE SCHEMA %s%s%s" % (
        "IF NOT EXISTS " if unless else "", name, owner))


def pass_on(session, cursor):
    """PostgreSQL's own grammar is near enough."""
    tokens = cursor.items
    no_parameters(tokens)
    return Plan("", emit.sql(session, tokens))


def drop(session, cursor):
    no_parameters(cursor.items)
    cursor.expect("DROP")
    kind = cursor.next().key
    if kind not in DROP:
        raise syntax(cursor.items[1].text)
    made = Plan("", emit.sql(session, cursor.items))
    if kind in ("TABLE", "VIEW"):
        cursor.accept("IF", "EXISTS")
        while True:
            relation = cursor.relation()
            if kind == "VIEW" and session.server.has_late_views:
                made.before.append(lateviews.forget(session, relation))
            made.before.append(lateviews.release(relation))
            if not cursor.accept(","):
                break
        cursor.accept_any("CASCADE", "RESTRICT")
        cursor.expect_end()
    if kind == "SCHEMA" and session.server.has_late_views:
        cursor.accept("IF", "EXISTS")
        made.after.append("SELECT rsi.forget_schema(%s)"
                          % literal(session.names.short(cursor.name())))
    return made


def alter_any(session, cursor):
    no_parameters(cursor.items)
    cursor.expect("ALTER")
    if cursor.accept("TABLE"):
        return alter.plan(session, cursor)
    if cursor.peek().key not in ("SCHEMA", "USER", "GROUP", "DEFAULT"):
        raise cursor.error()
    return pass_on(session, cursor)


def comment(session, cursor):
    if cursor.peek(2).key not in ("TABLE", "COLUMN", "VIEW", "DATABASE",
                                  "CONSTRAINT"):
        raise syntax(cursor.peek(2).text)
    return pass_on(session, cursor)


# -- upkeep -------------------------------------------------------------------

def vacuum(_session, cursor):
    cursor.expect("VACUUM")
    if not cursor.accept_any("FULL", "REINDEX", "RECLUSTER"):
        if cursor.accept_any("SORT", "DELETE"):
            cursor.expect("ONLY")
    table = "" if cursor.done or cursor.peek().key in ("TO", "BOOST") \
        else cursor.relation().backend
    if cursor.accept("TO"):
        cursor.integer()
        cursor.expect("PERCENT")
    cursor.accept("BOOST")
    cursor.expect_end()
    if not table:
        return quiet("VACUUM", alone="VACUUM")
    return Plan("", "VACUUM " + table, alone="VACUUM")


def analyze(_session, cursor):
    cursor.expect("ANALYZE")
    if cursor.looking_at("COMPRESSION"):
        raise unsupported("ANALYZE COMPRESSION")
    cursor.accept("VERBOSE")
    if cursor.done:
        return quiet("ANALYZE")
    table = cursor.relation().backend
    columns = ""
    if cursor.looking_at("("):
        columns = " (%s)" % ", ".join(cursor.quoted(n) for n in
                                      cursor.names())
    elif cursor.accept_any("PREDICATE", "ALL"):
        cursor.expect("COLUMNS")
    cursor.expect_end()
    return Plan("", "ANALYZE %s%s" % (table, columns))


# -- settings -----------------------------------------------------------------

def set_plan(_session, cursor):
    cursor.expect("SET")
    scope = cursor.accept_any("SESSION", "LOCAL")
    if cursor.looking_at("AUTHORIZATION") or cursor.looking_at("ROLE"):
        raise unsupported("SET SESSION AUTHORIZATION")
    if cursor.accept("TIME", "ZONE"):
        name = "timezone"
    else:
        name = cursor.name()
        if not cursor.accept("TO") and not cursor.accept("="):
            raise cursor.error()
    values = _values(cursor)
    if values == ["DEFAULT"]:
        return _reset(name)
    low = name.lower()
    if low in settings.BACKEND:
        settings.check(name, values[0].strip("'"))
        return Plan("", "SET %s %s TO %s" % (scope, low, ", ".join(values)))
    value = settings.check(name, values[0].strip("'").replace("''", "'"))

    def run(session):
        session.settings[low] = value
        return "SET"
    return Plan("", own=run)


def _values(cursor):
    """The values of a SET, as the backend would have them."""
    found = []
    while True:
        sign = "-" if cursor.accept("-") else ""
        token = cursor.next()
        if token.kind == lexer.STRING:
            found.append(literal(token.value))
        elif token.kind == lexer.QUOTED:
            found.append(ident(token.value))
        elif token.kind in (lexer.WORD, lexer.NUMBER):
            found.append(sign + (token.text if token.kind == lexer.NUMBER
                                 or token.key == "DEFAULT"
                                 else token.text.lower()))
        else:
            raise syntax(token.text)
        if not cursor.accept(","):
            cursor.expect_end()
            return [v.upper() if v.upper() == "DEFAULT" else v for v in found]


def reset(_session, cursor):
    cursor.expect("RESET")
    if cursor.accept("ALL"):
        cursor.expect_end()

        def run(session):
            session.settings.update(settings.OURS)
            return "RESET"
        return Plan("", before=["RESET ALL"], own=run)
    name = cursor.name()
    cursor.expect_end()
    return _reset(name)


def _reset(name):
    low = name.lower()
    if low in settings.BACKEND:
        return Plan("", "RESET " + low)
    if low not in settings.OURS:
        raise settings.unrecognized(name)

    def run(session):
        session.settings[low] = settings.OURS[low]
        return "RESET"
    return Plan("", own=run)


def show(session, cursor):
    cursor.expect("SHOW")
    if cursor.peek().key in ("ALL", "TABLES", "COLUMNS", "SCHEMAS",
                             "DATABASES", "TABLE", "VIEW", "GRANTS"):
        raise unsupported("SHOW " + cursor.peek().key)
    name = "timezone" if cursor.accept("TIME", "ZONE") else cursor.name()
    cursor.expect_end()
    low = name.lower()
    value = session.settings.get(low, settings.CONSTANT.get(low))
    if value is not None:
        return Plan("", "SELECT %s::text AS %s" % (literal(value), ident(low)),
                    tag="SHOW", catalog_only=True)
    if low not in settings.BACKEND and low not in settings.CONSTANT:
        raise settings.unrecognized(name)
    return Plan("", "SHOW " + low, catalog_only=True)


# -- prepared statements and cursors ------------------------------------------

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


CREATE = {
    "TABLE": tables.create, "TEMP": tables.create, "TEMPORARY": tables.create,
    "LOCAL": tables.create, "SCHEMA": create_schema, "USER": pass_on,
    "GROUP": pass_on,
}
CREATE_NOT_HERE = frozenset(
    "FUNCTION PROCEDURE DATABASE EXTERNAL MATERIALIZED LIBRARY MODEL "
    "DATASHARE ROLE RLS MASKING IDENTITY".split())
DROP = frozenset("TABLE VIEW SCHEMA USER GROUP".split())

COMMANDS = {
    "SELECT": select, "WITH": select, "(": select, "EXPLAIN": explain,
    "INSERT": insert, "UPDATE": update, "DELETE": delete, "MERGE": merge,
    "TRUNCATE": truncate, "COPY": copy_plan, "UNLOAD": unload,
    "BEGIN": begin, "START": begin, "COMMIT": commit, "END": commit,
    "ROLLBACK": rollback, "ABORT": rollback, "LOCK": lock,
    "CREATE": create, "ALTER": alter_any, "DROP": drop, "COMMENT": comment,
    "GRANT": pass_on, "REVOKE": pass_on, "VACUUM": vacuum,
    "ANALYZE": analyze, "ANALYSE": analyze, "SET": set_plan, "RESET": reset,
    "SHOW": show, "PREPARE": prepare, "EXECUTE": pass_on,
    "DEALLOCATE": deallocate, "DECLARE": pass_on, "FETCH": pass_on,
    "CLOSE": pass_on, "SAVEPOINT": not_supported, "RELEASE": not_supported,
    "CALL": not_here, "CANCEL": not_here, "REFRESH": not_here,
    "DESC": not_here, "USE": not_here,
}
