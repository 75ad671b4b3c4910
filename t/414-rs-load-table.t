#!/bin/sh
# rs-load: the table is made to fit, made as the user wants it, swapped.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/rs-load.sh"

# def TABLE: its columns and types, in order.
def() {
	sql "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod),
		', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid =
		'$1'::regclass AND attnum > 0 AND NOT attisdropped"
}
columns a:bigint/1 'b:character varying:3/3'
printf '1,x\n2,yyy\n' >f
stage one f
load one t
same 'widths are those of the values' "$(def t)" 'a bigint, b character varying(3)'

# Columns come and go, change their places and grow.
columns 'B:character varying:6/6' New:date 'a:bigint/1' 'Ä b:numeric:18:2/5'
printf 'zzzzzz,2026-01-01,3,1.25\n' >f
stage two f
load two -v t
status_is 0 'new columns, another order, a longer text'
err_like 'widened' "widening column 'b' from 3 to 6 bytes"
err_like 'added' "adding column 'new'"
same 'the table' "$(def t)" 'a bigint, b character varying(6), new date, Ä b numeric(18,2)'
rows_are 'its rows' 'SELECT * FROM t ORDER BY a' '1|x||
2|yyy||
3|zzzzzz|2026-01-01|1.25'
columns a:bigint/1
printf '4\n' >f
stage three f
load three t
status_is 0 'columns that are missing'
err_like 'are said' "warning: table 'public.t': column 'new' is not in the input: the rows get NULL there"
rows_are 'and are NULL' 'SELECT * FROM t WHERE a = 4' '4|||'
columns a:bigint/1 'b:character varying:9/9' extra:bigint/1
printf '5,zzzzzzzzz,7\n' >f
stage four f
fault '[{"match": "^COPY", "action": "error", "message": "no"}]'
load four t
status_is 1 'a load that fails'
fault
same 'leaves the new column out; the wider text stays' "$(def t)" \
	'a bigint, b character varying(9), new date, Ä b numeric(18,2)'
columns 'b:character varying:2/2' a:bigint/1
printf 'zz,6\n' >f
stage five f
load five --varchar-headroom 50 t
load five --varchar-headroom 50 t5
same 'never narrowed' "$(def t)" \
	'a bigint, b character varying(9), new date, Ä b numeric(18,2)'
same 'headroom' "$(def t5)" 'b character varying(3), a bigint'
load three --evolve none t
err_like '--evolve none: a missing column is an error' "'b' is not in the input"
status_is 1 'indeed'

# Names that only Redshift takes for the same, all the way.
printf 'Name,name,OID\n1,2,3\n' >in
run s3-stage
status_is 0 'names that differ in their capitals are staged'
cp out names.manifest
ok 'what they are called is in the manifest' \
	grep -q '"name":"name","column":"name_2"' names.manifest
load names names
rows_are 'and they are columns of that name' \
	'SELECT name, name_2, oid_ FROM names' '1|2|3'

# No name, the same name: renamed by the same rule, all the way and back.
cat >odd.csv <<E
a,,a,A,,OID,column_2
1,2,3,4,5,6,7
E
cp odd.csv in
run s3-stage
status_is 0 'names that are empty or the same are staged'
cp out odd.manifest
ok 'what they are called is in the manifest' t_like \
	'"name":"","column":"column_5"' odd.manifest
load odd -v odd
status_is 0 'and loaded'
err_like 'an empty one is told with -v' "column 2, '', is called 'column_2' in the table"
err_like 'and one that is there already' "column 3, 'a', is called 'a_2' in the table"
rows_are 'the columns' "SELECT string_agg(attname, ',' ORDER BY attnum) FROM
	pg_attribute WHERE attrelid = 'odd'::regclass AND attnum > 0" \
	'a,column_2,a_2,a_3,column_5,oid_,column_2_2'
rows_are 'and the values' 'SELECT * FROM odd' '1|2|3|4|5|6|7'
cp odd.manifest in
run s3-cat
ok 's3-cat gives it back' /usr/bin/python3 -c 'import csv
a, b = (list(csv.reader(open(f))) for f in ("odd.csv", "out"))
assert a == b, (a, b)'
load odd --merge column_5,a_2 odd
out_like 'merge by the new names' '^public.odd,merge,loaded,1,1,'
{ echo name,type; for n in a '' a A '' OID column_2; do echo "\"$n\",LONG"; done; } \
	>schema
