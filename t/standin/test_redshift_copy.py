#!/usr/bin/python3
"""COPY in the Redshift stand-in: the files, the fields, the errors and what
is left of them.  The objects lie in a real S3 server."""

import bz2
import gzip
import itertools
import subprocess
import sys

sys.dont_write_bytecode = True

from libpq import IDLE, IN_ERROR                            # noqa: E402
from rsworld import (BUCKET, ROLE, World, finish, ok, refused,  # noqa: E402
                     same, wait_until)

numbers = itertools.count()


class Loader:
    """COPY of texts: each into a new table, from a new object."""

    def __init__(self, world, rs):
        self.world, self.rs = world, rs
        self.db = rs.connect()

    def copy(self, url, options="CSV", table="t", columns=""):
        return self.db.run("COPY %s%s FROM '%s' IAM_ROLE '%s' %s"
                           % (table, columns, url, ROLE, options))

    def table(self, definition):
        self.db.run("DROP TABLE IF EXISTS t")
        self.db.run("CREATE TABLE t (%s)" % definition)

    def load(self, definition, data, options="CSV"):
        """The rows that came of it, in the file's order."""
        self.table(definition)
        self.copy(self.put(data), options)
        return self.db.rows("SELECT * FROM t")

    def put(self, data):
        return self.world.put("one/%d/part" % next(numbers), data)

    def errors(self, definition, data, options="CSV"):
        """The load must fail: its rows in stl_load_errors."""
        self.table(definition)
        url = self.put(data)
        try:
            self.copy(url, options)
        except Exception as e:
            if "Load into table 't' failed." not in str(e):
                return [["failed otherwise", str(e)]]
            return self.errors_of(url)
        return [["it was loaded"]]

    def errors_of(self, url):
        return self.db.rows(
            "SELECT err_code, trim(err_reason), line_number, trim(colname) "
            "FROM stl_load_errors WHERE trim(filename) = '%s' ORDER BY "
            "line_number" % url)


# -- NULL and the empty string -----------------------------------------

# the field, options: what a VARCHAR and an INT column get
NULLS = (
    ("", "", "", None),
    ('""', "", "", None),
    (r"\N", "", None, None),
    (r'"\N"', "", None, None),
    ("  ", "", "  ", None),
    ("", "EMPTYASNULL", None, None),
    ('""', "EMPTYASNULL", None, None),
    ("", "NULL AS ''", None, None),
    ('""', "NULL AS ''", None, None),
    ("", "NULL AS '@'", "", None),
    ("@", "NULL AS '@'", None, None),
    ('"@"', "NULL AS '@'", None, None),
    ("@", "NULL '@'", None, None),
    (r"\N", r"NULL AS '\\N'", None, None),
    ("  ", "BLANKSASNULL", None, None),
    ("", "BLANKSASNULL", "", None),
    ('" "', "BLANKSASNULL", None, None),
)


def test_nulls(loader):
    for field, options, text, number in NULLS:
        got = loader.load("k int, v varchar(9), i int",
                          "1,%s,%s\n" % (field, field), "CSV " + options)
        same(got, [["1", text, number]], "field %s %s" % (field, options))
    same(loader.load("v varchar(9), i int", r"\N,5", "CSV NULL AS '@'"),
         [["\\N", "5"]], r"\N is text when the null string is another")


# -- fields: type, field, options, value -------------------------------

