#!/usr/bin/python3
"""check_s3.py: TAP on whether the sandbox's S3 server is as strict as S3.

Reads SANDBOX_S3_URL, SANDBOX_BUCKET, SANDBOX_CA and the directory RSW_SANDBOX
of a running sandbox; is called by t/012-s3-standin.t.  The client is boto3, and
for what boto3 cannot do wrong, requests signed by botocore and then spoilt.
"""
import base64
import hashlib
import http.client
import json
import os
import sys
import time
import urllib.parse
import zlib

import boto3
import botocore
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

URL = os.environ['SANDBOX_S3_URL']
BUCKET = os.environ['SANDBOX_BUCKET']
DIR = os.environ['RSW_SANDBOX'] + '/s3/'
with open(DIR + 'config.json', encoding='utf-8') as config:
    KEYS = json.load(config)['credentials']
LASTING = next(k for k in KEYS if 'session_token' not in KEYS[k])
PASSING = next(k for k in KEYS if 'session_token' in KEYS[k])
count = failed = 0


def ok(what, good, got=''):
    global count, failed
    count += 1
    failed += not good
    print('%s %d - %s' % ('ok' if good else 'not ok', count, what))
    if not good:
        print('#   got: %.300r' % (got,))


def client(access=LASTING, secret=None, token=None, region='us-east-1', **more):
    return boto3.client(
        's3', endpoint_url=URL, region_name=region, aws_access_key_id=access,
        aws_secret_access_key=secret or KEYS[access]['secret'],
        aws_session_token=token, verify=os.environ['SANDBOX_CA'],
        config=Config(retries={'total_max_attempts': 1},
                      s3={'addressing_style': 'path'}, **more))


S3 = client()
ODD = 'a//b c+d%é=~,'


def put(key, body=b'hello', s3=S3, **more):
    return s3.put_object(Bucket=BUCKET, Key=key, Body=body, **more)


def get(key, s3=S3):
    return s3.get_object(Bucket=BUCKET, Key=key)['Body'].read()


def code(call, *args, **kwargs):
    """The error code of a call, or what it returned."""
    try:
        return call(*args, **kwargs)
    except botocore.exceptions.ClientError as error:
        return error.response['Error']['Code']
    except (botocore.exceptions.BotoCoreError, boto3.exceptions.Boto3Error,
            OSError) as error:
        return type(error).__name__


def refused(what, want, call, *args, **kwargs):
    got = code(call, *args, **kwargs)
    ok(what, got == want, got)


def absent(what, key):
    refused(what, '404', S3.head_object, Bucket=BUCKET, Key=key)


def raw(method, key, body=b'', query='', headers=(), region='us-east-1',
        payload=None, late=0, drop=(), add=()):
    """(status, body) of a request that is signed and then spoilt: "payload" in
    place of its hash, "late" seconds off, headers taken away and added."""
    url = '%s/%s/%s%s' % (URL, BUCKET, key, query)
    request = AWSRequest(method, url, data=body, headers=dict(headers))
    request.context['timestamp'] = time.strftime(
        '%Y%m%dT%H%M%SZ', time.gmtime(time.time() + late))
    signer = S3SigV4Auth(Credentials(LASTING, KEYS[LASTING]['secret']),
                         's3', region)
    if payload:
        signer.payload = lambda _: payload
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request,
                                        signer.signature(text, request))
    sent = {k: v for k, v in request.headers.items() if k.lower() not in drop}
    split = urllib.parse.urlsplit(url)
    link = http.client.HTTPConnection(split.hostname, split.port, timeout=20)
    link.request(method, split.path + query, body, dict(sent, **dict(add)))
    answer = link.getresponse()
    return answer.status, answer.read().decode()


def raw_refused(what, status, want, *args, **kwargs):
    got = raw(*args, **kwargs)
    ok(what, got[0] == status and '<Code>%s</Code>' % want in got[1], got)


def faults(*rules):
    with open(DIR + 'faults.json.new', 'w', encoding='utf-8') as f:
        json.dump(rules, f)
    os.rename(DIR + 'faults.json.new', DIR + 'faults.json')


def log():
    with open(DIR + 'requests.log', encoding='utf-8') as f:
        return [json.loads(line) for line in f]


