#!/bin/sh
# rs-load: rows that take the place of others, by keys or by day.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/rs-load.sh"

columns Id:bigint/1 'Region:character varying:5/5' 'Note:character varying:9/9'
cat >f <<E
1,north,old1
2,north,old2
3,south,old3
4,\\N,old4
E
stage first f
load first --merge id t
status_is 0 'the first run makes the table'
out_like 'its result' '^public.t,merge,loaded,4,0,1,'
cat >f <<E
2,north,new2
5,,new5
E
stage second f
load second --merge ID t
status_is 0 'merge'
out_like 'counts what it replaced' '^public.t,merge,loaded,2,1,1,'
rows_are 'has the new and the others' 'SELECT id, note FROM t ORDER BY id' '1|old1
2|new2
3|old3
4|old4
5|new5'
load second --merge id t
out_like 'again: the same rows' '^public.t,merge,loaded,2,2,'
rows_are 'indeed' 'SELECT count(*) FROM t' 5
printf '1,north,a\n1,south,b\n1,north,c\n' >f
stage third f
load third --merge id,Region t
status_is 1 'duplicate keys'
err_like 'are named' 'several rows of the input have the same key \(id,Region\): 1, north \(2 times\); nothing is changed$'
printf '6,\\N,a\n7,\\N,b\n' >f
stage fourth f
load fourth --merge id,region t
status_is 1 'NULL in a key'
err_like 'is named' 'rows of the input have no value in a key column \(id,region\): (6, NULL \(1 times\); 7, NULL|7, NULL \(1 times\); 6, NULL) \(1 times\); nothing'
load second --merge id,nope t
status_is 1 'a key that is no column'
err_like 'is said' "by 'nope': the input has no such column"
load second --merge '' t
status_is 1 'no key at all'
err_like 'is said' "by keys: give at least one column"
rows_are 'the table is as it was' 'SELECT count(*), sum(id) FROM t' '5|15'
load second --merge 'id, region' spaced
status_is 0 'keys with a blank behind the comma'
printf '1,north,a\n1,south,b\n' >f
stage fifth f
load fifth --merge id,region t
rows_are 'two keys' 'SELECT id, region, note FROM t WHERE id = 1 ORDER BY 2' \
	'1|north|a
1|south|b'
columns Id:bigint/1 Extra:date 'Note:character varying:12/12'
printf '3,2026-02-02,muchlonger12\n' >f
stage sixth f
load sixth --merge id t
status_is 0 'merge into a table that must change'
rows_are 'a replaced row is replaced whole' \
	'SELECT id, region, note, extra FROM t WHERE id = 3' '3||muchlonger12|2026-02-02'
RSW_APPEND_OR_OVERWRITE=merge RSW_MERGE_KEYS=id load second t
out_like 'merge as the job says' '^public.t,merge,loaded,2,2,'
fault '[{"match": "^INSERT INTO \"public\".\"t\"", "action": "drop", "times": 1}]'
load sixth --merge id t
status_is 0 'a lost connection: tried again'
fault
rows_are 'all rows are there once' 'SELECT count(*) FROM t' 6
cp sixth.manifest in
run rs-load -n --merge id t
out_like 'a dry run' '^DELETE FROM "public"."t" USING "rs_writeback_stage" WHERE "t"."id" = "rs_writeback_stage"."id";'

# By a part of the table.
load first r
columns Id:bigint/1 'Region:character varying:5/5' 'Note:character varying:9/9'
printf '7,north,n7\n8,east,n8\n' >f
stage parts f
load parts --replace-where region r
status_is 0 'replace by region'
out_like 'its result' '^public.r,replace,loaded,2,2,1,'
rows_are 'other regions stay' 'SELECT id, region FROM r ORDER BY id' '3|south
4|
7|north
8|east'
printf '9,\\N,n9\n' >f
stage nulls f
load nulls --replace-where region r
rows_are 'rows without one are a part too' 'SELECT id, region FROM r ORDER BY id' \
	'3|south
7|north
8|east
9|'
columns 'At:timestamp without time zone' n:bigint/1
printf '2026-01-01 10:00:00,1\n2026-01-01 11:00:00,2\n2026-01-02 10:00:00,3\n' >f
stage days f
load days d
printf '2026-01-01 23:59:59,4\n' >f
stage day1 f
RSW_APPEND_OR_OVERWRITE=replace RSW_REPLACE_WHERE=at load day1 d
out_like 'replace by day, as the job says' '^public.d,replace,loaded,1,2,'
rows_are 'the day is new, the other stays' 'SELECT n FROM d ORDER BY n' '3
4'
load day1 --replace-where at,n d
status_is 1 'two columns'
err_like 'are too many' 'give one column'
done_testing