FIELDS = (
    ("int", "-5", "", "-5"), ("int", "+5", "", "5"),
    ("int", "2147483647", "", "2147483647"),
    ("smallint", "-32768", "", "-32768"),
    ("bigint", "9223372036854775807", "", "9223372036854775807"),
    ("decimal(5,2)", "20.259", "", "20.25"),
    ("decimal(5,2)", "20.255", "ROUNDEC", "20.26"),
    ("decimal(5,2)", "-20.259", "", "-20.25"),
    ("decimal(5,2)", "-20.259", "ROUNDEC", "-20.26"),
    ("decimal(5,2)", "999.999", "", "999.99"),
    ("decimal(5,2)", ".5", "", "0.50"), ("decimal(5,2)", "5.", "", "5.00"),
    ("decimal(5,0)", "7.9", "", "7"), ("decimal(5,0)", "7.9", "ROUNDEC", "8"),
    ("decimal(3,3)", ".1239", "", "0.123"),
    ("float", "1.5e3", "", "1500"), ("real", "-0.25", "", "-0.25"),
    ("bool", "t", "", "t"), ("bool", "TRUE", "", "t"), ("bool", "1", "", "t"),
    ("bool", "yes", "", "t"), ("bool", "n", "", "f"), ("bool", "0", "", "f"),
    ("date", "2020-02-29", "", "2020-02-29"),
    ("date", "29.02.2020", "DATEFORMAT 'DD.MM.YYYY'", "2020-02-29"),
    ("date", "02/29/2020", "DATEFORMAT 'auto'", "2020-02-29"),
    ("date", "20200229", "DATEFORMAT AS 'auto'", "2020-02-29"),
    ("date", "29-Feb-2020", "DATEFORMAT 'auto'", "2020-02-29"),
    ("date", "2020-02-30", "ACCEPTANYDATE", None),
    ("timestamp", "2020-01-02 03:04:05", "", "2020-01-02 03:04:05"),
    ("timestamp", "2020-01-02 03:04:05.123456", "",
     "2020-01-02 03:04:05.123456"),
    ("timestamp", "2020-01-02T03:04:05", "TIMEFORMAT 'auto'",
     "2020-01-02 03:04:05"),
    ("timestamp", "02.01.2020 03:04", "TIMEFORMAT 'DD.MM.YYYY HH:MI'",
     "2020-01-02 03:04:00"),
    ("timestamp", "1577934245", "TIMEFORMAT 'epochsecs'",
     "2020-01-02 03:04:05"),
    ("timestamp", "1577934245250", "TIMEFORMAT 'epochmillisecs'",
     "2020-01-02 03:04:05.25"),
    ("timestamptz", "2020-01-02 03:04:05+02", "", "2020-01-02 01:04:05+00"),
    ("timestamptz", "2020-01-02T03:04:05Z", "TIMEFORMAT 'auto'",
     "2020-01-02 03:04:05+00"),
    ("time", "03:04:05.5", "", "03:04:05.5"),
    ("varchar(4)", "éé", "", "éé"), ("varchar(4)", "ab   ", "", "ab  "),
    ("varchar(4)", "abcdef", "TRUNCATECOLUMNS", "abcd"),
    ("varchar(4)", "aééé", "TRUNCATECOLUMNS", "aé"),
    ("varchar(9)", "ab  ", "TRIMBLANKS", "ab"),
    ("varchar(9)", "tab\tback\\", "", "tab\tback\\"),
    ("varchar(9)", "\\t", "", "\\t"),
    ("varchar(9)", "😀\ufffe", "", "😀\ufffe"),
    ("varchar(9)", "a\r", "", "a\r"),
    ("char(3)", "ab", "", "ab "), ("char(3)", "ab    ", "", "ab "),
    ("char(3)", "abcdef", "TRUNCATECOLUMNS", "abc"),
)

# type, field, options: error code and reason
BAD_FIELDS = (
    ("int", "abc", "", "1207", "Invalid digit, Value 'a', Pos 0, "
     "Type: Integer"),
    ("int", "12x", "", "1207", "Invalid digit, Value 'x', Pos 2, "
     "Type: Integer"),
    ("int", "5.0", "", "1207", "Invalid digit, Value '.', Pos 1, "
     "Type: Integer"),
    ("int", "1_0", "", "1207", "Invalid digit"),
    ("int", "2147483648", "", "1222", "overflow"),
    ("smallint", "32768", "", "1222", "Type: Short"),
    ("bigint", "9223372036854775808", "", "1222", "Type: Long"),
    ("decimal(5,2)", "1000", "", "1209", r"Overflow for NUMERIC(5,2)"),
    ("decimal(5,2)", "999.999", "ROUNDEC", "1209", "Overflow"),
    ("decimal(5,2)", "1e2", "", "1207", "Type: Decimal"),
    ("decimal(5,2)", ".", "", "1207", "Type: Decimal"),
    ("float", "x", "", "1208", ""), ("real", "1e39", "", "1204", "range"),
    ("bool", "on", "", "1210", "Unknown boolean format"),
    ("date", "2020-02-30", "", "1205", "date"),
    ("date", "02/29/2020", "", "1205", "date"),
    ("date", "2020-1-2", "", "1205", "length must be 10"),
    ("date", "2020-01-02 00:00:00", "", "1205", ""),
    ("timestamp", "2020-01-02T03:04:05", "", "1206",
     "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]"),
    ("timestamp", "2020-01-02", "", "1206", "timestamp"),
    ("timestamp", "2020-01-02 25:00:00", "", "1206", "timestamp"),
    ("timestamp", "2020-01-02 03:04:05.1234567", "", "1206", "timestamp"),
    ("timestamp", "yesterday", "TIMEFORMAT 'auto'", "1206", ""),
    ("varchar(4)", "abcde", "", "1204", "String length exceeds DDL length"),
    ("varchar(4)", "ééé", "", "1204", "String length exceeds DDL length"),
    ("char(3)", "é", "", "1220", "Multibyte character not supported for CHAR "
     "(Hint: try using VARCHAR). Invalid char: c3 a9"),
    ("int NOT NULL", "", "", "1213", "Missing data for not-null field"),
    ("varchar(3) NOT NULL", r"\N", "", "1213", "Missing data"),
    ("varchar(3) NOT NULL DEFAULT 'x'", r"\N", "", "1213", "Missing data"),
)