def check_signatures():
    put(ODD, b'odd')
    ok('an odd key', get(ODD) == b'odd')
    refused('a wrong secret', 'SignatureDoesNotMatch', put, 'no',
            s3=client(secret='wrong'))
    refused('an unknown access key', 'InvalidAccessKeyId', put, 'no',
            s3=client('AKIAXXXXXXXXXXXXXXXX', 'x'))
    absent('neither is stored', 'no')
    refused('signature version 2', 'InvalidRequest', put, 'no',
            s3=client(signature_version='s3'))
    refused('no signature', 'AccessDenied', put, 'no',
            s3=client(signature_version=botocore.UNSIGNED))
    raw_refused('another region in the signature', 400,
                'AuthorizationHeaderMalformed', 'GET', 'a', region='eu-west-1')
    raw_refused('a clock an hour off', 403, 'RequestTimeTooSkewed', 'GET', 'a',
                late=-3600)
    raw_refused('a header altered after signing', 403, 'SignatureDoesNotMatch',
                'PUT', 'no', b'x', headers={'x-amz-meta-a': '1'},
                add={'x-amz-meta-a': '2'})
    raw_refused('an x-amz header that is not signed', 403, 'AccessDenied',
                'PUT', 'no', b'x', add={'x-amz-meta-a': '2'})
    raw_refused('no x-amz-content-sha256', 403, 'SignatureDoesNotMatch',
                'PUT', 'no', b'x', drop=['x-amz-content-sha256'])
    token = KEYS[PASSING]['session_token']
    put('temporary', s3=client(PASSING, token=token))
    ok('a temporary key with its token', get('temporary') == b'hello')
    refused('without its token', 'InvalidAccessKeyId', put, 'no',
            s3=client(PASSING))
    refused('with another token', 'InvalidToken', put, 'no',
            s3=client(PASSING, token='x'))
    refused('a lasting key with a token', 'InvalidToken', put, 'no',
            s3=client(token=token))


def check_bodies():
    raw_refused('the hash of another body', 400, 'XAmzContentSHA256Mismatch',
                'PUT', 'no', b'abc', payload='0' * 64)
    ok('UNSIGNED-PAYLOAD', raw('PUT', 'unsigned', b'abc',
                               payload='UNSIGNED-PAYLOAD')[0] == 200)
    refused('a wrong Content-MD5', 'BadDigest', put, 'no',
            ContentMD5='1B2M2Y8AsgTpgAmY7PhCfg==')
    raw_refused('a body in chunks', 501, 'NotImplemented', 'PUT', 'no',
                headers={'Transfer-Encoding': 'chunked'})
    wrong = {'CRC32': b'1234', 'CRC32C': b'1234', 'SHA1': b'1' * 20,
             'SHA256': b'1' * 32}
    body = b'123456789'
    right = {'CRC32': bytes.fromhex('cbf43926'),
             'CRC32C': bytes.fromhex('e3069283'),
             'SHA1': hashlib.sha1(body).digest(),
             'SHA256': hashlib.sha256(body).digest()}
    for name in right:
        refused('a wrong ' + name, 'BadDigest', put, 'no', body, **{
            'Checksum' + name: base64.b64encode(wrong[name]).decode()})
        text = base64.b64encode(right[name]).decode()
        got = code(put, name, body, **{'Checksum' + name: text})
        ok('the right %s, which comes back' % name, isinstance(got, dict)
           and got.get('Checksum' + name) == text, got)
    crc64 = base64.b64encode(bytes.fromhex('ae8b14860a799888')).decode()
    ok('the right CRC64NVME', raw('PUT', 'x', body, headers={
        'x-amz-checksum-crc64nvme': crc64})[0] == 200)
    raw_refused('a wrong CRC64NVME', 400, 'BadDigest', 'PUT', 'no', body,
                headers={'x-amz-checksum-crc64nvme': 'A' + crc64[1:]})
    raw_refused('a checksum that is none', 400, 'InvalidRequest', 'PUT', 'no',
                body, headers={'x-amz-checksum-crc32': 'x'})
    raw_refused('two checksums', 400, 'InvalidRequest', 'PUT', 'no', body,
                headers={'x-amz-checksum-crc32': 'y/Q5Jg==',
                         'x-amz-checksum-sha1': 'x'})
    absent('none of these is stored', 'no')


def check_delete():
    put('one')
    xml = b'<Delete><Object><Key>one</Key></Object></Delete>'
    raw_refused('DeleteObjects without a digest', 400, 'InvalidRequest',
                'POST', '', xml, '?delete')
    raw_refused('with a wrong checksum', 400, 'BadDigest', 'POST', '', xml,
                '?delete', {'x-amz-checksum-crc32': 'AAAAAA=='})
    ok('neither deletes', get('one') == b'hello')
    crc = base64.b64encode(zlib.crc32(xml).to_bytes(4, 'big')).decode()
    got = raw('POST', '', xml, '?delete', {'x-amz-checksum-crc32': crc})
    ok('with the right one', got[0] == 200 and '<Deleted>' in got[1], got)
    absent('it deletes', 'one')
    put('one')
    got = S3.delete_objects(Bucket=BUCKET, Delete={'Objects': [
        {'Key': 'one'}, {'Key': 'never'}]})
    ok('with Content-MD5', len(got['Deleted']) == 2, got)


