#!/bin/sh
# One table: first run, then append, then overwrite; what is left on S3.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/e2e.sh"

id=11111111-2222-3333-4444-555555555555
dataset $id 'One' k:LONG,v:STRING <<E
k,v
1,one
2,two
E
for mode in append overwrite; do
	job $mode dataset_id=$id table_name_source=custom_name \
		custom_table_name=one append_or_overwrite=$mode
done

run rs-writeback append
status_is 0 'first run makes the table'
err_like 'and says so in words' \
	"^rs-writeback: job 'append': loaded 2 rows, append, public.one \([0-9.]+ s\)$"
ok 'and fills it' t_same "$(rows one)" 'k,v
1,one
2,two'
sql "GRANT SELECT ON one TO PUBLIC; CREATE VIEW seen AS SELECT k FROM one"

dataset $id 'One' k:LONG,v:STRING <<E
k,v
3,three
E
run rs-writeback append
status_is 0 'append'
ok 'adds the rows' t_same "$(rows one)" 'k,v
1,one
2,two
3,three'

run rs-writeback overwrite
status_is 0 'overwrite'
ok 'replaces the rows' t_same "$(rows one)" 'k,v
3,three'
ok 'the view is there and shows them' t_same "$(sql 'SELECT k FROM seen')" 3
ok 'the grant is there' t_same \
	"$(sql "SELECT has_table_privilege('public', 'one', 'SELECT')")" t

dataset $id 'One' k:LONG,v:STRING <<E
k,v
E
run rs-writeback overwrite
status_is 0 'overwrite with no rows'
ok 'empties the table' t_same "$(rows one)" 'k,v'

# A wider text and a new column arrive later.
dataset $id 'One' k:LONG,v:STRING,w:DATE <<E
k,v,w
4,four and a half words more,2026-02-28
E
run rs-writeback append
status_is 0 'a wider text and a new column'
ok 'are taken' t_same "$(rows one)" 'k,v,w
4,four and a half words more,2026-02-28'

same 'nothing is left on S3' "$(staged)" 0
run rs-writeback -k append
status_is 0 'keep'
err_like 'says where' "job 'append': kept s3://$SANDBOX_BUCKET/.*/manifest.json"
same 'two objects are kept' "$(staged)" 2

# Columns that have no name, or the same one: renamed by one rule.
id=99999999-2222-3333-4444-555555555555
dataset $id 'Odd' k:LONG,:STRING,k:LONG <<E
k,,k
1,one,2
E
job odd dataset_id=$id table_name_source=custom_name custom_table_name=odd
run rs-writeback odd
status_is 0 'names that are empty or the same'
ok 'are renamed' t_same "$(rows odd)" 'k,column_2,k_2
1,one,2'
done_testing
