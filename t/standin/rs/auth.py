"""From the first byte of a connection to a proven user.

TLS, the startup packet and what Redshift refuses in it, the three password
methods, and the lockout after five wrong ones (DG:max_failed_login_attempts).
State of the lockout is DIR/lockout.json, so that a test can read it and an
administrator (rm) can undo it.
"""

import hashlib
import hmac
import json
import os
import re
import socket
import ssl
import struct
import threading

from . import settings, wire
from .errors import fatal

AUTH_OK = 0
AUTH_CLEARTEXT = 3
AUTH_MD5 = 5
AUTH_DIGEST = 13        # Redshift's own; no stock client knows it
DIGEST_SHA256 = 0


class Cancel(Exception):
    """The connection was a CancelRequest: pid and key."""

    def __init__(self, pid, key):
        super().__init__()
        self.pid, self.key = pid, key


class Door:
    """Lets connections in.  One for the whole stand-in."""

    def __init__(self, config):
        self.config = config
        self.lockout = Lockout(config)
        self.tls = None
        if config["tls_cert"]:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.minimum_version = ssl.TLSVersion.TLSv1_2
            self.tls.load_cert_chain(config["tls_cert"], config["tls_key"])

    def negotiate(self, sock):
        """The stream and the startup parameters of a new connection."""
        stream = wire.Stream(sock)
        while True:
            code, body = stream.startup_packet()
            if code == wire.SSL_REQUEST:
                stream = self._answer_ssl(stream)
            elif code == wire.GSS_REQUEST:
                stream.raw(b"N")
                stream.flush()
            elif code == wire.CANCEL_REQUEST and len(body) == 8:
                raise Cancel(*struct.unpack("!II", body[:8]))
            else:
                return stream, code, wire.pairs(body)

    def _answer_ssl(self, stream):
        stream.raw(b"S" if self.tls else b"N")
        stream.flush()
        if not self.tls:
            return stream
        if stream.inbuf:
            raise wire.Gone("bytes before the TLS handshake")
        try:
            return wire.Stream(self.tls.wrap_socket(stream.sock,
                                                    server_side=True))
        except (OSError, ssl.SSLError) as e:
            raise wire.Gone(str(e)) from e

    def admit(self, stream, version, params):
        """The user's name and settings, or an RsError that is FATAL."""
        if version != wire.VERSION_3_0:
            raise fatal("0A000", "unsupported frontend protocol %d.%d: server "
                        "supports 2.0 to 3.0" % (version >> 16,
                                                 version & 0xffff))
        user = params.get("user", "")
        database = params.get("database", user)
        self._check_ssl(stream, user, database)
        self._check_password(stream, user)
        if database != self.config["database"]:
            raise fatal("3D000", 'database "%s" does not exist' % database)
        return user, startup_settings(params)

    def _check_ssl(self, stream, user, database):
        if self.config["require_ssl"] \
                and not isinstance(stream.sock, ssl.SSLSocket):
            raise fatal("28000", 'no pg_hba.conf entry for host "%s", user '
                        '"%s", database "%s", SSL off'
                        % (_peer(stream.sock), user, database))

    def _check_password(self, stream, user):
        expected = self.config["users"].get(user)
        given = getattr(self, "_ask_" + self.config["auth"])(
            stream, user, expected or "")
        if self.lockout.is_locked(user):
            raise fatal("28000", 'user "%s" is locked out: too many failed '
                        "login attempts" % user)
        if expected is None or not given:
            self.lockout.failed(user)
            raise fatal("28000",
                        'password authentication failed for user "%s"' % user)
        self.lockout.succeeded(user)

    def _ask(self, stream, request):
        stream.put(b"R", request)
        stream.flush()
        kind, body = stream.message()
        if kind != b"p":
            raise fatal("08P01", "expected password response, got message "
                        "type %d" % kind[0])
        return body.rstrip(b"\0")

    def _ask_md5(self, stream, user, expected):
        salt = os.urandom(4)
        inner = hashlib.md5((expected + user).encode()).hexdigest()
        outer = "md5" + hashlib.md5(inner.encode() + salt).hexdigest()
        answer = self._ask(stream, struct.pack("!I", AUTH_MD5) + salt)
        return hmac.compare_digest(answer, outer.encode())

    def _ask_cleartext(self, stream, _user, expected):
        answer = self._ask(stream, struct.pack("!I", AUTH_CLEARTEXT))
        return hmac.compare_digest(answer, expected.encode())

    def _ask_digest13(self, stream, _user, _expected):
        """Only that the client meets code 13: its answer is not checked, so
        nobody gets in this way.  libpq hangs up here."""
        salt, nonce = os.urandom(16), os.urandom(8)
        self._ask(stream, struct.pack("!II", AUTH_DIGEST, DIGEST_SHA256)
                  + salt + nonce)
        return False


class Lockout:
    """Counts wrong passwords in a row, by user, over all connections."""

    def __init__(self, config):
        self.path = os.path.join(config["dir"], "lockout.json")
        self.limit = config["max_failed_login_attempts"]
        self.exempt = set(config["superusers"])
        self.known = set(config["users"])
        self.lock = threading.Lock()

    def _read(self):
        try:
            with open(self.path, encoding="utf-8") as f:
                return json.load(f)
        except FileNotFoundError:
            return {}

    def _change(self, user, failures):
        with self.lock:
            state = self._read()
            before = state.get(user, {"failures": 0})["failures"]
            count = failures(before)
            state[user] = {"failures": count, "locked": count >= self.limit}
            with open(self.path + ".new", "w", encoding="utf-8") as f:
                json.dump(state, f)
            os.replace(self.path + ".new", self.path)

    def is_locked(self, user):
        with self.lock:
            return self._read().get(user, {}).get("locked", False)

    def failed(self, user):
        if user in self.known and user not in self.exempt:
            self._change(user, lambda before: before + 1)

    def succeeded(self, user):
        if user in self.known and user not in self.exempt:
            self._change(user, lambda before: 0)


def startup_settings(params):
    """The settings a startup packet asks for, those of "options" included."""
    wanted = {name: value for name, value in params.items()
              if name not in ("user", "database", "options")}
    wanted.update(_options(params.get("options", "")))
    return [(name, settings.check_startup(name, value))
            for name, value in wanted.items()]


def _options(text):
    """-c name=value and --name=value, as the server's command line has them;
    a backslash keeps a blank."""
    words = re.findall(r"(?:\\.|[^\s\\])+", text)
    words = [re.sub(r"\\(.)", r"\1", word) for word in words]
    found = {}
    while words:
        word = words.pop(0)
        if word == "-c" and words:
            word = words.pop(0)
        elif word.startswith("--"):
            word = word[2:]
        elif word.startswith("-c"):
            word = word[2:]
        else:
            raise fatal("42601", "invalid command-line arguments for server "
                        "process: %s" % word)
        name, _, value = word.partition("=")
        found[name.replace("-", "_")] = value
    return found


def _peer(sock):
    try:
        return sock.getpeername()[0]
    except (OSError, socket.error):
        return "[local]"
