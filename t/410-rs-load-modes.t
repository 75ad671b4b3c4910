#!/bin/sh
# rs-load: a table is made, appended to, overwritten, and what is in it.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/rs-load.sh"

columns Id:bigint/2 'Name:character varying:12/12' 'Amount:numeric:9:2' \
	Day:date 'At:timestamp without time zone' oid:'double precision'
cat >a <<E
1,Müller,12.50,2026-01-31,2026-01-31 23:59:59.5,1.5e3
2,"a ""b"", c",-0.01,2026-02-28,2026-02-28 00:00:00,0
E
cat >b <<E
3,,\\N,\\N,\\N,\\N
4,\\N,0.00,2024-02-29,2024-02-29 12:00:00,-1
5,"x
y",1.00,1970-01-01,1970-01-01 00:00:00,2
E
all='SELECT id, coalesce(name, $$NULL$$), amount, day, at, oid_ FROM'

stage run1 a b
# The newline inside quotes is no end of a row.
total=5 entries=$(echo "$entries" | sed 's/"record_count":4/"record_count":3/')
staged= && manifest
load run1 'Sales'
status_is 0 'the first run makes the table'
err_empty 'and says nothing'
out_like 'one line of result' '^public\.sales,append,loaded,5,0,2,0,[0-9.]+,run1$'
same 'under a header' "$(head -n 1 out)" \
	table,mode,result,rows,removed,files,rejected,seconds,run_id
rows_are 'the rows' "$all sales ORDER BY id" "1|Müller|12.50|2026-01-31|2026-01-31 23:59:59.5|1500
2|a \"b\", c|-0.01|2026-02-28|2026-02-28 00:00:00|0
3|||||
4|NULL|0.00|2024-02-29|2024-02-29 12:00:00|-1
5|x
y|1.00|1970-01-01|1970-01-01 00:00:00|2"
run rs-load -L public
out_is 'the list of tables' 'schema_name,table_name
public,rs_writeback_runs
public,sales'

load run1 sales
status_is 0 'the same run again'
out_like 'is a repetition' '^public\.sales,append,repeated,5,0,'
err_like 'and says so' "run 'run1' is in 'public.sales' already"
rows_are 'nothing is doubled' 'SELECT count(*) FROM sales' 5
load run1 --again sales
rows_are '--again appends it' 'SELECT count(*) FROM sales' 10

printf '6,new,1,\\N,\\N,\\N\n' >c
stage run2 c
load run2 --append sales
status_is 0 'another run'
rows_are 'is appended' 'SELECT count(*) FROM sales' 11
sql 'GRANT SELECT ON sales TO public; COMMENT ON TABLE sales IS $$mine$$;
	CREATE VIEW v AS SELECT id FROM sales' >/dev/null
load run2 --overwrite sales
status_is 0 'overwrite'
out_like 'the old rows are counted' '^public\.sales,overwrite,loaded,1,11,1,'
rows_are 'has only the new ones' 'SELECT id, name FROM sales' '6|new'
rows_are 'a view lives on' 'SELECT id FROM v' 6
rows_are 'grants and comments too' "SELECT has_table_privilege('public',
	'sales', 'select'), obj_description('sales'::regclass)" 't|mine'
load run1 --append sales
out_like 'a run that was overwritten can be appended again' ',append,loaded,5,'
rows_are 'and is' 'SELECT count(*) FROM sales' 6

load run1 --create sales
status_is 3 '--create of a table that is there: status 3'
err_is 'says so' "rs-load: cannot create 'public.sales': it exists already"
out_empty 'and prints nothing'
rows_are 'the table stays as it was' 'SELECT count(*) FROM sales' 6
load run1 --create sales_1
status_is 0 '--create of a new one'
rows_are 'which is there' 'SELECT count(*) FROM sales_1' 5

stage empty
load empty none
status_is 0 'no rows: the table is made'
rows_are 'and empty' 'SELECT count(*) FROM none' 0
load empty --overwrite sales_1
out_like 'no rows: overwrite leaves none' '^public\.sales_1,overwrite,loaded,0,5,0,'
rows_are 'indeed' 'SELECT count(*) FROM sales_1' 0

# What the job says.
RSW_OPERATION_TYPE=create load run1 made
out_like 'operation_type = create' '^public.made,create,loaded'
RSW_APPEND_OR_OVERWRITE=overwrite RSW_TABLE_NAME_SOURCE=custom_name \
	RSW_CUSTOM_TABLE_NAME='My Table' load run1
