"""SET, RESET and SHOW.  Which settings there are is settings.py's."""

from . import lexer, settings
from .backend import ident, literal
from .errors import syntax, unsupported
from .plan import Plan


def set_plan(_session, cursor):
    cursor.expect("SET")
    scope = cursor.accept_any("SESSION", "LOCAL")
    if cursor.looking_at("AUTHORIZATION") or cursor.looking_at("ROLE"):
        raise unsupported("SET SESSION AUTHORIZATION")
    if cursor.accept("TIME", "ZONE"):
        name = "timezone"
    else:
        name = cursor.name()
        if not cursor.accept("TO") and not cursor.accept("="):
            raise cursor.error()
    values = _values(cursor)
    if values == ["DEFAULT"]:
        return _reset(name)
    low = name.lower()
    if low in settings.BACKEND:
        value = settings.check(name, values[0].strip("'"))
        if low == "statement_timeout":     # what takes long here is ours
            cursor.session.settings[low] = value
        return Plan("", "SET %s %s TO %s" % (scope, low, ", ".join(values)))
    value = settings.check(name, values[0].strip("'").replace("''", "'"))

    def run(session):
        session.settings[low] = value
        return "SET"
    return Plan("", own=run)


def _values(cursor):
    """The values of a SET, as the backend would have them."""
    found = []
    while True:
        sign = "-" if cursor.accept("-") else ""
        token = cursor.next()
        if token.kind == lexer.STRING:
            found.append(literal(token.value))
        elif token.kind == lexer.QUOTED:
            found.append(ident(token.value))
        elif token.kind in (lexer.WORD, lexer.NUMBER):
            found.append(sign + (token.text if token.kind == lexer.NUMBER
                                 or token.key == "DEFAULT"
                                 else token.text.lower()))
        else:
            raise syntax(token.text)
        if not cursor.accept(","):
            cursor.expect_end()
            return [v.upper() if v.upper() == "DEFAULT" else v for v in found]


def reset(_session, cursor):
    cursor.expect("RESET")
    if cursor.accept("ALL"):
        cursor.expect_end()

        def run(session):
            session.settings.update(settings.OURS)
            return "RESET"
        return Plan("", before=["RESET ALL"], own=run)
    name = cursor.name()
    cursor.expect_end()
    return _reset(name)


def _reset(name):
    low = name.lower()
    if low in settings.BACKEND:
        return Plan("", "RESET " + low)
    if low not in settings.OURS:
        raise settings.unrecognized(name)

    def run(session):
        session.settings[low] = settings.OURS[low]
        return "RESET"
    return Plan("", own=run)


def show(session, cursor):
    cursor.expect("SHOW")
    if cursor.peek().key in ("ALL", "TABLES", "COLUMNS", "SCHEMAS",
                             "DATABASES", "TABLE", "VIEW", "GRANTS"):
        raise unsupported("SHOW " + cursor.peek().key)
    name = "timezone" if cursor.accept("TIME", "ZONE") else cursor.name()
    cursor.expect_end()
    low = name.lower()
    value = session.settings.get(low, settings.CONSTANT.get(low))
    if value is not None:
        return Plan("", "SELECT %s::text AS %s" % (literal(value), ident(low)),
                    tag="SHOW", catalog_only=True)
    if low not in settings.BACKEND and low not in settings.CONSTANT:
        raise settings.unrecognized(name)
    return Plan("", "SHOW " + low, catalog_only=True)
