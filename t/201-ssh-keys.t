#!/bin/sh
# Private keys: every form and encryption that people have, as a file and as
# text, against servers that differ in the signatures they take.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"

# Each server is an sshd of its own; all let the same keys in.
server() {	# server NAME SSHD-LINE...
	name=$1
	shift
	"$srcdir/t/sandbox" start --only ssh "$@" "$T/$name" >sandbox.log 2>&1 ||
		{ sed 's/^/# /' sandbox.log; echo "Bail out! no sshd"; exit 99; }
	at_end "'$srcdir/t/sandbox' stop '$T/$name' >/dev/null 2>&1"
	cat keys.pub >"$T/$name/ssh/etc/authorized_keys"
}

# The table: a key a line, made by openssl or ssh-keygen. Pass phrase: "pass 1".
umask 077
printf 'pass 1' >phrase
P=file:phrase
quietly() { "$@" >make.log 2>&1 || { sed 's/^/# /' make.log; exit 99; }; }
quietly openssl genrsa -traditional -out rsa-pkcs1 2048
quietly openssl genrsa -traditional -out rsa-1024 1024
quietly openssl genrsa -traditional -out rsa-4096 4096
quietly ssh-keygen -q -t ed25519 -N '' -C '' -f ed25519
for bits in 256 384 521; do
	quietly ssh-keygen -q -t ecdsa -b $bits -N '' -C '' -f ecdsa-$bits
	cp ecdsa-$bits ecdsa-$bits-sec1
	quietly ssh-keygen -q -p -m PEM -N '' -f ecdsa-$bits-sec1
	quietly openssl pkcs8 -topk8 -nocrypt -in ecdsa-$bits-sec1 -out ecdsa-$bits-pkcs8
done
for c in des3 aes128 aes192 aes256; do
	quietly openssl rsa -in rsa-pkcs1 -traditional -$c -passout $P -out rsa-pkcs1-$c-enc
	quietly openssl ec -in ecdsa-256-sec1 -$c -passout $P -out ecdsa-256-sec1-$c-enc
done
quietly openssl rsa -provider legacy -provider default -in rsa-pkcs1 -traditional \
	-des -passout $P -out rsa-pkcs1-des-enc
quietly openssl pkcs8 -topk8 -nocrypt -in rsa-pkcs1 -out rsa-pkcs8
quietly openssl pkcs8 -topk8 -in rsa-pkcs1 -v2 aes-256-cbc -passout $P -out rsa-pkcs8-aes256-enc
quietly openssl pkcs8 -topk8 -in rsa-pkcs1 -v2 des3 -passout $P -out rsa-pkcs8-des3-enc
quietly openssl pkcs8 -topk8 -in rsa-pkcs1 -v1 PBE-SHA1-3DES -passout $P -out rsa-pkcs8-v1-3des-enc
quietly openssl pkcs8 -provider legacy -provider default -topk8 -in rsa-pkcs1 \
	-v1 PBE-MD5-DES -passout $P -out rsa-pkcs8-v1-md5des-enc
quietly openssl pkcs8 -topk8 -in ecdsa-256-sec1 -v2 aes-256-cbc -passout $P -out ecdsa-256-pkcs8-enc
quietly openssl genpkey -algorithm ed25519 -out ed25519-pkcs8
quietly openssl genpkey -algorithm ed25519 -aes256 -pass $P -out ed25519-pkcs8-enc
cp rsa-pkcs1 rsa-openssh
quietly ssh-keygen -q -p -N '' -f rsa-openssh
for c in aes256-ctr aes128-cbc 3des-cbc aes256-gcm@openssh.com; do
	cp rsa-openssh rsa-openssh-${c%@*}-enc
	quietly ssh-keygen -q -p -a 4 -Z $c -P '' -N 'pass 1' -f rsa-openssh-${c%@*}-enc
done
cp ed25519 ed25519-enc
quietly ssh-keygen -q -p -a 4 -P '' -N 'pass 1' -f ed25519-enc
cp ecdsa-521 ecdsa-521-enc
quietly ssh-keygen -q -p -a 4 -P '' -N 'pass 1' -f ecdsa-521-enc

# What pasting into a web form does to a key.
for k in rsa-pkcs1 rsa-pkcs1-aes128-enc rsa-openssh ed25519; do
	case $k in *-enc) e=-enc ;; *) e= ;; esac
	sed 's/$/\r/' $k >$k-crlf$e
	{ printf '\n\n'; sed 's/^/  /' $k; } >$k-indented$e
	printf '%s' "$(cat $k)" >$k-nonewline$e
	tr '\n' ' ' <$k >$k-oneline$e
	awk '{ printf "%s\\n", $0 }' $k >$k-literal$e
	{ printf '"'; awk '{ printf "%s\\n", $0 }' $k; printf '"'; } >$k-quoted$e
