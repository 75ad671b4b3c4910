"""One client's session, from the login to the last byte.

It takes messages, has statements.py make a plan of each statement, carries the
plan out on the backend and relays the answer with what differs put right.  The
extended protocol is extended.py's, transactions are transaction.py's.
"""

import contextlib
import select
import socket
import struct
import time

from . import errors, lexer, settings, statements, wire
from .backend import Backend
from .extended import Extended
from .transaction import Transaction

STATEMENT_MAX = 16 << 20        # DG:c_redshift-sql

# ParameterStatus: what a client of Redshift is told, and nothing more.
# None: the backend's own value.
REPORTED = {
    "server_version": "8.0.2",
    "server_encoding": "UNICODE",
    "client_encoding": "UNICODE",
    "DateStyle": None,
    "TimeZone": None,
    "integer_datetimes": None,
    "is_superuser": None,
    "session_authorization": None,
}

# fields of an error that PostgreSQL 8.0 did not have, or that point into the
# text we sent instead of the client's
NOT_SENT = "VPpqWscdtn"


class Session:
    def __init__(self, server, stream, user, wanted):
        self.server = server
        self.config = server.config
        self.names = server.names
        self.stream = stream
        self.user = user
        self.settings = dict(settings.OURS)
        if self.config["case_sensitive_identifiers"]:
            self.settings["enable_case_sensitive_identifier"] = "on"
        self.backend = Backend(self.config, user, self.config["database"],
                               self._backend_settings(wanted))
        self.id = (self.backend.pid, self.backend.key)
        self.transaction = Transaction(self.backend)
        self.extended = Extended(self)
        self.cancelled = False
        self.faults = {}
        self.last_copy_count = 0
        self.last_copy_id = -1
        self.copy_id_before_block = -1
        self.last_query_id = -1

    def _backend_settings(self, wanted):
        isolation = {"snapshot": "repeatable\\ read",
                     "serializable": "serializable"}[self.config["isolation"]]
        chosen = [("default_transaction_isolation", isolation),
                  ("standard_conforming_strings", "on"),
                  ("extra_float_digits", "0"),
                  ("DateStyle", "ISO,MDY"), ("TimeZone", "UTC")]
        for name, value in wanted:
            if name.lower() in settings.BACKEND:
                escaped = value.replace("\\", "\\\\").replace(" ", "\\ ")
                chosen.append((name, escaped))
            elif name.lower() in settings.OURS:
                self.settings[name.lower()] = value
        return chosen

    # -- from the client ---------------------------------------------------

    def greet(self):
        self.stream.put(b"R", struct.pack("!I", 0))
        for name, value in self.backend.parameters.items():
            self._relay_parameter(name, value)
        self.stream.put(b"K", struct.pack("!II", self.backend.pid,
                                          self.backend.key))
        self.ready()

    def ready(self):
        if "drop-after" in self.faults:
            time.sleep(self.faults["drop-after"].get("seconds", 0))
            self.drop()
            raise wire.Gone("fault: drop-after")
        self.stream.put(b"Z", self.transaction.status)
        self.stream.flush()

    def run(self):
        """Serve until the client leaves; wire.Gone ends it as well."""
        self.greet()
        while True:
            self._wait()
            kind, body = self.stream.message()
            if kind == b"X":
                return
            if kind == b"Q":
                self.simple(body)
            elif kind in Extended.KINDS:
                self.extended.take(kind, body)
            elif kind not in b"dcfp":
                raise errors.fatal("08P01", "invalid frontend message type %d"
                                   % kind[0])

    def _wait(self):
        """Until the client says something; a backend that dies meanwhile
        (pg_terminate_backend) ends the session."""
        while not self.stream.pending():
            readable, _, _ = select.select(
                [self.stream.sock, self.backend.stream.sock], [], [])
            if self.stream.sock in readable:
                return
            self.relay(*self.backend.stream.message())
            self.stream.flush()

    def close(self):
        self.backend.close()
        self.stream.close()

    def cancel(self):
        """From another thread: stop the statement that runs now."""
        self.cancelled = True
        self.backend.cancel()

    # -- simple queries ----------------------------------------------------

    def simple(self, body):
        try:
            parts = self.split(body)
            if not parts:
                self.stream.put(b"I")
            elif len(parts) > 1 and not self.transaction.explicit:
                self.transaction.open()
            for part in parts:
                self.one(part)
            self.transaction.close_implicit()
        except errors.RsError as e:
            self.send_error(e)
            self.transaction.note_error()
        self.ready()

    def split(self, body):
        """The statements of a message, as lists of tokens."""
        if len(body) > STATEMENT_MAX:
            raise errors.RsError(
                "54001", "Statement is too large. Statement Size: %d bytes. "
                "Maximum Allowed: %d bytes" % (len(body), STATEMENT_MAX))
        try:
            text = body.rstrip(b"\0").decode("utf-8")
        except UnicodeDecodeError as e:
            raise errors.RsError("22021", "invalid byte sequence for encoding "
                                 '"UNICODE"') from e
        return lexer.split(lexer.tokens(text))

    def one(self, tokens):
        """Carry out one statement of a simple query."""
        self.begin_statement(lexer.text(tokens))
        plan = statements.plan(self, tokens)
        self.check_block(plan)
        self.prepare(plan)
        if plan.own:
            self.stream.put(b"C", wire.cstrings(plan.own(self)))
            return
        self.relay_all(self.backend.ask(plan.sql), plan)
        self.finish(plan)

    def begin_statement(self, text):
        """Log it, and let the faults that are ordered for it happen."""
        self.cancelled = False
        self.server.log(self, text)
        self.faults = self.server.faults.strike(self, text)

    def check_block(self, plan):
        if self.transaction.failed and not plan.ends_block:
            raise errors.aborted()
        if plan.alone and self.transaction.in_block:
            raise errors.in_block(plan.alone)

    def prepare(self, plan):
        """What has to happen in the backend before the plan's own sql."""
        if plan.in_transaction:
            self.transaction.open()
        elif not plan.catalog_only and not plan.own:
            self.transaction.ensure()
        if plan.asks_ids:
            self.publish_ids()
        for sql in plan.before:
            self.backend.run(sql)

    def finish(self, plan):
        for sql in plan.after:
            self.backend.run(sql)
        if plan.counted:
            self.last_query_id = self.server.next_query_id()

    def publish_ids(self):
        """SET, because it takes no snapshot and works in any block."""
        for name in ("last_copy_count", "last_copy_id", "last_query_id"):
            self.backend.run("SET rsi.%s = '%d'" % (name, getattr(self, name)))

    # -- to the client -----------------------------------------------------

    def relay_all(self, messages, plan):
        """Relay an answer; an error in it is raised when all is read."""
        failure = None
        try:
            for kind, body in messages:
                if kind == b"E":
                    failure = errors.from_backend(wire.fields(body))
                elif kind != b"Z":
                    self.relay(kind, body, plan)
        except wire.Gone:
            if failure:                 # FATAL: its last words
                self.send_error(failure)
                self.stream.flush()
            raise
        if failure:
            raise failure

    def relay(self, kind, body, plan=None):
        if kind == b"S":
            name, at = wire.take_cstring(body)
            self._relay_parameter(name, wire.take_cstring(body, at)[0])
        elif kind == b"N":
            found = errors.notice_from_backend(wire.fields(body))
            self.stream.put(kind, self._strip(found))
        elif kind == b"E":
            self.stream.put(kind, self._strip(wire.fields(body)))
        elif kind == b"T":
            self.stream.put(kind, wire.rename_row(body, self.names.long))
        elif kind == b"D":
            self.stream.put(kind, self.names.long_in_row(body))
        elif kind == b"C":
            self.stream.put(kind, self._tag(body, plan))
        else:
            self.stream.put(kind, body)

    def _relay_parameter(self, name, value):
        if name in REPORTED:
            self.stream.put(b"S", wire.cstrings(name, REPORTED[name] or value))

    def _strip(self, found):
        for key in NOT_SENT:
            found.pop(key, None)
        for key in "MDH":
            if key in found:
                found[key] = self.names.long(found[key])
        return wire.from_fields(found)

    def _tag(self, body, plan):
        """PostgreSQL 8.0 counted no rows in the tag of a SELECT."""
        if plan and plan.tag:
            return wire.cstrings(plan.tag)
        if body.startswith(b"SELECT"):
            return wire.cstrings("SELECT")
        return body

    def send_error(self, error):
        self.stream.put(b"E", self._strip(error.fields()))

    def notice(self, severity, code, message):
        self.stream.put(b"N", self._strip(
            {"S": severity, "C": code, "M": message}))

    def drop(self):
        """Break the connection without a word, as a cut cable would."""
        with contextlib.suppress(OSError):
            self.stream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                        struct.pack("ii", 1, 0))
        self.stream.out.clear()
        self.stream.close()
