#!/bin/sh
# The S3 server of the sandbox is as strict as S3: standin/check_s3.py.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"

sandbox --only s3
/usr/bin/python3 -B "$srcdir/t/standin/check_s3.py"
exit
