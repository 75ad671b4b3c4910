"""Reads a statement's tokens one after the other, for the parsers.

Names come out folded and cut as Redshift folds and cuts them (DG:r_names):
ASCII letters to lower case, quoted or not, 127 bytes.
"""

from dataclasses import dataclass

from . import lexer, names
from .backend import ident, literal
from .errors import syntax
from .grammar import RESERVED
from .lexer import Token

END = Token("end", "")
LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def fold(token, case_sensitive):
    """The name a WORD or QUOTED token stands for."""
    if token.kind == lexer.WORD:
        return names.cut(token.text.translate(LOWER))
    if case_sensitive:
        return names.cut(token.value)
    return names.cut(token.value.translate(LOWER))


@dataclass(frozen=True)
class Relation:
    """A table's name; schema is '' if none was written."""

    schema: str
    name: str
    backend: str            # quoted for the backend

    @property
    def regclass(self):
        return literal(self.backend) + "::regclass"


class Cursor:
    def __init__(self, session, tokens):
        self.session = session
        self.items = tokens
        self.at = 0

    def peek(self, ahead=0):
        at = self.at + ahead
        return self.items[at] if at < len(self.items) else END

    def next(self):
        token = self.peek()
        self.at += 1
        return token

    @property
    def done(self):
        return self.at >= len(self.items)

    def looking_at(self, *keys):
        return all(self.peek(i).key == key for i, key in enumerate(keys))

    def accept(self, *keys):
        """Take these keywords if they come next."""
        if self.looking_at(*keys):
            self.at += len(keys)
            return True
        return False

    def accept_any(self, *keys):
        """Take one of these keywords; it, or ''."""
        if self.peek().key in keys:
            return self.next().key
        return ""

    def expect(self, *keys):
        for key in keys:
            if not self.accept(key):
                raise self.error()

    def rest(self):
        """All tokens that are left."""
        found = self.items[self.at:]
        self.at = len(self.items)
        return found

    def upto(self, *keys):
        """The tokens up to one of these outside of parentheses, or the
        parenthesis that closes one opened before."""
        start, depth = self.at, 0
        while not self.done:
            key = self.peek().key
            if depth == 0 and (key in keys or key == ")"):
                break
            depth += {"(": 1, ")": -1}.get(key, 0)
            self.at += 1
        return self.items[start:self.at]

    def expect_end(self):
        if not self.done:
            raise self.error()

    def error(self):
        return syntax(self.peek().text)

    @property
    def case_sensitive(self):
        return self.session.settings["enable_case_sensitive_identifier"] \
            == "on"

    def name(self):
        """An identifier, as Redshift keeps it."""
        token = self.peek()
        if token.kind == lexer.WORD and token.key in RESERVED:
            raise self.error()
        if token.kind not in (lexer.WORD, lexer.QUOTED):
            raise self.error()
        self.at += 1
        return fold(token, self.case_sensitive)

    def backend_name(self):
        """An identifier, quoted for the backend."""
        return self.quoted(self.name())

    def quoted(self, name):
        return ident(self.session.names.short(name))

    def names(self):
        """( name, ... )"""
        self.expect("(")
        found = [self.name()]
        while self.accept(","):
            found.append(self.name())
        self.expect(")")
        return found

    def relation(self):
        parts = [self.name()]
        while self.accept("."):
            parts.append(self.name())
        if len(parts) == 3 and parts[0] == self.session.config["database"]:
            parts.pop(0)
        if len(parts) > 2:
            raise syntax(parts[-1])
        return Relation(parts[0] if len(parts) == 2 else "", parts[-1],
                        ".".join(self.quoted(part) for part in parts))

    def string(self):
        if self.peek().kind != lexer.STRING:
            raise self.error()
        return self.next().value

    def integer(self):
        if not self.peek().text.isdigit():
            raise self.error()
        return int(self.next().text)
