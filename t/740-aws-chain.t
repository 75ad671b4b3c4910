#!/bin/sh
# Who we are to AWS: keys, shared files, the container's endpoint, IMDSv2; and
# libpq's own password file.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/e2e.sh"

of_token() { sed -n "/^\[account sandbox-token\]/,/^\[[^a]/s/^$1 = //p" conf | head -n 1; }
access=$(of_token aws_access_key) secret=$(of_token aws_secret_key)
token=$(of_token aws_session_token)
ok 'the sandbox has a temporary key' test -n "$token"
account bare aws_access_key= aws_secret_key=
export AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN

# A responder like both endpoints; it wants the token that it gave.
cat >answers.py <<'E'
import http.server, json, os, sys
CREDS = json.dumps({
    'Code': 'Success', 'AccessKeyId': os.environ['A'],
    'SecretAccessKey': os.environ['S'], 'Token': os.environ['T'],
    'Expiration': '2099-01-01T00:00:00Z'})
ROLES = '/latest/meta-data/iam/security-credentials/'
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, text):
        self.send_response(status)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    def do_PUT(self):
        ttl = self.headers.get('X-aws-ec2-metadata-token-ttl-seconds')
        ok = self.path == '/latest/api/token' and ttl == '21600'
        self.answer(200, 'imds-token') if ok else self.answer(400, '')
    def do_GET(self):
        known = self.headers.get('X-aws-ec2-metadata-token') == 'imds-token'
        if self.path == '/container':
            good = self.headers.get('Authorization') == 'Bearer of-pod'
            self.answer(200, CREDS) if good else self.answer(401, 'no')
        elif not known:
            self.answer(401, '')
        elif self.path == ROLES:
            self.answer(200, 'my-role')
        elif self.path == ROLES + 'my-role':
            self.answer(200, CREDS)
        else:
            self.answer(404, '')
server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
E
A=$access S=$secret T=$token /usr/bin/python3 answers.py >port 2>answers.log &
pid=$!
at_end 'kill $pid'
for _ in $(seq 1 50); do [ -s port ] && break; sleep 0.1; done
url=http://127.0.0.1:$(cat port)

# stages DESCRIPTION [VARIABLE=VALUE...]: s3-stage finds its credentials.
stages() {
	what=$1
	shift
	printf 'a\n1\n' >in
	run env "$@" s3-stage -q -a bare
	status_is 0 "$what"
	cp out manifest
	ok "$what: rows are staged" grep -q record_count manifest
	env "$@" s3-unstage -q -a bare <manifest
}
printf 'a\n1\n' >in
fails 'no credentials' 2 "'aws_access_key': set it in" s3-stage -q -a bare
stages 'environment' AWS_ACCESS_KEY_ID="$access" \
	AWS_SECRET_ACCESS_KEY="$secret" AWS_SESSION_TOKEN="$token"
mkdir "$HOME/.aws"
printf '[work]\naws_access_key_id = %s\naws_secret_access_key = %s\naws_session_token = %s\n' \
	"$access" "$secret" "$token" >"$HOME/.aws/credentials"
stages 'a profile' AWS_PROFILE=work
stages 'the container' AWS_CONTAINER_CREDENTIALS_FULL_URI="$url/container" \
	AWS_CONTAINER_AUTHORIZATION_TOKEN='Bearer of-pod'
echo 'Bearer of-pod' >pod
stages 'the container, its token in a file' \
	AWS_CONTAINER_CREDENTIALS_FULL_URI="$url/container" \
	AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=pod
stages 'the instance' AWS_EC2_METADATA_DISABLED=false \
	AWS_EC2_METADATA_SERVICE_ENDPOINT="$url"
printf 'a\n1\n' >in
fails 'a container that refuses' 1 "the container's endpoint.*it refuses" \
	env AWS_CONTAINER_CREDENTIALS_FULL_URI="$url/container" s3-stage -q -a bare
printf 'a\n1\n' >in
fails 'a container elsewhere' 2 'neither https nor an address of this' env \
	AWS_CONTAINER_CREDENTIALS_FULL_URI=http://example.com/x s3-stage -q -a bare
printf 'a\n1\n' >in
fails 'no instance' 2 "'aws_access_key': set it in" env \
	AWS_EC2_METADATA_DISABLED=false \
	AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:9 s3-stage -q -a bare

# libpq's password file
account nopw database_password=
printf '*:*:dev:%s:%s\n' "$SANDBOX_DB_USER" \
	"$(sed 's/[:\\]/\\&/g' "$SANDBOX_SECRETS/db")" >"$HOME/.pgpass"
chmod 600 "$HOME/.pgpass"
run ssh-fwd -q -a nopw -- rs-load -q -a nopw -L public
status_is 0 'a password of .pgpass'
done_testing
