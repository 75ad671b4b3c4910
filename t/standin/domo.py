#!/usr/bin/python3
"""domo.py DIR: Domo's public API for tests: tokens, DataSets, export, queries.

It answers as Domo's documents and clients say that Domo does, and it can be
told to fail in each way that they report.  DIR/config.json, defaults in
DEFAULTS below; DIR/datasets as dataset.py tells; DIR/faults.json, rules as
standin.py tells; DIR/requests.log.  Prints "ready PORT".

Faults that are an answer (to any request that the rule matches):
  401            WWW-Authenticate, no body         401-json     invalid_token
  401-streams    statusReason that contradicts     403          status and toe
  406            the HTML page                     400-wrapped  a 403 within
  400-text       plain text                        404
  html-login, html-blocked     200 with HTML       html-500 .. html-504, with
  json-in-csv    200 text/csv with an error          "retry_after" if given
  oauth-in-csv   the same in OAuth's form          429, the same
  status         "status", "headers" {}, "body"
  reset, close   the connection, nothing said
  silence        "seconds" before the first byte; then the answer
  wire-cut       the connection, after "bytes" of the answer with its head
  unframed       neither length nor chunks: the end of the connection
  expire-token   the request's token is over from now on
Faults of the metadata:
  metadata       "set" {} and "drop" [] fields
Faults of metadata, export and query:
  pdp            pdpEnabled, and only "keep" rows to be seen
Faults of the export:
  rows-missing   "rows" (1) of them from number "at" (0)
  null-n, crlf, bom, no-final-newline, no-header, empty-as-null, quote-all
  formula        "absent", "true", "false": whether texts get a ' for that
                 value of disableFormulaInterpretation
  cut            after "bytes" or "share" (0.5) of the file: no last chunk;
                 "how": close (default) or reset
  cut-quoted     the same inside the first quoted field after that point
  truncate       the same place, but the chunking is correct
  short-length   Content-Length for all, and only "bytes" or "share" come
  stall          "seconds" of silence at that place
  trickle        "rate" bytes a second
  gzip-unasked
  gzip-cut       the last "bytes" (8) of the compressed stream never come, but
                 the chunking is correct
"""
import base64
import contextlib
import http.server
import json
import os
import re
import secrets
import signal
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse
import zlib

sys.dont_write_bytecode = True
import dataset
import standin

DEFAULTS = {
    'listen': '127.0.0.1', 'port': 0, 'tls_cert': None, 'tls_key': None,
    'clients': {},              # id -> secret or {"secret", "scopes": []}
    'token_seconds': 3599,
    'old_gateway': False,       # 401 as JSON, 406 when text/csv was asked for
    'formula': {'absent': True, 'true': True, 'false': False},
    'query_cap': 1000000,
    'gzip': True,
}
SCOPES = ('account', 'audit', 'buzz', 'dashboard', 'data', 'user', 'workflow')
GUID = r'([0-9A-Za-z-]+)'
PAGE = 50
REASONS = {429: 'Too Many Requests', 500: 'Internal Server Error',
           501: 'Not Implemented', 502: 'Bad Gateway',
           503: 'Service Unavailable', 504: 'Gateway Timeout'}


def toe():
    """Domo's number for a request, in its form."""
    def some(n):
        return ''.join(secrets.choice('0123456789ABCDEFGHJKLMNPQRSTUVWXYZ')
                       for _ in range(n))
    return '-'.join((some(10), some(5), some(5)))


def page(title, text):
    return ('<!DOCTYPE html>\n<html><head><title>%s</title></head>\n'
            '<body><h1>%s</h1><p>%s</p></body></html>\n'
            % (title, title, text)).encode()


class Answer(Exception):
    """A short answer, raised or returned from anywhere."""

    def __init__(self, status, body=b'', kind='application/json;charset=UTF-8',
                 headers=()):
        super().__init__(status)
        if not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        self.status, self.body = status, body
        self.kind, self.headers = kind, dict(headers)


