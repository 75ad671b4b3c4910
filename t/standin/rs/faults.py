"""Trouble on order: DIR/faults.json, read anew at every statement.

It holds a list of rules; each names a regular expression for the statement's
text ("match") and an "action":

  drop           break the connection before the statement runs
  drop-after     run it, commit it if it commits, then break the connection
                 instead of answering, "seconds" (0) later
  drop-mid-copy  break the connection in the middle of a COPY, which goes on
  stall-copy     wait "seconds" in the middle of a COPY
  error          fail with "code" and "message" ("detail") instead of running
  delay          wait "seconds" first
  lose-rows      COPY loads "rows" (1) fewer than it says
  miscount       what COPY says it has loaded is wrong: by "notice" in its
                 notice, by "count" in pg_last_copy_count() (0)
  skip-file      COPY passes over the first file and says nothing

"skip" statements that match are let go first, then "times" are hit (all, when
it is left out).  The counts start anew whenever the file is written.
"""

import json
import os
import re
import threading
import time

from . import wire
from .errors import RsError

ACTIONS = {"drop", "drop-after", "drop-mid-copy", "stall-copy", "error",
           "delay", "lose-rows", "miscount", "skip-file"}


def sleep(session, rule):
    """A rule's delay; a cancel request or the statement timeout ends it."""
    seconds = rule.get("seconds", 1)
    end = time.monotonic() + seconds
    limit = int(session.settings.get("statement_timeout", 0)) / 1000
    late = time.monotonic() + limit
    while time.monotonic() < end:
        if session.cancelled or (limit > 0 and time.monotonic() > late):
            raise RsError("57014", "Query cancelled on user's request")
        time.sleep(min(0.05, seconds))


class Faults:
    def __init__(self, directory):
        self.path = os.path.join(directory, "faults.json")
        self.lock = threading.Lock()
        self.version = None
        self.rules = []
        self.seen = []

    def _reread(self):
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            self.version, self.rules = None, []
            return
        version = (found.st_mtime_ns, found.st_ino, found.st_size)
        if version != self.version:
            with open(self.path, encoding="utf-8") as f:
                self.rules = json.load(f)
            for rule in self.rules:
                if rule.get("action") not in ACTIONS:
                    raise ValueError("no such action: %s" % rule)
            self.version = version
            self.seen = [0] * len(self.rules)

    def _hits(self, text):
        """The rules that this statement runs into, by their action."""
        found = {}
        with self.lock:
            try:
                self._reread()
            except (OSError, ValueError) as e:
                raise RsError("XX000", "the stand-in cannot use "
                              "'%s': %s" % (self.path, e)) from e
            for i, rule in enumerate(self.rules):
                if not re.search(rule.get("match", ""), text, re.I | re.S):
                    continue
                self.seen[i] += 1
                first = rule.get("skip", 0)
                last = first + rule.get("times", 1 << 30)
                if first < self.seen[i] <= last:
                    found[rule["action"]] = rule
        return found

    def strike(self, session, text):
        """Do what has to be done before the statement; the actions that
        concern its course are returned for those who run it."""
        found = self._hits(text)
        if "delay" in found:
            sleep(session, found["delay"])
        if "drop" in found:
            session.drop()
            raise wire.Gone("fault: drop")
        if "error" in found:
            rule = found["error"]
            raise RsError(rule.get("code", "XX000"),
                          rule.get("message", "1023"), rule.get("detail"))
        return found
