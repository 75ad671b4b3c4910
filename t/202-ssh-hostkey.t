#!/bin/sh
# Which bastions are trusted: known_hosts in all its forms, fingerprints, first
# contact, changed and revoked keys; servers that libssh2 cannot talk to.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
sandbox --only ssh
to=127.0.0.1:$SANDBOX_SSH_PORT
name="[127.0.0.1]:$SANDBOX_SSH_PORT"
etc=$RSW_SANDBOX/ssh/etc
key_of() { cut -d ' ' -f 1,2 "$1"; }
print_of() { ssh-keygen -lf "$1" | cut -d " " -f 2; }
ere() { echo "$1" | sed "s,+,[+],g"; }
ed25519=$(key_of "$etc/host_ed25519.pub") ecdsa=$(key_of "$etc/host_ecdsa.pub")
fp_ed25519=$(print_of "$etc/host_ed25519.pub")
fp_ecdsa=$(print_of "$etc/host_ecdsa.pub")
ssh-keygen -q -t ed25519 -N '' -f other
other=$(key_of other.pub)
ssh-keygen -q -t ecdsa -N '' -f other2
other2=$(key_of other2.pub)
fwd() { ssh-fwd -a sandbox -L "$to" --known-hosts kh "$@" -- true; }
known() { cat >kh; }

ok_with() {	# ok_with DESCRIPTION, known_hosts on stdin
	known
	run fwd
	status_is 0 "$1"
}
no_with() {	# no_with DESCRIPTION ERE
	known
	fails "$1" 125 "cannot trust the bastion '127.0.0.1' port $SANDBOX_SSH_PORT: $2" fwd
}
ok_with 'ed25519 alone' <<E
$name $ed25519
E
ok_with 'ECDSA alone: it is asked for' <<E
$name $ecdsa
E
ok_with 'names in a list, with a comment' <<E
# comment
old.example,$name,127.0.0.2 $ed25519 made by hand
E
ok_with 'a wildcard' <<E
[127.0.0.*]:?* $ed25519
E
known <<E
$name $ed25519
E
ssh-keygen -qH -f kh >/dev/null 2>&1
ok 'it is hashed' grep -q '^|1|' kh
run fwd
status_is 0 'hashed names'
printf '%s %s\r\n' "$name" "$ed25519" >lines
ok_with 'CRLF' <lines
{ echo 'garbage'; echo '127.0.0.1 ssh-ed25519 @@@@'; head -c 9000 /dev/zero | tr '\0' x
	echo; echo "$name $ed25519"; } >lines
ok_with 'garbage and a long line before it' <lines
printf '%s %s' "$name" "$ed25519" >lines
ok_with 'no newline at the end' <lines
ok_with 'another key and the right one' <<E
$name $other
$name $ed25519
E

no_with 'nothing known' "its key is not known \(ssh-ed25519 $(ere "$fp_ed25519")\)" </dev/null
no_with 'the host without its port' 'its key is not known' <<E
127.0.0.1 $ed25519
E
no_with 'a pattern that takes it out' 'its key is not known' <<E
!$name,[127.0.0.*]:* $ed25519
E
no_with 'an authority is no host key' 'its key is not known' <<E
@cert-authority $name $ed25519
E
no_with 'a changed key' "it shows another key \(ssh-ed25519 $(ere "$fp_ed25519")\) than 'kh' line 2 has" <<E
# one
$name $other
E
no_with 'another key of a type that the server has too' \
	"it shows another key \(ecdsa-sha2-nistp256 $(ere "$fp_ecdsa")\) than 'kh' line 1 has" <<E
$name $other2
E
no_with 'a revoked key' "its ssh-ed25519 key is revoked by 'kh' line 2" <<E
$name $ed25519
@revoked * $ed25519
E
rm kh
fails 'a known_hosts file that is not there' 2 "cannot open 'kh'" fwd
mkdir kh
fails 'a known_hosts file that cannot be read' 2 "cannot read 'kh'" fwd
fails 'the same with --accept-new' 2 "cannot read 'kh'" fwd --accept-new
rmdir kh

# first contact
run fwd --accept-new
status_is 0 '--accept-new'
err_like 'it says so' "trusted from now on: ssh-ed25519 $(ere "$fp_ed25519"), added to 'kh'"
same 'the line' "$(cat kh)" "$name $ed25519"
same 'the mode' "$(stat -c %a kh)" 600
run fwd
status_is 0 'known from now on'
err_empty 'without a word'
known <<E
$name $other
E
fails '--accept-new does not take a changed key' 125 'it shows another key' fwd --accept-new
cat >terminal.py <<'E'
# terminal.py ANSWER COMMAND...: run it with a terminal of its own, and type ANSWER
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen = b""
try:
    while True:
        seen += os.read(fd, 1000)
        if b"(yes/no)? " in seen and sys.argv[1]:
            os.write(fd, sys.argv[1].encode() + b"\n")
            sys.argv[1] = ""
