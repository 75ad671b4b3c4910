"""Where COPY reads: credentials, the manifest, the objects, their codec.

The objects are fetched by botocore, a client library that is not the project's
own, with the credentials of the COPY statement.
DG:copy-parameters-authorization, DG:loading-data-files-using-manifest,
DG:s3serviceexception-error.
"""

import bz2
import functools
import json
import re
import shutil
import subprocess
import threading
import zlib
from dataclasses import dataclass

from .errors import RsError, boxed, unsupported

CHUNK = 1 << 18


@dataclass
class Entry:
    """One object to load."""

    bucket: str
    key: str
    mandatory: bool = True
    size: int = 0

    @property
    def url(self):
        return "s3://%s/%s" % (self.bucket, self.key)


class Failure(Exception):
    """S3 said no; code is its error code."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


# making a client is slow: they are kept, and may be used by all threads
client_lock = threading.Lock()


@functools.lru_cache(maxsize=16)
def _client(endpoint, cacert, region, keys):
    import botocore.config
    access, secret, token = keys
    return _botocore().create_client(
        "s3", endpoint_url=endpoint, region_name=region, verify=cacert,
        aws_access_key_id=access, aws_secret_access_key=secret,
        aws_session_token=token,
        config=botocore.config.Config(
            signature_version="s3v4", s3={"addressing_style": "path"},
            connect_timeout=10, read_timeout=60,
            retries={"max_attempts": 2, "mode": "standard"}))


@functools.lru_cache(maxsize=1)
def _botocore():
    """Nothing of this machine's own AWS configuration counts."""
    import botocore.session
    session = botocore.session.Session()
    session.set_config_variable("config_file", "/dev/null")
    session.set_config_variable("credentials_file", "/dev/null")
    return session


