#!/bin/sh
# s3-stage with objects that are not in memory as a whole: multipart uploads,
# with their faults.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/s3.sh"

# rows MB: what hardly compresses, in rows that are all different.
rows() {
	(echo t; head -c $(($1 * 750000)) /dev/urandom | base64 -w 99) >csv
	sort csv >csv.sorted
}
no_uploads() { s3view uploads >listing && diff /dev/null listing; }
asked() { s3view log | grep -c "^$1"; }

# whole DESCRIPTION [OPTION...]: all rows are staged, in two large objects.
whole() {
	w_what=$1
	shift
	input <csv
	run s3-stage --part-size 24M --jobs 2 "$@"
	status_is 0 "$w_what"
	faults
	cp out manifest
	s3-cat <manifest | sort >back
	ok "$w_what: the rows are there" cmp back csv.sorted
	same "$w_what: in two objects" "$(jq '.entries | length' manifest)" 2
	ok "$w_what: no upload is left open" no_uploads
}
# fails_at DESCRIPTION STATUS ERE: the same, and it must not work.
fails_at() {
	f_what=$1 f_status=$2 f_says=$3
	input <csv
	fails "$f_what" "$f_status" "$f_says" s3-stage --part-size 24M \
		--jobs 2 --compress none
	faults
	ok "$f_what: nothing is stored" nothing_stored
	ok "$f_what: no upload is left open" no_uploads
}

# 1 if the file is one whole gzip member and nothing else.
one_member() {
	/usr/bin/python3 -c 'import sys, zlib
d = zlib.decompressobj(31)
d.decompress(open(sys.argv[1], "rb").read())
print(int(d.eof and not d.unused_data))' "$1"
}

rows 18
forget_log
whole 'large objects' --compress none
same 'two uploads were begun' "$(asked 'POST .*?uploads= 200')" 2
same 'and ended' "$(asked 'POST .*?uploadId=.* 200')" 2
same 'of two parts each' "$(asked 'PUT .*?partNumber=[12]&uploadId=.* 200')" 4
jq -r '.entries[] | .url, .meta.content_length' manifest | paste - - |
	sed 's,^s3://[^/]*/,,; s/\t/ /' | sort >want
s3view ls | grep -v manifest >got
ok 'their sizes are those of the manifest' cmp want got
unstaged 'they go'
rows 26
for kind in gzip zstd; do
	whole "$kind" --compress $kind
	key=$(jq -r '.entries[0].url' manifest | cut -d/ -f4-)
	s3view get "$key" >object
	if [ $kind = gzip ]; then
		one_member object >count
	else
		mv object object.zst
		zstd -l object.zst | awk 'NR == 2 { print $1 }' >count
	fi
	same "$kind: one whole member or frame" "$(cat count)" 1
	unstaged "$kind: they go"
done
rows 18

faults '{"method": "PUT", "path": "partNumber=2", "fault": "error", "status": 503, "code": "SlowDown", "times": 2}' \
	'{"method": "POST", "path": "uploads", "fault": "error", "status": 500, "times": 1}'
whole 'slow down and an internal error' --compress none
unstaged 'slow down: they go'
faults '{"method": "POST", "path": "uploadId", "fault": "error", "status": 200, "code": "InternalError", "times": 2}'
forget_log
whole 'an error behind a 200' --compress none
same 'it was asked again' "$(asked 'POST .*?uploadId=')" 4
unstaged 'an error behind a 200: they go'
faults '{"method": "POST", "path": "uploadId", "fault": "error", "status": 500, "when": "after", "times": 1}'
whole 'an answer that was lost' --compress none
unstaged 'an answer that was lost: they go'
faults '{"method": "POST", "path": "part-00000.*uploadId", "fault": "reset", "when": "after", "times": 1}' \
	'{"method": "POST", "path": "part-00000.*uploadId", "fault": "error", "status": 404, "code": "NoSuchUpload", "skip": 1, "times": 1}'
whole 'and the upload is not known any more' --compress none
unstaged 'and the upload is not known any more: they go'

faults '{"method": "PUT", "path": "partNumber=2", "fault": "error", "status": 403, "code": "AccessDenied"}'
forget_log
fails_at 'a part is refused' 1 "^s3-stage: cannot put a part of 's3://.*': 403 AccessDenied"
ok 'the uploads were given up' test "$(asked 'DELETE .*?uploadId=.* 204')" -ge 1
faults '{"method": "POST", "path": "uploads", "fault": "error", "status": 403, "code": "AccessDenied"}'
fails_at 'an upload is refused' 1 "^s3-stage: cannot begin to put 's3://.*': 403 AccessDenied"
faults '{"method": "POST", "path": "uploadId", "fault": "error", "status": 200, "code": "AccessDenied"}'
fails_at 'refused behind a 200' 1 "^s3-stage: cannot end putting 's3://.*': 200 AccessDenied"
faults '{"method": "POST", "path": "uploadId", "fault": "error", "status": 404, "code": "NoSuchUpload"}'
fails_at 'an upload that somebody ended' 1 "^s3-stage: cannot end putting 's3://.*': 404 NoSuchUpload: somebody has ended it"

# A fault in the data of the last row, when parts are on their way already.
echo x,y >>csv
lines=$(($(wc -l <csv) - 1))
fails_at 'bad data at the end' 1 "row $lines \(the header not counted\), byte [0-9]+: not as many fields as the header \(2, not 1\)"

# Stopped while parts are sent.
sed -i '$d' csv
faults '{"method": "PUT", "path": "partNumber=2", "fault": "delay", "seconds": 30}'
forget_log
s3-stage --part-size 24M --jobs 2 --compress none <csv >out 2>err &
pid=$!
for i in $(seq 100); do
	s3view log | grep -q 'partNumber=1&.* 200' && break
	sleep 0.1
done
kill -TERM $pid
wait $pid
status=$?
faults
status_is 143 'stopped in the middle'
ok 'nothing is stored' nothing_stored
ok 'no upload is left open' no_uploads
done_testing
