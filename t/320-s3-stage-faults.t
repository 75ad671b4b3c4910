#!/bin/sh
# s3-stage against a wrong key, a wrong bucket and every fault of S3 that can
# be made: what passes is tried again, what does not is told in S3's words.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/s3.sh"

printf 'a,b\n1,2\n3,4\n' >small.csv
awk 'BEGIN { print "n,t"; for (i = 1; i <= 200000; i++) print i ",text " i }' \
	>many.csv

# survives DESCRIPTION [OPTION...]: small.csv is staged in spite of the fault.
survives() {
	s_what=$1
	shift
	input <small.csv
	run s3-stage "$@"
	status_is 0 "$s_what"
	faults
	cp out manifest
	s3-cat <manifest >back
	ok "$s_what: the rows are there" cmp back small.csv
	unstaged "$s_what: and go"
}
# gives_up DESCRIPTION STATUS ERE [OPTION...]
gives_up() {
	g_what=$1 g_status=$2 g_says=$3
	shift 3
	input <small.csv
	fails "$g_what" "$g_status" "$g_says" s3-stage "$@"
	faults
	ok "$g_what: nothing is stored" nothing_stored
}
asked() { s3view log | grep -c "^$1"; }

# --- wrong settings ---

RSW_AWS_SECRET_KEY=wrong RSW_AWS_ACCESS_KEY=$SANDBOX_AWS_ACCESS_KEY gives_up \
	'a wrong secret' 1 "^s3-stage: cannot put 's3://.*': 403 SignatureDoesNotMatch: .*; look at the key 'aws_secret_key'$"
ok 'the secret is not told' t_unlike wrong err
same 'a refusal is one line' "$(wc -l <err)" 1
RSW_AWS_SECRET_KEY=wrong RSW_AWS_ACCESS_KEY=AKIANOBODY gives_up 'an unknown key' 1 \
	": 403 InvalidAccessKeyId: .*; look at the key 'aws_access_key'$"
RSW_AWS_SECRET_KEY=wrong gives_up 'a secret without its key' 2 \
	"cannot use 'aws_secret_key' of environment RSW_AWS_SECRET_KEY: 'aws_access_key' is not set there too"
gives_up 'a bucket that is not there' 1 \
	": 404 NoSuchBucket: .*; look at the key 'bucket'$" s3://no-such-bucket/x
RSW_S3_ENDPOINT_URL=127.0.0.1:1 gives_up 'an endpoint without its scheme' 2 \
	"'s3_endpoint_url': it is http\[s\]://HOST\[:PORT\]"
RSW_S3_ADDRESSING=other gives_up 'a word of none' 2 \
	"cannot use 'other' as 's3_addressing' \(environment RSW_S3_ADDRESSING\): it is one of auto or path or virtual"
RSW_PART_SIZE=1k gives_up 'a part too small' 2 \
	"cannot use '1k' as 'part_size' .*: it is a size from 1M to 4G"
gives_up 'an argument of none' 2 "'/tmp/x' is not s3://BUCKET/PREFIX" /tmp/x
gives_up 'an account of none' 2 'cannot find \[account none\]' -a none
ok 'none of these has asked for long' test "$(asked PUT)" -le 4
RSW_S3_ENDPOINT_URL=http://127.0.0.1:1 gives_up 'nobody listens' 75 \
	"cannot put 's3://.*' at '127.0.0.1:1': .*\(after 4 attempts\)$"
RSW_ACCOUNT='' RSW_BUCKET=b HOME=$T/nobody gives_up 'no credentials' 2 \
	"cannot go on without 'aws_access_key': .*AWS_ACCESS_KEY_ID"

# --- credentials of the shared files ---

secret=$(sed -n '/^\[account sandbox\]/,/^$/s/^aws_secret_key = //p' \
	"$RS_WRITEBACK_CONFIG" | head -n 1)
mkdir -p "$HOME/.aws"
cat >"$HOME/.aws/credentials" <<E2
# a comment
[default]
aws_access_key_id = AKIANOBODY
aws_secret_access_key = wrong

