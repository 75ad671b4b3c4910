#!/bin/sh
# The sandbox: it starts, several at once, each service answers and refuses as
# it should, and nothing is left of it.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"

sandbox=$srcdir/t/sandbox
XDG_RUNTIME_DIR=$T
export XDG_RUNTIME_DIR
unset RSW_SANDBOX

# Nothing that was started may be running: by the directory in its arguments.
running() { grep -lsF "$1" /proc/[0-9]*/cmdline; }
# A process that was told to end may take a moment.
none_running() {
	tries=30
	while [ $tries -gt 0 ] && running "$1" >/dev/null; do
		tries=$((tries - 1))
		sleep 0.1
	done
	! running "$1"
}
refused() {	# refused PORT
	! /usr/bin/python3 -c 'import socket, sys
socket.create_connection(("127.0.0.1", int(sys.argv[1])))' "$1"
}

# --- usage ---

fails 'no command' 2 '^sandbox: |^usage: ' "$sandbox"
fails 'an unknown command' 2 "no command 'begin'" "$sandbox" begin
fails 'an unknown service' 2 "no service 'ftp'" "$sandbox" start --only s3,ftp
fails 'stop without a sandbox' 1 'no sandbox' "$sandbox" stop
fails 'env of what is no sandbox' 1 "no sandbox in '/usr'" "$sandbox" env /usr
mkdir full
: >full/file
fails 'a directory with something in it' 1 'full. is not empty' \
    "$sandbox" start full
ok 'which is left alone' test -f full/file

# --- two side by side ---

"$sandbox" start --only domo,s3 --tls "$T/small" >small.out 2>small.err &
small=$!
at_end '"$sandbox" stop "$T/small" >/dev/null 2>&1'
run "$sandbox" start
status_is 0 'start'
big=$(cat out)
at_end '"$sandbox" stop "$big" >/dev/null 2>&1'
ok 'prints its directory' test -d "$big"
ok 'which is closed to others' \
    test "$(find "$big" -prune -perm 700 | wc -l)" -eq 1
wait "$small"
same 'a second one at the same time' "$?" 0
same 'prints the directory it was given' "$(cat small.out)" "$T/small"

run "$sandbox" status "$big"
status_is 0 'status: all run'
for service in domo s3 pg db ssh; do
	out_like "status: $service" "^$service +running [0-9]+ +[h/1]"
done
run "$sandbox" status "$T/small"
status_is 0 'status of the second'
same 'which has two services' "$(wc -l <out)" 2

"$sandbox" env "$T/small" >small.env
run "$sandbox" env "$big"
status_is 0 'env'
ok 'env: only export lines' test "$(grep -cv "^export [A-Z0-9_]*='.*'$" out)" -eq 0
eval "$(cat out)"
same 'env: the directory' "$RSW_SANDBOX" "$big"
same 'env: the configuration' "$RS_WRITEBACK_CONFIG" "$big/config"
ok 'the configuration is private' \
    test "$(find "$RS_WRITEBACK_CONFIG" -perm 600 | wc -l)" -eq 1
ok 'no secret in env' sh -c '! "$1" env "$2" | grep -F -f "$3"' - "$sandbox" \
    "$big" "$big/secrets/db"
run rs-config -j oui ssh_hostname database_hostname bucket dataset_id
out_is 'the configuration is one' "127.0.0.1
$SANDBOX_DB_HOST
$SANDBOX_BUCKET
$SANDBOX_DATASET_OUI"
for key in "$SANDBOX_KEYS"/id_*; do
	case $key in *.pub) continue ;; esac
	run find "$key" -perm 600
	out_is "$(basename "$key") is private" "$key"
done

# --- the bastion ---

