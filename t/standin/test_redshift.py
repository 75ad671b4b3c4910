#!/usr/bin/python3
"""The Redshift stand-in at its door and in its SQL: startup, logins, what is
refused, types, names, catalog, the extended protocol.  COPY has its own test,
and so have transactions and faults."""

import json
import subprocess
import sys

sys.dont_write_bytecode = True

from libpq import IDLE, IN_ERROR, IN_TRANSACTION      # noqa: E402
from rsworld import World, finish, ok, refused, same  # noqa: E402

# -- refusals: statement, SQLSTATE, text -------------------------------

REFUSED = (
    ("SELECT E'a'", "42704", 'type "e" does not exist'),
    ("SELECT $$a$$", "42601", r'syntax error at or near "\$\$"'),
    ("SELECT 'a", "42601", "unterminated quoted string"),
    ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", "42601",
     'at or near "ON"'),
    ("INSERT INTO t VALUES (1) RETURNING a", "42601", 'near "RETURNING"'),
    ("DELETE FROM t RETURNING a", "42601", 'near "RETURNING"'),
    ("DELETE FROM t x USING u WHERE x.a = u.a", "42601", 'near "x"'),
    ("UPDATE t x SET a = 1", "42601", 'near "x"'),
    ("SAVEPOINT s", "0A000", "SAVEPOINT"),
    ("ROLLBACK TO s", "42601", 'near "TO"'),
    ("COPY t FROM STDIN", "0A000", "LOAD source is not supported"),
    ("COPY t FROM '/tmp/x'", "0A000", "LOAD source is not supported"),
    ("COPY t TO 's3://b/k'", "42601", 'near "TO"'),
    ("COPY (SELECT 1) TO STDOUT", "42601", r'near "\("'),
    ("UNLOAD ('SELECT 1') TO 's3://b/k'", "0A000", "UNLOAD"),
    ("DEALLOCATE ALL", "42601", 'near "ALL"'),
    ("DISCARD ALL", "42601", 'near "DISCARD"'),
    ("LISTEN x", "42601", 'near "LISTEN"'),
    ("DO 'x'", "42601", 'near "DO"'),
    ("VALUES (1)", "42601", 'near "VALUES"'),
    ("TABLE t", "42601", 'near "TABLE"'),
    ("SELECT * FROM (VALUES (1)) v", "42601", 'near "VALUES"'),
    ("SELECT DISTINCT ON (a) a FROM t", "42601", 'near "ON"'),
    ("SELECT a FROM t FOR UPDATE", "0A000", "FOR UPDATE"),
    ("SELECT 1 IS NOT DISTINCT FROM 2", "42601", 'near "DISTINCT"|near "NOT"'),
    ("SELECT string_agg(b, ',') FROM t", "42883", "string_agg"),
    ("SELECT pg_advisory_lock(1)", "42883", "pg_advisory_lock"),
    ("SELECT gen_random_uuid()", "42883", "gen_random_uuid"),
    ("SELECT '1'::uuid", "0A000", "unsupported type"),
    ("SELECT CAST('1' AS jsonb)", "0A000", "unsupported type"),
    ("SELECT ARRAY[1]", "0A000", "arrays"),
    ("WITH x AS (DELETE FROM t) SELECT 1", "42601", 'near "DELETE"'),
    ("SELECT current_setting('server_version_num')", "42704",
     "server_version_num"),
    ("SHOW server_version_num", "42704", "server_version_num"),
    ("SHOW standard_conforming_strings", "42704", "standard_conforming"),
    ("SET standard_conforming_strings TO on", "42704", "standard_conforming"),
    ("SET lock_timeout TO 1", "42704", "lock_timeout"),
    ("SET extra_float_digits TO 3", "22023", "outside the valid range"),
    ("SET server_version TO '15'", "55P02", "cannot be changed"),
    ("SET ROLE boss", "0A000", "AUTHORIZATION"),
    ("CREATE INDEX i ON t (a)", "0A000", "CREATE INDEX.* not supported"),
    ("CREATE UNIQUE INDEX i ON t (a)", "0A000", "not supported"),
    ("CREATE SEQUENCE s", "42601", 'near "SEQUENCE"'),
    ("CREATE TRIGGER x", "42601", 'near "TRIGGER"'),
    ("CREATE EXTENSION x", "42601", 'near "EXTENSION"'),
    ("CREATE UNLOGGED TABLE x (a int)", "42601", 'near "UNLOGGED"'),
    ("CREATE TABLE x (a uuid)", "0A000",
     'Column "x.a" has unsupported type "uuid"'),
    ("CREATE TABLE x (a serial)", "0A000", '"serial"'),
    ("CREATE TABLE x (a json)", "0A000", '"json"'),
    ("CREATE TABLE x (a bytea)", "0A000", '"bytea"'),
    ("CREATE TABLE x (a interval)", "0A000", '"interval"'),
    ("CREATE TABLE x (a int[])", "42601", r'near "\["'),
    ("CREATE TABLE x (a super)", "0A000", "stand-in does not support"),
    ("CREATE TABLE x (a nosuch)", "42704", 'type "nosuch" does not exist'),
    ("CREATE TABLE x (a varchar(65536))", "22023", "cannot exceed 65535"),
    ("CREATE TABLE x (a varchar(0))", "22023", "at least 1"),
    ("CREATE TABLE x (a char(4097))", "22023", "cannot exceed 4096"),
    ("CREATE TABLE x (a decimal(39,0))", "22023", "between 1 and 38"),
    ("CREATE TABLE x (a decimal(5,6))", "22023", "between 0 and"),
    ("CREATE TABLE x (a decimal(38,38))", "22023", "scale"),
    ("CREATE TABLE x (\"oid\" int)", "42701", "system column"),
    ("CREATE TABLE x (\"ctid\" int)", "42701", "system column"),
    ("CREATE TABLE x (\"XMIN\" int)", "42701", "system column"),
    ("CREATE TABLE x (tag int)", "42601", 'near "tag"'),
    ("CREATE TABLE x (a int, open int)", "42601", 'near "open"'),
    ("CREATE TABLE user (a int)", "42601", 'near "user"'),
    ("CREATE TABLE x (a int CHECK (a > 1))", "0A000", "CHECK"),
    ("CREATE TABLE x (a int ENCODE nosuch)", "42601", 'near "nosuch"'),
    ("CREATE TABLE x (a varchar(9) ENCODE az64)", "0A000",
     "invalid encoding type"),
    ("CREATE TABLE x (a int) DISTKEY (b)", "42703", "named in key"),
    ("CREATE TABLE x (a int) SORTKEY (b)", "42703", "named in key"),
    ("CREATE TABLE x (a int DISTKEY, b int DISTKEY)", "42P16", "multiple"),
    ("CREATE TABLE x (a int) DISTSTYLE SOME", "42601", 'near "SOME"'),
    ("CREATE TABLE x (a int) WITH (fillfactor=10)", "42601", 'near "WITH"'),
    ("CREATE TABLE x (a int) PARTITION BY LIST (a)", "42601", "PARTITION"),
    ("CREATE TABLE x (LIKE t) SORTKEY (a)", "0A000", "LIKE"),
    ("CREATE TABLE x ()", "42601", r'near "\)"'),
    ("CREATE TABLE x (a int, A int)", "42701", "more than once"),
    ("CREATE TABLE x (%s)" % ", ".join("c%d int" % i for i in range(1601)),
     "54011", "at most 1600 columns"),
    ("CREATE TABLE \"\" (a int)", "42601", "zero-length"),
    ("ALTER TABLE t ADD COLUMN x int, ADD COLUMN y int", "42601", 'near ","'),
    ("ALTER TABLE t ADD COLUMN IF NOT EXISTS x int", "42601", 'near "NOT"'),
    ("ALTER TABLE t ADD COLUMN x int NOT NULL", "0A000",
     "must have a non-null default"),
    ("ALTER TABLE t ADD COLUMN x int PRIMARY KEY", "0A000", "key"),
    ("ALTER TABLE t ADD COLUMN x int IDENTITY(1,1)", "0A000", "identity"),
    ("ALTER TABLE t ADD COLUMN ctid int", "42701", "system column"),
    ("ALTER TABLE t ALTER COLUMN a TYPE bigint", "0A000",
     "ALTER COLUMN TYPE is not supported"),
    ("ALTER TABLE t ALTER COLUMN a TYPE varchar(9)", "0A000",
     "ALTER COLUMN TYPE is not supported"),
    ("ALTER TABLE t ALTER COLUMN b TYPE varchar(99) USING b", "0A000",
     "USING"),
    ("ALTER TABLE t ALTER COLUMN b SET DEFAULT 'x'", "0A000", "DEFAULT"),
    ("ALTER TABLE t ALTER COLUMN b DROP NOT NULL", "0A000", "NOT NULL"),
    ("ALTER TABLE t SET SCHEMA s", "42601", 'near "SET"'),
    ("ALTER TABLE t RENAME TO public.x", "42601", r'near "\."'),
    ("ALTER TABLE IF EXISTS t ADD COLUMN x int", "42601", "near"),
    ("LOCK TABLE t IN SHARE MODE", "42601", 'near "IN"'),
    ("TRUNCATE t, t", "42601", 'near ","'),
    ("TRUNCATE t CASCADE", "42601", 'near "CASCADE"'),
    ("EXPLAIN ANALYZE SELECT 1", "42601", 'near "ANALYZE"'),
    ("MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE", "42601",
     "end of input"),
    ("MERGE INTO t USING (SELECT 1 a) u ON t.a = u.a WHEN MATCHED THEN DELETE "
     "WHEN NOT MATCHED THEN INSERT VALUES (1)", "42601", r'near "\("'),
    ("MERGE INTO t USING u ON t.a = u.a WHEN MATCHED AND t.a = 1 THEN DELETE "
     "WHEN NOT MATCHED THEN INSERT VALUES (1)", "42601", 'near "AND"'),
    ("SELECT now(), a FROM t", "0A000", "not supported on Redshift tables"),
    ("SELECT current_timestamp FROM t", "0A000", "on Redshift tables"),
    ("UPDATE t SET b = current_schema()", "0A000", "on Redshift tables"),
    ("SELECT * FROM t, pg_class", "0A000", "on Redshift tables"),
    ("INSERT INTO t (b) SELECT relname FROM pg_class", "0A000",
     "on Redshift tables"),
    ("CREATE TABLE x AS SELECT * FROM pg_table_def", "0A000",
     "on Redshift tables"),
    ("SELECT * INTO x FROM information_schema.tables", "0A000",
     "on Redshift tables"),
    ("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM svv_tables)", "0A000",
     "on Redshift tables"),
    ("SELECT rolname FROM pg_roles", "42P01", '"pg_roles"'),
    ("SELECT attidentity FROM pg_attribute", "42703", '"attidentity"'),
    ("SELECT * FROM nosuch", "42P01", 'relation "nosuch" does not exist'),
    ("SELECT * FROM svv_table_info", "42501", "permission denied for relation"),
)

