"""PostgreSQL's wire protocol, version 3: framing only.

Both sides of the proxy use it: Stream reads and writes messages on a socket,
the functions build and take apart the few message bodies we look into.  What
a message means is decided in session.py and backend.py.
"""

import struct

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
VERSION_3_0 = 3 << 16

# libpq never sends more in one message than a COPY chunk or a statement
MESSAGE_MAX = 1 << 28


class Gone(Exception):
    """The other side closed the connection."""


class Stream:
    """Messages on a connected socket; reads are buffered, writes are not
    sent before flush()."""

    def __init__(self, sock):
        self.sock = sock
        self.inbuf = bytearray()
        self.out = []
        self.out_size = 0

    def exactly(self, count):
        while len(self.inbuf) < count:
            try:
                more = self.sock.recv(1 << 16)
            except OSError as e:
                raise Gone(str(e)) from e
            if not more:
                raise Gone("end of file")
            self.inbuf += more
        found = bytes(self.inbuf[:count])
        del self.inbuf[:count]
        return found

    def pending(self):
        """Bytes have arrived that select() cannot see any more."""
        decoded = getattr(self.sock, "pending", None)
        return bool(self.inbuf) or bool(decoded and decoded())

    def message(self):
        head = self.exactly(5)
        size = struct.unpack("!I", head[1:])[0]
        if not 4 <= size <= MESSAGE_MAX:
            raise Gone("a message of %d bytes" % size)
        return head[:1], self.exactly(size - 4)

    def startup_packet(self):
        size = struct.unpack("!I", self.exactly(4))[0]
        if not 8 <= size <= 10000:
            raise Gone("a startup packet of %d bytes" % size)
        body = self.exactly(size - 4)
        return struct.unpack("!I", body[:4])[0], body[4:]

    def put(self, kind, body=b""):
        self.out.append(kind + struct.pack("!I", len(body) + 4) + body)
        self.out_size += len(body)
        if self.out_size > 1 << 18:
            self.flush()

    def raw(self, data):
        self.out.append(data)

    def flush(self):
        data = b"".join(self.out)
        self.out.clear()
        self.out_size = 0
        try:
            self.sock.sendall(data)
        except OSError as e:
            raise Gone(str(e)) from e

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass


def cstrings(*texts):
    return b"".join(text.encode("utf-8", "surrogateescape") + b"\0"
                    for text in texts)


def take_cstring(body, at=0):
    """The text at an offset, and the offset after its NUL."""
    end = body.index(b"\0", at)
    return body[at:end].decode("utf-8", "surrogateescape"), end + 1


def pairs(body):
    """The name and value pairs of a startup packet."""
    texts = body.rstrip(b"\0").split(b"\0") if body.strip(b"\0") else []
    if len(texts) % 2:
        texts.append(b"")
    texts = [t.decode("utf-8", "replace") for t in texts]
    return dict(zip(texts[::2], texts[1::2]))


def startup(**params):
    body = struct.pack("!I", VERSION_3_0)
    for name, value in params.items():
        body += cstrings(name, value)
    body += b"\0"
    return struct.pack("!I", len(body) + 4) + body


def fields(body):
    """The fields of an ErrorResponse or NoticeResponse, by their letter."""
    found = {}
    for part in body.split(b"\0"):
        if part:
            found[chr(part[0])] = part[1:].decode("utf-8", "replace")
    return found


def from_fields(found):
    return b"".join(cstrings(key + text) for key, text in found.items()) \
        + b"\0"


def row_names(body):
    """The column names of a RowDescription."""
    names, at = [], 2
    for _ in range(struct.unpack("!H", body[:2])[0]):
        name, at = take_cstring(body, at)
        names.append(name)
        at += 18
    return names


def rename_row(body, rename):
    """A RowDescription whose names went through rename()."""
    out, at = [body[:2]], 2
    for _ in range(struct.unpack("!H", body[:2])[0]):
        name, at = take_cstring(body, at)
        out.append(cstrings(rename(name)) + body[at:at + 18])
        at += 18
    return b"".join(out)


def row_values(body):
    """The values of a DataRow: bytes, or None."""
    values, at = [], 2
    for _ in range(struct.unpack("!H", body[:2])[0]):
        size = struct.unpack("!i", body[at:at + 4])[0]
        at += 4
        if size < 0:
            values.append(None)
        else:
            values.append(body[at:at + size])
            at += size
    return values


def data_row(values):
    out = [struct.pack("!H", len(values))]
    for value in values:
        if value is None:
            out.append(struct.pack("!i", -1))
        else:
            out.append(struct.pack("!i", len(value)) + value)
    return b"".join(out)


def row_description(columns):
    """columns: (name, type oid) of text-format result columns."""
    out = [struct.pack("!H", len(columns))]
    for name, oid in columns:
        out.append(cstrings(name) + struct.pack("!IhIhih", 0, 0, oid,
                                                -1, -1, 0))
    return b"".join(out)
