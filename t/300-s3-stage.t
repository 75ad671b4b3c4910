#!/bin/sh
# s3-stage: what goes in comes out, as objects that others can read, and the
# manifest tells the truth.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/s3.sh"

field() { /usr/bin/python3 -c 'import json, sys
m = json.load(open("manifest"))
print(eval(sys.argv[1]))' "$1"; }
key() { field "m['entries'][$1]['url'].split('/', 3)[3]"; }

cat >in.csv <<'E2'
id,Text,amount,ratio,day,moment,flag,zip
1,plain,1.50,1e3,2024-02-29,2024-02-29 23:59:59,true,01234
2,,-20,2.5,,,,
3,"",0,0,1999-12-31,2024-01-01T00:00,FALSE,00000
-9,"a ""quoted"" word, and
a line",123456789.123,-1.5E-7,2024-01-01,2024-01-01 00:00:00.123456,true,99999
5,"😀 \N är",7,8,2024-01-01,2024-01-01 00:00:00,true,1
E2

for kind in gzip zstd none; do
	input <in.csv
	run s3-stage --compress $kind
	status_is 0 "$kind"
	err_empty "$kind: without a word"
	cp out manifest
	same "$kind: the manifest tells the rows" \
		"$(field "m['meta']['record_count']")" 5
	same "$kind: and how it is compressed" \
		"$(field "m['rs_writeback']['compression']")" $kind
	s3view get "$(key 0)" >object
	same "$kind: and the size" \
		"$(field "m['entries'][0]['meta']['content_length']")" \
		"$(wc -c <object)"
	case $kind in
	gzip) gzip -dc <object >rows ;;
	zstd) zstd -dcq <object >rows ;;
	none) cp object rows ;;
	esac
	cat >want <<'E2'
1,plain,1.50,1e3,2024-02-29,2024-02-29 23:59:59,true,01234
2,\N,-20,2.5,\N,\N,\N,\N
3,,0,0,1999-12-31,2024-01-01T00:00,FALSE,00000
-9,"a ""quoted"" word, and
a line",123456789.123,-1.5E-7,2024-01-01,2024-01-01 00:00:00.123456,true,99999
5,😀 \N är,7,8,2024-01-01,2024-01-01 00:00:00,true,1
E2
	ok "$kind: another client reads what COPY is to get" diff want rows
	s3view get "$(field "m['rs_writeback']['manifest_url'].split('/', 3)[3]")" \
		>stored
	ok "$kind: the manifest is stored as it is printed" cmp stored manifest
	input <manifest
	run s3-cat
	status_is 0 "$kind: s3-cat"
	sed 's/"\(😀[^"]*\)"/\1/' in.csv >want
	out_same "$kind: the rows come back" want
	input <manifest
	run s3-unstage
	status_is 0 "$kind: s3-unstage"
	ok "$kind: all is gone" nothing_stored
done

same 'types' "$(field "[e['type'] for e in m['schema']['elements']]")" \
	"[{'base': 'bigint'}, {'base': 'character varying', 'max_length': 27}, {'base': 'numeric', 'precision': 18, 'scale': 3}, {'base': 'double precision'}, {'base': 'date'}, {'base': 'timestamp without time zone'}, {'base': 'boolean'}, {'base': 'character varying', 'max_length': 5}]"
same 'names' "$(field "[e['name'] for e in m['schema']['elements']]")" \
	"['id', 'Text', 'amount', 'ratio', 'day', 'moment', 'flag', 'zip']"
same 'NULLs' "$(field "[c['nulls'] for c in m['rs_writeback']['columns']]")" \
	'[0, 1, 0, 0, 1, 1, 1, 1]'
same 'empty strings' \
	"$(field "[c['empty'] for c in m['rs_writeback']['columns']]")" \
	'[0, 1, 0, 0, 0, 0, 0, 0]'

# --- where to ---

printf 'a\n1\n' >small.csv
input <small.csv
run s3-stage --run-id run_1 "s3://$SANDBOX_BUCKET/a dir/ü+%41//"
status_is 0 'a prefix with odd characters'
cp out manifest
same 'the key is not encoded in the manifest' "$(key 0)" \
	'a dir/ü+%41/run_1/part-00000.csv.gz'
