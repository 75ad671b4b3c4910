#!/bin/sh
# rs-load: every statement that it sends, as sqlfluff reads Redshift's grammar.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
command -v sqlfluff >/dev/null || skip_all 'sqlfluff is not installed'
. "$srcdir/t/rs-load.sh"

logged() { load "$@" --log-sql log; [ "$status" -eq 0 ] || failed=$*; }
failed=
printf "1,abc,2026-01-01,\\\\N\n" >f
extra=',"dataset":{"id":"d","name":"it'\''s \"x\" \\","rows":1}'
columns Id:bigint/1 'Na me:character varying:3/3' Day:date 'At:timestamp'
stage one f
logged one --diststyle key --distkey id --sortkey day,id --encode id=az64 t
logged one -a sandbox-role --overwrite t
logged one -a sandbox-token --create --sortkey auto --statement-timeout 60000 \
	--query-group "it's" t_1
logged one --merge 'id,na me' t
logged one --replace-where at t
logged one --replace-where day t
logged one --append --again t
logged one --append t
logged one --noload t
logged one --overwrite --overwrite-by truncate t
logged one --overwrite --max-errors 5 --rejects r t
sql "GRANT SELECT ON t TO PUBLIC; GRANT UPDATE ON t TO postgres WITH GRANT OPTION;
	COMMENT ON COLUMN t.id IS 'it''s \\ x'" >/dev/null
columns Id:bigint/1 'Na me:character varying:9/9' 'Neu:numeric:18:2'
printf '1,abcdefghi,1.00\n' >f
stage two f
logged two --overwrite --overwrite-by swap t_1
logged two --overwrite --overwrite-by swap t
same 'all loads were done' "$failed" ''
columns Id:bigint
printf 'x\n' >f
stage bad f
load bad --log-sql log t
status_is 1 'but for one that fails'
fault '[{"match": "^COMMIT", "action": "drop-after", "times": 1}]'
load two --log-sql log --again --append t
status_is 0 'and one whose COMMIT is asked for'
for word in 'COPY ' 'CREATE TABLE ' 'CREATE TEMP ' 'ADD COLUMN' 'ALTER COLUMN' \
	'DELETE FROM .* USING' 'INSERT INTO' LOCK TRUNCATE 'RENAME TO' GRANT \
	'COMMENT ON TABLE' 'COMMENT ON COLUMN' 'DROP TABLE' ROLLBACK NOLOAD \
	MAXERROR IAM_ROLE SESSION_TOKEN stl_load_errors pg_table_def; do
	ok "among the statements: $word" grep -q "$word" log
done
ok 'no secret among them' t_unlike \
	"$(cut -c 1-20 "$RSW_SANDBOX/secrets/aws" | tr '+/' '..')" log

sort -u log >all.sql
sqlfluff parse --dialect redshift all.sql >parsed 2>&1
same 'sqlfluff reads them all' "$(grep -c -i unparsable parsed)" 0
[ "$(grep -c -i unparsable parsed)" -eq 0 ] || {
	grep -i -A 3 '^L:\|unparsable' parsed | head -n 40 | sed 's/^/# /'; }
ok 'and finds statements in them' test "$(grep -c ' statement:$' parsed)" -ge 30
echo 'COPY "t" FORM 1;' >wrong.sql
sqlfluff parse --dialect redshift wrong.sql >parsed 2>&1
ok 'it does refuse what is wrong' grep -qi unparsable parsed
done_testing
