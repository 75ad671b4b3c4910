"""What Redshift shows of itself: system views and functions.

They live in pg_catalog, as Redshift's do, so that they are found with and
without a schema, whatever the search_path.  The columns are
those of the Developer Guide's page of each view.
"""

VERSION = ("PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) "
           "3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.77467")

FUNCTIONS = """
CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text
    LANGUAGE sql STABLE AS $$ SELECT '%s'::text $$;
CREATE OR REPLACE FUNCTION pg_catalog.pg_last_copy_count() RETURNS int8
    LANGUAGE sql STABLE AS
    $$ SELECT current_setting('rsi.last_copy_count')::int8 $$;
CREATE OR REPLACE FUNCTION pg_catalog.pg_last_copy_id() RETURNS int4
    LANGUAGE sql STABLE AS
    $$ SELECT current_setting('rsi.last_copy_id')::int4 $$;
CREATE OR REPLACE FUNCTION pg_catalog.pg_last_query_id() RETURNS int4
    LANGUAGE sql STABLE AS
    $$ SELECT current_setting('rsi.last_query_id')::int4 $$;
CREATE OR REPLACE FUNCTION pg_catalog.getdate() RETURNS timestamp
    LANGUAGE sql STABLE AS $$ SELECT now()::timestamp $$;
CREATE OR REPLACE FUNCTION pg_catalog.len(text) RETURNS int4
    LANGUAGE sql IMMUTABLE AS $$ SELECT length($1) $$;
CREATE OR REPLACE FUNCTION pg_catalog.trunc(timestamp) RETURNS date
    LANGUAGE sql IMMUTABLE AS $$ SELECT $1::date $$;
""" % VERSION

