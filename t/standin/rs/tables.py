"""CREATE TABLE, as Redshift's grammar has it, written for the backend.

Distribution, sort keys and encodings are taken out and noted in rsi (the
views show them); keys are noted too and not enforced.  DG:r_CREATE_TABLE_NEW,
DG:r_CREATE_TABLE_AS.  ALTER TABLE is alter.py's.
"""

from dataclasses import dataclass, field

from . import emit, queries, references, types
from .backend import literal
from .cursor import Cursor, Relation
from .errors import RsError, syntax, unsupported
from .grammar import COLUMNS_MAX, ENCODINGS, SORTKEYS_MAX, SYSTEM_COLUMNS
from .plan import Plan

# what ends a column's DEFAULT expression
AFTER_DEFAULT = ("ENCODE", "NOT", "NULL", "DISTKEY", "SORTKEY", "PRIMARY",
                 "UNIQUE", "REFERENCES", "IDENTITY", "GENERATED", "COLLATE",
                 "CHECK", ",")


@dataclass
class Column:
    name: str
    type: types.Type
    default: str = ""
    identity: str = ""
    encode: str = ""
    not_null: bool = False
    keys: str = ""              # of p(rimary), u(nique), f(oreign)


@dataclass
class Table:
    """A table as it was asked for."""

    relation: Relation
    columns: list = field(default_factory=list)
    likes: list = field(default_factory=list)       # (Relation, defaults)
    references: list = field(default_factory=list)  # Relations
    diststyle: str = ""
    distkey: str = ""
    sortstyle: str = ""
    sortkeys: list = field(default_factory=list)
    encode_auto: bool = True

    def column(self, name):
        for column in self.columns:
            if column.name == name:
                return column
        raise RsError("42703", 'column "%s" named in key does not exist'
                      % name)


def check_column_name(name):
    if name in SYSTEM_COLUMNS:
        raise RsError("42701", 'column name "%s" conflicts with a system '
                      "column name" % name)


def check_encoding(name, column_type, column):
    if name not in ENCODINGS:
        raise RsError("42601", 'syntax error at or near "%s"' % name.lower())
    if column_type.name not in ENCODINGS[name]:
        raise RsError("0A000", "invalid encoding type specified for column "
                      '"%s"' % column)


