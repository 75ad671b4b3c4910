#!/usr/bin/python3
# target.py: what stands at the far end of a tunnel. Listens on a free port of
# 127.0.0.1, prints "ready PORT", and does on each connection what its first
# line says:
#	echo		send back what comes, until its end
#	count		read to the end, then answer "BYTES SHA256" and close
#	source N SEED	send N bytes made from SEED, then close
#	late N SEED	close nothing: send N bytes only after the input's end
#	hold		say "held", then wait for the end
#	reset		say "soon", then reset the connection
import hashlib
import random
import socket
import struct
import sys
import threading


def pattern(n, seed):
    block = random.Random(seed).randbytes(1 << 20)
    while n > 0:
        yield block[:n]
        n -= len(block)


def line_of(c):
    line = b""
    while not line.endswith(b"\n"):
        byte = c.recv(1)
        if not byte:
            return []
        line += byte
    return line.decode().split()


def drain(c, use=lambda b: None):
    while True:
        b = c.recv(1 << 18)
        if not b:
            return
        use(b)


def count(c):
    h, n = hashlib.sha256(), 0
    while True:
        b = c.recv(1 << 18)
        if not b:
            break
        h.update(b)
        n += len(b)
    c.sendall(b"%d %s\n" % (n, h.hexdigest().encode()))


def serve(c):
    words = line_of(c)
    if not words:
        pass
    elif words[0] == "echo":
        drain(c, c.sendall)
    elif words[0] == "count":
        count(c)
    elif words[0] in ("source", "late"):
        if words[0] == "late":
            drain(c)
        for b in pattern(int(words[1]), words[2]):
            c.sendall(b)
    elif words[0] == "hold":
        c.sendall(b"held\n")
        drain(c)
    elif words[0] == "reset":
        c.sendall(b"soon\n")
        c.recv(1)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
    c.close()


def quietly(c):
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        serve(c)
    except OSError:
        c.close()


def main():
    s = socket.create_server(("127.0.0.1", 0), backlog=512)
    print("ready", s.getsockname()[1], flush=True)
    while True:
        c, _ = s.accept()
        threading.Thread(target=quietly, args=(c,), daemon=True).start()


try:
    main()
except KeyboardInterrupt:
    sys.exit(0)
