#!/bin/sh
# The lines that the README gives for a job by hand, as they stand there.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/e2e.sh"

job sales dataset_id="$(rs-config -j oui dataset_id)" \
	table_name_source=custom_name custom_table_name=sales \
	append_or_overwrite=overwrite
sed -n '/^Sixty seconds/,/^Install/s/^    \$ //p' "$srcdir/README" |
	grep -v '^contrib/build\|^t/sandbox' >tour
ok 'the README has a tour' test "$(grep -c . tour)" -ge 3
run sh -e tour
status_is 0 'which goes'
out_like 'to its end' '^custom_table_name = oui$'

sed -n '/^By hand, a stage at a time/,/^As one pipeline/s/^    \$ //p' \
	"$srcdir/README" >by-hand
ok 'the README has the lines' test "$(grep -c . by-hand)" -ge 8
run sh -e by-hand
status_is 0 'stage by stage'
ok 'all rows are in the table' t_same "$(sql 'SELECT count(*) FROM sales')" 32530
same 'nothing is left on S3' "$(staged)" 0

sed -n '/^As one pipeline/,/^From make/s/^    \$ //p' "$srcdir/README" >pipeline
run sh -e pipeline
status_is 0 'as one pipeline'
out_like 'rs-load prints its result as CSV' '(^|,)32530(,|$)'
ok 'the rows are there, not twice' t_same "$(sql 'SELECT count(*) FROM sales')" 32530

sed -n '/^    jobs = /,/^$/s/^    //p' "$srcdir/README" >Makefile
sed -i 's/^jobs = .*/jobs = sales/' Makefile
run make all
status_is 0 'from make'
ok 'the rows are there, not twice' t_same "$(sql 'SELECT count(*) FROM sales')" 32530
# psql asks for the password and takes the certificate in its own ways.
sed -n "/^Anything else that speaks/,/^When/s/^    \$ //p" "$srcdir/README" |
	sed "s/CLUSTER/$SANDBOX_DB_HOST/; s/\$/ -XAtc 'SELECT count(*) FROM sales'/" >psql
ok 'the README has a line for psql' test "$(grep -c 'psql "host=sandbox' psql)" -eq 1
PGPASSWORD=$(cat "$RSW_SANDBOX/secrets/db") PGSSLROOTCERT=$SANDBOX_CA \
	run sh -e psql
out_is 'psql through the tunnel' 32530
done_testing
