#!/bin/sh
# ssh-fwd: a command through the tunnel, its descriptors, status and
# environment; what is said when a link of the chain is missing.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
sandbox --only db,ssh
conn="host=$SANDBOX_DB_HOST dbname=$SANDBOX_DB_NAME user=$SANDBOX_DB_USER \
sslmode=verify-full sslrootcert=$SANDBOX_CA"
PGPASSWORD=$(sed -n 's/^database_password = //p' "$RS_WRITEBACK_CONFIG" |
	head -n 1)
export PGPASSWORD conn
fwd() { ssh-fwd -a sandbox "$@"; }

run fwd -- psql "$conn" -Atc 'select 6 * 7'
status_is 0 'psql with verify-full through the tunnel'
out_is 'its answer' 42
err_empty 'and nothing is said'
run fwd -- sh -c 'exit 7'
status_is 7 "the command's own status"
run fwd -- sh -c 'kill -TERM $$'
status_is 143 'a command that a signal ended'
fails 'no such command' 127 "cannot run 'no-such': no such command" fwd -- no-such
fails 'not a program' 126 "cannot run '/etc/passwd': Permission denied" fwd -- /etc/passwd

head -c 300000 /dev/urandom >bytes
input <bytes
run fwd -- cat
out_same 'stdin and stdout are passed on' bytes
run fwd -- sh -c 'echo to stderr >&2'
err_is 'and stderr' 'to stderr'
PGHOST=real.example run fwd -L "$SANDBOX_DB_HOST:$SANDBOX_DB_PORT" -- sh -c 'echo "$PGHOST $PGHOSTADDR"; test "$PGPORT" -gt 1023'
out_is 'PGHOST stays, PGHOSTADDR is set' 'real.example 127.0.0.1'
status_is 0 'and PGPORT'
export RSW_SSH_PASSWORD=secret1 RSW_SSH_PRIVATE_KEY_PASSPHRASE=secret2
run fwd -- sh -c 'tr "\0" "\n" </proc/$$/environ; tr "\0" "\n" </proc/$PPID/cmdline'
ok 'no secret of ours in its environment, nor in our argv' t_unlike 'secret[12]' out
unset RSW_SSH_PASSWORD RSW_SSH_PRIVATE_KEY_PASSPHRASE
run fwd -- sh -c 'ls -l /proc/self/fd | grep -c -e socket -e anon'
out_is 'no descriptor of ours is passed on' 0

# the links of the chain, one by one
B=tunnel@127.0.0.1:$SANDBOX_SSH_PORT
fails 'the bastion has no such name' 125 \
	"cannot find the bastion 'no.such.invalid': " fwd tunnel@no.such.invalid -- true
fails 'nothing listens there' 75 \
	"cannot reach the bastion '127.0.0.1' on port 1: Connection refused" \
	fwd tunnel@127.0.0.1:1 -- true
fails 'the database instead of the bastion' 75 "cannot talk to '127.0.0.1' port $SANDBOX_DB_PORT: the server closed the connection before it said anything" \
	fwd --accept-new --timeout 2 "tunnel@127.0.0.1:$SANDBOX_DB_PORT" -- true
fails 'an unknown host key' 125 \
	"cannot trust the bastion '127.0.0.1' port $SANDBOX_SSH_PORT: its key is not known \(ssh-ed25519 SHA256:" \
	fwd --known-hosts /dev/null "$B" -- true
RSW_SSH_PASSWORD=wrong-secret
export RSW_SSH_PASSWORD
fails 'a wrong password' 125 \
	"cannot log in to '127.0.0.1' as 'tunnel': the server refused \(it offers: .*password.*; tried: password(, keyboard-interactive)?\)" \
	ssh-fwd -a sandbox-password -- true
err_unlike 'the password is not in the message' wrong-secret
unset RSW_SSH_PASSWORD
fails 'a wrong key' 125 "tried: key '.*/id_rsa_stranger.pem' by rsa-sha2-256" \
	fwd -i "$SANDBOX_KEYS/id_rsa_stranger.pem" -- true
fails 'a forward that is not allowed' 125 \
	"cannot reach '127.0.0.1:1' through '127.0.0.1': the bastion does not allow this forward" \
	fwd -L 127.0.0.1:1 -- touch ran
ok 'the command did not run' test ! -e ran

fails 'no bastion' 2 "cannot go on without 'ssh_hostname'" ssh-fwd -L db:5439 -- true
fails 'no target' 2 "cannot go on without 'database_hostname'" ssh-fwd bastion -- true
fails 'a command without --' 2 "'psql' is one too many; a command stands after '--'" \
	fwd bastion psql
fails 'nothing after --' 2 "no command stands after '--'" fwd --
fails 'a wrong target' 2 "cannot use 'db' as a forward's target: it is HOST:PORT" fwd -L db -- true
fails 'a wrong port' 2 "'99999' is not a port" fwd b:99999 -- true
fails 'a key in argv' 2 '-i takes a file' fwd -i '-----BEGIN RSA PRIVATE KEY-----' -- true
done_testing