[mine]
aws_access_key_id=$SANDBOX_AWS_ACCESS_KEY
aws_secret_access_key = $secret
E2
cat >"$HOME/.aws/config" <<'E2'
[default]
region = eu-west-1
[profile mine]
region = us-east-1
s3 =
  addressing_style = path
E2
AWS_PROFILE=mine survives 'a profile, which outranks the account'
RSW_ACCOUNT='' RSW_BUCKET=$SANDBOX_BUCKET \
	RSW_S3_ENDPOINT_URL=$SANDBOX_S3_URL gives_up 'the default profile' 1 \
	'InvalidAccessKeyId'
AWS_PROFILE=none gives_up 'a profile of none' 2 \
	"cannot find the AWS profile 'none'"
survives 'a session token' -a sandbox-token
# New credentials in the same file, in the middle of a run: first with a
# token, then without.
token_file() {
	sed -n "/^\[account $1\]/,/^\$/p" "$RS_WRITEBACK_CONFIG" |
		sed -n 's/^aws_access_key = /aws_access_key_id=/p
			s/^aws_secret_key = /aws_secret_access_key=/p
			s/^aws_session_token = /aws_session_token=/p' >keys
	(echo '[mine]'; cat keys) >"$HOME/.aws/credentials"
}
token_file sandbox-token
forget_log
mkfifo pipe
AWS_PROFILE=mine s3-stage --part-size 1M --slices 1 --jobs 1 --uploads 1 <pipe >out 2>err &
stage=$!
exec 3>pipe
cat many.csv >&3
for i in $(seq 100); do
	s3view log | grep -q '^PUT .*part-00000.* 200' && break
	sleep 0.1
done
faults '{"method": "PUT", "fault": "error", "status": 400, "code": "ExpiredToken", "times": 1}'
token_file sandbox
tail -n +2 many.csv >&3
exec 3>&-
wait $stage
status=$?
faults
status_is 0 'a token that expires in a long run'
s3view log x-amz-security-token >log
ok 'the token was used' grep -q '^PUT .* 200 .*token=[^N]' log
same 'and is not, since the refusal' \
	"$(sed -n '/ 400 /,$p' log | tail -n +2 | grep '^PUT' | grep -vc '=None$')" 0
unstaged 'and the objects go'
AWS_SESSION_TOKEN=x survives 'a token of the environment is not sent with the account'"'"'s key'
rm -r "$HOME/.aws"

# --- what passes ---

forget_log
faults '{"method": "PUT", "fault": "error", "status": 503, "code": "SlowDown", "times": 3}'
survives 'slow down'
same 'PUTs' "$(asked PUT)" 5
for f in '"error", "status": 500' '"error", "status": 502' '"error", "status": 504' \
    '"error", "status": 429, "code": "TooManyRequests"' \
    '"error", "status": 400, "code": "RequestTimeout"' \
    '"error", "status": 409, "code": "OperationAborted"' \
    '"error", "status": 500, "when": "after"' \
    '"reset"' '"reset", "bytes": 10' '"reset", "when": "after"'; do
	faults "{\"method\": \"PUT\", \"fault\": $f, \"times\": 2}"
	survives "twice $f"
done
faults '{"method": "HEAD", "fault": "error", "status": 503, "times": 2}'
survives 'twice 503 when an object is looked at'
now=$(date -u +%s)
faults "{\"method\": \"PUT\", \"fault\": \"error\", \"status\": 403, \"code\": \"RequestTimeTooSkewed\", \"times\": 1, \"headers\": [[\"Date\", \"$(date -u -d "@$((now + 300))" '+%a, %d %b %Y %H:%M:%S GMT')\"]]}"
forget_log
survives 'a clock that is wrong' -v
err_like 'is told' "this computer's clock differs from S3's by (29[0-9]|30[0-9]) s"
s3view log x-amz-date | awk '/^PUT/ { print $NF }' | head -n 2 >dates
ok 'and put right in the signature' test "$(uniq dates | wc -l)" -eq 2
faults '{"method": "PUT", "fault": "error", "status": 403, "code": "RequestTimeTooSkewed"}'
gives_up 'a clock that stays wrong' 1 \
	": 403 RequestTimeTooSkewed: .*; set this computer's clock$"

