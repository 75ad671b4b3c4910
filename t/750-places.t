#!/bin/sh
# On a terminal: secrets are not shown, a new bastion's fingerprint is asked
# about. A home that cannot be written to. Two sandboxes side by side.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/e2e.sh"

# terminal COMMAND...: on a terminal of its own, each line of `answers` typed
# when a prompt waits; what is shown goes to out. ^C is typed as such, and @FILE
# is pasted. Says whether the terminal has its echo at the end.
cat >terminal.py <<'E'
import os, pty, select, signal, sys, termios
answers = open('answers').read().splitlines()
pid, fd = pty.fork()
if pid == 0:
    # Ignored where the tests run behind an & in a script.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(sys.argv[1], sys.argv[1:])
shown = b''
while True:
    ready = select.select([fd], [], [], 20)[0]
    try:
        piece = os.read(fd, 65536) if ready else b''
    except OSError:
        break
    if not piece:
        break
    shown += piece
    if shown.endswith((b': ', b'? ')) and answers:
        a = answers.pop(0)
        os.write(fd, b'\x03' if a == '^C' else open(a[1:], 'rb').read()
                 if a.startswith('@') else a.encode() + b'\n')
echo = termios.tcgetattr(fd)[3] & termios.ECHO
sys.stdout.buffer.write(shown + b'\necho is ' + (b'on' if echo else b'off'))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
E
terminal() { run /usr/bin/python3 terminal.py "$@"; }

cat >answers <<'E'
typed

db.example.com

dev
loader
Hush-1234
none


my-bucket
client
Hush-5678

E
terminal env RS_WRITEBACK_CONFIG="$T/typed.conf" rs-init -c
status_is 0 '--init on a terminal'
ok 'prompts are shown' grep -q 'Database Password' out
ok 'the account name is echoed' grep -q typed out
ok 'secrets are not' t_unlike 'Hush' out
ok 'they are in the file' test "$(grep -c Hush typed.conf)" -eq 2

# Answers that will not do are asked for again.
ssh-keygen -q -t ed25519 -N '' -f pasted
sed 's/$/\\n/' pasted | tr -d '\n' >one-line
echo >>one-line
cat >answers <<'E'
again
bastion.example.com
twenty-two
22
tunnel
gone.pem
@pasted


SHA256:x

db.example.com
0
5439


loader
Hush-1
certified
none


my-bucket
client
Hush-2

E
terminal env RS_WRITEBACK_CONFIG="$T/again.conf" rs-init -c
status_is 0 'wrong answers on a terminal'
for what in "'SSH Port' is a number" "cannot open 'gone.pem'" "Hostname.* is needed" \
	"Database Port' is a number" "Username' is needed" "'certified' is none of"; do
	ok "says: $what" t_like "$what" out
done
key_of() {
	RS_WRITEBACK_CONFIG="$T/again.conf" rs-config -a "$1" -o >shown
	grep -c "^ssh_private_key = \*\*\*$" shown
	awk '/^ssh_private_key/ { on = 1; sub(/.*= /, "") } /^[^ -]/ { on = 0 }
		on { sub(/^ */, ""); print }' again.conf
}
{ echo 1; cat pasted; } >want
key_of again >got
ok 'a key that was pasted is there' cmp want got
sed 's/^again$/oneline/; s/@pasted/@one-line/' answers >answers2 && mv answers2 answers
terminal env RS_WRITEBACK_CONFIG="$T/again.conf" rs-init -c
status_is 0 'a key in one line'
sed -i '/^\[account again\]/,/^\[account oneline\]/d' again.conf
sed -i '1i[account oneline]' again.conf
key_of oneline >got
ok 'it has lines again' cmp want got
RS_WRITEBACK_CONFIG=$T/again.conf ssh-fwd -q -a oneline -- true >ssh.out 2>&1
ok 'and can be loaded' t_unlike 'ssh_private_key|cannot use' ssh.out

# ^C at a question for a secret
printf '%s\n' third '' db '' '' u ^C >answers
cp again.conf before
terminal env RS_WRITEBACK_CONFIG="$T/again.conf" rs-init -c
status_is 254 '^C ends it by the signal'
ok 'at the password' t_like 'Database Password: ' out
out_like 'the terminal has its echo' 'echo is on'
ok 'the file is as it was' cmp before again.conf
same 'and no other' "$(ls again.conf*)" again.conf

: >known
account stranger ssh_known_hosts="$T/known"
echo no >answers
terminal rs-check -a stranger
status_is 1 'a new bastion, answered no'
ok 'the fingerprint was shown' grep -q 'SHA256:' out
ok 'and nothing noted' test ! -s known
echo yes >answers
terminal rs-check -a stranger
status_is 0 'answered yes'
ok 'the key is noted' test -s known
run rs-check -a stranger
status_is 0 'and known from then on'

# /proc cannot be written to, not even by root.
run env HOME=/proc TMPDIR="$T" XDG_RUNTIME_DIR= rs-writeback -v empty
status_is 0 'a home that is read-only'
err_like 'runs are kept elsewhere' "runs are kept in '$T/rs-writeback-.*/proc/"

# Blanks in every path: home, configuration, state, temporary files
blank="$T/a  home of mine"
mkdir -p "$blank/.config/rs-writeback" "$blank/tmp dir"
sed 's/^on_failure.*//' conf >"$blank/.config/rs-writeback/config"
chmod 600 "$blank/.config/rs-writeback/config"
printf '\n[job my own]\naccount = sandbox\ndataset_id = %s\non_success = cat >"$HOME/told"\n' \
	"$(rs-config -j types dataset_id)" >>"$blank/.config/rs-writeback/config"
at_home() {
	run env -u RS_WRITEBACK_CONFIG HOME="$blank" TMPDIR="$blank/tmp dir" "$@"
}
at_home rs-writeback -n 'my own'
status_is 0 'a dry run below a path with blanks'
at_home rs-writeback 'my own'
status_is 0 'a run'
ok 'whose directory is there' test -s "$(echo "$blank"/.local/state/rs-writeback/runs/*/manifest.json)"
ok 'and whose command was told' t_like ',my own,.*,loaded,' "$blank/told"
at_home rs-writeback --history 'my own'
same 'and which is in the history' "$(wc -l <out)" 2
at_home "$srcdir/contrib/report"
ok 'and in the report' t_like '<h2 id="job1">my own</h2>' out
same 'no temporary file is left' "$(ls "$blank/tmp dir")" ''

# Another sandbox; jobs of the same names, at the same time
first=$RS_WRITEBACK_CONFIG
"$srcdir/t/sandbox" start --until $$ "$T/second" >second.log 2>&1
at_end '"$srcdir/t/sandbox" stop "$T/second" >/dev/null 2>&1'
XDG_STATE_HOME=$T/state2 RS_WRITEBACK_CONFIG=$T/second/config \
	rs-writeback -q types & other=$!
run env RS_WRITEBACK_CONFIG="$first" rs-writeback -q types
status_is 0 'one sandbox'
wait $other
same 'and another beside it' $? 0
same 'each has its history' "$(XDG_STATE_HOME=$T/state2 rs-history | wc -l)" 2
done_testing
