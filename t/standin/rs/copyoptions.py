"""The COPY statement: its grammar, its options, and which exclude which.

DG:r_COPY and the pages DG:copy-parameters-*.  What the options mean to the
data is in convert.py and records.py; this file only reads and refuses.
"""

from dataclasses import dataclass, field

from .cursor import Cursor, Relation
from .errors import RsError, syntax, unsupported
from . import lexer

FLAGS = frozenset("""
MANIFEST EMPTYASNULL BLANKSASNULL TRIMBLANKS IGNOREBLANKLINES ACCEPTANYDATE
TRUNCATECOLUMNS FILLRECORD ROUNDEC EXPLICIT_IDS ESCAPE IGNOREALLERRORS NOLOAD
ENCRYPTED CSV GZIP ZSTD LZOP BZIP2 REMOVEQUOTES
""".split())

# option: how its argument is read (the methods of Parser)
ARGUMENTS = {
    "QUOTE": "character", "DELIMITER": "character", "REGION": "text",
    "ACCESS_KEY_ID": "text", "SECRET_ACCESS_KEY": "text",
    "SESSION_TOKEN": "text", "MASTER_SYMMETRIC_KEY": "text", "NULL": "text",
    "CREDENTIALS": "text", "DATEFORMAT": "text", "TIMEFORMAT": "text",
    "IGNOREHEADER": "number", "MAXERROR": "number", "COMPROWS": "number",
    "IAM_ROLE": "role", "ACCEPTINVCHARS": "optional_character",
    "COMPUPDATE": "switch", "STATUPDATE": "switch", "ENCODING": "encoding",
}

CODECS = ("GZIP", "ZSTD", "LZOP", "BZIP2")
NOT_HERE = frozenset("JSON AVRO PARQUET ORC FIXEDWIDTH SHAPEFILE SSH READRATIO "
                     "REMOVEQUOTES ENCRYPTED".split())

# pairs that must not stand together; the first one is named
EXCLUSIVE = (
    ("CSV", "FIXEDWIDTH"), ("CSV", "REMOVEQUOTES"), ("CSV", "ESCAPE"),
    ("IAM_ROLE", "ACCESS_KEY_ID"), ("IAM_ROLE", "SECRET_ACCESS_KEY"),
    ("IAM_ROLE", "SESSION_TOKEN"), ("IAM_ROLE", "CREDENTIALS"),
    ("CREDENTIALS", "ACCESS_KEY_ID"), ("CREDENTIALS", "SECRET_ACCESS_KEY"),
    ("CREDENTIALS", "SESSION_TOKEN"), ("MAXERROR", "IGNOREALLERRORS"),
    ("GZIP", "ZSTD"), ("GZIP", "LZOP"), ("GZIP", "BZIP2"), ("ZSTD", "LZOP"),
    ("ZSTD", "BZIP2"), ("LZOP", "BZIP2"),
)
NEEDS = (("QUOTE", "CSV"), ("SESSION_TOKEN", "ACCESS_KEY_ID"),
         ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"),
         ("SECRET_ACCESS_KEY", "ACCESS_KEY_ID"),
         ("MASTER_SYMMETRIC_KEY", "ENCRYPTED"))

MAXERROR_MAX = 100000
COMPROWS = (1000, 2147483647)


@dataclass
class Copy:
    """A COPY statement that may be carried out."""

    table: Relation
    columns: list               # names, or [] for all
    source: str
    options: dict = field(default_factory=dict)

    def __contains__(self, option):
        return option in self.options

    def get(self, option, default=None):
        return self.options.get(option, default)

    @property
    def codec(self):
        return next((c for c in CODECS if c in self.options), None)


def parse(session, tokens):
    for token in tokens:
        if token.kind == lexer.PARAM:
            raise syntax(token.text)
    return Parser(session, tokens).copy()


class Parser(Cursor):
    def copy(self):
        self.expect("COPY")
        table = self.relation()
        columns = self.names() if self.looking_at("(") else []
        self.expect("FROM")
        if self.looking_at("STDIN"):
            raise _bad_source()
        found = Copy(table, columns, self.string())
        if not found.source.startswith("s3://"):
            raise _bad_source()
        while not self.done:
            self._option(found.options)
        _check(found)
        return found

    def _option(self, options):
        name = self.peek().key
        if name == "WITH" and self.peek(1).key == "CREDENTIALS":
            self.next()
            name = "CREDENTIALS"
        if name == "FORMAT":
            self.next()
            self.accept("AS")
            name = self.peek().key
            if name != "CSV" and name not in NOT_HERE:
                raise self.error()
        if name in NOT_HERE:
            raise unsupported("COPY's option " + name)
        if name in options:
            raise RsError("42601", "conflicting or redundant options")
        if name in FLAGS:
            self.next()
            options[name] = True
        elif name in ARGUMENTS:
            self.next()
            options[name] = getattr(self, ARGUMENTS[name])(name)
        else:
            raise self.error()

    def text(self, _name):
        self.accept("AS")
        return self.string()

    def number(self, _name):
        self.accept("AS")
        return self.integer()

    def character(self, name):
        value = self.text(name)
        if len(value) != 1 or not value.isascii():
            raise RsError("22023", "COPY %s must be a single ASCII character"
                          % name.lower())
        return value

    def optional_character(self, name):
        if self.looking_at("AS") or self.peek().kind == lexer.STRING:
            return self.character(name)
        return "?"

    def role(self, _name):
        return None if self.accept("DEFAULT") else self.string()

    def switch(self, name):
        words = ("ON", "OFF", "TRUE", "FALSE")
        if name == "COMPUPDATE":
            words += ("PRESET",)
        return self.accept_any(*words) or "ON"

    def encoding(self, _name):
        self.accept("AS")
        token = self.next()
        value = (token.value or token.key).upper()
        if value in ("UTF16", "UTF16LE", "UTF16BE"):
            raise unsupported("COPY's ENCODING " + value)
        if value != "UTF8":
            raise syntax(token.text)
        return value


def _bad_source():
    return RsError("0A000", "LOAD source is not supported. (Hint: only S3 or "
                   "DynamoDB or EMR based load is allowed)")


def _check(copy):
    for one, other in EXCLUSIVE:
        if one in copy and other in copy:
            raise RsError("42601", "COPY options %s and %s cannot be used "
                          "together" % (one, other))
    for one, other in NEEDS:
        if one in copy and other not in copy:
            raise RsError("42601", "COPY option %s needs %s" % (one, other))
    if not {"IAM_ROLE", "ACCESS_KEY_ID", "CREDENTIALS"} & set(copy.options):
        raise RsError("42601", "COPY from S3 needs an authorization: IAM_ROLE, "
                      "CREDENTIALS or ACCESS_KEY_ID and SECRET_ACCESS_KEY")
    if copy.get("MAXERROR", 0) > MAXERROR_MAX:
        raise RsError("22023", "MAXERROR must be between 0 and %d"
                      % MAXERROR_MAX)
    if not COMPROWS[0] <= copy.get("COMPROWS", COMPROWS[0]) <= COMPROWS[1]:
        raise RsError("22023", "COMPROWS must be between %d and %d" % COMPROWS)
    if "\n" in copy.get("NULL", ""):
        raise RsError("22023", "COPY null representation cannot use newline")
    delimiter = copy.get("DELIMITER", "," if "CSV" in copy else "|")
    if delimiter in "\r\n":
        raise RsError("22023", "COPY delimiter cannot be newline or carriage "
                      "return")
    if delimiter == copy.get("QUOTE", '"') and "CSV" in copy:
        raise RsError("22023", "COPY quote must not be the delimiter")
