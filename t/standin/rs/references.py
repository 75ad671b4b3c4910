"""Which relations a query names, found without parsing it whole.

Good enough for two questions: which nodes must it run on, and are all names
qualified.
"""

from . import lexer
from .cursor import fold

ENDS = frozenset("WHERE GROUP ORDER HAVING LIMIT UNION EXCEPT INTERSECT MINUS "
                 "SET WHEN".split())
# functions whose arguments have a FROM of their own
TAKES_FROM = frozenset("EXTRACT TRIM SUBSTRING OVERLAY POSITION".split())

CATALOG_PREFIXES = ("pg_", "svv_")
LOG_PREFIXES = ("stl_", "stv_", "svl_", "svcs_", "sys_")


def relations(tokens):
    """The names after FROM and JOIN, as tuples of their parts."""
    found, common = [], _common_tables(tokens)
    levels = [False]            # is this level of parentheses in a FROM list
    expect, at = False, 0
    while at < len(tokens):
        token = tokens[at]
        key = token.key
        if key == "(":
            expect = False
            before = tokens[at - 1].key if at else ""
            levels.append(None if before in TAKES_FROM else False)
        elif key == ")":
            if len(levels) > 1:
                levels.pop()
            expect = False
        elif key in ("FROM", "JOIN", "USING") and levels[-1] is not None:
            expect = levels[-1] = True
        elif key in ENDS and token.kind == lexer.WORD:
            levels[-1] = expect = False
        elif key == ",":
            expect = bool(levels[-1])
        elif expect and token.kind in (lexer.WORD, lexer.QUOTED):
            name, at = _dotted(tokens, at)
            is_call = at + 1 < len(tokens) and tokens[at + 1].key == "("
            if not is_call and not (len(name) == 1 and name[0] in common):
                found.append(name)
            expect = False
        at += 1
    return found


def _dotted(tokens, at):
    parts = [fold(tokens[at], False)]
    while at + 2 < len(tokens) and tokens[at + 1].key == ".":
        at += 2
        parts.append(fold(tokens[at], False)
                     if tokens[at].kind in (lexer.WORD, lexer.QUOTED) else "")
    return tuple(parts), at


def _common_tables(tokens):
    """The names that WITH makes."""
    found = set()
    if tokens and tokens[0].key != "WITH":
        return found
    for at, token in enumerate(tokens[:-2]):
        if token.kind in (lexer.WORD, lexer.QUOTED) \
                and tokens[at + 1].key == "AS" and tokens[at + 2].key == "(":
            found.add(fold(token, False))
    return found


def place(name):
    """Where a relation lives: catalog (the leader node), log or user."""
    if len(name) > 1 and name[-2] != "pg_catalog":
        return "catalog" if name[-2] == "information_schema" else "user"
    if name[-1].startswith(LOG_PREFIXES):
        return "log"
    if len(name) > 1 or name[-1].startswith(CATALOG_PREFIXES):
        return "catalog"
    return "user"
