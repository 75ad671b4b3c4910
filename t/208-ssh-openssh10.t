#!/bin/sh
# The tests of logins, host keys, bytes and life once more, against OpenSSH 10
# in $RSW_OPENSSH10, where contrib/openssh10 has unpacked it; and what only that
# one does: it turns away who failed too often.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
# contrib/check says "none" when it cannot be fetched.
[ "${RSW_OPENSSH10:-}" != none ] ||
	{ echo '1..0 # SKIP OpenSSH 10 cannot be fetched here'; exit 0; }
[ -n "${RSW_OPENSSH10:-}" ] ||
	skip_all 'RSW_OPENSSH10 is not set; contrib/openssh10 fetches it'
SANDBOX_OPENSSH=$RSW_OPENSSH10
export SANDBOX_OPENSSH

for t in 201-ssh-keys 202-ssh-hostkey 203-ssh-forward 204-ssh-life 205-ssh-login; do
	(cd "$builddir" && sh "$srcdir/t/$t.t") >log 2>&1
	same "t/$t against OpenSSH 10" $? 0
	grep -A 6 -e '^not ok' -e '^Bail' log | sed 's/^/# /'
done

sandbox --only ssh --sshd 'PerSourcePenalties authfail:30 min:1'
run ssh-fwd -vv -a sandbox -L "127.0.0.1:$SANDBOX_SSH_PORT" -- true
status_is 0 'a login'
err_like 'it is OpenSSH 10' 'SSH-2.0-OpenSSH_10'
run ssh-fwd -a sandbox -i "$SANDBOX_KEYS/id_rsa_stranger.pem" -L x:1 -- true
status_is 125 'one that fails'
fails 'the next is turned away' 75 \
	"cannot talk to '127.0.0.1' port $SANDBOX_SSH_PORT: it turns us away for now \(Not allowed at this time\)" \
	ssh-fwd -a sandbox -L x:1 -- true
done_testing