except OSError:
    pass
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
E
: >kh
run /usr/bin/python3 terminal.py no ssh-fwd -a sandbox -L "$to" --known-hosts kh -- true
status_is 125 'asked on a terminal: no'
out_like 'the fingerprint is shown' "$(ere "$fp_ed25519")"
same 'nothing is noted' "$(cat kh)" ''
run /usr/bin/python3 terminal.py yes ssh-fwd -a sandbox -L "$to" --known-hosts kh -- true
status_is 0 'yes'
same 'it is noted' "$(cat kh)" "$name $ed25519"
run env RSW_SSH_PRIVATE_KEY="$SANDBOX_KEYS/id_ed25519" RS_WRITEBACK_CONFIG= \
	ssh-fwd -L "$to" --accept-new "tunnel@$to" -- true
status_is 0 'no configuration, a new home'
same '~/.ssh/known_hosts' "$(cat "$HOME/.ssh/known_hosts")" "$name $ed25519"
same 'the mode of ~/.ssh' "$(stat -c %a "$HOME/.ssh")" 700

# fingerprints
: >kh
for f in "$fp_ed25519" "${fp_ed25519#SHA256:}" "$fp_ed25519=" "SHA256:AAAA, $fp_ed25519"; do
	run fwd --fingerprint "$f"
	status_is 0 "the fingerprint as $f"
done
run fwd --fingerprint "$(ssh-keygen -lf "$etc/host_ed25519.pub")"
status_is 0 'the whole line of ssh-keygen -l'
fails 'a fingerprint by MD5' 2 "cannot use 'MD5:11:22' as a host key's fingerprint: it is SHA256:" \
	fwd --fingerprint MD5:11:22
run fwd --fingerprint "$fp_ecdsa"
status_is 0 'the fingerprint of another key that the server has'
fails 'a wrong fingerprint' 125 "is not the one of ssh_host_key_fingerprint" \
	fwd --fingerprint SHA256:AAAA
known <<E
$name $other
E
run fwd --fingerprint "$fp_ed25519"
status_is 0 'a fingerprint outranks known_hosts'
known <<E
@revoked * $ed25519
E
fails 'but not a revocation' 125 'is revoked' fwd --fingerprint "$fp_ed25519"

# servers that this libssh2 cannot talk to
other_server() {	# other_server NAME OPTION...
	n=$1
	shift
	"$srcdir/t/sandbox" start --only ssh "$@" "$T/$n" >sandbox.log 2>&1 ||
		{ echo "Bail out! no sshd"; exit 99; }
	at_end "'$srcdir/t/sandbox' stop '$T/$n' >/dev/null 2>&1"
	eval "$("$srcdir/t/sandbox" env "$T/$n")"
	to=127.0.0.1:$SANDBOX_SSH_PORT
}
fwd() { ssh-fwd -a sandbox -L "$to" "$@" -- true; }
other_server etm --sshd 'MACs hmac-sha2-256-etm@openssh.com' --sshd 'Ciphers aes256-ctr'
fails 'only ETM MACs' 125 "cannot talk to '127.0.0.1' port $SANDBOX_SSH_PORT: it only takes the MACs hmac-sha2-256-etm@openssh.com, which libssh2 [0-9.]+ does not have; use --transport openssh" fwd
other_server gcm --sshd 'Ciphers aes256-gcm@openssh.com'
fails 'only GCM' 125 'it only takes the ciphers aes256-gcm@openssh.com, which libssh2' fwd
other_server rsa --sshd 'HostKeyAlgorithms rsa-sha2-512,rsa-sha2-256'
fails 'only an RSA host key' 125 'it only takes the host key types rsa-sha2-512,rsa-sha2-256, which libssh2' fwd
other_server sha1 --sshd 'MACs hmac-sha1' --sshd 'HostKeyAlgorithms ssh-rsa' \
	--sshd 'KexAlgorithms diffie-hellman-group14-sha1'
fails 'an old server' 125 'or which rest on SHA-1 \(ssh_allow_sha1 = yes\)' fwd
RSW_SSH_ALLOW_SHA1=yes run fwd
status_is 0 'which can be allowed'
done_testing
