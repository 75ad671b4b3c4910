#!/bin/sh
# The Redshift stand-in: its door, its SQL, its catalog. In Python, over libpq.
exec /usr/bin/python3 "${srcdir:-$(dirname "$0")/..}/t/standin/test_redshift.py"