class HangUp(Exception):
    """End the connection here and now; with RST if the argument is true."""


def error(status, reason, message):
    return Answer(status, {'status': status, 'statusReason': reason,
                           'message': message, 'toe': toe()})


# --- tokens ----------------------------------------------------------------------

class Tokens:
    """Access tokens: a JWT to look at, remembered here."""

    def __init__(self, config):
        self.config = config
        self.lock = threading.Lock()
        self.known = {}                 # token -> [end, scopes]

    def client(self, authorization):
        """The client of an HTTP Basic header, as {"id", "scopes"}."""
        kind, _, text = authorization.partition(' ')
        with contextlib.suppress(ValueError):
            user, _, password = base64.b64decode(
                text, validate=True).decode().partition(':')
            entry = self.config['clients'].get(user)
            if isinstance(entry, str):
                entry = {'secret': entry}
            if kind.lower() == 'basic' and entry and secrets.compare_digest(
                    password.encode(), entry['secret'].encode()):
                return {'id': user, 'scopes': entry.get('scopes', SCOPES)}
        raise error(401, 'Unauthorized', 'Bad client credentials')

    def new(self, authorization, form):
        client = self.client(authorization)
        if form.get('grant_type') != 'client_credentials':
            raise Answer(400, {'error': 'unsupported_grant_type',
                               'error_description': 'Unsupported grant type: '
                               + form.get('grant_type', 'none')})
        scopes = form.get('scope', ' '.join(client['scopes'])).split()
        if not set(scopes) <= set(client['scopes']):
            raise Answer(400, {'error': 'invalid_scope', 'error_description':
                               'Invalid scope: ' + ' '.join(scopes)})
        seconds = self.config['token_seconds']
        end, jti = time.time() + seconds, secrets.token_hex(16)
        token = self.jwt({'exp': int(end), 'jti': jti, 'scope': scopes,
                          'client_id': client['id']})
        with self.lock:
            self.known[token] = [end, scopes]
        return {'access_token': token, 'customer': 'acmecompany',
                'expires_in': seconds, 'jti': jti, 'role': 'Admin',
                'scope': ' '.join(scopes), 'token_type': 'bearer',
                'userId': 964382593}

    @staticmethod
    def jwt(claims):
        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b'=').decode()
        return '.'.join((part(b'{"alg":"RS256","typ":"JWT"}'),
                         part(json.dumps(claims).encode()),
                         part(secrets.token_bytes(256))))

    def expire(self, token):
        with self.lock:
            if token in self.known:
                self.known[token][0] = 0

    def check(self, token, scope, csv_only):
        """Raise the Answer that a token which will not do gets."""
        with self.lock:
            end, scopes = self.known.get(token, (None, ()))
        if end is not None and end > time.time():
            if scope not in scopes:
                raise Answer(403, {'status': 403, 'toe': toe()})
            return
        if self.config['old_gateway']:
            raise FAULTS['406' if csv_only else '401-json']({})
        if end is None:
            raise Answer(403, {'status': 403, 'toe': toe()})
        raise FAULTS['401']({})


# --- faults that are an answer ---------------------------------------------------

def html_error(status):
    def answer(rule):
        headers = {}
        if 'retry_after' in rule:
            headers['Retry-After'] = str(rule['retry_after'])
        title = '%d %s' % (status, REASONS[status])
        return Answer(status, page(title, 'nginx'), 'text/html', headers)
    return answer


def expired(_):
    when = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
    return Answer(401, headers={'WWW-Authenticate': (
        'Bearer error="invalid_token", error_description="An error occurred '
        'while attempting to decode the Jwt: Jwt expired at %s", error_uri='
        '"https://tools.ietf.org/html/rfc6750#section-3.1"' % when)})


