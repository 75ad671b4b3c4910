#!/bin/sh
# A new user's path, which contrib/first-day has as a script: install, --init
# with answers on standard input, --check, run, --history, the report in a
# browser. Then --init once more: what is in the configuration stays.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/e2e.sh"

id=72727272-0000-0000-0000-000000000001
dataset $id 'New' k:LONG,v:STRING <<'E'
k,v
1,one
E
mkdir "my keys" && cp "$SANDBOX_KEYS/id_ed25519" "my keys/key"
finger=$(ssh-keygen -lf "$RSW_SANDBOX/ssh/etc/host_ed25519.pub" | cut -d ' ' -f 2)
cat >answers <<E
mine
127.0.0.1
$SANDBOX_SSH_PORT
$SANDBOX_SSH_USER
my keys/key


$finger
$SANDBOX_DB_HOST
$SANDBOX_DB_PORT

$SANDBOX_DB_USER
$(cat "$SANDBOX_SECRETS/db")

$SANDBOX_CA
$SANDBOX_AWS_ACCESS_KEY
$(cat "$SANDBOX_SECRETS/aws")

$SANDBOX_BUCKET
$SANDBOX_DOMO_CLIENT_ID
$(cat "$SANDBOX_SECRETS/domo")
first
$id
custom_name
new

update
overwrite
E
unset RS_WRITEBACK_CONFIG
DOMO_API_URL=$SANDBOX_DOMO_URL AWS_ENDPOINT_URL_S3=$SANDBOX_S3_URL
export DOMO_API_URL AWS_ENDPOINT_URL_S3
conf=$HOME/.config/rs-writeback/config

# Below a path with a blank, without a terminal.
prefix="$T/in stalled/usr"
input <answers
run setsid -w env BUILD="$builddir" "$srcdir/contrib/first-day" "$prefix" mine first
status_is 0 'the first day goes well'
PATH=$prefix/bin:$PATH
export PATH
ok 'the programs are installed' test -x "$prefix/bin/rs-init"
ok 'with all pages' t_same "$(ls "$prefix"/share/man/man*/ | grep '\.[1-9]$' | sort)" "$(ls "$srcdir/man" | sort)"
ok 'the completions' test -s "$prefix/share/bash-completion/completions/s3-stage.bash"
ok 'and the units' test -s "$prefix/lib/systemd/user/rs-writeback@.timer"
same 'all links hold, at --init and at --check' "$(grep -c '^ok    copy ' out)" 2
ok 'none fails' t_unlike '^FAIL' out
same 'the configuration is for its owner only' "$(stat -c %a "$conf")" 600
ok 'no secret is shown' test "$(cat out err | grep -cFf "$SANDBOX_SECRETS/db")" -eq 0
out_like 'the dry run says what it would do' '^COPY .*"new"'
err_like 'the run says what it did' "^rs-writeback: job 'first': loaded 1 rows, overwrite, public.new \("
ok 'its rows are there, once' t_same "$(rows new)" 'k,v
1,one'
out_like 'the history has it' ',first,.*,loaded,'
ok 'the report is there' test -s report.html

# Once more
sed 's/^mine$/other/; s/^first$/second/' answers >answers2
cp "$conf" before
input <answers2
run rs-init -c
status_is 0 'another account'
ok 'what was there is there' cmp -n "$(wc -c <before)" before "$conf"
run rs-config -l -l
out_is 'both accounts' 'mine
other'
cp "$conf" before
input <answers
run rs-init -c
status_is 2 'an account that is there'
err_like 'says so' 'cannot add \[account mine\]: it is there already'
ok 'and nothing is written' cmp before "$conf"
head -n 12 answers2 | sed 's/^other$/third/' >in
run rs-init -c
status_is 2 'answers that end too early'
err_like 'says where' "answers end before 'Database Password'"
ok 'and nothing is written then' cmp before "$conf"
tab=$(printf '\t')
renamed() { sed "s/^other\$/fourth/; s/^second\$/fifth/; $1" answers2; }
renamed "11s/^\$/a${tab}b/" >in
run rs-init -c
status_is 2 'an answer that the file cannot hold'
err_like 'says so' "'Database Name' cannot .* control characters"
ok 'and nothing is written either' cmp before "$conf"
wrong() {	# wrong DESCRIPTION SED ERE
	renamed "$2" >in
	run rs-init -c
	status_is 2 "$1"
	err_like "$1: says so" "$3"
	ok "$1: nothing is written" cmp before "$conf"
}
wrong 'a port that is none' 3s/.*/port/ "'SSH Port' is a number from 1 to 65535"
wrong 'a word that is none' 's/^overwrite$/over/' "'over' is none of these"
wrong 'a key that is not there' 's/^my keys/no keys/' "cannot open 'no keys/key'"
wrong 'a key without an end' 's/^my keys.*/-----BEGIN X-----/' 'the key has no end'
wrong 'a name with brackets' 's/^fourth$/a]b/' 'a name has no brackets'
wrong 'a name that is too long' "s/^fourth\$/$(printf %060d 1)/" 'name is too long'
renamed '11s/^$/a ; b # c/' >in
run rs-init -c
status_is 0 'an answer that could be a comment'
run rs-config -a fourth database_name
out_is 'is what was typed' 'a ; b # c'
same 'no other file is left' "$(find "$HOME/.config" -type f)" "$conf"

. "$srcdir/t/browser.sh"
browser --dump-dom "file://$T/report.html" >dom
same 'the browser renders the report' $? 0
ok 'complains of nothing' cmp console /dev/null
ok 'asks nobody' cmp asked /dev/null
ok 'and shows the run' t_like '<tr class="good">.*<b>loaded</b>.*public.new' dom
done_testing