# view: its query.  A view of STL or STV rows is missing on serverless.
VIEWS = {
    "stl_load_errors": """
        SELECT userid::int4, slice, tbl::int4, starttime, session,
            query::int4, filename::char(256), line_number,
            colname::char(127), type::char(10), col_length::char(10),
            position, raw_line::char(1024), raw_field_value::char(1024),
            err_code, err_reason::char(100), 0 AS is_partial,
            0::int8 AS start_offset, -1::int8 AS copy_job_id
        FROM rsi.load_errors WHERE rsi.shown(userid)""",
    "stl_loaderror_detail": """
        SELECT userid::int4, slice, session, query::int4,
            filename::char(256), line_number, field,
            colname::char(1024), value::char(1024), is_null,
            type::char(10), col_length::char(10)
        FROM rsi.loaderror_detail WHERE rsi.shown(userid)""",
    "stl_load_commits": """
        SELECT f.userid::int4, f.query::int4, f.slice,
            f.name::char(256) AS name, f.name::char(256) AS filename,
            f.bytes::int4 AS byte_offset, f.lines::int4 AS lines_scanned,
            0 AS errors, f.curtime, 1 AS status, l.format::char(16) AS
            file_format, 0 AS is_partial, 0::int8 AS start_offset,
            -1::int8 AS copy_job_id
        FROM rsi.load_files f JOIN rsi.loads l USING (query)
        WHERE rsi.shown(f.userid) AND l.status = 'completed'""",
    "stl_replacements": """
        SELECT userid::int4, query::int4, slice, tbl::int4, starttime,
            session, filename::char(256), line_number, colname::char(127),
            raw_line::char(1024)
        FROM rsi.replacements WHERE rsi.shown(userid)""",
    "stv_load_state": """
        SELECT userid::int4, session, query::int4, 0 AS slice,
            session AS pid, now()::timestamp AS recordtime,
            source_bytes AS bytes_to_load, file_bytes AS bytes_loaded,
            0::int8 AS bytes_to_load_compressed,
            0::int8 AS bytes_loaded_compressed, loaded_rows::int4 AS lines,
            source_files AS num_files, files AS num_files_complete,
            ''::char(256) AS current_file,
            (100 * file_bytes / greatest(source_bytes, 1))::int4
            AS pct_complete
        FROM rsi.loads WHERE status = 'running' AND rsi.shown(userid)""",
    "stv_slices": """
        SELECT slice / 2 AS node, slice, slice %% 2 AS localslice,
            'D'::char(1) AS type
        FROM generate_series(0, %(slices)d - 1) slice""",
    "stv_db_isolation_level": """
        SELECT oid::int4 AS db_id, datname::char(128) AS db_name,
            '%(isolation)s'::char(128) AS isolation_level
        FROM pg_database WHERE datname = current_database()""",
    "sys_load_error_detail": """
        SELECT e.userid::int4 AS user_id, e.query AS query_id,
            l.xid AS transaction_id, e.session AS session_id,
            l.database::char(64) AS database_name, e.tbl::int4 AS table_id,
            e.starttime AS start_time, e.filename::char(256) AS file_name,
            e.line_number, e.colname::char(127) AS column_name,
            e.type::char(10) AS column_type,
            e.col_length::char(10) AS column_length, e.position,
            e.err_code AS error_code, e.err_reason::char(512) AS
            error_message
        FROM rsi.load_errors e JOIN rsi.loads l USING (query)
        WHERE rsi.shown(e.userid) AND e.starttime <= timezone('UTC',
            clock_timestamp()) - interval '%(sys_delay)s seconds'""",
    "sys_load_history": """
        SELECT userid::int4 AS user_id, query AS query_id,
            xid AS transaction_id, session AS session_id,
            database::varchar AS database_name, status::varchar,
            table_name::varchar, starttime AS start_time,
            endtime AS end_time, (1000000 * extract(epoch FROM
                coalesce(endtime, timezone('UTC', now())) - starttime))::int8
                AS duration,
            source::varchar AS data_source, format::varchar AS file_format,
            loaded_rows, file_bytes AS loaded_bytes,
            source_files AS source_file_count,
            source_bytes AS source_file_bytes, files AS file_count_scanned,
            file_bytes AS file_bytes_scanned, errors AS error_count,
            -1::int8 AS copy_job_id
        FROM rsi.loads WHERE rsi.shown(userid)""",
    "sys_load_detail": """
        SELECT f.userid::int4 AS user_id, f.query AS query_id,
            f.name::char(256) AS file_name, f.bytes::int4 AS bytes_scanned,
            f.lines::int4 AS lines_scanned, 1 AS splits_scanned,
            f.curtime AS record_time, l.starttime AS start_time,
            f.curtime AS end_time
        FROM rsi.load_files f JOIN rsi.loads l USING (query)
        WHERE rsi.shown(f.userid)""",
    "sys_copy_replacements": """
        SELECT userid::int4 AS user_id, query AS query_id,
            tbl::int4 AS table_id, filename::char(256) AS file_name,
            line_number, colname::char(127) AS column_name
        FROM rsi.replacements WHERE rsi.shown(userid)""",
    "svv_columns": """
        SELECT c.table_catalog, c.table_schema, c.table_name, c.column_name,
            c.ordinal_position, c.column_default, c.is_nullable, c.data_type,
            c.character_maximum_length, c.numeric_precision,
            c.numeric_precision_radix, c.numeric_scale, c.datetime_precision,
            c.interval_type, c.interval_precision, c.character_set_catalog,
            c.character_set_schema, c.character_set_name,
            c.collation_catalog, c.collation_schema, c.collation_name,
            c.domain_name, pg_catalog.col_description(
                format('%%I.%%I', c.table_schema, c.table_name)::regclass,
                c.ordinal_position)::varchar AS remarks
        FROM information_schema.columns c""",
    "svv_tables": """
        SELECT t.table_catalog, t.table_schema, t.table_name, t.table_type,
            pg_catalog.obj_description(
                format('%%I.%%I', t.table_schema, t.table_name)::regclass,
                'pg_class')::varchar AS remarks
        FROM information_schema.tables t""",
    "svv_all_columns": """
        SELECT table_catalog AS database_name, table_schema AS schema_name,
            table_name, column_name, ordinal_position, column_default,
            is_nullable, data_type, character_maximum_length,
            numeric_precision, numeric_scale, NULL::varchar AS remarks
        FROM information_schema.columns""",
    "svv_all_tables": """
        SELECT table_catalog AS database_name, table_schema AS schema_name,
            table_name, table_type, NULL::varchar AS remarks
        FROM information_schema.tables""",
    "svv_relation_privileges": """
        SELECT n.nspname AS namespace_name, c.relname AS relation_name,
            a.privilege_type, a.grantee::int4 AS identity_id,
            coalesce(r.rolname, 'public') AS identity_name,
            CASE WHEN a.grantee = 0 THEN 'public' WHEN r.rolcanlogin
                THEN 'user' ELSE 'group' END AS identity_type,
            a.is_grantable AS admin_option
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            CROSS JOIN LATERAL aclexplode(c.relacl) a
            LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE c.relkind IN ('r', 'v') AND n.nspname NOT IN
            ('pg_catalog', 'information_schema', 'rsi')
            AND (pg_has_role(c.relowner, 'MEMBER')
                 OR pg_has_role(a.grantee, 'MEMBER'))""",
    "svv_column_privileges": """
        SELECT n.nspname AS namespace_name, c.relname AS relation_name,
            t.attname AS column_name, a.privilege_type,
            a.grantee::int4 AS identity_id,
            coalesce(r.rolname, 'public') AS identity_name,
            CASE WHEN a.grantee = 0 THEN 'public' WHEN r.rolcanlogin
                THEN 'user' ELSE 'group' END AS identity_type
        FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            CROSS JOIN LATERAL aclexplode(t.attacl) a
            LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE c.relkind IN ('r', 'v') AND NOT t.attisdropped
            AND n.nspname NOT IN
            ('pg_catalog', 'information_schema', 'rsi')
            AND (pg_has_role(c.relowner, 'MEMBER')
                 OR pg_has_role(a.grantee, 'MEMBER'))""",
    "pg_table_def": """
        SELECT n.nspname AS schemaname, c.relname AS tablename,
            a.attname AS "column",
            format_type(a.atttypid, a.atttypmod) AS type,
            rsi.encoding(a)::char(32) AS encoding,
            coalesce(k.distkey, false) AS distkey,
            coalesce(k.sortkey, 0) AS sortkey, a.attnotnull AS "notnull"
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN rsi.column_attributes k
                ON k.relid = a.attrelid AND k.attnum = a.attnum
        WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
            AND n.nspname = ANY (current_schemas(true))
            AND has_schema_privilege(n.oid, 'USAGE')""",
    "svv_table_info": """
        SELECT current_database()::text AS database, n.nspname::text AS
            schema, c.oid::int4 AS table_id, c.relname::text AS "table",
            rsi.is_encoded(c.oid) AS encoded,
            rsi.diststyle(c.oid) AS diststyle,
            (SELECT a.attname::text FROM rsi.column_attributes k
                JOIN pg_attribute a ON a.attrelid = k.relid
                    AND a.attnum = k.attnum
                WHERE k.relid = c.oid AND k.sortkey = 1) AS sortkey1,
            (SELECT max(a.atttypmod - 4) FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.atttypid = 1043)
                AS max_varchar,
            (SELECT count(*)::int4 FROM rsi.column_attributes k
                WHERE k.relid = c.oid AND k.sortkey > 0) AS sortkey_num,
            (pg_relation_size(c.oid) / 1048576 + 1)::int8 AS size,
            rsi.row_count(c.oid) AS tbl_rows
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND n.nspname NOT IN
            ('pg_catalog', 'information_schema', 'rsi')
            AND rsi.row_count(c.oid) > 0""",
}

