#!/bin/sh
# Who we are to AWS: keys, shared files and what they lead to, web identity, the
# container's endpoint, IMDSv2; and libpq's own files.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/e2e.sh"

of_token() { sed -n "/^\[account sandbox-token\]/,/^\[[^a]/s/^$1 = //p" conf | head -n 1; }
access=$(of_token aws_access_key) secret=$(of_token aws_secret_key)
token=$(of_token aws_session_token)
ok 'the sandbox has a temporary key' test -n "$token"
account bare aws_access_key= aws_secret_key=
export AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN

# A responder like both endpoints and STS; it wants the token that it gave.
cat >answers.py <<'E'
import datetime, hashlib, hmac, http.server, json, os, re, urllib.parse
CREDS = json.dumps({
    'Code': 'Success', 'AccessKeyId': os.environ['A'],
    'SecretAccessKey': os.environ['S'], 'Token': os.environ['T'],
    'Expiration': '2099-01-01T00:00:00Z'})
ROLES = '/latest/meta-data/iam/security-credentials/'
XML = """<%sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<%sResult><AssumedRoleUser><Arn>arn</Arn></AssumedRoleUser><Credentials>
<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>
<SessionToken>%s</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
</Credentials></%sResult></%sResponse>"""
ERROR = """<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code>
<Message>%s</Message></Error></ErrorResponse>"""
ROLE = 'arn:aws:iam::111122223333:role/pod'
KEYS = {'AKIAIOSFODNN7EXAMPLE': ('source+secret/x', None),
        'ASIAIOSFODNN7EXAMPLE': ('session+secret/x', 'of+session/=')}

def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()

def signed(headers, body):
    """Is it signed as AWS wants it, by one of KEYS?"""
    m = re.fullmatch(r'AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/us-west-2/sts/'
                     r'aws4_request, ?SignedHeaders=([-a-z0-9;]+), ?'
                     r'Signature=([0-9a-f]{64})', headers.get('Authorization', ''))
    if not m or m[1] not in KEYS:
        return False
    secret, token = KEYS[m[1]]
    names = m[3].split(';')
    if not {'host', 'x-amz-date'} <= set(names) or \
            headers.get('X-Amz-Security-Token') != token or \
            (token and 'x-amz-security-token' not in names):
        return False
    date = headers['X-Amz-Date']
    when = datetime.datetime.strptime(date, '%Y%m%dT%H%M%SZ')
    canonical = '\n'.join(['POST', '/', ''] + ['%s:%s' % (
        n, headers[n].strip()) for n in names] + ['', m[3],
        hashlib.sha256(body).hexdigest()])
    text = '\n'.join(['AWS4-HMAC-SHA256', date, m[2] + '/us-west-2/sts/'
                      'aws4_request', hashlib.sha256(canonical.encode())
                      .hexdigest()])
    key = ('AWS4' + secret).encode()
    for part in (m[2], 'us-west-2', 'sts', 'aws4_request'):
        key = mac(key, part)
    return abs((datetime.datetime.utcnow() - when).total_seconds()) < 300 \
        and mac(key, text).hex() == m[4]

def sts(headers, body):
    """STS: status and text."""
    if not headers['Content-Type'].startswith('application/x-www-form-url'):
        return 404, ''
    form = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
    action = form.get('Action')
    web = action == 'AssumeRoleWithWebIdentity'
    if form.get('Version') != '2011-06-15' or not re.fullmatch(
            r'[\w+=,.@-]{2,64}', form.get('RoleSessionName', '')):
        return 400, ERROR % ('ValidationError', 'not valid')
    if form.get('RoleArn') != ROLE or not (web or action == 'AssumeRole'):
        return 403, ERROR % ('AccessDenied', 'Not authorized to perform '
                             'sts:AssumeRoleWithWebIdentity')
    if web and form.get('WebIdentityToken') != open('token').read().strip():
        return 400, ERROR % ('InvalidIdentityToken', 'No OpenIDConnect '
                             'provider found in your account')
    if not web and not signed(headers, body):
        return 403, ERROR % ('SignatureDoesNotMatch', 'The request signature '
                             'we calculated does not match')
    if os.path.exists('late'):
        os.unlink('late')
        return 503, ''
    with open('asked', 'a') as f:
        f.write(' '.join([action, form['RoleSessionName'],
                          form.get('ExternalId', '-')]) + '\n')
    if os.path.exists('old'):
        os.unlink('old')
        creds = 'ASIAOLDOLDOLDOLDOLDO', 'old', 'old-token'
    else:
        creds = os.environ['A'], os.environ['S'], os.environ['T']
    return 200, XML % ((action,) * 2 + creds + (action,) * 2)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.answer(*sts(self.headers, body))
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

