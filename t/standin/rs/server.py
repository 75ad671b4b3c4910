"""Listens, makes a session of each connection, and keeps what they share."""

import contextlib
import itertools
import json
import os
import socket
import threading
import time

from . import schema, wire
from .auth import Cancel, Door
from .errors import RsError
from .faults import Faults
from .names import Names
from .session import Session


class Server:
    def __init__(self, config):
        self.config = config
        self.door = Door(config)
        self.ledger = schema.prepare(config)
        self.names = Names(self.ledger)
        self.faults = Faults(config["dir"])
        self.lock = threading.Lock()
        self.sessions = {}              # (pid, key): Session
        self.ledger.run("UPDATE rsi.loads SET status = 'aborted' WHERE "
                        "status = 'running'")
        last_query = self.ledger.value("SELECT max(query) FROM rsi.loads")
        self.query_ids = itertools.count(int(last_query or 99) + 1)
        self.has_late_views = bool(
            self.ledger.value("SELECT 1 FROM rsi.late_views LIMIT 1"))
        self.journal = os.open(
            os.path.join(config["dir"], "statements.log"),
            os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.listener = socket.create_server((config["listen"],
                                              config["port"]))

    @property
    def port(self):
        return self.listener.getsockname()[1]

    def run(self):
        """Accept until close() takes the listener away."""
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,),
                             daemon=True).start()

    def close(self):
        """From the signal handler: no new clients, and none left."""
        self.listener.close()
        with self.lock:
            for session in self.sessions.values():
                session.backend.cancel()

    def _serve(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(wire.Gone), contextlib.closing(sock):
            try:
                stream, version, params = self.door.negotiate(sock)
            except Cancel as e:
                self._cancel(e.pid, e.key)
                return
            with contextlib.closing(stream):
                self._session(stream, version, params)

    def _session(self, stream, version, params):
        session = None
        try:
            user, wanted = self.door.admit(stream, version, params)
            session = Session(self, stream, user, wanted)
            with self.lock:
                self.sessions[session.id] = session
            session.run()
        except RsError as e:
            stream.put(b"E", wire.from_fields(e.fields()))
            stream.flush()
        finally:
            if session:
                with self.lock:
                    self.sessions.pop(session.id, None)
                session.close()

    def _cancel(self, pid, key):
        with self.lock:
            session = self.sessions.get((pid, key))
        if session:
            session.cancel()

    def next_query_id(self):
        with self.lock:
            return next(self.query_ids)

    def log(self, session, text):
        """One JSON line for each statement, for the tests to read."""
        line = json.dumps({"time": time.time(), "pid": session.backend.pid,
                           "user": session.user, "statement": text})
        os.write(self.journal, line.encode() + b"\n")