# in a transaction block only
REFUSED_IN_BLOCK = (
    ("VACUUM t", "VACUUM cannot run inside a transaction block"),
    ("ALTER TABLE t ALTER COLUMN b TYPE varchar(50)",
     "ALTER TABLE ALTER COLUMN cannot run inside a transaction block"),
    ("ALTER TABLE t APPEND FROM u",
     "ALTER TABLE APPEND cannot run inside a transaction block"),
)


def test_refusals(db):
    db.run("CREATE TABLE t (a int, b varchar(10))")
    db.run("CREATE TABLE u (a int, b varchar(10))")
    for sql, code, text in REFUSED:
        refused(lambda s=sql: db.run(s), code, text, "refused: " + sql[:60])
    for sql, text in REFUSED_IN_BLOCK:
        db.run("BEGIN")
        refused(lambda s=sql: db.run(s), "25001", text, "in a block: " + sql)
        same(db.status, IN_ERROR, "and the block has failed")
        db.run("ROLLBACK")
    refused(lambda: db.run("SELECT 1; VACUUM t"), "25001", "VACUUM",
            "in one message with another statement")
    refused(lambda: db.run("SELECT '%s'" % ("x" * (16 << 20))), "54001",
            "Statement is too large", "a statement over 16 MB")
    db.run("DROP TABLE t")
    db.run("DROP TABLE u")


