#!/bin/sh
# The life of a tunnel: signs of life, a bastion that dies or freezes, a new
# session for new connections, time limits, signals, nothing left behind.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
command -v pgrep >/dev/null || skip_all 'pgrep is not installed'
sandbox --only ssh --sshd 'ClientAliveInterval 1' --sshd 'ClientAliveCountMax 2' \
	--sshd 'MaxSessions 1' --sshd 'RekeyLimit 4M'
: >target.out
"$srcdir/t/standin/target.py" >target.out 2>target.err &
at_end "kill $!"
until read -r word target <target.out && [ "$word" = ready ]; do sleep 0.05; done
to=127.0.0.1:$target
read -r sshd _ <"$RSW_SANDBOX/run/ssh.pid"
sessions() {	# the sshd processes of open sessions, children first
	for p in $(pgrep -P "$sshd"); do pgrep -P "$p"; echo "$p"; done
}
fwd() { ssh-fwd -a sandbox -L "$to" "$@"; }

cat >c.py <<'E'
# c.py: connect, ask for "hold", print what happens
import os, socket, sys, time
def hold():
    s = socket.create_connection(("127.0.0.1", int(os.environ["PGPORT"])))
    s.settimeout(30)
    s.sendall(b"hold\n")
    return s, s.recv(5)
if sys.argv[1] == "cut":		# wait for the cut, then connect again
    s, b = hold()
    print(b.decode().strip(), flush=True)
    t = time.time()
    try:
        b = s.recv(1)
        print("ended" if b == b"" else "data")
    except ConnectionResetError:
        print("reset")
    print("quick" if time.time() - t < float(sys.argv[2]) else "slow", flush=True)
    print(hold()[1].decode().strip())
elif sys.argv[1] == "idle":
    time.sleep(float(sys.argv[2]))
    print(hold()[1].decode().strip())
elif sys.argv[1] == "load":		# under load until it breaks
    s = socket.create_connection(("127.0.0.1", int(os.environ["PGPORT"])))
    s.sendall(b"source 2000000000 x\n")
    n = 0
    try:
        while True:
            b = s.recv(1 << 18)
            if not b:
                print("ended after", n)
                break
            n += len(b)
            if n > 20000000 and not os.path.exists("loaded"):
                open("loaded", "w").close()
    except ConnectionResetError:
        print("reset")
elif sys.argv[1] == "count":
    s, b = hold()
    s.close()
    s = socket.create_connection(("127.0.0.1", int(os.environ["PGPORT"])))
    s.sendall(b"count\n")
    for i in range(600):
        s.sendall(b"k" * 100000)
    s.shutdown(socket.SHUT_WR)
    print(s.recv(100).decode().split()[0])
E
py() { /usr/bin/python3 c.py "$@"; }

run fwd -- /usr/bin/python3 c.py idle 5
out_is "an idle tunnel answers the bastion's questions (ClientAlive 1 s x 2)" held
run fwd --alive 1 -- /usr/bin/python3 c.py idle 4
out_is 'and asks its own' held
err_empty 'without a word'
run fwd -- /usr/bin/python3 c.py count
out_is 'new keys every 4 MB, one session' 60000000

# a bastion that dies, or stands still
await() { for _ in $(seq 100); do grep -q "$1" "$2" 2>/dev/null && return; sleep 0.1; done; false; }
fwd --alive 2 -- /usr/bin/python3 c.py cut 2 >cut.out 2>cut.err &
job=$!
await held cut.out
kill -KILL $(sessions)
wait $job
same 'the session is killed: the command goes on' $? 0
same 'its connection is reset at once, the next one goes through a new session' \
	"$(cat cut.out)" 'held
reset
quick
held'
ok 'it is said' t_like "^ssh-fwd: lost the bastion '127.0.0.1': .*; its connections are cut$" cut.err

fwd --alive 2 -- /usr/bin/python3 c.py cut 4 >cut.out 2>cut.err &
job=$!
await held cut.out
frozen=$(sessions)
kill -STOP $frozen
wait $job
rc=$?
kill -CONT $frozen
kill -KILL $frozen 2>/dev/null
same 'the session is frozen: --alive 2 notices' "$(cat cut.out)" 'held
reset
quick
held'
same 'and the command goes on' $rc 0
ok 'the reason' t_like "lost the bastion '127.0.0.1': silent for 2 s" cut.err

fwd -- /usr/bin/python3 c.py load >load.out 2>load.err &
job=$!
for _ in $(seq 100); do [ -e loaded ] && break; sleep 0.1; done
kill -KILL $(sessions)
wait $job
same 'killed under load: reset, never a clean end' "$(cat load.out)" reset

# signals
cat >trap.sh <<'E'
trap 'echo term; exit 3' TERM
trap 'echo usr1' USR1
echo $$
while :; do sleep 0.05; done
E
ssh-fwd -a sandbox -L "$to" -- sh trap.sh >trap.out 2>&1 &
job=$!
await . trap.out
kill -USR1 $job
await usr1 trap.out
kill -TERM $job
wait $job
same "a signal is passed on; the command's status" $? 3
same 'both signals came' "$(tail -n 2 trap.out)" 'usr1
term'
ssh-fwd -a sandbox -L "$to" -- sh trap.sh >trap.out 2>&1 &
job=$!
await . trap.out
kill -KILL $job
wait $job 2>/dev/null
await term trap.out
same 'ssh-fwd is killed: its command is sent SIGTERM' "$(tail -n 1 trap.out)" term
cat >int.py <<'E'
# a terminal's ^C reaches the command once, also when the tests run where ^C
# is ignored (behind an & in a script)
import os, pty, signal, sys, time
pid, fd = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(sys.argv[1], sys.argv[1:])
seen, typed = b"", False
try:
    while True:
        seen += os.read(fd, 1000)
        if b"ready" in seen and not typed:
            typed = True
            os.write(fd, b"\x03")
