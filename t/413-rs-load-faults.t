#!/bin/sh
# rs-load: conflicts, lost connections, other loads at the same time. The rows
# are in the table once, or not at all.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/rs-load.sh"

columns a:bigint/1 'b:character varying:9/3'
printf '1,x\n2,yyy\n' >f
stage old f
printf '3,x\n4,y\n5,z\n' >g
stage new g

# table NAME: with the rows of the run `old`; conflict ACTION...
table() { load old "$1"; }
has() { rows_are "$1" "SELECT count(*), sum(a) FROM $2" "$3"; }

# Conflicts.
table t1
fault '[{"match": "^COPY", "action": "error", "code": "XX000", "times": 1,
	"message": "1023", "detail": "Serializable isolation violation on table - 1, transactions forming the cycle are: 1, 2 (pid:3)"}]'
load new --overwrite t1
status_is 0 '1023 once: tried again'
err_like 'and said' "warning: cannot load the staged rows: 1023.*; trying again"
has 'the rows are there' t1 '3|12'
fault '[{"match": "^DELETE", "action": "error", "code": "40P01", "times": 2,
	"message": "deadlock detected"}]'
load old --overwrite t1
status_is 0 'a deadlock twice: tried again'
has 'the rows are there again' t1 '2|3'
fault '[{"match": "^COPY", "action": "error", "code": "XX000", "message": "1023"}]'
load new --overwrite --retries 2 t1
status_is 75 '1023 always: status 75'
err_like 'after so many attempts' 'given up after 3 attempts'
out_empty 'no result'
fault
has 'the table is as it was' t1 '2|3'
fault '[{"match": "^COPY", "action": "error", "code": "XX000",
	"message": "disk full"}]'
before=$(statements | grep -c '"COPY ')
load new --overwrite t1
status_is 1 'another error'
same 'is not tried again' "$(statements | grep -c '"COPY ')" $((before + 1))
fault
has 'the table is still as it was' t1 '2|3'

fault '[{"match": "^COPY", "action": "delay", "seconds": 5}]'
load new --overwrite --statement-timeout 300 t1
fault
status_is 1 'a statement that takes too long'
err_like 'is told from one that somebody has cancelled' \
	'cannot load the staged rows within the statement_timeout of 300 ms: '
has 'the table is as it was, too' t1 '2|3'

# Lost connections.
for action in drop drop-mid-copy; do
	fault '[{"match": "^COPY", "action": "'$action'", "times": 1}]'
	load new --append t1
	status_is 0 "$action at COPY: tried again"
	has 'rows are added once' t1 '5|15'
	load old --overwrite t1
	fault '[{"match": "^COPY", "action": "'$action'"}]'
	load new --append --load-retries 1 t1
	status_is 75 "$action always: status 75"
	fault
	has 'nothing is added' t1 '2|3'
done
fault '[{"match": "^BEGIN", "action": "drop", "times": 1}]'
load new --overwrite t1
status_is 0 'drop at BEGIN: tried again'
has 'the rows are there' t1 '3|12'

# The worst moment: is it committed or not?
load old --overwrite t1
fault '[{"match": "^COMMIT", "action": "drop", "times": 1}]'
load new --append t1
status_is 0 'drop before COMMIT'
err_like 'the ledger is asked' 'the connection broke at COMMIT: asking the ledger'
has 'it was not committed: rows are added now' t1 '5|15'
load old --overwrite t1
fault '[{"match": "^COMMIT", "action": "drop-after", "times": 1}]'
load new --append t1
status_is 0 'drop after COMMIT'
out_like 'is a success' '^public.t1,append,loaded,3,'
has 'it was committed: rows are not added twice' t1 '5|15'
fault '[{"match": "^COMMIT", "action": "drop-after", "times": 1}]'
load new --create t2
status_is 0 'drop after COMMIT of a new table'
has 'it is there' t2 '3|12'
load old --overwrite t1
fault '[{"match": "^COMMIT", "action": "drop-after", "times": 1}]'
load new --ledger none t1
status_is 1 'without a ledger'
err_like 'nobody knows' 'cannot tell whether the load .* was committed: the connection broke before the answer; no ledger is kept: count its rows'
load old --overwrite t1
for how in drop drop-after; do
	fault '[{"match": "^COMMIT", "action": "'$how'", "times": 1}]'
	load new --overwrite --ledger none t1
	status_is 0 "without a ledger, $how at COMMIT of an overwrite: done again"
	has 'the rows are there once' t1 '3|12'
done
fault
load old --overwrite t1

