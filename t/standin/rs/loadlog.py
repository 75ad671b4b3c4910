"""What a COPY leaves behind: the rows under the STL, STV and SYS load views.

All of it is written by the ledger, outside of the client's transaction.
"""

import datetime
import time

from .ledger import quote

DETAIL_MAX = 20         # rows in stl_loaderror_detail, by slice
REPLACEMENTS_MAX = 100


class LoadLog:
    def __init__(self, session, copy, query, table, entries):
        self.ledger = session.server.ledger
        self.config = session.config
        self.copy, self.query, self.table = copy, query, table
        self.entries = entries
        self.pid = session.backend.pid
        self.user = int(session.backend.value(
            "SELECT usesysid::int8 FROM pg_user WHERE usename = "
            "current_user"))
        self.slices = {id(entry): number % self.config["slices"]
                       for number, entry in enumerate(entries)}
        self.rejected = []
        self.counts = {}                # (table, slice): rows written
        self.files = self.file_bytes = 0
        self.next_progress = time.monotonic()
        self.started = _now()
        self.ledger.insert(
            "rsi.loads", query=query, userid=self.user, session=self.pid,
            xid=session.backend.value("SELECT pg_current_xact_id()"),
            database=self.config["database"], tbl=table.oid,
            table_name=copy.table.name, starttime=self.started,
            status="running", source=copy.source,
            format="CSV" if "CSV" in copy else "TEXT",
            source_files=len(entries),
            source_bytes=sum(entry.size for entry in entries))

    def slice_of(self, entry):
        return self.slices[id(entry)]

    def _allowed(self, table, entry, limit, wanted=1):
        """May so many more rows of this slice be noted in the table?"""
        place = (table, self.slice_of(entry))
        count = self.counts.get(place, 0)
        if count + wanted > limit:
            return False
        self.counts[place] = count + wanted
        return True

    def file_done(self, entry, lines, size):
        self.files += 1
        self.file_bytes += entry.size
        self.ledger.insert(
            "rsi.load_files", query=self.query, userid=self.user,
            slice=self.slice_of(entry), name=entry.url, lines=lines,
            bytes=entry.size, loaded_bytes=size, curtime=_now())

    def progress(self, load):
        """Let other sessions see how far it is, twice a second."""
        if time.monotonic() < self.next_progress:
            return
        self.next_progress = time.monotonic() + 0.5
        self._update(load)

    def _update(self, load, **more):
        columns = dict(loaded_rows=load.loaded, errors=load.errors,
                       files=self.files, file_bytes=self.file_bytes, **more)
        self.ledger.run("UPDATE rsi.loads SET %s WHERE query = %d" % (
            ", ".join("%s = %s" % (name, quote(value))
                      for name, value in columns.items()), self.query))

    def error(self, entry, line, raw, index, field, why):
        columns = self.table.columns
        column = columns[max(0, min(index, len(columns) - 1))]
        self.rejected.append((
            self.query, self.user, self.slice_of(entry), self.table.oid,
            _now(), self.pid, entry.url[:256], line, column.name[:127],
            *column.shown, why.position, _dotted(raw), _dotted(field),
            why.code, why.reason))
        if len(self.rejected) >= 1000:
            self._write_errors()

    def detail(self, entry, line, fields, values):
        """stl_loaderror_detail: each column up to the one that failed."""
        if not self._allowed("detail", entry, DETAIL_MAX, len(fields)):
            return
        for number, field in enumerate(fields):
            column = self.table.columns[number]
            is_null = number < len(values) and values[number] == b"\\N"
            self.ledger.insert(
                "rsi.loaderror_detail", query=self.query, userid=self.user,
                slice=self.slice_of(entry), session=self.pid,
                filename=entry.url, line_number=line, field=number,
                colname=column.name, value=_dotted(field),
                is_null=int(is_null), type=column.shown[0],
                col_length=column.shown[1])

    def replacement(self, entry, line, raw, converter):
        """A row in which ACCEPTINVCHARS replaced something."""
        converter.replaced += 1
        name = converter.pending[0]
        converter.pending.clear()
        if self._allowed("replacements", entry, REPLACEMENTS_MAX):
            self.ledger.insert(
                "rsi.replacements", query=self.query, userid=self.user,
                slice=self.slice_of(entry), tbl=self.table.oid,
                starttime=_now(), session=self.pid, filename=entry.url,
                line_number=line, colname=name, raw_line=_dotted(raw))

    def _write_errors(self):
        if self.rejected:
            self.ledger.run("INSERT INTO rsi.load_errors VALUES " + ", ".join(
                "(%s)" % ", ".join(quote(value) for value in row)
                for row in self.rejected))
            self.rejected.clear()

    def finish(self, status, load, message=""):
        self._write_errors()
        done = status == "completed" and "NOLOAD" not in self.copy
        self._update(load, status=status, endtime=_now(), message=message,
                     committed_rows=load.loaded if done else 0)


def _now():
    return datetime.datetime.utcnow().isoformat(" ")


def _dotted(data):
    """char(1024): every multibyte or unreadable character is a dot."""
    text = data[:4096].decode("utf-8", "replace")[:1024]
    return "".join(c if c.isascii() and c != "\0" else "." for c in text)