s3view ls >listing
printf '%s\n' "a dir/ü+%41/run_1/manifest.json" \
	"a dir/ü+%41/run_1/part-00000.csv.gz" >want
ok 'and so are the objects called' \
	sh -c 'sed "s/ [0-9]*$//" listing | diff want -'
input <manifest
run s3-cat
out_same 's3-cat finds it' small.csv
input <manifest
run s3-unstage
ok 's3-unstage too' nothing_stored
input <small.csv
RSW_PREFIX=from/key run s3-stage --run-id x
out_like 'the prefix as a key' '"s3://[^/]*/from/key/x/part-00000.csv.gz"'
unstaged 'and it goes'
input <small.csv
run s3-stage
out_like 'a run id of its own' \
	'/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/part'
unstaged 'and it goes'

# --- several objects ---

awk 'BEGIN { print "n,t"; for (i = 1; i <= 300000; i++)
	printf "%d,text number %d and \"\"more\n", i, i * 7 }' |
	sed 's/,\(.*""more\)$/,"\1"/' >many.csv
input <many.csv
run s3-stage --part-size 1M --jobs 3 --uploads 3
status_is 0 'many objects'
cp out manifest
n=$(field "len(m['entries'])")
ok 'there are several' test "$n" -gt 5
same 'a multiple of two' $((n % 2)) 0
same 'which are even in size' "$(field "max(e['meta']['content_length'] for e in m['entries']) < 2 * min(e['meta']['content_length'] for e in m['entries'])")" True
same 'the rows are all there' "$(field "m['meta']['record_count']")" 300000
same 'in sum' \
	"$(field "sum(e['meta']['record_count'] for e in m['entries'])")" 300000
input <manifest
run s3-cat
out_same 'and come back in order' many.csv
field "[e['url'].rsplit('/', 1)[1] for e in m['entries']]" >one
field "[e['meta'] for e in m['entries']]" >>one
input <manifest
run s3-unstage
ok 'all are gone' nothing_stored
# sips SIZE FILE: writes it to stdout, a pipe, SIZE bytes at a time, each when
# the reader has taken what was before: so each read brings just so much.
cat >sips <<'E2'
import array, fcntl, sys, termios, time
left = array.array('i', [0])
with open(sys.argv[2], 'rb') as f, open(1, 'wb', buffering=0) as pipe:
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
    while sip := f.read(int(sys.argv[1])):
        pipe.write(sip)
        while fcntl.ioctl(pipe, termios.FIONREAD, left) == 0 and left[0] > 0:
            time.sleep(0)
E2
for sip in 9973 262145 1048576; do
	run sh -c "/usr/bin/python3 sips $sip many.csv |
	    s3-stage --part-size 1M"
	cp out manifest
	field "[e['url'].rsplit('/', 1)[1] for e in m['entries']]" >two
	field "[e['meta'] for e in m['entries']]" >>two
	ok "the same input makes the same objects, by $sip bytes" cmp one two
	unstaged 'and they go'
done
input <many.csv
run s3-stage --part-size 1M --slices 5
cp out manifest
same 'a multiple of five' $(($(field "len(m['entries'])") % 5)) 0
unstaged 'and they go'

# --- forms of input ---

comes 'a BOM, CRLF' '\357\273\277a,b\r\n1,"x\r\ny"\r\n2,z\r\n' '1,"x\r\ny"\n2,z\n'
out_like 'no BOM in the name' '"name":"a"'
comes 'tabs' 'a\tb\n1\tx,y\n2\tNULL\n' '1,"x,y"\n2,\\N\n' --delimiter tab --null-in NULL
comes 'other delimiters' "a;b\n1;'x;y'\n" '1,x;y\n' --delimiter ';' --quote "'"
comes 'no quotes' 'a|b\n1|"x\n' '1,"""x"\n' --delimiter '|' --quote none
comes 'another null string' 'a,b\n1,\\N\n2,\n' '1,\\N\n2,@null@\n' --null-string @null@
out_like 'which the manifest tells' '"null_string": "@null@"'
comes 'one column, no newline at the end' 'a\n1\n\n""\nx' '1\n\\N\n""\nx\n' -e
comes 'bad bytes replaced' 'a\n"x\377y"\n' 'x\357\277\275y\n' --invalid-utf8 replace
head -c 70000 /dev/zero | tr '\0' x >long
(echo a; cat long; echo) >long.csv
input <long.csv
run s3-stage --long-fields truncate
status_is 0 'a long field is cut'
err_like 'and counted' 'warning: 1 fields were longer than they may be'
out_like 'to what fits' '"max_bytes":65535'
unstaged 'and it goes'

