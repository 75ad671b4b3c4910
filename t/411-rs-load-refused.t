#!/bin/sh
# rs-load: bad input, bad settings, a table that does not fit: said clearly,
# and the table is as it was.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/rs-load.sh"

columns a:bigint/1 'b:character varying:3/3'
printf '1,x\n2,yyy\n' >f
stage ok1 f
load ok1 t
status_is 0 'a table to start with'
untouched() { rows_are "$1: the table is as it was" \
	'SELECT count(*), sum(a) FROM t' '2|3'; }

# The manifest.
: >in
fails 'no manifest' 1 "'standard input'.*" rs-load t
head -c 200 ok1.manifest >in
fails 'a cut manifest' 1 "'standard input'" rs-load t
echo 'a,b' >in
fails 'no JSON' 1 "'standard input'" rs-load t
sed 's/^"meta":{"record_count":2/"meta":{"record_count":3/' ok1.manifest >in
fails 'counts that differ' 1 'record_count of 2 together, but it says 3' rs-load t
sed 's/"run_id"/"dataset":{"rows":7},"run_id"/' ok1.manifest >in
fails 'Domo has other rows' 1 'the DataSet has 7 rows, but 2 are staged' rs-load t
sed '/manifest_url/d; s/"null_string"/"x":1,"null_string"/' ok1.manifest >in
fails 'nowhere on S3' 1 'give its address by --manifest-url' rs-load t
sed 's/"mandatory":true/"mandatory":false/' ok1.manifest >in
run rs-load -q t
untouched 'the manifest'

# What does not fit.
columns A:bigint/1 'B:character varying:9/9' C:json
stage bad1 f
load bad1 t
status_is 1 'an unknown type'
err_like 'said' "column 'c': there is no type 'json'"
columns a:numeric:9:2/5 'b:character varying:9/9' c:date
stage bad2 f
load bad2 --evolve none t
status_is 1 '--evolve none'
err_like 'a column of text' "'b' is VARCHAR\(3\), .* TYPE VARCHAR\(9\)"
err_like 'a number' "'a' is BIGINT, but its values have decimals"
err_like 'a new column' 'ALTER TABLE "public"."t" ADD COLUMN "c" DATE'
same 'all in one report' "$(wc -l <err)" 3
untouched 'a bad fit'
sql 'CREATE TABLE nn (a bigint NOT NULL, b text, z int NOT NULL);
	ALTER TABLE nn OWNER TO loader; CREATE VIEW vw AS SELECT 1 AS a;
	GRANT SELECT ON vw TO loader; CREATE TABLE alien (a bigint)' >/dev/null
columns a:bigint/1/1 'b:character varying:3/3'
stage nulls f
load nulls nn
err_like 'NULLs for NOT NULL' "'a' is NOT NULL, but 1 of its values are NULL; .*: ALTER TABLE \"public\".\"nn\" DROP COLUMN \"a\", and load again"
err_like 'NOT NULL that the input lacks' "'z' is not in the input, but it is NOT NULL .*: ALTER TABLE \"public\".\"nn\" DROP COLUMN \"z\"$"
load ok1 vw
err_like 'a view' "cannot load into 'public.vw': it is not a table, but a view"
load ok1 alien
status_is 1 "another's table"
err_like 'is explained' "may not see its columns; its owner is 'postgres'"
load ok1 nowhere.t
status_is 1 'an unknown schema'
err_like 'is said' "there is no schema 'nowhere' in database '.*/dev'"
load ok1 -n nowhere.t
status_is 1 'by a dry run, too'
load ok1 RS_Writeback_Runs
status_is 1 'the ledger as a table'
err_like 'is refused' "'rs_writeback_runs': it is the ledger of runs"
load ok1 --ledger none rs_writeback_stage
load ok1 --merge a rs_writeback_stage
status_is 1 'the name of the temporary table'
err_like 'is refused, too' "is the name of the temporary table"
# Rights, and who can give them.
sql 'CREATE TABLE reads (a bigint, b varchar(3)); CREATE TABLE adds (a bigint);
	CREATE SCHEMA books; GRANT USAGE, CREATE ON SCHEMA books TO loader;
	CREATE TABLE books.rs_writeback_runs (LIKE rs_writeback_runs);
	GRANT SELECT, INSERT ON reads, adds TO loader' >/dev/null
