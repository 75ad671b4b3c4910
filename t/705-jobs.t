#!/bin/sh
# The lock, several jobs at once, all jobs, attempts, --resume after a killed
# load, signals, and which error is told as the cause.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/e2e.sh"

id=70507050-0000-0000-0000-000000000001
dataset $id 'Five' k:LONG,v:STRING <<'E'
k,v
1,one
2,two
3,three
4,four
5,five
E
own() {	# own NAME KEY=VALUE...: appends this DataSet to a table NAME
	t_name=$1
	shift
	job "$t_name" dataset_id=$id table_name_source=custom_name \
		custom_table_name="$t_name" append_or_overwrite=append "$@"
}
# All jobs of the configuration are to be ours.
sed -i '/^\[job /,$d' conf
own one
own two
own kept keep_staged=failed
own paused 'on_failure=echo "stopped=$RSW_STOPPED" >env'
job wrong dataset_id=00000000-0000-0000-0000-000000000000
state=$HOME/.local/state/rs-writeback
count() { sql "SELECT count(*) FROM $1"; }
sent() { tail -n 1 "$RSW_SANDBOX/db/statements.log" | grep -q "\"$1 "; }
exports() { grep -c '/data"' "$RSW_SANDBOX/domo/requests.log"; }
idle() { test "$(sql "SELECT count(*) FROM pg_stat_activity
	WHERE usename = 'loader'")" -eq 0; }
staging() { test -n "$(child_of $first s3-stage)"; }
stall='[{"match": "^COPY", "action": "stall-copy", "seconds": 3, "times": 1}]'

# A load that is killed in the midst of COPY, beside a second run
run rs-writeback kept
status_is 0 'a run'
fault db "$stall"
rs-writeback kept >killed 2>&1 & first=$!
eventually sent COPY
run rs-writeback kept
status_is 75 'a second run of the job at the same time'
err_like 'says why' "cannot run job 'kept' now: it runs already"
out=$(rs-history -j kept | tail -n 1)
ok 'the first one is in the history, unfinished' test \
	"${out%,unfinished,}" != "$out"
kill -KILL "$(child_of $first rs-load)"
wait $first
same 'a load that is killed fails' $? 1
fault db
mv killed err
err_like 'it is said that it was killed' '^rs-writeback: rs-load was killed \(signal 9\)$'
ok 'the last line names the job' t_same "$(tail -n 1 err)" \
	"rs-writeback: job 'kept' failed (status 1)"
kept=$(last run)
err_like 'and what was staged is kept' "kept, for --resume $kept"
ok 'on S3' test "$(staged)" -gt 0
eventually idle
same 'the table is as it was' "$(count kept)" 5
before=$(exports)
run rs-writeback --resume "$kept"
status_is 0 '--resume'
same 'exports nothing' "$(exports)" "$before"
same 'loads what was kept' "$(count kept)" 10
same 'and cleans up' "$(staged)" 0
run rs-writeback --resume "$kept"
status_is 2 '--resume once more'
err_like 'finds nothing' "cannot resume '$kept': it has left nothing on S3"
same 'and loads nothing' "$(count kept)" 10

# The whole run is killed
fault db "$stall"
setsid rs-writeback kept >killed 2>&1 & first=$!
eventually sent COPY
kill -KILL -$first
wait $first 2>/dev/null
fault db
eventually idle
dead=$(last run)
same 'a run of which nobody is left' "$(last result)" unfinished
run rs-writeback --history kept
out_like 'is in the history' "^$dead,.*,unfinished,$"
run rs-writeback --resume "$dead"
status_is 0 'and can be resumed'
same 'its rows are there' "$(count kept)" 15
rs-history | grep "^$dead," >lines
ok 'that it was killed is noted' t_like \
	"^$dead,.*,killed,\"?killed, or the machine went down; .* --resume $dead" lines
ok 'and that it was loaded' t_like "^$dead,.*,0,loaded,$" lines
same 'both once' "$(wc -l <lines)" 2

# The load is killed when COMMIT is done, and nobody has heard of it.
fault db '[{"match": "^COMMIT", "action": "drop-after", "times": 1},
	{"match": "^LOCK", "action": "delay", "seconds": 4, "times": 1}]'
rs-writeback kept >killed 2>&1 & first=$!
eventually sent LOCK
kill -KILL "$(child_of $first rs-load)"
wait $first
same 'a load that is killed after COMMIT fails' $? 1
fault db
eventually idle
same 'though its rows are there' "$(count kept)" 20
run rs-writeback --resume "$(last run)"
status_is 0 'and is resumed'
err_like 'without loading them again' "job 'kept': repeated 5 rows"
same 'once' "$(count kept)" 20

# With -k the objects stay after a good run, too.
run rs-writeback -k kept
status_is 0 'a run that keeps what it staged'
run rs-writeback --resume "$(last run)"
status_is 0 'is resumed though it was good'
err_like 'and is not loaded twice' 'repeated'
same 'no row came twice' "$(count kept)" 25
s3-unstage -q -j kept <"$state/runs/$(last run)/manifest.json"

