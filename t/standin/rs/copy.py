"""Carries out COPY: from S3 into the backend, one transaction.

The rows are parsed and converted here and go to PostgreSQL's COPY FROM STDIN;
what fails is noted in loadlog.py, where it outlives the ROLLBACK.  DG:r_COPY,
DG:copy-usage_notes-multiple-files.
"""

import itertools

from . import copyoptions, wire
from .convert import Column, Converter, FieldError
from .errors import RsError, from_backend
from .faults import sleep
from .loadlog import LoadLog
from .records import Row, reader
from .s3source import Source

BATCH = 2000            # rows in one CopyData message

# the type names that the error tables show (char(10))
SHOWN = {
    "character": "char", "character varying": "varchar", "numeric": "numeric",
    "smallint": "int2", "integer": "int4", "bigint": "int8", "real": "float4",
    "double precision": "float8", "boolean": "bool", "date": "date",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time", "time with time zone": "timetz",
}


def run(session, tokens):
    """COPY, as a plan's own action; the command tag."""
    copy = copyoptions.parse(session, tokens)
    session.transaction.open()
    session.last_copy_count = 0
    Load(session, copy).run()
    return "COPY"


class TooManyErrors(Exception):
    """MAXERROR is reached."""


class Load:
    def __init__(self, session, copy):
        self.session = session
        self.backend = session.backend
        self.copy = copy
        self.query = session.server.next_query_id()
        self.table = Table(session, copy)
        self.converter = Converter(copy)
        self.loaded = self.errors = 0
        rule = session.faults.get("lose-rows", {"rows": 0})
        self.to_lose = rule.get("rows", 1)
        self.wrong = session.faults.get("miscount", {})

    def run(self):
        copy, session = self.copy, self.session
        self.backend.run("SELECT rsi.write_lock(%s)" % copy.table.regclass)
        self.table.describe()
        convert = [self.converter.column(c) for c in self.table.columns]
        source = Source(session, copy, self.query)
        entries = source.entries()
        session.last_query_id = session.last_copy_id = self.query
        self.log = LoadLog(session, copy, self.query, self.table, entries)
        try:
            self._load(source, entries, convert)
        except RsError as e:
            self.log.finish("aborted", self, str(e))
            raise
        except TooManyErrors:
            self.log.finish("aborted", self, "too many load errors")
            raise self._failed() from None
        except wire.Gone:
            self.log.finish("aborted", self, "the session ended")
            raise
        self.log.finish("completed", self)
        if "NOLOAD" not in copy:
            session.last_copy_count = self.loaded + self.wrong.get("count", 0)
        self._notices()

    # -- the load ----------------------------------------------------------

    def _load(self, source, entries, convert):
        if "NOLOAD" in self.copy:
            for batch in self._batches(source, entries, convert):
                del batch
            return
        self._start()
        try:
            for batch in self._batches(source, entries, convert):
                self.backend.send(b"d", batch)
                self.backend.stream.flush()
        except BaseException:
            self._finish(b"f", wire.cstrings("the load failed"))
            raise
        error = self._finish(b"c")
        if error:
            raise error

    def _start(self):
        names = ", ".join(c.backend for c in self.table.columns)
        self.backend.send(b"Q", wire.cstrings(
            "COPY %s (%s) FROM STDIN" % (self.copy.table.backend, names)))
        self.backend.stream.flush()
        while True:
            kind, body = self.backend.stream.message()
            if kind == b"G":
                return
            if kind == b"E":
                for _ in self.backend.answers():
                    pass
                raise from_backend(wire.fields(body))

    def _finish(self, kind, body=b""):
        """CopyDone or CopyFail; the error that answers it."""
        error = None
        self.backend.send(kind, body)
        for kind, body in self.backend.answers():
            if kind == b"E":
                error = from_backend(wire.fields(body))
        return error

    def _batches(self, source, entries, convert):
        """CopyData bodies, from all files."""
        read = reader(self.copy)
        rows = self._rows(source, entries, read, convert)
        while True:
            batch = list(itertools.islice(rows, BATCH))
            if not batch:
                return
            if self.session.cancelled:
                raise RsError("57014", "Query cancelled on user's request")
            yield b"\n".join(batch) + b"\n"
            self.log.progress(self)
            self._meet_faults()

    def _meet_faults(self):
        """What is ordered for the middle of a COPY."""
        faults = self.session.faults
        if "drop-mid-copy" in faults:
            self.session.drop()
        if "stall-copy" in faults:
            sleep(self.session, faults.pop("stall-copy"))

    def _rows(self, source, entries, read, convert):
        """Every good row as a line for the backend."""
        width = len(convert)
        first = 1 if "skip-file" in self.session.faults else 0
        for entry in entries[first:]:
            lines = size = 0
            for line, raw, fields in read(source.open(entry)):
                lines, size = line, size + len(raw) + 1
                if fields.__class__ is list and len(fields) == width:
                    try:
                        row = b"\t".join([c(f) for c, f
                                          in zip(convert, fields)])
                    except FieldError:
                        row = self._slow(entry, line, raw, fields, convert)
                else:
                    row = self._odd(entry, line, raw, fields, convert)
                if row is not None:
                    if self.converter.pending:
                        self.log.replacement(entry, line, raw, self.converter)
                    self.loaded += 1
                    if self.to_lose:
                        self.to_lose -= 1
                    else:
                        yield row
            self.log.file_done(entry, lines, size)

    def _odd(self, entry, line, raw, fields, convert):
        """A row with another number of fields than the table has columns."""
        if isinstance(fields, Row):
            return self._reject(entry, line, raw, 0, b"", fields.error)
        width = len(convert)
        if len(fields) > width:
            return self._reject(entry, line, raw, width - 1, fields[-1],
                                FieldError(1202, "Extra column(s) found"))
        if "FILLRECORD" in self.copy:
            # nothing at all is the empty string in CSV, else NULL
            missing = b"" if "CSV" in self.copy else self.converter.null
            more = [missing] * (width - len(fields))
            return self._slow(entry, line, raw, fields + more, convert)
        return self._reject(entry, line, raw, len(fields) - 1, fields[-1],
                            FieldError(1203, "Delimiter not found"))

    def _slow(self, entry, line, raw, fields, convert):
        """The row again, field by field, to name the one that fails."""
        values = []
        for index, (function, field) in enumerate(zip(convert, fields)):
            try:
                values.append(function(field))
            except FieldError as e:
                self.log.detail(entry, line, fields[:index + 1], values)
                return self._reject(entry, line, raw, index, field, e)
        return b"\t".join(values)

    def _reject(self, entry, line, raw, index, field, why):
        self.errors += 1
        self.converter.pending.clear()
        self.log.error(entry, line, raw, index, field, why)
        limit = max(self.copy.get("MAXERROR", 0), 1)
        if "IGNOREALLERRORS" not in self.copy and self.errors >= limit:
            raise TooManyErrors()

    # -- what the client is told -------------------------------------------

    def _failed(self):
        return RsError("XX000", "Load into table '%s' failed.  Check '%s' "
                       "system table for details."
                       % (self.copy.table.name, self._error_table()))

    def _error_table(self):
        return ("sys_load_error_detail" if self.session.config["serverless"]
                else "stl_load_errors")

    def _notices(self):
        text = "Load into table '%s' completed, " % self.copy.table.name
        if "NOLOAD" in self.copy:
            self.loaded = 0
        self.session.notice("INFO", "00000", text + "%d record(s) loaded "
                            "successfully." % (self.loaded
                                             + self.wrong.get("notice", 0)))
        if self.errors:
            self.session.notice("INFO", "00000", text + "%d record(s) could "
                                "not be loaded.  Check '%s' system table for "
                                "details." % (self.errors,
                                              self._error_table()))
        if self.converter.replaced:
            self.session.notice("INFO", "00000", text + "%d record(s) were "
                                "loaded with replacements made for "
                                "ACCEPTINVCHARS.  Check 'stl_replacements' "
                                "system table for details."
                                % self.converter.replaced)