# -- the door ----------------------------------------------------------

def test_startup(world, rs):
    db = rs.connect()
    same(db.version, 80002, "libpq sees server version 8.0.2")
    same(db.parameter("client_encoding"), "UNICODE", "encoding UNICODE")
    same(db.parameter("standard_conforming_strings"), None,
         "standard_conforming_strings is not reported")
    same(db.parameter("application_name"), None, "nor is application_name")
    ok("Redshift 1.0." in db.value("SELECT version()"), "version()")
    same(db.value("SHOW server_version"), "8.0.2", "SHOW server_version")
    same(db.value("SELECT pg_backend_pid()"), str(db.pid),
         "pg_backend_pid() is the pid of the key data")
    db.close()
    for options, text in (
            ("-c geqo=off", '"geqo"'),
            ("-c standard_conforming_strings=on",
             "standard_conforming_strings"),
            ("-c IntervalStyle=iso_8601", "IntervalStyle"),
            ("-c extra_float_digits=3", "extra_float_digits"),
            ("-c lock_timeout=1", "lock_timeout")):
        refused(lambda o=options: rs.connect(options=o), None,
                "FATAL.*" + text, "startup refuses " + options)
    db = rs.connect(options="-c statement_timeout=5000 -c "
                    "extra_float_digits=2 -c query_group=q",
                    client_encoding="UTF8", application_name="x")
    same(db.value("SHOW statement_timeout"), "5s", "startup sets what exists")
    same(db.value("SHOW query_group"), "q", "and what only Redshift has")
    db.close()
    refused(lambda: rs.connect(dbname="nosuch"), None,
            'FATAL:  database "nosuch" does not exist', "unknown database")
    refused(lambda: rs.connect(gssencmode="require"), None, "GSSAPI",
            "GSS encryption is not there")
    refused(lambda: rs.connect(sslmode="require"), None,
            "server does not support SSL", "nor TLS without a certificate")


def test_logins(world, rs):
    def failures():
        with open(rs.path("lockout.json"), encoding="utf-8") as f:
            return json.load(f)["other"]["failures"]

    refused(lambda: rs.connect("nobody"), None,
            'FATAL:  password authentication failed for user "nobody"',
            "unknown user")
    refused(lambda: rs.connect("other", password="wrong"), None,
            'password authentication failed for user "other"',
            "wrong password")
    same(failures(), 1, "counted")
    rs.connect("other").close()
    same(failures(), 0, "a right one starts the count anew")
    for _ in range(4):
        refused(lambda: rs.connect("other", password="wrong"), None,
                "authentication failed", "wrong again")
    rs.connect("other").close()
    for _ in range(5):
        refused(lambda: rs.connect("other", password="wrong"), None,
                "authentication failed", "and five times")
    refused(lambda: rs.connect("other"), None, "FATAL.*locked",
            "then the right one is refused too")
    rs.connect("loader").close()
    rs.write("lockout.json", {})
    rs.connect("other").close()
    ok(True, "an administrator unlocks")
    for _ in range(6):
        refused(lambda: rs.connect("boss", password="wrong"), None,
                "authentication failed", "a superuser")
    rs.connect("boss").close()
    ok(True, "is never locked")


