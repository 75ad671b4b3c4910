#!/bin/sh
# s3-cat and s3-unstage: the rows come back whole or not at all; what goes is
# what the manifest lists, and nothing else.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/s3.sh"

/usr/bin/python3 - >csv <<'E2'
print('n,t,u')
for i in range(1, 200001):
    print(i, 'text %d' % i if i % 3 else '' if i % 2 else '""',
          '' if i % 5 else '"a, ""b""\nc"', sep=',')
E2
input <csv
run s3-stage --part-size 1M --run-id one
cp out manifest
n=$(grep -c part- manifest)
ok 'several objects' test "$n" -gt 2

# --- forms ---

input <manifest
run s3-cat
status_is 0 's3-cat'
out_same 'the rows are back' csv
input <manifest
run s3-cat --ahead 1
out_same 'one object at a time' csv
input <manifest
run s3-cat --ahead 64
out_same 'all at a time' csv
input <manifest
run s3-cat -n
tail -n +2 csv >want
out_same 'without the header' want
input <manifest
run s3-cat --raw
/usr/bin/python3 - >want <<'E2'
import re
text = open('csv', newline='').read().split('\n', 1)[1]
def staged(m):
    if m.group(1) == '':
        return r'\N' + m.group(2)
    return ('' if m.group(1) == '""' else m.group(1)) + m.group(2)
print(re.sub(r'("(?:[^"]|"")*"|[^,\n]*)([,\n])', staged, text), end='')
E2
out_same 'as it is staged' want
printf 'a,b\nNULL,\n"",x\n"NULL",N\n' >words
input <words
run s3-stage --run-id two
cp out manifest2
input <manifest2
run s3-cat --null NULL
printf 'a,b\n"NULL",NULL\n"",x\n"NULL",N\n' >want
out_same 'NULL as a word, and a text that looks like it' want
input <manifest2
run s3-unstage
status_is 0 's3-unstage'

# --- what is wrong ---

wrong() {	# wrong DESCRIPTION STATUS ERE: s3-cat of the file `manifest`
	input <manifest
	run s3-cat
	status_is "$2" "$1: status $2"
	err_like "$1: says so" "$3"
	ok "$1: no newline at the end" sh -c '[ "$(tail -c 1 out | od -An -c)" != "  \n" ]'
	faults
}
faults '{"method": "GET", "path": "part-00001", "fault": "error", "status": 503, "code": "SlowDown", "times": 2}' \
	'{"method": "GET", "path": "part-00002", "fault": "cut", "bytes": 100000, "times": 2}' \
	'{"method": "GET", "path": "part-00000", "fault": "reset", "times": 1}'
forget_log
input <manifest
run s3-cat
status_is 0 'what passes'
out_same 'passes' csv
s3view log range if-match >log
ok 'a cut transfer goes on where it was' \
	grep -q 'part-00002.* 206 range=bytes=[1-9][0-9]*- if-match=' log
faults '{"method": "GET", "path": "part-00001", "fault": "error", "status": 503, "code": "SlowDown"}'
wrong 'slow down for ever' 75 "cannot get 's3://.*part-00001.*': 503 SlowDown"
faults '{"method": "GET", "path": "part-00001", "fault": "error", "status": 403, "code": "AccessDenied"}'
wrong 'no right' 1 "cannot get 's3://.*part-00001.*': 403 AccessDenied"
faults '{"method": "GET", "path": "part-00001", "fault": "corrupt", "bytes": 5000}'
wrong 'a wrong bit' 1 "cannot (decompress|read|trust) 's3://.*part-00001"
s3view get staged/one/part-00001.csv.gz >part
head -c 5000 part | s3view put staged/one/part-00001.csv.gz
wrong 'an object that was cut' 1 "cannot (trust|decompress) 's3://.*part-00001"
s3view get staged/one/part-00000.csv.gz | s3view put staged/one/part-00001.csv.gz
wrong 'an object that was changed' 1 "cannot trust 's3://.*part-00001.*it has [0-9]+ bytes, but the manifest says [0-9]+"
sed 's/"content_length":[0-9]*,"record_count"/"record_count"/; s/"content_length":[0-9]*/"content_length":null/' manifest >kept
cp manifest whole && cp kept manifest
wrong 'an object of other rows' 1 "cannot trust 's3://.*part-00001.*it has [0-9]+ rows, but the manifest says [0-9]+"
cp whole manifest
s3view rm staged/one/part-00001.csv.gz
wrong 'an object that is gone' 1 "cannot get 's3://.*part-00001.*': 404 NoSuchKey"
s3view put staged/one/part-00001.csv.gz <part
input <manifest
run sh -c 's3-cat >/dev/full'
status_is 1 'a full disk'
err_like 'is told' 'cannot write the output: No space left on device'
input <manifest
run sh -c 's3-cat | head -n 1'
out_is 'a reader that needs only the first line' n,t,u
printf '' | input
fails 'no manifest' 1 'it is empty; the stage before this one has failed' s3-cat
head -c 500 manifest | input
fails 'a manifest that is cut' 1 "cannot use the manifest 'standard input': line" s3-cat
fails 'an argument' 2 "there is no argument 'manifest'" s3-cat manifest
fails 's3-unstage: no manifest' 1 'it is empty' s3-unstage

# --- manifests of others ---

printf '1|x\n' | s3view put other/1
echo '{"entries":[{"url":"s3://'"$SANDBOX_BUCKET"'/other/1"}]}' >plain
input <plain
run s3-cat
status_is 1 'a plain manifest has no header'
err_like 'and says so' 'the manifest has no schema; use --no-header or --raw'
input <plain
run s3-cat --raw
out_is 'but its bytes' '1|x'

# --- s3-unstage takes what is listed, and nothing else ---

echo x | s3view put staged/one/part-99999.csv.gz
echo x | s3view put staged/one/other
faults '{"method": "POST", "fault": "error", "status": 503, "code": "SlowDown", "times": 2}'
input <manifest
run s3-unstage -v
status_is 0 's3-unstage'
out_empty 'prints nothing'
err_like 'tells with -v' "deleted $n objects and their manifest"
s3view ls | cut -d' ' -f1 >listing
printf 'other/1\nstaged/one/other\nstaged/one/part-99999.csv.gz\n' >want
ok 'the neighbours stay' diff want listing
input <manifest
run s3-unstage
status_is 0 'again: gone is gone'
faults '{"method": "POST", "fault": "error", "status": 403, "code": "AccessDenied"}'
input <plain
fails 'no right' 1 'cannot delete objects of .*: 403 AccessDenied' s3-unstage
faults

# More than one batch.
/usr/bin/python3 - >bulk <<E2
import json
print(json.dumps({"entries": [{"url": "s3://$SANDBOX_BUCKET/bulk/<%d>&" % i}
                              for i in range(2500)]}))
E2
echo x | s3view put 'bulk/<0>&'
echo x | s3view put 'bulk/<2499>&'
forget_log
input <bulk
run s3-unstage
status_is 0 'thousands'
same 'in batches of 1000' "$(s3view log | grep -c '^POST.*[?]delete')" 3
ok 'the first and the last are gone' sh -c '! "$@" | grep bulk' - \
	env -u AWS_PROFILE /usr/bin/python3 "$srcdir/t/standin/s3view.py" ls
done_testing
