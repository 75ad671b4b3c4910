#!/usr/bin/python3
"""swift.py DIR: an S3 server for tests, made of OpenStack Swift and s3api.

Swift, from Debian's packages, keeps the objects and verifies SigV4 signatures,
region, clock, payload hash and Content-MD5.  No root, no memcached, no syslog:
a proxy and three storage servers, forked from here, all on the loopback.  In
front of them stands what Amazon S3 checks and Swift does not (class Amazon),
faults to order (class Faulty), and the request log.

DIR/config.json, defaults in DEFAULTS below.  credentials: access key ->
{"secret": ..., "session_token": ... or null}; they all own the same buckets.
Prints "ready PORT"; ends, with its children, on SIGTERM or SIGINT.

DIR/faults.json: rules as standin.py tells, with "access" for an access key:
  error     "status", "code", "message", "xml" (put into <Error>), "headers"
            ([[name, value]]); "when": "after" first lets Swift do its work;
            "drain": false answers before the request's body was read
  reset     the connection; "bytes": N, after N bytes of the request's body;
            "when": "after" as above
  delay     "seconds" before anything is done
  cut       the answer's body after "bytes"; Content-Length tells the truth
  stall     the answer's body for "seconds" after "bytes"
  corrupt   one bit of the answer's body at "bytes"
"""
import base64
import binascii
import contextlib
import ctypes
import hashlib
import os
import re
import signal
import socket
import struct
import sys
import time
import urllib.parse
import warnings
import zlib

sys.dont_write_bytecode = True
sys.path.append(sys.path.pop(0))        # this file is no package "swift"
warnings.simplefilter('ignore')

DIR = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(
    'usage: swift.py DIR')
SWIFT_CONF = '''[swift-hash]
swift_hash_path_suffix = s
swift_hash_path_prefix = p
[storage-policy:0]
name = p0
default = yes
'''


def own_swift_conf():
    """Make swift.conf and have Swift read it, and not /etc/swift's."""
    os.umask(0o077)
    os.makedirs(DIR + '/etc', exist_ok=True)
    with open(DIR + '/etc/swift.conf', 'w', encoding='utf-8') as f:
        f.write(SWIFT_CONF)
    swift.common.utils.set_swift_dir(DIR + '/etc')


# Swift's other modules look at swift.conf when they are imported.
import swift.common.utils
own_swift_conf()
import swift.common.swob
import eventlet
import eventlet.debug
import eventlet.wsgi
import standin

DEFAULTS = {
    'listen': '127.0.0.1', 'port': 0, 'tls_cert': None, 'tls_key': None,
    'region': 'us-east-1', 'domain': 'localhost',
    'credentials': {}, 'buckets': [],
}
ACCOUNT = 'AUTH_sandbox'
BACKENDS = ('account', 'container', 'object')

BACKEND_CONF = '''[DEFAULT]
swift_dir = {dir}/etc
devices = {dir}/srv
mount_check = false
disable_fallocate = true
log_level = ERROR
[pipeline:main]
pipeline = server
[app:server]
use = egg:swift#{name}
'''
PROXY_CONF = '''[DEFAULT]
swift_dir = {dir}/etc
log_level = ERROR
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = {region}
storage_domain = {domain}
max_upload_part_num = 10000
[filter:tempauth]
use = egg:swift#tempauth
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
'''


# --- checksums ---------------------------------------------------------------

class TableCrc:
    """A reflected CRC with all ones at both ends, a byte at a time: slow, and
    good enough for what tests send."""

    def __init__(self, poly, bits):
        self.ones, self.size = (1 << bits) - 1, bits // 8
        self.crc = self.ones
        self.table = []
        for n in range(256):
            for _ in range(8):
                n = n >> 1 ^ (poly if n & 1 else 0)
            self.table.append(n)

    def update(self, data):
        crc, table = self.crc, self.table
        for byte in data:
            crc = crc >> 8 ^ table[(crc ^ byte) & 255]
        self.crc = crc

    def digest(self):
        return (self.crc ^ self.ones).to_bytes(self.size, 'big')