def test_other_doors(world):
    certificate = make_certificate(world)
    plain = world.redshift("doors", auth="cleartext", require_ssl=True,
                           tls_cert=certificate[0], tls_key=certificate[1])
    refused(plain.connect, None, "no pg_hba.conf entry.*SSL off",
            "require_ssl refuses plain connections")
    tls = {"sslmode": "verify-full", "sslrootcert": certificate[0]}
    refused(lambda: plain.connect(**tls), None, "does not match host name",
            "the certificate is for the cluster's name")
    db = plain.connect(host="cluster.example.test", hostaddr="127.0.0.1",
                       **tls)
    same(db.value("SELECT 1"), "1", "host + hostaddr: verify-full, cleartext")
    db.close()
    refused(lambda: plain.connect(sslmode="require", password="no"), None,
            "authentication failed", "cleartext: wrong password")
    digest = world.redshift("digest", auth="digest13")
    refused(digest.connect, None, "authentication method 13 not supported",
            "Redshift's own digest is nothing for libpq")
    # sslmode=prefer makes two attempts of one wrong password
    both = world.redshift("prefer", tls_cert=certificate[0],
                          tls_key=certificate[1])
    refused(lambda: both.connect(sslmode="prefer", password="no"), None,
            "authentication failed", "sslmode=prefer, wrong password")
    with open(both.path("lockout.json"), encoding="utf-8") as f:
        same(json.load(f)["loader"]["failures"], 2, "counts twice")


def make_certificate(world):
    cert, key = world.dir + "/cert.pem", world.dir + "/key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=cluster.example.test", "-addext",
         "subjectAltName=DNS:cluster.example.test", "-keyout", key, "-out",
         cert], check=True, stderr=subprocess.DEVNULL)
    return cert, key


# -- literals, names, types --------------------------------------------

def test_literals(db):
    same(db.value(r"SELECT 'a\\b\'c''d\101\ttab'"), "a\\b'c'dA\ttab",
         "backslash escapes in plain literals")
    same(db.value("SELECT 'a\\N'"), "aN", "an unknown escape is its letter")
    same(db.rows("SELECT 'é\u2603😀'"), [["é\u2603😀"]], "UTF-8 passes")
    same(db.value("SELECT 'x' -- 'comment\n"), "x", "a comment at the end")
    same(db.value("SELECT /* ' /* \" */ */ 'y'"), "y", "a nested comment")
    same(db.value("SELECT 'a'\n'b'"), "ab", "literals on two lines are one")
    refused(lambda: db.run(r"SELECT '\000'"), "22021", "0x00", "NUL")
    same(db.run("SELECT 1; SELECT 2").rows, [["2"]], "two in one message")
    same(db.run("").tag, "", "an empty query")
    same(db.value("SELECT nvl(NULL, 'x')"), "x", "NVL")
    ok(db.value("SELECT SYSDATE"), "SYSDATE")
    ok(db.value("SELECT getdate()"), "GETDATE()")
    ok(db.rows("SELECT now(), current_schema(), count(*) FROM pg_class p JOIN "
               "pg_namespace n ON n.oid = p.relnamespace"),
       "the leader's functions with the catalog")
    ok(db.rows("SELECT count(*) FROM stl_load_errors l, pg_user u WHERE "
               "l.userid = u.usesysid AND session = pg_backend_pid()"),
       "the logs with the catalog")


def test_names(world, rs, db):
    db.run('CREATE TABLE "MiXed" ("CamelCase" int, "Tag" int, "Ä" int)')
    same(db.run('SELECT * FROM mixed').columns, ["camelcase", "tag", "Ä"],
         "ASCII folds to lower case even in quotes, other letters stay")
    db.run("INSERT INTO MIXED (\"CAMELCASE\") VALUES (1)")
    same(db.value('SELECT "CamelCase" FROM "MIXED"'), "1", "everywhere")
    db.run("DROP TABLE mixed")
    long_name = "n" * 100
    other = "n" * 99 + "m"
    db.run('CREATE TABLE "%s" ("%s" int, "%s" int)' % (long_name, long_name,
                                                       other))
    db.run('INSERT INTO "%s" VALUES (1, 2)' % long_name.upper())
    found = db.run("SELECT * FROM %s" % long_name)
    same(found.columns, [long_name, other], "names of 100 bytes stay apart")
    same(found.rows, [["1", "2"]], "and so do the columns' values")
    same(db.rows("SELECT column_name FROM information_schema.columns WHERE "
                 "table_name = '%s' ORDER BY ordinal_position" % long_name),
         [[long_name], [other]], "the catalog shows them whole")
    refused(lambda: db.run('SELECT "%s" FROM "%s"' % ("z" * 80, long_name)),
            "42703", "z" * 80, "errors name them whole")
    cut = "k" * 126 + "é"
    db.run('CREATE TABLE c ("%s" int)' % cut)
    same(db.run("SELECT * FROM c").columns, ["k" * 126],
         "127 bytes, cut at a character")
    refused(lambda: db.run('CREATE TABLE d ("%s1" int, "%s2" int)'
                           % ("k" * 127, "k" * 127)), "42701",
            "more than once", "names that collide after the cut")
    db.run("DROP TABLE c")
    db.run('DROP TABLE "%s"' % long_name)
    db.run("SET enable_case_sensitive_identifier TO true")
    db.run('CREATE TABLE s ("A" int, "a" int, B int)')
    same(db.run("SELECT * FROM s").columns, ["A", "a", "b"],
         "enable_case_sensitive_identifier")
    db.run("DROP TABLE s")
    db.run("RESET enable_case_sensitive_identifier")
    db.run("CREATE TABLE #tmp (a int)")
    same(db.value("SELECT count(*) FROM #tmp"), "0", "a name with # is there")
    again = rs.connect()
    refused(lambda: again.run("SELECT * FROM #tmp"), "42P01", "#tmp",
            "and temporary")
    again.close()