# --- names of hosts ---

# Without an endpoint; nobody is asked, because the proxy is not there.
for b in plain-bucket with.dots; do
	host=s3.us-west-2.amazonaws.com
	[ $b = with.dots ] || host=$b.$host
	RSW_ACCOUNT='' AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b \
		AWS_REGION=us-west-2 https_proxy=http://127.0.0.1:1 \
		gives_up "$b at AWS" 75 "cannot put 's3://$b/x/.*' at '$host': " \
		s3://$b/x
done

# --- another region ---

RSW_REGION=eu-west-9 survives 'a wrong region, which S3 tells' -v
err_like 'is told' "the bucket is in region 'us-east-1', not in 'eu-west-9'; set region = us-east-1"
faults '{"method": "PUT", "fault": "error", "status": 301, "code": "PermanentRedirect", "headers": [["x-amz-bucket-region", "us-east-1"]]}'
RSW_REGION=eu-west-9 gives_up 'sent round in circles' 1 ': 301 PermanentRedirect: .*'
forget_log
input <many.csv
RSW_REGION=eu-west-9 run s3-stage --uploads 1 --part-size 1M <many.csv
same 'the region is remembered' "$(s3view log | grep -c '^PUT.* 400')" 1
unstaged 'and the objects go'

# --- what does not pass ---

faults '{"method": "PUT", "fault": "error", "status": 503, "code": "SlowDown"}'
forget_log
gives_up 'slow down for ever' 75 ': 503 SlowDown: injected .*\(after 10 attempts\)'
same 'ten attempts' "$(asked PUT)" 10
faults '{"method": "PUT", "fault": "error", "status": 503, "code": "SlowDown"}'
forget_log
AWS_MAX_ATTEMPTS=2 gives_up 'two attempts if so wished' 75 '\(after 2 attempts\)'
same 'two attempts' "$(asked PUT)" 2
faults '{"method": "PUT", "fault": "error", "status": 403, "code": "AccessDenied", "message": "No & never"}'
gives_up 'no right' 1 ": 403 AccessDenied: No & never \(request [0-9A-F]+\)$"
faults '{"method": "PUT", "path": "manifest", "fault": "error", "status": 403, "code": "AccessDenied"}'
gives_up 'no right to store the manifest' 1 "cannot put 's3://.*/manifest.json': 403"
faults '{"method": "HEAD", "fault": "error", "status": 404}'
gives_up 'an object that is not there afterwards' 1 \
	"cannot find 's3://.*/part-00000.csv.gz', which was just stored"
faults '{"method": "HEAD", "fault": "error", "status": 403}'
survives 'without the right to look'
faults '{"method": "PUT", "fault": "error", "status": 400, "code": "ExpiredToken"}'
gives_up 'an expired token' 1 ': 400 ExpiredToken: .*; get new credentials' -a sandbox-token

# A later one fails: the others go.
faults '{"method": "PUT", "path": "part-00003", "fault": "error", "status": 403, "code": "AccessDenied"}'
cp many.csv small.csv
forget_log
gives_up 'one of many is refused' 1 "part-00003.csv.gz': 403 AccessDenied" \
	--part-size 1M --jobs 1 --uploads 1
s3view log >log
ok 'others had been stored' grep -q '^PUT .*part-00000.csv.gz 200' log
# One is refused while another, sent whole, waits for its answer: that one
# goes too, and does not appear when we are gone.
faults '{"method": "PUT", "path": "part-00000", "fault": "delay", "seconds": 2}' \
	'{"method": "PUT", "path": "part-00003", "fault": "error", "status": 403, "code": "AccessDenied"}'