# bytes that are no UTF-8: the bytes, the reason's end
BAD_UTF8 = (
    (b"a\xa4", "a4 (error 3)"), (b"\xff", "ff (error 3)"),
    (b"a\xc3", "c3 (error 2)"), (b"\xe2\x82", "e2 82 (error 2)"),
    (b"\xe2x\x82", "e2 78 82 (error 4)"),
    (b"\xed\xa0\x80", "ed a0 80 (error 4)"),
    (b"\xf8\x88\x80\x80\x80", "f8 88 80 80 80 (error 1)"),
)


def test_fields(loader):
    for kind, field, options, want in FIELDS:
        got = loader.load("k int, v " + kind, "1,%s\n" % field,
                          "CSV " + options)
        same(got, [["1", want]], "%s: %r %s" % (kind, field, options))
    for kind, field, options, code, reason in BAD_FIELDS:
        got = loader.errors("k int, v " + kind, "1,%s\n" % field,
                            "CSV " + options)
        ok(len(got) == 1 and got[0][0] == code and reason in got[0][1]
           and got[0][2:] == ["1", "v"],
           "%s: %r is error %s %s" % (kind, field, code, options), got)
    for field, reason in BAD_UTF8:
        got = loader.errors("v varchar(9), k int", field + b",1\n")
        whole = ("String contains invalid or unsupported UTF8 codepoints. "
                 "Bad UTF8 hex sequence: " + reason)
        same(got[0][:2], ["1220", whole[:100]], "bad UTF-8: %r" % field)
    got = loader.errors("v varchar(9), k int", b"a\0b,1\n")
    same(got[0][:2], ["1218", "Invalid null byte - field longer than 1 byte"],
         "NUL is refused")
    same(loader.load("v varchar(9), k int", b"\0,1\n", r"CSV NULL AS '\0'"),
         [[None, "1"]], r"unless it is the null string")
    loader.table("v varchar(9), k int")
    url = loader.put(b"a\xa4\xa5b,1\n\xffx,2\nok,3\n")
    loader.copy(url, "CSV ACCEPTINVCHARS")
    same(loader.db.rows("SELECT v FROM t"), [["a??b"], ["?x"], ["ok"]],
         "ACCEPTINVCHARS replaces byte by byte")
    same(loader.db.rows("SELECT line_number, trim(colname) FROM "
                        "stl_replacements WHERE trim(filename) = '%s' "
                        "ORDER BY 1" % url), [["1", "v"], ["2", "v"]],
         "and says so in stl_replacements")
    same(loader.load("v varchar(9), k int", b"a\xa4,1\n",
                     "CSV ACCEPTINVCHARS AS '^'"), [["a^", "1"]],
         "by the character that was chosen")
    same(loader.load("v varchar(12), k int", "\ufeffa,1\n"),
         [["\ufeffa", "1"]], "a byte order mark is data")


# -- rows: options, the file, the rows or the error --------------------

ROWS = (
    ("CSV", '"a ""q"" b",1\n', [['a "q" b', "1"]]),
    ("CSV", '"two\nlines",1\nx,2\n', [["two\nlines", "1"], ["x", "2"]]),
    ("CSV", '"a,b","1"\n', [["a,b", "1"]]),
    ("CSV", 'x,1\n"y\n\nz",2', [["x", "1"], ["y\n\nz", "2"]]),
    ("CSV", ' "a" ,1\n', [["a", "1"]]),
    ("CSV", ' a ,1\n', [[" a ", "1"]]),
    ("CSV", "a,1\nb,2", [["a", "1"], ["b", "2"]]),
    ("CSV", "", []),
    ("CSV IGNOREHEADER 1", "h,h\na,1\n", [["a", "1"]]),
    ("CSV IGNOREHEADER 1", "h,h", []),
    ("CSV IGNOREHEADER AS 2", "h\nh\na,1\n", [["a", "1"]]),
    ("CSV IGNOREBLANKLINES", "a,1\n\nb,2\n", [["a", "1"], ["b", "2"]]),
    ("CSV QUOTE AS '%'", '%a,"b%,1\n', [['a,"b', "1"]]),
    ("CSV DELIMITER ';'", "a,b;1\n", [["a,b", "1"]]),
    ("CSV DELIMITER AS '\\t'", "a,b\t1\n", [["a,b", "1"]]),
    ("FORMAT AS CSV", "a,1\n", [["a", "1"]]),
    ("CSV FILLRECORD", "a\n", [["a", None]]),
    ("", "a|1\n", [["a", "1"]]),
    ("DELIMITER ','", '"a",1\n', [['"a"', "1"]]),
    ("DELIMITER ',' ESCAPE", "a\\,b\\\nc\\\\,1\n", [["a,b\nc\\", "1"]]),
    ("DELIMITER '\\001'", "a\x011\n", [["a", "1"]]),
    ("DELIMITER ',' FILLRECORD", "a\n", [["a", None]]),
)

