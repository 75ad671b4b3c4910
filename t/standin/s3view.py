#!/usr/bin/python3
"""s3view.py ls|uploads|get KEY|put KEY|rm KEY|log: the sandbox's S3 seen by
another client than ours (boto3), with the keys of [account sandbox]. uploads:
multipart ones that were not ended. log: what the server was asked, a line
each: METHOD PATH STATUS."""
import configparser
import json
import os
import sys

import boto3
import botocore.config

config = configparser.RawConfigParser()
config.read(os.environ['RS_WRITEBACK_CONFIG'])
account = config['account sandbox']
bucket = os.environ['SANDBOX_BUCKET']
s3 = boto3.client(
    's3', endpoint_url=os.environ['SANDBOX_S3_URL'],
    region_name=os.environ['SANDBOX_REGION'],
    verify=os.environ['SANDBOX_CA'],
    aws_access_key_id=account['aws_access_key'],
    aws_secret_access_key=account['aws_secret_key'],
    config=botocore.config.Config(retries={'max_attempts': 0}))

command, *args = sys.argv[1:]
if command == 'ls':
    for page in s3.get_paginator('list_objects_v2').paginate(Bucket=bucket):
        for item in page.get('Contents', []):
            print(item['Key'], item['Size'])
elif command == 'uploads':
    for item in s3.list_multipart_uploads(Bucket=bucket).get('Uploads', []):
        print(item['Key'], item['UploadId'])
elif command == 'get':
    body = s3.get_object(Bucket=bucket, Key=args[0])['Body']
    sys.stdout.buffer.write(body.read())
elif command == 'put':
    s3.put_object(Bucket=bucket, Key=args[0], Body=sys.stdin.buffer.read())
elif command == 'rm':
    s3.delete_object(Bucket=bucket, Key=args[0])
elif command == 'log':
    path = os.environ['RSW_SANDBOX'] + '/s3/requests.log'
    with open(path, encoding='utf-8') as log:
        for line in log:
            r = json.loads(line)
            print(r['method'], r['path'], r['status'],
                  *('%s=%s' % (h, r['headers'].get(h)) for h in args))
else:
    sys.exit(__doc__)
