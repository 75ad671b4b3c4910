#!/usr/bin/python3
"""redshift.py DIR: a stand-in for Amazon Redshift.

It speaks PostgreSQL's protocol to clients, stands in front of a real
PostgreSQL, and behaves as Redshift where the two differ; above all it refuses
what Redshift refuses.  DIR/config.json says where and how (rs/config.py names
the keys).  It prints "ready PORT" when it accepts connections and ends at
SIGTERM or SIGINT.  In DIR it keeps statements.log (what clients sent),
lockout.json (failed logins) and reads faults.json (rs/faults.py).
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
