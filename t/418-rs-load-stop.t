#!/bin/sh
# rs-load: told while it runs how far it is, stopped by a signal.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/rs-load.sh"

columns a:bigint/6 'b:character varying:40/40'
awk 'BEGIN { for (i = 1; i <= 300000; i++)
	printf "%d,some text to make it slower %d\n", i, i }' >f
stage big f
printf '1,x\n' >g
stage small g
load small t

# Longer than a look at the clock, however fast the machine is.
fault '[{"match": "^COPY", "action": "stall-copy", "seconds": 2, "times": 1}]'
cp big.manifest in
fault '[{"match": "^COPY", "action": "stall-copy", "seconds": 3}]'
run rs-load -v --overwrite t
fault
status_is 0 'a load that takes a while'
err_like 'tells with -v how far it is' \
	"^rs-load: loading 'public.t': [01] of 1 files read, [0-9]+ rows"
rows_are 'all rows are there' 'SELECT count(*), sum(a) FROM t' '300000|45000150000'
cp big.manifest in
run rs-load --overwrite t
err_empty 'and without -v nothing'
# A terminal gets a line that is written over.
fault '[{"match": "^COPY", "action": "stall-copy", "seconds": 3}]'
on_terminal() {
	/usr/bin/python3 -c 'import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.dup2(os.open("big.manifest", os.O_RDONLY), 0)
    os.dup2(os.open("out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.execvp("rs-load", ["rs-load", *sys.argv[1:]])
text = b""
while True:
    try:
        text += os.read(fd, 4096)
    except OSError:
        break
sys.stderr.buffer.write(text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$@" 2>err
	status=$?
	t_what="rs-load $*, on a terminal"
}
on_terminal --overwrite t
status_is 0 'on a terminal'
err_like 'the progress' "loading 'public.t': [01] of 1 files read, [0-9]+ rows"
on_terminal -q --overwrite t
err_empty 'but with -q'
fault
fault
load small --overwrite t
fault '[{"match": "^COPY", "action": "stall-copy", "seconds": 20}]'

# kill_at SQL SIGNAL OPTION...: rs-load of big.manifest, which gets the signal
# while that statement runs.
kill_at() {
	at=$1 sig=$2 before=$(statements | wc -l)
	shift 2
	# A shell has SIGINT ignored in what it runs in the background.
	/usr/bin/python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' rs-load "$@" t <big.manifest >out 2>err &
	pid=$!
	tries=200
	while [ $tries -gt 0 ] && ! statements | tail -n "+$((before + 1))" |
		tail -n 1 | grep -q "\"$at"; do
		tries=$((tries - 1))
		sleep 0.05
	done
	sleep 0.3
	began=$(date +%s)
	kill -$sig $pid
	wait $pid
	status=$?
	t_what="rs-load $*, SIG$sig at $at"
}
for sig in TERM INT; do
	kill_at 'COPY ' $sig --overwrite
	case $sig in INT) want=130 ;; *) want=143 ;; esac
	status_is $want "SIG$sig: dies of it"
	err_like 'says so' "stopped; 'public.t' is as it was"
	out_empty 'prints no result'
	ok 'soon' test $(($(date +%s) - began)) -le 3
	rows_are 'the table is as it was' 'SELECT count(*) FROM t' 1
	rows_are 'the server has stopped too' "SELECT count(*) FROM pg_stat_activity
		WHERE usename = 'loader' AND state <> 'idle'" 0
done

# At COMMIT: what is not known is not said.
fault '[{"match": "^COMMIT", "action": "delay", "seconds": 20}]'
kill_at COMMIT TERM --overwrite
status_is 143 'SIGTERM at COMMIT, which the server gives up'
err_like 'says that nothing is changed' "stopped; 'public.t' is as it was"
rows_are 'nothing is' 'SELECT count(*) FROM t' 1
cp small.manifest big.manifest
sed -i 's/"run_id":"small"/"run_id":"again"/' big.manifest
fault '[{"match": "^COMMIT", "action": "drop-after", "seconds": 2}]'
kill_at COMMIT TERM --append
fault
status_is 143 'SIGTERM at COMMIT, whose answer is lost'
err_like 'says that nobody knows' "cannot tell whether the load into 'public.t' was committed: stopped before the answer came; run it again: the ledger knows its run"
err_unlike 'and not that nothing is changed' 'as it was'
out_empty 'prints no result'
rows_are 'as it happens, it was' 'SELECT count(*) FROM t' 2
load big --append t
out_like 'run again, it does nothing' ',append,repeated,1,'
rows_are 'no row is there twice' 'SELECT count(*) FROM t' 2
fault '[{"match": "^COMMIT", "action": "drop-after", "seconds": 60}]'
kill_at COMMIT INT --ledger none
fault
status_is 130 'SIGINT at COMMIT of a server that is gone'
err_like 'no ledger: says what to do' 'stopped before the answer came; no ledger is kept: count its rows before you run it again'
ok 'and does not wait for ever' test $(($(date +%s) - began)) -le 15
load small --overwrite t

# The pauses are no time to be deaf: before another attempt, while connecting.
stopped_soon() {	# DESCRIPTION: kill $pid, which is in a pause
	sleep 0.3
	began=$(date +%s)
	kill -TERM $pid
	wait $pid
	status=$?
	t_what=rs-load
	status_is 143 "SIGTERM $1: dies of it"
	err_like 'says so' "stopped; 'public.t' is as it was"
	ok 'soon' test $(($(date +%s) - began)) -le 3
}
fault '[{"match": "^COPY", "action": "error", "code": "XX000", "message": "1023"}]'
# The pauses become longer; the sum of so many is more than a minute.
RSW_RETRY_SCALE=1 rs-load --load-retries 100 --overwrite t <small.manifest \
	>out 2>err &
pid=$!
tries=200
while [ $tries -gt 0 ] && [ "$(grep -c 'trying again' err)" -lt 3 ]; do
	tries=$((tries - 1))
	sleep 0.1
done
stopped_soon 'in the pause before another attempt'
fault
# It takes connections and never says a word.
/usr/bin/python3 -u -c 'import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1])
time.sleep(60)' >port &
mute=$!
at_end 'kill "$mute" 2>/dev/null'
tries=100
while [ $tries -gt 0 ] && [ ! -s port ]; do
	tries=$((tries - 1))
	sleep 0.05
done
PGPORT=$(cat port) rs-load --overwrite t <small.manifest >out 2>err &
pid=$!
sleep 0.3
stopped_soon 'while it connects'
rows_are 'the table is still as it was' 'SELECT count(*) FROM t' 1
done_testing
