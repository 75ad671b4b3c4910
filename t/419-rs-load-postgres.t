#!/bin/sh
# rs-load with plain PostgreSQL as the target: the same manifests, modes,
# proofs and ledger.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/rs-load.sh"

sql 'CREATE DATABASE plain' >/dev/null
unset PGHOSTADDR
PGHOST=$SANDBOX_PG_SOCKET PGPORT=5432 PGUSER=postgres PGDATABASE=plain
RSW_CERTIFICATE_FORMAT=none
export PGHOST PGPORT PGUSER PGDATABASE RSW_CERTIFICATE_FORMAT
sql() { psql -X -At -F '|' -c "$1"; }
all='SELECT id, coalesce(name, chr(78)), amount, day FROM'

cat >in <<E
Id,Name,Amount,Day
1,"a ""b"", c
d",1.50,2026-01-31
2,"",-0.01,
3,,,2024-02-29
4,\\,1.00,1970-01-01
E
run s3-stage
status_is 0 'staged by s3-stage'
cp out one.manifest
load one T
status_is 0 'the first run makes the table'
out_like 'its result' '^public.t,append,loaded,4,0,1,0,'
rows_are 'the rows' "$all t ORDER BY id" '1|a "b", c
d|1.50|2026-01-31
2||-0.01|
3|N||2024-02-29
4|\|1.00|1970-01-01'
load one t
out_like 'again: a repetition' '^public.t,append,repeated,4,'
load one --overwrite t
out_like 'overwrite' '^public.t,overwrite,loaded,4,4,1,'
load one --create t
status_is 3 'create of what is there'
load one --merge id t
out_like 'merge' '^public.t,merge,loaded,4,4,1,'
load one --replace-where day t
out_like 'replace' '^public.t,replace,loaded,4,4,1,'
load one --overwrite --overwrite-by truncate t
rows_are 'truncate' 'SELECT count(*) FROM t' 4
rows_are 'the ledger' 'SELECT count(*), max(loaded_at) > now() AT TIME ZONE
	$$UTC$$ - interval $$1 min$$ FROM rs_writeback_runs' '5|t'

columns Id:bigint/1 'Name:character varying:200/200' New:bigint/1
{ printf '5,'; printf '%0200d' 0; printf ',7\n'; } >f
stage two f
load two t
status_is 0 'a new column, a wider one'
rows_are 'is there' 'SELECT length(name), new FROM t WHERE id = 5' '200|7'
load two --noload t
out_like '--noload' '^public.t,append,checked,'
rows_are 'loads nothing' 'SELECT count(*) FROM t' 5

columns Id:bigint
printf '6\nx\n' >f
stage bad f
load bad t
status_is 1 'a bad row'
err_like 'is shown' 'invalid input syntax for type bigint: "x": COPY t, line 2, column id: "x" \(SQLSTATE 22P02\)'
sed 's/"record_count":2/"record_count":3/g' bad.manifest >bad2.manifest
printf '6\n7\n' >f
upload f bad/f
load bad2 t
status_is 1 'fewer rows than staged'
err_like 'is no success' '2 rows were loaded, but 3 are staged; nothing is changed|it has 2 rows'
sed 's|bad/f|bad/gone|' bad.manifest >gone.manifest
load gone t
status_is 1 'an object that is gone'
rows_are 'the table is as it was' 'SELECT count(*) FROM t' 5

for i in 1 2; do
	rs-load --overwrite t <one.manifest >out$i 2>err$i &
	eval "p$i=$!"
done
for i in 1 2; do
	eval "wait \$p$i"
	same "overwrite $i of two at once" $? 0
done
rows_are 'leave the rows of one' 'SELECT count(*) FROM t' 4
cp one.manifest in
fails '--target=redshift' 2 'it is not Redshift' rs-load --target redshift t
cp one.manifest in
fails 'what PostgreSQL has not' 2 "these are Redshift's" rs-load --distkey id t3
done_testing
