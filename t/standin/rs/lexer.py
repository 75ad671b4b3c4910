r"""SQL text as Redshift reads it: tokens, and where a statement ends.

What differs from PostgreSQL (npgsql/npgsql#515, jOOQ/jOOQ#10628): a plain
literal knows the backslash as an escape; E'' and U&'' do not exist; '$$'
quotes nothing here (Redshift has it for function bodies only, which the
stand-in has not).
"""

import re
from dataclasses import dataclass

from .errors import RsError, syntax

WORD, QUOTED, STRING, NUMBER, PARAM, OP = (
    "word", "quoted", "string", "number", "param", "op")
SPACE = re.compile(r"(?:\s|--[^\n]*)+")


@dataclass
class Token:
    kind: str
    text: str               # as it was written
    value: str = ""         # of a QUOTED name or a STRING
    key: str = ""           # what a grammar compares: upper case, or the text
    space: str = ""         # blanks and comments before it


PATTERNS = (
    (STRING, r"'(?:[^'\\]|\\.|'')*'"),
    (QUOTED, r'"(?:[^"]|"")*"'),
    (PARAM, r"\$\d+"),
    (NUMBER, r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"),
    (WORD, r"#?[A-Za-z_\u0080-\U0010ffff][\w$]*"),
    (OP, r"::|:=|[-+*/<>=~!@%^&|`?#]+|[(),;.\[\]:{}]"),
)
TOKEN = re.compile("|".join("(?P<%s>%s)" % pair for pair in PATTERNS),
                   re.S)

ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)|''", re.S)


def tokens(text):
    """All tokens of a text."""
    found, at = [], 0
    while True:
        start, at = at, _skip_space(text, at)
        if at == len(text):
            return found
        match = TOKEN.match(text, at)
        if not match:
            raise _unreadable(text, at)
        token = _token(match, text, at)
        token.space = text[start:at]
        found.append(token)
        at += len(token.text)


def _skip_space(text, at):
    while True:
        match = SPACE.match(text, at)
        if match:
            at = match.end()
        elif text.startswith("/*", at):
            at = _comment_end(text, at)
        else:
            return at


def _token(match, text, at):
    kind, raw = match.lastgroup, match[0]
    if kind == OP and len(raw) > 1:
        # an operator ends where a comment begins
        raw = re.split(r"--|/\*", raw, 1)[0] or raw
    if kind == STRING:
        return Token(kind, raw, value=_literal(raw))
    if kind == QUOTED:
        name = raw[1:-1].replace('""', '"')
        if not name:
            raise RsError("42601", 'zero-length delimited identifier at or '
                          'near """"')
        return Token(kind, raw, value=name)
    if kind == WORD:
        _refuse_prefix(raw, text[at + len(raw):at + len(raw) + 1])
        return Token(kind, raw, key=raw.upper())
    return Token(kind, raw, key=raw)


def _refuse_prefix(word, follower):
    """E'...' is read as a type named e and its literal: there is none."""
    if follower == "'" and word.lower() in ("e", "u", "n", "b", "x"):
        raise RsError("42704", 'type "%s" does not exist' % word.lower())


def _unreadable(text, at):
    rest = text[at:at + 40]
    if rest.startswith("'"):
        return RsError("42601", 'unterminated quoted string at or near "%s"'
                       % rest)
    if rest.startswith('"'):
        return RsError("42601", 'unterminated quoted identifier at or near '
                       '"%s"' % rest)
    return syntax("$$" if rest.startswith("$$") else rest[0])


def _comment_end(text, at):
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text[at:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return at + mark.end()
    raise RsError("42601", "unterminated /* comment at or near \"%s\""
                  % text[at:at + 40])


def _literal(raw):
    """The value of a literal; numeric escapes are bytes."""
    body = raw[1:-1]
    if "\\" not in body and "'" not in body:
        return body
    data = ESCAPE.sub(_unescape, body).encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as e:
        raise RsError("22021", "invalid byte sequence for encoding "
                      '"UNICODE"') from e


def _unescape(match):
    code = match[1]
    if code is None:
        return "'"
    if code[0] in "01234567":
        return _byte(int(code, 8) & 0xff)
    if code[0] == "x" and len(code) > 1:
        return _byte(int(code[1:], 16))
    return ESCAPES.get(code, code)


def _byte(number):
    return bytes([number]).decode("utf-8", "surrogateescape")


def split(found):
    """The statements of a token list, empty ones left out."""
    parts, part = [], []
    for token in found:
        if token.key == ";" and token.kind == OP:
            parts.append(part)
            part = []
        else:
            part.append(token)
    parts.append(part)
    return [part for part in parts if part]


def text(found):
    return "".join(token.space + token.text for token in found).strip()