out_like 'overwrite, into the custom name' '^"public.""my table""",overwrite,'
rows_are 'it is there' 'SELECT count(*) FROM "my table"' 5
sql 'CREATE SCHEMA web AUTHORIZATION loader' >/dev/null
RSW_SCHEMA_NAME=web load run1 t
rows_are 'the schema of the job' 'SELECT count(*) FROM web.t' 5
load run1 WEB.'"A b"'
rows_are 'a schema and a quoted name, folded' 'SELECT count(*) FROM web."a b"' 5
rows_are 'each schema has its ledger' 'SELECT run_id, table_name, mode, rows
	FROM web.rs_writeback_runs ORDER BY 2' 'run1|a b|append|5
run1|t|append|5'

# Another ledger, or none.
load run2 --ledger 'My Runs' ledgers
status_is 0 'a ledger of another name'
rows_are 'has the run' 'SELECT run_id, table_name, mode, rows, removed, abs(extract(
	epoch FROM loaded_at - now() AT TIME ZONE $$UTC$$)) < 60 FROM "my runs"' 'run2|ledgers|append|1|0|t'
rows_are 'and the usual one has not' "SELECT count(*) FROM rs_writeback_runs
	WHERE table_name = 'ledgers'" 0
load run2 --ledger 'my runs' ledgers
out_like 'the same run again' '^public.ledgers,append,repeated,1,0,1,0,'
err_like 'does nothing, and says so' "run 'run2' is in 'public.ledgers' already: nothing is done \(--again appends its rows once more\)"
RSW_LEDGER='my runs' load run2 ledgers
out_like 'as the job says' ',append,repeated,1,'
load run2 ledgers
out_like 'another ledger does not know it' ',append,loaded,1,'
load run2 --ledger none ledgers
out_like 'nor does none' ',append,loaded,1,'
err_empty 'without a word'
rows_are 'so it is there three times' 'SELECT count(*) FROM ledgers' 3
load run2 --ledger none unwritten
rows_are 'no ledger is written' "SELECT (SELECT count(*) FROM rs_writeback_runs
	WHERE table_name = 'unwritten') + (SELECT count(*) FROM \"my runs\"
	WHERE table_name = 'unwritten')" 0
sql 'CREATE SCHEMA closed; GRANT USAGE ON SCHEMA closed TO loader;
	CREATE TABLE closed.t (id bigint, name varchar(12), amount numeric(9,2), day date, at
	timestamp, oid_ float8); GRANT ALL ON closed.t TO loader' >/dev/null
load run2 closed.t
status_is 1 'a schema where no ledger can be made'
err_like 'is explained' "cannot make the ledger 'rs_writeback_runs' in schema 'closed', which keeps a repeated run from doubling its rows; grant CREATE on the schema once, or go without it: --ledger none"
load run2 --ledger none closed.t
status_is 0 'without one it goes'
load run2 --overwrite closed.t
status_is 0 'and so does what gives the same rows when it is repeated'
sql 'CREATE TABLE closed.rs_writeback_runs (x int)' >/dev/null
load run2 closed.t
status_is 1 'a table that is no ledger'
err_like 'is told' 'cannot read the ledger: '

# By role, by token.
load run1 -a sandbox-role by_role
status_is 0 'COPY by role'
load run1 -a sandbox-token by_token
status_is 0 'COPY by a session token'
rows_are 'both' 'SELECT (SELECT count(*) FROM by_role) +
	(SELECT count(*) FROM by_token)' 10

# A dry run.
load run2 -n --overwrite sales
status_is 0 'a dry run'
out_like 'prints the DELETE' '^DELETE FROM "public"\."sales";$'
out_like 'and the COPY, without the secret' "SECRET_ACCESS_KEY '\*\*\*'"
ok 'no secret' t_unlike "$(cut -c 1-20 "$RSW_SANDBOX/secrets/aws" | tr '+/' '..')" out
rows_are 'and changes nothing' 'SELECT count(*) FROM sales' 6
load run1 -n brand_new
out_like 'a new table' '^CREATE TABLE "public"\."brand_new" \("id" BIGINT, '
load run1 --noload sales
out_like '--noload' '^public.sales,append,checked,'
rows_are 'loads nothing' 'SELECT count(*) FROM sales' 6

load run1 -vv --log-sql log --overwrite sales
err_like 'with -vv the statements' 'sql: COPY "public"\."sales" \("id", '
err_unlike 'without the secret' "$(cut -c 1-20 "$RSW_SANDBOX/secrets/aws" | tr '+/' '..')"
ok '--log-sql: the statements' grep -q '^COMMIT;$' log

# The cluster's own role; last, because the stand-in is another one then.
other_standin own "\"default_role\": \"$SANDBOX_IAM_ROLE\""
load run2 --iam-role default by_default
status_is 0 'COPY by the default role'
done_testing
