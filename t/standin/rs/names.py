"""Identifiers of 64 to 127 bytes, which PostgreSQL would cut at 63.

The backend gets a short name made of a hash; whatever comes back is searched
for such names.  The pairs are kept in rsi.names, so that they outlive the
stand-in.
"""

import hashlib
import re
import threading

from .backend import literal
from . import wire

LENGTH_MAX = 127        # Redshift's, in bytes: DG:r_names
BACKEND_MAX = 63
SHORT = re.compile("rsl_[0-9a-f]{40}")
SHORT_BYTES = re.compile(rb"rsl_[0-9a-f]{40}")


def cut(name):
    """A name cut where Redshift cuts it: at a character's boundary."""
    data = name.encode("utf-8")
    if len(data) <= LENGTH_MAX:
        return name
    return data[:LENGTH_MAX].decode("utf-8", "ignore")


class Names:
    def __init__(self, ledger):
        self.ledger = ledger
        self.lock = threading.Lock()
        self.by_short = dict(ledger.rows("SELECT short, long FROM rsi.names"))

    def short(self, name):
        """The backend's name for a name that has been folded already."""
        name = cut(name)
        data = name.encode("utf-8")
        if len(data) <= BACKEND_MAX:
            return name
        short = "rsl_" + hashlib.sha256(data).hexdigest()[:40]
        with self.lock:
            if short not in self.by_short:
                self.ledger.run("INSERT INTO rsi.names VALUES (%s, %s) ON "
                                "CONFLICT DO NOTHING"
                                % (literal(short), literal(name)))
                self.by_short[short] = name
        return short

    def known(self, name):
        """The short name if the long one is in use, else the name itself."""
        data = name.encode("utf-8", "replace")
        if BACKEND_MAX < len(data) <= LENGTH_MAX:
            short = "rsl_" + hashlib.sha256(data).hexdigest()[:40]
            if short in self.by_short:
                return short
        return name

    def long(self, text):
        return SHORT.sub(lambda m: self.by_short.get(m[0], m[0]), text)

    def long_in_row(self, body):
        """A DataRow with the short names in it made long again."""
        if b"rsl_" not in body:
            return body
        return wire.data_row([
            None if value is None else SHORT_BYTES.sub(
                lambda m: self.by_short.get(m[0].decode(),
                                            m[0].decode()).encode(), value)
            for value in wire.row_values(body)])
