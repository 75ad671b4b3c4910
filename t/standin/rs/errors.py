"""Errors as a client sees them: SQLSTATE, text, and the fields Redshift sends.

The texts are those that people have quoted in public issues and questions, or
that the Developer Guide shows; the SQLSTATEs too.  This file does not decide
when something is wrong; it only knows how it is said.
"""

import re


class RsError(Exception):
    """One ErrorResponse for the client.  FATAL ends the session."""

    def __init__(self, code, message, detail=None, hint=None,
                 severity="ERROR"):
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail
        self.hint = hint
        self.severity = severity

    def fields(self):
        """The protocol's fields: one-letter keys and their texts."""
        found = {"S": self.severity, "C": self.code, "M": self.message}
        if self.detail:
            found["D"] = self.detail
        if self.hint:
            found["H"] = self.hint
        return found


def fatal(code, message):
    return RsError(code, message, severity="FATAL")


def syntax(near):
    """The grammar's error; near is the text it stopped at, '' for the end."""
    if not near:
        return RsError("42601", "syntax error at end of input")
    return RsError("42601", 'syntax error at or near "%s"' % near)


def unsupported(what):
    """Redshift has it, the stand-in does not: say whose limit it is."""
    return RsError("0A000", "the Redshift stand-in does not support " + what)


def in_block(command):
    return RsError("25001",
                   "%s cannot run inside a transaction block" % command)


def aborted():
    return RsError("25P02", "current transaction is aborted, commands "
                   "ignored until end of transaction block")


def boxed(message, code, context, query, location, pid, serverless=False):
    """A failure inside the server, with the boxed DETAIL it prints."""
    rule = "  " + "-" * 47
    process = "padbmaster [pid=%d]" % pid
    detail = "\n".join((
        "", rule,
        "  error:  " + message,
        "  code:      %d" % code,
        "  context:   " + context,
        "  query:     %s" % (query if not serverless
                             else "%s[child_sequence:1]" % query),
        "  location:  " + location,
        "  process:   " + process,
        rule, ""))
    return RsError("XX000", message, detail=detail)


def serializable():
    return RsError("XX000", "1023", detail="Serializable isolation violation "
                   "on a table in Redshift")


def from_backend(found):
    """PostgreSQL's error as Redshift would say it."""
    code, text = found.get("C"), found.get("M", "")
    width = re.fullmatch(r"rsi_(char|varchar)_(\d+)_\d+", found.get("n", ""))
    if code == "40001":
        return serializable()
    if code == "23514" and width:
        return too_long(CHARACTER_TYPES[width[1]], int(width[2]))
    if code == "21000" and text.startswith("MERGE command cannot affect row"):
        return RsError("XX000",
                       "Found multiple matches to update the same tuple.")
    null = re.match(r'null value in column ("?)(.*?)\1 of relation', text, re.S)
    if code == "23502" and null:
        return RsError(code, "Cannot insert a NULL value into column "
                       + null[2])
    if code == "57014":
        return RsError("57014", "Query cancelled on user's request")
    text = re.sub(r"^(permission denied for|must be owner of) (table|view) ",
                  r"\1 relation ", text)
    return RsError(code, text, found.get("D"), found.get("H"),
                   found.get("S", "ERROR"))


# notices that Redshift words otherwise
NOTICES = (
    (re.compile(r'^relation (".*") already exists, skipping$', re.S),
     r"Relation \1 already exists and will be skipped"),
    (re.compile(r'^(\w)(\w* ".*") does not exist, skipping$', re.S),
     r"\1\2 does not exist and will be skipped"),
)


def notice_from_backend(found):
    """The fields of PostgreSQL's notice as Redshift would send them."""
    found = dict(found)
    for pattern, words in NOTICES:
        if pattern.match(found.get("M", "")):
            found["M"] = pattern.sub(words, found["M"])
            found["M"] = found["M"][0].upper() + found["M"][1:]
            found["S"] = "INFO"
    return found


CHARACTER_TYPES = {"char": "character", "varchar": "character varying"}


def too_long(type_name, width):
    return RsError("22001", "value too long for type %s(%d)"
                   % (type_name, width))