class Crc32:
    def __init__(self):
        self.crc = 0

    def update(self, data):
        self.crc = zlib.crc32(data, self.crc)

    def digest(self):
        return struct.pack('>I', self.crc)


class IsalCrc32c:
    """CRC32C by ISA-L, which is quick enough for hundreds of megabytes."""
    lib = None

    def __init__(self):
        self.crc = 0xffffffff

    def update(self, data):
        self.crc = self.lib.crc32_iscsi(data, len(data), self.crc)

    def digest(self):
        return struct.pack('>I', self.crc ^ 0xffffffff)

    @classmethod
    def usable(cls):
        try:
            cls.lib = ctypes.CDLL('libisal.so.2')
            cls.lib.crc32_iscsi.restype = ctypes.c_uint
        except (OSError, AttributeError):
            return False
        probe = cls()
        probe.update(b'123456789')
        return probe.digest() == b'\xe3\x06\x92\x83'


CHECKSUMS = {
    'crc32': Crc32,
    'crc32c': IsalCrc32c if IsalCrc32c.usable()
    else lambda: TableCrc(0x82f63b78, 32),
    'crc64nvme': lambda: TableCrc(0x9a6c9329ac4bc9b5, 64),
    'sha1': hashlib.sha1,
    'sha256': hashlib.sha256,
}


# --- errors in S3's form -------------------------------------------------------

class Refused(Exception):
    """A request that Amazon S3 would not take."""

    def __init__(self, status, code, message, xml=''):
        super().__init__(code)
        self.status, self.code = status, code
        self.message, self.xml = message, xml


def escape(text):
    return (text.replace('&', '&amp;').replace('<', '&lt;')
            .replace('>', '&gt;'))


def error_answer(error, headers=()):
    """(status, headers, body) as S3 words an error."""
    request_id = binascii.hexlify(os.urandom(8)).decode().upper()
    body = ('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>%s</Code>'
            '<Message>%s</Message>%s<RequestId>%s</RequestId>'
            '<HostId>sandbox</HostId></Error>' %
            (error.code, escape(error.message), error.xml, request_id))
    body = body.encode()
    return ('%d %s' % (error.status, error.code), [
        ('Content-Type', 'application/xml'),
        ('Content-Length', str(len(body))),
        ('x-amz-request-id', request_id), ('x-amz-id-2', 'sandbox'),
    ] + list(headers), body)


def call(app, env):
    """(status, headers, body iterable) of a WSGI application."""
    said = []
    body = app(env, lambda status, headers, exc=None:
               said.append((status, headers)))
    return said[-1][0], said[-1][1], body


def drain(env):
    """Read what is left of the request, so that the connection stays usable.
    Its own errors do not matter any more."""
    if not env.get('CONTENT_LENGTH'):
        return
    with contextlib.suppress(Exception):
        while env['wsgi.input'].read(1 << 16):
            pass


# --- what Amazon S3 checks and Swift does not ------------------------------------

class ChecksummedBody:
    """wsgi.input that compares x-amz-checksum-NAME at the last byte.  The last
    block is not handed on if it differs, so that nothing gets stored."""

    def __init__(self, source, length, name, want):
        self.source, self.left = source, length
        self.name, self.want = name, want
        self.sum = CHECKSUMS[name]()
        self.mismatch = False

    def read(self, *size):
        block = self.source.read(*size)
        self.sum.update(block)
        self.left -= len(block)
        if self.left <= 0 and self.sum.digest() != self.want:
            self.mismatch = True
            raise swift.common.swob.HTTPUnprocessableEntity('checksum')
        return block

    def __getattr__(self, name):
        return getattr(self.source, name)