# Web identity, as on EKS
role=arn:aws:iam::111122223333:role/pod
unset AWS_PROFILE
echo 'eyJ.of+pod/=' >token
: >asked
AWS_ENDPOINT_URL_STS=$url
export AWS_ENDPOINT_URL_STS
pod() { stages "$@" AWS_WEB_IDENTITY_TOKEN_FILE="$T/token" AWS_ROLE_ARN=$role; }
pod 'web identity'
printf 'a\n1\n' >in
run env AWS_WEB_IDENTITY_TOKEN_FILE="$T/token" AWS_ROLE_ARN=$role \
	s3-stage -v -v -a bare
ok 'no secret is told' t_unlike "$secret|$token|eyJ" err
same 'its session has a name' "$(head -n 1 asked)" \
	'AssumeRoleWithWebIdentity rs-writeback -'
: >late
pod 'STS is busy for a moment' RSW_RETRY_SCALE=0.01
: >asked
pod 'a session of another name' AWS_ROLE_SESSION_NAME=mine
same 'is told' "$(head -n 1 asked)" 'AssumeRoleWithWebIdentity mine -'
: >old
: >asked
echo '[{"access": "ASIAOLDOLDOLDOLDOLDO", "fault": "error", "status": 400,
	"code": "ExpiredToken", "message": "The provided token has expired."}]' \
	>"$RSW_SANDBOX/s3/faults.json"
printf 'a\n1\n' >in
run env AWS_WEB_IDENTITY_TOKEN_FILE="$T/token" AWS_ROLE_ARN=$role \
	s3-stage -q -a bare
status_is 0 'a session that ends meanwhile'
same 'another is begun' "$(wc -l <asked)" 2
rm "$RSW_SANDBOX/s3/faults.json"
wrong() {	# wrong DESCRIPTION STATUS ERE VARIABLE=VALUE...
	d=$1 st=$2 e=$3
	shift 3
	printf 'a\n1\n' >in
	fails "$d" "$st" "$e" env "$@" s3-stage -q -a bare
}
wrong 'another role' 1 "role/other': 403 AccessDenied: Not auth.*trust policy" \
	AWS_WEB_IDENTITY_TOKEN_FILE="$T/token" AWS_ROLE_ARN=${role%pod}other
echo stale-one >stale
wrong 'a wrong token' 1 'InvalidIdentityToken' \
	AWS_WEB_IDENTITY_TOKEN_FILE="$T/stale" AWS_ROLE_ARN=$role
ok 'the token is not told' t_unlike stale-one err
wrong 'no token file' 2 "cannot open '.*/gone'" \
	AWS_WEB_IDENTITY_TOKEN_FILE="$T/gone" AWS_ROLE_ARN=$role
wrong 'no role' 2 'AWS_ROLE_ARN is not set' AWS_WEB_IDENTITY_TOKEN_FILE="$T/token"
wrong 'no STS' 75 "cannot assume the role '$role' at 'http://127.0.0.1:9/'" \
	AWS_WEB_IDENTITY_TOKEN_FILE="$T/token" AWS_ROLE_ARN=$role \
	AWS_ENDPOINT_URL_STS=http://127.0.0.1:9 RSW_RETRY_SCALE=0.01

# Profiles that lead elsewhere. STS signs for another region than S3.
cat >process <<E
#!/bin/sh
cat <<J
{"Version": 1, "AccessKeyId": "$access", "SecretAccessKey": "$secret",
 "SessionToken": "$token", "Expiration": "2099-01-01T00:00:00Z"}
J
E
chmod 700 process
cat >"$HOME/.aws/config" <<E
[profile process]
credential_process = "$T/process" --for 'a b'
[profile failing]
credential_process = echo no-such-login >&2; exit 3
[profile empty]
credential_process = echo '{"Version": 1}'
[profile keys]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = source+secret/x
[profile session]
aws_access_key_id = ASIAIOSFODNN7EXAMPLE
aws_secret_access_key = session+secret/x
aws_session_token = of+session/=
[profile role]
role_arn = $role
source_profile = keys
role_session_name = nightly
external_id = a/b=c
[profile role-of-session]
role_arn = $role
source_profile = session
[profile role-of-file]
role_arn = $role
web_identity_token_file = $T/token
[profile role-of-machine]
role_arn = $role
credential_source = EcsContainer
[profile self]
role_arn = $role
source_profile = self
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = source+secret/x
[profile round]
role_arn = $role
source_profile = around
[profile around]
role_arn = $role
source_profile = round
[profile nowhere]
role_arn = $role
[profile wrong]
role_arn = $role
source_profile = work
[profile mfa]
role_arn = $role
source_profile = keys
mfa_serial = arn:aws:iam::111122223333:mfa/me
[profile sso]
sso_session = corp
sso_account_id = 111122223333
[profile region]
region = eu-west-3
E
account bare2 aws_access_key= aws_secret_key=
sed '/^\[account bare2\]/,$s/^region = .*/region = us-west-2/; s/^\[account bare\]/[account used]/
	s/^\[account bare2\]/[account bare]/' conf >conf.new && cat conf.new >conf