class Parser(Cursor):
    """What makes up a table, filled into a Table."""

    def __init__(self, session, tokens, table):
        super().__init__(session, tokens)
        self.table = table

    def whole(self):
        """CREATE TABLE after the table's name."""
        if self.accept("("):
            self._elements()
        self.attributes()
        self.expect_end()

    def _elements(self):
        while True:
            if self.accept("LIKE"):
                self._like()
            elif self.peek().key in ("CONSTRAINT", "UNIQUE", "PRIMARY",
                                     "FOREIGN", "CHECK"):
                self._constraint()
            else:
                self.table.columns.append(self.column())
            if not self.accept(","):
                break
        self.expect(")")
        if len(self.table.columns) > COLUMNS_MAX:
            raise RsError("54011", "tables can have at most %d columns"
                          % COLUMNS_MAX)

    def _like(self):
        parent = self.relation()
        defaults = False
        if self.accept("INCLUDING", "DEFAULTS"):
            defaults = True
        else:
            self.accept("EXCLUDING", "DEFAULTS")
        self.table.likes.append((parent, defaults))

    def _constraint(self):
        if self.accept("CONSTRAINT"):
            self.name()
        if self.looking_at("CHECK"):
            raise RsError("0A000", "CHECK constraints are not supported")
        if self.accept("FOREIGN", "KEY"):
            kind, names = "f", self.names()
            self._references()
        elif self.accept("PRIMARY", "KEY"):
            kind, names = "p", self.names()
        else:
            self.expect("UNIQUE")
            kind, names = "u", self.names()
        for name in names:
            column = self.table.column(name)
            column.keys += kind
            column.not_null |= kind == "p"

    def _references(self):
        self.expect("REFERENCES")
        self.table.references.append(self.relation())
        if self.looking_at("("):
            self.names()

    # -- a column ----------------------------------------------------------

    def column(self):
        name = self.name()
        check_column_name(name)
        found = Column(name, types.read(
            self, "%s.%s" % (self.table.relation.name, name)))
        while self._attribute(found):
            pass
        return found

    def _attribute(self, column):
        """One attribute of a column, if another one follows."""
        if self.accept("DEFAULT"):
            column.default = self.default()
        elif self.accept("NOT", "NULL"):
            column.not_null = True
        elif self.accept("NULL"):
            pass
        elif self.accept("ENCODE"):
            column.encode = self.encoding(column)
            self.table.encode_auto = False
        elif self.accept("DISTKEY"):
            self._set_distkey(column.name)
        elif self.accept("SORTKEY"):
            self.table.sortkeys.append(column.name)
        elif self.accept("PRIMARY", "KEY"):
            column.keys += "p"
            column.not_null = True
        elif self.accept("UNIQUE"):
            column.keys += "u"
        elif self.looking_at("REFERENCES"):
            self._references()
            column.keys += "f"
        else:
            return self._rare_attribute(column)
        return True

    def _rare_attribute(self, column):
        if self.accept("IDENTITY"):
            column.identity = self._identity("ALWAYS")
        elif self.accept("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"):
            column.identity = self._identity("BY DEFAULT")
        elif self.accept("COLLATE"):
            if self.accept_any("CASE_INSENSITIVE", "CI"):
                raise unsupported("COLLATE CASE_INSENSITIVE")
            if not self.accept_any("CASE_SENSITIVE", "CS"):
                raise self.error()
        elif self.looking_at("CHECK"):
            raise RsError("0A000", "CHECK constraints are not supported")
        else:
            return False
        return True

    def default(self):
        """The expression of a DEFAULT, for the backend."""
        first = self.items[self.at:self.at + 1]
        self.next()
        return emit.sql(self.session, first + self.upto(*AFTER_DEFAULT))

    def encoding(self, column):
        name = self.next().key
        check_encoding(name, column.type, column.name)
        return name.lower()

    def _identity(self, when):
        self.expect("(")
        seed = self.integer()
        self.expect(",")
        step = self.integer()
        self.expect(")")
        return "GENERATED %s AS IDENTITY (START WITH %d INCREMENT BY %d)" % (
            when, seed, step)

    # -- attributes of the table -------------------------------------------

    def attributes(self):
        table = self.table
        while True:
            if self.accept("BACKUP"):
                if not self.accept_any("YES", "NO"):
                    raise self.error()
            elif self.accept("DISTSTYLE"):
                table.diststyle = self.accept_any("AUTO", "EVEN", "KEY", "ALL")
                if not table.diststyle:
                    raise self.error()
            elif self.accept("DISTKEY"):
                names = self.names()
                if len(names) > 1:
                    raise syntax(",")
                self._set_distkey(names[0])
            elif self.peek().key in ("COMPOUND", "INTERLEAVED", "SORTKEY"):
                self._sortkey()
            elif self.accept("ENCODE", "AUTO"):
                table.encode_auto = True
            else:
                return

    def _set_distkey(self, name):
        if self.table.distkey:
            raise RsError("42P16", "multiple distribution keys for table "
                          '"%s" are not allowed' % self.table.relation.name)
        self.table.distkey = name

    def _sortkey(self):
        style = self.accept_any("COMPOUND", "INTERLEAVED")
        self.expect("SORTKEY")
        if not style and self.accept("AUTO"):
            self.table.sortstyle = "AUTO"
            return
        self.table.sortstyle = style or "COMPOUND"
        self.table.sortkeys += self.names()
        if len(self.table.sortkeys) > SORTKEYS_MAX:
            raise RsError("54011", "a table can have at most %d sort keys"
                          % SORTKEYS_MAX)


# -- plans -------------------------------------------------------------

def create(session, cursor):
    """CREATE [[LOCAL] TEMP] TABLE, the cursor behind CREATE."""
    cursor.accept("LOCAL")
    temp = cursor.accept_any("TEMP", "TEMPORARY")
    cursor.expect("TABLE")
    unless = cursor.accept("IF", "NOT", "EXISTS")
    relation = cursor.relation()
    head = "CREATE %sTABLE %s%s" % (
        "TEMP " if temp or relation.name.startswith("#") else "",
        "IF NOT EXISTS " if unless else "", relation.backend)
    if _is_query(cursor):
        if unless:
            raise syntax("AS")
        return _create_as(session, cursor, relation, head)
    table = Table(relation)
    Parser(session, cursor.rest(), table).whole()
    return _plan(session, table, head, unless)