cat >askpass <<E
#!/bin/sh
exec cat "\${ASKPASS:-$big/secrets/ssh}"
E
chmod 700 askpass
ssh_to() {	# ssh_to OPTION...: without the user's own files or agent
	SSH_ASKPASS=$T/askpass SSH_ASKPASS_REQUIRE=force SSH_AUTH_SOCK='' \
	    ssh -F none -p "$SANDBOX_SSH_PORT" -l "$SANDBOX_SSH_USER" \
	    -o UserKnownHostsFile="$SANDBOX_KNOWN_HOSTS" \
	    -o GlobalKnownHostsFile=none -o StrictHostKeyChecking=yes \
	    -o IdentitiesOnly=yes -o NumberOfPasswordPrompts=1 \
	    -o LogLevel=ERROR "$@"
}
login() { ssh_to "$@" "$SANDBOX_SSH_HOST" 'echo in'; }
for key in id_rsa id_rsa.pem id_rsa_pkcs8.pem id_ecdsa id_ecdsa.pem id_ed25519
do
	run login -o BatchMode=yes -i "$SANDBOX_KEYS/$key"
	out_is "login with $key" in
done
for key in id_rsa_enc.pem id_rsa_des3.pem id_rsa_pkcs8_enc.pem id_rsa_enc \
    id_ed25519_enc; do
	ASKPASS=$SANDBOX_KEYS/passphrase run login -i "$SANDBOX_KEYS/$key" \
	    -o PreferredAuthentications=publickey
	out_is "login with $key and its passphrase" in
done
fails 'an unknown key is refused' 255 'Permission denied' \
    login -o BatchMode=yes -i "$SANDBOX_KEYS/id_rsa_stranger.pem"
run login -o PreferredAuthentications=password
out_is 'login by password' in
echo wrong >wrong
ASKPASS=$T/wrong fails 'a wrong password is refused' 255 'Permission denied' \
    login -o PreferredAuthentications=password
if "$sandbox" status "$big" | grep -q '^ssh .*no keyboard-interactive'; then
	fails 'no keyboard-interactive login, as status says' 255 'Permission' \
	    login -o PreferredAuthentications=keyboard-interactive
else
	run login -o PreferredAuthentications=keyboard-interactive
	out_is 'login by keyboard-interactive' in
fi
for type in ssh-ed25519 ecdsa-sha2-nistp256 rsa-sha2-512; do
	run login -o BatchMode=yes -i "$SANDBOX_KEYS/id_ed25519" \
	    -o HostKeyAlgorithms=$type
	out_is "its $type host key is known" in
done

# --- the database, through the bastion ---

run getent hosts "$SANDBOX_DB_HOST"
status_is 2 'this machine cannot resolve the name'
fails 'the bastion forwards to nothing else' 255 'forwarding failed' \
    ssh_to -i "$SANDBOX_KEYS/id_ed25519" -W localhost:22 "$SANDBOX_SSH_HOST"

# All of 127/8 is this machine: an address made of our pid is ours alone.
near=127.$(($$ / 65536 % 200 + 20)).$(($$ / 256 % 256)).$(($$ % 254 + 1))
ssh_to -i "$SANDBOX_KEYS/id_ed25519" -N -o ExitOnForwardFailure=yes \
    -L "$near:5439:$SANDBOX_DB_HOST:$SANDBOX_DB_PORT" "$SANDBOX_SSH_HOST" \
    2>tunnel.err &
tunnel=$!
at_end 'kill $tunnel 2>/dev/null'
sql() {		# sql CONNINFO STATEMENT
	PGPASSFILE=$T/pgpass psql -XAtq -c "$2" \
	    "hostaddr=$near port=5439 user=$SANDBOX_DB_USER
	    dbname=$SANDBOX_DB_NAME sslmode=verify-full
	    sslrootcert=$SANDBOX_CA $1"
}
echo "*:*:*:*:$(sed 's/[\\:]/\\&/g' "$SANDBOX_SECRETS/db")" >pgpass
chmod 600 pgpass
tries=100
until sql "host=$SANDBOX_DB_HOST" 'select 1' >/dev/null 2>&1; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || break
	sleep 0.05
done
run sql "host=$SANDBOX_DB_HOST" 'select 6 * 7'
out_is 'psql through ssh -L, verify-full' 42
fails 'not under another name' 2 'does not match' sql host=localhost 'select 1'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout /dev/null -out other.pem -subj /CN=other 2>/dev/null
fails 'not with another CA' 2 'certificate verify failed' \
    sql "host=$SANDBOX_DB_HOST sslrootcert=other.pem" 'select 1'
fails 'not without TLS' 2 '.' \
    sql "host=$SANDBOX_DB_HOST sslmode=disable" 'select 1'