class Source:
    """The objects of one COPY."""

    def __init__(self, session, copy, query):
        self.config = session.config
        self.copy = copy
        self.query = query
        self.pid = session.backend.pid
        self.client = self._connect(self._keys())

    # -- credentials -------------------------------------------------------

    def _keys(self):
        """access key, secret key, token (None)"""
        copy = self.copy
        if "ACCESS_KEY_ID" in copy:
            return (copy.get("ACCESS_KEY_ID"), copy.get("SECRET_ACCESS_KEY"),
                    copy.get("SESSION_TOKEN"))
        if "IAM_ROLE" in copy:
            return self._role(copy.get("IAM_ROLE"))
        return self._credentials(copy.get("CREDENTIALS"))

    def _credentials(self, text):
        found = {}
        for part in text.rstrip(";").split(";"):
            name, equals, value = part.partition("=")
            if not equals or re.search(r"\s", part):
                raise _bad_credentials()
            found[name] = value
        if set(found) == {"aws_iam_role"}:
            return self._role(found["aws_iam_role"])
        if "master_symmetric_key" in found:
            raise unsupported("client-side encryption")
        if not {"aws_access_key_id", "aws_secret_access_key"} <= set(found) \
                <= {"aws_access_key_id", "aws_secret_access_key", "token"}:
            raise _bad_credentials()
        return (found["aws_access_key_id"], found["aws_secret_access_key"],
                found.get("token"))

    def _role(self, arns):
        """The keys that a role gives; None is the cluster's default role.
        Of a chain 'arn,arn' the last one reads the objects."""
        arns = arns or self.config["default_role"]
        if not arns:
            raise RsError("XX000", "The default IAM role is not set for this "
                          "cluster")
        for arn in arns.split(","):
            if arn not in self.config["roles"]:
                raise self.error("User arn:aws:redshift:%s:000000000000:dbuser:"
                                 "standin/user is not authorized to assume "
                                 "IAM Role %s" % (self.config["region"], arn),
                                 8001, "IAM Role=" + arn,
                                 "xen_aws_credentials_mgr.cpp:417")
        keys = self.config["roles"][arns.split(",")[-1]]
        return (keys["access_key"], keys["secret_key"],
                keys.get("session_token"))

    def _connect(self, keys):
        config = self.config
        if not config["s3_endpoint"]:
            raise unsupported("COPY without s3_endpoint in config.json")
        with client_lock:
            return _client(config["s3_endpoint"], config["s3_cacert"],
                           config["s3_signing_region"] or config["region"],
                           keys)

    # -- errors ------------------------------------------------------------

    def error(self, text, code, context, location):
        return boxed(text, code, context, self.query, location, self.pid,
                     self.config["serverless"])

    def _s3_error(self, failure, context, prefix=""):
        return self.error(prefix + str(failure), 9001 if prefix else 8001,
                          context, "s3_utility.cpp:382")

    # -- objects -----------------------------------------------------------

    def entries(self):
        """The objects to load, those of a manifest or of a prefix."""
        bucket, key = split_url(self.copy.source)
        if "MANIFEST" not in self.copy:
            found = self._list(bucket, key)
        elif not bucket or not key or key.endswith("/"):
            raise self.error("The manifest needs a full path: '%s'"
                             % self.copy.source, 8001, self.copy.source,
                             "s3_utility.cpp:350")
        else:
            found = self._manifest(bucket, key)
        if not found:
            raise self.error("The specified S3 prefix '%s' does not exist"
                             % key, 8001, "", "s3_utility.cpp:675")
        return found

    def _list(self, bucket, prefix):
        found, more = [], {}
        context = "Listing bucket=%s prefix=%s" % (bucket, prefix)
        self._check_region(bucket, context)
        while True:
            try:
                page = self._call("list_objects_v2", Bucket=bucket,
                                  Prefix=prefix, **more)
            except Failure as e:
                raise self._s3_error(e, context) from e
            found += [Entry(bucket, item["Key"], True, item["Size"])
                      for item in page.get("Contents", ())]
            if not page.get("IsTruncated"):
                return found
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _manifest(self, bucket, key):
        url = "s3://%s/%s" % (bucket, key)
        self._check_region(bucket, url)
        try:
            data = self._call("get_object", Bucket=bucket, Key=key)
            text = data["Body"].read()
        except Failure as e:
            raise self._s3_error(e, url,
                                 "Problem reading manifest file - ") from e
        found = []
        for entry in self._manifest_entries(text, url):
            self._check_region(entry.bucket, entry.url)
            found += self._find(entry)
        return found

    def _manifest_entries(self, text, url):
        """Check the manifest's form; its entries as they are written."""
        def bad(why):
            return self.error(why, 8001, url, "s3_utility.cpp:320")
        try:
            entries = json.loads(text.decode("utf-8"))["entries"]
        except (ValueError, KeyError, TypeError) as e:
            raise bad("Manifest file is not in correct json format") from e
        if not isinstance(entries, list):
            raise bad("'entries' is not an array in the manifest file")
        found = []
        for entry in entries:
            if not isinstance(entry, dict) \
                    or not isinstance(entry.get("url"), str):
                raise bad("Mandatory url is not present in manifest file.")
            mandatory = entry.get("mandatory", False)
            if not isinstance(mandatory, bool):
                raise bad("'mandatory' is not a boolean in the manifest file")
            bucket, key = split_url(entry["url"])
            if not bucket or not key:
                raise bad("Invalid url in manifest file: " + entry["url"])
            found.append(Entry(bucket, key, mandatory))
        return found

    def _find(self, entry):
        """The entry with its size; nothing if it may be missing and is."""
        try:
            entry.size = self._call("head_object", Bucket=entry.bucket,
                                    Key=entry.key)["ContentLength"]
            return [entry]
        except Failure as e:
            if e.code == "NoSuchKey" and not entry.mandatory:
                return []
            raise self._s3_error(e, "S3 key being read : " + entry.url) from e

    def _check_region(self, bucket, context):
        """The bucket must be in the region that COPY names, and without
        REGION in the cluster's."""
        there = self.config["bucket_regions"].get(bucket,
                                                  self.config["region"])
        if there != self.copy.get("REGION", self.config["region"]):
            raise self._s3_error(Failure("PermanentRedirect", _service_text(
                "The bucket you are attempting to access must be addressed "
                "using the specified endpoint. Please send all future requests "
                "to this endpoint.", 301, "PermanentRedirect")), context)

    def _call(self, method, **arguments):
        import botocore.exceptions as trouble
        try:
            return getattr(self.client, method)(**arguments)
        except trouble.ClientError as e:
            code = e.response["Error"].get("Code", "")
            message = e.response["Error"].get("Message", "")
            code, message = HEAD_ANSWERS.get(code, (code, message))
            status = e.response["ResponseMetadata"]["HTTPStatusCode"]
            raise Failure(code, _service_text(message, status, code)) from e
        except trouble.BotoCoreError as e:
            raise Failure("", "S3CurlException: %s, CurlError 7, "
                          "multiCurlError 0, CanRetry 1, UserError 0"
                          % e) from e

    # -- bytes -------------------------------------------------------------

    def open(self, entry):
        """The object's bytes, decompressed, as a generator of chunks."""
        try:
            body = self._call("get_object", Bucket=entry.bucket,
                              Key=entry.key)["Body"]
        except Failure as e:
            raise self._s3_error(e, "S3 key being read : " + entry.url) from e
        return self._read(entry, body)

    def _read(self, entry, body):
        decompress = DECOMPRESS[self.copy.codec]
        try:
            yield from decompress(_chunks(body))
        except (zlib.error, OSError, EOFError, ValueError) as e:
            raise self.error(
                "failed to inflate: invalid or incomplete deflate data. %s"
                % e, 15001, "S3 key being read : " + entry.url,
                "inflate_util.cpp:117") from e
        finally:
            body.close()


