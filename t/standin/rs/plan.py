"""What is to be done for one statement of a client.

statements.py makes plans, session.py and extended.py carry them out.
"""

from dataclasses import dataclass, field
from typing import Callable, Optional


@dataclass
class Plan:
    """sql is what the backend runs and the client sees the answer of; before
    and after are statements of ours in the same transaction, whose answers
    nobody sees."""

    text: str                                   # as the client sent it
    sql: str = ""
    before: list = field(default_factory=list)
    after: list = field(default_factory=list)
    # does what sql would, given the session; returns the command tag
    own: Optional[Callable] = None
    # replaces the command tag of the backend
    tag: Optional[str] = None
    # reads no more than PG_* and SVV_*: takes no snapshot (transaction.py)
    catalog_only: bool = False
    # the command's name, if it must not stand in a transaction block
    alone: Optional[str] = None
    # COMMIT, ROLLBACK and their like: allowed in a failed block
    ends_block: bool = False
    # the session's pg_last_*() functions are called
    asks_ids: bool = False
    # has a query id of its own
    counted: bool = False

    @property
    def in_transaction(self):
        return bool(self.before or self.after)


def quiet(tag, *statements, alone=None):
    """Statements of ours, in one transaction, that answer with a tag only."""
    return Plan("", before=list(statements), own=lambda session: tag,
                alone=alone)