load ok1 --overwrite reads
status_is 1 'no right to lock and delete'
err_like 'and who can give it' "cannot lock the table: the owner of 'public.reads', 'postgres', must GRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"reads\" TO this user: permission denied"
load ok1 --overwrite --overwrite-by truncate reads
err_like 'or to truncate' 'must GRANT SELECT, INSERT, DELETE, TRUNCATE ON TABLE'
load ok1 adds
status_is 1 'no right to add a column'
err_like 'only the owner has it' "cannot add a column: only the owner of 'public.adds', 'postgres', may do that"
load ok1 books.t
status_is 1 'no right to the ledger'
err_like 'and what to do' "cannot write the ledger: the owner of 'rs_writeback_runs' in schema 'books' must GRANT SELECT, INSERT on it to this user; or go without it: --ledger none"

# What COPY refuses.
columns a:bigint/9 'b:character varying:3/3'
printf '1,x\nzwei,y\n' >f
stage bad3 f
load bad3 --errors errors.csv t
status_is 1 'a value that is no number'
err_like 'the line and the reason' "line 2 of 's3://.*/bad3/f': column 'a' .*'zwei'.*digit.*\(code 1207\)"
ok '--errors' grep -q '^s3://.*/bad3/f,2,a,.*1207' errors.csv
untouched 'a bad value'
rows_are 'and no row in the ledger' \
	"SELECT count(*) FROM rs_writeback_runs WHERE run_id = 'bad3'" 0
printf '1,x\n2,toolong\n' >f
columns a:bigint/9 'b:character varying:3'
stage bad4 f
load bad4 --overwrite t
status_is 1 'a value that is too long'
err_like 'the column and its width' "column 'b' .*3.*(code 1204)"
untouched 'a long value'
printf '3,x\n' >f
columns a:bigint 'b:character varying:3/1'
stage lost f
sed 's|lost/f|lost/gone|' lost.manifest >lost2
upload lost2 lost/manifest
cp lost2 in
run rs-load t
status_is 1 'a staged file that is gone'
err_like 'is said' "cannot load the staged rows: "
untouched 'a lost file'
sed 's/"record_count":1/"record_count":2/' lost.manifest >more.manifest
upload lost.manifest lost/manifest
load more t
status_is 1 'fewer rows than were staged'
err_like 'is no success' 'Redshift says that it loaded 1 rows, but 2 are staged; nothing is changed'
untouched 'a wrong count'
printf '3,x\n' >g
stage skipped f g
fault '[{"match": "^COPY", "action": "skip-file"}]'
load skipped t
status_is 1 'COPY that passes over a file'
err_like 'is found out' 'it loaded 1 rows, but 2 are staged; nothing is changed'
untouched 'a file passed over'
# The first file has no rows: the counts of rows are right, all the same.
: >nothing
stage skipped2 nothing f
load skipped2 t
status_is 1 'COPY that passes over a file without rows'
err_like 'is found out too' 'Redshift read 1 files of 2; nothing is changed'
untouched 'an empty file passed over'
# Without the view, by another one; by the session itself; or it is said.
sys() { sql "$1 SELECT ON sys_load_history, sys_load_detail $2 PUBLIC" >/dev/null; }
sys REVOKE FROM
load skipped2 t
status_is 1 'no sys_load_history: a file passed over'
err_like 'is found out by stl_load_commits' 'Redshift read 1 files of 2; nothing is changed'
sql 'REVOKE SELECT ON stl_load_commits FROM PUBLIC' >/dev/null
load skipped2 --overwrite t3
status_is 0 'no view at all: nothing is found'
err_like 'and that is said' "warning: Redshift does not tell whether it has read all 2 files for 'public.t3'; the number of rows is right"
fault
cp ok1.manifest in
sed 's/"record_count":[0-9]*//; s/"meta":{,/"meta":{/; s/,}/}/g
	s/^"meta":{},//' ok1.manifest >plain