BAD_ROWS = (
    ("CSV", "a,1,2\n", "1202", "Extra column(s) found", "1"),
    ("CSV", "ok,1\na\n", "1203", "Delimiter not found", "2"),
    ("CSV", "ok,1\n\nb,2\n", "1211", "empty", "2"),
    ("CSV", 'x"y,1\n', "1214", "Invalid quote formatting for CSV", "1"),
    ("CSV", 'ok,1\n"x"y,1\n', "1214", "Invalid quote formatting", "2"),
    ("CSV", 'ok,1\n"open,1\n', "1214", "Invalid quote formatting", "2"),
    ("CSV", '"a\nb",1\nbad\n', "1203", "Delimiter not found", "3"),
    ("CSV", '"a",1\r\n', "1207", "Invalid digit", "1"),
    ("CSV", 'a,"1"\r\n', "1214", "Invalid quote formatting", "1"),
    ("CSV", "%s,1\n" % ("x" * ((4 << 20) + 1)), "1204", "longer than 4 MB",
     "1"),
    ("CSV IGNOREHEADER 1", "h,h\nbad\n", "1203", "Delimiter", "2"),
)


def test_rows(loader):
    for options, data, want in ROWS:
        same(loader.load("v varchar(20), i int", data, options), want,
             "%s: %r" % (options or "delimited", data))
    for options, data, code, reason, line in BAD_ROWS:
        got = loader.errors("v varchar(20), i int", data, options)
        ok(len(got) == 1 and got[0][0] == code and reason in got[0][1]
           and got[0][2] == line, "%s: %r is error %s" % (
               options, data[:30], code), got)
    same(loader.load("v varchar(3), w varchar(3)", "a\n", "CSV FILLRECORD"),
         [["a", ""]], "FILLRECORD: the empty string in CSV")
    same(loader.load("v varchar(3), w varchar(3)", "a\n",
                     "CSV FILLRECORD EMPTYASNULL"), [["a", None]],
         "NULL with EMPTYASNULL")


# -- options -----------------------------------------------------------

S3 = "COPY t FROM 's3://%s/none' " % BUCKET
AUTH = "IAM_ROLE '%s' " % ROLE

BAD_OPTIONS = (
    (S3 + AUTH + "CSV NOSUCH", "42601", 'near "NOSUCH"'),
    (S3 + AUTH + "CSV CSV", "42601", "redundant"),
    (S3 + AUTH + "CSV ESCAPE", "42601", "CSV and ESCAPE"),
    (S3 + AUTH + "CSV REMOVEQUOTES", None, "REMOVEQUOTES"),
    (S3 + AUTH + "CSV GZIP ZSTD", "42601", "GZIP and ZSTD"),
    (S3 + AUTH + "CSV MAXERROR 5 IGNOREALLERRORS", "42601", "MAXERROR"),
    (S3 + AUTH + "CSV MAXERROR 100001", "22023", "MAXERROR"),
    (S3 + AUTH + "CSV COMPROWS 5", "22023", "COMPROWS"),
    (S3 + AUTH + "CSV QUOTE 'ab'", "22023", "single ASCII"),
    (S3 + AUTH + "CSV DELIMITER '€'", "22023", "single ASCII"),
    (S3 + AUTH + "CSV DELIMITER '\"'", "22023", "quote"),
    (S3 + AUTH + "QUOTE '%'", "42601", "QUOTE needs CSV"),
    (S3 + AUTH + "CSV NULL AS '\\n'", "22023", "newline"),
    (S3 + AUTH + "CSV IGNOREHEADER -1", "42601", 'near "-"'),
    (S3 + AUTH + "CSV DATEFORMAT 'AUTO'", "22023", "AUTO"),
    (S3 + AUTH + "CSV TIMEFORMAT 'Auto'", "22023", "Auto"),
    (S3 + AUTH + "FORMAT AS PARQUET", "0A000", "PARQUET"),
    (S3 + AUTH + "JSON 'auto'", "0A000", "JSON"),
    (S3 + AUTH + "CSV WITH HEADER", "42601", 'near "WITH"'),
    (S3 + AUTH + "(FORMAT csv)", "42601", r'near "\("'),
    (S3 + AUTH + "ACCESS_KEY_ID 'a' SECRET_ACCESS_KEY 'b'", "42601",
     "IAM_ROLE and ACCESS_KEY_ID"),
    (S3 + AUTH + "CREDENTIALS 'aws_iam_role=x'", "42601", "CREDENTIALS"),
    (S3 + "ACCESS_KEY_ID 'a' CSV", "42601", "SECRET_ACCESS_KEY"),
    (S3 + "SESSION_TOKEN 'a' CSV", "42601", "ACCESS_KEY_ID|authorization"),
    (S3 + "CSV", "42601", "authorization"),
    (S3 + "CREDENTIALS 'aws_access_key_id=a; aws_secret_access_key=b' CSV",
     "XX000", "Invalid credentials. Must be of the format"),
    (S3 + "CREDENTIALS 'nonsense' CSV", "XX000", "Invalid credentials"),
    ("COPY nosuch FROM 's3://b/k' " + AUTH, "42P01", '"nosuch"'),
    ("COPY t (a, nosuch) FROM 's3://b/k' " + AUTH, "42703", '"nosuch"'),
    ("COPY t (a, a) FROM 's3://b/k' " + AUTH, "42701", "more than once"),
    ("COPY v FROM 's3://b/k' " + AUTH, "42809", "not a table"),
)


