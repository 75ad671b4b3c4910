#!/bin/sh
# Every Domo type, NULL, '', quotes, newlines in fields, emoji: each value
# that arrives is compared with the one that left.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/e2e.sh"

id=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
dataset $id 'All types' \
	'n:LONG,text:STRING,dec:DECIMAL,int:LONG,dbl:DOUBLE,day:DATE,at:DATETIME,Odd Näme:STRING' <<'E'
n,text,dec,int,dbl,day,at,Odd Näme
1,plain,1.5,9223372036854775807,0.1,2026-01-31,2026-01-31T23:59:59,x
2,,,,,,,
3,"",0.00,0,-0.5,1970-01-01,1970-01-01T00:00:00,""
4,"a ""quoted"" word, and a comma",-12345678901234.123456,-9223372036854775808,1e300,9999-12-31,2000-02-29T12:30:00,""""
5,"two
lines",99999999999999999999999999999999.99,1,2.5E-10,2024-02-29,2024-02-29T00:00:01,"
"
6,"  blanks  ",3,-1,100,0001-01-01,1900-01-01T00:00:00,😀 emoji 👩‍👩‍👧
7,back\slash \n,0.000001,42,-1e-5,2026-11-22,2026-11-22T01:02:03,'quote'
8,007,7,7,7,2026-11-22,2026-11-22T01:02:03,00
E
job all-types dataset_id=$id table_name_source=custom_name custom_table_name=types

run rs-writeback all-types
status_is 0 'every type arrives'
ok 'the types of the columns' t_same "$(sql "SELECT string_agg(column_name
	|| ' ' || data_type, ', ' ORDER BY ordinal_position)
	FROM information_schema.columns WHERE table_name = 'types'")" \
	'n bigint, text character varying, dec numeric, int bigint, dbl double precision, day date, at timestamp without time zone, odd näme character varying'
rows types n >got
cat >want <<'E'
n,text,dec,int,dbl,day,at,odd näme
1,plain,1.500000,9223372036854775807,0.1,2026-01-31,2026-01-31 23:59:59,x
2,,,,,,,
3,"",0.000000,0,-0.5,1970-01-01,1970-01-01 00:00:00,""
4,"a ""quoted"" word, and a comma",-12345678901234.123456,-9223372036854775808,1e+300,9999-12-31,2000-02-29 12:30:00,""""
5,"two
lines",99999999999999999999999999999999.990000,1,2.5e-10,2024-02-29,2024-02-29 00:00:01,"
"
6,  blanks  ,3.000000,-1,100,0001-01-01,1900-01-01 00:00:00,😀 emoji 👩‍👩‍👧
7,back\slash \n,0.000001,42,-1e-05,2026-11-22,2026-11-22 01:02:03,'quote'
8,007,7.000000,7,7,2026-11-22,2026-11-22 01:02:03,00
E
ok 'every value is the one that left' diff -u want got

# One column: neither an empty text nor a NULL may look like an empty line.
single=aaaaaaaa-bbbb-cccc-dddd-ffffffffffff
printf 'only\na\n""\n\nb\n' | dataset $single 'One column' only:STRING
job single dataset_id=$single table_name_source=custom_name \
	custom_table_name=single
run rs-writeback single
status_is 0 'a table of one column'
ok 'NULL and the empty text arrive' t_same "$(sql \
	"SELECT coalesce(quote_literal(\"only\"), 'NULL') FROM single ORDER BY 1")" \
	"''
'a'
'b'
NULL"

# As many columns as a table can have.
wide=aaaaaaaa-bbbb-cccc-dddd-aaaaaaaaaaaa
names=$(seq -s, -f 'c%g' 1600)
printf '%s\n%s\n' "$names" "$(seq -s, 1600 | sed 's/[0-9]*\([0-9]\)/\1/g')" |
	dataset $wide Wide "$(echo "$names" | sed 's/,/:STRING,/g'):STRING"
job wide dataset_id=$wide table_name_source=custom_name custom_table_name=wide
run rs-writeback wide
status_is 0 '1600 columns'
ok 'arrive' t_same "$(sql 'SELECT c1 || c799 || c1598 FROM wide')" 198

# The whole of a real table, value by value.
job oui-all dataset_id="$(rs-config -j oui dataset_id)" \
	table_name_source=custom_name custom_table_name=oui_all
run rs-writeback oui-all
status_is 0 'oui.csv arrives'
sql 'COPY (SELECT * FROM oui_all) TO STDOUT CSV' >got
tail -n +2 "$RSW_SANDBOX/domo/datasets/$(rs-config -j oui dataset_id).csv" \
	>src.csv
python3=/usr/bin/python3
$python3 - src.csv got <<'E' >diff.txt 2>&1
import csv, sys
a, b = (sorted(csv.reader(open(f, newline='', encoding='utf-8')))
        for f in sys.argv[1:])
print(len(a), len(b))
sys.exit(a != b or len(a) < 32000)
E
same 'all its rows, value by value' "$?" 0
done_testing