# the answer to HEAD has no body: botocore makes its code of the status
HEAD_ANSWERS = {
    "403": ("AccessDenied", "Access Denied"),
    "404": ("NoSuchKey", "The specified key does not exist."),
    "AccessDenied": ("AccessDenied", "Access Denied"),
}


def _service_text(message, status, code):
    return ("S3ServiceException:%s,Status %d,Error %s,Rid 0000000000000000,"
            "CanRetry 1" % (message, status, code))


def _bad_credentials():
    return RsError("XX000", "Invalid credentials. Must be of the format: "
                   "credentials 'aws_iam_role=...' or 'aws_access_key_id=...;"
                   "aws_secret_access_key=...[;token=...]'")


def split_url(url):
    """bucket and key of s3://bucket/key; '' for what is not there"""
    if not url.startswith("s3://"):
        return "", ""
    bucket, _, key = url[5:].partition("/")
    return bucket, key


def _chunks(body):
    import botocore.exceptions as trouble
    try:
        yield from iter(lambda: body.read(CHUNK), b"")
    except trouble.BotoCoreError as e:
        raise OSError(str(e)) from e


# -- codecs: each takes chunks and gives chunks; a short stream is an er

def _plain(chunks):
    yield from chunks


def _members(chunks, new, unused, finished):
    """A stream of one or more compressed members after each other."""
    engine, begun = new(), False
    for chunk in chunks:
        while chunk:
            begun = True
            data = engine.decompress(chunk)
            if data:
                yield data
            if not finished(engine):
                break
            chunk = unused(engine)
            engine, begun = new(), False
    if begun:
        raise EOFError("the stream ends too early")


def _gzip(chunks):
    return _members(chunks, lambda: zlib.decompressobj(31),
                    lambda e: e.unused_data, lambda e: e.eof)


def _bzip2(chunks):
    return _members(chunks, bz2.BZ2Decompressor,
                    lambda e: e.unused_data, lambda e: e.eof)


def _program(*command):
    """A codec by way of a program that reads stdin."""
    def run(chunks):
        if not shutil.which(command[0]):
            raise unsupported("this codec without the program " + command[0])
        with subprocess.Popen(command, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as child:
            feeder = threading.Thread(target=_feed,
                                      args=(chunks, child.stdin))
            feeder.start()
            try:
                yield from iter(lambda: child.stdout.read(CHUNK), b"")
            except GeneratorExit:
                child.kill()
                raise
            finally:
                child.stdout.close()
                feeder.join()
            why = child.stderr.read().decode("utf-8", "replace").strip()
            if child.wait() != 0:
                raise ValueError(why)
    return run


def _feed(chunks, pipe):
    try:
        with pipe:
            for chunk in chunks:
                pipe.write(chunk)
    except OSError:
        pass            # the program ended: its status says why


DECOMPRESS = {None: _plain, "GZIP": _gzip, "BZIP2": _bzip2,
              "ZSTD": _program("zstd", "-dcq"),
              "LZOP": _program("lzop", "-dc")}