FAULTS = {
    '401': expired,
    '401-json': lambda rule: Answer(401, {
        'error': 'invalid_token',
        'error_description': 'Cannot convert access token to JSON'}),
    '401-streams': lambda rule: Answer(401, {
        'status': 401, 'statusReason': 'Internal Server Error',
        'message': 'com.domo.bedrock.service.exception.UnauthorizedException: '
        'Full authentication is required to access this resource',
        'toe': toe()}),
    '403': lambda rule: Answer(403, {'status': 403, 'toe': toe()}),
    '406': lambda rule: Answer(406, page(
        'Error 406 Not Acceptable',
        'Full authentication is required to access this resource'),
        'text/html;charset=ISO-8859-1'),
    '400-wrapped': lambda rule: error(
        400, 'Bad Request', 'Infrastructure problem (403): Access is denied'),
    '400-text': lambda rule: Answer(400, b'Bad Request\n', 'text/plain'),
    '404': lambda rule: error(404, 'Not Found', 'Not Found'),
    'html-login': lambda rule: Answer(200, page(
        'Domo', 'Sign in to Domo'), 'text/html;charset=UTF-8'),
    'html-blocked': lambda rule: Answer(200, page(
        'Domo - Blocked', 'Your IP address is not allowed'), 'text/html'),
    'json-in-csv': lambda rule: Answer(200, {
        'status': 500, 'statusReason': 'Internal Server Error',
        'message': 'The export failed', 'toe': toe()}, 'text/csv'),
    'oauth-in-csv': lambda rule: Answer(200, {
        'error': 'invalid_token', 'error_description': 'Cannot convert '
        'access token to JSON'}, 'text/csv'),
    'status': lambda rule: Answer(
        rule['status'], rule.get('body', '').encode(),
        rule.get('kind', 'text/plain'), rule.get('headers', {})),
    '429': html_error(429),
    **{'html-%d' % s: html_error(s) for s in REASONS},
}
STYLES = {
    'null-n': {'null': b'\\N'}, 'crlf': {'line_end': b'\r\n'},
    'bom': {'bom': True}, 'no-final-newline': {'final_newline': False},
    'empty-as-null': {'empty_as_null': True}, 'quote-all': {'quote_all': True},
}
OTHERS = {'reset', 'close', 'silence', 'expire-token', 'metadata', 'pdp',
          'rows-missing', 'no-header', 'formula', 'cut', 'cut-quoted',
          'truncate', 'short-length', 'stall', 'trickle', 'gzip-unasked',
          'unframed', 'gzip-cut', 'wire-cut'}


# --- the export's faults in the stream ---------------------------------------------

def place(rule, size):
    return rule.get('bytes', int(size * rule.get('share', 0.5)))


def split_at(blocks, where):
    """The same bytes; None stands between those before and after "where"."""
    for block in blocks:
        if 0 <= where <= len(block):
            if block[:where]:
                yield block[:where]
            yield None
            block = block[where:]
            where = -1
        elif where > 0:
            where -= len(block)
        if block:
            yield block


def cut(blocks, where, ends):
    for block in split_at(blocks, where):
        if block is None:
            ends()
            return
        yield block


def cut_quoted(blocks, where, ends):
    """Cut inside the first quoted field that begins after "where": text, so
    the file is taken to be valid CSV."""
    inside = 0
    for block in split_at(blocks, where):
        if block is None:
            where = -1
            continue
        if where < 0:
            at = block.find(b'"', block.find(b'"') + 1 if inside else 0)
            if at >= 0:
                yield block[:at + 3]
                ends()
                return
        inside ^= block.count(b'"') & 1
        yield block


def stall(blocks, where, seconds):
    for block in split_at(blocks, where):
        if block is None:
            time.sleep(seconds)
        else:
            yield block