cp plain in
run rs-load --overwrite t3
status_is 0 'nor a number of rows'
err_like 'that is said too' 'and the manifest does not tell how many rows there are'
sys GRANT TO
sql 'GRANT SELECT ON stl_load_commits TO PUBLIC; ALTER ROLE loader CONNECTION LIMIT 1' >/dev/null
load ok1 --overwrite t3
status_is 0 'no second session'
err_like 'nor does this one see it: that is said' 'does not tell whether it has read'
sql 'ALTER ROLE loader CONNECTION LIMIT -1; DROP TABLE t3' >/dev/null
# What COPY says, in its notice and by its function, and what was staged.
for wrong in '"notice": -1' '"notice": 1' '"count": 1' '"count": -1' \
	'"notice": 1, "count": 1' '"notice": -1, "count": -1'; do
	fault '[{"match": "^COPY", "action": "miscount", '"$wrong"'}]'
	load ok1 --again t
	status_is 1 "COPY that miscounts: $wrong"
	err_like 'is found out' 'says that it loaded [123] rows.*, but 2 are staged; nothing is changed'
	untouched "COPY that miscounts: $wrong"
	load ok1 --overwrite t
	untouched "an overwrite, too: $wrong"
done
fault '[{"match": "^COPY", "action": "lose-rows"}]'
stage lose f
load lose --overwrite t
status_is 1 'COPY that says more than it loads'
err_like 'is found out' "there are 0 rows in it now, but 1 are staged; nothing is changed"
fault
untouched 'lost rows'
RSW_AWS_ACCESS_KEY=$SANDBOX_AWS_ACCESS_KEY \
	RSW_AWS_SECRET_KEY=wrongwrongwrong load lost t
status_is 1 'a wrong AWS key'
err_like 'is said' "cannot load the staged rows \(check 'aws_secret_key'\): .*SignatureDoesNotMatch"
err_unlike 'the key is not' wrongwrongwrong
untouched 'a wrong key'
RSW_REGION=eu-west-1 load lost t
err_like 'another region' "rows \(set 'region' to that of the bucket\): "
load lost --iam-role arn:aws:iam::1:role/none t
err_like 'a role that may not' "rows \(attach the role to the cluster; it must trust redshift.amazonaws.com\): .*role/none"
load lost --iam-role default t
err_like 'no default role' 'rows \(set one for the cluster, or name it by --iam-role\): '
load lost -n --iam-role Default t
out_like 'which is a word, not a name' ' IAM_ROLE default REGION '
load ok1 --again --iam-role "$SANDBOX_IAM_ROLE,$SANDBOX_IAM_ROLE" chained
status_is 0 'a chain of roles'
untouched 'roles'

# Statements of the user's own.
load ok1 --again --pre-sql nonsense t
err_like 'a bad pre_sql' 'cannot run pre_sql: syntax error at or near "nonsense"'
untouched 'a bad pre_sql'
for word in COMMIT ROLLBACK; do
	load ok1 --again --pre-sql $word t
	status_is 1 "pre_sql that ends the transaction by $word"
	err_like 'is refused' 'to run pre_sql has ended the transaction, .* it must hold no COMMIT, ROLLBACK or TRUNCATE'
	untouched "pre_sql with $word"
done
sql 'CREATE TABLE aside AS SELECT 1; ALTER TABLE aside OWNER TO loader' >/dev/null
load ok1 --again --pre-sql 'TRUNCATE aside' t
err_like 'and by TRUNCATE' 'has ended the transaction'
untouched 'pre_sql with TRUNCATE'

# Usage.
cp ok1.manifest in
fails 'no table' 2 'no table given' rs-load
fails 'two tables' 2 "unexpected argument 'y'" rs-load x y
fails 'a bad table name' 2 "cannot use 'a.b.c' as a table's name" rs-load a.b.c
fails 'a temporary table' 2 "'#' at the begin means a temporary table" rs-load '"#x"'
fails 'a wrong mode' 2 "cannot use 'appendix' as 'append_or_overwrite'" \
	env RSW_APPEND_OR_OVERWRITE=appendix rs-load t
fails 'merge without keys' 2 "cannot go on without 'merge_keys'" \
	env RSW_APPEND_OR_OVERWRITE=merge rs-load t
fails 'a wrong diststyle' 2 "it is one of: auto, even, key, all" rs-load --diststyle x t
fails 'a wrong number' 2 "cannot use 'x' as 'varchar_headroom'" rs-load --varchar-headroom x t
done_testing
