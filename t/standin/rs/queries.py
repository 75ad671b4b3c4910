"""SELECT, and the rules for what a query may touch.

Redshift runs a query either on the leader node, which has the PG catalog and
some of PostgreSQL's functions, or on the compute nodes, which have the tables
of users and the logs; never on both (the Developer Guide's page
c_SQL_functions_leader_node_only).
"""

from . import emit, lateviews, lexer, references, settings
from .errors import RsError, syntax
from .grammar import LEADER_FUNCTIONS
from .plan import Plan


def bound(session, made):
    """The late-binding views are real while the statement runs."""
    if session.server.has_late_views:
        made.before.insert(0, lateviews.BIND)
    return made


def check_nodes(session, tokens, writes=False):
    """Refuse what would run on the leader and the compute nodes at once;
    writes: a table of the user's is changed by what the query finds.
    True if the query stays on the leader node."""
    places = {references.place(name) for name in references.relations(tokens)}
    if writes:
        places.add("user")
    if {"catalog", "user"} <= places:
        raise _on_both_nodes()
    if places & {"user", "log"}:
        for token, after in zip(tokens, tokens[1:] + [tokens[-1]]):
            if LEADER_FUNCTIONS.get(token.key) in ("word", after.key) \
                    and token.kind == lexer.WORD:
                session.notice("INFO", "00000", 'Function "%s()" not '
                               "supported." % token.text.lower())
                raise _on_both_nodes()
    return places <= {"catalog"}


def _on_both_nodes():
    return RsError("0A000", "Specified types or functions (one per INFO "
                   "message) not supported on Redshift tables.")


def select(session, cursor):
    tokens = cursor.rest()
    _refuse(tokens)
    into = any(token.key == "INTO" for token in tokens)
    on_leader = check_nodes(session, tokens, writes=into)
    made = Plan("", emit.sql(session, tokens, names_in_literals=True),
                catalog_only=on_leader, counted=not on_leader)
    return made if on_leader else bound(session, made)


def _refuse(tokens):
    """What only PostgreSQL's SELECT can do."""
    keys = [token.key for token in tokens]
    for at, key in enumerate(keys):
        if key == "FOR" and keys[at + 1:at + 2] in (["UPDATE"], ["SHARE"]):
            raise RsError("0A000", "SELECT FOR UPDATE/SHARE is not supported")
        if key in ("INSERT", "UPDATE", "DELETE", "MERGE") \
                and keys[at - 1] in ("(", ")") and keys[0] == "WITH":
            raise syntax(tokens[at].text)
        if tokens[at].kind == lexer.STRING \
                and tokens[at].value == "server_version_num":
            raise settings.unrecognized("server_version_num")