# --- nothing but a header ---

printf 'a,b\n' >empty.csv
input <empty.csv
run s3-stage
status_is 0 'no rows'
cp out manifest
same 'no objects' "$(field "m['entries']")" '[]'
same 'zero rows' "$(field "m['meta']['record_count']")" 0
input <manifest
run s3-cat
out_same 's3-cat prints the header' empty.csv
input <manifest
run s3-unstage
ok 'the manifest goes' nothing_stored

# --- metadata and types ---

printf 'id,name,description,rows,columns,owner_id,owner_name,created_at,updated_at,data_current_at,pdp_enabled\nabc-1,"A ""set""",,2,2,1,x,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,2024-01-03T00:00:00Z,false\n' >info
printf 'name,type\na,LONG\nb,STRING\n' >schema
printf 'a,b\n0012,2\n+7,\n' >typed.csv
input <typed.csv
run s3-stage -i info -t schema
status_is 0 'with schema and metadata'
cp out manifest
same 'the DataSet' "$(field "m['rs_writeback']['dataset']")" \
	"{'id': 'abc-1', 'name': 'A \"set\"', 'data_time': '2024-01-03T00:00:00Z', 'rows': 2, 'bytes': 15}"
same 'the declared types' \
	"$(field "[e['type']['base'] for e in m['schema']['elements']]")" \
	"['bigint', 'character varying']"
unstaged 'and it goes'
input <typed.csv
fails 'metadata of another form' 2 "one row with a column 'id'" \
	s3-stage -i schema
input <typed.csv
fails 'metadata that are not there' 2 "cannot open 'gone'" s3-stage -i gone
printf 'name,type\na,LONG\n' >schema
input <typed.csv
fails 'a schema of another width' 2 'it has 1 columns, the input has 2' \
	s3-stage -t schema
printf 'name,type\na,LONG\nc,STRING\n' >schema
input <typed.csv
fails 'a schema of other columns' 2 \
	"column 2 is 'c' there, and 'b' in the input" s3-stage -t schema
printf 'name,type\na,LONG\nb,blob\n' >schema
input <typed.csv
fails 'a type of none' 2 "'blob'" s3-stage -t schema
ok 'and nothing is stored' nothing_stored

cat >schema <<'E2'
name,type
s,SMALLINT
i,int
n,"numeric(6, 2)"
v,varchar(10)
c,CHAR(3)
r,float8
b,bool
z,timestamptz
d,DECIMAL
E2
printf 's,i,n,v,c,r,b,z,d\n-32768,2147483647,1234.5,"x",abc,1e9,t,2024-01-01 00:00:00+01,12.345\n' >typed.csv
input <typed.csv
run s3-stage -t schema
status_is 0 "Redshift's types"
cp out manifest
same 'as they are declared' \
	"$(field "[' '.join(map(str, e['type'].values())) for e in m['schema']['elements']]")" \
	"['smallint', 'integer', 'numeric 6 2', 'character varying 10', 'character 3', 'double precision', 'boolean', 'timestamp with time zone', 'numeric 38 3']"
unstaged 'and it goes'
no=0
for row in 32768,,,,,,,, ,2147483648,,,,,,, ,,12345.1,,,,,, ,,1.234,,,,,, \
	,,,12345678901,,,,, ,,,,abcd,,,, ,,,,ä,,,, ,,,,,x,,, ,,,,,,maybe,, \
	,,,,,,,2024-13-01, ,,,,,,,,1e5; do
	no=$((no + 1))
	printf 's,i,n,v,c,r,b,z,d\n%s\n' "$row" >csv
	refused "a value that does not fit, $no" \
		"row 1 .*column '[a-z]': .*(type|65535 bytes)" - -t schema
