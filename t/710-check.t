#!/bin/sh
# rs-writeback --check: a good account, and a broken link of every kind, each
# with its own line and what to do.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
sandbox_options="--sshd PermitOpen=any"
. "$srcdir/t/e2e.sh"

near='configuration domo domo_login domo_scope bastion ssh_session host_key login
database'
far='database_tls certificate database_login create insert aws_keys bucket
bucket_region put get list delete copy'

run rs-writeback --check sandbox
status_is 0 'a good account'
for link in $near $far; do
	link=$(echo "$link" | tr _ ' ')
	ok "$link holds" t_like "^ok    $link( by key)? " out
done
same 'in the order of the way' "$(sed -n 's/^ok    \(.\{14\}\).*/\1/p' out |
	sed 's/ by key//; s/ *$//' | tr ' \n' '_ ')" "$(echo $near $far) "
ok 'the addresses to allow' t_like \
	"^-     addresses .*at the bastion 127.0.0.1 on port $SANDBOX_SSH_PORT; at the database 127.0.0.1 on port $SANDBOX_DB_PORT" out
same 'nothing is left on S3' "$(staged)" 0
same 'nor in the database' "$(tables)" ''
run rs-writeback --check sandbox-password
ok 'login by password' t_like '^ok    login password ' out
run rs-writeback --check sandbox-role
ok 'COPY by a role' t_like "^ok    copy .*$SANDBOX_IAM_ROLE" out

# broken DESCRIPTION LINK ERE [SKIPPED]: --check of the account `broken`; only
# this link fails, in one line that matches and says what to do; it is the
# reason why SKIPPED is not tried.
broken() {
	tried
	status_is 1 "$1: status 1"
	out_like "$1: says so" "^FAIL  $2 +.*$3"
	same "$1: one line fails" "$(grep -c '^FAIL' out)" 1
	same "$1: nothing on stderr" "$(cat err)" ''
	[ -z "${4:-}" ] || out_like "$1: '$4' is not tried" \
		"^-     $4 +not tried, because of '$2"
}
tried() {
	run rs-check -${1:-a} broken
	cp keep.conf conf
	rm -f "$RSW_SANDBOX"/*/faults.json
}
cp conf keep.conf
with() { account broken "$@"; }
fault() { echo "[$2]" >"$RSW_SANDBOX/$1/faults.json"; }

with domo_client_secret=
broken 'a key missing' configuration "without 'domo_client_secret': set it in" \
	'domo scope'
with database_username=
broken 'a database key missing' configuration "without 'database_username'" create
with domo_client_secret=wrong
broken 'wrong client secret' 'domo login' '401.* -> copy both' 'domo scope'
with domo_client_id=user-only
broken 'no scope' 'domo scope' 'Invalid scope: data.* -> give the client'
with
fault domo '{"path": "^/v1/", "fault": "403"}'
broken 'no right to list' 'domo scope' '403.* -> give the client'
with
fault domo '{"fault": "html-blocked"}'
broken 'blocked by Domo' domo "'Domo - Blocked'.* -> .*must allow this machine" \
	'domo login'
with
fault domo '{"fault": "html-503"}'
RSW_RETRY_SCALE=0 broken 'Domo has trouble' domo '503.* -> .*try again later' 'domo login'
with domo_api_url=http://127.0.0.1:9
broken 'no Domo' domo 'Failed to connect.* -> .*domo_api_url' 'domo scope'

with ssh_port=9
broken 'no bastion' bastion 'port 9.* -> .*this machine.s public address' copy
with ssh_hostname=nowhere.example.test
broken 'no such bastion' bastion 'nowhere.example.test.* -> ' login
with ssh_port="${SANDBOX_DOMO_URL##*:}"
broken 'no SSH server' 'ssh session' ' -> is .* really an SSH' 'host key'
with ssh_private_key="$T/gone.pem"
broken 'no such key' 'ssh settings' "gone.pem': No such file.* -> " bastion
echo >no_hosts
with ssh_known_hosts="$T/no_hosts"
broken 'unknown host key' 'host key' 'not known.*SHA256:.* -> ask' login
sed "s/ssh-ed25519 .*/$(cut -d ' ' -f 1,2 "$SANDBOX_KEYS/id_ed25519.pub" |
	sed 's,/,\\/,g')/" "$SANDBOX_KNOWN_HOSTS" | grep ed25519 >other_hosts
with ssh_known_hosts="$T/other_hosts"
broken 'another host key' 'host key' 'shows another key.* -> ask' login
with ssh_private_key= ssh_password=wrong
broken 'wrong SSH password' 'login password' 'refused.* -> check ssh_user' database
with ssh_private_key="$SANDBOX_KEYS/id_rsa_stranger.pem"
broken 'a key that is not let in' 'login by key' 'refused.* -> .*authorized_keys' copy
with ssh_private_key=
broken 'nothing to log in with' login 'no key.* -> set ssh_private_key' create
eval "$(ssh-agent)" >/dev/null
at_end "kill $SSH_AGENT_PID"
ssh-add -q "$SANDBOX_KEYS/id_ed25519"
with ssh_private_key=
tried
status_is 0 'login by agent'
out_like 'says so' "^ok    login by agent 'tunnel'"
ssh-add -q -D
with ssh_private_key=
broken 'an agent without a key' 'login by agent' ' -> add a key to the agent' database
unset SSH_AUTH_SOCK
with ssh_password=wrong
tried
status_is 0 'one of two logins works'
out_like 'the other is told' '^-     login password .*refused.*not needed'

with database_port=1
broken 'no database' database ':1.* -> .*security group.*, 127.0.0.1 on port 1' \
	'database login'
with database_hostname=nosuch.example.test
broken 'no such database host' database 'nosuch.*not know this name.* -> .*endpoint' \
	certificate
with database_port="$SANDBOX_SSH_PORT"
broken 'no TLS there' 'database tls' ' -> .*something else' create
with certificate= certificate_format=none database_sslmode=verify-full
broken 'no certificate' certificate 'root certificate.* -> ' 'database login'
with certificate=http://127.0.0.1:9/ca.pem
broken 'a certificate that cannot be had' certificate 'cannot fetch.* -> ' create
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout other.key -out other.pem -days 2 -subj /CN=other 2>/dev/null
with certificate="$T/other.pem"
broken 'another certificate' certificate 'not signed by.* -> check' insert
with database_hostname=127.0.0.1
broken 'a name not in the certificate' certificate 'host name.* -> .*verify-ca' create
with certificate= certificate_format=none
tried
status_is 0 'without a certificate'
out_like 'says that it is not asked for' '^-     certificate .*set certificate'
with database_password=wrong
broken 'wrong database password' 'database login' 'password.* -> check' create
same 'it was tried once' \
	"$(jq -r .loader.failures "$RSW_SANDBOX/db/lockout.json")" 1
with database_name=nosuch
broken 'no such database' 'database login' 'nosuch.* -> ' insert
sql 'CREATE SCHEMA locked'
with schema_name=locked
broken 'no right to create' create \
	'ermission.* -> .*GRANT CREATE, USAGE ON SCHEMA locked TO loader' insert
with schema_name=gone
broken 'no such schema' create "gone.* -> set schema_name" insert
with
fault db '{"match": "^INSERT", "action": "error", "code": "42501",
	"message": "permission denied for relation"}'
