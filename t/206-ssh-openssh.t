#!/bin/sh
# --transport openssh: the system's ssh holds the tunnel, all else is the same;
# also to servers that libssh2 cannot talk to.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
command -v ssh >/dev/null || skip_all 'ssh is not installed'
sandbox --only ssh --sshd 'MACs hmac-sha2-256-etm@openssh.com' --sshd 'Ciphers aes128-ctr' \
	--sshd 'HostKeyAlgorithms rsa-sha2-512,rsa-sha2-256'
: >target.out
"$srcdir/t/standin/target.py" >target.out 2>/dev/null &
at_end "kill $!"
until read -r word target <target.out && [ "$word" = ready ]; do sleep 0.05; done
to=127.0.0.1:$target
RSW_SSH_TRANSPORT=openssh
XDG_RUNTIME_DIR=$T
export RSW_SSH_TRANSPORT XDG_RUNTIME_DIR
fwd() { ssh-fwd -a sandbox -L "$to" "$@"; }

RSW_SSH_TRANSPORT=libssh2 fails 'libssh2 cannot' 125 'use --transport openssh' fwd -- true
for a in sandbox sandbox-rsa-enc sandbox-rsa-pkcs8 sandbox-rsa sandbox-ed25519 \
    sandbox-ed25519-enc sandbox-ecdsa; do
	run ssh-fwd -a $a -L "$to" -- true
	status_is 0 "$a: the key as text"
	key=$(sed -n "/^\[account $a\]/,/^\[/s/^ssh_private_key_file = //p" "$RS_WRITEBACK_CONFIG")
	run ssh-fwd -a $a -i "$key" -L "$to" -- true
	status_is 0 "$a: as a file"
done
if [ -z "$(cat "$RSW_SANDBOX/run/ssh.note" 2>/dev/null)" ]; then
	run ssh-fwd -a sandbox-password -L "$to" -- true
	status_is 0 'a password'
fi
RSW_SSH_PASSWORD=wrong fails 'a wrong one' 125 "cannot open the tunnel to '127.0.0.1' by ssh: .*Permission denied" \
	ssh-fwd -a sandbox-password -L "$to" -- true
fails 'a wrong key' 125 'Permission denied' fwd -i "$SANDBOX_KEYS/id_rsa_stranger.pem" -- true

# host keys
fails 'an unknown host key' 125 'by ssh: Host key verification failed' fwd --known-hosts /dev/null -- true
fp=$(ssh-keygen -lf "$RSW_SANDBOX/ssh/etc/host_rsa.pub" | cut -d ' ' -f 2)
run fwd --known-hosts /dev/null --fingerprint "$fp" -- true
status_is 0 'its fingerprint'
fails 'another fingerprint' 125 "cannot trust the bastion '127.0.0.1': none of its keys is the one of ssh_host_key_fingerprint" \
	fwd --fingerprint SHA256:AAAA -- true
fails 'nor does --accept-new help it' 125 'none of its keys is' \
	fwd --fingerprint SHA256:AAAA --accept-new -- true
run fwd --known-hosts kh --accept-new -- true
status_is 0 '--accept-new'
ok 'it is noted' ssh-keygen -F "[127.0.0.1]:$SANDBOX_SSH_PORT" -f kh

# the links of the chain
fails 'nothing listens at the target' 75 \
	"cannot reach '127.0.0.1:1' through '127.0.0.1': channel [0-9]*: open failed: connect failed: Connection refused" \
	ssh-fwd -a sandbox -L 127.0.0.1:1 -- true
fails 'a name that the bastion does not know' 125 'Name or service not known' \
	ssh-fwd -a sandbox -L no.such.invalid:1 -- true
fails 'no bastion there' 75 'Connection refused' fwd tunnel@127.0.0.1:1 -- true

# a server shows one of its keys: the pinned one may be another
"$srcdir/t/sandbox" start --only ssh "$T/three" >sandbox.log 2>&1 ||
	{ echo "Bail out! no sshd"; exit 99; }
at_end "'$srcdir/t/sandbox' stop '$T/three' >/dev/null 2>&1"
for k in ed25519 ecdsa rsa; do
	fp=$(ssh-keygen -lf "$T/three/ssh/etc/host_$k.pub" | cut -d ' ' -f 2)
	(eval "$("$srcdir/t/sandbox" env "$T/three")"
	run ssh-fwd -a sandbox -L "127.0.0.1:$SANDBOX_SSH_PORT" --fingerprint "$fp" -- true
	exit "$status")
	same "the fingerprint of its $k key" $? 0
done

# bytes
run fwd -- sh -c 'exit 7'
status_is 7 "the command's status"
run fwd -- sh -c "{ echo source 30000000 a; sleep 3; } | timeout 20 python3 -c '
import os, socket, sys
s = socket.create_connection((\"127.0.0.1\", int(os.environ[\"PGPORT\"])))
s.sendall(b\"late 30000000 a\\n\" + b\"x\" * 3000000); s.shutdown(1)
n = 0
while True:
    b = s.recv(100000)
    if not b: break
    n += len(b)
print(n)'"
out_is 'both ways, each end on its own' 30000000
{ echo count; head -c 5000000 /dev/zero; } >in
run ssh-fwd -a sandbox -W "$to"
out_like '-W' '^5000000 '

# a tunnel that breaks, and comes again
cat >cut.py <<'E'
import os, socket
def hold():
    s = socket.create_connection(("127.0.0.1", int(os.environ["PGPORT"])))
    s.settimeout(20)
    s.sendall(b"hold\n")
    return s, s.recv(5)
s, b = hold()
print(b.decode().strip(), flush=True)
try:
    print("ended" if s.recv(1) == b"" else "data")
except ConnectionResetError:
    print("reset")
print(hold()[1].decode().strip())
E
fwd -- /usr/bin/python3 cut.py >cut.out 2>cut.err &
job=$!
for _ in $(seq 100); do grep -q held cut.out && break; sleep 0.1; done
read -r sshd _ <"$RSW_SANDBOX/run/ssh.pid"
kill -KILL $(for p in $(pgrep -P "$sshd"); do pgrep -P "$p"; echo "$p"; done) 2>/dev/null
wait $job
same 'reset, not ended; then a new ssh' "$(cat cut.out)" 'held
reset
held'
ok 'it is said' t_like "lost the bastion '127.0.0.1': ssh ended; its connections are cut" cut.err

run fwd -b --pid-file pid
status_is 0 'in the background'
port=$(cat out)
ok 'it serves' /usr/bin/python3 -c "
import socket
s = socket.create_connection(('127.0.0.1', $port)); s.sendall(b'hold\n')
assert s.recv(5) == b'held\n'"
pid=$(cat pid)
ssh=$(pgrep -P "$pid")
kill "$pid"
for _ in $(seq 50); do [ -e "/proc/$ssh" ] || break; sleep 0.1; done
ok 'its ssh ends with it' test ! -e "/proc/$ssh"
ok 'and leaves nothing' sh -c '! ls -d "$1"/ssh-fwd.* 2>/dev/null' - "$T"
RSW_SSH_PASSWORD=secret1 RSW_SSH_PRIVATE_KEY_PASSPHRASE=secret2 \
	run fwd -- sh -c 'for p in $(pgrep -P $PPID); do tr "\0" "\n" </proc/$p/cmdline; tr "\0" "\n" </proc/$p/environ; done'
ok "no secret in ssh's arguments, nor in any environment" t_unlike 'secret[12]' out
out_like 'ssh was seen' 'ExitOnForwardFailure'
done_testing