done
printf 'd\n12345678901234567890\n0.1234567890123456789\n' >csv
printf 'name,type\nd,DECIMAL\n' >schema
refused 'decimals that no NUMERIC holds' \
	"column 'd' has values with 20 digits before and others with 19 behind" \
	- -t schema
input <csv
run s3-stage
out_like 'which are text if nothing is declared' 'character varying","max_length":21'
unstaged 'and it goes'

# --- what is sent ---

forget_log
input <small.csv
RSW_S3_ACL=bucket-owner-full-control RSW_S3_TAGS='run={run_id}&x=1' \
	RSW_S3_ENCRYPTION=AES256 run s3-stage --run-id r7
status_is 0 'ACL, tags, encryption'
unstaged 'and it goes'
s3view log x-amz-acl x-amz-tagging x-amz-server-side-encryption |
	grep '^PUT' >puts
same 'are sent with the object and the manifest' \
	"$(grep -c ' 200 x-amz-acl=bucket-owner-full-control x-amz-tagging=run=r7&x=1 x-amz-server-side-encryption=AES256$' puts)" 2
s3view log | grep -c '^HEAD .*part-00000.csv.gz 200' >heads
same 'the object is looked at' "$(cat heads)" 1
# --- no header ---

printf 'name,type\nn,LONG\nt,STRING\n' >schema
printf '\357\273\2771,x\n2,\n' >csv
input <csv
run s3-stage --no-header
status_is 0 'without a header'
cp out manifest
s3-cat <manifest >back
printf 'col1,col2\n1,x\n2,\n' >want
ok 'the columns have numbers, the first row is one' cmp want back
unstaged 'and it goes'
input <csv
RSW_HEADER=no run s3-stage -t schema
cp out manifest
s3-cat <manifest >back
printf 'n,t\n1,x\n2,\n' >want
ok 'or the names of the schema' cmp want back
unstaged 'and it goes'
input </dev/null
fails 'nothing at all is no table' 1 'it is empty' s3-stage --no-header
printf 'name,type\nn,LONG\nt,NEW_TYPE\n' >schema
input <csv
run s3-stage -v --no-header -t schema
status_is 0 'a type that Domo may have one day'
err_like 'is told' "column 't' has the type 'NEW_TYPE', which is not known; it is taken as STRING"
unstaged 'and it goes'

# --- progress ---

# on_terminal OPTION...: s3-stage of many.csv, which pauses in its middle.
on_terminal() {
	/usr/bin/python3 -c 'import os, pty, sys, threading, time
r, w = os.pipe()
pid, fd = pty.fork()
if pid == 0:
    os.dup2(r, 0)
    os.dup2(os.open("out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.close(w)
    os.execvp("s3-stage", ["s3-stage", "--part-size", "1M", *sys.argv[1:]])
os.close(r)
def feed():
    with open("many.csv", "rb") as f, open(w, "wb") as pipe:
        pipe.write(f.read(8000000))
        time.sleep(0.5)
        pipe.write(f.read())
feeder = threading.Thread(target=feed)
feeder.start()
text = b""
while True:
    try:
        text += os.read(fd, 4096)
    except OSError:
        break
feeder.join()
sys.stderr.buffer.write(text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$@" 2>err
	status=$?
	t_what="s3-stage $*, on a terminal"
}
is_far='[1-9][0-9]+ rows, [0-9.]+ MB in, [0-9.]+ MB stored, [0-9]+ objects, [0-9.]+ MB/s'
on_terminal
status_is 0 'on a terminal'
err_like 'it tells how far it is' "$is_far"
same 'but not how long it takes' "$(grep -c 's left' err)" 0
unstaged 'and it goes'
printf 'id,name,rows\nx,y,300000\n' >info
on_terminal -i info
status_is 0 'with the number of rows'
err_like 'the time that is left too' "$is_far, [0-9]+ s left"
unstaged 'and it goes'
on_terminal -q
err_empty 'with -q nothing'
unstaged 'and it goes'
done_testing
