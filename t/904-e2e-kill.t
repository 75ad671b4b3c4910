#!/bin/sh
# A cut pipe never looks like a short one: SIGKILL to any stage of the
# pipeline leaves the table as it was.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/e2e.sh"

id=99999999-0000-0000-0000-000000000001
awk 'BEGIN { print "k,v"; for (i = 0; i < 400000; i++)
	printf "%d,%s\n", i, "some text that takes its time " i }' |
	dataset $id 'Long' k:LONG,v:STRING
job long dataset_id=$id table_name_source=custom_name custom_table_name=kept \
	append_or_overwrite=overwrite
sql "CREATE TABLE kept (k bigint, v varchar(100));
	ALTER TABLE kept OWNER TO loader; INSERT INTO kept VALUES (1, 'old')"

# The stand-in sends half of it and then waits.
cat >"$RSW_SANDBOX/domo/faults.json" <<'E'
[{"path": "/data", "fault": "stall", "bytes": 4000000, "seconds": 20}]
E
pipeline() {
	sh -c 'echo $$ >domo.pid; exec domo-cat -q -j long' |
		sh -c 'echo $$ >stage.pid; exec s3-stage -q -j long' |
		ssh-fwd -q -j long -- sh -c 'echo $$ >load.pid
			exec rs-load -q -j long --overwrite public.kept'
}
for victim in domo stage load; do
	rm -f ./*.pid
	pipeline >out 2>err & pipe=$!
	for i in $(seq 1 100); do
		[ -s domo.pid ] && [ -s stage.pid ] && [ -s load.pid ] && break
		sleep 0.1
	done
	sleep 1
	kill -KILL "$(cat $victim.pid)"
	# The stage before the victim sees a closed pipe when it writes next,
	# which it may never do while the server stalls: end it too.
	[ $victim = domo ] || kill -TERM "$(cat domo.pid)" 2>/dev/null
	wait $pipe
	status=$? t_what="pipeline without $victim"
	ok "kill -9 $victim: not a success" test $status -ne 0
	ok "kill -9 $victim: the table is as it was" t_same "$(rows kept)" 'k,v
1,old'
done
rm "$RSW_SANDBOX/domo/faults.json"
pipeline >out 2>err
status=$?
status_is 0 'the same pipeline, unharmed'
ok 'loads all rows' t_same "$(sql 'SELECT count(*) FROM kept')" 400000
done_testing
