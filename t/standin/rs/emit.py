"""Redshift's SQL written again for the backend, token by token.

Literals keep their value, names are folded and shortened, the few words that
PostgreSQL does not know are replaced, and what only PostgreSQL knows is
refused (grammar.py's tables).
"""

from . import lexer, types
from .backend import ident, literal
from .cursor import Cursor, fold
from .errors import RsError, syntax, unsupported
from .grammar import (CATALOGS_REFUSED, COLUMNS_REFUSED, FUNCTIONS_REFUSED,
                      SEQUENCES_REFUSED, TYPES, TYPES_NOT_HERE,
                      TYPES_REFUSED)

WORDS = {"SYSDATE": "(current_timestamp::timestamp)", "MINUS": "EXCEPT"}
FUNCTIONS = {"NVL": "coalesce"}


def sql(session, tokens, names_in_literals=False):
    """The tokens as text for the backend."""
    refuse_sequences(tokens)
    return "".join(Emitter(session, tokens, names_in_literals).parts()).strip()


def refuse_sequences(tokens):
    keys = [token.key for token in tokens]
    for run, at in SEQUENCES_REFUSED:
        for start, key in enumerate(keys):
            if key == run[0] and tuple(keys[start:start + len(run)]) == run:
                raise syntax(tokens[start + at].text)


class Emitter(Cursor):
    def __init__(self, session, tokens, names_in_literals):
        super().__init__(session, tokens)
        self.names_in_literals = names_in_literals
        self.parens = []                # the word before each open one

    def parts(self):
        while not self.done:
            token = self.next()
            yield _blank(token.space)
            yield getattr(self, "_" + token.kind)(token)

    def _string(self, token):
        value = token.value
        if "\0" in value:
            raise RsError("22021", "invalid byte sequence for encoding "
                          '"UNICODE": 0x00')
        if self.names_in_literals:
            value = self.session.names.known(value)
        return literal(value)

    def _quoted(self, token):
        return self.quoted(fold(token, self.case_sensitive))

    def _number(self, token):
        return token.text

    _param = _number

    def _op(self, token):
        before = self.peek(-2).key if self.at > 1 else ""
        if token.key == "(":
            self.parens.append(before)
        elif token.key == ")" and self.parens:
            self.parens.pop()
        elif token.key == "[":
            raise unsupported("arrays and SUPER")
        elif token.key == "::":
            return "::" + self._type()
        return token.text

    def _word(self, token):
        key, is_call = token.key, self.looking_at("(")
        after_dot = self.at > 1 and self.peek(-2).key == "."
        if is_call and key in FUNCTIONS_REFUSED:
            raise RsError("42883", "function %s does not exist"
                          % token.text.lower())
        if key in CATALOGS_REFUSED:
            raise RsError("42P01", 'relation "%s" does not exist'
                          % token.text.lower())
        if key in COLUMNS_REFUSED:
            raise RsError("42703", 'column "%s" does not exist'
                          % token.text.lower())
        if is_call and key in FUNCTIONS:
            return FUNCTIONS[key]
        if key in WORDS and not after_dot:
            return WORDS[key]
        if key == "AS" and self.parens and self.parens[-1] == "CAST":
            return "AS " + self._type()
        if key.startswith("#") or len(token.text.encode()) > 63:
            return self.quoted(fold(token, self.case_sensitive))
        return token.text

    def _type(self):
        """The type of a cast; one that is no column type is left alone."""
        first = self.peek()
        known = any(name.split()[0] == first.key for name in TYPES)
        if known or first.key in TYPES_NOT_HERE | TYPES_REFUSED:
            return types.read(self).sql
        return ident(self.name()) if first.kind == lexer.QUOTED else ""


def _blank(space):
    if not space:
        return ""
    return "\n" if "\n" in space else " "
