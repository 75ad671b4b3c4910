"""Transaction blocks as the client sees them, over those of the backend.

Redshift takes a transaction's snapshot at the first statement that touches a
user table; reading the PG catalog does not (DG:c_serial_isolation).
PostgreSQL's repeatable read takes it at the first query of any kind.  So BEGIN
is answered at once, but sent on only before the first statement that is more
than a look at the catalog.

A statement for which we have to do several things in the backend, and a
message of several statements, gets a block of our own (implicit).
"""

import contextlib

from .errors import RsError


class Transaction:
    def __init__(self, backend):
        self.backend = backend
        self.explicit = False           # the client said BEGIN
        self.implicit = False           # we opened a block for it
        self.mode = ""                  # READ ONLY of a BEGIN not yet sent

    @property
    def in_block(self):
        return self.explicit or self.implicit

    @property
    def failed(self):
        return self.backend.status == b"E"

    @property
    def status(self):
        """What ReadyForQuery tells the client."""
        if self.explicit and self.backend.status == b"I":
            return b"T"
        return self.backend.status

    def begin(self, mode=""):
        """The client's BEGIN; true if it had begun already."""
        already = self.explicit
        self.explicit, self.implicit = True, False
        self.mode = mode
        return already

    def ensure(self):
        """The backend is in the client's block from here on."""
        if self.explicit and self.backend.status == b"I":
            self.backend.run("BEGIN" + self.mode)

    def open(self):
        """Whatever follows happens in one transaction."""
        self.ensure()
        if not self.explicit and not self.implicit:
            self.backend.run("BEGIN")
            self.implicit = True

    def end(self, command):
        """COMMIT or ROLLBACK for the client; the tag that answers it."""
        was_failed = self.failed
        begun = self.backend.status != b"I"
        self.explicit = self.implicit = False
        if begun:
            self.backend.run(command)
        return "ROLLBACK" if was_failed else command

    def close_implicit(self):
        """The end of a message: what we opened for it is committed."""
        if self.implicit:
            self.implicit = False
            self.backend.run("COMMIT")

    def note_error(self):
        """A statement failed, here or there: what is open fails with it."""
        if self.implicit:
            self.implicit = False
            self.backend.run("ROLLBACK")
        elif self.explicit and not self.failed:
            self.ensure()
            with contextlib.suppress(RsError):
                self.backend.run("SELECT 1/0")