class Table:
    """The target: which columns the fields go to."""

    QUERY = """
    SELECT a.attname, a.atttypid::regtype, a.atttypmod, a.attnotnull,
        coalesce(a.atthasdef, false) OR a.attidentity <> '', a.attidentity
    FROM pg_attribute a
    WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
    """
    RIGHTS = """
    SELECT c.oid::int8, c.relkind, has_table_privilege(c.oid, 'INSERT'),
        pg_has_role(c.relowner, 'MEMBER')
    FROM pg_class c WHERE c.oid = %s
    """

    def __init__(self, session, copy):
        self.session = session
        self.copy = copy
        self.columns = []
        self.oid = 0

    def describe(self):
        """Read the catalog; refuse what COPY refuses before it reads S3."""
        backend, copy = self.session.backend, self.copy
        oid, kind, may_insert, owns = backend.rows(
            self.RIGHTS % copy.table.regclass)[0]
        self.oid = int(oid)
        if kind != "r":
            raise RsError("42809", '"%s" is not a table' % copy.table.name)
        if may_insert != "t":
            raise RsError("42501", "permission denied for relation "
                          + copy.table.name)
        if "STATUPDATE" in copy and owns != "t":
            raise RsError("42501", "must be owner of relation "
                          + copy.table.name)
        self._choose(backend.rows(self.QUERY % copy.table.regclass))

    def _choose(self, rows):
        """The columns of the list, or all, in the order of the fields."""
        found = {}
        for row in rows:
            found[self.session.names.long(row[0])] = row
        explicit = "EXPLICIT_IDS" in self.copy
        wanted = self.copy.columns or [
            name for name, row in found.items() if explicit or row[5] != "a"]
        for name in wanted:
            if name not in found:
                raise RsError("42703", 'column "%s" of relation "%s" does not '
                              "exist" % (name, self.copy.table.name))
            if found[name][5] == "a" and not explicit:
                raise RsError("0A000", "cannot set an identity column to a "
                              "value")
        if len(set(wanted)) < len(wanted):
            raise RsError("42701", "a column is specified more than once")
        self._check_left_out(found, wanted)
        self.columns = [_column(name, found[name]) for name in wanted]

    def _check_left_out(self, found, wanted):
        for name, row in found.items():
            if name not in wanted and row[3] == "t" and row[4] == "f":
                raise RsError("23502", "Cannot insert a NULL value into "
                              "column %s" % name)


def _column(name, row):
    type_name, modifier = row[1], int(row[2])
    if type_name == "numeric":
        size = ((modifier - 4) >> 16, (modifier - 4) & 0xffff)
    elif type_name in ("character", "character varying"):
        size = (modifier - 4,)
    else:
        size = ()
    shown = (SHOWN.get(type_name, type_name)[:10],
             ", ".join(str(n) for n in size) or "0")
    column = Column(name, type_name, size, row[3] == "t", shown)
    column.backend = '"%s"' % row[0].replace('"', '""')
    return column
