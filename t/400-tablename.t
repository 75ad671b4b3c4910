#!/bin/sh
# The name of a DataSet's table: three sources, the schema, the counter.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"

head='id,name,description,rows,columns,owner_id,owner_name,created_at,updated_at,data_current_at,pdp_enabled'
info() { printf '%s\n08a061e2-12a2-4646-b4bc-20beddb403e3,%s,"a ""b""
c",3,2,27,Sales,,,,false\n' "$head" "$1" >in; }

info 'Timeline Feed'
run rs-tablename
out_is 'the id is the default' 'public."08a061e2-12a2-4646-b4bc-20beddb403e3"'
info 'Timeline Feed'
run rs-tablename -m dataset_name -s Web_2
out_is 'the name, folded; the schema too' 'web_2."timeline feed"'
info Sales
run rs-tablename --source=dataset_name
out_is 'a plain name needs no quotes' public.sales
info '"Say ""Hi"".Ää"'
run rs-tablename -m dataset_name
out_is 'quotes, dots and other letters stay' 'public."say ""hi"".Ää"'
run rs-tablename -c 'My Table'
out_is 'a custom name needs no input' 'public."my table"'
err_empty 'and says nothing'
RSW_TABLE_NAME_SOURCE=custom_name RSW_CUSTOM_TABLE_NAME=abc \
	RSW_SCHEMA_NAME=fin run rs-tablename
out_is 'all from the configuration' fin.abc

x126=$(printf '%0126d' 0 | tr 0 x)
run rs-tablename -c "${x126}yz"
out_is 'cut at 127 bytes' "public.${x126}y"
run rs-tablename -c "${x126}ä"
out_is 'cut at a character' "public.$x126"

cat >list <<E
schema_name,table_name
public,sales
public,sales_1
public,sales_2
public,sales_10
public,sales_010
public,sales_007x
public,sales_99999999999999999999
public,sale_77
public,my_sales_78
other,sales_500
PUBLIC,sales_11
public,sales
public,sales_1
public,sales_2
public,sales_10
public,sales_010
public,sales_007x
public,sales_99999999999999999999
public,sale_77
public,my_sales_78
other,sales_500
PUBLIC,sales_11
E
run rs-tablename -n -c Sales
out_is 'a new table without a list' public.sales_1
run rs-tablename -n -c Sales -e list
out_is 'the next after the highest counter' public.sales_12
run rs-tablename -n -c Sales -s Other -e list
out_is 'of its schema only' other.sales_501
run rs-tablename -n -c new -e list
out_is 'the first of its base' public.new_1
run sh -c 'rs-tablename -n -c Sales -e - <list'
out_is 'the list on standard input' public.sales_12
printf 'table_name,schema_name,more\n%s_9,public,\n%s_7,public,\n' \
	"$(printf '%.125s' "$x126")" "$x126" >long
run rs-tablename -n -c "${x126}yz" -e long
out_is 'a long base makes room for its counter' \
	"public.$(printf '%.124s' "$x126")_10"
RSW_OPERATION_TYPE=create run rs-tablename -c Sales -e list
out_is 'operation_type=create means -n' public.sales_12
RSW_OPERATION_TYPE=create run rs-tablename -u -c Sales -e list
out_is '-u means without' public.sales

input </dev/null
fails 'no input' 1 "'standard input'" rs-tablename
printf '%s\n' "$head" >in
fails 'no DataSet' 1 'describes 0 DataSets, not one' rs-tablename
printf 'id,name\n1,a\n2,b\n' >in
fails 'two DataSets' 1 'describes 2 DataSets, not one' rs-tablename
printf 'id,nom\n1,a\n' >in
fails 'no name column' 1 "'?name'?" rs-tablename -m dataset_name
info ''
fails 'a DataSet without a name' 1 'the DataSet has no name' rs-tablename -m dataset_name
info '"a
b"'
fails 'a name of two lines' 1 'control character' rs-tablename -m dataset_name
info '#1 customers'
fails 'a name of a temporary table' 1 'temporary table' rs-tablename -m dataset_name
printf '%s\n1,abc' id,name >in
fails 'a cut input' 1 "'standard input'" rs-tablename
fails 'an empty name' 1 'empty table name' rs-tablename -c ''
fails 'a list that is not there' 1 "cannot open 'gone'" rs-tablename -n -c a -e gone
fails 'an unknown source' 2 "cannot use 'guess' as 'table_name_source'" rs-tablename -m guess
fails 'custom without a name' 2 "'custom_table_name'" rs-tablename -m custom_name
fails 'an argument' 2 "unexpected argument 'x'" rs-tablename x
fails 'an unknown option' 2 "unknown option '--wrong'" rs-tablename --wrong
run rs-tablename --version
out_like '--version' '^rs-tablename \(rs-writeback\) [0-9.]+$'
run rs-tablename -h
out_like '-h' '^usage: rs-tablename'
run sh -c 'rs-tablename -c a >/dev/full'
status_is 1 'a full disk is noticed'
err_like 'and said' 'cannot write the output'
done_testing