done
rm -f ./*.pub
keys=$(ls | grep -E '^(rsa|ecdsa|ed25519)')
for k in rsa-pkcs1 rsa-1024 rsa-4096 ecdsa-256 ecdsa-384 ecdsa-521 ed25519; do
	quietly ssh-keygen -y -f $k
	cat make.log
done >keys.pub
openssl pkey -in ed25519-pkcs8 -pubout -outform DER >pub.der
openssl pkey -in ed25519-pkcs8-enc -passin $P -pubout -outform DER >pub2.der
for f in pub.der pub2.der; do	# an ed25519 key as OpenSSH writes it
	{ printf '\0\0\0\013ssh-ed25519\0\0\0\040'; tail -c 32 $f; } | base64 -w 0 |
		sed 's/^/ssh-ed25519 /; s/$/\n/'
done >>keys.pub

server default
server sha1 --sshd 'PubkeyAcceptedAlgorithms ssh-rsa'
server sha256 --sshd 'PubkeyAcceptedAlgorithms rsa-sha2-256'
server sha512 --sshd 'PubkeyAcceptedAlgorithms rsa-sha2-512'

try() {	# try SERVER [VARIABLE=VALUE...]: log in
	eval "$("$srcdir/t/sandbox" env "$T/$1")"
	shift
	run env -u RS_WRITEBACK_CONFIG RSW_SSH_USERNAME=tunnel "$@" RSW_SSH_KNOWN_HOSTS="$SANDBOX_KNOWN_HOSTS" \
		ssh-fwd -L "127.0.0.1:$SANDBOX_SSH_PORT" "127.0.0.1:$SANDBOX_SSH_PORT" -- true
}
both() {	# both SERVER KEY STATUS [VARIABLE=VALUE...]: as a file and as text
	s=$1 k=$2 want=$3
	shift 3
	case $k in *-enc) set -- "$@" "RSW_SSH_PRIVATE_KEY_PASSPHRASE=pass 1" ;; esac
	try "$s" "$@" RSW_SSH_PRIVATE_KEY="$T/$k"
	status_is "$want" "$s: $k as a file"
	err_unlike "$s: $k: its passphrase is not told" 'pass 1'
	try "$s" "$@" RSW_SSH_PRIVATE_KEY="$(cat "$k")"
	status_is "$want" "$s: $k as text"
}
for k in $keys; do
	both default "$k" 0
done
# (what pasting does to a key is no matter of the server's)
for k in $(echo "$keys" | grep -Ev '^(ecdsa|ed25519)|-(crlf|indented|nonewline|oneline|literal|quoted)'); do
	both sha256 $k 0
	both sha512 $k 0
	both sha1 $k 0 RSW_SSH_ALLOW_SHA1=yes
done
both sha1 rsa-pkcs1 125
err_like 'a server that only takes SHA-1: the way out is named' 'ssh_allow_sha1 = yes$'
both sha256 ed25519 125
both sha256 ecdsa-256 125
both sha1 ed25519 125

# The faults of a key, told before anything is sent.
bad() {	# bad DESCRIPTION ERE KEY-FILE [VARIABLE=VALUE...]
	d=$1 e=$2 f=$3
	shift 3
	fails "$d" 2 "$e" env -u RS_WRITEBACK_CONFIG "$@" RSW_SSH_PRIVATE_KEY="$f" \
		ssh-fwd -L db:5439 no.such.invalid -- true
}
bad 'no passphrase' 'rsa-pkcs1-aes128-enc.: it is encrypted; set ssh_private_key_passphrase' \
	"$T/rsa-pkcs1-aes128-enc"
bad 'no passphrase (PKCS#8)' 'it is encrypted; set' "$T/rsa-pkcs8-aes256-enc"
bad 'no passphrase (OpenSSH)' 'it is encrypted; set' "$T/rsa-openssh-aes256-ctr-enc"
for k in rsa-pkcs1-aes128-enc rsa-pkcs1-des-enc rsa-pkcs8-aes256-enc rsa-openssh-aes256-ctr-enc \
    rsa-openssh-aes128-cbc-enc rsa-openssh-aes256-gcm-enc ed25519-enc ecdsa-256-sec1-des3-enc; do
	bad "a wrong passphrase: $k" "cannot decrypt the private key '.*$k': the passphrase is wrong|the passphrase is wrong" \
		"$T/$k" RSW_SSH_PRIVATE_KEY_PASSPHRASE=wrong-one
	err_unlike "$k: it is not told" wrong-one
done
bad 'a file that is not there' "cannot open '.*/gone'" "$T/gone"
cp rsa-pkcs1 open-key && chmod 644 open-key
bad 'a file that others can read' 'others can read it .*chmod 600' "$T/open-key"
bad 'a public key' 'it is a public key; the private one is' "$(printf 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB x\n\n')"
quietly openssl rsa -in rsa-pkcs1 -pubout -out public.pem
bad 'a public key in PEM' 'it is a public key; give the private one' "$T/public.pem"
bad 'a PuTTY key' "PuTTY's form; run: puttygen" "$(printf 'PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n')"
printf 'hello\n' >hello
bad 'no key at all' 'it is not a key' "$T/hello"
: >empty
bad 'an empty file' 'it is empty' "$T/empty"
head -n 5 rsa-pkcs1 >cut
bad 'a cut key' 'it is cut off \(there is no line -----END RSA PRIVATE KEY-----\)' "$T/cut"
sed '5s/.*/@@@@/' rsa-pkcs1 >damaged
bad 'a damaged key' "it is damaged \(a '@' stands between" "$T/damaged"
sed 5d rsa-pkcs1 >damaged
bad 'a key without one of its lines' 'it is damaged|does not know' "$T/damaged"
sed 3d ed25519 >damaged
bad 'the same in OpenSSH form' 'it is damaged' "$T/damaged"
grep -v -e BEGIN -e END rsa-pkcs1 >bare
bad 'a key without BEGIN' 'the lines -----BEGIN .* are missing' "$T/bare"
quietly openssl dsaparam -genkey -noout -out dsa 1024
bad 'a DSA key' 'it is a DSA key, which no current server accepts; make another: ssh-keygen -t ed25519' \
	"$T/dsa"