cp odd.csv in
run s3-stage -t schema
status_is 0 'a schema with such names'
columns a:bigint :bigint/1 a:bigint/1 A:bigint/1 :bigint/1 OID:bigint/1 column_2:bigint/1
printf 'x,2,3,4,5,6,7\n8,2,3,4,5,6,7\n' >f
stage odd2 f
load odd2 --max-errors 1 --rejects r.csv odd
status_is 0 'a row is put aside'
same 'under the same header' "$(cat r.csv)" 'a,"",a,A,"",OID,column_2
x,2,3,4,5,6,7'
sed 's/^x/9/' r.csv >in
run s3-stage
status_is 0 'mended and staged'
cp out in
run rs-load odd
status_is 0 'and appended'
rows_are 'the rows are there' 'SELECT a, column_2_2 FROM odd ORDER BY a' '1|7
8|7
9|7'

# What Redshift would refuse to widen.
dropped() { sql 'DROP TABLE IF EXISTS w' >/dev/null; }
query() {	# as the loader, through the stand-in
	PGPASSWORD=$(cat "$RSW_SANDBOX/secrets/db") psql -X -q -At \
		"host=$SANDBOX_DB_HOST port=$SANDBOX_DB_PORT user=loader dbname=dev
		sslmode=require" -c "$1"
}
columns 'b:character varying:9/9'
printf 'zzzzzzzzz\n' >f
stage wide f
query 'CREATE TABLE w (b varchar(3) PRIMARY KEY)'
load wide w
err_like 'a key that the catalog does not show' "widen column 'b' .*UNIQUE, PRIMARY KEY or FOREIGN KEY"
dropped
columns a:date b:boolean/1 'C:character varying:9/9' 'd:character varying:9/9' \
	'e:character varying:9/9' 'f:character varying:9/9' 'g:character varying:9/9'
printf '\\N,t,zzzzzzzzz,zzzzzzzzz,zzzzzzzzz,zzzzzzzzz,zzzzzzzzz\n' >f
stage widen f
query "CREATE TABLE w (c varchar(3) ENCODE bytedict, d varchar(3) DEFAULT 'x',
	e varchar(3), f varchar(3), g varchar(9) ENCODE bytedict, b date)"
# As the stand-in's own catalog has no keys.
sql 'ALTER TABLE w ADD CONSTRAINT "w k" PRIMARY KEY (e)' >/dev/null
load widen w
status_is 1 'columns that can not be widened, and one that does not fit'
err_like 'an encoding' "column 'c' is VARCHAR\(3\), but its widest value has 9 bytes, and Redshift widens no column with the encoding 'bytedict'; to mend it: ALTER TABLE \"public\".\"w\" ALTER COLUMN \"c\" ENCODE zstd, and load again$"
err_like 'a default' "column 'd' .* has a default; to mend it: ALTER TABLE \"public\".\"w\" RENAME COLUMN \"d\" TO another name, and load again"
err_like 'a key' "column 'e' .* of a key; to mend it: ALTER TABLE \"public\".\"w\" DROP CONSTRAINT \"w k\", and load again$"
err_like 'a type' "column 'b' is DATE, but"
same 'all in one report' "$(wc -l <err)" 4
same 'and nothing was widened' "$(def w)" 'c character varying(3), d character varying(3), e character varying(3), f character varying(3), g character varying(9), b date'
load widen --evolve none w
err_like '--evolve none: the same, and what would be done else' "column 'f' is .*; to widen it: ALTER TABLE"
err_like 'not what Redshift would refuse' "column 'd' .* to mend it: ALTER TABLE .* RENAME"
dropped
columns 'b:character varying:9/9'
sql 'CREATE TABLE w (b varchar(3)); GRANT ALL ON w TO loader' >/dev/null
load wide w
status_is 1 "another's table"
err_like 'is explained' "cannot widen column 'b' from 3 to 9 bytes: only the owner of 'public.w', 'postgres', may do that: must be owner"

