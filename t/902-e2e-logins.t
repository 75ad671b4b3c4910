#!/bin/sh
# Each login at the bastion and each form of the database's certificate
# carries a whole job.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/e2e.sh"

id=cccccccc-0000-0000-0000-000000000001
dataset $id 'Logins' k:LONG,v:STRING <<'E'
k,v
1,one
E
# through ACCOUNT DESCRIPTION: the job on this account, into its own table.
n=0
through() {
	n=$((n + 1))
	job "via-$1" account="$1" dataset_id=$id table_name_source=custom_name \
		custom_table_name="t$n"
	run rs-writeback "via-$1"
	status_is 0 "$2"
	ok "$2: the row is there" t_same "$(rows "t$n")" 'k,v
1,one'
}

# Only root's sandbox has a password to log in with.
if [ "$(id -u)" -eq 0 ]; then
	through sandbox-password 'password'
fi
through sandbox 'RSA key, PEM'
through sandbox-rsa-enc 'RSA key, encrypted PEM'
through sandbox-rsa-des3 'RSA key, PEM encrypted with 3DES'
through sandbox-ed25519 'ed25519 key'
through sandbox-ed25519-enc 'ed25519 key with a passphrase'
through sandbox-ecdsa 'ECDSA key'
through sandbox-rsa 'RSA key made by ssh-keygen'
account pasted ssh_private_key="$(cat "$SANDBOX_KEYS/id_rsa.pem")"
through pasted 'RSA key, its text in the configuration'
account pasted-enc ssh_private_key="$(cat "$SANDBOX_KEYS/id_rsa_enc.pem")" \
	ssh_private_key_passphrase="$(cat "$SANDBOX_KEYS/passphrase")"
through pasted-enc 'encrypted RSA key, its text in the configuration'
through sandbox-role 'COPY with an IAM role'
through sandbox-token 'AWS keys with a session token'

account cert-none certificate_format=none certificate=
through cert-none 'no certificate'
account cert-text certificate_format=text certificate="$(cat "$SANDBOX_CA")"
through cert-text 'the certificate as text'
account cert-path certificate_format=url certificate="$SANDBOX_CA"
through cert-path 'the certificate by its path'
mkdir www && cp "$SANDBOX_CA" www/ca.pem
/usr/bin/python3 -u -m http.server 0 --bind 127.0.0.1 --directory www \
	>www.log 2>&1 & server=$!
at_end "kill $server"
until port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' www.log) && [ "$port" ]; do
	sleep 0.1
done
account cert-url certificate_format=url certificate="http://127.0.0.1:$port/ca.pem"
through cert-url 'the certificate by its URL'

# What must not pass: another CA, another name.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	-subj /CN=other -keyout other.key -out other.pem 2>openssl.log
account cert-other certificate_format=text certificate="$(cat other.pem)"
job other account=cert-other dataset_id=$id table_name_source=custom_name \
	custom_table_name=other
run rs-writeback other
status_is 1 'another CA is refused'
err_like 'and said' 'rs-load: .*certificate'
account fingerprint ssh_known_hosts=/dev/null ssh_host_key_fingerprint="$(
	ssh-keygen -lf "$SANDBOX_KNOWN_HOSTS" | sed -n '1s/^[0-9]* \([^ ]*\) .*/\1/p')"
through fingerprint 'the host key by its fingerprint'
ok 'no table where a login was refused' t_same "$(tables | grep other)" ''
done_testing