class Amazon:
    """The checks and headers that Swift lacks, before and behind it."""

    ACL_REFUSED = Refused(400, 'AccessControlListNotSupported',
                          'The bucket does not allow ACLs')

    def __init__(self, app, config, tls):
        self.app, self.config, self.tls = app, config, tls

    def __call__(self, env, start):
        try:
            self.check_credential(env)
            self.check_headers(env)
            checked = self.check_sums(env)
        except Refused as error:
            status, headers, body = error_answer(error)
            start(status, headers)
            drain(env)
            return [body]
        status, headers, body = call(self.app, env)
        wrong = self.wrong_body(env, checked)
        if wrong:
            for _ in body:
                pass
            status, headers, body = error_answer(wrong)
            body = [body]
        start(status, headers + self.more_headers(env, status, checked))
        return body

    def check_credential(self, env):
        auth = env.get('HTTP_AUTHORIZATION', '')
        query = dict(urllib.parse.parse_qsl(env.get('QUERY_STRING', '')))
        given = query.get('X-Amz-Credential')
        if auth.startswith('AWS4-HMAC-SHA256 '):
            found = re.search(r'Credential=([^,\s]*)', auth)
            given = found.group(1) if found else ''
        elif auth:
            raise Refused(400, 'InvalidRequest', 'The authorization mechanism '
                          'you have provided is not supported. Please use '
                          'AWS4-HMAC-SHA256.')
        if given is None:
            raise Refused(403, 'AccessDenied', 'Access Denied')
        access = given.split('/')[0]
        known = self.config['credentials'].get(access)
        token = env.get('HTTP_X_AMZ_SECURITY_TOKEN',
                        query.get('X-Amz-Security-Token'))
        # A temporary key without its token is as good as unknown.
        if not known or (known.get('session_token') and not token):
            raise Refused(403, 'InvalidAccessKeyId', 'The AWS Access Key Id '
                          'you provided does not exist in our records.',
                          '<AWSAccessKeyId>%s</AWSAccessKeyId>'
                          % escape(access))
        if token != known.get('session_token'):
            raise Refused(400, 'InvalidToken', 'The provided token is '
                          'malformed or otherwise invalid.')

    def check_headers(self, env):
        if env.get('HTTP_TRANSFER_ENCODING') and env['REQUEST_METHOD'] == 'PUT':
            raise Refused(501, 'NotImplemented', 'A header you provided '
                          'implies functionality that is not implemented',
                          '<Header>Transfer-Encoding</Header>')
        acl = env.get('HTTP_X_AMZ_ACL')
        if acl not in (None, 'bucket-owner-full-control'):
            raise self.ACL_REFUSED
        sse = env.get('HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION')
        if sse not in (None, 'AES256', 'aws:kms', 'aws:kms:dsse'):
            raise Refused(400, 'InvalidArgument', 'The encryption method '
                          'specified is not supported')
        if sse not in (None, 'AES256') and not self.tls:
            raise Refused(400, 'InvalidArgument', 'Requests specifying Server '
                          'Side Encryption with AWS KMS managed keys must be '
                          'made over a secure connection.')

    @staticmethod
    def check_sums(env):
        """Arrange for the comparison of an x-amz-checksum-*; return the
        ChecksummedBody, or None if the request has no such header."""
        sums = {k[20:].lower(): v for k, v in env.items()
                if k.startswith('HTTP_X_AMZ_CHECKSUM_')
                and k[20:].lower() not in ('type', 'mode', 'algorithm')}
        if not sums or env['REQUEST_METHOD'] not in ('PUT', 'POST'):
            return None
        if len(sums) > 1 or next(iter(sums)) not in CHECKSUMS:
            raise Refused(400, 'InvalidRequest', 'Expecting a single '
                          'x-amz-checksum- header')
        (name, value), = sums.items()
        try:
            want = base64.b64decode(value, validate=True)
        except binascii.Error:
            want = b''
        if len(want) != len(CHECKSUMS[name]().digest()):
            raise Refused(400, 'InvalidRequest', 'Value for x-amz-checksum-%s '
                          'header is invalid.' % name)
        env['wsgi.input'] = body = ChecksummedBody(
            env['wsgi.input'], int(env.get('CONTENT_LENGTH') or 0), name, want)
        if 'delete' in env.get('QUERY_STRING', '').split('&'):
            Amazon.md5_from_body(env, body)
        return body

    @staticmethod
    def md5_from_body(env, body):
        """DeleteObjects takes a checksum in place of Content-MD5; Swift knows
        only the latter.  The body is short: read it here."""
        try:
            data = body.read(int(env.get('CONTENT_LENGTH') or 0))
        except swift.common.swob.HTTPException:
            raise Amazon.bad_sum(body) from None
        env.setdefault('HTTP_CONTENT_MD5', base64.b64encode(
            hashlib.md5(data).digest()).decode())
        env['wsgi.input'] = swift.common.swob.WsgiBytesIO(data)

    @staticmethod
    def bad_sum(body):
        return Refused(400, 'BadDigest', 'The %s you specified did not match '
                       'the calculated checksum.' % body.name.upper())

    def wrong_body(self, env, checked):
        """The error for a body that was not what its headers said."""
        if checked and checked.mismatch:
            return self.bad_sum(checked)
        if getattr(env['wsgi.input'], 'wrong_hash', False):
            return Refused(400, 'XAmzContentSHA256Mismatch', 'The provided '
                           "'x-amz-content-sha256' header does not match what "
                           'was computed.')
        return None

    def more_headers(self, env, status, checked):
        more = []
        method = env['REQUEST_METHOD']
        if method == 'HEAD' or status.startswith('301'):
            more.append(('x-amz-bucket-region', self.config['region']))
        if method == 'PUT' and status.startswith('200'):
            more.append(('x-amz-server-side-encryption', env.get(
                'HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION', 'AES256')))
            if checked:
                more.append(('x-amz-checksum-' + checked.name,
                             base64.b64encode(checked.want).decode()))
        return more


