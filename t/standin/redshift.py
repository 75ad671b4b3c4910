#!/usr/bin/python3
r"""redshift.py DIR: a stand-in for Amazon Redshift.

It speaks PostgreSQL's protocol to clients, stands in front of a real
PostgreSQL, and behaves as Redshift where the two differ; above all it refuses
what Redshift refuses.  DIR/config.json says where and how (rs/config.py names
the keys).  It prints "ready PORT" when it accepts connections and ends at
SIGTERM or SIGINT.  In DIR it keeps statements.log (what clients sent, their
secrets too), lockout.json (failed logins) and reads faults.json
(rs/faults.py).

A statement's way: session.py takes the message, lexer.py makes tokens of it,
statements.py finds who makes a plan (queries, changes, definitions, ...), the
session carries the plan out on backend.py and relays the answer.  COPY is
copy.py's: copyoptions reads the statement, s3source the objects, records the
rows, convert the fields, loadlog writes what is left.

"DG:page" in these files is a page of Amazon's Database Developer Guide,
https://docs.aws.amazon.com/redshift/latest/dg/page.html; "owner/repo#N" is an
issue on GitHub.

Where nobody outside of Amazon knows what Redshift does, the strict side is
taken, so that who passes here passes there:

  - a quoted null string is NULL as well;  NULL AS '\N' means the letter N
  - an empty line is error 1211, in a table of one column too
  - a CR before LF, and a byte order mark, are data
  - TIMESTAMPTZ without a zone fails, unless TIMEFORMAT is 'auto'
  - NULL for a NOT NULL column fails, whatever its DEFAULT
  - the line number of a row with newlines in quotes is its first line's
  - a transaction's snapshot is taken before it waits for a table's write lock

What it has not (it says so): SUPER, VARBYTE, UNLOAD, functions, procedures,
materialized and external tables, formats of COPY other than CSV and delimited
text.  Keys and constraints are noted for ALTER TABLE's rules, but are not in
information_schema.
"""

import signal
import sys

sys.dont_write_bytecode = True

from rs import config, wire                     # noqa: E402
from rs.errors import RsError                   # noqa: E402
from rs.server import Server                    # noqa: E402


def main():
    if len(sys.argv) != 2:
        print("usage: redshift.py DIR", file=sys.stderr)
        return 2
    try:
        server = Server(config.load(sys.argv[1]))
    except (config.ConfigError, OSError, RsError, wire.Gone) as e:
        print("redshift.py: cannot start: %s" % e, file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.close())
    print("ready %d" % server.port, flush=True)
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