echo '*:*:*:*:wrong' >pgpass
fails 'not with a wrong password' 2 'password' \
    sql "host=$SANDBOX_DB_HOST" 'select 1'
run psql -XAtq -h "$SANDBOX_PG_SOCKET" -U postgres -c 'select 1' postgres
out_is 'the PostgreSQL behind it' 1
kill "$tunnel"
wait "$tunnel"

# --- S3 ---

s3() {		# s3 SECRET-FILE CURL-OPTION...
	printf 'user = "%s:%s"\n' "$SANDBOX_AWS_ACCESS_KEY" "$(cat "$1")" >s3.conf
	shift
	curl -sS -K s3.conf --aws-sigv4 "aws:amz:$SANDBOX_REGION:s3" "$@"
}
empty=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
run s3 "$SANDBOX_SECRETS/aws" -H "x-amz-content-sha256: $empty" \
    "$SANDBOX_S3_URL/$SANDBOX_BUCKET"
out_like 'S3 lists the bucket' '<ListBucketResult'
run s3 wrong -H "x-amz-content-sha256: $empty" "$SANDBOX_S3_URL/$SANDBOX_BUCKET"
out_like 'S3 refuses a wrong secret' '<Code>SignatureDoesNotMatch'
run curl -sS "$SANDBOX_S3_URL/$SANDBOX_BUCKET"
out_like 'S3 refuses nobody in particular' '<Code>AccessDenied'

# --- Domo ---

token() {	# token SECRET-FILE
	printf 'user = "%s:%s"\n' "$SANDBOX_DOMO_CLIENT_ID" "$(cat "$1")" \
	    >domo.conf
	curl -sS -K domo.conf -d grant_type=client_credentials \
	    "$SANDBOX_DOMO_URL/oauth/token"
}
run token "$SANDBOX_SECRETS/domo"
out_like 'Domo gives a token' '"access_token": "[^"]{100,}"'
sed 's/.*"access_token": "\([^"]*\)".*/header = "Authorization: bearer \1"/' \
    out >bearer
run token wrong
out_like 'not for a wrong secret' '"status": 401'
run curl -sS -K bearer "$SANDBOX_DOMO_URL/v1/datasets/$SANDBOX_DATASET_OUI"
out_like 'oui: its rows' '"rows": 32530,'
run curl -sS -K bearer \
    "$SANDBOX_DOMO_URL/v1/datasets/$SANDBOX_DATASET_OUI/data?includeHeader=true"
same 'oui: its lines' "$(wc -l <out)" 32543
for name in OUI TYPES NAMES FORMULAS EMPTY; do
	eval "guid=\$SANDBOX_DATASET_$name"
	run curl -sS -K bearer "$SANDBOX_DOMO_URL/v1/datasets/$guid"
	out_like "DataSet $name" "\"id\": \"$guid\""
done

# --- with TLS ---

(
	eval "$(cat small.env)"
	echo "$SANDBOX_DOMO_URL"
	curl -sS --cacert "$SANDBOX_CA" "$SANDBOX_DOMO_URL/v1/datasets"
	echo
	curl -sS --cacert "$SANDBOX_CA" "$SANDBOX_S3_URL/$SANDBOX_BUCKET" |
	    grep -o '<Code>.*</Code>'
	curl -sS "$SANDBOX_S3_URL" 2>&1 | head -n 1
) >out 2>&1
t_what='curl at the sandbox with --tls'
out_like 'https for Domo' '^https://127'
out_like 'Domo answers over TLS' '"status": 403'
out_like 'S3 answers over TLS' 'AccessDenied'
out_like 'its certificate is of the own CA' '^curl: \(60\)'

# --- the end ---

run "$sandbox" stop
status_is 0 'stop, the directory from $RSW_SANDBOX'
ok 'what start made is gone' test ! -e "$big"
ok 'and what is PostgreSQL'"'"'s' test ! -e "$SANDBOX_PG_SOCKET"
ok 'nothing of it runs' none_running "$big"
ok 'no PostgreSQL' none_running "$SANDBOX_PG_SOCKET"
for port in "$SANDBOX_SSH_PORT" "$SANDBOX_DB_PORT" "${SANDBOX_DOMO_URL##*:}" \
    "${SANDBOX_S3_URL##*:}"; do
	ok "port $port is closed" refused "$port"