def test_options(loader):
    db = loader.db
    loader.table("a int, b varchar(3)")
    db.run("CREATE VIEW v AS SELECT 1 AS a")
    for sql, code, text in BAD_OPTIONS:
        refused(lambda s=sql: db.run(s), code, text, "refused: "
                + sql.replace(S3, "").replace(AUTH, ""))
    db.run("DROP VIEW v")
    loader.copy(loader.put("1,x\n"), "CSV COMPUPDATE OFF STATUPDATE OFF "
                "MAXERROR AS 0 COMPROWS 1000 ENCODING UTF8 "
                "TIMEFORMAT 'auto' DATEFORMAT 'auto' REGION AS 'us-east-1'")
    ok(True, "those that are known are taken in any order")
    other = loader.rs.connect("other")
    sql = "COPY t FROM '%s' %s CSV" % (loader.put("2,y\n"), AUTH)
    refused(lambda: other.run(sql), "42501",
            "permission denied for relation t", "COPY needs INSERT")
    db.run("GRANT INSERT ON t TO other")
    refused(lambda: other.run(sql + " STATUPDATE ON"), "42501",
            "must be owner of relation t", "STATUPDATE needs the owner")
    other.run(sql)
    ok(True, "else INSERT is enough")
    other.close()


def test_columns(loader):
    db = loader.db
    url = loader.put("5,x\n")
    loader.table("a int, b varchar(3) DEFAULT 'd', c varchar(3), n int NOT "
                 "NULL DEFAULT 7")
    loader.copy(url, columns=" (a, c)")
    same(db.rows("SELECT * FROM t"), [["5", "d", "x", "7"]],
         "columns left out get their default, else NULL")
    loader.table("c varchar(3), a int")
    loader.copy(url, columns=' ("A", c)')
    same(db.rows("SELECT * FROM t"), [["x", "5"]], "by the list's order")
    loader.table("a int, b varchar(3), n int NOT NULL")
    refused(lambda: loader.copy(url, columns=" (a, b)"), "23502", "column n",
            "a NOT NULL column left out")
    loader.table("id int IDENTITY(1,1), b varchar(3)")
    refused(lambda: loader.copy(url, columns=" (id, b)"), "0A000", "identity",
            "an identity column in the list")
    loader.copy(url, "CSV EXPLICIT_IDS", columns=" (id, b)")
    same(db.rows("SELECT * FROM t"), [["5", "x"]], "with EXPLICIT_IDS")
    name = "long_" * 20
    loader.table('"%s" int, b varchar(3)' % name)
    loader.copy(url, columns=' ("%s", b)' % name)
    same(db.value('SELECT "%s" FROM t' % name), "5", "a long name")


# -- objects -----------------------------------------------------------

def zstd(data):
    return subprocess.run(["zstd", "-qc"], input=data, check=True,
                          stdout=subprocess.PIPE).stdout


def test_codecs(loader):
    plain = b"a,1\nb,2\n"
    rows = [["a", "1"], ["b", "2"]]
    table = "v varchar(20), i int"
    packed = {"GZIP": gzip.compress(plain), "BZIP2": bz2.compress(plain),
              "ZSTD": zstd(plain)}
    for codec, data in packed.items():
        same(loader.load(table, data, "CSV " + codec), rows, codec)
        refused(lambda d=data: loader.load(table, d[:-5], "CSV " + codec),
                "XX000", "inflate", codec + " cut short")
        refused(lambda: loader.load(table, plain, "CSV " + codec), "XX000",
                "inflate", codec + " of plain data")
        got = loader.errors(table, data)
        ok(got[0][0].isdigit(), codec + " data without the option", got)
    same(loader.load(table, gzip.compress(b"a,1\n") + gzip.compress(
        b"b,2\n"), "CSV GZIP"), rows, "gzip of two members")
    same(loader.load(table, b"", "CSV"), [], "an empty object")


