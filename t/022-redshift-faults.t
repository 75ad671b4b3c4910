#!/bin/sh
# The Redshift stand-in: transactions, lost clients, trouble on order. In
# Python, over libpq.
exec /usr/bin/python3 \
    "${srcdir:-$(dirname "$0")/..}/t/standin/test_redshift_faults.py"
