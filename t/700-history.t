#!/bin/sh
# What is kept of runs, by one process or by several; a dry run, unchanged
# data, pre_sql and post_sql, commands that are told.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/e2e.sh"

id=77777777-0000-0000-0000-000000000001
dataset $id 'A, "B"' k:LONG,v:STRING <<'E'
k,v
1,one
2,three
E
# A job of this DataSet; the rest are its keys.
own() {
	t_name=$1
	shift
	job "$t_name" dataset_id=$id table_name_source=custom_name "$@"
}
own one custom_table_name=one append_or_overwrite=append keep_runs=3
own 'with blank' custom_table_name=two skip_unchanged=yes \
	'on_success=cat >told.good'
own sqls custom_table_name=three append_or_overwrite=overwrite \
	'pre_sql=CREATE TABLE log (t varchar(9))' \
	"post_sql=INSERT INTO log VALUES ('it''s')" 'on_failure=cat >told.bad'
state=$HOME/.local/state/rs-writeback

run rs-history
status_is 0 'no history yet'
same 'is a header' "$(wc -l <out)" 1

# The dry run
run rs-writeback -n one
status_is 0 'dry run'
out_like 'names the table' '^-- job one: table public.one$'
out_like 'the DDL, as wide as the values' 'CREATE TABLE .*"v" .*\(5\)'
out_like 'and the COPY' 'COPY .*SECRET_ACCESS_KEY .\*\*\*'
ok "no secret is shown" test "$(grep -cFf "$SANDBOX_SECRETS/aws" out)" -eq 0
run sh -c 'rs-writeback -n one >/dev/full'
status_is 1 'a dry run whose output is lost'
same 'nothing is on S3' "$(staged)" 0
same 'no table' "$(tables)" ''
ok 'no line in the history' test ! -e "$state/history.csv"

# A run is kept
run rs-writeback one
status_is 0 'a run'
err_like 'tells what it did' \
	"^rs-writeback: job 'one': loaded 2 rows, append, public.one \("
same 'its status' "$(last status)" 0
same 'rows' "$(last rows)" 2
same 'bytes of CSV' "$(last bytes)" 18
same 'the DataSet' "$(last dataset_name)" 'A, "B"'
ok 'the seconds of the load' test -n "$(last seconds_load)"
dir=$state/runs/$(last run)
for f in manifest.json info schema result s3-stage.stderr; do
	ok "the run keeps $f" test -e "$dir/$f"
done
same 'for its user only' "$(stat -c %a "$dir")" 700

# A failure
sed "s/^dataset_id = $id/dataset_id = 00000000-0000-0000-0000-000000000000/" \
	conf >conf2 && chmod 600 conf2
run env RS_WRITEBACK_CONFIG="$T/conf2" rs-writeback sqls
status_is 1 'a run that fails'
same 'its result' "$(last result)" failed
ok 'its first error' t_like 'domo-cat: .*404' "$state/history.csv"
ok 'the command is told' t_like ',failed,' told.bad

# Statements of one's own
run rs-writeback sqls
status_is 0 'pre_sql and post_sql'
same 'were run' "$(sql 'SELECT t FROM log')" "it's"
run rs-writeback sqls
status_is 1 'pre_sql that fails'
err_like 'says so' 'rs-load: cannot run pre_sql: .*exists'
same 'and changes nothing' "$(sql 'SELECT count(*) FROM three')" 2

# Unchanged
run rs-writeback 'with blank'
status_is 0 'a job with a blank in its name'
ok 'on_success is told' t_like ',with blank,' told.good
run rs-writeback 'with blank'
status_is 0 'once more'
err_like 'is skipped' 'unchanged since the last run'
same 'and has loaded nothing' "$(sql 'SELECT count(*) FROM two')" 2

# A command that is told is a plain process: no signal is blocked or ignored,
# and what it leaves in the background does not hold the job's lock.
own told custom_table_name=four \
	'on_success=grep ^Sig /proc/self/status >signals; sleep 9 & echo $! >bg'
run rs-writeback told
status_is 0 'a command that leaves a process behind'
same 'blocks no signal' "$(awk '$1 == "SigBlk:" {print $2 + 0}' signals)" 0
ok 'and does not ignore SIGPIPE' awk '$1 == "SigIgn:" {
	exit substr($2, 13, 1) ~ /[13579bdf]/ }' signals
run rs-writeback told
status_is 0 'does not hold the lock'
kill "$(cat bg)"