def test_manifest(loader):
    world, db = loader.world, loader.db
    first = world.put("m/part.1", "1,a\n")
    second = world.put("m/part.10", "2,b\n")
    none = "s3://%s/m/none" % BUCKET

    def load(*entries, options="CSV MANIFEST"):
        loader.table("i int, v varchar(3)")
        loader.copy(world.manifest("m/manifest", *entries), options)
        return db.rows("SELECT i FROM t ORDER BY i")
    same(load(first, second), [["1"], ["2"]], "two objects")
    same(load(first, first), [["1"], ["1"]], "an object twice loads twice")
    same(load(first, {"url": none}), [["1"]],
         "one that may be missing is passed over")
    refused(lambda: load(first, {"url": none, "mandatory": True}), "XX000",
            "NoSuchKey", "one that must not is an error")
    refused(lambda: load({"url": none}), "XX000", "does not exist",
            "nothing found is an error")
    refused(lambda: load(), "XX000", "does not exist", "no entries as well")
    refused(lambda: load({"mandatory": True}), "XX000",
            "Mandatory url is not present", "an entry without url")
    refused(lambda: load("s3://%s/m/" % BUCKET), "XX000", "NoSuchKey",
            "a prefix is no object")
    refused(lambda: load("http://x/y"), "XX000", "Invalid url", "no S3 url")
    refused(lambda: load({"url": first, "mandatory": "yes"}), "XX000",
            "boolean", "mandatory that is no boolean")
    verbose = {"url": first, "mandatory": True,
               "meta": {"content_length": 99, "record_count": 5}}
    same(load(verbose), [["1"]], "meta is not looked at")
    url = world.put("m/bad", "no json")
    refused(lambda: loader.copy(url, "CSV MANIFEST"), "XX000",
            "not in correct json format", "a manifest that is no JSON")
    refused(lambda: loader.copy("s3://%s/m/" % BUCKET, "CSV MANIFEST"),
            "XX000", "full path", "a manifest needs a full path")
    refused(lambda: loader.copy(none, "CSV MANIFEST"), "XX000",
            "Problem reading manifest file.*NoSuchKey", "a missing manifest")
    loader.table("i int, v varchar(3)")
    loader.copy(first)
    same(db.rows("SELECT i FROM t ORDER BY i"), [["1"], ["2"]],
         "a prefix takes its neighbours along")
    world.put("m/header.1", "i,v\n1,a\n")
    world.put("m/header.2", "i,v\n2,b\n")
    loader.table("i int, v varchar(3)")
    loader.copy("s3://%s/m/header" % BUCKET, "CSV IGNOREHEADER 1")
    same(db.rows("SELECT i FROM t ORDER BY i"), [["1"], ["2"]],
         "IGNOREHEADER is for every file")


def test_credentials(loader):
    world, db = loader.world, loader.db
    url = loader.put("1\n")
    access, secret = world.keys
    loader.table("i int")

    def copy(auth, more=""):
        return db.run("COPY t FROM '%s' %s CSV %s" % (url, auth, more))
    for auth in (
            "ACCESS_KEY_ID '%s' SECRET_ACCESS_KEY '%s'" % (access, secret),
            "CREDENTIALS 'aws_access_key_id=%s;aws_secret_access_key=%s'"
            % (access, secret),
            "WITH CREDENTIALS AS 'aws_iam_role=%s'" % ROLE,
            "IAM_ROLE default", "IAM_ROLE '%s'" % ROLE):
        copy(auth)
        ok(True, "authorized by " + auth.split("'")[0])
    refused(lambda: copy("ACCESS_KEY_ID '%s' SECRET_ACCESS_KEY 'wrong'"
                         % access), "XX000", "SignatureDoesNotMatch",
            "a wrong secret")
    refused(lambda: copy("ACCESS_KEY_ID 'AKIANOBODY' SECRET_ACCESS_KEY 'x'"),
            "XX000", "S3ServiceException:.*Status 403", "an unknown key")
    try:
        copy("IAM_ROLE 'arn:aws:iam::111122223333:role/nobody'")
    except Exception as e:
        ok(e.code == "XX000" and "not authorized to assume" in str(e)
           and "error:  User" in e.detail and "process:   padb" in e.detail,
           "an unknown role, with the boxed DETAIL", str(e), e.detail)
    away = world.put("x", "1\n", "abroad")
    refused(lambda: db.run("COPY t FROM '%s' IAM_ROLE '%s' CSV"
                           % (away, ROLE)), "XX000",
            "must be addressed using the specified endpoint",
            "a bucket of another region")
    db.run("COPY t FROM '%s' IAM_ROLE '%s' CSV REGION 'eu-west-1'"
           % (away, ROLE))
    ok(True, "needs REGION")
    mixed = world.manifest("mixed", url, away)
    for region in ("us-east-1", "eu-west-1"):
        refused(lambda r=region: db.run(
            "COPY t FROM '%s' IAM_ROLE '%s' CSV MANIFEST REGION '%s'"
            % (mixed, ROLE, r)), "XX000", "specified endpoint",
            "manifest and data in two regions, REGION " + region)
    refused(lambda: db.run("COPY t FROM 's3://nobucket/x' IAM_ROLE '%s' CSV"
                           % ROLE), "XX000", "NoSuchBucket", "no bucket")
    text = rs_log(loader)
    ok(secret in text, "the statement log is private: it shows what was sent")


def rs_log(loader):
    return "\n".join(s["statement"] for s in loader.rs.statements())


# -- what is left of it ------------------------------------------------