def teach_swift():
    """Two changes inside s3api.  Headers that Swift answers with 501 are
    hidden from that one check (they stay in the signature), and a wrong payload
    hash leaves a mark that class Amazon finds."""
    import swift.common.middleware.s3api.s3request as s3request
    hidden = ('HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION', 'HTTP_X_AMZ_TAGGING')
    validate = s3request.S3Request._validate_headers

    def validate_headers(request):
        kept = {name: request.environ.pop(name) for name in hidden
                if name in request.environ}
        validate(request)
        request.environ.update(kept)

    class HashingInput(s3request.HashingInput):
        wrong_hash = False

        def read(self, size=None):
            try:
                return super().read(size)
            except swift.common.swob.HTTPException:
                self.wrong_hash = True
                raise

    s3request.S3Request._validate_headers = validate_headers
    s3request.HashingInput = HashingInput


# --- faults and the request log ---------------------------------------------------

class Reset(Exception):
    """End the connection with RST."""


def reset(env):
    """The last reference to the socket goes with dup2(), and with it the
    connection; then this greenlet ends, quietly."""
    source = env.get('eventlet.input') or env['wsgi.input']
    s = source.get_socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, s.fileno())
    os.close(nowhere)
    raise eventlet.greenlet.GreenletExit


def spoilt(body, rule):
    """The answer's body with a cut, a stall or a wrong bit in it."""
    left = rule.get('bytes', 0)
    for block in body:
        if left < 0 or len(block) <= left:
            left -= len(block)
            yield block
            continue
        yield block[:left]
        if rule['fault'] == 'cut':
            raise eventlet.greenlet.GreenletExit        # closes the connection
        if rule['fault'] == 'stall':
            eventlet.sleep(rule.get('seconds', 1))
            yield block[left:]
        else:
            yield bytes((block[left] ^ 1,)) + block[left + 1:]
        left = -1


