#!/bin/sh
# A real PostgreSQL behind the bastion: psql copies both ways and pg_dump runs
# through the tunnel; a query is cancelled, which takes a second connection.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"
command -v pg_dump >/dev/null || skip_all 'pg_dump is not installed'
sandbox --only db,ssh --sshd 'PermitOpen any'

# The sandbox's PostgreSQL listens on a Unix socket only: give it a port.
cat >relay.py <<'E'
import os, socket, sys, threading
def copy(a, b):
    try:
        while True:
            d = a.recv(1 << 16)
            if not d:
                break
            b.sendall(d)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
while True:
    a, _ = s.accept()
    b = socket.socket(socket.AF_UNIX)
    b.connect(sys.argv[1])
    for x, y in (a, b), (b, a):
        threading.Thread(target=copy, args=(x, y), daemon=True).start()
E
: >relay.port
/usr/bin/python3 relay.py "$SANDBOX_PG_SOCKET/.s.PGSQL.5432" >relay.port &
at_end "kill $!"
until read -r port <relay.port; do sleep 0.05; done
PGHOST=db.example.test PGUSER=postgres PGDATABASE=postgres
export PGHOST PGUSER PGDATABASE
fwd() { ssh-fwd -a sandbox -L "127.0.0.1:$port" -- "$@"; }

seq 1 200000 | sed 's/$/,some text that takes room/' >rows
run fwd psql -qc 'create table t (n int primary key, s text)' -c "\\copy t from 'rows' csv"
status_is 0 'psql: rows go up'
run fwd psql -Atc 'select count(*), sum(n) from t'
out_is 'all of them' '200000|20000100000'
run fwd psql -qc '\copy (select * from t order by n) to stdout csv'
out_same 'and come down' rows
run fwd pg_dump -t t --inserts --rows-per-insert=1000
status_is 0 'pg_dump'
same 'it is whole' "$(grep -c 'some text that takes room' out)" 200000
run fwd pg_dump -Fd -j 3 -f dump
status_is 0 'pg_dump by three connections at once'
run fwd timeout --foreground -s INT 1 psql -c 'select pg_sleep(30)'
err_like 'a cancelled query' 'canceling statement due to user request'
done_testing