def trickle(blocks, rate):
    piece = max(rate // 10, 1)
    for block in blocks:
        for at in range(0, len(block), piece):
            yield block[at:at + piece]
            time.sleep(piece / rate)


def hang_up(rule):
    raise HangUp(rule.get('how') == 'reset')


def spoil(blocks, kinds, size):
    """Put the faults that the rules want into the stream."""
    for name, rule in kinds.items():
        if name == 'cut':
            blocks = cut(blocks, place(rule, size), lambda r=rule: hang_up(r))
        elif name == 'cut-quoted':
            blocks = cut_quoted(blocks, place(rule, size),
                                lambda r=rule: hang_up(r))
        elif name == 'truncate':
            blocks = cut(blocks, place(rule, size), lambda: None)
        elif name == 'short-length':
            blocks = cut(blocks, place(rule, size), lambda: hang_up({}))
        elif name == 'stall':
            blocks = stall(blocks, place(rule, size), rule.get('seconds', 1))
        elif name == 'trickle':
            blocks = trickle(blocks, rule.get('rate', 1000))
    return blocks


class Scissors:
    """A stream to the client that ends after so many bytes."""

    def __init__(self, stream, left):
        self.stream, self.left = stream, left

    def write(self, data):
        self.stream.write(data[:self.left])
        self.left -= len(data)
        if self.left <= 0:
            self.stream.flush()
            raise HangUp(False)


# --- requests ------------------------------------------------------------------------

class Handler(http.server.BaseHTTPRequestHandler):
    """One connection.  Each do_* method comes to handle()'s end by itself:
    what goes wrong is an Answer, or a HangUp."""

    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    timeout = 300

    def version_string(self):
        return 'nginx'

    def log_message(self, *_):
        """The request log is written by log_request_done()."""

    def do_request(self):
        self.began, self.status, self.sent = time.time(), None, 0
        self.body, self.ended = b'', 'whole'
        stream = self.wfile
        try:
            with contextlib.suppress(ssl.SSLError):
                self.respond()
        except HangUp as how:
            self.ended = 'reset' if how.args[0] else 'closed'
            self.hang_up(how.args[0])
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.ended, self.close_connection = 'client gone', True
        finally:
            self.wfile = stream
            self.log_request_done()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_request

    def respond(self):
        split = urllib.parse.urlsplit(self.path)
        self.args = dict(urllib.parse.parse_qsl(split.query))
        length = int(self.headers.get('Content-Length') or 0)
        self.body = self.rfile.read(length)
        rules = self.server.faults.at(self.command, self.path)
        self.kinds = {rule['fault']: rule for rule in rules}
        try:
            self.act_faults()
            self.route(urllib.parse.unquote(split.path))
        except Answer as answer:
            self.send_short(answer)

    def act_faults(self):
        for name, rule in self.kinds.items():
            if name == 'silence':
                time.sleep(rule.get('seconds', 1))
            elif name == 'expire-token':
                self.server.tokens.expire(self.token())
            elif name in ('reset', 'close'):
                raise HangUp(name == 'reset')
            elif name == 'wire-cut':
                self.wfile = Scissors(self.wfile, rule['bytes'])
            elif name in FAULTS:
                raise FAULTS[name](rule)
            elif name not in OTHERS and name not in STYLES:
                raise Answer(500, ('faults.json: no fault %r' % name).encode())

    ROUTES = (
        ('GET', '/oauth/token', 'token_get'),
        ('POST', '/oauth/token', 'token_post'),
        ('GET', '/v1/datasets', 'list'),
        ('GET', '/v1/datasets/' + GUID, 'metadata'),
        ('GET', '/v1/datasets/' + GUID + '/data', 'export'),
        ('POST', '/v1/datasets/query/execute/' + GUID, 'query'),
    )

    def route(self, path):
        methods = []
        for method, pattern, name in self.ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == self.command:
                if not path.startswith('/oauth/'):
                    self.server.tokens.check(
                        self.token(), 'data',
                        self.headers.get('Accept') == 'text/csv')
                return getattr(self, 'answer_' + name)(*found.groups())
            if found:
                methods.append(method)
        if methods:
            raise Answer(405, {'status': 405, 'statusReason': 'Method Not '
                               'Allowed', 'toe': toe()},
                         headers={'Allow': ', '.join(methods)})
        raise FAULTS['404']({})

    def token(self):
        kind, _, token = self.headers.get('Authorization', '').partition(' ')
        return token if kind.lower() == 'bearer' else None

    def answer_token_get(self):
        self.send_token(self.args)

    def answer_token_post(self):
        self.send_token(dict(urllib.parse.parse_qsl(self.body.decode())))

    def send_token(self, form):
        raise Answer(200, self.server.tokens.new(
            self.headers.get('Authorization', ''), form),
            headers={'Cache-Control': 'no-store'})

    def dataset(self, guid):
        try:
            found = dataset.Dataset(self.server.datasets, guid)
        except FileNotFoundError:
            raise FAULTS['404']({}) from None
        if not found.said.get('access', True):
            raise FAULTS['400-wrapped']({})
        return found

    def live_dataset(self, guid):
        found = self.dataset(guid)
        if found.said.get('deleted'):
            raise FAULTS['404']({})
        return found

    # metadata

    def answer_metadata(self, guid):
        fields = self.dataset(guid).metadata()
        if 'pdp' in self.kinds:
            fields.update(pdpEnabled=True, policies=[{
                'id': 8, 'type': 'user', 'name': 'Only Some', 'filters': [],
                'users': [27], 'groups': []}])
        rule = self.kinds.get('metadata', {})
        fields.update(rule.get('set', {}))
        for name in rule.get('drop', []):
            fields.pop(name, None)
        raise Answer(200, fields)

    # list

    def number(self, name, default):
        text = self.args.get(name, str(default))
        if not re.fullmatch('[0-9]{1,18}', text):
            raise error(400, 'Bad Request', "%s: '%s'" % (name, text))
        return int(text)

    SORTS = {'name': 'name', 'lastTouched': '-updatedAt',
             'lastUpdated': '-updatedAt', 'createdAt': '-createdAt',
             'cardCount': 'id', 'cardViewCount': 'id', 'errorState': 'id',
             'dataSourceId': 'id'}

    def answer_list(self):
        like = self.args.get('nameLike', '').lower()
        limit = min(self.number('limit', PAGE), PAGE)
        offset = self.number('offset', 0)
        found = [s for s in map(self.summary, self.server.guids())
                 if s and like in s['name'].lower()]
        sort = self.args.get('sort', 'dataSourceId')
        plain = re.sub('(Ascending|Descending)$', '', sort)
        if plain not in self.SORTS:
            raise error(400, 'Bad Request', "sort: '%s'" % sort)
        key = self.SORTS[plain]
        found.sort(key=lambda s: (s[key.lstrip('-')], s['id']),
                   reverse=key.startswith('-') ^ (sort != plain))
        raise Answer(200, found[offset:offset + limit])

    def summary(self, guid):
        with contextlib.suppress(FileNotFoundError):
            one = dataset.Dataset(self.server.datasets, guid)
            if one.said.get('access', True) and not one.said.get('deleted'):
                return one.summary()
        return None

    # export

    def answer_export(self, guid):
        found = self.live_dataset(guid)
        self.check_accept()
        if not found.rows():
            self.empty_export(found)
        header = (self.args.get('includeHeader', '').lower() == 'true'
                  and 'no-header' not in self.kinds)
        style = self.style(found)
        headers = {'Content-Type': 'text/csv', 'Content-Disposition':
                   'attachment; filename='
                   + self.args.get('fileName', guid + '.csv')}
        skip = 0 if header else found.header_length()
        with found.open() as f:
            f.seek(skip)
            if style == dataset.STYLE:
                blocks = iter(lambda: f.read(dataset.BLOCK), b'')
            else:
                blocks = found.export(header, style)
            size = (found.stat.st_size if found.stat else 0) - skip
            short = 'short-length' in self.kinds
            self.begin(200, headers, size if short else None)
            if self.plain() and style == dataset.STYLE and not short:
                self.send_file(f, skip, size)
            else:
                self.send_blocks(spoil(blocks, self.kinds, size))

    def check_accept(self):
        kinds = [k.split(';')[0].strip().lower() for k in
                 self.headers.get('Accept', '*/*').split(',')]
        if not {'text/csv', 'text/*', '*/*'} & set(kinds):
            raise FAULTS['406']({})

    @staticmethod
    def empty_export(found):
        """What a DataSet without rows gives is not known: the test says."""
        how = found.said.get('empty_export', 'header')
        if how == 'nothing':
            raise Answer(200, b'', 'text/csv')
        if how == 'error' or not found.said.get('loaded', True):
            raise error(400, 'Bad Request', 'No data for ' + found.guid)

    def style(self, found):
        style = dict(dataset.STYLE)
        for name, rule in self.kinds.items():
            style.update(STYLES.get(name, {}))
            if name == 'rows-missing':
                at = rule.get('at', 0)
                style['skip'] = range(at, at + rule.get('rows', 1))
            elif name == 'pdp':
                style['keep'] = rule['keep']
        sense = dict(self.server.config['formula'],
                     **self.kinds.get('formula', {}))
        asked = self.args.get('disableFormulaInterpretation', 'absent').lower()
        style['escape'] = (bool(sense.get(asked, sense['absent']))
                           and found.formulas())
        return style

    # query

    def answer_query(self, guid):
        found = self.live_dataset(guid)
        if self.headers.get_content_type() != 'application/json':
            raise error(415, 'Unsupported Media Type', 'Content type not '
                        'supported: ' + self.headers.get('Content-Type', ''))
        try:
            sql = json.loads(self.body)['sql']
            if not isinstance(sql, str):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise error(400, 'BadRequest', 'Cannot deserialize instance of '
                        'java.lang.String out of START_OBJECT token') from None
        if not found.said.get('loaded', True):
            raise error(400, 'Bad Request', 'No data for ' + guid)
        keep = self.kinds.get('pdp', {}).get('keep')
        try:
            columns, rows = dataset.Table.of(found).query(
                sql, self.server.config['query_cap'], keep)
        except dataset.BadQuery as why:
            raise error(400, 'Bad Request', 'Query failed: %s' % why) from None
        self.begin(200, {'Content-Type': 'application/json;charset=UTF-8'})
        self.send_blocks(self.query_text(guid, columns, rows))

    @staticmethod
    def query_text(guid, columns, rows):
        head = json.dumps({
            'datasource': guid, 'columns': [c['name'] for c in columns],
            'metadata': [{'type': c['type'], 'dataSourceId': guid,
                          'maxLength': -1, 'minLength': -1, 'periodIndex': 0}
                         for c in columns]})
        yield head[:-1].encode() + b', "rows": ['
        for at in range(0, len(rows), 1000):
            yield ((',' if at else '') + ','.join(
                '[' + ','.join(map(dataset.as_json, row)) + ']'
                for row in rows[at:at + 1000])).encode()
        yield ('], "numRows": %d, "numColumns": %d, "fromcache": true}'
               % (len(rows), len(columns))).encode()

    # answers

    def plain(self):
        """Whether the bytes go out as they are in the file."""
        return not self.packer and not set(self.kinds) & {
            'cut', 'cut-quoted', 'truncate', 'stall', 'trickle', 'wire-cut'}

    def begin(self, status, headers, length=None):
        """Status line and headers; decide on chunks and compression."""
        asked = self.server.config['gzip'] and 'gzip' in self.headers.get(
            'Accept-Encoding', '') and length is None
        asked = asked or 'gzip-unasked' in self.kinds
        self.packer = zlib.compressobj(1, wbits=31) if asked else None
        self.chunked = (length is None and self.request_version == 'HTTP/1.1'
                        and 'unframed' not in self.kinds)
        self.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if asked:
            self.send_header('Content-Encoding', 'gzip')
        if self.chunked:
            self.send_header('Transfer-Encoding', 'chunked')
        elif length is not None:
            self.send_header('Content-Length', str(length))
        else:
            self.close_connection = True
            self.send_header('Connection', 'close')
        self.end_headers()

    def send_short(self, answer):
        """An error has a Content-Length, anything else comes in chunks."""
        headers = dict(answer.headers)
        if answer.body:
            headers['Content-Type'] = answer.kind
        if answer.status >= 300:
            self.begin(answer.status, headers, len(answer.body))
            self.sent += len(answer.body)
            self.wfile.write(answer.body)
        else:
            self.begin(answer.status, headers)
            self.send_blocks([answer.body])

    def send_blocks(self, blocks):
        try:
            for block in blocks:
                self.sent += len(block)
                self.send_chunk(self.packer.compress(block)
                                if self.packer else block)
        except HangUp:
            if self.packer:
                self.send_chunk(self.packer.flush(zlib.Z_SYNC_FLUSH))
            raise
        if self.packer:
            rule = self.kinds.get('gzip-cut')
            end = -rule.get('bytes', 8) if rule else None
            self.send_chunk(self.packer.flush()[:end])
        if self.chunked:
            self.wfile.write(b'0\r\n\r\n')

    def send_chunk(self, data):
        if not data:
            return
        if self.chunked:
            data = b'%x\r\n%b\r\n' % (len(data), data)
        self.wfile.write(data)

    def send_file(self, f, at, left):
        """From the page cache to the socket, without Python in between."""
        if isinstance(self.connection, ssl.SSLSocket):
            return self.send_blocks(iter(lambda: f.read(dataset.BLOCK), b''))
        before = b''
        while left:
            size = min(left, dataset.BLOCK)
            if self.chunked:
                self.connection.sendall(before + b'%x\r\n' % size,
                                        socket.MSG_MORE)
                before = b'\r\n'
            left -= size
            while size:
                done = os.sendfile(self.connection.fileno(), f.fileno(),
                                   at, size)
                if not done:
                    raise HangUp(False)         # the file has shrunk
                at, size = at + done, size - done
                self.sent += done
        if self.chunked:
            self.connection.sendall(before + b'0\r\n\r\n')
        return None

    def hang_up(self, rst):
        self.close_connection = True
        if rst:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack('ii', 1, 0))
            self.server.skip_shutdown.add(self.connection)

    def log_request_done(self):
        split = urllib.parse.urlsplit(self.path)
        headers = {k.lower(): v for k, v in self.headers.items()}
        if 'authorization' in headers:
            headers['authorization'] = headers['authorization'].split(' ')[0]
        self.server.log.write({
            'method': self.command, 'path': split.path, 'query': split.query,
            'headers': headers, 'body': self.body[:4096].decode(errors='replace'),
            'status': self.status, 'sent': self.sent, 'ended': self.ended,
            'client_port': self.client_address[1],
            'time': self.began, 'seconds': round(time.time() - self.began, 4)})



