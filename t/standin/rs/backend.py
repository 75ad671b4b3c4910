"""One connection to the real PostgreSQL behind the stand-in.

It logs in over the unix socket, runs statements of our own (run, rows), and
hands the raw answer of a client's statement to whoever relays it (answers).
It knows nothing of Redshift.
"""

import contextlib
import socket
import struct

from . import wire
from .errors import RsError, from_backend


class Backend:
    """A session on the backend as one role.  status is the transaction state
    that the last ReadyForQuery named: b'I', b'T' or b'E'."""

    def __init__(self, config, user, database, settings=()):
        self.path = "%s/.s.PGSQL.%d" % (config["backend_socket"],
                                        config["backend_port"])
        self.stream = wire.Stream(_connect(self.path))
        self.parameters = {}
        self.pid = self.key = 0
        self.status = b"I"
        options = " ".join("-c %s=%s" % pair for pair in settings)
        self.stream.raw(wire.startup(user=user, database=database,
                                     client_encoding="UTF8",
                                     options=options))
        self.stream.flush()
        self._wait_until_ready()

    def _wait_until_ready(self):
        while True:
            kind, body = self.stream.message()
            if kind == b"R" and struct.unpack("!I", body[:4])[0] != 0:
                raise RsError("28000", "the backend asks for a password; "
                              "it must trust its unix socket")
            if kind == b"S":
                name, at = wire.take_cstring(body)
                self.parameters[name] = wire.take_cstring(body, at)[0]
            elif kind == b"K":
                self.pid, self.key = struct.unpack("!II", body)
            elif kind == b"E":
                raise from_backend(wire.fields(body))
            elif kind == b"Z":
                return

    def send(self, kind, body=b""):
        self.stream.put(kind, body)

    def answers(self):
        """The messages up to and with ReadyForQuery, which sets status."""
        self.stream.flush()
        while True:
            kind, body = self.stream.message()
            if kind == b"Z":
                self.status = body
            yield kind, body
            if kind == b"Z":
                return

    def ask(self, sql):
        """Send one statement; its answer comes from answers()."""
        self.send(b"Q", wire.cstrings(sql))
        return self.answers()

    def rows(self, sql):
        """Run a statement of ours; its rows as lists of text or None."""
        found, error = [], None
        for kind, body in self.ask(sql):
            if kind == b"D":
                found.append([None if v is None else v.decode()
                              for v in wire.row_values(body)])
            elif kind == b"E":
                error = from_backend(wire.fields(body))
        if error:
            raise error
        return found

    def run(self, sql):
        self.rows(sql)

    def value(self, sql):
        """The first value of the first row, or None."""
        found = self.rows(sql)
        return found[0][0] if found else None

    def cancel(self):
        """Ask PostgreSQL to stop what this session runs, from outside."""
        with contextlib.suppress(OSError):
            with _connect(self.path) as sock:
                sock.sendall(struct.pack("!IIII", 16, wire.CANCEL_REQUEST,
                                         self.pid, self.key))
                sock.recv(1)

    def close(self):
        with contextlib.suppress(wire.Gone):
            self.send(b"X")
            self.stream.flush()
        self.stream.close()


def _connect(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return sock


def literal(text):
    """A literal for the backend, whose standard_conforming_strings is on."""
    return "NULL" if text is None else "'%s'" % text.replace("'", "''")


def ident(name):
    return '"%s"' % name.replace('"', '""')
