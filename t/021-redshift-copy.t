#!/bin/sh
# The Redshift stand-in: COPY from a real S3 server. In Python, over libpq.
exec /usr/bin/python3 \
    "${srcdir:-$(dirname "$0")/..}/t/standin/test_redshift_copy.py"