def test_results(loader):
    db = loader.db
    loader.table("i int")
    db.notices.clear()
    done = loader.copy(loader.put("1\n2\n"))
    same([done.tag, done.count], ["COPY", ""], "the tag is a bare COPY")
    same(db.notices, [("INFO", "Load into table 't' completed, 2 record(s) "
                       "loaded successfully.")], "the notice")
    same(db.value("SELECT pg_last_copy_count()"), "2", "pg_last_copy_count()")
    first = db.value("SELECT pg_last_copy_id()")
    refused(lambda: loader.copy(loader.put("x\n")), "XX000",
            "^Load into table 't' failed.  Check 'stl_load_errors' system "
            "table for details.$", "a bad field")
    same(db.value("SELECT pg_last_copy_count()"), "0",
         "pg_last_copy_count() after a failed load")
    second = db.value("SELECT pg_last_copy_id()")
    ok(int(second) > int(first), "pg_last_copy_id() after one, no block")
    refused(lambda: db.run(S3 + AUTH + "CSV NOSUCH"), "42601", "", "syntax")
    refused(lambda: db.run(S3 + AUTH + "CSV"), "XX000", "not exist", "access")
    same(db.value("SELECT pg_last_copy_id()"), second,
         "are not loads: pg_last_copy_id() stays")
    same(db.value("SELECT count(*) FROM t"), "2", "nothing was loaded")
    same(db.value("SELECT query FROM stl_load_errors WHERE query = %s"
                  % second), second, "stl_load_errors by pg_last_copy_id()")
    fresh = loader.rs.connect()
    same(fresh.rows("SELECT pg_last_copy_count(), pg_last_copy_id(), "
                    "pg_last_query_id()"), [["0", "-1", "-1"]],
         "a new session has loaded nothing")
    fresh.close()


def test_block(loader):
    db = loader.db
    loader.table("i int")
    good, bad = loader.put("1\n"), loader.put("1\n2\nx\n")
    loader.copy(good)
    before = db.value("SELECT pg_last_copy_id()")
    db.run("BEGIN")
    loader.copy(good)
    ok(db.value("SELECT pg_last_copy_id()") > before, "in a block, its id")
    refused(lambda: loader.copy(bad), "XX000", "failed", "a failed COPY")
    same(db.status, IN_ERROR, "fails the block")
    refused(lambda: db.run("SELECT 1"), "25P02", "aborted", "to the end")
    same(db.run("COMMIT").tag, "ROLLBACK", "COMMIT is a ROLLBACK")
    same(db.value("SELECT count(*) FROM t"), "1", "nothing of it is left")
    same(db.value("SELECT pg_last_copy_id()"), before,
         "nor is pg_last_copy_id()")
    same([row[0] for row in loader.errors_of(bad)], ["1207"],
         "but the error is in stl_load_errors")
    same(db.rows("SELECT trim(status), loaded_rows FROM sys_load_history WHERE "
                 "data_source = '%s'" % bad), [["aborted", "2"]],
         "and the load in sys_load_history")
    refused(lambda: loader.copy(loader.put("1\ny\n")), "XX000", "failed",
            "without a block")
    same(db.status, IDLE, "no block is left open")
    same(db.value("SELECT count(*) FROM t"), "1", "COPY is atomic")


def test_many_errors(loader):
    db = loader.db
    loader.table("i int")
    url = loader.put("1\nx\n3\ny\n5\n")
    refused(lambda: loader.copy(url, "CSV MAXERROR 2"), "XX000", "failed",
            "two errors at MAXERROR 2")
    same([row[2] for row in loader.errors_of(url)], ["2", "4"],
         "both are noted")
    db.notices.clear()
    url = loader.put("1\nx\n3\ny\n5\n")
    loader.copy(url, "CSV MAXERROR 3")
    same(db.rows("SELECT i FROM t ORDER BY i"), [["1"], ["3"], ["5"]],
         "MAXERROR 3 loads the others")
    same([text for _, text in db.notices],
         ["Load into table 't' completed, 3 record(s) loaded successfully.",
          "Load into table 't' completed, 2 record(s) could not be loaded.  "
          "Check 'stl_load_errors' system table for details."],
         "and only notices tell")
    same(db.value("SELECT pg_last_copy_count()"), "3", "with the count")
    loader.table("i int")
    loader.copy(loader.put("x\ny\nz\n1\n"), "CSV IGNOREALLERRORS")
    same(db.rows("SELECT i FROM t"), [["1"]], "IGNOREALLERRORS")
    refused(lambda: loader.copy(loader.put("x\n"), "CSV MAXERROR 1"), "XX000",
            "failed", "MAXERROR 1 stops at the first")
    loader.copy(loader.put("7\n"), "CSV NOLOAD")
    same(db.rows("SELECT i FROM t"), [["1"]], "NOLOAD loads nothing")
    same(db.value("SELECT pg_last_copy_count()"), "0", "and counts nothing")
    refused(lambda: loader.copy(loader.put("x\n"), "CSV NOLOAD"), "XX000",
            "failed", "but it checks")


