#!/bin/sh
# rs-writeback --check: a good account, and a broken link of every kind, each
# with its own line and what to do.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
sandbox_options="--sshd PermitOpen=any"
. "$srcdir/t/e2e.sh"

run rs-writeback --check sandbox
status_is 0 'a good account'
ok 'no link fails' t_unlike '^FAIL' out
for link in configuration 'domo login' 'domo scope' bastion 'host key' \
	'login by key' database 'database tls' 'database login' create insert \
	bucket put get list copy delete; do
	ok "$link holds" t_like "^ok    $link  " out
done
same 'nothing is left on S3' "$(staged)" 0
same 'nor in the database' "$(tables)" ''
run rs-writeback --check sandbox-password
ok 'login by password' t_like '^ok    login password ' out

# broken DESCRIPTION LINK ERE: --check of the account `broken`; only this link
# fails, in one line that matches and says what to do.
broken() {
	run rs-writeback --check "${4:-broken}"
	status_is 1 "$1: status 1"
	out_like "$1: says so" "^FAIL  $2 +.*$3"
	same "$1: one line fails" "$(grep -c '^FAIL' out)" 1
	same "$1: nothing on stderr" "$(cat err)" ''
	cp keep.conf conf
}
cp conf keep.conf
with() { account broken "$@"; }

with domo_client_secret=wrong
broken 'wrong client secret' 'domo login' '401.* -> check domo_client_id'
with domo_api_url=http://127.0.0.1:9
RSW_DOMO_TRIES=1; export RSW_DOMO_TRIES
broken 'no Domo' 'domo login' ' -> .*domo_api_url'
with ssh_port=9
broken 'no bastion' bastion 'port 9.* -> .*allow this machine'
with ssh_hostname=nowhere.example.test
broken 'no such bastion' bastion 'nowhere.example.test.* -> '
echo >no_hosts
with ssh_known_hosts="$T/no_hosts"
broken 'unknown host key' 'host key' 'not known.*SHA256:.* -> ask'
with ssh_private_key= ssh_password=wrong
broken 'wrong SSH password' login 'refused.* -> .*authorized_keys'
with ssh_private_key=
broken 'nothing to log in with' login 'no key.* -> set ssh_private_key'
with database_port=1
broken 'no database' database ':1.* -> .*security group'
with certificate= certificate_format=none database_sslmode=verify-full
broken 'no certificate' 'database tls' 'certificate.* -> '
with database_password=wrong
broken 'wrong database password' 'database login' 'password.* -> '
same 'it was tried once' \
	"$(jq -r .loader.failures "$RSW_SANDBOX/db/lockout.json")" 1
with database_name=nosuch
broken 'no such database' 'database login' 'nosuch.* -> '
sql 'CREATE SCHEMA locked'
with schema_name=locked
broken 'no right to create' create 'ermission.* -> .*GRANT CREATE'
with bucket=no-such-bucket
broken 'no such bucket' bucket 'NoSuchBucket.* -> check bucket'
with aws_secret_key=wrong
broken 'wrong secret key' bucket 'SignatureDoesNotMatch.* -> check aws_secret'
with iam_role=arn:aws:iam::111122223333:role/nobody
broken 'a role that cannot read' copy ' -> the role'
chmod 644 conf
run rs-writeback --check sandbox
status_is 2 'a configuration that others can read'
out_like 'says so' '^FAIL  configuration .*(read|chmod)'
done_testing
