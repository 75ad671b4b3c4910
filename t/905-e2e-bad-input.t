#!/bin/sh
# Bad input gets a clear message, its exit status, and a table that is as it
# was; nothing is left on S3.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
# A bastion that lets everything through, so that what is behind it answers.
sandbox_options="--sshd PermitOpen=any"
. "$srcdir/t/e2e.sh"

id=bbbbbbbb-0000-0000-0000-000000000001
dataset $id 'Good' k:LONG,v:STRING <<'E'
k,v
1,one
E
job good dataset_id=$id table_name_source=custom_name custom_table_name=good \
	append_or_overwrite=overwrite
run rs-writeback good
status_is 0 'the good run'

# bad DESCRIPTION STATUS ERE JOB: fails so, in one line that matches.
bad() {
	run rs-writeback "$4"
	status_is "$2" "$1: status $2"
	err_like "$1: says so" "$3"
	err_like "$1: names the job" "^rs-writeback: job '$4' failed"
	out_empty "$1: nothing on stdout"
	ok "$1: the table is as it was" t_same "$(rows good)" 'k,v
1,one'
	same "$1: nothing is left on S3" "$(staged)" 0
}
with() {	# with NAME KEY=VALUE...: the good job on another account
	account "$@"
	job "$1" account="$1" dataset_id=$id table_name_source=custom_name \
		custom_table_name=good append_or_overwrite=overwrite
}

job unknown dataset_id=00000000-0000-0000-0000-000000000000 \
	table_name_source=custom_name custom_table_name=good
bad 'unknown DataSet' 1 "domo-cat: .*'00000000-0000-0000-0000-000000000000'.*404" unknown
# Metadata, schema and rows are asked for one after the other.
stale='[{"path": "0001$", "fault": "metadata", "times": 1, "set":
	{"rows": 99, "updatedAt": "2020-01-01T00:00:00Z"}}]'
fault domo "$stale"
bad 'an update since the metadata were taken' 75 \
	'domo-cat: .*the DataSet was updated since its metadata were taken' good
fault domo "$stale"
RSW_RETRIES=1 RSW_RETRY_DELAY=0 run rs-writeback good
status_is 0 'which another attempt takes'
fault domo
with secret domo_client_secret=wrong
bad 'wrong client secret' 1 'domo-cat: .*401.*(client id|domo_client_)' secret
with sshpw ssh_private_key= ssh_password=wrong
bad 'wrong SSH password' 1 'ssh-fwd: .*(password|log in)' sshpw
echo >no_hosts
with hostkey ssh_known_hosts="$T/no_hosts" ssh_host_key_fingerprint=
bad 'unknown host key' 1 'ssh-fwd: cannot trust the bastion .*not known .*SHA256:' hostkey
with noroute database_port=1
bad 'bastion that cannot reach the database' 75 'ssh-fwd: .*:1.*' noroute
with noname database_hostname=nowhere.example.test
bad 'database name that the bastion does not know' 1 'ssh-fwd: .*nowhere.example.test' noname
with dbpw database_password=wrong
bad 'wrong database password' 1 'rs-load: .*password' dbpw
same 'the database password was tried once' \
	"$(jq -r .loader.failures "$RSW_SANDBOX/db/lockout.json")" 1
with bucket bucket=no-such-bucket
bad 'missing bucket' 1 "s3-stage: .*no-such-bucket.*NoSuchBucket" bucket
with awskey aws_secret_key=wrong
bad 'wrong AWS key' 1 's3-stage: .*403.*SignatureDoesNotMatch' awskey

# csv DESCRIPTION ERE FORMAT: s3-stage refuses what printf makes of FORMAT,
# and nothing of it gets into the table.
csv() {
	# shellcheck disable=SC2059 # the format is the input
	printf "$3" | tee in >bad.csv
	fails "$1" 1 "^s3-stage: cannot stage 'standard input': $2" \
		s3-stage -q -j good
	run sh -c 's3-stage -q -j good <bad.csv | ssh-fwd -q -j good -- \
		rs-load -q -j good --overwrite public.good'
	status_is 1 "$1: the pipeline fails"
	ok "$1: the table is as it was" t_same "$(rows good)" 'k,v
1,one'
	same "$1: nothing is left on S3" "$(staged)" 0
}
csv 'open quote' "row 1 .*column 'v': a quote that is never closed" \
	'k,v\n1,"open\n2,x\n'
csv 'ragged row' 'row 2 .*\(3, not 2\)' 'k,v\n1,a\n2,b,c\n'
csv 'invalid UTF-8' "row 2 .*column 'v': .*utf-8" 'k,v\n1,a\n2,\377b\n'
csv 'NUL' "row 1 .*column 'v': .*NUL" 'k,v\n1,a\000b\n'
csv 'a text that is the null string' "row 1 .*column 'v': .*null string" \
	'k,v\n1,\\N\n'

ragged=bbbbbbbb-0000-0000-0000-000000000002
printf 'k,v\n1,a\n2,b,c\n3,d\n' | dataset $ragged Ragged k:LONG,v:STRING
job ragged dataset_id=$ragged table_name_source=custom_name \
	custom_table_name=good append_or_overwrite=overwrite
bad 'a ragged row from Domo' 1 's3-stage: .*row 2 .*\(3, not 2\)' ragged
open=bbbbbbbb-0000-0000-0000-000000000003
printf 'k,v\n1,a\n2,"b\n3,d\n' | dataset $open Open k:LONG,v:STRING
job open dataset_id=$open table_name_source=custom_name \
	custom_table_name=good append_or_overwrite=overwrite
bad 'an open quote from Domo' 75 'domo-cat: .*it ends inside a quoted field' open

with nobucket bucket=
bad 'missing key' 2 "s3-stage: cannot go on without 'bucket': set it in \[account nobucket\] of '.*', or set RSW_BUCKET" nobucket
with nodomo domo_client_id=
bad 'missing Domo key' 2 "domo-cat: cannot go on without 'domo_client_id'" nodomo
with nouser ssh_username=
bad 'missing SSH user: the local one is taken, as ssh does' 1 \
	"ssh-fwd: cannot log in to .* as '$(id -un)'" nouser
chmod 644 conf
run rs-writeback good
status_is 2 'a configuration that others can read'
err_like 'is refused' "others can read it \(mode 0644\); run: chmod 600"
chmod 600 conf

# No secret in any message of all this.
pw=$(sed -n 's/^database_password *= *//p' conf | head -n 1)
cat err >all_err
for j in dbpw awskey secret; do rs-writeback -vv $j >>all_err 2>&1 </dev/null; done
ok 'no database password in any message' t_unlike "${pw:-wrong}" all_err
done_testing