# Numbers.
columns n:numeric:18:2/8
printf '123456.25\n' >f
stage num f
sed -i 's/"max_bytes":8/"max_bytes":9,"int_digits":6/' num.manifest
query 'CREATE TABLE n1 (n numeric(9,2)); CREATE TABLE n2 (n numeric(7,2));
	CREATE TABLE n3 (n numeric(18,1)); CREATE TABLE n4 (n float8)'
load num n1
status_is 0 'a number that fits'
rows_are 'is there' 'SELECT n FROM n1' 123456.25
load num n2
err_like 'too many digits' "column 'n' is NUMERIC\(7,2\), but its values have up to 6 digits before the point; to mend it: ALTER TABLE"
load num n3
err_like 'too many decimals' 'up to 2 decimals; .*--round'
load num --round n3
rows_are '--round rounds' 'SELECT n FROM n3' 123456.3
load num n4
rows_are 'a float has room' 'SELECT n FROM n4' 123456.25

# As many columns as Redshift has, and one more; most are NULL, because a row
# of the database behind the stand-in has to fit in a page.
wide() {	# N FIRST: a CSV of N columns, the first one named FIRST
	awk -v n="$1" -v first="$2" 'BEGIN {
		for (i = 1; i <= n; i++) printf "%s%s", i == 1 ? first : "c" i, i < n ? "," : "\n"
		for (i = 1; i <= n; i++) printf "%s%s", i == 1 || i == n ? i : "", i < n ? "," : "\n"
	}' >in
	{ echo name,type; head -n 1 in | tr , '\n' | sed 's/$/,LONG/'; } >schema
	run s3-stage -t schema
	cp out "wide$1$2.manifest"
}
wide 1600 c1
load wide1600c1 wide1600
status_is 0 '1,600 columns: the table is made'
load wide1600c1 --again wide1600
status_is 0 'and appended to'
rows_are 'the rows' 'SELECT c1, c2, c1600 FROM wide1600' '1||1600
1||1600'
load wide1600c1 --merge c1,c1600 wide1601
status_is 0 'a merge, too'
wide 1600 other
load wide1600other wide1600
status_is 1 'a column more in the table'
err_like 'is too many' "a table has at most 1600 columns, this one would have 1601"
wide 1601 c1
before=$(statements | wc -l)
load wide1601c1 wide1602
status_is 1 '1,601 columns of the input'
err_like 'are too many, too' "cannot load into 'public.wide1602': a table has at most 1600 columns, this one would have 1601$"
ok 'nothing was sent before' t_same "$(statements | tail -n "+$((before + 1))" |
	grep -c 'CREATE\|COPY\|BEGIN\|ALTER')" 0

# A new table as the user wants it.
columns Id:bigint/1 'Day:date' 'Name:character varying:5/5'
printf '1,2026-01-01,abcde\n' >f
extra=',"dataset":{"id":"d-1","name":"It'\''s \"new\"","rows":1}' stage made f
load made --diststyle key --distkey ID --sortkey 'day, id' --encode 'name=zstd, DAY=az64' lay
status_is 0 'a layout'
same 'is in force' "$(query "SET search_path TO public;
	SELECT \"column\", encoding, distkey, sortkey FROM pg_table_def
	WHERE tablename = 'lay'" | tr -d ' ')" 'id|none|t|2
day|az64|f|1
name|zstd|f|0' || query "SET search_path TO public; SELECT * FROM pg_table_def WHERE tablename = 'lay'"
rows_are 'a comment tells the DataSet and the run' \
	"SELECT obj_description('lay'::regclass)" \
	"Domo DataSet 'It's \"new\"' (d-1), made by run made"
load made --sortkey nope lay2
status_is 1 'a sort key that is no column'
err_like 'is said' "cannot use 'nope' as a sort key: the input has no such column"
load made --encode name=zstd\;x lay2
err_like 'an encoding that is none' "cannot use 'name=zstd;x' in 'encode'"
rows_are 'no table was made' "SELECT count(*) FROM pg_class WHERE relname = 'lay2'" 0
cat >ddl <<E
-- mine
CREATE TABLE public.own (name varchar(40) NOT NULL, id bigint,
	loaded timestamp DEFAULT getdate());