# Two that make the same table: one of --create fails with 3.
fault '[{"match": "^CREATE TABLE \"public\".\"t3\"", "action": "delay", "seconds": 0.3}]'
cp old.manifest in1
(rs-load --create t3 <in1 >out1 2>err1; echo $? >status1) &
load new --create t3
wait $!
same 'two --create at once: one has 0, one has 3' \
	"$(printf '%s\n' "$status" "$(cat status1)" | sort | tr '\n' ' ')" '0 3 '
fault
rows_are 'the table has the rows of one' 'SELECT count(*) IN (2, 3) FROM t3' t

# Several runs into one table at once, and a reader.
printf '%s\n' '1,a' '2,b' '3,c' >r1
printf '%s\n' '4,a' '5,b' '6,c' '7,d' >r2
stage r1 r1
stage r2 r2
load r1 --overwrite live
fault '[{"match": "^COPY", "action": "delay", "seconds": 0.2}]'
: >seen
(
	while [ ! -f stop ]; do
		sql 'SELECT count(*), min(a), max(a) FROM live' >>seen
	done
) &
reader=$!
for i in 1 2; do
	for r in r1 r2; do
		rs-load --load-retries 20 --overwrite live <$r.manifest \
			>out.$r.$i 2>err.$r.$i &
		eval "pid_${r}_$i=$!"
	done
	eval "wait \$pid_r1_$i"
	same "overwrite $i of the first, with another at the same time" $? 0
	eval "wait \$pid_r2_$i"
	same "overwrite $i of the second" $? 0
done
touch stop
wait $reader
fault
ok 'the reader has read' test "$(wc -l <seen)" -gt 5
same 'and has seen whole runs only' \
	"$(grep -v -x -e '3|1|3' -e '4|4|7' seen | sort | uniq -c)" ''
load old --overwrite heap
for r in r1 r2 new; do
	rs-load --load-retries 20 --append heap <$r.manifest >/dev/null 2>err.$r &
	eval "pid_$r=$!"
done
for r in r1 r2 new; do
	eval "wait \$pid_$r"
	same "append of $r, with others at the same time" $? 0
done
has 'has all rows' heap '12|43'
rows_are 'and the ledger all runs' "SELECT count(*) FROM rs_writeback_runs
	WHERE table_name = 'heap'" 4

# Rows that are in neither load's snapshot: none may stay beside the other's.
# both OPTION...: r1 and near, which has some of its keys, at once.
printf '%s\n' '3,n' '8,o' >near
stage near near
both() {
	fault '[{"match": "^(COPY|DELETE|INSERT INTO \"public\".\"pair\")",
		"action": "delay", "seconds": 0.3}]'
	rs-load "$@" pair <r1.manifest >out.1 2>err.1 &
	one=$!
	sleep 0.1
	rs-load "$@" pair <near.manifest >out.2 2>err.2 &
	two=$!
	wait $one && wait $two
	same "two loads at once, $*" $? 0
	fault
}
load old --overwrite pair
both --merge a
rows_are 'every key is there once' 'SELECT count(*), count(DISTINCT a) FROM pair' '4|4'
both --replace-where a
rows_are 'every part is there once' 'SELECT count(*), count(DISTINCT a) FROM pair' '4|4'
stage none
for by in delete swap; do
	load none --overwrite pair
	both --overwrite --overwrite-by $by
	rows_are 'the rows of one' 'SELECT count(*) IN (2, 3), count(*) = count(DISTINCT a)
		FROM pair' 't|t'
done
# What is conflict, not rows: staged rows are not staged again.
fault '[{"match": "^DELETE", "action": "error", "code": "XX000", "message": "1023",
	"times": 1}]'
before=$(statements | grep -c '"COPY ')
load old --merge a pair
status_is 0 'a conflict after the rows are staged'
same 'they are staged once' "$(statements | grep -c '"COPY ')" $((before + 1))
fault

# A database with serializable isolation: conflicts are real there.
other_standin strict '"isolation": "serializable"'
load old --overwrite heap
n=0
for how in '--append heap' '--append heap' '--overwrite heap' '--overwrite h2' \
	'--merge a heap'; do
	n=$((n + 1))
	sed "s/\"run_id\":\"r1\"/\"run_id\":\"r1-$n\"/" r1.manifest >in.$n
	# shellcheck disable=SC2086 # two words
	rs-load --load-retries 20 $how <in.$n >out.$n 2>err.$n &
	eval "pid_$n=$!"
done
n=0
for how in append append overwrite 'overwrite of another' merge; do
	n=$((n + 1))
	eval "wait \$pid_$n"
	same "serializable: $how, with others at the same time" $? 0
done
rows_are 'in whatever order, no run is there in part' 'SELECT
	count(DISTINCT n), sum(n) >= 3 FROM (SELECT count(*) AS n FROM heap
	GROUP BY a) x' '1|t'
done_testing
