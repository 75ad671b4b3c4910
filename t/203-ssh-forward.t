#!/bin/sh
# Bytes through the tunnel: all of them, both ways, each end on its own, many
# connections, readers that stand still, other users.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
# A bastion that hangs up when two questions were not answered within 3 seconds.
sandbox --only ssh --sshd 'ClientAliveInterval 1' --sshd 'ClientAliveCountMax 2'
: >target.out
"$srcdir/t/standin/target.py" >target.out 2>target.err &
at_end "kill $!"
until read -r word target <target.out && [ "$word" = ready ]; do sleep 0.05; done
to=127.0.0.1:$target

# client.py MODE...: PGHOSTADDR and PGPORT lead to target.py. Says what is wrong.
cat >client.py <<'E'
import hashlib, os, random, socket, sys, threading, time
where = (os.environ.get("PGHOSTADDR", "127.0.0.1"), int(os.environ["PGPORT"]))
def pattern(n, seed):
    block = random.Random(seed).randbytes(1 << 20)
    while n > 0:
        yield block[:n]
        n -= len(block)
def digest(n, seed):
    h = hashlib.sha256()
    for b in pattern(n, seed):
        h.update(b)
    return h.hexdigest()
def start(line):
    s = socket.create_connection(where)
    s.settimeout(60)
    s.sendall(line.encode() + b"\n")
    return s
def read_all(s):
    h, n = hashlib.sha256(), 0
    while True:
        b = s.recv(1 << 18)
        if not b:
            return n, h.hexdigest()
        h.update(b)
        n += len(b)
def check(got, want):
    if got != want:
        print("got", got, "want", want)
        os._exit(1)
def down(n, seed="a"):
    check(read_all(start("source %d %s" % (n, seed))), (n, digest(n, seed)))
def up(n, seed="b"):
    s = start("count")
    for b in pattern(n, seed):
        s.sendall(b)
    s.shutdown(socket.SHUT_WR)
    check(s.recv(100).decode().split(), [str(n), digest(n, seed)])
    check(s.recv(1), b"")
def late(n, seed="c"):
    s = start("late %d %s" % (n, seed))
    s.sendall(b"x" * 100000)
    s.shutdown(socket.SHUT_WR)
    check(read_all(s), (n, digest(n, seed)))
def echo(n, size):
    s = start("echo")
    for i in range(n):
        b = os.urandom(size)
        s.sendall(b)
        got = b""
        while len(got) < size:
            got += s.recv(size)
        check(got, b)
    s.shutdown(socket.SHUT_WR)
    check(s.recv(1), b"")
def many(n):
    socks = [start("hold") for i in range(n)]
    for s in socks:
        check(s.recv(5), b"held\n")
    for s in socks:
        s.close()