quietly openssl pkcs8 -topk8 -nocrypt -in dsa -out dsa8
bad 'a DSA key (PKCS#8)' 'it is a DSA key' "$T/dsa8"
quietly openssl genpkey -algorithm ed448 -out ed448
bad 'another kind of key' 'its type is not RSA, ECDSA' "$T/ed448"

# The agent, and a server of another make.
eval "$(ssh-agent -s)" >/dev/null
at_end "kill $SSH_AGENT_PID"
export SSH_AUTH_SOCK
quietly ssh-add rsa-4096
try sha256
status_is 0 'an RSA key from the agent, by SHA-256'
try sha512
status_is 0 'and by SHA-512'
try default RSW_SSH_AGENT=no
status_is 125 'no agent if it is not wanted'
err_like 'nothing was tried' 'tried: nothing, for there is no key or password that fits'
quietly ssh-add -D
quietly ssh-add ed25519
quietly ssh-add ecdsa-384
try default
status_is 0 'an ed25519 key from the agent'
quietly ssh-add -D
quietly ssh-add ecdsa-384
try default
status_is 0 'an ECDSA key from the agent'

quietly ssh-add -D
for n in 1 2 3; do
	quietly openssl genrsa -traditional -out stranger$n 2048
	quietly ssh-add stranger$n
done
quietly ssh-add ed25519
try default
status_is 0 'the fourth key of an agent, behind three RSA keys (MaxAuthTries is 6)'
quietly ssh-add -d ed25519
for n in 4 5 6; do
	quietly ssh-keygen -q -t ed25519 -N '' -f stranger$n
	quietly ssh-add stranger$n
done
try default
status_is 125 'six keys of an agent that are not let in'
err_like 'not all were tried, and the way out is named' \
	"tried: (key 'agent: [^,]*, ){4}key 'agent: [^,]*\); not all keys were tried; name the right one with -i \(ssh_private_key\)\$"

# A server of another make, which knows no rsa-sha2-512, and wants every packet
# as RFC 8332 has it. It looks for the user's keys in his home: /etc/passwd is
# another one in a mount namespace of its own.
dropbear=/usr/sbin/dropbear
[ -x $dropbear ] || ok "$dropbear is there (contrib/install-deps)" false
if [ -x $dropbear ] && [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	mkdir -p etc bear/.ssh
	cp default/ssh/etc/group default/ssh/etc/shadow default/ssh/etc/hosts \
		default/ssh/etc/pam etc
	sed "s,^\(tunnel:x:[0-9]*:[0-9]*::\)/:,\1$T/bear:," default/ssh/etc/passwd >etc/passwd
	cp keys.pub bear/.ssh/authorized_keys
	chmod 711 "$T" bear bear/.ssh
	chmod 644 etc/passwd etc/group etc/hosts bear/.ssh/authorized_keys
	chown -R 4242 bear
	quietly dropbearkey -t ed25519 -f bear-key
	port=$((20000 + $$ % 12000))
	unshare -m --propagation private "$srcdir/t/standin/bastion" "$T/etc" \
		$dropbear -F -E -p "127.0.0.1:$port" -r "$T/bear-key" >bear.log 2>&1 &
	at_end "kill $!"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		grep -q 'Not backgrounding' bear.log && break
		sleep 0.1
	done
	for k in rsa-pkcs1 rsa-4096 rsa-openssh-aes256-ctr-enc ecdsa-256 ed25519; do
		run env -u RS_WRITEBACK_CONFIG RSW_SSH_PRIVATE_KEY="$T/$k" \
			RSW_SSH_PRIVATE_KEY_PASSPHRASE='pass 1' ssh-fwd --accept-new \
			-L "127.0.0.1:$port" "tunnel@127.0.0.1:$port" -- true
		status_is 0 "dropbear: $k"
	done
fi
done_testing
