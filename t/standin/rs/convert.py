r"""Fields to values, column by column, as COPY converts them.

columns() makes one function for each column; it takes the field's bytes and
gives the value in PostgreSQL's COPY text form, or raises FieldError with the
code and the reason that the error tables show.  A NULL is \N, whatever it was
in the file.  DG:copy-parameters-data-conversion, DG:r_Load_Error_Reference.
"""

import functools
import re
import struct

from . import dates
from .errors import RsError

NULL = b"\\N"
ESCAPES = re.compile(rb"[\\\t\n\r]")
ESCAPED = {b"\\": b"\\\\", b"\t": b"\\t", b"\n": b"\\n", b"\r": b"\\r"}

INTEGERS = {            # type: (bits, the name in "Invalid digit")
    "smallint": (15, "Short"), "integer": (31, "Integer"),
    "bigint": (63, "Long"),
}
BOOLEANS = {}
for _word in ("t", "true", "y", "yes", "1"):
    BOOLEANS[_word.encode()] = b"t"
for _word in ("f", "false", "n", "no", "0"):
    BOOLEANS[_word.encode()] = b"f"

DECIMAL = re.compile(rb"([+-]?)(\d*)(?:\.(\d*))?")
FLOAT = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|"
                   rb"[+-]?(inf|infinity|nan)", re.I)
REAL_MAX = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]


class FieldError(Exception):
    """Why a field, or a row, cannot be loaded."""

    def __init__(self, code, reason, position=0):
        super().__init__(reason)
        self.code, self.reason, self.position = code, reason, position


class Column:
    """A column of the target table, as COPY needs to know it."""

    def __init__(self, name, type_name, size, not_null, shown):
        self.name, self.type = name, type_name
        self.size = size                # (n,) or (precision, scale) or ()
        self.not_null = not_null
        self.shown = shown              # (type, length) for the error tables


class Converter:
    """The rules of one COPY, and what it replaced on the way."""

    def __init__(self, copy):
        self.copy = copy
        self.null = copy.get("NULL", "\\N").encode()
        self.replacement = copy.get("ACCEPTINVCHARS", "").encode()
        self.replaced = 0               # rows
        self.pending = []               # columns of the row being converted
        self.dates = dates.date_reader(copy.get("DATEFORMAT"))
        self.times = dates.timestamp_reader(copy.get("TIMEFORMAT"), False)
        self.zoned = dates.timestamp_reader(copy.get("TIMEFORMAT"), True)

    def column(self, column):
        """The function for one column."""
        if column.type in ("character", "character varying"):
            convert = self._text(column)
        else:
            convert = self._other(column)
        return _not_null(convert) if column.not_null else convert

    # -- text --------------------------------------------------------------

    def _text(self, column):
        null, width = self.null, column.size[0]
        empty = NULL if "EMPTYASNULL" in self.copy or not null else b""
        blanks = "BLANKSASNULL" in self.copy
        trim = "TRIMBLANKS" in self.copy and column.type != "character"
        check = functools.partial(
            self._ascii if column.type == "character" else self._utf8,
            column.name)
        search = ESCAPES.search

        def convert(value):
            if value == null:
                return NULL
            if not value:
                return empty
            if blanks and not value.strip():
                return NULL
            if trim:
                value = value.rstrip()
            if not value.isascii() or b"\0" in value:
                value = check(value)
            if len(value) > width:
                value = self._fit(value, width)
            if search(value):
                return ESCAPES.sub(lambda m: ESCAPED[m[0]], value)
            return value
        return convert

    def _fit(self, value, width):
        """Blanks beyond the width may go; other bytes only if told so."""
        if not value[width:].strip(b" "):
            return value[:width]
        if "TRUNCATECOLUMNS" in self.copy:
            return value[:width].decode("utf-8", "ignore").encode()
        raise FieldError(1204, "String length exceeds DDL length")

    def _ascii(self, _name, value):
        _no_nul(value)
        bad = re.search(rb"[\x80-\xff]+", value)
        raise FieldError(1220, "Multibyte character not supported for CHAR "
                         "(Hint: try using VARCHAR). Invalid char: %s"
                         % bad[0][:4].hex(" "), bad.start())

    def _utf8(self, name, value):
        _no_nul(value)
        try:
            value.decode("utf-8")
            return value
        except UnicodeDecodeError as e:
            if self.replacement:
                self.pending.append(name)
                return self._replace(value)
            raise _bad_utf8(value, e.start) from e

    def _replace(self, value):
        """One replacement character for every bad byte."""
        good, at = [], 0
        while True:
            try:
                good.append(value[at:].decode("utf-8"))
                return "".join(good).encode()
            except UnicodeDecodeError as e:
                good.append(value[at:at + e.start].decode("utf-8"))
                good.append(self.replacement.decode() * (e.end - e.start))
                at += e.end

    # -- all other types: nothing and blanks are NULL ----------------------

    def _other(self, column):
        null = self.null
        name = column.type
        if name in INTEGERS:
            convert = _integer(name)
        elif name == "numeric":
            convert = _decimal(*column.size, "ROUNDEC" in self.copy)
        elif name in ("real", "double precision"):
            convert = _float(REAL_MAX if name == "real" else None)
        elif name == "boolean":
            convert = _boolean
        else:
            convert = self._time(name)

        def convert_or_null(value):
            if value == null or not value.strip():
                return NULL
            return convert(value)
        return convert_or_null

    def _time(self, name):
        reader = {
            "date": self.dates,
            "timestamp without time zone": self.times,
            "timestamp with time zone": self.zoned,
            "time without time zone": dates.time_reader(False),
            "time with time zone": dates.time_reader(True),
        }.get(name)
        if not reader:
            raise RsError("0A000", "COPY into type %s is not supported" % name)
        code = 1205 if name == "date" else 1206
        any_date = "ACCEPTANYDATE" in self.copy

        def convert(value):
            try:
                return reader(value)
            except ValueError as e:
                if any_date:
                    return NULL
                raise FieldError(code, str(e)) from e
        return convert


