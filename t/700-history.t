#!/bin/sh
# What is kept of runs, the lock, several jobs at once, a dry run, --resume
# after a killed load, unchanged data, pre_sql and post_sql, commands that
# are told.
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
	name=$1
	shift
	job "$name" dataset_id=$id table_name_source=custom_name "$@"
}
own one custom_table_name=one append_or_overwrite=append keep_runs=3
own 'with blank' custom_table_name=two skip_unchanged=yes \
	'on_success=cat >told.good'
own sqls custom_table_name=three append_or_overwrite=overwrite \
	'pre_sql=CREATE TABLE log (t varchar(9))' \
	"post_sql=INSERT INTO log VALUES ('it''s')" 'on_failure=cat >told.bad'
state=$HOME/.local/state/rs-writeback
column() {	# column NAME: of the last run
	rs-history | /usr/bin/python3 -c 'import csv, sys
print(list(csv.DictReader(sys.stdin))[-1][sys.argv[1]])' "$1"
}
# child_of PID NAME: a process of this name that descends from PID.
child_of() {
	for c in $(pgrep -P "$1"); do
		if [ "$(cat "/proc/$c/comm" 2>/dev/null)" = "$2" ]; then
			echo "$c"
		else
			child_of "$c" "$2"
		fi
	done
}

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
same 'its status' "$(column status)" 0
same 'rows' "$(column rows)" 2
same 'bytes of CSV' "$(column bytes)" 18
same 'the DataSet' "$(column dataset_name)" 'A, "B"'
ok 'the seconds of the load' test -n "$(column seconds_load)"
dir=$state/runs/$(column run)
for f in manifest.json info schema result s3-stage.stderr; do
	ok "the run keeps $f" test -e "$dir/$f"
done
same 'for its user only' "$(stat -c %a "$dir")" 700

# A failure
sed "s/^dataset_id = $id/dataset_id = 00000000-0000-0000-0000-000000000000/" \
	conf >conf2 && chmod 600 conf2
run env RS_WRITEBACK_CONFIG="$T/conf2" rs-writeback sqls
status_is 1 'a run that fails'
same 'its result' "$(column result)" failed
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

# Twice at a time; then the load is killed. Another's lock on the table holds
# the load where it can be seen.
sql 'BEGIN; LOCK TABLE one; SELECT pg_sleep(6); COMMIT' >sleep.out & lock=$!
rs-writeback one >killed 2>&1 & first=$!
victim=
for _ in $(seq 1 100); do
	victim=$(child_of $first rs-load)
	[ -z "$victim" ] || break
	sleep 0.1
done
run rs-writeback one
status_is 75 'a second run at the same time'
err_like 'says why' "cannot run job 'one' now: it runs already"
ok 'a load runs' test -n "$victim"
[ -z "$victim" ] || kill -KILL "$victim"
wait $first
same 'a killed load fails' $? 1
wait $lock
same 'and leaves the table' "$(sql 'SELECT count(*) FROM one')" 2
run rs-writeback --resume "$(column run)"
status_is 2 'nothing was kept'
err_like 'says so' 'cannot resume .*: it has left nothing on S3'

run env RSW_KEEP_STAGED=failed RSW_POST_SQL='SELECT no_such_thing' \
	rs-writeback one
status_is 1 'a load that fails'
kept=$(column run)
err_like 'keeps what it staged' "kept, for --resume $kept"
ok 'on S3' test "$(staged)" -gt 0
run rs-writeback -v --resume "$kept"
status_is 0 '--resume'
err_unlike 'exports nothing' '^domo-cat: '
same 'loads it' "$(sql 'SELECT count(*) FROM one')" 4
same 'and cleans up' "$(staged)" 0
run rs-writeback --resume nonsense
status_is 2 '--resume of no run'
ok 'three runs of the job are left' t_same \
	"$(grep -lx one "$state"/runs/*/job | wc -l)" 3

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

# A signal in the pause after a load that failed for now
own paused custom_table_name=five 'on_failure=echo "stopped=$RSW_STOPPED" >env'
echo '[{"match": "^COPY", "action": "error", "code": "XX000",
	"message": "1023"}]' >"$RSW_SANDBOX/db/faults.json"
env RSW_LOAD_RETRIES=0 RSW_RETRIES=1 RSW_RETRY_DELAY=30 \
	rs-writeback paused >paused 2>&1 & first=$!
for _ in $(seq 1 100); do
	grep -q 'trying again in' paused && break
	sleep 0.1
done
ok 'the pause before the next attempt' test "$(staged)" -gt 0
kill -TERM $first
wait $first
same 'is ended by a signal' $? 143
same 'of which on_failure has nothing in its environment' "$(cat env)" stopped=
same 'and nothing is left on S3' "$(staged)" 0
rm "$RSW_SANDBOX/db/faults.json"

# A signal while Domo sends nothing
echo '[{"path": "/data", "fault": "stall", "bytes": 10, "seconds": 20}]' \
	>"$RSW_SANDBOX/domo/faults.json"
rs-writeback one >stalled 2>&1 & first=$!
for _ in $(seq 1 100); do
	[ -z "$(child_of $first s3-stage)" ] || break
	sleep 0.1
done
sleep 1
begin=$(date +%s)
kill -TERM $first
wait $first
same 'a signal while Domo stalls' $? 143
ok 'is obeyed soon' test $(($(date +%s) - begin)) -le 5
rm "$RSW_SANDBOX/domo/faults.json"

# Several at once; where nothing can be kept at home
run env RSW_PRE_SQL='SELECT 1' rs-writeback --jobs 2 one sqls
status_is 0 'two jobs at once'
run env -u HOME -u XDG_RUNTIME_DIR TMPDIR="$T" setsid -w \
	rs-writeback -v one
status_is 0 'no HOME and no terminal'
err_like 'says where runs are kept' "runs are kept in '$T/rs-writeback-"
run env RSW_STATE_DIR=/proc/nowhere rs-writeback one
status_is 2 'a state_dir that cannot be'
err_like 'says so' "cannot keep runs in '/proc/nowhere' \(state_dir\)"
done_testing