TYPES = (
    # declared, information_schema's data_type, length, precision, scale
    ("varchar", "character varying", "256", None, None),
    ("text", "character varying", "256", None, None),
    ("nvarchar", "character varying", "256", None, None),
    ("varchar(max)", "character varying", "65535", None, None),
    ("character varying(7)", "character varying", "7", None, None),
    ("char", "character", "1", None, None),
    ("bpchar", "character", "256", None, None),
    ("nchar(3)", "character", "3", None, None),
    ("decimal", "numeric", None, "18", "0"),
    ("numeric(5)", "numeric", None, "5", "0"),
    ("decimal(38,37)", "numeric", None, "38", "37"),
    ("int2", "smallint", None, "16", "0"),
    ("int", "integer", None, "32", "0"),
    ("bigint", "bigint", None, "64", "0"),
    ("real", "real", None, "24", None),
    ("float", "double precision", None, "53", None),
    ("double precision", "double precision", None, "53", None),
    ("bool", "boolean", None, None, None),
    ("date", "date", None, None, None),
    ("timestamp", "timestamp without time zone", None, None, None),
    ("timestamp without time zone", "timestamp without time zone", None, None,
     None),
    ("timestamptz", "timestamp with time zone", None, None, None),
    ("timestamp with time zone", "timestamp with time zone", None, None,
     None),
    ("time", "time without time zone", None, None, None),
)


def test_types(db):
    db.run("CREATE TABLE t (%s)" % ", ".join(
        "c%d %s" % (i, row[0]) for i, row in enumerate(TYPES)))
    found = db.rows(
        "SELECT data_type, character_maximum_length, numeric_precision, "
        "numeric_scale FROM information_schema.columns WHERE table_name = 't' "
        "ORDER BY ordinal_position")
    for (declared, *want), got in zip(TYPES, found):
        same(got, want, "type " + declared)
    same(db.value("SELECT count(*) FROM svv_columns WHERE table_name = 't'"),
         str(len(TYPES)), "svv_columns has them too")
    db.run("DROP TABLE t")


def test_bytes(db):
    """VARCHAR(n) counts bytes, wherever the value comes from."""
    db.run("CREATE TABLE t (v varchar(4), c char(4))")
    db.run("INSERT INTO t (v) VALUES ('éé')")
    refused(lambda: db.run("INSERT INTO t (v) VALUES ('ééa')"), "22001",
            r"value too long for type character varying\(4\)",
            "INSERT: 3 characters, 5 bytes")
    refused(lambda: db.run("INSERT INTO t (v) VALUES ('abcde')"), "22001",
            r"character varying\(4\)", "INSERT: 5 characters")
    refused(lambda: db.run("UPDATE t SET v = '€€'"), "22001",
            r"character varying\(4\)", "UPDATE")
    refused(lambda: db.run("INSERT INTO t (c) VALUES ('é')"), "22001",
            r"character\(4\)", "CHAR holds single bytes")
    db.run("INSERT INTO t (v) VALUES ('ab      ')")
    ok(True, "blanks beyond the width may go")
    db.run("CREATE TABLE like_t (LIKE t)")
    refused(lambda: db.run("INSERT INTO like_t (v) VALUES ('ééé')"), "22001",
            "too long", "CREATE TABLE (LIKE)")
    db.run("CREATE TABLE as_t AS SELECT v, upper(v) AS u FROM t")
    refused(lambda: db.run("INSERT INTO as_t (v) VALUES ('ééé')"), "22001",
            "too long", "CREATE TABLE AS")
    same(db.rows("SELECT data_type, character_maximum_length FROM "
                 "information_schema.columns WHERE table_name = 'as_t'"),
         [["character varying", "4"], ["character varying", "65535"]],
         "which has no text columns")
    db.run("ALTER TABLE t ALTER COLUMN v TYPE varchar(6)")
    db.run("INSERT INTO t (v) VALUES ('ééé')")
    refused(lambda: db.run("INSERT INTO t (v) VALUES ('éééé')"), "22001",
            r"character varying\(6\)", "after ALTER COLUMN TYPE")
    db.run("ALTER TABLE t ADD COLUMN w varchar(2)")
    refused(lambda: db.run("INSERT INTO t (w) VALUES ('éa')"), "22001",
            r"character varying\(2\)", "after ADD COLUMN")
    for name in ("t", "like_t", "as_t"):
        db.run("DROP TABLE " + name)


# -- tables ------------------------------------------------------------

