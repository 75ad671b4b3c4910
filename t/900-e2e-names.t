#!/bin/sh
# The table's name by each of the three sources, and a new table every run.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/e2e.sh"

id=6f2c8a54-91d3-4c0e-b7aa-0123456789AB
dataset "$id" 'Sales "2026", Umsätze' name:STRING,amount:LONG <<E
name,amount
a,1
b,2
E

job by-id dataset_id="$id" table_name_source=dataset_id
run rs-writeback by-id
status_is 0 'the table is named after the id'
ok 'rows are there' t_same "$(rows '"6f2c8a54-91d3-4c0e-b7aa-0123456789ab"')" 'name,amount
a,1
b,2'

job by-name dataset_id="https://acme.domo.com/datasources/$id/details/overview" \
	table_name_source=dataset_name
run rs-writeback by-name
status_is 0 'the table is named after the DataSet (given by its page)'
ok 'rows are there' t_same "$(rows '"sales ""2026"", umsätze"' | wc -l)" 3

sql 'CREATE SCHEMA sales AUTHORIZATION loader'
job custom dataset_id="$id" table_name_source=custom_name \
	custom_table_name='My Table.v2' schema_name=sales
run rs-writeback custom
status_is 0 'the table has a name of its own, in a schema of its own'
ok 'rows are there' t_same "$(rows 'sales."my table.v2"' | wc -l)" 3

# 127 bytes, cut at a character: 63 times two bytes and a half one.
long=$(printf 'ä%.0s' $(seq 1 70))
job long dataset_id="$id" table_name_source=custom_name custom_table_name="$long"
run rs-writeback long
status_is 0 'a long name'
run ssh-fwd -q -j long -- rs-load -j long -q -L public
err_empty 'listing the tables'
ok 'is cut at a character' t_like "^public,$(printf 'ä%.0s' $(seq 1 63))\$" out

job new dataset_id="$id" table_name_source=custom_name custom_table_name=fresh \
	operation_type=create
run rs-writeback new
status_is 0 'a new table, first run'
run rs-writeback new
status_is 0 'a new table, second run'
ok 'counters 1 and 2' t_same "$(tables | grep fresh)" 'fresh_1
fresh_2'
ok 'rows in the first' t_same "$(rows fresh_1 | wc -l)" 3
ok 'rows in the second' t_same "$(rows fresh_2 | wc -l)" 3

# Two jobs at once that take the same names: never two loads into one table.
job new2 dataset_id="$id" table_name_source=custom_name custom_table_name=fresh \
	operation_type=create
rs-writeback new 2>err1 & one=$!
rs-writeback new2 2>err2 & two=$!
wait "$one"; s1=$?
wait "$two"; s2=$?
cat err1 err2 >err
same 'two runs at once end well' "$s1 $s2" '0 0'
ok 'each has its own table' t_same "$(tables | grep fresh | tr '\n' ' ')" \
	'fresh_1 fresh_2 fresh_3 fresh_4 '
for n in 3 4; do
	ok "table $n holds the rows once" t_same "$(rows fresh_$n | wc -l)" 3
done
done_testing