def parallel(jobs):
    threads = [threading.Thread(target=f, args=a) for f, *a in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
def resident():
    return int(open("/proc/%d/statm" % os.getppid()).read().split()[1]) * 4
def stalled(n, most, seconds):
    """Readers that stand still, first while others read, then alone: nobody
    waits, little is kept, the bastion's questions are answered, and in the end
    all is there."""
    slow = [start("source 30000000 s%d" % i) for i in range(n)]
    time.sleep(0.5)
    parallel([(down, 20000000), (up, 20000000), (echo, 50, 100)])
    kept = resident()
    time.sleep(seconds)
    echo(50, 100)
    print("resident: %d, then %d kB" % (kept, resident()), file=sys.stderr)
    if max(kept, resident()) > most:
        print("resident: %d, then %d kB" % (kept, resident()))
        os._exit(1)
    for i, s in enumerate(slow):
        check(read_all(s), (30000000, digest(30000000, "s%d" % i)))
def reset():
    s = start("reset")
    check(s.recv(5), b"soon\n")
    s.sendall(b"x")
    try:
        check(s.recv(1), b"")
    except ConnectionError:
        pass
    # what is written now goes nowhere, and must not hang
    try:
        for i in range(100):
            s.sendall(b"y" * 100000)
            time.sleep(0.01)
        print("still writable")
        os._exit(1)
    except ConnectionError:
        pass
def gone():
    "Clients that go away in the middle leave the rest alone."
    for i in range(20):
        s = start("source 5000000 g")
        s.recv(1000)
        s.close()
    down(1000000)
mode = sys.argv[1]
if mode == "mixed":
    parallel([(down, 30000000), (up, 30000000), (late, 2000000), (echo, 200, 8192)] +
             [(f, 5000000) for f in (up, down) for i in range(4)])
else:
    globals()[mode](*map(int, sys.argv[2:]))
E
through() {	# through DESCRIPTION MODE ARGUMENT...
	d=$1
	shift
	run ssh-fwd -a sandbox -L "$to" -- /usr/bin/python3 client.py "$@"
	status_is 0 "$d"
	[ "$status" -eq 0 ] || sed 's/^/# /' out
}
ok 'libssh2 encrypts by our EVP_Cipher' sh -c "LD_BIND_NOW=1 LD_DEBUG=bindings ssh-fwd --version 2>&1 |
	grep -q 'libssh2.* to .*ssh-fwd .*EVP_Cipher\\>'"
through 'no byte' down 0
through 'one byte down' down 1
through 'one byte up' up 1
through '100 MB down' down 100000000
through '100 MB up' up 100000000
through "the client's end comes first, then the answer" late 3000000
through 'small packets to and fro' echo 500 100
through 'large ones' echo 100 200000
through 'all of it at once' mixed
through '200 connections at once' many 200
# Three windows of 2, 1 and 1 MiB, and 10 MB that it always has; the sanitizers'
# own memory is another matter. RSW_STALL=60 for a whole minute.
most=18000
grep -q __asan_init "$builddir/bin/ssh-fwd" && most=400000
through 'readers that stand still' stalled 3 $most "${RSW_STALL:-6}"
err_unlike 'the bastion is not lost' lost
through 'a target that resets' reset
through 'clients that go away' gone

# what was sent just before the command ends still goes out
cat >last.py <<'E'
import os, socket
s = socket.create_connection(("127.0.0.1", int(os.environ["PGPORT"])))
s.sendall(b"count\n" + b"z" * 3000000)
os._exit(0)
E
run ssh-fwd -a sandbox -L "$to" -- /usr/bin/python3 last.py
status_is 0 'a command that ends while its last bytes are on the way'

# serving, without a command
serve() {	# serve OPTION...: sets $pid and $port
	: >port
	ssh-fwd -a sandbox -L "$to" "$@" >port 2>serve.err &
	pid=$!
	until read -r port <port && [ -n "$port" ]; do
		kill -0 $pid 2>/dev/null || return 1
		sleep 0.02
	done
}
serve
ok 'it prints the port' test "$port" -gt 0
PGPORT=$port run /usr/bin/python3 client.py down 1000000
status_is 0 'it serves'
for n in 1 2 3; do
	PGPORT=$port /usr/bin/python3 client.py mixed >out$n 2>&1 &
	eval "job$n=$!"
done
rc=0
for n in 1 2 3; do eval "wait \$job$n" || rc=1; done
same 'three programs at once' $rc 0
# A client that has said all before it is accepted is still its owner's.
kill -STOP $pid
PGPORT=$port /usr/bin/python3 client.py late 1000 >out 2>err & job=$!
sleep 0.5
kill -CONT $pid
wait $job
same 'an end of input that comes before the accept' $? 0
if [ "$(id -u)" -eq 0 ]; then
	cat >other.py <<'E'
import os, socket, sys
os.setgid(65534); os.setuid(65534)
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.settimeout(10)
try:
    s.sendall(b"hold\n")
    sys.exit(s.recv(5) == b"held\n")
except ConnectionError:
    sys.exit(0)
E
	run /usr/bin/python3 other.py "$port"
	status_is 0 "another user's process is turned away"
	ok 'and reported' t_like 'refused a connection from another user \(uid 65534\)' serve.err
fi
kill -TERM $pid
wait $pid
same 'SIGTERM ends it: status 0' $? 0
fails 'its port is free again at once' 75 'refused' sh -c "ssh-fwd -a sandbox -L '$port:$to' -q -- true &&
	exec ssh-fwd tunnel@127.0.0.1:$port -L x:1 -- true"
serve -L "$port:$to"
same 'a port of one'\''s own' "$(cat port)" "$port"
fails 'a port that is taken' 125 "cannot listen on 127.0.0.1 port $port: Address already in use" \
	ssh-fwd -a sandbox -L "$port:$to" -- true
kill -INT $pid
wait $pid
same 'SIGINT too' $? 0

# No descriptor is left: who comes waits until one is.
cat >full.py <<'E'
import socket, sys
socks = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for i in range(60)]
for s in socks:
    s.settimeout(20)
    s.sendall(b"hold\n")
for s in socks:
    assert s.recv(5) == b"held\n"
    s.close()
E
: >port
(ulimit -n 40 && exec ssh-fwd -a sandbox -L "$to") >port 2>serve.err &
pid=$!
until [ -s port ]; do sleep 0.02; done
run /usr/bin/python3 full.py "$(cat port)"
status_is 0 '60 connections with 40 descriptors'
kill $pid
wait $pid

# in the background
run ssh-fwd -a sandbox -L "$to" -b --pid-file fwd.pid
status_is 0 '-b returns'
port=$(cat out)
PGPORT=$port run /usr/bin/python3 client.py up 1000000
status_is 0 'and serves'
ok 'the pid is the right one' grep -q ssh-fwd "/proc/$(cat fwd.pid)/cmdline"
kill "$(cat fwd.pid)"
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -e fwd.pid ] || break; sleep 0.1; done
ok 'the pid file goes with it' test ! -e fwd.pid
fails 'a pid file that cannot be written' 125 "cannot write '/proc/x': " \
	ssh-fwd -a sandbox -L "$to" -b --pid-file /proc/x

# stdin and stdout
W() { ssh-fwd -a sandbox -W "$to"; }
{ echo count; head -c 5000000 /dev/zero; } >in
run W
status_is 0 '-W'
out_is 'bytes up, then the answer' "5000000 $(head -c 5000000 /dev/zero | sha256sum | cut -d ' ' -f 1)"
echo 'source 5000000 w' | W | cat >got
same '-W in a pipeline: bytes down' "$(wc -c <got)" 5000000
echo 'source 5000000 w' >in
W <in >got
same '-W with files' "$(wc -c <got)" 5000000
echo 'source 50000000 w' | W | head -c 10 >got
same 'a reader that goes away' "$(wc -c <got)" 10
run ssh-fwd -a sandbox -W "127.0.0.1:1"
status_is 75 '-W to a port where nothing listens'
err_like 'says so' "cannot reach '127.0.0.1:1' through '127.0.0.1': nothing listens there.*\(Connection refused\)"
fails 'a name that the bastion does not know' 125 \
	"cannot reach 'no.such.invalid:5439' through '127.0.0.1': the bastion does not know this name; check database_hostname" \
	ssh-fwd -a sandbox -L no.such.invalid:5439 -- true
done_testing
