"""DataSets as files, for domo.py: their metadata, their CSV and SQL over them.

DIR/GUID.csv is what Domo's export would send with the header on: RFC 4180,
LF, quotes only where needed, NULL an empty unquoted field, "" the empty string.
DIR/GUID.json says the rest: name, schema ({"columns": [{"name", "type"}]}) and,
if the test wants, any field of Domo's metadata (rows, owner, pdpEnabled,
updatedAt, ...), and how the stand-in is to treat it: deleted, "access": false,
"loaded": false (no data ever came), "omit": [fields], "empty_export",
"formulas": false (no text begins as a formula; saves looking through it).
Both are looked at anew at each request.  A DataSet without a .csv has no rows.
"""
import datetime
import decimal
import json
import mmap
import os
import re
import sqlite3
import threading

BLOCK = 256 * 1024


# --- CSV -----------------------------------------------------------------------

def count_records(path):
    """Line ends outside quotes, plus one for a last line without one."""
    count, inside, last = 0, 0, b'\n'
    with open(path, 'rb') as f:
        while block := f.read(1 << 22):
            parts = block.split(b'"')
            count += sum(p.count(b'\n') for p in parts[inside::2])
            inside ^= (len(parts) - 1) & 1
            last = block[-1:]
    return count + (last != b'\n')


def records(f):
    """The records of an open file, each with its line end."""
    record = b''
    for line in f:
        record = record + line if record else line
        if not record.count(b'"') & 1:
            yield record
            record = b''
    if record:
        yield record