def test_tables(rs, db):
    db.run("CREATE TABLE t (a int NOT NULL ENCODE raw, b varchar(10) ENCODE "
           "zstd, c date DEFAULT '2020-01-01', d bool, k int PRIMARY KEY) "
           "BACKUP NO DISTSTYLE KEY DISTKEY (a) COMPOUND SORTKEY (c, a)")
    same(db.rows('SELECT "column", type, trim(encoding), distkey, sortkey, '
                 '"notnull" FROM pg_table_def WHERE tablename = \'t\''),
         [["a", "integer", "none", "t", "2", "t"],
          ["b", "character varying(10)", "zstd", "f", "0", "f"],
          ["c", "date", "none", "f", "1", "f"],
          ["d", "boolean", "none", "f", "0", "f"],
          ["k", "integer", "az64", "f", "0", "t"]],
         "pg_table_def: encodings, distribution and sort key")
    db.run("INSERT INTO t (a, k) VALUES (1, 7), (2, 7)")
    ok(True, "a primary key is not enforced")
    same(db.value("SELECT count(*) FROM t WHERE c = '2020-01-01'"), "2",
         "a default is")
    refused(lambda: db.run("ALTER TABLE t DROP COLUMN a"), "0A000", "distkey",
            "the distribution key stays")
    refused(lambda: db.run("ALTER TABLE t DROP COLUMN c"), "0A000", "sortkey",
            "and the sort key")
    db.run("CREATE TEMP TABLE s (LIKE t INCLUDING DEFAULTS)")
    same(db.rows('SELECT "column", trim(encoding), distkey, sortkey FROM '
                 'pg_table_def WHERE tablename = \'s\' AND "column" = \'a\''),
         [["a", "none", "t", "2"]], "LIKE copies them")
    db.run("DROP TABLE s")
    boss = rs.connect("boss")
    same(boss.rows('SELECT diststyle, sortkey1, tbl_rows FROM svv_table_info '
                   'WHERE "table" = \'t\''), [["KEY(a)", "c", "2"]],
         "svv_table_info, for a superuser")
    boss.close()
    db.run("ALTER TABLE t ADD COLUMN e varchar(5) ENCODE text255")
    db.run("ALTER TABLE t ADD COLUMN f int NOT NULL DEFAULT 5")
    db.run("ALTER TABLE t RENAME COLUMN f TO g")
    same(db.value("SELECT max(g) FROM t"), "5", "ADD and RENAME COLUMN")
    db.run("COMMENT ON TABLE t IS 'what''s it'")
    same(db.value("SELECT remarks FROM svv_tables WHERE table_name = 't'"),
         "what's it", "a comment, in svv_tables")
    db.run("DROP TABLE t")
    db.run("CREATE TABLE i (id int IDENTITY(10,5), v int)")
    db.run("INSERT INTO i (v) VALUES (1), (2)")
    same(db.rows("SELECT id FROM i ORDER BY v"), [["10"], ["15"]], "IDENTITY")
    db.run("DROP TABLE i")
    db.run("CREATE TABLE IF NOT EXISTS e (a int)")
    db.notices.clear()
    db.run("CREATE TABLE IF NOT EXISTS e (a int, b int SORTKEY)")
    same(db.notices, [("INFO", 'Relation "e" already exists and will be '
                       "skipped")], "IF NOT EXISTS looks at the name only")
    db.run("DROP TABLE e")
    db.notices.clear()
    db.run("DROP TABLE IF EXISTS e")
    same(db.notices, [("INFO", 'Table "e" does not exist and will be '
                       "skipped")], "DROP IF EXISTS")
    db.run("CREATE TABLE x DISTKEY (a) SORTKEY (a) AS SELECT 1 AS a")
    same(db.value("SELECT distkey FROM pg_table_def WHERE tablename = 'x'"),
         "t", "CREATE TABLE AS with attributes")
    db.run("DROP TABLE x")
    refused(lambda: rs.connect().run("CREATE SCHEMA s"), "42501",
            "permission denied", "CREATE SCHEMA needs the right")


WIDENINGS = (
    # column definition, value, new type, error or None
    ("varchar(4)", "'abcd'", "varchar(5)", None),
    ("varchar(9)", "'abcd'", "varchar(4)", None),
    ("varchar(9)", "'éé'", "varchar(3)", "longer than 3"),
    ("varchar(4)", "NULL", "varchar(4)", "size should be different"),
    ("varchar(4) DEFAULT 'x'", "NULL", "varchar(5)", "default"),
    ("varchar(4) UNIQUE", "NULL", "varchar(5)", "UNIQUE"),
    ("varchar(4) PRIMARY KEY", "'x'", "varchar(5)", "PRIMARY"),
    ("varchar(4) ENCODE bytedict", "NULL", "varchar(5)", "bytedict"),
    ("varchar(4) ENCODE runlength", "NULL", "varchar(5)", "runlength"),
    ("varchar(4) ENCODE text255", "NULL", "varchar(5)", "text255"),
    ("varchar(4) ENCODE text32k", "NULL", "varchar(5)", "text32k"),
    ("varchar(4) ENCODE lzo", "NULL", "varchar(5)", None),
    ("char(4)", "NULL", "varchar(5)", "not supported"),
)


def test_widening(rs, db):
    for definition, value, wanted, error in WIDENINGS:
        db.run("CREATE TABLE w (c %s)" % definition)
        db.run("INSERT INTO w VALUES (%s)" % value)

        def widen(kind=wanted):
            return db.run("ALTER TABLE w ALTER COLUMN c TYPE " + kind)
        name = "%s to %s" % (definition, wanted)
        if error:
            refused(widen, "0A000", error, name)
        else:
            same(widen().tag, "ALTER TABLE", name)
        db.run("DROP TABLE w")
    db.run("CREATE TABLE w (c varchar(4))")
    other = rs.connect("other")
    refused(lambda: other.run("ALTER TABLE w ALTER COLUMN c TYPE varchar(9)"),
            "42501", "must be owner", "by another user")
    other.close()
    db.run("CREATE VIEW wv AS SELECT c FROM w")
    refused(lambda: db.run("ALTER TABLE w ALTER COLUMN c TYPE varchar(9)"),
            "0A000", "used by a view", "with a bound view on it")
    db.run("DROP VIEW wv")
    db.run("DROP TABLE w")


