"""CREATE VIEW ... WITH NO SCHEMA BINDING.

PostgreSQL binds every view to its tables.  So the text of a late-binding view
is kept in rsi.late_views.  A real view is made of it when it is used, and
taken away whenever a table under it is altered, renamed or dropped: the next
use looks the tables up again by their names.  Grants on it are kept.
"""

from . import emit, references
from .backend import literal
from .cursor import Relation
from .errors import RsError
from .plan import quiet

FUNCTIONS = r"""
CREATE OR REPLACE FUNCTION rsi.save_late_view(schema text, name text,
    definition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    place text := coalesce(schema, rsi.creation_schema());
BEGIN
    IF NOT has_schema_privilege(session_user, place, 'CREATE') THEN
        PERFORM rsi.fail('42501', 'permission denied for schema ' || place);
    END IF;
    INSERT INTO rsi.late_views VALUES (place, name, session_user,
        definition, NULL);
    PERFORM rsi.bind_late_view(place, name);
END $$;

-- where an unqualified name goes: the caller's first schema
CREATE OR REPLACE FUNCTION rsi.creation_schema() RETURNS text
LANGUAGE sql STABLE AS $$ SELECT current_schema()::text $$;

-- make the real view, if the tables under it allow
CREATE OR REPLACE FUNCTION rsi.bind_late_view(schema text, view text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v rsi.late_views;
    place text := format('%I.%I', schema, view);
BEGIN
    SELECT * INTO v FROM rsi.late_views l
        WHERE l.schema = bind_late_view.schema AND l.name = view;
    EXECUTE format('CREATE VIEW %s AS %s', place, v.definition);
    EXECUTE format('ALTER VIEW %s OWNER TO %I', place, v.owner);
    IF v.grants IS NOT NULL THEN
        EXECUTE v.grants;
    END IF;
EXCEPTION WHEN undefined_table OR undefined_column OR invalid_schema_name
    OR undefined_function THEN
    NULL;
END $$;

CREATE OR REPLACE FUNCTION rsi.bind_late_views() RETURNS void
LANGUAGE sql SECURITY DEFINER AS $$
    SELECT rsi.bind_late_view(schema, name) FROM rsi.late_views
    WHERE to_regclass(format('%I.%I', schema, name)) IS NULL
$$;

-- before a change of a table: the late-binding views on it let go
CREATE OR REPLACE FUNCTION rsi.release_late_views(target regclass)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v record;
BEGIN
    FOR v IN SELECT l.schema, l.name, c.oid, c.relacl FROM rsi.late_views l
        JOIN pg_class c ON c.oid = to_regclass(format('%I.%I', l.schema,
                                                      l.name))
        WHERE EXISTS (SELECT 1 FROM pg_rewrite r JOIN pg_depend d
            ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
            WHERE r.ev_class = c.oid AND d.refobjid = target)
    LOOP
        UPDATE rsi.late_views SET grants = rsi.grants_of(v.oid)
            WHERE schema = v.schema AND name = v.name;
        EXECUTE format('DROP VIEW %I.%I', v.schema, v.name);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION rsi.release_late_views(target text)
RETURNS void LANGUAGE sql AS $$
    SELECT rsi.release_late_views(to_regclass(target))
    WHERE to_regclass(target) IS NOT NULL
$$;

CREATE OR REPLACE FUNCTION rsi.grants_of(view oid) RETURNS text
LANGUAGE sql SECURITY DEFINER AS $$
    SELECT string_agg(format('GRANT %s ON %s TO %s', a.privilege_type,
        view::regclass, CASE WHEN a.grantee = 0 THEN 'PUBLIC'
            ELSE a.grantee::regrole::text END), '; ')
    FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.oid = view AND a.grantee <> c.relowner
$$;

-- after DROP SCHEMA
CREATE OR REPLACE FUNCTION rsi.forget_schema(gone text) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $$
    DELETE FROM rsi.late_views l WHERE l.schema = gone
        AND NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = gone)
$$;

-- before DROP VIEW and CREATE OR REPLACE: there is a real view to drop
CREATE OR REPLACE FUNCTION rsi.forget_late_view(target text, view text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v rsi.late_views;
BEGIN
    SELECT * INTO v FROM rsi.late_views l WHERE l.name = view
        AND target IN (format('%I', l.name), format('%I.%I', l.schema,
                       l.name), format('"%s"', l.name),
                       format('"%s"."%s"', l.schema, l.name))
        LIMIT 1;
    IF v.name IS NULL THEN
        RETURN;
    END IF;
    IF NOT pg_has_role(session_user, v.owner, 'MEMBER') THEN
        PERFORM rsi.fail('42501', 'must be owner of relation ' || view);
    END IF;
    DELETE FROM rsi.late_views l WHERE l.schema = v.schema
        AND l.name = v.name;
    IF to_regclass(format('%I.%I', v.schema, v.name)) IS NULL THEN
        EXECUTE format('CREATE VIEW %I.%I AS SELECT 1', v.schema, v.name);
        EXECUTE format('ALTER VIEW %I.%I OWNER TO %I', v.schema, v.name,
                       v.owner);
    END IF;
END $$;
"""

NO_BINDING = ["WITH", "NO", "SCHEMA", "BINDING"]


def is_late(tokens):
    return [token.key for token in tokens[-4:]] == NO_BINDING


def create(session, relation: Relation, columns, query, replace):
    """The plan for CREATE [OR REPLACE] VIEW ... WITH NO SCHEMA BINDING."""
    for name in references.relations(query):
        if len(name) == 1:
            raise RsError("0A000", "All the relation names inside should be "
                          "qualified when creating VIEW WITH NO SCHEMA "
                          "BINDING.")
    text = emit.sql(session, query)
    if columns:
        text = "SELECT * FROM (%s) AS late (%s)" % (text, columns)
    view = session.names.short(relation.name)
    steps = []
    if replace:
        steps = [forget(session, relation), "DROP VIEW IF EXISTS "
                 + relation.backend]
    schema = session.names.short(relation.schema) if relation.schema else None
    steps.append("SELECT rsi.save_late_view(%s, %s, %s)" % (
        literal(schema) if schema else "rsi.creation_schema()",
        literal(view), literal(text)))
    session.server.has_late_views = True
    return quiet("CREATE VIEW", *steps)


def forget(session, relation):
    return "SELECT rsi.forget_late_view(%s, %s)" % (
        literal(relation.backend), literal(session.names.short(
            relation.name)))


def release(relation):
    return "SELECT rsi.release_late_views(%s::text)" % literal(
        relation.backend)


BIND = "SELECT rsi.bind_late_views()"