def may_have_formulas(path):
    """Whether a field may begin as a formula does; numbers count too."""
    if not os.path.getsize(path):
        return False
    with open(path, 'rb') as f, mmap.mmap(
            f.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return any(text.find(before + sign) >= 0
                   for before in (b',', b'\n', b',"', b'\n"')
                   for sign in FORMULA_SIGNS)


FORMULA_SIGNS = (b'-', b'=', b'+', b'@')
FIELD = re.compile(rb'(?:"((?:[^"]|"")*)"|([^",]*))(,|$)')


def split_record(record):
    """[value or None for NULL] of one record, as bytes."""
    fields, at = [], 0
    record = record[:-1] if record.endswith(b'\n') else record
    while True:
        found = FIELD.match(record, at)
        if not found:
            raise ValueError('bad CSV: %r' % record[:100])
        quoted, bare, end = found.groups()
        fields.append(quoted.replace(b'""', b'"') if quoted is not None
                      else bare or None)
        if not end:
            return fields
        at = found.end()


def join_record(fields, style):
    """One record from its fields, in the given style (see STYLE)."""
    out = []
    for value in fields:
        if value is None or (value == b'' and style['empty_as_null']):
            out.append(style['null'])
        elif style['quote_all'] or value == b'' or NEEDS_QUOTES(value):
            out.append(b'"' + value.replace(b'"', b'""') + b'"')
        else:
            out.append(value)
    return b','.join(out) + style['line_end']


NEEDS_QUOTES = re.compile(rb'[",\r\n]').search
STYLE = {
    'null': b'', 'empty_as_null': False, 'quote_all': False,
    'line_end': b'\n', 'bom': False, 'final_newline': True,
    'escape': False,            # put ' before a text that begins as a formula
    'skip': None,               # leave out the rows of this range
    'keep': None,               # only so many rows
}


class Dataset:
    """One DataSet as it is now."""

    measured = {}               # (function, path) -> (stamp, result)
    lock = threading.Lock()

    def __init__(self, directory, guid):
        self.guid = guid
        self.csv = os.path.join(directory, guid + '.csv')
        described = os.path.join(directory, guid + '.json')
        with open(described, encoding='utf-8') as f:
            self.said = json.load(f)
        self.columns = self.said.get('schema', {}).get('columns', [])
        try:
            self.stat = os.stat(self.csv)
        except FileNotFoundError:
            self.stat = None
            self.said.setdefault('loaded', False)
        self.stamp = self.stat and (self.stat.st_mtime_ns, self.stat.st_size,
                                    self.stat.st_ino)
        self.changed = (self.stat or os.stat(described)).st_mtime

    def measure(self, function):
        """function(path of the CSV), done again only if the file changed."""
        key = function, self.csv
        with self.lock:
            stamp, result = self.measured.get(key, (None, None))
        if stamp != self.stamp:
            result = function(self.csv)
            with self.lock:
                self.measured[key] = self.stamp, result
        return result

    def rows(self):
        """The rows there are, whatever the metadata says."""
        return max(self.measure(count_records) - 1, 0) if self.stat else 0

    def formulas(self):
        if not self.stat or not self.said.get('formulas', True):
            return False
        return self.measure(may_have_formulas)

    def metadata(self):
        if self.said.get('deleted'):
            return {'id': self.guid, 'name': self.said.get('name', self.guid),
                    'deleted': True}
        fields = dict(self.summary(), schema={'columns': self.columns})
        fields['policies'] = self.said.get('policies', [])
        for name in self.said.get('omit', []):
            fields.pop(name, None)
        return fields

    def summary(self):
        """What the list shows of it."""
        when = datetime.datetime.utcfromtimestamp(self.changed)
        said = self.said
        return {
            'id': self.guid, 'name': said.get('name', self.guid),
            'description': said.get('description', ''),
            'rows': said['rows'] if 'rows' in said else self.rows(),
            'columns': len(self.columns),
            'owner': said.get('owner', {'id': 27, 'name': 'DomoSupport'}),
            'createdAt': said.get('createdAt', '2015-12-10T07:06:14Z'),
            'updatedAt': said.get(
                'updatedAt', when.strftime('%Y-%m-%dT%H:%M:%S.')
                + '%03dZ' % (when.microsecond // 1000)),
            'dataCurrentAt': said.get(
                'dataCurrentAt', when.strftime('%Y-%m-%dT%H:%M:%SZ')),
            'pdpEnabled': said.get('pdpEnabled', False),
        }

    def open(self):
        return open(self.csv, 'rb') if self.stat else open(os.devnull, 'rb')

    def header_length(self):
        with self.open() as f:
            return len(next(records(f), b''))

    def export(self, header, style):
        """The CSV in blocks of about BLOCK bytes, in the given style."""
        texts = [c['type'] == 'STRING' for c in self.columns]
        blocks, size = [b'\xef\xbb\xbf' if style['bom'] else b''], 0
        held = b''
        for record in self.styled(header, style, texts):
            if held:
                blocks.append(held)
                size += len(held)
            held = record
            if size >= BLOCK:
                yield b''.join(blocks)
                blocks, size = [], 0
        if not style['final_newline']:
            held = held[:-len(style['line_end'])]
        yield b''.join(blocks) + held

    def styled(self, header, style, texts):
        with self.open() as f:
            for n, record in enumerate(records(f), -1):
                if n < 0 and not header:
                    continue
                if n >= 0 and style['skip'] and n in style['skip']:
                    continue
                if style['keep'] is not None and n >= style['keep']:
                    return
                fields = split_record(record)
                if style['escape'] and n >= 0:
                    fields = [b"'" + v if text and v and v[:1] in FORMULA_SIGNS
                              else v for v, text in zip(fields, texts)]
                yield join_record(fields, style)


# --- SQL -----------------------------------------------------------------------

class BadQuery(Exception):
    """Its text goes into the answer."""


class RawNumber(str):
    """A number whose digits are sent as they stand in the CSV."""


def compare_decimals(a, b):
    try:
        x, y = decimal.Decimal(a), decimal.Decimal(b)
    except decimal.InvalidOperation:
        x, y = a, b
    return (x > y) - (x < y)


TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\w+|\s+|.""", re.S)


def with_our_table(sql):
    """Domo takes any name for the one table there is.  Back-ticks mean to
    SQLite what they mean to Domo."""
    tokens = TOKEN.findall(sql)
    words = [i for i, t in enumerate(tokens) if not t.isspace()]
    if not words or tokens[words[0]].upper() != 'SELECT' or ';' in tokens:
        raise BadQuery('only one SELECT is possible')
    for i, j in zip(words, words[1:]):
        if tokens[i].upper() == 'FROM' and tokens[j] != '(':
            tokens[j] = '"dataset"'
        elif tokens[i].upper() == 'JOIN':
            raise BadQuery('JOIN is not possible')
    return ''.join(tokens)


class Table:
    """A DataSet in an SQLite database, which gives WHERE, ORDER BY, LIMIT and
    the aggregates.  DECIMAL stays text, compared as numbers."""

    TYPES = {'LONG': 'INTEGER', 'DOUBLE': 'REAL',
             'DECIMAL': 'TEXT COLLATE decimals'}
    loaded = {}                 # path -> Table
    lock = threading.Lock()

    def __init__(self, dataset):
        self.stamp = dataset.stamp
        self.types = [c['type'] for c in dataset.columns]
        self.names = self.unique([c['name'] for c in dataset.columns])
        self.real = dict(zip(self.names, dataset.columns))
        self.db = sqlite3.connect(':memory:', check_same_thread=False)
        self.db.create_collation('decimals', compare_decimals)
        self.db.execute('CREATE TABLE "dataset" (%s)' % ','.join(
            '"%s" %s' % (n.replace('"', '""'), self.TYPES.get(t, 'TEXT'))
            for n, t in zip(self.names, self.types)))
        with dataset.open() as f:
            rows = records(f)
            next(rows, None)
            self.db.executemany(
                'INSERT INTO "dataset" VALUES (%s)'
                % ','.join('?' * len(self.names)), map(self.row, rows))
        self.db.execute('PRAGMA query_only = on')

    @staticmethod
    def unique(names):
        """SQLite's names have no case; the second of a pair is reached only
        by *."""
        seen, out = set(), []
        for name in names:
            while name.lower() in seen:
                name += ' (again)'
            seen.add(name.lower())
            out.append(name)
        return out

    def row(self, record):
        return [v if v is None else int(v) if t == 'LONG'
                else float(v) if t == 'DOUBLE' else v.decode()
                for v, t in zip(split_record(record), self.types)]

    @classmethod
    def of(cls, dataset):
        with cls.lock:
            table = cls.loaded.get(dataset.csv)
            if not table or table.stamp != dataset.stamp:
                cls.loaded[dataset.csv] = table = cls(dataset)
            return table

    def query(self, sql, cap, keep=None):
        """(columns, rows) with columns = [{"name", "type"}].  keep: only the
        first rows of the table can be seen, as under a PDP policy."""
        sql = with_our_table(sql)
        if keep is not None:
            sql = sql.replace('"dataset"', '(SELECT * FROM "dataset" '
                              'WHERE rowid <= %d)' % keep)
        with self.lock:
            try:
                cursor = self.db.execute(sql)
                rows = cursor.fetchmany(cap)
            except (sqlite3.Error, sqlite3.Warning) as error:
                raise BadQuery(str(error)) from None
        known = {name.lower(): column for name, column in self.real.items()}
        columns = [known.get(d[0].lower()) or {'name': d[0], 'type': self.guess(
            row[i] for row in rows)} for i, d in enumerate(cursor.description)]
        exact = [c['type'] == 'DECIMAL' for c in columns]
        return columns, [[RawNumber(v) if e and isinstance(v, str) else v
                          for v, e in zip(row, exact)] for row in rows]

    @staticmethod
    def guess(values):
        first = next((v for v in values if v is not None), '')
        return {int: 'LONG', float: 'DOUBLE'}.get(type(first), 'STRING')


def as_json(value):
    """A cell of the answer to a query."""
    return value if isinstance(value, RawNumber) else json.dumps(value)
