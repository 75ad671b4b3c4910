#!/bin/sh
# Logins that are no keys: passwords, the server's questions, two ways in a row,
# answers on a terminal; and jump hosts, each checked and logged in to.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
[ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null ||
	skip_all 'passwords of a bastion need root and a mount namespace'
server() {	# server NAME OPTION...
	n=$1
	shift
	"$srcdir/t/sandbox" start --only ssh "$@" "$T/$n" >sandbox.log 2>&1 ||
		{ sed 's/^/# /' sandbox.log; echo "Bail out! no sshd"; exit 99; }
	at_end "'$srcdir/t/sandbox' stop '$T/$n' >/dev/null 2>&1"
}
use() {		# use NAME: its variables; $to is a target that is always there
	eval "$("$srcdir/t/sandbox" env "$T/$1")"
	to=127.0.0.1:$SANDBOX_SSH_PORT
	password=$(cat "$T/$1/secrets/ssh")
}
fwd() { ssh-fwd -a "$@" -L "$to" -- true; }
server plain
server kbd --sshd 'PasswordAuthentication no'
server two --sshd 'AuthenticationMethods publickey,password'
server three --sshd 'AuthenticationMethods publickey,keyboard-interactive'
server pass --sshd 'KbdInteractiveAuthentication no' --sshd 'PubkeyAuthentication no'
cat >terminal.py <<'E'
# terminal.py COMMAND... (stdin: lines "PROMPT<tab>ANSWER"): a terminal on which
# each prompt is answered once. Prints what was shown.
import os, pty, sys
todo = [l.rstrip("\n").split("\t") for l in sys.stdin]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen, at = b"", 0
try:
    while True:
        seen += os.read(fd, 1000)
        if todo and todo[0][0].encode() in seen[at:]:
            at = len(seen)
            os.write(fd, todo.pop(0)[1].encode() + b"\n")
except OSError:
    pass
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
E
tty() { /usr/bin/python3 terminal.py "$@"; }

use plain
run fwd sandbox-password -v
status_is 0 'a password'
err_like 'by password' 'trying password$'
use pass
run fwd sandbox-password
status_is 0 'nothing but passwords'
fails 'a key where only passwords count' 125 \
	'the server refused \(it offers: password; tried: nothing, for there is no key or password that fits\)' \
	fwd sandbox
use kbd
run fwd sandbox-password -v
status_is 0 'the same password, asked for as a question (keyboard-interactive)'
err_like 'by keyboard-interactive' 'trying keyboard-interactive$'
RSW_SSH_PASSWORD=wrong
export RSW_SSH_PASSWORD
fails 'a wrong one: asked once, and given once' 125 'tried: keyboard-interactive\)' fwd sandbox-password
unset RSW_SSH_PASSWORD
use two
RSW_SSH_PASSWORD=$password run fwd sandbox
status_is 0 'a key, and then a password'
fails 'the key alone does not do' 125 'the server refused' fwd sandbox
fails 'nor does the password' 125 'the server refused' fwd sandbox-password
use three
RSW_SSH_PASSWORD=$password run fwd sandbox
status_is 0 'a key, and then a question'

# answers on a terminal, which are not shown there
use plain
printf "password: \t%s\n" "$password" >in
run tty env -u SSH_AUTH_SOCK RS_WRITEBACK_CONFIG= RSW_SSH_KNOWN_HOSTS="$SANDBOX_KNOWN_HOSTS" \
	ssh-fwd -L "$to" "tunnel@$to" -- true
status_is 0 'a password, asked for on the terminal'
out_like 'who wants it' "tunnel@127.0.0.1's password: "
ok 'it is not shown' sh -c '! grep -qF "$1" out' - "$password"
use kbd
printf "Password: \t%s\n" "$password" >in
run tty env RS_WRITEBACK_CONFIG= RSW_SSH_KNOWN_HOSTS="$SANDBOX_KNOWN_HOSTS" \
	ssh-fwd -L "$to" "tunnel@$to" -- true
status_is 0 "the server's own question, answered on the terminal"
# Several: an expired password is asked for again, and twice for a new one. (PAM
# cannot store it, for the namespace's shadow is a mount.)
server expired --sshd 'PasswordAuthentication no'
use expired
sed 's/:20000:0:/:0:0:/' "$T/expired/ssh/etc/shadow" >shadow
cat shadow >"$T/expired/ssh/etc/shadow"
echo 'password required pam_unix.so' >>"$T/expired/ssh/etc/pam"
printf '%s\t%s\n' 'Password: ' "$password" 'Current password: ' "$password" \
	'New password: ' blue-Horse7battery 'Retype new password: ' blue-Horse7battery >in
run tty env RS_WRITEBACK_CONFIG= RSW_SSH_KNOWN_HOSTS="$SANDBOX_KNOWN_HOSTS" \
	ssh-fwd -L "$to" "tunnel@$to" -- true
same 'four questions in a row, each answered' "$(grep -o '[A-Z][a-z]*[a-z ]* password: \|Password: ' out | tr '\n' ';')" \
	'Password: ;Current password: ;New password: ;Retype new password: ;'
ok 'no answer is shown' sh -c '! grep -qF -e "$1" -e blue-Horse out' - "$password"
fails 'without a terminal' 125 'the server asks something that needs a terminal' fwd sandbox-password
use plain
printf "Passphrase of\t%s\n" "$(cat "$SANDBOX_KEYS/passphrase")" >in
run tty env RS_WRITEBACK_CONFIG= RSW_SSH_KNOWN_HOSTS="$SANDBOX_KNOWN_HOSTS" \
	ssh-fwd -L "$to" -i "$SANDBOX_KEYS/id_rsa_enc.pem" "tunnel@$to" -- true
status_is 0 "a key's passphrase"
printf 'Passphrase of\twrong\n' >in
run tty env RS_WRITEBACK_CONFIG= RSW_SSH_KNOWN_HOSTS="$SANDBOX_KNOWN_HOSTS" \
	ssh-fwd -L "$to" -i "$SANDBOX_KEYS/id_rsa_enc.pem" "tunnel@$to" -- true
status_is 2 'a wrong one'
out_like 'it says so' 'the passphrase is wrong'

# the keys that ssh itself would take
mkdir -p "$HOME/.ssh"
cp "$SANDBOX_KEYS/id_ecdsa" "$HOME/.ssh/id_ecdsa"
run env RS_WRITEBACK_CONFIG= RSW_SSH_KNOWN_HOSTS="$SANDBOX_KNOWN_HOSTS" \
	ssh-fwd -L "$to" "tunnel@$to" -- true
status_is 0 '~/.ssh/id_ecdsa, with nothing configured'

# jump hosts: plain, then kbd, then the target as that one sees it
cat "$T/plain/known_hosts" "$T/kbd/known_hosts" "$T/two/known_hosts" >kh
cat "$T/plain/ssh/etc/authorized_keys" >>"$T/kbd/ssh/etc/authorized_keys"
port() { (use "$1"; echo "$SANDBOX_SSH_PORT"); }
plain=$(port plain) kbd=$(port kbd) two=$(port two)
cat "$T/plain/ssh/etc/authorized_keys" >>"$T/two/ssh/etc/authorized_keys"
jump() { ssh-fwd -a sandbox --known-hosts kh -L "127.0.0.1:$plain" "$@"; }
run jump -J "tunnel@127.0.0.1:$plain" "tunnel@127.0.0.1:$kbd" -- true
status_is 0 'through a jump host'
run jump -v -J "127.0.0.1:$plain,127.0.0.1:$kbd" "127.0.0.1:$plain" -- true
status_is 0 'through two'
ok 'one after the other' sh -c 'grep -o "logged in to .127.0.0.1. port [0-9]*" err |
	tr "\n" " " | grep -q "port $1 .*port $2 .*port $1"' - "$plain" "$kbd"
# a tunnel through a jump host carries as much as any
: >target.out
"$srcdir/t/standin/target.py" >target.out 2>/dev/null &
at_end "kill $!"
until read -r word target <target.out && [ "$word" = ready ]; do sleep 0.05; done
echo 'source 30000000 a' >in
run ssh-fwd -a sandbox --known-hosts kh -J "127.0.0.1:$plain" "127.0.0.1:$kbd" \
	-W "127.0.0.1:$target"
same '30 MB down' "$(wc -c <out)" 30000000
{ echo count; head -c 30000000 /dev/zero; } >in
run ssh-fwd -a sandbox --known-hosts kh -J "127.0.0.1:$plain" "127.0.0.1:$kbd" \
	-W "127.0.0.1:$target"
out_like '30 MB up' '^30000000 '
fails "a jump host's key is checked too" 125 \
	"cannot trust the bastion '127.0.0.1' port $plain: its key is not known" \
	ssh-fwd -a sandbox --known-hosts "$T/kbd/known_hosts" -L "127.0.0.1:$plain" \
	-J "127.0.0.1:$plain" "127.0.0.1:$kbd" -- true
fails "and the bastion's behind it" 125 \
	"cannot trust the bastion '127.0.0.1' port $kbd: its key is not known" \
	ssh-fwd -a sandbox --known-hosts "$T/plain/known_hosts" -L "127.0.0.1:$plain" \
	-J "127.0.0.1:$plain" "127.0.0.1:$kbd" -- true
fails 'a bastion that the jump host cannot reach' 75 \
	"cannot reach '127.0.0.1:1' through '127.0.0.1': nothing listens there" \
	jump -J "127.0.0.1:$plain" 127.0.0.1:1 -- true
use plain
fails "the bastion's password is not for jump hosts" 125 "cannot log in to '127.0.0.1' as 'tunnel': .*tried: nothing" \
	ssh-fwd -a sandbox-password --known-hosts kh -J "127.0.0.1:$plain" -L "127.0.0.1:$plain" "127.0.0.1:$kbd" -- true
RSW_SSH_JUMP_PASSWORD=$password RSW_SSH_PASSWORD=$(cat "$T/kbd/secrets/ssh") \
	run ssh-fwd -a sandbox-password --known-hosts kh -J "127.0.0.1:$plain" \
	-L "127.0.0.1:$plain" "127.0.0.1:$kbd" -- sh -c 'env | grep RSW_SSH_'
status_is 1 'but they can have their own; no password reaches the command'
out_empty 'indeed'
fails 'a wrong jump host' 2 "cannot use '-x' as a jump host" jump -J -x bastion -- true
done_testing
