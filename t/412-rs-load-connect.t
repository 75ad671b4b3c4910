#!/bin/sh
# rs-load: the way to the database, what can be wrong with it, what is said.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/rs-load.sh"

list() { run env "$@" rs-load -L public; }

PGOPTIONS='-c geqo=off' PGTZ=UTC PGDATESTYLE=ISO PGGEQO=on \
	PGAPPNAME=x PGREQUIRESSL=1 run rs-load -L public
status_is 0 "variables that Redshift refuses are not sent"
list RSW_CERTIFICATE="$(cat "$SANDBOX_CA")" RSW_CERTIFICATE_FORMAT=text
status_is 0 'the certificate as text'
list RSW_CERTIFICATE_FORMAT=none
status_is 0 'no certificate: TLS, not verified'
list RSW_CERTIFICATE_FORMAT=none PGSSLROOTCERT="$SANDBOX_CA"
status_is 0 'PGSSLROOTCERT'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout key -out other.pem -days 2 -subj /CN=other 2>/dev/null
list RSW_CERTIFICATE="$PWD/other.pem"
status_is 1 "another CA's certificate"
err_like 'is explained' "certificate verify failed.* is not signed by the one in 'certificate'"
list PGHOST=db.wrong.example
status_is 1 'another name than that in the certificate'
err_like 'is explained' "does not match host name.*'database_hostname' must be the cluster's own name"
list RSW_CERTIFICATE="$PWD/key"
status_is 2 'a key for a certificate'
err_like 'is explained' 'it is not one in PEM form'
list RSW_CERTIFICATE="$PWD/gone.pem"
status_is 2 'no such file'
err_like 'is said' "cannot open '.*/gone.pem'"
list RSW_CERTIFICATE_FORMAT=pem
status_is 2 'a wrong format'
err_like 'is said' "cannot use 'pem' as 'certificate_format'"
list RSW_CERTIFICATE=http://127.0.0.1:1/ca.pem RSW_RETRY_SCALE=0
status_is 75 'an address where nothing is now'
err_like 'is said' "cannot fetch the certificate from 'http://127.0.0.1:1/ca.pem'"
list PGSSLMODE=prefer
status_is 2 'sslmode prefer is refused'
err_like 'for a reason' 'would try a password twice'
list PGSSLMODE=disable
status_is 1 'a server that wants TLS'
err_like 'says so' "whether the cluster wants TLS"

# What the session is called, and what it may.
columns a:bigint/1
echo 1 >f
stage one f
load one --query-group "it's" --statement-timeout 60000 \
	--pre-sql "CREATE TABLE app AS SELECT current_setting('application_name') AS name,
		current_setting('statement_timeout') AS ms" t
status_is 0 'a load'
rows_are 'application_name, and the timeout' 'SELECT * FROM app' 'rs-writeback rs-load|1min'
ok 'the query group' grep -q "SET query_group TO 'it''s'" "$RSW_SANDBOX/db/statements.log"
ok 'both before the transaction' awk '/SET query_group/ { q = NR } /"BEGIN"/ { b = NR }
	END { exit !(q > 0 && b > q) }' "$RSW_SANDBOX/db/statements.log"

# A tunnel whose far end does not reach the database.
/usr/bin/python3 -u -c 'import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1])
while True:
    s.accept()[0].close()' >port &
closes=$!
at_end 'kill "$closes" 2>/dev/null'
tries=100
until [ -s port ] || [ $tries -eq 0 ]; do
	tries=$((tries - 1))
	sleep 0.05
done
list PGPORT="$(cat port)"
status_is 75 'a way that leads to nothing'
err_like 'is explained' "closed the connection unexpectedly; the way to it leads to nothing: if it goes through ssh-fwd, the bastion can not reach the database \(name, port, security group\)$"

# The certificate comes from a web server.
/usr/bin/python3 -u -m http.server --bind 127.0.0.1 -d "$RSW_SANDBOX" 0 >web 2>&1 &
web=$!
at_end 'kill "$web" 2>/dev/null'
tries=100
until port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' web) && [ -n "$port" ]; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || break
	sleep 0.05
done
list RSW_CERTIFICATE="http://127.0.0.1:$port/ca.pem"
status_is 0 'the certificate from an address'
err_like 'with a warning when it is not https' 'without https'
list RSW_CERTIFICATE="http://127.0.0.1:$port/gone.pem"
status_is 2 'an address that is not there'
err_like 'is said' 'the server answers 404'

# Passwords.
failed() { tr -d ' \n' <"$RSW_SANDBOX/db/lockout.json" | grep -o '"loader":{"failures":[0-9]*'; }
list PGPASSWORD=wrong-password
status_is 1 'a wrong password'
err_like 'is explained' "cannot log in to '.*' as 'loader': wrong password or user: .*tried once only, .*database_password' \(environment PGPASSWORD\)"
err_unlike 'and not shown' wrong-password
same 'in one line' "$(wc -l <err)" 1
same 'tried once' "$(failed)" '"loader":{"failures":1'
printf '%s:%s:*:loader:%s\n' "$SANDBOX_DB_HOST" "$SANDBOX_DB_PORT" \
	"$(cat "$RSW_SANDBOX/secrets/db")" >pgpass
chmod 600 pgpass
sed '/^database_password/d' "$RS_WRITEBACK_CONFIG" >conf
chmod 600 conf
list RS_WRITEBACK_CONFIG="$PWD/conf" PGPASSFILE="$PWD/pgpass"
status_is 0 'PGPASSFILE'
list RS_WRITEBACK_CONFIG="$PWD/conf" PGPASSFILE=/dev/null
status_is 1 'no password at all'
err_like 'is explained' "set 'database_password', or PGPASSFILE"
list PGUSER=nobody
status_is 1 'an unknown user'
err_like 'is a wrong password' "as 'nobody': wrong password or user"
list PGDATABASE=nosuch
status_is 1 'an unknown database'
err_like 'is explained' "check 'database_name'"
for i in 1 2 3 4 5; do
	list PGPASSWORD=wrong-password
done
list
status_is 1 'a locked user'
err_like 'is explained' 'an administrator must unlock it'

# A password that was set as a sha256 hash.
other_standin digest '"auth": "digest13"'
list
unset PGPORT
status_is 1 'a login that libpq does not know'
err_like 'is explained' "authentication method 13 .*; the server wants Redshift's own password digest, .*\(ALTER USER \.\.\. PASSWORD\)"

# No way there.
list PGPORT=1
status_is 75 'nothing listens'
err_like 'is said' "cannot connect to the database '.*:1/dev' by way of 127.0.0.1: .*Connection refused.*; nothing listens there"
unset PGHOSTADDR
list PGHOST=no-such-host.invalid
status_is 75 'a name that is not known'
err_like 'is explained' 'if only a bastion can reach it, run this under ssh-fwd'
sed '/^database_username/d' "$RS_WRITEBACK_CONFIG" >conf
list RS_WRITEBACK_CONFIG="$PWD/conf"
status_is 2 'no user'
err_like 'says where to set it' "cannot go on without 'database_username': set it in \[account sandbox\]"
done_testing