def test_views(rs, db):
    db.run("CREATE TABLE t (a int)")
    db.run("CREATE VIEW v AS SELECT a FROM t")
    refused(lambda: db.run("DROP TABLE t"), "2BP01", "depend",
            "a bound view holds its table")
    db.run("ALTER TABLE t RENAME TO t_old")
    db.run("CREATE TABLE t (a int)")
    db.run("INSERT INTO t VALUES (1)")
    same(db.rows("SELECT a FROM v"), [], "and follows it when it is renamed")
    db.run("DROP TABLE t_old CASCADE")
    refused(lambda: db.run("SELECT * FROM v"), "42P01", '"v"',
            "CASCADE takes it along")
    refused(lambda: db.run("CREATE VIEW l AS SELECT a FROM t WITH NO SCHEMA "
                           "BINDING"), "0A000", "should be qualified",
            "a late-binding view names schemas")
    db.run("CREATE VIEW l AS SELECT a FROM public.t WITH NO SCHEMA BINDING")
    db.run("GRANT SELECT ON l TO other")
    same(db.rows("SELECT * FROM l"), [["1"]], "it shows its table")
    db.run("DROP TABLE t")
    refused(lambda: db.run("SELECT * FROM l"), "42P01", "does not exist",
            "does not hold it")
    db.run("CREATE TABLE t (a int, b int)")
    db.run("INSERT INTO t VALUES (2, 3)")
    same(db.rows("SELECT * FROM l"), [["2"]], "and finds the new one")
    db.run("GRANT SELECT ON t TO other")
    other = rs.connect("other")
    same(other.rows("SELECT * FROM l"), [["2"]], "with its grants")
    other.close()
    db.run("BEGIN")
    db.run("CREATE TABLE t2 (a int)")
    db.run("INSERT INTO t2 VALUES (9)")
    db.run("ALTER TABLE t RENAME TO t_old")
    db.run("ALTER TABLE t2 RENAME TO t")
    db.run("COMMIT")
    same(db.rows("SELECT * FROM l"), [["9"]], "after a swap by renaming too")
    db.run("CREATE VIEW nothing AS SELECT x FROM public.nosuch WITH NO SCHEMA "
           "BINDING")
    refused(lambda: db.run("SELECT * FROM nothing"), "42P01", "not exist",
            "it may be made before its table")
    db.run("DROP VIEW l")
    db.run("DROP VIEW nothing")
    refused(lambda: db.run("SELECT * FROM l"), "42P01", "not exist", "gone")
    db.run("DROP TABLE t_old")
    db.run("DROP TABLE t")


