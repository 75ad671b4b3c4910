"""ALTER TABLE: one action a statement, and only those that Redshift has.

DG:r_ALTER_TABLE, DG:r_ALTER_TABLE_APPEND.  The checks that need the catalog are
functions of rsi (catalog.py), run before the backend's own ALTER.
"""

from . import tables, types
from .backend import literal
from .errors import RsError, unsupported
from .grammar import ENCODINGS
from .plan import Plan, quiet

CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN")


def plan(session, cursor):
    """ALTER TABLE, the cursor behind these words."""
    relation = cursor.relation()
    alter = Alter(session, cursor, relation)
    action = ACTIONS.get(cursor.peek().key)
    if not action:
        raise cursor.error()
    cursor.next()
    made = action(alter)
    cursor.expect_end()
    made.before.insert(0, "SELECT rsi.release_late_views(%s)"
                       % relation.regclass)
    return made


class Alter:
    """One ALTER TABLE on its way to a plan; the first word of the action is
    behind the cursor."""

    def __init__(self, session, cursor, relation):
        self.session, self.cursor, self.relation = session, cursor, relation
        self.where = relation.regclass

    def _sql(self, text, *more):
        return "ALTER TABLE %s %s" % (self.relation.backend, text % more)

    def _short(self, name):
        """The backend's name of a column, as a literal."""
        return literal(self.session.names.short(name))

    def _call(self, function, *arguments):
        return "SELECT rsi.%s(%s)" % (function,
                                      ", ".join((self.where,) + arguments))

    def _note(self, name, encode="NULL", keys="NULL"):
        return self._call("note_column", self._short(name), encode, "NULL",
                          "NULL", keys)

    # -- ADD ---------------------------------------------------------------

    def add(self):
        if self.cursor.peek().key in CONSTRAINTS:
            return self._add_constraint()
        self.cursor.accept("COLUMN")
        table = tables.Table(self.relation)
        parser = tables.Parser(self.session, self.cursor.rest(), table)
        column = parser.column()
        parser.expect_end()
        if column.keys or column.identity or table.distkey or table.sortkeys:
            raise RsError("0A000", "ALTER TABLE ADD COLUMN cannot make a key "
                          "or identity column")
        if column.not_null and column.default.upper() in ("", "NULL"):
            raise RsError("0A000", "ALTER TABLE ADD COLUMN defined as NOT NULL "
                          "must have a non-null default expression")
        made = Plan("", self._sql("ADD COLUMN %s", tables.column_sql(
            self.session, column)))
        if column.encode:
            made.after = [self._note(column.name, literal(column.encode))]
        return made

    def _add_constraint(self):
        """Keys are noted, not enforced."""
        if self.cursor.accept("CONSTRAINT"):
            self.cursor.name()
        kind = self.cursor.accept_any("PRIMARY", "UNIQUE", "FOREIGN")
        if not kind:
            raise self.cursor.error()
        if kind != "UNIQUE":
            self.cursor.expect("KEY")
        names = self.cursor.names()
        if kind == "FOREIGN":
            self.cursor.expect("REFERENCES")
            self.cursor.relation()
            if self.cursor.looking_at("("):
                self.cursor.names()
        key = literal(kind[0].lower())
        return quiet("ALTER TABLE", self._call("check_owner"),
                     *(self._note(name, keys=key) for name in names))

    # -- DROP, RENAME, OWNER, APPEND ---------------------------------------

    def drop(self):
        if self.cursor.looking_at("CONSTRAINT"):
            raise unsupported("ALTER TABLE DROP CONSTRAINT")
        self.cursor.accept("COLUMN")
        name = self.cursor.name()
        how = self.cursor.accept_any("CASCADE", "RESTRICT")
        return Plan("", self._sql("DROP COLUMN %s %s",
                                  self.cursor.quoted(name), how),
                    before=[self._call("check_drop", self._short(name),
                                       literal(name))])

    def rename(self):
        """RENAME TO has no schema in the new name: the table stays in its."""
        if self.cursor.accept("TO"):
            return Plan("", self._sql("RENAME TO %s",
                                      self.cursor.backend_name()))
        self.cursor.accept("COLUMN")
        old = self.cursor.backend_name()
        self.cursor.expect("TO")
        new = self.cursor.name()
        tables.check_column_name(new)
        return Plan("", self._sql("RENAME COLUMN %s TO %s", old,
                                  self.cursor.quoted(new)))

    def owner(self):
        self.cursor.expect("TO")
        return Plan("", self._sql("OWNER TO %s", self.cursor.backend_name()))

    def append(self):
        """Moves all rows of another table, and commits at once."""
        self.cursor.expect("FROM")
        source = self.cursor.relation()
        how = self.cursor.accept_any("IGNOREEXTRA", "FILLTARGET")
        if how:
            raise unsupported("ALTER TABLE APPEND with " + how)
        return quiet("ALTER TABLE APPEND and COMMIT TRANSACTION",
                     self._call("append", source.regclass),
                     alone="ALTER TABLE APPEND")

    # -- ALTER -------------------------------------------------------------

    def alter(self):
        if not self.cursor.accept("COLUMN"):
            return self._distribution()
        name = self.cursor.name()
        if self.cursor.accept("TYPE"):
            return self._type(name)
        if self.cursor.accept("ENCODE"):
            return self._encode(name)
        for words in (("SET", "DEFAULT"), ("DROP", "DEFAULT"),
                      ("SET", "NOT", "NULL"), ("DROP", "NOT", "NULL")):
            if self.cursor.looking_at(*words):
                raise RsError("0A000", "ALTER COLUMN SET/DROP %s is not "
                              "supported" % " ".join(words[1:]))
        raise self.cursor.error()

    def _type(self, name):
        """The one change of type: VARCHAR to another length."""
        wanted = types.read(self.cursor, "%s.%s" % (self.relation.name, name))
        if self.cursor.looking_at("USING"):
            raise RsError("0A000", "ALTER TABLE ALTER COLUMN does not support "
                          "USING expression")
        if wanted.name != "character varying":
            raise RsError("0A000", "ALTER COLUMN TYPE is not supported")
        return Plan("", self._sql("ALTER COLUMN %s TYPE %s",
                                  self.cursor.quoted(name), wanted.sql),
                    before=[self._call("check_width", self._short(name),
                                       literal(name), str(wanted.size[0]))],
                    alone="ALTER TABLE ALTER COLUMN")

    def _encode(self, name):
        encode = self.cursor.peek().key
        if encode not in ENCODINGS:
            raise self.cursor.error()
        self.cursor.next()
        return quiet("ALTER TABLE", self._call("check_owner"),
                     self._note(name, literal(encode.lower())),
                     alone="ALTER TABLE ALTER COLUMN ENCODE")

    def _distribution(self):
        """DISTSTYLE, DISTKEY, SORTKEY, ENCODE AUTO: the rows move in place"""
        table = tables.Table(self.relation)
        parser = tables.Parser(self.session, self.cursor.rest(), table)
        if parser.accept("DISTSTYLE", "KEY", "DISTKEY") \
                or parser.accept("DISTKEY"):
            table.distkey, table.diststyle = parser.name(), "KEY"
        else:
            parser.attributes()
        parser.expect_end()
        key = self._short(table.distkey) if table.distkey else "NULL"
        sort = "ARRAY[%s]::text[]" % ", ".join(
            self._short(name) for name in table.sortkeys)
        return quiet("ALTER TABLE", self._call("check_owner"), self._call(
            "redistribute", literal(table.diststyle or None), key,
            literal(table.sortstyle or None), sort),
            alone="ALTER TABLE ALTER DISTKEY or SORTKEY")


# by the first word of the action
ACTIONS = {"ADD": Alter.add, "DROP": Alter.drop, "RENAME": Alter.rename,
           "OWNER": Alter.owner, "APPEND": Alter.append,
           "ALTER": Alter.alter}
