"""CREATE, ALTER, DROP, COMMENT, VACUUM, ANALYZE.

Tables have files of their own: tables.py and alter.py; late-binding views as
well: lateviews.py.
"""

from . import alter, emit, lateviews, lexer, queries, tables
from .backend import literal
from .changes import no_parameters
from .errors import RsError, syntax, unsupported
from .plan import Plan, quiet


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
    return queries.bound(session, made)


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


CREATE = {
    "TABLE": tables.create, "TEMP": tables.create, "TEMPORARY": tables.create,
    "LOCAL": tables.create, "SCHEMA": create_schema, "USER": pass_on,
    "GROUP": pass_on,
}
CREATE_NOT_HERE = frozenset(
    "FUNCTION PROCEDURE DATABASE EXTERNAL MATERIALIZED LIBRARY MODEL "
    "DATASHARE ROLE RLS MASKING IDENTITY".split())
DROP = frozenset("TABLE VIEW SCHEMA USER GROUP".split())