stages 'credential_process' AWS_PROFILE=process
: >asked
stages 'a role of another profile' AWS_PROFILE=role
same 'named as it says' "$(head -n 1 asked)" 'AssumeRole nightly a/b=c'
stages 'a role of a session' AWS_PROFILE=role-of-session
stages 'a role of a token' AWS_PROFILE=role-of-file
stages 'a role of its own keys' AWS_PROFILE=self
wrong 'a process that fails' 1 'credential_process of .* ended with status 3' \
	AWS_PROFILE=failing
wrong 'a process without keys' 1 'its answer has none' AWS_PROFILE=empty
wrong 'a circle' 2 'leads round in a circle' AWS_PROFILE=round
wrong 'a role of nobody' 2 'without source_profile' AWS_PROFILE=nowhere
wrong 'a role of wrong keys' 1 'SignatureDoesNotMatch' AWS_PROFILE=wrong
wrong 'a role of the machine' 1 'SignatureDoesNotMatch' \
	AWS_PROFILE=role-of-machine AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="$T/pod" \
	AWS_CONTAINER_CREDENTIALS_FULL_URI="$url/container"
wrong 'MFA' 2 'MFA device.*aws configure export-credentials --profile mfa' \
	AWS_PROFILE=mfa
wrong 'SSO' 2 'SSO.*aws sso login.*credential_process = aws configure' \
	AWS_PROFILE=sso
wrong 'no such profile' 2 "cannot find the AWS profile 'none'" AWS_PROFILE=none
wrong 'a profile that has only a region' 2 "'aws_access_key': set it in" \
	AWS_PROFILE=region

# libpq's password file, through the tunnel: the host and the port are those of
# the far end, as psql's user has written them down.
pw=$(sed 's/[:\\]/\\&/g' "$SANDBOX_SECRETS/db")
pgpass() { printf '%s\n' "$@" >"$HOME/.pgpass"; chmod 600 "$HOME/.pgpass"; }
list() {	# list ACCOUNT [VARIABLE=VALUE...]
	name=$1
	shift
	run env "$@" ssh-fwd -q -a "$name" -- rs-load -q -a "$name" -L public
}
account nopw database_password=
pgpass "*:*:dev:$SANDBOX_DB_USER:$pw"
list nopw
status_is 0 'a password of .pgpass'
pgpass "other.example.com:$SANDBOX_DB_PORT:*:*:wrong" \
	"$SANDBOX_DB_HOST:5432:dev:$SANDBOX_DB_USER:wrong" \
	"$SANDBOX_DB_HOST:$SANDBOX_DB_PORT:dev:$SANDBOX_DB_USER:$pw"
list nopw
status_is 0 'by the host and the port of the far end'
mv "$HOME/.pgpass" passfile
list nopw PGPASSFILE="$T/passfile"
status_is 0 'of PGPASSFILE'
list nopw
status_is 1 'of neither'
err_like 'says what to set' "set 'database_password', or PGPASSFILE"
chmod 644 passfile
list nopw PGPASSFILE="$T/passfile"
status_is 1 'a password file that others can read'
err_like 'libpq says so' 'has group or world access'
rm passfile

# Its service file
cat >"$HOME/.pg_service.conf" <<E
[other]
host=other.example.com
[far]
host=$SANDBOX_DB_HOST
port=$SANDBOX_DB_PORT
dbname=dev
user=$SANDBOX_DB_USER
sslmode=verify-full
sslrootcert=$SANDBOX_CA
E
account service database_hostname= database_port= database_name= \
	database_username= database_password= certificate_format= certificate=
pgpass "$SANDBOX_DB_HOST:$SANDBOX_DB_PORT:dev:$SANDBOX_DB_USER:$pw"
list service PGSERVICE=far
status_is 0 'a service: host, port, database, user, TLS'
mv "$HOME/.pg_service.conf" services
list service PGSERVICE=far PGSERVICEFILE="$T/services"
status_is 0 'of PGSERVICEFILE'
export PGSERVICEFILE="$T/services"
run env PGSERVICE=far rs-check -a service
status_is 0 'it can be checked'
ok 'its certificate too' t_like '^ok    certificate .*trusted, and' out
list service PGSERVICE=far PGDATABASE=nosuch
status_is 1 'the environment outranks it'
err_like 'the other name is told' 'nosuch'
account both database_name=nosuch2 database_password=
list both PGSERVICE=far
status_is 1 'the account outranks it'
err_like 'that name is told' 'nosuch2'
sed -i "s,^sslrootcert=.*,sslrootcert=$T/other.pem," services
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout other.key -out other.pem -days 2 -subj /CN=other 2>/dev/null
list service PGSERVICE=far
status_is 1 'its TLS is not made weaker'
err_like 'says why' 'certificate verify failed'
list service PGSERVICE=none
status_is 2 'a service that is not there'
err_like 'says what is missing' "'database_hostname'.*"
done_testing
