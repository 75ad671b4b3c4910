"""What the stand-ins share: their configuration, fault rules and request log.

A stand-in is given one directory.  It reads DIR/config.json once,
DIR/faults.json anew at every request, and appends one JSON line a request to
DIR/requests.log.  What a fault does is left to each stand-in.
"""
import json
import os
import re
import threading


def read_config(directory, defaults):
    """DIR/config.json over the defaults; a key that is not known is an error,
    because a mistyped one would quietly test something else."""
    with open(os.path.join(directory, 'config.json'), encoding='utf-8') as f:
        given = json.load(f)
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise SystemExit("config.json: unknown key '%s'" % unknown[0])
    return dict(defaults, **given)


def announce(port):
    """Say that connections are welcome, and where."""
    print('ready %d' % port, flush=True)


class Faults:
    """DIR/faults.json: a list of rules, none if the file is not there.

    {"method": "PUT", "path": "REGEX", "skip": 1, "times": 2, "every": 3,
     "fault": "NAME", ...}

    A rule without method or path matches every request; the path is searched
    for in PATH?QUERY.  Of the requests that match, the first "skip" pass,
    then every "every"th has the fault, "times" times in all.  Counting
    starts again when the file is written again.
    """

    def __init__(self, directory):
        self.path = os.path.join(directory, 'faults.json')
        self.lock = threading.Lock()
        self.stamp = None
        self.rules = []

    def _reload(self):
        try:
            s = os.stat(self.path)
        except FileNotFoundError:
            self.stamp, self.rules = None, []
            return
        stamp = (s.st_ino, s.st_mtime_ns, s.st_size)
        if stamp == self.stamp:
            return
        try:
            with open(self.path, encoding='utf-8') as f:
                rules = json.load(f)
        except ValueError:
            return                      # half written: the old rules stand
        self.stamp, self.rules = stamp, [dict(r, seen=0, done=0) for r in rules]

    @staticmethod
    def _fires(rule):
        rule['seen'] += 1
        n = rule['seen'] - rule.get('skip', 0)
        if n <= 0 or n % rule.get('every', 1):
            return False
        if rule['done'] >= rule.get('times', rule['done'] + 1):
            return False
        rule['done'] += 1
        return True

    def at(self, method, target, **more):
        """The rules that fire at this request, in the file's order.  Other
        words (access="KEY") must equal the rule's, if it has them."""
        with self.lock:
            self._reload()
            return [dict(r) for r in self.rules
                    if r.get('method', method) == method
                    and re.search(r.get('path', ''), target)
                    and all(r.get(k, v) == v for k, v in more.items())
                    and self._fires(r)]


class RequestLog:
    """DIR/requests.log: one JSON object a line, whole lines only."""

    def __init__(self, directory):
        self.fd = os.open(os.path.join(directory, 'requests.log'),
                          os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, record):
        os.write(self.fd, json.dumps(record).encode() + b'\n')
