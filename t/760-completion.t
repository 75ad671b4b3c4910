#!/bin/sh
# Completion in real shells: accounts, jobs, runs, keys and all options of all
# programs.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
command -v zsh >/dev/null || skip_all 'zsh is not installed'
dir=$srcdir/contrib/completion

export RS_WRITEBACK_CONFIG="$T/conf" XDG_STATE_HOME="$T/state"
cat >conf <<'E'
[account work]
[account other one]
[job sales]
[job sales-old]
[job my stock]
E
chmod 600 conf
mkdir -p state/rs-writeback/runs/20260101T000000Z-sales-1
programs=$(cd "$builddir/bin" && find . -type f -perm -100 | sed 's/..//' | sort)
programs="$programs rs-writeback"
of_usage() {
	"$1" -h </dev/null | grep '^ *-' |
		grep -oE '(^ *|  +|, )--?[[:alnum:]][-[:alnum:]]*' |
		sed 's/^[ ,]*//' | sort -u
}

# bash: what the function gives for a command line that ends at the cursor
cat >complete.bash <<'E'
. "$1"
COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2))
_rs_writeback "$2" "${@: -1}" "${@: -2:1}"
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
E
inbash() { run bash complete.bash "$dir/rs-writeback.bash" "$@"; }
for p in $programs; do
	of_usage "$p" >options
	inbash "$p" -
	out_same "bash: $p: its options" options
	ok "bash: $p: has the completion" grep -qw "$p" "$dir/rs-writeback.bash"
	ok "zsh: $p: has the completion" sh -c 'head -n 1 "$1" | grep -qw -- "$2"' \
		sh "$dir/_rs-writeback" "$p"
done
inbash rs-writeback sal
out_is 'bash: jobs' 'sales
sales-old'
inbash rs-writeback my
out_is 'bash: a job with a blank' 'my\ stock'
inbash rs-writeback 'my\ s'
out_is 'bash: and its beginning' 'my\ stock'
inbash rs-writeback --check ''
out_is 'bash: accounts' 'work
other\ one'
inbash s3-stage -a w
out_is 'bash: an account of another program' work
inbash s3-stage --account = w
out_is 'bash: an account after =' work
inbash domo-cat -j sales-
out_is 'bash: a job of another program' sales-old
inbash rs-writeback --resume 2026
out_is 'bash: a run' 20260101T000000Z-sales-1
inbash rs-config database_h
out_is 'bash: keys' 'database_hostname
database_hostaddr'
inbash ssh-fwd -a work -- -
out_empty 'bash: not in the command of another program'
RS_WRITEBACK_CONFIG=/gone inbash rs-writeback x
out_empty 'bash: no configuration, no noise'
err_empty 'bash: nor on stderr'
run bash -c '. "$1"; complete -p rs-load ssh-fwd' sh "$dir/rs-writeback.bash"
status_is 0 'bash: they are registered'

# zsh: the specifications that it gives to _arguments
cat >specs.zsh <<'E'
_arguments() { print -rl -- "$@" }
words=($2)
source $1
E
for p in $programs; do
	of_usage "$p" >options
	run zsh -f specs.zsh "$dir/_rs-writeback" "$p"
	sed -n 's/^\**\(--*[[:alnum:]][^=[]*\)=*\[.*/\1/p' out | sort -u >named
	ok "zsh: $p: its options" diff -u options named
done
run zsh -f specs.zsh "$dir/_rs-writeback" s3-stage
ok 'zsh: -a takes an account' t_like '^-a\[.*:_rs_writeback_accounts$' out

# zsh: a person at a terminal: what a tab makes of a line
cat >tab.py <<'E'
import os, pty, re, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp('zsh', ['zsh', '-f', '-i'])
def read(until):
    text, end = b'', time.time() + 20
    while until not in text and time.time() < end:
        if select.select([fd], [], [], 1)[0]:
            text += os.read(fd, 65536)
    return text
def say(text):
    os.write(fd, text.encode())
# ^X prints the line as it is, and forgets it.
say("unset zle_bracketed_paste; fpath=(%s $fpath); autoload -Uz compinit; "
    "compinit -u -d $PWD/dump; show() { print -r -- \"<<$BUFFER>>\"; "
    "BUFFER= }; zle -N show; bindkey '^X' show; echo rea''dy\n" % sys.argv[1])
read(b'\nready')
for line in sys.argv[2:]:
    say(line + '\t\x18')
    found = re.findall(rb'<<(.*?)>>', read(b'>>'))
    print(found[-1].decode().rstrip() if found else '?')
say('exit\n')
os.waitpid(pid, 0)
E
run env TERM=dumb /usr/bin/python3 tab.py "$dir" 'rs-writeback my' \
	'rs-writeback --check wo' 's3-stage -a oth' 'domo-cat --job=sales-' \
	'rs-writeback --resume 2026' 'rs-config iam' 'rs-load --varc'
out_is 'zsh: a tab completes' 'rs-writeback my\ stock
rs-writeback --check work
s3-stage -a other\ one
domo-cat --job=sales-old
rs-writeback --resume 20260101T000000Z-sales-1
rs-config iam_role
rs-load --varchar-headroom='
done_testing