def check_headers():
    ok('encryption, tags, ACL of the owner', isinstance(code(
        put, 'headers', ServerSideEncryption='AES256', Tagging='a=b',
        ACL='bucket-owner-full-control'), dict))
    last = log()[-1]['headers']
    ok('are in the log', last.get('x-amz-server-side-encryption') == 'AES256'
       and last.get('x-amz-tagging') == 'a=b', last)
    ok('whose signatures are cut', 'SignedHeaders' in last['authorization']
       and 'Signature=' not in last['authorization'], last)
    got = code(put, 'headers')
    ok('encryption is said to be on', isinstance(got, dict)
       and got.get('ServerSideEncryption') == 'AES256', got)
    refused('another ACL', 'AccessControlListNotSupported', put, 'no',
            ACL='public-read')
    refused('KMS without TLS', 'InvalidArgument', put, 'no',
            ServerSideEncryption='aws:kms')
    refused('an unknown encryption', 'InvalidArgument', put, 'no',
            ServerSideEncryption='rot13')
    got = S3.head_bucket(Bucket=BUCKET)['ResponseMetadata']['HTTPHeaders']
    ok('HEAD tells the region', got.get('x-amz-bucket-region') == 'us-east-1')
    refused('no such bucket', 'NoSuchBucket', S3.put_object,
            Bucket='rsw-no-such-bucket', Key='x', Body=b'x')
    refused('no such key', 'NoSuchKey', get, 'no')


def check_multipart():
    body = os.urandom(11 << 20)
    upload = S3.create_multipart_upload(Bucket=BUCKET, Key='parts')['UploadId']
    parts = []
    for number, at in enumerate(range(0, len(body), 5 << 20), 1):
        part = S3.upload_part(Bucket=BUCKET, Key='parts', UploadId=upload,
                              PartNumber=number,
                              Body=body[at:at + (5 << 20)])
        parts.append({'PartNumber': number, 'ETag': part['ETag']})
    refused('a wrong ETag', 'InvalidPart', S3.complete_multipart_upload,
            Bucket=BUCKET, Key='parts', UploadId=upload,
            MultipartUpload={'Parts': [dict(parts[0], ETag='"0"')]})
    S3.complete_multipart_upload(Bucket=BUCKET, Key='parts', UploadId=upload,
                                 MultipartUpload={'Parts': parts})
    ok('an object of three parts', get('parts') == body)
    upload = S3.create_multipart_upload(Bucket=BUCKET, Key='no')['UploadId']
    S3.abort_multipart_upload(Bucket=BUCKET, Key='no', UploadId=upload)
    refused('an aborted upload is gone', 'NoSuchUpload', S3.upload_part,
            Bucket=BUCKET, Key='no', UploadId=upload, PartNumber=1, Body=b'x')


def check_faults():
    faults({'method': 'PUT', 'path': '/a$', 'fault': 'error', 'status': 503,
            'code': 'SlowDown', 'skip': 1, 'times': 1})
    got = [code(put, key) for key in ('a', 'b', 'a', 'a')]
    ok('an error, once', [isinstance(g, str) for g in got]
       == [False, False, True, False] and got[2] == 'SlowDown', got)
    faults({'path': '/a', 'fault': 'error', 'status': 301,
            'code': 'PermanentRedirect', 'xml': '<Region>eu-west-1</Region>',
            'headers': [['x-amz-bucket-region', 'eu-west-1']]})
    status, text = raw('GET', 'a')
    ok('with its XML', status == 301 and '<Region>eu-' in text, text)
    faults({'path': '/late', 'fault': 'error', 'status': 500, 'when': 'after'})
    refused('an error after the work', 'InternalError', put, 'late')
    faults()
    ok('which is done', get('late') == b'hello')
    faults({'path': '/r', 'fault': 'reset', 'bytes': 1000})
    refused('a reset', 'ConnectionClosedError', put, 'r', b'x' * 100000)
    ok('is in the log', log()[-1]['status'] == 'reset')
    faults({'path': '/a', 'fault': 'delay', 'seconds': 0.3})
    began = time.time()
    get('a')
    ok('a delay', time.time() - began >= 0.3)
    faults({'access': PASSING, 'fault': 'error', 'status': 403,
            'code': 'AccessDenied'})
    refused('an error for one access key', 'AccessDenied', get, 'a', client(
        PASSING, token=KEYS[PASSING]['session_token']))
    ok('and not for the other', get('a') == b'hello')


def check_spoilt_answers():
    body = os.urandom(300000)
    put('big', body)
    faults({'method': 'GET', 'fault': 'cut', 'bytes': 100000})
    refused('an answer that is cut', 'ResponseStreamingError', get, 'big')
    faults({'method': 'GET', 'fault': 'corrupt', 'bytes': 200000})
    wrong = [i for i, (a, b) in enumerate(zip(body, get('big'))) if a != b]
    ok('one with a wrong bit', wrong == [200000], wrong)
    faults({'method': 'GET', 'fault': 'stall', 'bytes': 9, 'seconds': 0.3})
    began = time.time()
    ok('one that stalls', get('big') == body and time.time() - began >= 0.3)
    faults()


def main():
    check_signatures()
    check_bodies()
    check_delete()
    check_headers()
    check_multipart()
    check_faults()
    check_spoilt_answers()
    print('1..%d' % count)
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