class Faulty:
    """Applies the fault rules and writes the request log."""

    def __init__(self, app):
        self.app = app
        self.faults = standin.Faults(DIR)
        self.log = standin.RequestLog(DIR)

    def __call__(self, env, start):
        began = time.time()
        target = env.get('RAW_PATH_INFO', env['PATH_INFO'])
        if env.get('QUERY_STRING'):
            target += '?' + env['QUERY_STRING']
        record = self.record(env, target, began)

        def answer(status, headers):
            self.log.write(dict(record, status=int(status.split()[0]),
                                seconds=round(time.time() - began, 4)))
            start(status, headers)

        rules = self.faults.at(env['REQUEST_METHOD'], target,
                               access=record['access'])
        try:
            return self.act(env, answer, rules)
        except Reset:
            self.log.write(dict(record, status='reset'))
            return reset(env)

    @staticmethod
    def record(env, target, began):
        headers = {k[5:].lower().replace('_', '-'): v for k, v in env.items()
                   if k.startswith('HTTP_')}
        auth = headers.get('authorization', '')
        headers['authorization'] = re.sub(r',\s*Signature=.*', '', auth)
        if 'x-amz-security-token' in headers:
            headers['x-amz-security-token'] = '(given)'
        access = re.search(r'Credential=([^/,\s]*)', auth)
        return {'method': env['REQUEST_METHOD'], 'path': target,
                'length': env.get('CONTENT_LENGTH'), 'time': began,
                'client_port': env.get('REMOTE_PORT'), 'headers': headers,
                'access': access.group(1) if access else None}

    def act(self, env, answer, rules):
        kinds = {rule['fault']: rule for rule in rules}
        if 'delay' in kinds:
            eventlet.sleep(kinds['delay'].get('seconds', 1))
        for name in ('error', 'reset'):
            if name in kinds:
                return self.refuse(env, answer, kinds[name])
        status, headers, body = call(self.app, env)
        answer(status, headers)
        for name in ('corrupt', 'stall', 'cut'):
            if name in kinds:
                body = spoilt(body, kinds[name])
        return body

    def refuse(self, env, answer, rule):
        if rule.get('when') == 'after':
            for _ in call(self.app, env)[2]:
                pass
        if rule['fault'] == 'reset':
            if rule.get('bytes'):
                env['wsgi.input'].read(rule['bytes'])
            raise Reset
        if rule.get('drain', True):
            drain(env)
        status, headers, body = error_answer(
            Refused(rule.get('status', 500), rule.get('code', 'InternalError'),
                    rule.get('message', 'injected'), rule.get('xml', '')),
            [tuple(h) for h in rule.get('headers', [])])
        answer(status, headers)
        return [b'' if env['REQUEST_METHOD'] == 'HEAD' else body]


# --- the servers --------------------------------------------------------------------

class Cache(dict):
    """Stands in for memcached; lives in the proxy's process."""

    def __bool__(self):
        return True

    def set(self, key, value, *_, **__):
        self[key] = value

    def get(self, key, *_, **__):
        return dict.get(self, key)

    def incr(self, key, delta=1, **_):
        self[key] = int(self.get(key) or 0) + delta
        return self[key]

    def decr(self, key, delta=1, **_):
        return self.incr(key, -delta)

    def delete(self, key, *_, **__):
        self.pop(key, None)

    def set_multi(self, items, *_, **__):
        self.update(items)

    def get_multi(self, keys, *_, **__):
        return [self.get(key) for key in keys]


def write_configuration(config, ports):
    from swift.common.ring import RingBuilder
    os.makedirs(DIR + '/srv/d1', exist_ok=True)
    texts = {'proxy-server.conf': PROXY_CONF.format(
                 dir=DIR, region=config['region'], domain=config['domain'])}
    for name, port in ports.items():
        texts[name + '-server.conf'] = BACKEND_CONF.format(dir=DIR, name=name)
        ring = RingBuilder(2, 1, 0)
        ring.add_dev({'id': 0, 'region': 1, 'zone': 1, 'ip': '127.0.0.1',
                      'port': port, 'device': 'd1', 'weight': 1.0})
        ring.rebalance()
        ring.get_ring().save('%s/etc/%s.ring.gz' % (DIR, name))
    for name, text in texts.items():
        with open('%s/etc/%s' % (DIR, name), 'w', encoding='utf-8') as f:
            f.write(text)