def _is_query(cursor):
    """Is it CREATE TABLE AS?"""
    at, depth = cursor.at, 0
    for token in cursor.items[at:]:
        depth += {"(": 1, ")": -1}.get(token.key, 0)
        if depth == 0 and token.key == "AS":
            return True
    return False


def _plan(session, table, head, unless):
    if not table.columns and not table.likes:
        raise RsError("42601", "a table must have at least one column")
    _check_keys(table)
    elements = [_like_sql(*like) for like in table.likes]
    elements += [column_sql(session, column) for column in table.columns]
    plan = Plan("", "%s (%s)" % (head, ", ".join(elements)))
    if unless and session.backend.value(
            "SELECT to_regclass(%s)" % literal(table.relation.backend)):
        return plan
    plan.before = ["SELECT " + parent.regclass for parent in table.references]
    plan.after = _notes(session, table)
    return plan


def _check_keys(table):
    if table.likes:
        if table.distkey or table.diststyle or table.sortkeys:
            raise RsError("0A000", "CREATE TABLE LIKE is not supported with "
                          "DISTSTYLE, DISTKEY or SORTKEY")
        return
    for name in table.sortkeys + ([table.distkey] if table.distkey else []):
        table.column(name)
    if table.distkey and table.diststyle not in ("", "KEY"):
        raise RsError("42601", "DISTSTYLE %s cannot be combined with a DISTKEY"
                      % table.diststyle)
    if table.diststyle == "KEY" and not table.distkey:
        raise RsError("42601", "DISTSTYLE KEY needs a DISTKEY")


def _like_sql(parent, defaults):
    return "LIKE %s%s" % (parent.backend,
                          " INCLUDING DEFAULTS" if defaults else "")


def column_sql(session, column):
    parts = ['"%s"' % session.names.short(column.name).replace('"', '""'),
             column.type.sql]
    if column.default:
        parts.append("DEFAULT " + column.default)
    parts.append(column.identity)
    if column.not_null:
        parts.append("NOT NULL")
    return " ".join(part for part in parts if part)


def _notes(session, table):
    """The statements that note what the backend does not know."""
    where = table.relation.regclass
    style = table.diststyle or ("KEY" if table.distkey else None)
    notes = ["SELECT rsi.copy_attributes(%s, %s)" % (where, parent.regclass)
             for parent, _ in table.likes]
    if not table.likes:
        notes.append("SELECT rsi.note_table(%s, %s, %s, %s)" % (
            where, literal(style if style != "AUTO" else None),
            literal(table.sortstyle or None),
            "true" if table.encode_auto else "false"))
    for column in table.columns:
        notes.append(note_column(session, where, column.name, column.encode,
                                 column.name == table.distkey,
                                 table.sortkeys, column.keys))
    return [note for note in notes if note]


def note_column(session, where, name, encode, distkey, sortkeys, keys):
    position = sortkeys.index(name) + 1 if name in sortkeys else 0
    if not (encode or distkey or position or keys):
        return ""
    return "SELECT rsi.note_column(%s, %s, %s, %s, %d, %s)" % (
        where, literal(session.names.short(name)), literal(encode or None),
        "true" if distkey else "false", position, literal(keys))


def _create_as(session, cursor, relation, head):
    """CREATE TABLE [(names)] [attributes] AS query"""
    table = Table(relation)
    names = cursor.names() if cursor.looking_at("(") else []
    for name in names:
        check_column_name(name)
    parser = Parser(session, cursor.rest(), table)
    parser.attributes()
    parser.expect("AS")
    query = parser.rest()
    keys = [token.key for token in query[-3:]]
    if keys in (["WITH", "NO", "DATA"],) or keys[-2:] == ["WITH", "DATA"]:
        raise syntax("WITH")
    if references.relations(query):
        queries.check_nodes(session, query, writes=True)
    listed = " (%s)" % ", ".join(cursor.quoted(n) for n in names) \
        if names else ""
    plan = Plan("", "%s%s AS %s" % (head, listed, emit.sql(session, query)),
                tag="SELECT", counted=True)
    where = relation.regclass
    plan.after = ["SELECT rsi.note_table(%s, %s, %s, true)" % (
        where, literal(table.diststyle or None),
        literal(table.sortstyle or None))]
    for name in dict.fromkeys(table.sortkeys + [table.distkey]):
        if name:
            plan.after.append(note_column(session, where, name, "",
                                          name == table.distkey,
                                          table.sortkeys, ""))
    return plan