def test_merge(db):
    db.run("CREATE TABLE t (k int, v varchar(5))")
    db.run("CREATE TABLE s (k int, v varchar(5))")
    db.run("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    db.run("INSERT INTO s VALUES (2, 'B'), (3, 'C')")
    merge = ("MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN UPDATE SET "
             "v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.v)")
    db.run(merge)
    same(db.rows("SELECT * FROM t ORDER BY k"),
         [["1", "a"], ["2", "B"], ["3", "C"]], "MERGE")
    db.run("INSERT INTO s VALUES (2, 'X')")
    refused(lambda: db.run(merge), "XX000",
            "Found multiple matches to update the same tuple",
            "MERGE with a key twice")
    db.run("CREATE VIEW sv AS SELECT * FROM s")
    refused(lambda: db.run(merge.replace("USING s ", "USING sv AS s ")),
            "0A000", "must be a table", "MERGE from a view")
    same(db.run("DELETE FROM t USING s WHERE t.k = s.k").count, "2",
         "DELETE USING")
    db.run("DROP VIEW sv")
    db.run("DROP TABLE t")
    db.run("DROP TABLE s")


def test_append(db):
    db.run("CREATE TABLE t (a int, b varchar(3))")
    db.run("CREATE TABLE s (a int, b varchar(3))")
    db.run("INSERT INTO s VALUES (1, 'x')")
    same(db.run("ALTER TABLE t APPEND FROM s").tag,
         "ALTER TABLE APPEND and COMMIT TRANSACTION", "ALTER TABLE APPEND")
    same([db.value("SELECT count(*) FROM t"), db.value(
        "SELECT count(*) FROM s")], ["1", "0"], "moves the rows")
    db.run("CREATE TABLE o (a int, b varchar(4))")
    refused(lambda: db.run("ALTER TABLE t APPEND FROM o"), "0A000",
            "not identical", "from a table that differs")
    for name in ("t", "s", "o"):
        db.run("DROP TABLE " + name)


def test_catalog(rs, db):
    boss = rs.connect("boss")
    boss.run("CREATE SCHEMA IF NOT EXISTS elsewhere AUTHORIZATION loader "
             "QUOTA 10 GB")
    boss.close()
    db.run("CREATE TABLE elsewhere.t (a int)")
    same(db.value("SELECT count(*) FROM pg_table_def WHERE tablename = 't'"),
         "0", "pg_table_def shows the search_path only")
    same(db.value("SELECT count(*) FROM information_schema.columns WHERE "
                  "table_name = 't'"), "1", "information_schema shows all")
    db.run("SET search_path TO elsewhere, public")
    same(db.value("SELECT count(*) FROM pg_table_def WHERE tablename = 't'"),
         "1", "pg_table_def after SET search_path")
    db.run("RESET search_path")
    db.run("GRANT SELECT ON elsewhere.t TO other")
    same(db.rows("SELECT privilege_type, identity_name FROM "
                 "svv_relation_privileges WHERE relation_name = 't' AND "
                 "identity_name = 'other'"), [["SELECT", "other"]],
         "svv_relation_privileges")
    same(db.value("SELECT count(DISTINCT slice) FROM stv_slices"), "4",
         "stv_slices")
    same(db.value("SELECT trim(isolation_level) FROM stv_db_isolation_level"),
         "Snapshot Isolation", "stv_db_isolation_level")
    same(db.value("SELECT has_schema_privilege('elsewhere', 'CREATE')"), "t",
         "has_schema_privilege")
    same(db.value("SHOW enable_case_sensitive_identifier"), "off", "SHOW")
    db.run("SET query_group TO 'my loads'")
    same(db.value("SHOW query_group"), "my loads", "SET query_group")
    same(db.run("SELECT 1").tag, "SELECT", "the tag of a SELECT has no count")
    db.run("DROP SCHEMA elsewhere CASCADE")


# -- extended protocol -------------------------------------------------

def test_extended(db):
    db.run("CREATE TABLE t (a int, b varchar(4))")
    same(db.run("INSERT INTO t VALUES ($1, $2)", 1, "éé").tag, "INSERT 0 1",
         "INSERT with parameters")
    refused(lambda: db.run("INSERT INTO t VALUES ($1, $2)", 1, "ééé"),
            "22001", "too long", "whose width is checked")
    same(db.status, IDLE, "and nothing stays open")
    same(db.rows("SELECT b FROM t WHERE a = $1", 1), [["éé"]],
         "SELECT with parameters")
    refused(lambda: db.run("CREATE TABLE x AS SELECT $1::int AS a", 1),
            "42601", r'near "\$1"', "DDL takes none")
    refused(lambda: db.run("COPY t FROM $1", "s3://b/k"), "42601",
            r'near "\$1"', "nor does COPY")
    refused(lambda: db.run("ALTER TABLE t RENAME TO $1", "x"), "42601",
            r'near "\$1"', "nor ALTER TABLE")
    refused(lambda: db.run("SELECT a FROM t WHERE a IN (%s)" % ", ".join(
        "$%d" % i for i in range(1, 32769)), *range(32768)), "54000",
            "limit 32767", "32768 parameters")
    db.prepare("q", "SELECT a, 'a\\\\b' FROM t WHERE a = $1")
    same(db.describe("q").columns, ["a", "?column?"], "a prepared statement")
    same(db.execute("q", 1).rows, [["1", "a\\b"]], "runs")
    same(db.execute("q", 2).rows, [], "and runs again")
    db.prepare("tx", "BEGIN")
    db.execute("tx")
    same(db.status, IN_TRANSACTION, "BEGIN can be prepared")
    db.run("INSERT INTO t VALUES ($1, NULL)", 5)
    refused(lambda: db.run("SELECT * FROM nosuch WHERE 1 = $1", 1), "42P01",
            "nosuch", "an error in a block")
    same(db.status, IN_ERROR, "fails it")
    refused(lambda: db.run("SELECT $1::int", 1), "25P02", "aborted",
            "what follows is refused")
    db.run("ROLLBACK")
    same(db.value("SELECT count(*) FROM t"), "1", "nothing is left of it")
    db.run("BEGIN")
    db.run("SELECT relname FROM pg_class WHERE relname = $1", "t")
    same(db.status, IN_TRANSACTION, "a catalog query in a block")
    db.run("INSERT INTO t VALUES ($1, NULL)", 6)
    db.run("COMMIT")
    same(db.value("SELECT count(*) FROM t"), "2", "committed")
    same(db.run("SHOW server_version").rows, [["8.0.2"]], "SHOW")
    db.run("DROP TABLE t")


def test_log(rs):
    found = [entry["statement"] for entry in rs.statements()]
    ok("SELECT getdate()" in found, "statements.log has what clients sent")
    ok("SELECT b FROM t WHERE a = $1" in found, "prepared ones too")
    import os
    same(oct(os.stat(rs.path("statements.log")).st_mode)[-3:], "600",
         "and is private")


def main():
    with World() as world:
        rs = world.redshift("dev")
        test_startup(world, rs)
        test_logins(world, rs)
        test_other_doors(world)
        db = rs.connect()
        test_refusals(db)
        test_literals(db)
        test_names(world, rs, db)
        test_types(db)
        test_bytes(db)
        test_tables(rs, db)
        test_widening(rs, db)
        test_views(rs, db)
        test_merge(db)
        test_append(db)
        test_catalog(rs, db)
        test_extended(db)
        db.close()
        test_log(rs)
        same(rs.stop(), 0, "SIGTERM ends it")
        world.services.remove(rs)
        with open(rs.path("stderr"), encoding="utf-8") as f:
            same(f.read(), "", "it had nothing to complain about")
    return finish()


if __name__ == "__main__":
    sys.exit(main())
