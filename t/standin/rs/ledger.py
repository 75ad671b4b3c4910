"""The stand-in's own connection to the backend, as superuser.

What is written here is committed at once, whatever becomes of the client's
transaction: that is how the STL and SYS rows survive a ROLLBACK.
"""

import threading

from .backend import Backend, ident, literal


class Ledger:
    def __init__(self, config, database):
        self.backend = Backend(config, config["backend_superuser"], database,
                               [("TimeZone", "UTC"),
                                ("client_min_messages", "warning")])
        self.lock = threading.Lock()

    def rows(self, sql):
        with self.lock:
            return self.backend.rows(sql)

    def run(self, sql):
        self.rows(sql)

    def value(self, sql):
        found = self.rows(sql)
        return found[0][0] if found else None

    def insert(self, table, **columns):
        self.run("INSERT INTO %s (%s) VALUES (%s)" % (
            table, ", ".join(ident(name) for name in columns),
            ", ".join(quote(value) for value in columns.values())))

    def close(self):
        self.backend.close()


def quote(value):
    """Any Python value as a literal."""
    if value is None or isinstance(value, str):
        return literal(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return literal(str(value))
