#!/bin/sh
# domo-cat in a pipe, killed at any moment; by way of a file; with TLS,
# proxies, short-lived tokens; on a terminal.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
. "$srcdir/t/domo.sh"

domo_small
B=bbbbbbbb-0000-4000-8000-00000000000b
/usr/bin/python3 - >big.csv <<'E'
print('Id,Text')
for i in range(60000):
    print('%d,%s' % (i, 'x' * (i % 7)))
E
dataset "$B" '{"name": "big", "schema": {"columns": [{"name": "Id", "type":
	"LONG"}, {"name": "Text", "type": "STRING"}]}}' <big.csv
domo_start
export='"path": "/data\\?"'

# --- killed while it waits for a slow reader ---------------------------------

# The reader takes some bytes, so that the pipe's pages begin anywhere, and
# the writer is killed with a full pipe. Rows are short: one byte in six is
# a newline, so a write that is cut anywhere would be seen soon.
mkfifo pipe
i=0
: >ends
while [ $i -lt 25 ]; do
	domo-cat --no-gzip "$B" >pipe 2>/dev/null &
	pid=$!
	{
		dd bs=$((1 + i * 977)) count=1 iflag=fullblock 2>/dev/null
		sleep 0.03
		kill -9 $pid
		cat
	} <pipe >out
	wait $pid 2>/dev/null
	head -c "$(wc -c <out)" big.csv | cmp out - >>ends 2>&1 || echo differs >>ends
	[ "$(wc -c <out)" -lt "$(wc -c <big.csv)" ] || echo all >>ends
	[ "$(tail -c 1 out | od -An -tx1)" != ' 0a' ] || echo newline >>ends
	i=$((i + 1))
done
same 'killed 25 times: never a newline at the end' "$(cat ends)" ''
ok 's3-stage refuses the last one' stage_refuses

# A blank record is a whole record: a run of them must not end the output.
O=00000000-0000-4000-8000-000000000001
{ echo a; head -c 20000 /dev/zero | tr '\0' '\n'; echo x; } >one.csv
dataset "$O" '{"name": "one", "schema": {"columns": [{"name": "a", "type":
	"LONG"}]}}' <one.csv
domo-cat "$O" >pipe 2>err & pid=$!
cat <pipe >out
wait $pid
same 'a column of NULLs' $? 0
ok 'is whole' sh -c 'tr -d "\r" <out | cmp - one.csv'
at=$(($(wc -c <one.csv) - 3))
fault "{$export, \"fault\": \"truncate\", \"bytes\": $at}"
domo-cat "$O" >pipe 2>err & pid=$!
cat <pipe >out
wait $pid
same 'a column of NULLs that is cut' $? 75
ok 'does not end in a newline' test "$(tail -c 1 out | od -An -tx1)" != ' 0a'
fault

# A schema of which the pipe holds 4095 columns, up to a newline.
W=00000000-0000-4000-8000-000000000002
/usr/bin/python3 - >wide.json <<'E'
import json
names = ['a_column_of_many'] + ['c%09d' % i for i in range(4500)]
print(json.dumps({'name': 'wide', 'schema': {'columns': [
    {'name': n, 'type': 'LONG'} for n in names]}}))
E
dataset "$W" "$(cat wide.json)" </dev/null
domo-cat -S "$W" >pipe 2>err & pid=$!
{
	sleep 1
	kill -9 $pid
	cat
} <pipe >out
wait $pid 2>/dev/null
ok 'a schema, killed: some of it is there' test -s out
ok 'but no newline at its end' test "$(tail -c 1 out | od -An -tx1)" != ' 0a'
run domo-cat -S "$W"
same 'not killed: all of it' "$(wc -l <out)" 4502

# --- by way of a file --------------------------------------------------------