def _not_null(convert):
    def checked(value):
        found = convert(value)
        if found is NULL:
            raise FieldError(1213, "Missing data for not-null field")
        return found
    return checked


def _no_nul(value):
    at = value.find(b"\0")
    if at >= 0:
        raise FieldError(1218, "Invalid null byte - field longer than 1 byte",
                         at)


def _bad_utf8(value, at):
    """The reason with its sub-code (DG:multi-byte-character-load-errors)."""
    first = value[at]
    if first in range(0x80, 0xc0) or first >= 0xfe:
        size, sub = 1, 3
    elif first >= 0xf8:
        size, sub = (5 if first < 0xfc else 6), 1
    else:
        size = 4 if first >= 0xf0 else 3 if first >= 0xe0 else 2
        sub = 2 if len(value) < at + size else 4
    return FieldError(1220, "String contains invalid or unsupported UTF8 "
                      "codepoints. Bad UTF8 hex sequence: %s (error %d)"
                      % (value[at:at + size].hex(" "), sub), at)


def _shown(value):
    return value.decode("utf-8", "replace").replace("\0", ".")


def _bad_digit(value, pattern, type_name):
    """Name the first byte that is not part of a number."""
    at = pattern.match(value).end()
    return FieldError(1207, "Invalid digit, Value '%s', Pos %d, Type: %s"
                      % (_shown(value[at:at + 1]), at, type_name), at)


SIGNED = re.compile(rb"[+-]?\d*")


def _integer(name):
    bits, type_name = INTEGERS[name]
    low, high = -(1 << bits), (1 << bits) - 1

    def convert(value):
        if not (value.isdigit()
                or value[:1] in (b"-", b"+") and value[1:].isdigit()):
            raise _bad_digit(value, SIGNED, type_name)
        if not low <= int(value) <= high:
            raise FieldError(1222, "Integer overflow, Value '%s', Type: %s"
                             % (_shown(value), type_name))
        return value
    return convert


def _decimal(precision, scale, round_it):
    match = DECIMAL.fullmatch
    whole_max = precision - scale

    def convert(value):
        found = match(value)
        if not found or not (found[2] or found[3]):
            raise _bad_digit(value, DECIMAL, "Decimal")
        sign, whole, part = found[1], found[2].lstrip(b"0"), found[3] or b""
        if len(part) > scale:
            # COPY cuts what INSERT would round
            up = round_it and part[scale:scale + 1] >= b"5"
            digits = b"%d" % (int(whole + part[:scale] or b"0") + up)
            digits = digits.rjust(scale + 1, b"0")
            whole = digits[:len(digits) - scale].lstrip(b"0")
            part = digits[len(digits) - scale:]
        if len(whole) > whole_max:
            raise FieldError(1209, "Overflow for NUMERIC(%d,%d)"
                             % (precision, scale))
        return b"%b%b.%b" % (sign, whole or b"0", part or b"0")
    return convert


def _float(limit):
    def convert(value):
        if not FLOAT.fullmatch(value):
            raise FieldError(1208, "Invalid float: '%s'" % _shown(value))
        number = abs(float(value))
        if number == float("inf") and b"n" not in value.lower() \
                or limit and limit < number < float("inf"):
            raise FieldError(1204, "Float value out of range: '%s'"
                             % _shown(value))
        return value
    return convert


def _boolean(value):
    found = BOOLEANS.get(value.lower())
    if not found:
        raise FieldError(1210, "Unknown boolean format")
    return found