# information_schema.columns has the columns that PostgreSQL 8.0 had, and tells
# an IDENTITY by its default (awslabs/amazon-redshift-utils, v_generate_tbl_ddl)
COLUMNS = """
DO $$
BEGIN
    IF to_regclass('information_schema.rsi_columns') IS NULL THEN
        ALTER VIEW information_schema.columns RENAME TO rsi_columns;
    END IF;
END $$;
CREATE OR REPLACE VIEW information_schema.columns AS
    SELECT table_catalog, table_schema, table_name, column_name,
        ordinal_position, CASE identity_generation
            WHEN 'ALWAYS' THEN format('"identity"(%s, %s, %L::text)',
                format('%I.%I', table_schema, table_name)::regclass::oid,
                ordinal_position - 1, identity_start || ',' ||
                identity_increment)
            WHEN 'BY DEFAULT' THEN format('"default_identity"(%s, %s, %L::text)',
                format('%I.%I', table_schema, table_name)::regclass::oid,
                ordinal_position - 1, identity_start || ',' ||
                identity_increment)
            ELSE column_default END::varchar AS column_default,
        is_nullable, data_type, character_maximum_length,
        character_octet_length, numeric_precision, numeric_precision_radix,
        numeric_scale, datetime_precision, interval_type, interval_precision,
        character_set_catalog, character_set_schema, character_set_name,
        collation_catalog, collation_schema, collation_name, domain_catalog,
        domain_schema, domain_name, udt_catalog, udt_schema, udt_name,
        scope_catalog, scope_schema, scope_name, maximum_cardinality,
        dtd_identifier, is_self_referencing
    FROM information_schema.rsi_columns;
GRANT SELECT ON information_schema.columns TO PUBLIC;
"""

SUPERUSERS_ONLY = ("svv_table_info",)
ISOLATION = {"snapshot": "Snapshot Isolation", "serializable": "Serializable"}


def make(ledger, config):
    if not ledger.value("SELECT 1 FROM pg_proc WHERE proname = "
                        "'rsi_backend_version'"):
        ledger.run("ALTER FUNCTION pg_catalog.version() "
                   "RENAME TO rsi_backend_version")
    ledger.run(FUNCTIONS)
    ledger.run(COLUMNS)
    values = {"slices": config["slices"], "sys_delay": config["sys_delay"],
              "isolation": ISOLATION[config["isolation"]]}
    for name, query in VIEWS.items():
        ledger.run("DROP VIEW IF EXISTS pg_catalog." + name)
        if config["serverless"] and name.startswith(("stl_", "stv_load_",
                                                     "stv_slices")):
            continue
        ledger.run("CREATE VIEW pg_catalog.%s AS %s"
                   % (name, query % values if "%" in query else query))
        if name not in SUPERUSERS_ONLY:
            ledger.run("GRANT SELECT ON pg_catalog.%s TO PUBLIC" % name)