class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, directory, config):
        self.config = config
        self.datasets = os.path.join(directory, 'datasets')
        self.tokens = Tokens(config)
        self.faults = standin.Faults(directory)
        self.log = standin.RequestLog(directory)
        self.skip_shutdown = set()
        self.tls = None
        if config['tls_cert']:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(config['tls_cert'], config['tls_key'])
        super().__init__((config['listen'], config['port']), Handler)

    def guids(self):
        return sorted(name[:-5] for name in os.listdir(self.datasets)
                      if name.endswith('.json'))

    def get_request(self):
        connection, address = super().get_request()
        if self.tls:                    # the handshake is left to the thread
            connection = self.tls.wrap_socket(connection, server_side=True,
                                              do_handshake_on_connect=False)
        return connection, address

    def shutdown_request(self, request):
        """Without the FIN that would come before a RST."""
        if request in self.skip_shutdown:
            self.skip_shutdown.discard(request)
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """A handshake that failed or a client that went: not our fault."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    if len(sys.argv) != 2:
        sys.exit('usage: domo.py DIR')
    os.umask(0o077)
    directory = os.path.abspath(sys.argv[1])
    os.makedirs(directory + '/datasets', exist_ok=True)
    server = Server(directory, standin.read_config(directory, DEFAULTS))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    standin.announce(server.server_address[1])
    server.serve_forever()


if __name__ == '__main__':
    main()
