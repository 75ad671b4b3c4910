"""The rows of a file, in the formats COPY reads: CSV and delimited text.

Gives each row's line number, its raw bytes and its fields, still as bytes;
what a field means to its column is convert.py's.  Quotes protect
delimiters and newlines, and nothing else; only LF ends a row, a CR before it
is data.  DG:copy-parameters-data-format.
"""

import re

from .convert import FieldError

ROW_MAX = 4 << 20
ESCAPED = re.compile(rb"\\(.)", re.S)


class Row:
    """A row that cannot be taken apart: error says why."""

    __slots__ = ("error",)

    def __init__(self, code, reason):
        self.error = FieldError(code, reason)


def reader(copy):
    """The function that makes (line, raw, fields or Row) of chunks."""
    skip = copy.get("IGNOREHEADER", 0)
    ignore_blank = "IGNOREBLANKLINES" in copy
    delimiter = copy.get("DELIMITER", "," if "CSV" in copy else "|").encode()
    if "CSV" in copy:
        rows = _csv(delimiter, copy.get("QUOTE", '"').encode())
    elif "ESCAPE" in copy:
        rows = _escaped(delimiter)
    else:
        rows = _plain(delimiter)

    def read(chunks):
        for number, raw, fields in rows(_numbered(chunks, skip)):
            if len(raw) > ROW_MAX:
                fields = Row(1204, "Row is longer than 4 MB")
            elif not raw:
                if ignore_blank:
                    continue
                fields = Row(1211, "Line was empty")
            yield number, raw, fields
    return read


def _lines(chunks):
    """Lines without their LF; the last one may lack it."""
    rest = b""
    for chunk in chunks:
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        yield from lines
    if rest:
        yield rest


def _numbered(chunks, skip):
    for number, line in enumerate(_lines(chunks), 1):
        if number > skip:
            yield number, line


def _plain(delimiter):
    def rows(lines):
        for number, line in lines:
            yield number, line, line.split(delimiter)
    return rows


def _escaped(delimiter):
    """A backslash protects the byte after it, a newline too."""
    pattern = re.compile(rb"((?:[^\\%b]|\\.)*)(%b|\Z)"
                         % ((re.escape(delimiter),) * 2), re.S)

    def rows(lines):
        held, first = b"", 0
        for number, line in lines:
            raw = held + line
            first = first or number
            if (len(raw) - len(raw.rstrip(b"\\"))) % 2:
                held = raw + b"\n"
                continue
            yield first, raw, [ESCAPED.sub(rb"\1", part)
                               for part in _split(pattern, raw)]
            held, first = b"", 0
        if held:
            yield first, held, Row(1214, "Delimiter not found")
    return rows


def _split(pattern, raw):
    fields, at = [], 0
    while True:
        match = pattern.match(raw, at)
        fields.append(match[1])
        at = match.end()
        if not match[2]:
            return fields


def _csv(delimiter, quote):
    d, q = re.escape(delimiter), re.escape(quote)
    # blanks between a delimiter and an enclosing quote do not count
    quoted = re.compile(
        rb"[ \t]*%b([^%b]*(?:%b%b[^%b]*)*)%b[ \t]*(%b|\Z)"
        % (q, q, q, q, q, q, d), re.S)
    bare = re.compile(rb"([^%b%b]*)(%b|\Z)" % (d, q, d), re.S)
    doubled = quote + quote

    def fields_of(raw):
        fields, at = [], 0
        while True:
            match = quoted.match(raw, at)
            if match:
                fields.append(match[1].replace(doubled, quote))
            else:
                match = bare.match(raw, at)
                if not match:
                    return _bad_quote(raw, at, quote)
                fields.append(match[1])
            at = match.end()
            if not match[2]:
                return fields

    def rows(lines):
        held, first = None, 0
        for number, line in lines:
            if held is None:
                if quote not in line:
                    yield number, line, line.split(delimiter)
                    continue
                held, first, size, marks = [], number, 0, 0
            held.append(line)
            marks += line.count(quote)
            size += len(line) + 1
            # an odd number of quotes: a newline inside of quotes
            if marks % 2 == 0 or size > ROW_MAX:
                raw = b"\n".join(held)
                yield first, raw, fields_of(raw)
                held = None
        if held is not None:
            raw = b"\n".join(held)
            yield first, raw, _bad_quote(raw, len(raw), quote)
    return rows


def _bad_quote(raw, at, quote):
    """The text that names the byte where the quotes stop making sense."""
    found = raw.find(quote, at)
    at = found if found >= 0 else len(raw)
    byte = raw[at] if at < len(raw) else 0
    return Row(1214, "Invalid quote formatting for CSV. Unexpected character "
               "0x%x found at location %d" % (byte, at))