def need_xattr():
    """Swift keeps its metadata in extended attributes."""
    try:
        os.setxattr(DIR, 'user.swift.probe', b'1')
    except OSError as error:
        sys.exit("swift.py: cannot store in '%s': %s; its file system has no "
                 'extended attributes, set TMPDIR to one that has'
                 % (DIR, error.strerror))


def load(name):
    from swift.common.wsgi import loadapp
    return loadapp('%s/etc/%s-server.conf' % (DIR, name),
                   global_conf={'log_name': name})


def serve(app, sock):
    from swift.common.http_protocol import SwiftHttpProtocol
    with open(os.devnull, 'w', encoding='utf-8') as nowhere:
        eventlet.wsgi.server(
            sock, app, nowhere, protocol=SwiftHttpProtocol, socket_timeout=60,
            capitalize_response_headers=False,
            custom_pool=eventlet.GreenPool(1024))


def add_credentials(app, credentials):
    """tempauth's own configuration allows no access key of Amazon's form."""
    while not hasattr(app, 'users'):
        app = app.app
    for access, known in credentials.items():
        app.users[access] = {'key': known['secret'],
                             'url': '$HOST/v1/' + ACCOUNT,
                             'groups': ['.admin']}


def make_buckets(app, cache, buckets):
    """Straight to Swift's own end of the pipeline, as nobody in particular."""
    while hasattr(app, 'app'):
        app = app.app
    for bucket in buckets:
        request = swift.common.swob.Request.blank(
            '/v1/%s/%s' % (ACCOUNT, bucket), method='PUT',
            environ={'swift.cache': cache})
        answer = request.get_response(app)
        if answer.status_int // 100 != 2:
            sys.exit("swift.py: cannot make bucket '%s': %s"
                     % (bucket, answer.status))


def proxy(config, sock):
    teach_swift()
    app, cache = load('proxy'), Cache()
    add_credentials(app, config['credentials'])
    make_buckets(app, cache, config['buckets'])
    tls = bool(config['tls_cert'])
    front = Faulty(Amazon(app, config, tls))

    def with_cache(env, start):
        env['swift.cache'] = cache
        return front(env, start)

    port = sock.getsockname()[1]
    if tls:
        sock = eventlet.wrap_ssl(sock, certfile=config['tls_cert'],
                                 keyfile=config['tls_key'], server_side=True)
    standin.announce(port)
    serve(with_cache, sock)


def fork(work, *args):
    """A child that ends with this process, however that ends."""
    pid = os.fork()
    if pid:
        return pid
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)          # PR_SET_PDEATHSIG
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    eventlet.hubs.use_hub('poll')   # an epoll set must not be shared over fork
    eventlet.debug.hub_exceptions(False)
    status = 1
    try:
        work(*args)
        status = 0
    except SystemExit as error:
        print(error, file=sys.stderr)
    except Exception as error:
        print('swift.py: %s: %r' % (work.__name__, error), file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


def kill(children):
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def main():
    config = standin.read_config(DIR, DEFAULTS)
    need_xattr()
    eventlet.patcher.monkey_patch(all=False, socket=True, select=True,
                                  thread=True, time=True)
    socks = {name: eventlet.listen(('127.0.0.1', 0), backlog=4096)
             for name in BACKENDS}
    front = eventlet.listen((config['listen'], config['port']), backlog=4096)
    write_configuration(config, {name: sock.getsockname()[1]
                                 for name, sock in socks.items()})
    children = [fork(lambda n=name: serve(load(n), socks[n]))
                for name in BACKENDS]
    children.append(fork(proxy, config, front))

    def stop(*_):
        kill(children)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    gone, status = os.wait()            # none of them ends by itself
    children.remove(gone)
    print('swift.py: a server ended with status %d' % status, file=sys.stderr)
    kill(children)
    os._exit(1)


if __name__ == '__main__':
    main()