E
load made --ddl ddl own
status_is 0 '--ddl'
same 'is the table, with the column that it lacks' "$(def own)" \
	'name character varying(40), id bigint, loaded timestamp without time zone, day date'
rows_are 'columns that it has more get their default' \
	'SELECT name, id, loaded IS NOT NULL FROM own' 'abcde|1|t'
load made --ddl ddl other
status_is 1 '--ddl of another table'
err_like 'is found out' 'cannot make the table|does not make the table "public"."other"'
echo 'CREATE TABLE public.own2 (name varchar(2), id bigint, day date)' >ddl
load made --ddl ddl own2
status_is 1 '--ddl that does not fit'
err_like 'is found out' "column 'name' is VARCHAR\(2\), but its widest value has 5 bytes"
rows_are 'and rolled back' "SELECT count(*) FROM pg_class WHERE relname = 'own2'" 0

# Overwriting by swap.
query "CREATE TABLE sw (id bigint, name varchar(9), n int DEFAULT 7)
	DISTSTYLE key DISTKEY (id); INSERT INTO sw VALUES (8, 'a', 1), (9, 'b', 2);
	GRANT UPDATE (n, name) ON sw TO postgres; GRANT SELECT (n) ON sw TO PUBLIC;
	COMMENT ON TABLE sw IS 'it''s'; COMMENT ON COLUMN sw.name IS 'a \\\\ name';
	GRANT SELECT ON sw TO PUBLIC; GRANT INSERT ON sw TO postgres"
old=$(sql "SELECT 'sw'::regclass::oid")
load made --overwrite --overwrite-by swap sw
status_is 0 'swap'
out_like 'its result' '^public.sw,overwrite,loaded,1,2,1,'
ok 'is another table' test "$old" != "$(sql "SELECT 'sw'::regclass::oid")"
rows_are 'with the new rows' 'SELECT id, name, n, day FROM sw' '1|abcde|7|2026-01-01'
rows_are 'its comments' "SELECT obj_description('sw'::regclass),
	col_description('sw'::regclass, 2)" "it's|a \\ name"
rows_are 'its grants on columns' "SELECT string_agg(attname || ' ' || a, ' '
	ORDER BY attname, a) FROM (SELECT attname, privilege_type || ' ' ||
	coalesce(rolname, 'public') AS a FROM pg_attribute, aclexplode(attacl) x
	LEFT JOIN pg_roles r ON r.oid = grantee WHERE attrelid = 'sw'::regclass) y" \
	'n SELECT public n UPDATE postgres name UPDATE postgres'
rows_are 'its grants' "SELECT has_table_privilege('public', 'sw', 'select'),
	has_table_privilege('public', 'sw', 'insert')" 't|f'
same 'its layout' "$(query "SET search_path TO public; SELECT distkey FROM
	pg_table_def WHERE tablename = 'sw' AND \"column\" = 'id'")" t
rows_are 'nothing is left behind' \
	"SELECT count(*) FROM pg_class WHERE relname LIKE '%rsw%' AND relkind = 'r'" 0
sql 'CREATE VIEW "v 1" AS SELECT id FROM sw; CREATE VIEW v2 AS SELECT name FROM sw' >/dev/null
load one --overwrite --overwrite-by swap sw
status_is 1 'swap of a table with views'
err_like 'names them' 'these views would be lost: public."v 1", public.v2; use --overwrite-by=delete'
rows_are 'the table is as it was' 'SELECT id FROM sw' 1
fault '[{"match": "^ALTER TABLE .*RENAME", "action": "error", "message": "no"}]'
load made --overwrite --overwrite-by swap t5
status_is 1 'swap that fails'
fault
rows_are 'leaves the old table' 'SELECT a, b FROM t5' '6|zz'
load made --append sw
status_is 0 'an append of the run that was swapped in'
out_like 'is a repetition' ',append,repeated,1,'


# Keys, also one that leads to the table itself; other people's table.
sql 'DROP VIEW "v 1"; DROP VIEW v2; ALTER TABLE sw ADD CONSTRAINT "sw pk"
	PRIMARY KEY (id); ALTER TABLE sw ADD UNIQUE (name);
	ALTER TABLE sw ADD FOREIGN KEY (id) REFERENCES sw (id)' >/dev/null
