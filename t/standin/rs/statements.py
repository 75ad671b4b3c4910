"""A statement's plan, found by its first word."""

from . import lexer
from .plan import Plan


def plan(session, tokens):
    text = lexer.text(tokens)
    first = lexer.significant(tokens)[0].key
    if first in ("BEGIN", "START"):
        return Plan(text, own=lambda s: _begin(s))
    if first in ("COMMIT", "END"):
        return Plan(text, own=lambda s: s.transaction.end("COMMIT"),
                    ends_block=True)
    if first in ("ROLLBACK", "ABORT"):
        return Plan(text, own=lambda s: s.transaction.end("ROLLBACK"),
                    ends_block=True)
    return Plan(text, text)


def _begin(session):
    session.transaction.begin()
    return "BEGIN"