# What the commands are told: the header, and the run's line of the history
run rs-writeback 'with blank'
rs-history -j 'with blank' | sed -n '1p;$p' >line
ok 'on_success gets the header and the line' cmp line told.good
same 'the header' "$(head -n 1 told.good)" "run,start,end,job,dataset_id,$(:
	)dataset_name,data_time,table,mode,rows,bytes,staged_bytes,seconds,$(:
	)seconds_connect,seconds_export,seconds_load,seconds_clean,attempts,$(:
	)status,result,error"
ok 'on_failure gets the error' t_like \
	',1,1,failed,"rs-load: cannot run pre_sql: relation ""log"" already exists' \
	told.bad

# One line a run, whatever its names and errors hold
odd=77777777-0000-0000-0000-000000000002
dataset $odd 'two
lines' k:LONG <<'E'
k
1
E
# JSON holds the newline as \n.
/usr/bin/python3 - "$RSW_SANDBOX/domo/datasets/$odd.json" <<'E'
import sys
path = sys.argv[1]
text = open(path).read().replace('two\nlines', 'two\\nlines')
open(path, 'w').write(text)
E
job odd dataset_id=$odd table_name_source=custom_name custom_table_name=odd \
	'post_sql=SELECT "a, b" FROM odd'
before=$(wc -l <"$state/history.csv")
run rs-writeback odd
status_is 1 'a statement with quotes and a comma that fails'
same 'is one line' "$(wc -l <"$state/history.csv")" $((before + 1))
same 'with the name' "$(last dataset_name)" 'two lines'
ok 'and the error' t_same "$(last error | grep -c '^rs-load: .*"a, b"')" 1

# Several processes, several jobs each, one history
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	own "p$i" keep_runs=2
done
before=$(wc -l <"$state/history.csv")
pids=
for i in '1 2 3' '4 5 6' '7 8 9' '10 11 12'; do
	set -- $i
	rs-job -q --jobs 3 "p$1" "p$2" "p$3" -- true & pids="$pids $!"
done
for p in $pids; do wait "$p" || echo "status $?"; done >statuses
ok 'four processes at once, three jobs each' cmp statuses /dev/null
same 'a line for each' "$(($(wc -l <"$state/history.csv") - before))" 12
same 'each of them whole' "$(rs-history | tail -n 12 |
	grep -c '^[0-9TZ]*-[0-9a-f]*-p[0-9]*,.*,0,,$')" 12

# A reader waits for a line that is half written.
flock "$state/history.lock" sh -c ': >locked; sleep 1; : >written' & writer=$!
eventually test -e locked
run rs-history -j p1
ok 'a reader waits for a writer' test -e written
wait $writer

# Old runs go
for i in 1 2 3; do rs-job -q p1 -- true; done
same 'two runs of the job are left' "$(grep -lx p1 "$state"/runs/*/job |
	wc -l)" 2
same 'and all its lines' "$(rs-history -j p1 | wc -l)" 5
ok 'another job keeps its own' test "$(grep -lx p2 "$state"/runs/*/job |
	wc -l)" -eq 1

# A line that a machine's end cut short
printf 'half a li' >>"$state/history.csv"
rs-job -q p1 -- true
run rs-history -j p1
status_is 0 'a line that was cut'
same 'is gone' "$(wc -l <out) $(grep -c half "$state/history.csv")" '6 0'

# No room: a file can not grow, which a full disk looks like to a program.
runs=$(ls "$state/runs" | wc -l)
run bash -o pipefail -c '(trap "" XFSZ; ulimit -f 0
	exec rs-job -q p1 -- true) 2>&1 | cat'
status_is 1 'no room for the run'
out_like 'says where' "^rs-writeback: cannot write '$state/runs/.*: File too large"
out_like 'and names the job' "^rs-writeback: job 'p1' failed \(status 1\)"
same 'and leaves no directory' "$(ls "$state/runs" | wc -l)" "$runs"

# Where nothing can be kept at home
run env -u HOME -u XDG_RUNTIME_DIR TMPDIR="$T" setsid -w \
	rs-writeback -v one
status_is 0 'no HOME and no terminal'
err_like 'says where runs are kept' "runs are kept in '$T/rs-writeback-"
run env RSW_STATE_DIR=/proc/nowhere rs-writeback one
status_is 2 'a state_dir that cannot be'
err_like 'says so' "cannot keep runs in '/proc/nowhere' \(state_dir\)"
done_testing
