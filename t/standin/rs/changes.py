"""Statements that change rows: INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY.

A table's writers take turns, as Redshift's do: each plan begins with the
table's write lock (catalog.py).  DG:r_Serializable_isolation_example,
DG:r_MERGE.
"""

from . import copy, emit, lexer, queries, references
from .errors import syntax, unsupported
from .plan import Plan


def no_parameters(tokens):
    """COPY, UNLOAD and DDL take no bind parameters
    (sqlalchemy-redshift/sqlalchemy-redshift#240)."""
    for token in tokens:
        if token.kind == lexer.PARAM:
            raise syntax(token.text)


def _locks(relation):
    return ["SELECT rsi.write_lock(%s)" % relation.regclass]


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
    if references.relations(rest):
        queries.check_nodes(session, rest, writes=True)
    if rest and rest[0].key not in ("VALUES", "DEFAULT", "SELECT", "WITH",
                                    "("):
        raise syntax(rest[0].text)
    made = Plan("", "INSERT INTO %s%s %s" % (
        relation.backend, columns, emit.sql(session, rest)),
        before=_locks(relation), counted=True)
    return queries.bound(session, made)


def update(session, cursor):
    cursor.expect("UPDATE")
    relation = cursor.relation()
    cursor.expect("SET")                # no alias
    rest = cursor.rest()
    _refuse_returning(rest)
    queries.check_nodes(session, rest, writes=True)
    return queries.bound(session, Plan("", "UPDATE %s SET %s" % (
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
    if rest:
        queries.check_nodes(session, rest, writes=True)
    return queries.bound(session, Plan("", "DELETE FROM %s %s" % (
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
    """Commits the transaction that it runs in (DG:r_TRUNCATE)."""
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
