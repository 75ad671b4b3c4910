"""Column types: how they are written in Redshift, what the backend gets.

DG:r_Character_types, DG:r_Numeric_types201; the tables are grammar.py's.
"""

from dataclasses import dataclass

from . import lexer
from .errors import RsError, unsupported
from .grammar import (CHAR_MAX, DECIMAL_DEFAULT, DECIMAL_MAX, TYPES,
                      TYPES_NOT_HERE, TYPES_REFUSED, TYPE_WORDS,
                      VARCHAR_DEFAULT, VARCHAR_MAX)


@dataclass
class Type:
    name: str               # the backend's name
    size: tuple = ()

    @property
    def sql(self):
        if self.size:
            return "%s(%s)" % (self.name, ",".join(map(str, self.size)))
        return self.name


def read(cursor, column=""):
    """The type that comes next; column ("table.column") is for the error
    that CREATE TABLE gives."""
    first = cursor.peek()
    if first.kind != lexer.WORD:
        raise cursor.error()
    for count in range(TYPE_WORDS, 0, -1):
        words = " ".join(cursor.peek(i).key for i in range(count))
        if words in TYPES:
            for _ in range(count):
                cursor.next()
            name, rule = TYPES[words]
            return Type(name, _size(cursor, name, rule))
    if first.key in TYPES_NOT_HERE:
        raise unsupported("type " + first.key.lower())
    if first.key in TYPES_REFUSED:
        raise RsError("0A000", 'Column "%s" has unsupported type "%s".' % (
            column or "?column?", first.text.lower()))
    if not first.key.isalnum() or first.key in ("NOT", "NULL"):
        raise cursor.error()
    raise RsError("42704", 'type "%s" does not exist' % first.text.lower())


def _size(cursor, name, rule):
    given = _arguments(cursor) if rule and cursor.accept("(") else []
    if cursor.looking_at("["):
        raise cursor.error()
    if rule in ("varchar", "text", "char", "bpchar"):
        return _length(cursor, name, rule, given)
    if rule == "decimal":
        return _decimal(given)
    return ()


def _arguments(cursor):
    found = []
    while True:
        found.append(VARCHAR_MAX if cursor.accept("MAX")
                     else cursor.integer())
        if not cursor.accept(","):
            cursor.expect(")")
            return found


LENGTHS = {             # rule: (default, largest)
    "varchar": (VARCHAR_DEFAULT, VARCHAR_MAX),
    "text": (VARCHAR_DEFAULT, VARCHAR_MAX),
    "char": (1, CHAR_MAX), "bpchar": (256, CHAR_MAX),
}


def _length(cursor, name, rule, given):
    default, largest = LENGTHS[rule]
    if len(given) > 1:
        raise cursor.error()
    length = given[0] if given else default
    if length < 1:
        raise RsError("22023", "length for type %s must be at least 1" % name)
    if length > largest:
        raise RsError("22023", "length for type %s cannot exceed %d"
                      % (name, largest))
    if rule == "text":
        length = default        # TEXT(n) is VARCHAR(256) whatever n says
    return (length,)


def _decimal(given):
    precision, scale = (given + [0])[:2] if given else DECIMAL_DEFAULT
    if not 1 <= precision <= DECIMAL_MAX[0]:
        raise RsError("22023", "NUMERIC precision %d must be between 1 and %d"
                      % (precision, DECIMAL_MAX[0]))
    if scale > min(precision, DECIMAL_MAX[1]):
        raise RsError("22023", "NUMERIC scale %d must be between 0 and "
                      "precision %d" % (scale, precision))
    return (precision, scale)
