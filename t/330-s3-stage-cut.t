#!/bin/sh
# s3-stage when something ends early: the one that feeds it, the one that
# reads it, a signal, a slow S3; and how much memory it takes.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/s3.sh"

awk 'BEGIN { print "n,t"; for (i = 1; i <= 300000; i++)
	print i ",some text, which is longer " i }' | tr -d ' ' |
	sed 's/,/,"/; s/$/"/; 1s/"//g' >csv

# --- the feeder is killed ---

# At places inside the header, inside a record, before a record's newline (the
# place that domo-cat stops at until all is proven).
before=$(($(head -n 20000 csv | wc -c) - 1))
for n in 0 3 6 100 1000003 $before; do
	mkfifo pipe
	(head -c "$n" csv; exec sleep 60) >pipe &
	feeder=$!
	(sleep 0.3; kill -9 $feeder) &
	run sh -c 's3-stage --part-size 1M <pipe'
	wait
	rm pipe
	same "a feeder killed after $n bytes: not done" "$status" 1
	out_empty "a feeder killed after $n bytes: nothing is printed"
	ok "a feeder killed after $n bytes: nothing is stored" nothing_stored
done

# --- the reader is gone ---

run sh -c 's3-stage <csv >/dev/full'
status_is 1 'a full disk'
err_like 'is told' 'cannot write the manifest: No space left on device'
ok 'nothing is stored' nothing_stored
run sh -c 's3-stage <csv >&-'
status_is 1 'a closed output'
err_like 'is told' 'cannot write the manifest: Bad file descriptor'
ok 'nothing is stored' nothing_stored
cp csv in
run /usr/bin/python3 -c 'import os
r, w = os.pipe()
os.dup2(w, 1)
os.close(r)
os.close(w)
os.execvp("s3-stage", ["s3-stage"])'
status_is 1 'a reader that is gone'
err_like 'is told' 'cannot write the manifest: Broken pipe'
ok 'nothing is stored' nothing_stored

# --- signals ---

for sig in INT TERM HUP; do
	mkfifo pipe
	(cat csv; exec sleep 60) >pipe &
	feeder=$!
	# env: a shell starts background commands with SIGINT ignored.
	env --default-signal=INT s3-stage --part-size 1M <pipe >out 2>err &
	stage=$!
	tries=0
	until s3view ls | grep -q part- || [ $tries -gt 50 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
	ok "SIG$sig comes when objects are stored" test $tries -le 50
	kill -$sig $stage
	wait $stage
	status=$?
	t_what="s3-stage and SIG$sig"
	same "SIG$sig: it dies of it" "$(kill -l $((status - 128)))" $sig
	out_empty "SIG$sig: nothing is printed"
	err_like "SIG$sig: which is told" 'stopped by .*; what was staged is removed'
	ok "SIG$sig: nothing is stored" nothing_stored
	kill $feeder
	wait $feeder 2>/dev/null
	rm pipe
done

# While S3 does not answer.
faults '{"method": "PUT", "fault": "delay", "seconds": 30}'
s3-stage <csv >out 2>err &
stage=$!
sleep 0.5
before=$(date +%s)
faults
kill -TERM $stage
wait $stage
status=$?
same 'a signal while an upload hangs' "$status" 143
ok 'ends it soon' test $(($(date +%s) - before)) -lt 10

# --- memory ---

# peak COMMAND...: its largest resident size in kB, to the file peak.
peak() { /usr/bin/python3 -c 'import resource, subprocess, sys
rc = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=open("peak", "w"))
sys.exit(rc)' "$@"; }
if ldd "$builddir/bin/s3-stage" | grep -q asan; then
	echo '# sanitizers take memory of their own'
else
	(head -n 1 csv; for i in 1 2 3 4 5 6 7 8 9 10; do tail -n +2 csv; done) >big
	faults '{"method": "PUT", "path": "part-", "fault": "delay", "seconds": 0.2}'
	run peak sh -c 's3-stage --compress none <big'
	faults
	status_is 0 "$(($(wc -c <big) / 1000000)) MB into a slow S3"
	ok 'the reader waits: at most 200 MiB' test "$(cat peak)" -le 204800
	unstaged 'and it goes'
	run peak sh -c 's3-stage --part-size 2M --jobs 2 <big'
	status_is 0 'in small parts'
	ok 'in 80 MB' test "$(cat peak)" -le 80000
	unstaged 'and they go'
	run sh -c 'ulimit -v 900000; exec s3-stage --jobs 256 <csv'
	status_is 1 'more threads than there is room for'
	err_like 'is told' \
		'^s3-stage: cannot start a thread; fewer --jobs and --uploads may do: '
	ok 'nothing is stored' nothing_stored
fi
done_testing
