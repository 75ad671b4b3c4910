#!/usr/bin/python3
"""s3put.py: put files into the sandbox's bucket, by botocore, so that tests
of what reads from S3 do not lean on the project's own writer.

Standard input: lines FILE<TAB>KEY. What it needs is in the environment that
`t/sandbox env` prints.
"""

import os
import sys

import botocore.session
from botocore.config import Config


def main():
    env = os.environ
    with open(os.path.join(env["RSW_SANDBOX"], "secrets", "aws"),
              encoding="utf-8") as f:
        secret = f.read()
    client = botocore.session.get_session().create_client(
        "s3", region_name=env["SANDBOX_REGION"],
        endpoint_url=env["SANDBOX_S3_URL"], verify=env.get("SANDBOX_CA"),
        aws_access_key_id=env["SANDBOX_AWS_ACCESS_KEY"],
        aws_secret_access_key=secret,
        config=Config(s3={"addressing_style": "path"}))
    for line in sys.stdin:
        path, key = line.rstrip("\n").split("\t")
        with open(path, "rb") as body:
            client.put_object(Bucket=env["SANDBOX_BUCKET"], Key=key, Body=body)


if __name__ == "__main__":
    main()