done
unset RSW_SANDBOX
run "$sandbox" status "$T/small"
status_is 0 'the other one still runs'
for file in $(running "$T/small/domo"); do
	file=${file#/proc/}
	kill "${file%/cmdline}"
done
sleep 0.2
run "$sandbox" status "$T/small"
status_is 1 'status 1 if a service is gone'
out_like 'which one' '^domo +stopped'
run "$sandbox" stop "$T/small"
status_is 0 'stop the other one'
ok 'its directory is gone' test ! -e "$T/small"
ok 'nothing of that one runs' none_running "$T/small"

# --- with the process that wanted it ---

sleep 100 &
owner=$!
run "$sandbox" start --only domo,ssh --until "$owner" "$T/owned"
status_is 0 'start --until'
sleep 1.5
run "$sandbox" status "$T/owned"
status_is 0 'it stays as long as that process'
kill -KILL "$owner"
wait "$owner"
tries=100
while [ -e "$T/owned" ] && [ "$tries" -gt 0 ]; do
	tries=$((tries - 1))
	sleep 0.1
done
ok 'it goes when that process has died' test ! -e "$T/owned"
ok 'with all that ran' none_running "$T/owned"
fails '--until no process' 2 "no process '$owner'" \
    "$sandbox" start --until "$owner"

# --- a start that fails half-way ---

# PostgreSQL cannot have its socket at a path as long as this.
deep=$T/$(printf '%0100d' 0)
mkdir "$deep"
chmod 711 "$T" "$deep"
export TMPDIR="$deep"
run "$sandbox" start "$T/broken"
unset TMPDIR
status_is 1 'a start that fails'
err_like 'says which service' '^sandbox: cannot start db'
err_like 'and shows its log' 'too long for a unix socket'
ok 'nothing is left of it' test ! -e "$T/broken"
ok 'nor in TMPDIR' test -z "$(ls -A "$deep")"
ok 'nothing of that runs' none_running "$T/broken"

# --- an ordinary user ---

if [ "$(id -u)" -eq 0 ]; then
	mkdir user
	chown nobody user
	as_nobody() {
		(
		cd "$T/user" || exit 1
		umask 077
		setpriv --reuid nobody --regid nogroup --clear-groups env \
		    HOME="$T/user" XDG_RUNTIME_DIR="$T/user" "$@"
		)
	}
	# The source may lie where only root can go.
	cp -r "$srcdir/t" "$T/user/t" && chmod -R a+rX "$T/user/t"
	sandbox=$T/user/t/sandbox
	run as_nobody "$sandbox" start
	status_is 0 'an ordinary user starts one'
	nobodys=$(cat out)
	at_end 'as_nobody "$sandbox" stop "$nobodys" >/dev/null 2>&1'
	eval "$(as_nobody "$sandbox" env)"
	run as_nobody "$sandbox" status
	status_is 0 'whose services all run'
	out_like 'status says what cannot be had' 'no keyboard-interactive'
	fails 'root does not take it for his own' 1 "another user's" \
	    "$sandbox" stop "$nobodys"
	set -- -F none -p "$SANDBOX_SSH_PORT" -l "$SANDBOX_SSH_USER" \
	    -o LogLevel=ERROR -o BatchMode=yes -o IdentitiesOnly=yes \
	    -o UserKnownHostsFile="$SANDBOX_KNOWN_HOSTS" \
	    -i "$SANDBOX_KEYS/id_rsa.pem"
	run as_nobody ssh "$@" "$SANDBOX_SSH_HOST" id -un
	out_is 'login with a key, as that user' nobody
	# eight bytes ask for TLS, the answer is one: yes
	run as_nobody sh -c 'printf "\0\0\0\010\004\322\026/" | ssh "$@"' - \
	    "$@" -W "$SANDBOX_DB_HOST:$SANDBOX_DB_PORT" "$SANDBOX_SSH_HOST"
	same 'the bastion knows the database by name' "$(head -c 1 out)" S
	run as_nobody "$sandbox" stop
	status_is 0 'and stops it'
	ok 'nothing is left' test ! -e "$nobodys"
	ok 'nothing runs' none_running "$nobodys"
fi

done_testing