def test_views(loader):
    db, world = loader.db, loader.world
    loader.table("i int, v varchar(5), d decimal(8,2)")
    urls = [world.put("v/%d" % i, "%d,é,1.5\n" % i) for i in range(3)]
    manifest = world.manifest("v.manifest", *urls)
    loader.copy(manifest, "CSV MANIFEST")
    same(db.rows(
        "SELECT trim(status), trim(table_name), loaded_rows, "
        "source_file_count, file_count_scanned, error_count, session_id FROM "
        "sys_load_history WHERE data_source = '%s'" % manifest),
        [["completed", "t", "3", "3", "3", "0", str(db.pid)]],
        "sys_load_history")
    same(db.rows("SELECT trim(file_name), lines_scanned FROM sys_load_detail "
                 "WHERE query_id = pg_last_copy_id() ORDER BY 1"),
         [[url, "1"] for url in urls], "sys_load_detail")
    same(db.rows("SELECT trim(filename), slice FROM stl_load_commits WHERE "
                 "query = pg_last_copy_id() ORDER BY 1"),
         [[url, str(i)] for i, url in enumerate(urls)], "stl_load_commits")
    bad = loader.put('1,ok,1\n2,"é\n€xyz",1\n')
    refused(lambda: loader.copy(bad), "XX000", "failed", "a bad row")
    raw = db.rows("SELECT filename, colname, type, col_length, raw_line, "
                  "raw_field_value, line_number, session FROM stl_load_errors "
                  "WHERE trim(filename) = '%s'" % bad)[0]
    same([len(cell) for cell in raw[:6]], [256, 127, 10, 10, 1024, 1024],
         "text is padded with blanks")
    same([cell.strip() for cell in raw],
         [bad, "v", "varchar", "5", '2,".\n.xyz",1', ".\n.xyz", "2",
          str(db.pid)], "and the raw line shows multibyte characters as dots")
    same(db.rows("SELECT trim(file_name), line_number, trim(column_name), "
                 "trim(column_type), trim(column_length), error_code, "
                 "trim(error_message), session_id FROM sys_load_error_detail "
                 "WHERE trim(file_name) = '%s'" % bad),
         [[bad, "2", "v", "varchar", "5", "1204",
           "String length exceeds DDL length", str(db.pid)]],
         "sys_load_error_detail")
    same(db.rows("SELECT field, trim(value) FROM stl_loaderror_detail WHERE "
                 "trim(filename) = '%s' ORDER BY field" % bad),
         [["0", "2"], ["1", ".\n.xyz"]], "stl_loaderror_detail")
    other = loader.rs.connect("other")
    same(other.value("SELECT count(*) FROM stl_load_errors"), "0",
         "another user does not see them")
    same(other.value("SELECT count(*) FROM sys_load_error_detail"), "0",
         "nor there")
    other.close()
    boss = loader.rs.connect("boss")
    ok(boss.value("SELECT count(*) FROM stl_load_errors") != "0",
       "a superuser does")
    boss.close()


def test_serverless(world):
    rs = world.redshift("serverless", serverless=True, sys_delay=1)
    loader = Loader(world, rs)
    loader.table("i int")
    url = loader.put("x\n")
    refused(lambda: loader.copy(url), "XX000",
            "failed.  Check 'sys_load_error_detail' system table",
            "serverless names another table")
    for name in ("stl_load_errors", "stl_loaderror_detail", "stl_load_commits",
                 "stv_load_state", "stv_slices"):
        refused(lambda n=name: loader.db.run("SELECT * FROM " + n), "42P01",
                name, "and has no " + name)
    find = ("SELECT error_code FROM sys_load_error_detail WHERE "
            "trim(file_name) = '%s'" % url)
    same(loader.db.rows(find), [], "sys_delay: its rows come late")
    ok(wait_until(lambda: loader.db.rows(find) == [["1207"]]),
       "but they come")


def test_size(loader):
    """A load of some size, through the batches, the codec and the escapes."""
    lines = []
    for i in range(20000):
        lines.append('%d,"line\n%d, ""quoted""",%d.5,2020-01-%02d' % (
            i, i, i, i % 28 + 1))
    data = gzip.compress("\n".join(lines).encode(), 1)
    loader.table("i int, v varchar(40), d decimal(9,1), e date")
    loader.copy(loader.put(data), "CSV GZIP")
    same(loader.db.rows("SELECT count(*), sum(i), max(v), sum(d), max(e) FROM "
                        "t"), [["20000", "199990000",
                                'line\n9999, "quoted"', "200000000.0",
                                "2020-01-28"]],
         "20000 rows with newlines in quotes")


def main():
    with World() as world:
        world.start_s3()
        rs = world.redshift("dev", default_role=ROLE,
                            bucket_regions={"abroad": "eu-west-1"})
        loader = Loader(world, rs)
        test_nulls(loader)
        test_fields(loader)
        test_rows(loader)
        test_options(loader)
        test_columns(loader)
        test_codecs(loader)
        test_manifest(loader)
        test_credentials(loader)
        test_results(loader)
        test_block(loader)
        test_many_errors(loader)
        test_views(loader)
        test_size(loader)
        test_serverless(world)
        with open(rs.path("stderr"), encoding="utf-8") as f:
            same(f.read(), "", "the stand-in had nothing to complain about")
    return finish()


if __name__ == "__main__":
    sys.exit(main())