except OSError:
    pass
sys.stderr.buffer.write(seen)
print(seen.count(b"int!"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
E
run /usr/bin/python3 int.py ssh-fwd -a sandbox -L "$to" -- /usr/bin/python3 -c '
import signal, time
n = []
signal.signal(signal.SIGINT, lambda s, f: (n.append(1), print("int!", flush=True)))
print("ready", flush=True)
end = time.time() + 1
while time.time() < end: time.sleep(0.05)
raise SystemExit(40 + len(n))'
out_is '^C on a terminal reaches the command once' '1 41'

# time limits
: >mute.port
/usr/bin/python3 -c '
import socket, time
s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True)
time.sleep(60)' >mute.port &
at_end "kill $!"
until read -r mute <mute.port; do sleep 0.05; done
fails 'a server that says nothing' 75 \
	"cannot talk to '127.0.0.1' port $mute: no answer in time before it said anything" \
	ssh-fwd -L x:1 --timeout 1 "tunnel@127.0.0.1:$mute" -- true

# servers that speak, but not SSH
for says in 'HTTP/1.1 400 Bad Request' 'Exceeded MaxStartups'; do
	: >mute.port
	/usr/bin/python3 -c '
import socket, sys
s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True)
c, _ = s.accept(); c.recv(100); c.sendall(sys.argv[1].encode() + b"\r\n\r\n")' "$says" >mute.port &
	at_end "kill $! 2>/dev/null"
	until read -r mute <mute.port; do sleep 0.05; done
	run ssh-fwd -L x:1 "tunnel@127.0.0.1:$mute" -- true
	echo "$status $(cat err)"
done >said
same 'a server that is no SSH server, one that turns us away' \
	"$(sed "s/port [0-9]*/port N/" said)" "\
125 ssh-fwd: cannot talk to '127.0.0.1' port N: there is no SSH server (it says 'HTTP/1.1 400 Bad Request')
75 ssh-fwd: cannot talk to '127.0.0.1' port N: it turns us away for now (Exceeded MaxStartups): too many logins at once or too many that failed; wait a minute"

# a bastion of two addresses; "localhost" has both for who is not root
two=localhost
named() { "$@"; }
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	two=two.example.test
	printf '127.0.0.1 localhost\n::1 %s\n127.0.0.1 %s\n' $two $two >hosts
	named() { unshare -m sh -c 'mount --bind hosts /etc/hosts && exec "$@"' - "$@"; }
fi
if named getent ahosts $two | grep -q '^::1' && named getent ahosts $two | grep -q '^127'; then
	two=$two:$SANDBOX_SSH_PORT
	run named ssh-fwd -a sandbox -L "$to" --accept-new --known-hosts kh "tunnel@$two" -- true
	status_is 0 'nothing listens at the first address: the second is tried'
	ok 'the key is noted under the name' grep -q "^\[${two%:*}\]:${two#*:} " kh
	# A full queue of connections: the kernel drops what comes, as a firewall does.
	: >hole.out
	/usr/bin/python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_INET6); s.bind(("::1", int(sys.argv[1]))); s.listen(0)
full = []
while True:
    c = socket.socket(socket.AF_INET6); c.settimeout(0.3); full.append(c)
    try:
        c.connect(s.getsockname())
    except TimeoutError:
        break
print("full", flush=True)
time.sleep(60)' "${two#*:}" >hole.out &
	at_end "kill $!"
	until grep -q full hole.out; do sleep 0.05; done
	began=$(date +%s%N)
	run named ssh-fwd -a sandbox -L "$to" --known-hosts kh "tunnel@$two" -- true
	status_is 0 'the first address swallows all: the second answers'
	took=$((($(date +%s%N) - began) / 1000000))
	ok "after a quarter of a second ($took ms)" test $took -ge 250 -a $took -lt 3000
	fails 'only one that swallows all' 75 "cannot reach the bastion '::1' on port ${two#*:}: no answer in time" \
		ssh-fwd -a sandbox -L "$to" --timeout 1 "tunnel@[::1]:${two#*:}" -- true
fi

# a bastion that stays away: serving ends for good only if it cannot come back
ssh-fwd -a sandbox -L "$to" >port 2>serve.err &
job=$!
await . port
read -r port <port
sed -i 's/^/# /' "$RSW_SANDBOX/ssh/etc/authorized_keys"
kill -KILL $(sessions) 2>/dev/null
await 'lost the bastion' serve.err
PGPORT=$port run py idle 0
wait $job
same 'the login is refused now: the end' $? 125
ok 'and why' t_like "cannot log in to '127.0.0.1' as 'tunnel': the server refused" serve.err
sed -i 's/^# //' "$RSW_SANDBOX/ssh/etc/authorized_keys"

ssh-fwd -a sandbox -L "$to" >port 2>serve.err &
job=$!
await . port
read -r port <port
kill -STOP "$sshd"
kill -KILL $(sessions)
await 'lost the bastion' serve.err
PGPORT=$port /usr/bin/python3 c.py idle 0 >late.out 2>&1 &
client=$!
sleep 0.5
kill -CONT "$sshd"
wait $client
same 'a bastion that is away for a while: a new connection waits for it' "$(cat late.out)" held
kill $job
wait $job
same 'and it goes on until it is told to end' $? 0
sleep 0.2
same 'no session is left' "$(sessions)" ''
done_testing
