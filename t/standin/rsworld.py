"""The world that the tests of the Redshift stand-in run in, and their TAP.

World starts a PostgreSQL, stand-ins in front of it (each on a database of its
own) and, when asked, Swift as the S3 server; at the end nothing of it is left.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import libpq                            # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
ROLE = "arn:aws:iam::111122223333:role/load"
BUCKET = "staging"

# nothing of the caller's libpq or AWS settings may count
for _name in list(os.environ):
    if _name.startswith(("PG", "AWS_")):
        del os.environ[_name]


class Tap:
    count = failed = 0


def ok(good, name, *facts):
    """One TAP line; the facts are shown when it fails."""
    Tap.count += 1
    if not good:
        Tap.failed += 1
    print("%sok %d - %s" % ("" if good else "not ", Tap.count,
                            name.replace("#", "").replace("\n", " ")))
    if not good:
        for fact in facts:
            print("#   " + repr(fact)[:2000].replace("\n", " "))
    sys.stdout.flush()
    return good


def same(got, want, name):
    return ok(got == want, name, "got", got, "want", want)


def refused(action, code, pattern, name):
    """action() must raise PqError with this SQLSTATE and text."""
    try:
        found = action()
    except libpq.PqError as e:
        return ok((code is None or e.code == code)
                  and re.search(pattern, str(e)), name, e.code, str(e),
                  "want", code, pattern)
    return ok(False, name, "it was accepted", getattr(found, "rows", found))


def finish():
    print("1..%d" % Tap.count)
    return 1 if Tap.failed else 0


class Service:
    """A program that prints "ready PORT" and ends at SIGTERM."""

    def __init__(self, program, directory, config):
        self.dir = directory
        os.makedirs(directory, exist_ok=True)
        self.write("config.json", config)
        self.stderr = open(os.path.join(directory, "stderr"), "ab")
        self.process = subprocess.Popen(
            [PYTHON, os.path.join(HERE, program), directory],
            stdout=subprocess.PIPE, stderr=self.stderr, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            with open(self.stderr.name, encoding="utf-8") as f:
                print("Bail out! %s: %s" % (program, f.read()))
            raise SystemExit(99)
        self.port = int(line.split()[1])

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, value):
        """Replace a file of JSON as a whole; None removes it."""
        path = self.path(name)
        if value is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            return
        with open(path + ".new", "w", encoding="utf-8") as f:
            json.dump(value, f)
        os.replace(path + ".new", path)

    def stop(self):
        self.process.terminate()
        status = self.process.wait(30)
        self.process.stdout.close()
        self.stderr.close()
        return status


class Redshift(Service):
    """One stand-in; connect() logs in as one of its users."""

    def __init__(self, directory, config):
        super().__init__("redshift.py", directory, config)
        self.config = config

    def info(self, user="loader", **more):
        info = {"host": "127.0.0.1", "port": self.port, "user": user,
                "password": self.config["users"].get(user, "none"),
                "dbname": self.config["database"], "sslmode": "disable",
                "gssencmode": "disable", "connect_timeout": 20}
        info.update(more)
        return info

    def connect(self, user="loader", **more):
        return libpq.Connection(**self.info(user, **more))

    def faults(self, *rules):
        self.write("faults.json", list(rules) or None)

    def statements(self):
        with open(self.path("statements.log"), encoding="utf-8") as f:
            return [json.loads(line) for line in f]


class World:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="rsw-test.")
        os.chmod(self.dir, 0o711)
        self.services = []
        self.keys = ("AKIA" + secrets.token_hex(8).upper(),
                     secrets.token_urlsafe(30))
        self.swift = None

    def __enter__(self):
        # so that make's ^C and a kill clean up, too
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(1))
        if subprocess.run([HERE + "/pg-start", self.dir + "/pg"]).returncode:
            shutil.rmtree(self.dir, ignore_errors=True)
            raise SystemExit("Bail out! no PostgreSQL")
        return self

    def __exit__(self, *_):
        for service in reversed(self.services):
            service.stop()
        subprocess.run([HERE + "/pg-stop", self.dir + "/pg"], check=True)
        shutil.rmtree(self.dir, ignore_errors=True)

    def redshift(self, database, **more):
        config = {
            "backend_socket": self.dir + "/pg", "database": database,
            "users": {name: secrets.token_urlsafe(12)
                      for name in ("loader", "other", "boss")},
            "superusers": ["boss"],
            "roles": {ROLE: {"access_key": self.keys[0],
                             "secret_key": self.keys[1]}}}
        if self.swift:
            config["s3_endpoint"] = "http://127.0.0.1:%d" % self.swift.port
        config.update(more)
        found = Redshift("%s/%s" % (self.dir, database), config)
        self.services.append(found)
        return found

    def backend(self, database):
        """The real tables, looked at directly."""
        return libpq.Connection(host=self.dir + "/pg", user="postgres",
                                dbname=database)

    # -- S3 ------------------------------------------------------------------

    def start_s3(self):
        self.swift = Service("swift.py", self.dir + "/s3", {
            "credentials": {self.keys[0]: {"secret": self.keys[1],
                                           "session_token": None}},
            "buckets": [BUCKET, "abroad"]})
        self.services.append(self.swift)
        import botocore.config
        import botocore.session
        self.s3 = botocore.session.Session().create_client(
            "s3", endpoint_url="http://127.0.0.1:%d" % self.swift.port,
            region_name="us-east-1", aws_access_key_id=self.keys[0],
            aws_secret_access_key=self.keys[1],
            config=botocore.config.Config(s3={"addressing_style": "path"}))

    def put(self, key, data, bucket=BUCKET):
        """An object; text is UTF-8."""
        if isinstance(data, str):
            data = data.encode()
        self.s3.put_object(Bucket=bucket, Key=key, Body=data)
        return "s3://%s/%s" % (bucket, key)

    def manifest(self, key, *entries):
        """A manifest of urls, or of whole entries."""
        return self.put(key, json.dumps({"entries": [
            entry if isinstance(entry, dict)
            else {"url": entry, "mandatory": True} for entry in entries]}))


def wait_until(check, seconds=20):
    """Poll for something that another process does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.02)
    return False