mkdir spool
TMPDIR=$T/spool
export TMPDIR
fault "{$export, \"fault\": \"trickle\", \"rate\": 200000}"
domo-cat --spool --no-gzip "$B" >out 2>err & pid=$!
sleep 0.7
same 'the file has no name' "$(ls -A spool)" ''
ok 'but is there' sh -c "ls -l /proc/$pid/fd | grep -q '$T/spool/.*deleted'"
same 'and nobody else may read it' \
	"$(find /proc/$pid/fd -lname "$T/spool/*" -exec stat -L -c %a {} +)" 600
kill -TERM $pid
wait $pid 2>/dev/null
same 'nothing is left' "$(ls -A spool)" ''
out_empty 'nothing has left'
fault
run sh -c "trap '' XFSZ; ulimit -f 100; exec domo-cat --spool '$B'"
status_is 1 'no room for the file'
err_like 'is said' "cannot write the spool file in '$T/spool': File too large; set TMPDIR to a directory with more room"
TMPDIR=$T/gone run domo-cat --spool "$B"
status_is 1 'no directory for the file'
err_like 'is said' "cannot make a file to spool in '$T/gone': No such file or directory; set TMPDIR"
run sh -c "domo-cat --spool '$B' >/dev/full"
status_is 1 'a full disk behind the file'
err_like 'is said' 'cannot write the output: No space left on device'
unset TMPDIR

# --- tokens ------------------------------------------------------------------

domo_start '"token_seconds": 2'
fault "{$export, \"fault\": \"stall\", \"seconds\": 2.3}"
run domo-cat "$G"
status_is 0 'a token that ends during the export'
same 'is renewed' "$(requests POST /oauth/token)" 2
same 'before anything is refused' "$(grep -c '"status": 40' domo/requests.log)" 0
domo_start '"old_gateway": true'
fault "{$export, \"fault\": \"expire-token\", \"times\": 1}"
run domo-cat "$G"
status_is 0 'the old gateway: a token that has ended'
same 'no text/csv alone, so no 406' "$(grep -c '"status": 406' domo/requests.log)" 0

# --- TLS, proxies ------------------------------------------------------------

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 \
	-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out ca.pem \
	>/dev/null 2>&1
domo_start "\"tls_cert\": \"$T/ca.pem\", \"tls_key\": \"$T/key.pem\""
DOMO_API_URL=https://127.0.0.1:$domo_port
fails 'an unknown CA' 1 'SSL certificate problem: .*127.0.0.1' domo-cat "$G"
run domo-cat --cacert ca.pem "$G"
out_same '--cacert' "domo/datasets/$G.csv"
RSW_DOMO_CACERT=$T/ca.pem run domo-cat -S "$G"
status_is 0 'from the configuration'
DOMO_API_URL=https://localhost:$domo_port fails 'another name' 1 \
	'no alternative certificate subject name matches' domo-cat --cacert ca.pem "$G"
fails 'no such file' 2 \
	"cannot read 'gone.pem', the file of 'domo_cacert': No such file" \
	domo-cat --cacert gone.pem "$G"
# A proxy that tunnels, with a header of its own before.
cat >proxy.py <<'E'
import socket, sys, threading
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)

def copy(one, other):
    while data := one.recv(65536):
        other.sendall(data)
    other.shutdown(socket.SHUT_WR)

while True:
    client = server.accept()[0]
    head = b''
    while b'\r\n\r\n' not in head:
        head += client.recv(4096)
    print(head.split(b'\r\n')[0].decode(), file=sys.stderr, flush=True)
    host, port = head.split()[1].decode().rsplit(':', 1)
    far = socket.create_connection((host, int(port)))
    client.sendall(b'HTTP/1.1 200 Connection established\r\nX-Word: 1\r\n\r\n')
    for pair in (client, far), (far, client):
        threading.Thread(target=copy, args=pair, daemon=True).start()
E
/usr/bin/python3 proxy.py >proxy.port 2>proxy.log & proxy_pid=$!
at_end 'kill $proxy_pid 2>/dev/null'
until [ -s proxy.port ]; do sleep 0.05; done
https_proxy=http://127.0.0.1:$(cat proxy.port)
export https_proxy
run domo-cat --cacert ca.pem "$G"
out_same 'through a proxy' "domo/datasets/$G.csv"
same 'that was asked' "$(cat proxy.log)" "CONNECT 127.0.0.1:$domo_port HTTP/1.1"
fails 'through a proxy, an unknown CA' 1 'SSL certificate problem' domo-cat "$G"
unset https_proxy
DOMO_API_URL=http://127.0.0.1:$domo_port fails 'no TLS where there is one' 75 \
	'cannot look up' domo-cat --tries 1 "$G"
domo_start
# HTTP/2, by a proxy in front of the stand-in, as Domo has one.
port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
PATH=$PATH:/usr/sbin nghttpx --conf=/dev/null --no-ocsp -f "127.0.0.1,$port" \
	-b "127.0.0.1,$domo_port" --accesslog-file="$T/h2.log" \
	--accesslog-format='$request' key.pem ca.pem >h2.err 2>&1 & h2_pid=$!
at_end 'kill $h2_pid 2>/dev/null'
for i in $(seq 1 100); do
	curl -s --cacert ca.pem "https://127.0.0.1:$port/" >/dev/null && break
	sleep 0.05
done
: >h2.log
fault
DOMO_API_URL=https://127.0.0.1:$port
run domo-cat --cacert ca.pem "$B"
status_is 0 'HTTP/2'
out_same 'is whole' big.csv
same 'in all four requests' "$(grep -c ' HTTP/2' h2.log) of $(wc -l <h2.log)" '4 of 4'
for how in close reset; do
	fault "{$export, \"fault\": \"cut\", \"how\": \"$how\"}"
	run domo-cat --cacert ca.pem "$B"
	status_is 75 "HTTP/2, cut by $how"
	err_like 'is said' 'it broke off after [0-9]+ rows'
	ok 'the output does not look whole' stage_refuses
done
fault "{$export, \"fault\": \"reset\", \"times\": 2}"
run domo-cat --cacert ca.pem "$B"
out_same 'HTTP/2: a stream that ends at once is tried again' big.csv
kill $h2_pid
fault
DOMO_API_URL=http://127.0.0.1:$domo_port
http_proxy=http://127.0.0.1:1 fails 'a proxy that is not there' 75 \
	'Failed to connect to 127.0.0.1 port 1 ' domo-cat --tries 2 "$G"
http_proxy=http://127.0.0.1:1 no_proxy=127.0.0.1 run domo-cat "$G"
status_is 0 'no proxy for this address'

# --- what it tells meanwhile -------------------------------------------------

fault "{$export, \"fault\": \"html-503\", \"times\": 1}"
run domo-cat -v "$G"
status_is 0 '-v'
err_like 'tells of an attempt that failed' '^domo-cat: Domo says 503 Service Unavailable'
fault "{$export, \"fault\": \"trickle\", \"rate\": 600000}"
run script -qec "domo-cat --no-gzip $B >copy" typescript
status_is 0 'on a terminal'
ok 'the output is not mixed up' cmp copy big.csv
ok 'shows how far it is' grep -Eaq \
	'[0-9]+ of 60000 rows \([0-9]+%\), [0-9.]+ MB, [0-9.]+ MB/s, [0-9]+ s left' typescript
run script -qec "domo-cat --no-gzip $B" typescript
ok 'not when the rows go there themselves' t_unlike 'MB/s|waiting' typescript
run script -qec "domo-cat -q --no-gzip $B >copy" typescript
ok '-q does not' t_unlike 'rows' typescript
done_testing