broken 'no right to insert' insert 'permission denied.* -> .*grant INSERT'

with aws_secret_key=wrong
broken 'wrong secret key' 'aws keys' 'SignatureDoesNotMatch.* -> S3 does not' copy
with aws_access_key=AKIANOBODYKNOWSTHIS1
broken 'wrong access key' 'aws keys' 'InvalidAccessKeyId.* -> S3 does not' put
with aws_access_key= aws_secret_key=
export AWS_EC2_METADATA_DISABLED=true
broken 'no AWS keys' 'aws keys' "'aws_access_key': set it.* -> " list
with bucket=no-such-bucket
broken 'no such bucket' bucket 'NoSuchBucket.* -> make' 'bucket region'
with s3_endpoint_url=http://127.0.0.1:9
broken 'no S3' bucket 'Failed to connect.* -> check bucket' delete
with region=eu-central-1
broken 'another region' 'bucket region' \
	"in 'us-east-1', not in 'eu-central-1' -> set region = us-east-1" put
denied='"fault": "error", "status": 403, "code": "AccessDenied"'
with
fault s3 '{"method": "PUT", '"$denied}"
broken 'no right to put' put 's3:PutObject on arn:aws:s3:::rsw-sandbox/' delete
with
fault s3 '{"method": "GET", "path": "probe", '"$denied}"
broken 'no right to get' get 's3:GetObject' copy
with
fault s3 '{"method": "GET", "path": "list-type", '"$denied}"
broken 'no right to list' list 's3:ListBucket on arn:aws:s3:::rsw-sandbox$' copy
with
fault s3 '{"method": "POST", "path": "delete", '"$denied}"
broken 'no right to delete' delete 's3:DeleteObject'
with iam_role=arn:aws:iam::111122223333:role/nobody
broken 'a role that cannot read' copy 'nobody.* -> attach the role'
with
fault db '{"match": "TEMP TABLE", "action": "error", "code": "42501",
	"message": "permission denied to create temporary tables"}'
broken 'no temporary tables' copy ' -> .*GRANT TEMP ON DATABASE dev TO loader'

# Accounts for a part of the way
bucket_only='domo_client_id= domo_client_secret= database_hostname= database_name=
database_username= database_password= ssh_hostname='
with $bucket_only
tried
status_is 0 'an account for S3 alone'
out_like 'Domo is a remark' '^-     domo +no domo_client_id'
out_like 'the database too' '^-     database +no database_hostname'
out_like 'the bucket holds' '^ok    delete'
with $bucket_only
job broken account=broken dataset_id=x
tried j
status_is 1 'a job needs all parts'
out_like 'and says which' "^FAIL  configuration .*'database_hostname'"
with $bucket_only bucket=
broken 'an empty account' configuration 'nothing is set .* -> name an account'
with ssh_hostname= database_hostname=127.0.0.1 database_sslmode=verify-ca
tried
status_is 0 'without a bastion'
out_like 'says so' '^-     bastion +none is set'
with ssh_transport=openssh
tried
status_is 0 'through the system'"'"'s ssh'
out_like 'says so' '^ok    login +by the system.s ssh'
with ssh_transport=openssh ssh_private_key="$SANDBOX_KEYS/id_rsa_stranger.pem"
broken 'no login by it' login ' -> .*does .ssh -v 127' database

run rs-writeback --check nobody
status_is 2 'no such account'
out_like 'says so' '^FAIL  configuration .*\[account nobody\]'
chmod 644 conf
run rs-writeback --check sandbox
status_is 2 'a configuration that others can read'
out_like 'says so' '^FAIL  configuration .*chmod 600'
done_testing