load made --overwrite --overwrite-by swap --log-sql keys.sql sw
status_is 0 'swap of a table with keys'
same 'gives them to the new table' "$(grep 'ADD CONSTRAINT' keys.sql)" \
	'ALTER TABLE "public"."sw" ADD CONSTRAINT "sw_name_key" UNIQUE (name);
ALTER TABLE "public"."sw" ADD CONSTRAINT "sw pk" PRIMARY KEY (id);
ALTER TABLE "public"."sw" ADD CONSTRAINT "sw_id_fkey" FOREIGN KEY (id) REFERENCES sw(id);'
columns 'Id:bigint/1' 'Name:character varying:20/20'
printf '1,abcde\n' >f
stage wider f
load wider sw
err_like 'which the database knows' "widen column 'name' .*UNIQUE, PRIMARY KEY or FOREIGN KEY"
sql 'ALTER TABLE sw ADD UNIQUE (id); CREATE TABLE points (p bigint
	CONSTRAINT to_sw REFERENCES sw (id)); CREATE VIEW v3 AS SELECT id FROM sw' >/dev/null
load made --overwrite --overwrite-by swap sw
status_is 1 'swap of a table with a view and a foreign key that leads to it'
err_like 'names the one' 'these views would be lost: public.v3;'
err_like 'and the other' "these foreign keys of other tables would be lost: public.points \(to_sw\); use --overwrite-by=delete, which keeps them$"
sql 'DROP TABLE points; DROP VIEW v3' >/dev/null
query 'CREATE TABLE ident (name varchar(9), n bigint IDENTITY(1,1), id bigint, day date);
	CREATE TABLE ident2 (name varchar(9), n bigint GENERATED BY DEFAULT AS
	IDENTITY(1,1), id bigint, day date)'
for t in ident ident2; do
	load made --overwrite --overwrite-by swap $t
	status_is 1 "swap of a table with an identity: $t"
	err_like 'is refused' "its column 'n' is an IDENTITY, which would be lost; use --overwrite-by=delete"
	load made --overwrite $t
	status_is 0 'delete keeps it'
	rows_are 'and its values are made' "SELECT n IS NOT NULL FROM $t" t
done
sql 'ALTER TABLE sw OWNER TO postgres; ALTER ROLE loader SUPERUSER' >/dev/null
load made --overwrite --overwrite-by swap sw
sql 'ALTER ROLE loader NOSUPERUSER' >/dev/null
status_is 0 "a superuser swaps another's table"
rows_are 'whose it stays' "SELECT relowner::regrole FROM pg_class
	WHERE relname = 'sw'" postgres

# Overwriting by truncate.
load made --overwrite --overwrite-by truncate t5
status_is 0 'truncate'
err_like 'says what it is' 'is truncated, which can not be undone'
rows_are 'the new rows' 'SELECT id, name FROM t5' '1|abcde'
fault '[{"match": "^COPY", "action": "error", "message": "no"}]'
load made --overwrite --overwrite-by truncate t5
fault
err_like 'what became of the table is said last' "'public.t5' is empty now: it was truncated before the load that failed; load again$"
rows_are 'what it warns of' 'SELECT count(*) FROM t5' 0

# A manifest that others wrote.
printf '1|x\n2|y\n' | gzip >f.gz
cat >plain <<E
{"entries":[{"url":"s3://$SANDBOX_BUCKET/plain/f.gz","mandatory":true}]}
E
upload f.gz plain/f.gz plain plain/manifest
query 'CREATE TABLE p (a int, b varchar(5))'
cp plain in
run rs-load --copy-format "DELIMITER '|'" \
	--manifest-url "s3://$SANDBOX_BUCKET/plain/manifest" p
status_is 0 'a plain manifest, by position, compressed as the name says'
rows_are 'the rows' 'SELECT * FROM p ORDER BY a' '1|x
2|y'
cp plain in
fails 'without a schema there is no new table' 1 'the manifest has no schema' \
	rs-load --manifest-url "s3://$SANDBOX_BUCKET/plain/manifest" q
done_testing