input <many.csv
run s3-stage --part-size 1M --uploads 4
status_is 1 'refused while another is on its way'
sleep 2.5
ok 'that one is not there either' nothing_stored
faults '{"method": "PUT", "path": "part-", "fault": "error", "status": 503, "code": "SlowDown", "every": 2}'
survives 'slow down at every other part' --part-size 1M --uploads 4
faults '{"method": "PUT", "path": "part-0000[13]", "fault": "error", "status": 403, "code": "AccessDenied"}' \
	'{"method": "POST", "fault": "error", "status": 403, "code": "AccessDenied"}'
input <many.csv
run s3-stage --part-size 1M --jobs 1 --uploads 1
status_is 1 'what cannot be removed'
err_like 'is told' "objects may be left below 's3://.*/'"
faults

# Slow down: fewer at a time. many.csv is small.csv now, some ten times.
(cat many.csv; for i in 1 2 3 4; do tail -n +2 many.csv; done) >csv
faults '{"method": "PUT", "path": "part-", "fault": "error", "status": 503, "code": "SlowDown", "times": 2}' \
	'{"method": "PUT", "path": "part-", "fault": "delay", "seconds": 0.3}'
forget_log
input <csv
run s3-stage --compress none --part-size 1M --uploads 4
status_is 0 'slow down while four are sent'
faults
# How many were under way when each of the next four began, at most.
/usr/bin/python3 - "$RSW_SANDBOX/s3/requests.log" >most <<'E2'
import json
import sys
puts = [r for r in map(json.loads, open(sys.argv[1])) if r['method'] == 'PUT']
slow = max(r['time'] + r['seconds'] for r in puts if r['status'] == 503)
later = sorted(r['time'] for r in puts if r['time'] > slow + 0.01)[:4]
print(max(sum(r['time'] <= t < r['time'] + r['seconds'] for r in puts)
          for t in later))
E2
ok 'then two at most' test "$(cat most)" -le 2
unstaged 'and they go'

# --- the bucket in the host name ---

printf 'a,b\n1,2\n3,4\n' >small.csv
forget_log
RSW_S3_ADDRESSING=virtual RSW_S3_ENDPOINT_URL=http://localhost:${SANDBOX_S3_URL##*:} \
	survives 'virtual-host style'
same 'is what it was' "$(s3view log host | grep -c "^PUT /staged/.* host=$SANDBOX_BUCKET.localhost:")" 2

# --- TLS ---

XDG_RUNTIME_DIR=$T
"$srcdir/t/sandbox" start --until $$ --only s3 --tls "$T/tls" >/dev/null
at_end '"$srcdir/t/sandbox" stop "$T/tls" >/dev/null 2>&1'
eval "$("$srcdir/t/sandbox" env "$T/tls")"
printf 'a,b\n1,2\n3,4\n' >small.csv
# What the whole machine trusts does not stand in for the account's own.
AWS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt survives 'over TLS'
forget_log
RSW_S3_PAYLOAD=unsigned survives 'without the hash in the signature'
same 'which is another sum then' "$(s3view log x-amz-content-sha256 x-amz-checksum-crc32 | grep -c '^PUT.*sha256=UNSIGNED-PAYLOAD x-amz-checksum-crc32=......==')" 2
RSW_S3_CACERT=/dev/null gives_up 'a certificate of nobody' 1 "cannot put 's3://.*' at '.*': .*certificate"
forget_log
RSW_S3_ENCRYPTION=aws:kms RSW_S3_KMS_KEY=alias/k RSW_S3_BUCKET_OWNER=123456789012 \
	survives 'KMS, and the owner of the bucket'
h=x-amz-server-side-encryption
s3view log $h $h-aws-kms-key-id x-amz-expected-bucket-owner >log
same 'are sent' "$(grep -c "^PUT .* $h=aws:kms $h-aws-kms-key-id=alias/k x-amz-expected-bucket-owner=123456789012$" log)" 2
done_testing
