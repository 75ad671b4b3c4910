"""Functions of rsi: what a table has beyond PostgreSQL, and what may be done
to it.

Notes on distribution, sort keys, encodings and keys; the byte-counted widths;
the rules of ALTER TABLE (DG:r_ALTER_TABLE).  They run with the superuser's
rights, so those that change something check the owner first.
"""

FUNCTIONS = r"""
-- a table's writers take turns, readers go on: Redshift's write lock.  The
-- query that calls it takes the transaction's snapshot before the wait.
CREATE OR REPLACE FUNCTION rsi.write_lock(target regclass) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', target);
END $$;

CREATE OR REPLACE FUNCTION rsi.fail(code text, message text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message;
END $$;

CREATE OR REPLACE FUNCTION rsi.check_owner(target regclass) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    c pg_class;
BEGIN
    SELECT * INTO c FROM pg_class WHERE oid = target;
    IF NOT pg_has_role(session_user, c.relowner, 'MEMBER') THEN
        PERFORM rsi.fail('42501', 'must be owner of relation ' || c.relname);
    END IF;
END $$;

-- is a log row of this user shown to the current one?
CREATE OR REPLACE FUNCTION rsi.shown(userid int8) RETURNS bool
LANGUAGE sql STABLE AS $$
    SELECT rolsuper OR oid::int8 = userid FROM pg_catalog.pg_roles
    WHERE rolname = current_user
$$;

-- -- notes ---------------------------------------------------------------

CREATE OR REPLACE FUNCTION rsi.note_table(target regclass, diststyle text,
    sortstyle text, encode_auto bool) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $$
    INSERT INTO rsi.table_attributes VALUES ($1, $2, $3, $4)
    ON CONFLICT (relid) DO UPDATE SET diststyle = $2, sortstyle = $3,
        encode_auto = $4
$$;

-- NULL leaves as it is; keys are added
CREATE OR REPLACE FUNCTION rsi.note_column(target regclass, colname text,
    encode text, distkey bool, sortkey int, keys text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    number int2;
BEGIN
    SELECT attnum INTO number FROM pg_attribute
        WHERE attrelid = target AND attname = colname AND NOT attisdropped;
    IF number IS NULL THEN
        PERFORM rsi.fail('42703', format('column "%s" does not exist',
                                         colname));
    END IF;
    INSERT INTO rsi.column_attributes AS c VALUES (target, number, $3,
        coalesce($4, false), coalesce($5, 0), coalesce($6, ''))
    ON CONFLICT (relid, attnum) DO UPDATE SET
        encode = coalesce($3, c.encode), distkey = coalesce($4, c.distkey),
        sortkey = coalesce($5, c.sortkey), keys = c.keys || coalesce($6, '');
END $$;

-- CREATE TABLE (LIKE parent): all but the keys
CREATE OR REPLACE FUNCTION rsi.copy_attributes(target regclass,
    parent regclass) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $$
    INSERT INTO rsi.table_attributes
        SELECT target, diststyle, sortstyle, encode_auto
        FROM rsi.table_attributes WHERE relid = parent
        ON CONFLICT DO NOTHING;
    INSERT INTO rsi.column_attributes
        SELECT target, t.attnum, c.encode, c.distkey, c.sortkey, ''
        FROM rsi.column_attributes c
        JOIN pg_attribute p ON p.attrelid = c.relid AND p.attnum = c.attnum
        JOIN pg_attribute t ON t.attrelid = target AND t.attname = p.attname
        WHERE c.relid = parent
        ON CONFLICT DO NOTHING
$$;

CREATE OR REPLACE FUNCTION rsi.redistribute(target regclass, style text,
    dist text, sortstyle text, sorts text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO rsi.table_attributes AS t VALUES
        (target, nullif(style, 'AUTO'), $4, NULL)
        ON CONFLICT (relid) DO UPDATE SET
            diststyle = CASE WHEN style IS NULL THEN t.diststyle
                             ELSE nullif(style, 'AUTO') END,
            sortstyle = coalesce($4, t.sortstyle);
    IF style IS NOT NULL THEN
        UPDATE rsi.column_attributes SET distkey = false
            WHERE relid = target;
    END IF;
    IF dist IS NOT NULL THEN
        PERFORM rsi.note_column(target, dist, NULL, true, NULL, NULL);
    END IF;
    IF $4 IS NOT NULL THEN
        UPDATE rsi.column_attributes SET sortkey = 0 WHERE relid = target;
        PERFORM rsi.note_column(target, s.name, NULL, NULL, s.place::int,
                                NULL)
            FROM unnest(sorts) WITH ORDINALITY s(name, place);
    END IF;
END $$;

-- the encoding that the views show: what was said, else Redshift's default
CREATE OR REPLACE FUNCTION rsi.encoding(a pg_attribute) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT CASE
        WHEN k.encode NOT IN ('raw', 'auto') THEN k.encode
        WHEN k.encode = 'raw' OR k.sortkey > 0
            OR a.atttypid IN ('bool'::regtype, 'float4'::regtype,
                              'float8'::regtype) THEN 'none'
        WHEN a.atttypid IN ('bpchar'::regtype, 'varchar'::regtype) THEN 'lzo'
        ELSE 'az64' END
    FROM (SELECT 1) one LEFT JOIN rsi.column_attributes k
        ON k.relid = a.attrelid AND k.attnum = a.attnum
$$;

CREATE OR REPLACE FUNCTION rsi.is_encoded(target oid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT CASE WHEN t.encode_auto IS DISTINCT FROM false
        THEN 'Y, AUTO(ENCODE)' ELSE 'Y' END
    FROM (SELECT 1) one LEFT JOIN rsi.table_attributes t ON t.relid = target
$$;

CREATE OR REPLACE FUNCTION rsi.diststyle(target oid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT CASE
        WHEN t.diststyle IS NULL THEN 'AUTO(ALL)'
        WHEN t.diststyle = 'KEY' THEN (SELECT format('KEY(%s)', a.attname)
            FROM rsi.column_attributes k JOIN pg_attribute a
                ON a.attrelid = k.relid AND a.attnum = k.attnum
            WHERE k.relid = target AND k.distkey)
        ELSE t.diststyle END
    FROM (SELECT 1) one LEFT JOIN rsi.table_attributes t ON t.relid = target
$$;

CREATE OR REPLACE FUNCTION rsi.row_count(target oid) RETURNS numeric(38,0)
LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
DECLARE
    found numeric(38,0);
BEGIN
    EXECUTE format('SELECT count(*) FROM %s', target::regclass) INTO found;
    RETURN found;
END $$;

-- -- the rules of ALTER TABLE ----------------------------------------------

CREATE OR REPLACE FUNCTION rsi.check_drop(target regclass, colname text,
    shown text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found record;
BEGIN
    SELECT k.distkey, k.sortkey INTO found FROM rsi.column_attributes k
        JOIN pg_attribute a ON a.attrelid = k.relid AND a.attnum = k.attnum
        WHERE k.relid = target AND a.attname = colname;
    IF found.distkey THEN
        PERFORM rsi.fail('0A000', format('cannot drop distkey column "%s"',
                                         shown));
    ELSIF found.sortkey > 0 THEN
        PERFORM rsi.fail('0A000', format('cannot drop sortkey column "%s"',
                                         shown));
    END IF;
    IF (SELECT count(*) FROM pg_attribute WHERE attrelid = target
        AND attnum > 0 AND NOT attisdropped AND attname <> colname) = 0
    THEN
        PERFORM rsi.fail('0A000', format(
            'cannot drop column "%s": it is the last one', shown));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION rsi.check_width(target regclass, colname text,
    shown text, wanted int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    a pg_attribute;
    longest int;
    whole text := (SELECT relname FROM pg_class WHERE oid = target);
BEGIN
    PERFORM rsi.check_owner(target);
    SELECT * INTO a FROM pg_attribute
        WHERE attrelid = target AND attname = colname AND NOT attisdropped;
    IF a.attname IS NULL THEN
        PERFORM rsi.fail('42703', format('column "%s" of relation "%s" does '
            'not exist', shown, whole));
    ELSIF a.atttypid <> 'varchar'::regtype THEN
        PERFORM rsi.fail('0A000', 'ALTER COLUMN TYPE is not supported');
    ELSIF a.atttypmod - 4 = wanted THEN
        PERFORM rsi.fail('0A000', format('cannot alter column "%s" of '
            'relation "%s", target column size should be different', shown,
            whole));
    ELSIF a.atthasdef THEN
        PERFORM rsi.fail('0A000', format('cannot alter column "%s" of '
            'relation "%s": it has a default value', shown, whole));
    ELSIF rsi.encoding(a) IN ('bytedict', 'runlength', 'text255', 'text32k')
    THEN
        PERFORM rsi.fail('0A000', format('cannot alter column "%s" of '
            'relation "%s" with encode type %s', shown, whole,
            rsi.encoding(a)));
    ELSIF EXISTS (SELECT 1 FROM rsi.column_attributes k
        WHERE k.relid = target AND k.attnum = a.attnum AND k.keys <> '')
    THEN
        PERFORM rsi.fail('0A000', format('cannot alter column "%s" of '
            'relation "%s": it has a UNIQUE, PRIMARY KEY or FOREIGN KEY '
            'constraint', shown, whole));
    END IF;
    EXECUTE format('SELECT max(octet_length(%I)) FROM %s', colname, target)
        INTO longest;
    IF longest > wanted THEN
        PERFORM rsi.fail('0A000', format('cannot alter column "%s" of '
            'relation "%s": a value of %s bytes is longer than %s', shown,
            whole, longest, wanted));
    END IF;
END $$;

-- ALTER TABLE APPEND: both tables alike in every column
CREATE OR REPLACE FUNCTION rsi.append(target regclass, source regclass)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    differing int;
BEGIN
    PERFORM rsi.check_owner(target), rsi.check_owner(source);
    SELECT count(*) INTO differing FROM rsi.shape(target) t
        FULL JOIN rsi.shape(source) s USING (place, name, type, not_null,
            encoding, distkey, sortkey)
        WHERE t.place IS NULL OR s.place IS NULL;
    IF differing > 0 THEN
        PERFORM rsi.fail('0A000', 'ALTER TABLE APPEND: the columns of the '
            'source and the target table are not identical');
    END IF;
    EXECUTE format('INSERT INTO %s SELECT * FROM %s', target, source);
    EXECUTE format('TRUNCATE %s', source);
END $$;

CREATE OR REPLACE FUNCTION rsi.shape(target regclass) RETURNS TABLE (
    place int8, name text, type text, not_null bool, encoding text,
    distkey bool, sortkey int)
LANGUAGE sql SECURITY DEFINER AS $$
    SELECT row_number() OVER (ORDER BY a.attnum), a.attname::text,
        format_type(a.atttypid, a.atttypmod), a.attnotnull, rsi.encoding(a),
        coalesce(k.distkey, false), coalesce(k.sortkey, 0)
    FROM pg_attribute a LEFT JOIN rsi.column_attributes k
        ON k.relid = a.attrelid AND k.attnum = a.attnum
    WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped
$$;

-- MERGE reads a table, never a view
CREATE OR REPLACE FUNCTION rsi.check_merge_source(source regclass)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = source) <> 'r' THEN
        PERFORM rsi.fail('0A000', 'MERGE: the source must be a table');
    END IF;
END $$;

-- -- widths in bytes --------------------------------------------------------

-- VARCHAR(n) and CHAR(n) count bytes.  Each such column has a check; its name
-- says what the error needs: rsi_<type>_<width>_<column number>.
-- One statement changes them all: a table may have 1600 columns.
CREATE OR REPLACE FUNCTION rsi.byte_checks(target oid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    changes text;
BEGIN
    WITH wanted AS (
        SELECT attnum, attname, atttypmod - 4 AS width, format(
            'rsi_%s_%s_%s', CASE atttypid WHEN 'varchar'::regtype
                THEN 'varchar' ELSE 'char' END, atttypmod - 4, attnum) AS label
        FROM pg_attribute
        WHERE attrelid = target AND attnum > 0 AND NOT attisdropped
            AND atttypid IN ('varchar'::regtype, 'bpchar'::regtype)
            AND atttypmod > 4
    ), found AS (
        SELECT conname::text AS label,
            substring(conname FROM '^rsi_[a-z]+_\d+_(\d+)$')::int AS attnum
        FROM pg_constraint
        WHERE conrelid = target AND contype = 'c'
    )
    SELECT string_agg(change, ', ') INTO changes FROM (
        SELECT format('DROP CONSTRAINT %I', f.label) AS change
        FROM found f JOIN wanted w USING (attnum) WHERE f.label <> w.label
        UNION ALL
        SELECT format('ADD CONSTRAINT %I CHECK (octet_length(%I) <= %s) '
            'NOT VALID', label, attname, width)
        FROM wanted WHERE label NOT IN (SELECT label FROM found)
    ) x;
    IF changes IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s %s', target::regclass, changes);
    END IF;
END $$;

-- CREATE TABLE AS and the like leave text and numeric columns without a size
-- behind; there are no such types in Redshift
CREATE OR REPLACE FUNCTION rsi.give_sizes(target oid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    found record;
BEGIN
    FOR found IN SELECT attname, CASE WHEN atttypid = 'numeric'::regtype
            THEN 'numeric(38,10)' ELSE 'varchar(65535)' END AS type
        FROM pg_attribute
        WHERE attrelid = target AND attnum > 0 AND NOT attisdropped
            AND (atttypid = 'text'::regtype OR atttypmod < 0
                 AND atttypid IN ('varchar'::regtype, 'numeric'::regtype))
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s',
                       target::regclass, found.attname, found.type);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION rsi.after_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    target oid;
BEGIN
    FOR target IN SELECT DISTINCT d.objid
        FROM pg_event_trigger_ddl_commands() d JOIN pg_class c
            ON c.oid = d.objid AND d.classid = 'pg_class'::regclass
        WHERE c.relkind = 'r' AND c.relnamespace NOT IN (
            'pg_catalog'::regnamespace, 'rsi'::regnamespace)
    LOOP
        PERFORM rsi.give_sizes(target);
        PERFORM rsi.byte_checks(target);
    END LOOP;
END $$;

DROP EVENT TRIGGER IF EXISTS rsi_after_ddl;
CREATE EVENT TRIGGER rsi_after_ddl ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO',
                 'ALTER TABLE')
    EXECUTE FUNCTION rsi.after_ddl();
"""
