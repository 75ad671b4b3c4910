#!/bin/sh
# rs-load: rows that COPY refuses are shown, and put aside if that is allowed.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/rs-load.sh"

columns Id:bigint 'Name:character varying:9' Day:date
cat >f <<E
1,a,2026-01-01
zwei,"b, ""B""
line 2",2026-01-02
3,\\N,2026-02-30
4,,\\N
E
printf '5,e,2026-01-05\n6,waytoolongname,\\N\n' >g
stage bad f g
sed -i 's/"record_count":5/"record_count":4/; s/"record_count":7/"record_count":6/' bad.manifest
upload bad.manifest bad/manifest

load bad --errors e.csv t
status_is 1 'a bad row'
err_like 'is shown whole, with its commas and line ends' \
	"column 'id' int8.*: 'zwei': .*\(code 1207\); the row: zwei,\"b, \"\"B\"\"\\\\x0aline 2\",2026-01-02$"
ok '--errors has it as one CSV field' grep -q '"zwei,""b, """"B""""$' e.csv
run /usr/bin/python3 -c 'import csv, sys
rows = list(csv.DictReader(open("e.csv", newline="")))
print(rows[0]["column"], rows[0]["code"], repr(rows[0]["row"]))'
out_is 'which reads back' "id 1207 'zwei,\"b, \"\"B\"\"\\nline 2\",2026-01-02'"

load bad --max-errors 2 --rejects r.csv t
status_is 1 'more bad rows than allowed'
err_like 'the first are shown' "column 'id'"
rows_are 'nothing is made' "SELECT count(*) FROM pg_class WHERE relname = 't'" 0
load bad --max-errors 3 --rejects r.csv t
status_is 0 'as many bad rows as allowed'
out_like 'the others are loaded' '^public.t,append,loaded,3,0,2,3,'
rows_are 'they are' 'SELECT id, name, day FROM t ORDER BY id' '1|a|2026-01-01
4||
5|e|2026-01-05'
same 'the refused ones are there, for s3-stage' "$(cat r.csv)" 'Id,Name,Day
zwei,"b, ""B""
line 2",2026-01-02
3,,2026-02-30
6,waytoolongname,'
sed 's/zwei/2/; s/02-30/02-28/; s/waytoolong//' r.csv >mended.csv
cp mended.csv in
run s3-stage
status_is 0 'mended and staged'
cp out in
run rs-load t
status_is 0 'and appended'
rows_are 'all rows are there' 'SELECT id, name, day FROM t ORDER BY id' '1|a|2026-01-01
2|b, "B"
line 2|2026-01-02
3||2026-02-28
4||
5|e|2026-01-05
6|name|'
load bad --max-errors 3 --rejects /dev/full t2
status_is 1 'no room for the refused rows'
err_like 'is said' 'cannot write the refused rows: '
rows_are 'and nothing is loaded' "SELECT count(*) FROM pg_class WHERE relname = 't2'" 0
cp bad.manifest in
fails 'no place for them' 2 'give --rejects FILE' rs-load --max-errors 3 t2
columns Id:bigint/1 'Name:character varying:9/9' Day:date/10
stage bad2 f g
sed -i 's/"record_count":5/"record_count":4/; s/"record_count":7/"record_count":6/' bad2.manifest
upload bad2.manifest bad2/manifest
fault '[{"match": "^COPY", "action": "lose-rows"}]'
load bad2 --max-errors 3 --rejects r2.csv --overwrite t
status_is 1 'refused rows and lost ones'
err_like 'are told apart' 'there are 2 rows in it now, but 3 are staged'
fault
rows_are 'nothing is changed' 'SELECT count(*) FROM t' 6
load bad2 --merge id --max-errors 3 --rejects r3.csv t
status_is 0 'merge with refused rows'
rows_are 'has the others' 'SELECT count(*) FROM t' 6

# Serverless has no STL views, and SYS has neither row nor value.
other_standin serverless '"serverless": true'
columns Id:bigint 'Name:character varying:9' Day:date
load bad --errors e.csv s
status_is 1 'serverless: a bad row'
err_like 'the table that it names' "Check 'sys_load_error_detail'"
err_like 'and the row, which its view does not have' "column 'id' int8.*\(code 1207\); the row: zwei,\"b, "
load bad --max-errors 3 --rejects r4.csv s
status_is 0 'serverless: refused rows put aside'
same 'are the same' "$(cat r4.csv)" "$(cat r.csv)"
done_testing
