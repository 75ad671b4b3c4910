#!/bin/sh
# s3-stage: what is not whole or not clean is refused: where it is, what it
# is, and nothing is printed or stored.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/s3.sh"

at="s3-stage: cannot stage 'standard input': row"
nh='\(the header not counted\)'
refused 'an open quote' \
	"^$at 2 $nh, byte 10, column 'b': a quote that is never closed: '\"x" \
	'a,b\n1,2\n3,"x\n'
refused 'text behind a quote' \
	"^$at 1 $nh, byte 9, column 'b': text after a closing quote: '\"x\"y'$" \
	'a,b\n1,"x"y\n'
refused 'a quote inside' \
	"^$at 1 $nh, byte 7, column 'b': a quote inside a field .*: 'x\"y'$" \
	'a,b\n1,x"y\n'
refused 'a blank line' \
	"^$at 2 $nh, byte 8: .*\(1, not 2\)" \
	'a,b\n1,2\n\n3,4\n'
refused 'a row too wide' \
	"^$at 2 $nh, byte [0-9]+: not as many fields as the header \(3, not 2\): '3,4,5'$" \
	'a,b\n1,2\n3,4,5\n'
refused 'a row too narrow' \
	"^$at 2 $nh, byte [0-9]+: .*\(1, not 2\): '3'$" \
	'a,b\n1,2\n3\n'
refused 'invalid UTF-8' \
	"^$at 1 $nh, byte 7, column 'b': bytes that are not utf-8: 'x.xffy'$" \
	'a,b\n1,x\377y\n'
refused 'a surrogate' \
	"byte 6, column 'b': bytes that are not utf-8" \
	'a,b\n1,\355\240\200\n'
refused 'a NUL' \
	"^$at 1 $nh, byte 7, column 'b': a NUL byte" \
	'a,b\n1,x\0y\n'
refused 'the null string as a value' \
	"^$at 1 $nh, byte 6, column 'b': a value equal to the null string: '.N'$" \
	'a,b\n1,\\N\n'
refused 'also another one, in quotes' \
	"column 'b': a value equal to the null string" \
	'a,b\n1,"@"\n' --null-string @
refused 'no newline at the end' \
	"^$at 2 $nh, byte [0-9]+.*: no newline at the end, it may have been cut" \
	'a,b\n1,2\n3,4'
printf 'a,b\n1,2\n3,4' >cut.csv
input <cut.csv
run s3-stage -e
status_is 0 'which -e takes'
unstaged 'and it goes'
refused 'but not inside quotes' \
	'a quote that is never' \
	'a,b\n1,"2' -e
head -c 65536 /dev/zero | tr '\0' x >long
(printf 'a,b\n1,'; cat long; echo) >csv
refused 'a field too long' \
	"^$at 1 $nh, byte [0-9]+, column 'b': a field of more than 65535 bytes: 'x{40}\.\.\.'$" -
# 70 columns of 60,000 bytes each.
/usr/bin/python3 -c 'print(*("c%d" % i for i in range(70)), sep=",")
print(*("x" * 60000 for i in range(70)), sep=",")' >csv
refused 'a row too long' \
	"^$at 1 $nh, byte [0-9]+.*: a row of more than 4 MiB" -
(echo a,b; printf '1,"'; head -c 12000000 /dev/zero | tr '\0' x; echo '"') >csv
refused 'a quoted field without end' \
	"^$at 1 $nh, byte [0-9]+.*: a (row of more than 4 MiB|field of more)" -
refused 'nothing at all' 'it is empty, without even a header' ''
refused 'a header that is cut' \
	"cannot stage 'standard input': the header: no newline at the end" \
	'a,b'
refused 'a header with an open quote' \
	'the header: ' \
	'a,"b\n'
no="cannot stage 'standard input': its first row is no header:"
refused 'no header, but values' \
	"^s3-stage: $no it has values, as '1', and no names; put .*--types too$" \
	'1,2.5\n2,3.5\n'
refused 'no header, but a value beside the same text twice' \
	"$no field 3 is the value '1', and the fields 1 and 2 are both 'x';" \
	'x,x,1\ny,z,2\n'
refused 'nothing but empty names' "$no all its fields are empty;" ',\n1,2\n'
printf 'name,type\na,LONG\nb,DATE\n' >schema
refused 'not the type' \
	"^$at 2 $nh, byte [0-9]+, column 'a': .*type.*: '1.5'$" \
	'a,b\n1,2024-01-01\n1.5,2024-01-01\n' -t schema
printf 'name,type\na,LONG\n,DATE\n' >schema2
echo 'a,b' >in
fails 'another name than the schema has' 2 \
	"column 2 is '' there, and 'b' in the input$" s3-stage -t schema2
refused 'not the type of a column without a name' \
	"^$at 1 $nh, byte [0-9]+, column 2: .*type.*: 'x'$" \
	'a,\n1,x\n' -t schema2
refused 'no day of the calendar' \
	"^$at 1 $nh, byte [0-9]+, column 'b': .*type.*: '2024-02-30'$" \
	'a,b\n1,2024-02-30\n' -t schema
refused 'control bytes are shown as such' \
	"column 'b': .*: '.x1b\[31m'$" \
	'a,b\n1,\033[31m\n' --null-string "$(printf '\033[31m')"

# In the middle of a large input: the row is counted over all objects, and
# what was stored already is removed.
awk 'BEGIN { print "n,t"; for (i = 1; i <= 400000; i++) print i ",text " i;
	print "x,y,z"; for (i = 1; i <= 100000; i++) print i ",t" i;
	print "x,y,z" }' >csv
bytes=$(head -n 400001 csv | wc -c)
refused 'far behind' "^$at 400001 $nh, byte $bytes: .*\(3, not 2\): 'x,y,z'$" \
	- --part-size 1M --jobs 4
s3view log >log
ok 'objects had been stored' grep -q '^PUT .*part-00000.csv.gz 200' log
ok 'and were deleted' grep -q '^POST .*[?]delete.* 200' log

fails 'a directory' 1 "cannot read 'standard input': Is a directory" \
	sh -c 's3-stage </'
ok 'stores nothing' nothing_stored
done_testing