fault db "$stall"
rs-writeback one >killed 2>&1 & first=$!
eventually sent COPY
kill -KILL "$(child_of $first rs-load)"
wait $first
fault db
same 'without keep_staged nothing is left on S3' "$(staged)" 0
run rs-writeback --resume "$(last run)"
status_is 2 'so that nothing can be resumed'
err_like 'which is said' 'it has left nothing on S3; run the job anew'
run rs-writeback --resume nonsense
status_is 2 '--resume of no run'
run rs-writeback --resume "$kept" one
status_is 2 '--resume and a job'

# Which error is told as the cause
run rs-writeback wrong
status_is 1 'a DataSet that is not there'
ok 'the last line tells' t_like \
	"^rs-writeback: job 'wrong' failed in domo-cat \(status 1\)$" \
	"$(tail -n 1 err >last && echo last)"
fault domo '[{"path": "/data", "fault": "stall", "bytes": 10, "seconds": 30}]'
rs-writeback one >killed 2>&1 & first=$!
eventually staging
kill -KILL "$(child_of $first s3-stage)"
wait $first
same 's3-stage is killed' $? 1
ok 'and not its neighbour is the cause' t_like \
	"^rs-writeback: job 'one' failed \(status 1\): s3-stage was killed \(signal 9\)$" killed
fault domo '[{"path": "/data", "fault": "cut", "bytes": 12}]'
run env RSW_DOMO_TRIES=1 rs-writeback one
status_is 75 'an export that breaks off'
err_like 's3-stage speaks too' '^s3-stage: .*it may have been cut'
ok 'but domo-cat is told last' t_like \
	"^rs-writeback: job 'one' failed for now in domo-cat \(status 75\): cannot export .* broke off" \
	"$(tail -n 1 err >last && echo last)"
fault domo

# Attempts: only what failed for now is tried again.
fault domo '[{"path": "/data", "fault": "html-503", "times": 1}]'
run env RSW_RETRIES=2 RSW_RETRY_DELAY=0 RSW_DOMO_TRIES=1 rs-writeback one
status_is 0 'status 75, then a good attempt'
err_like 'says that it tries again' "job 'one': trying again in 0 s"
same 'two attempts' "$(last attempts)" 2
fault domo
run env RSW_RETRIES=2 RSW_RETRY_DELAY=0 rs-writeback wrong
status_is 1 'status 1'
same 'one attempt' "$(last attempts)" 1

# Several, all, one of them twice
before=$(rs-history -j two | wc -l)
run rs-writeback --jobs 3 two one two
status_is 0 'two jobs at once, one of them named twice'
same 'which runs once' "$(rs-history -j two | wc -l)" $((before + 1))
run rs-writeback --all --jobs 4
status_is 1 '--all'
err_like 'does not stop at the one that fails, and says why it did' \
	"job 'wrong' failed in domo-cat \(status 1\): cannot look up .*404"
for j in one two kept paused; do
	same "and runs $j" "$(last result $j)" loaded
done
run rs-writeback -A
status_is 1 '--all, one after the other'
same 'runs the last one too' "$(rs-history -j paused | wc -l)" 3
lines=$(rs-history | wc -l)
fails 'a job that looks like an option' 2 "'-A' stands behind a name" rs-writeback -- -A
fails 'an option behind a job' 2 "'-n' stands behind a name" rs-writeback one -n
same 'runs nothing' "$(rs-history | wc -l)" "$lines"
run rs-writeback --jobs=2 one two
same '--jobs=2 as one word, and two jobs' "$(rs-history | wc -l)" $((lines + 2))
run rs-writeback --history=two
same '--history=JOB too' "$(cut -d , -f 4 out | sort -u)" 'job
two'
fails '--all without a configuration' 2 \
	"cannot run all jobs: there is no \[job NAME\] in '.*/config'" \
	env -u RS_WRITEBACK_CONFIG rs-writeback --all
fails '--all with neither a configuration nor HOME' 2 'cannot run all jobs' \
	env -u RS_WRITEBACK_CONFIG -u HOME rs-writeback --all

# A signal in the pause after a load that failed for now
fault db '[{"match": "^COPY", "action": "error", "code": "XX000", "message": "1023"}]'
env RSW_LOAD_RETRIES=0 RSW_RETRIES=1 RSW_RETRY_DELAY=30 \
	rs-writeback paused >paused 2>&1 & first=$!
eventually grep -q 'trying again in' paused
ok 'the pause before the next attempt' test "$(staged)" -gt 0
kill -TERM $first
wait $first
same 'is ended by a signal' $? 143
same 'of which on_failure has nothing in its environment' "$(cat env)" stopped=
same 'and nothing is left on S3' "$(staged)" 0
fault db

# A signal while Domo sends nothing
fault domo '[{"path": "/data", "fault": "stall", "bytes": 10, "seconds": 30}]'
rs-writeback one >stalled 2>&1 & first=$!
eventually staging
sleep 0.5
begin=$(date +%s)
kill -TERM $first
wait $first
same 'a signal while Domo stalls' $? 143
ok 'is obeyed soon' test $(($(date +%s) - begin)) -le 5
same 'and is in the history' "$(last result)" stopped
done_testing
