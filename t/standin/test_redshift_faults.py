#!/usr/bin/python3
"""Transactions of the Redshift stand-in, sessions against each other, and
trouble on order (DIR/faults.json)."""

import os
import socket
import sys
import time

sys.dont_write_bytecode = True

from libpq import IDLE, IN_TRANSACTION, PqError               # noqa: E402
from rsworld import (ROLE, World, finish, ok, refused, same,  # noqa: E402
                     wait_until)


def copy_sql(url, table="t"):
    return "COPY %s FROM '%s' IAM_ROLE '%s' CSV" % (table, url, ROLE)


class Two:
    """Two sessions, and a table t of one column to meet in."""

    def __init__(self, world, rs):
        self.rs = rs
        self.backend = world.backend(rs.config["database"])
        self.one, self.two = rs.connect(), rs.connect()
        self.reset()

    def reset(self):
        self.rs.faults()
        for db in (self.one, self.two):
            if db.broken:
                db.close()
        self.one = self.one if self.one.handle else self.rs.connect()
        self.two = self.two if self.two.handle else self.rs.connect()
        for db in (self.one, self.two):
            if db.status != IDLE:
                db.run("ROLLBACK")
        self.two.run("DROP TABLE IF EXISTS t")
        self.two.run("CREATE TABLE t (i int)")
        self.two.run("INSERT INTO t VALUES (1)")

    def count(self):
        return self.two.value("SELECT count(*) FROM t")


def waits(pair, db, sql):
    """Send it: does it come to wait for a lock?"""
    db.send(sql)
    return wait_until(lambda: pair.backend.value(
        "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %d"
        % db.pid) == "t", 10)


# -- snapshots, locks --------------------------------------------------

def test_snapshots(pair):
    one, two = pair.one, pair.two
    one.run("BEGIN")
    one.run("SELECT count(*) FROM information_schema.columns")
    one.run("SELECT version()")
    two.run("INSERT INTO t VALUES (2)")
    two.run("CREATE TABLE fresh (i int)")
    same(one.value("SELECT count(*) FROM pg_table_def WHERE tablename = "
                   "'fresh'"), "1", "the catalog is read as committed")
    same(one.value("SELECT count(*) FROM t"), "2",
         "a look at the catalog takes no snapshot")
    two.run("INSERT INTO t VALUES (3)")
    same(one.value("SELECT count(*) FROM t"), "2", "a user table takes it")
    one.run("COMMIT")
    same(one.value("SELECT count(*) FROM t"), "3", "COMMIT ends it")
    two.run("DROP TABLE fresh")
    one.run("BEGIN")
    refused(lambda: one.run("SELECT nosuch FROM pg_class"), "42703", "nosuch",
            "an error in a catalog query")
    refused(lambda: one.run("SELECT 1"), "25P02", "aborted",
            "fails the block as well")
    one.run("ROLLBACK")
    one.run("BEGIN")
    same(one.status, IN_TRANSACTION, "an empty block")
    same(one.run("COMMIT").tag, "COMMIT", "is committed")
    one.run("BEGIN READ ONLY")
    refused(lambda: one.run("INSERT INTO t VALUES (1)"), "25006", "read-only",
            "BEGIN READ ONLY")
    one.run("ROLLBACK")
    one.notices.clear()
    one.run("COMMIT")
    same(one.notices, [("WARNING", "there is no transaction in progress")],
         "COMMIT without a block")
    refused(lambda: one.run("INSERT INTO t VALUES (9); SELECT nosuch"),
            "42703", "nosuch", "two statements in a message")
    same(pair.count(), "3", "are one transaction")
    one.run("INSERT INTO t VALUES (8); INSERT INTO t VALUES (9)")
    same(pair.count(), "5", "that is committed at its end")


def test_truncate(pair):
    pair.reset()
    one = pair.one
    one.run("BEGIN")
    one.run("INSERT INTO t VALUES (2)")
    one.run("CREATE TABLE made_in_block (i int)")
    same(one.run("TRUNCATE t").tag, "TRUNCATE TABLE and COMMIT TRANSACTION",
         "TRUNCATE")
    same(one.status, IDLE, "ends the block")
    same(pair.count(), "0", "and commits")
    one.run("ROLLBACK")
    same(pair.count(), "0", "ROLLBACK does not undo it")
    same(pair.two.value("SELECT count(*) FROM made_in_block"), "0",
         "what came before is committed with it")
    one.run("DROP TABLE made_in_block")


def test_writers(pair, world):
    pair.reset()
    one, two = pair.one, pair.two
    url = world.put("w", "7\n8\n")
    one.run("BEGIN")
    one.run("INSERT INTO t VALUES (2)")
    same(pair.count(), "1", "a reader goes on while another one writes")
    ok(waits(pair, two, copy_sql(url)), "a second writer waits: COPY")
    one.run("COMMIT")
    two.results()
    same(pair.count(), "4", "and goes on after the first")
    one.run("BEGIN")
    one.run("DELETE FROM t")
    one.run(copy_sql(url))
    same(pair.count(), "4", "a replacement in a transaction is not seen")
    one.run("COMMIT")
    same(pair.count(), "2", "before it is committed")
    one.run("BEGIN")
    one.run("LOCK t")
    ok(waits(pair, two, "SELECT count(*) FROM t"), "LOCK keeps readers out")
    one.run("ROLLBACK")
    same(two.results()[0].rows, [["2"]], "until the end of the block")
    refused(lambda: one.run("LOCK t"), "25P01", "transaction block",
            "LOCK without a block")


def test_conflicts(pair, world, serializable):
    """1023, as it comes by itself."""
    pair.reset()
    one, two = pair.one, pair.two
    one.run("BEGIN")
    one.run("DELETE FROM t")
    ok(waits(pair, two, "DELETE FROM t"), "the second of two deleters waits")
    one.run("COMMIT")
    refused(two.results, "XX000", "^1023$", "and then gets 1023")
    pair.reset()
    one.run("BEGIN")
    one.run("LOCK t")
    one.run("DELETE FROM t")
    two.run("BEGIN")
    ok(waits(pair, two, "LOCK t"), "with LOCK first it waits too")
    one.run("COMMIT")
    two.results()
    two.run("DELETE FROM t")
    same(two.run("COMMIT").tag, "COMMIT", "but does not fail")
    pair.reset()
    one.run("CREATE TABLE u (i int)")
    one.run("BEGIN")
    one.run("LOCK t")
    two.run("BEGIN")
    two.run("LOCK u")
    one.send("LOCK u")
    time.sleep(0.2)
    two.send("LOCK t")
    codes = []
    for db in (one, two):
        try:
            db.results()
        except PqError as e:
            codes.append(e.code)
        db.run("ROLLBACK")
    same(codes, ["40P01"], "a deadlock is 40P01")
    one.run("DROP TABLE u")

    other = Two(world, serializable)
    one, two = other.one, other.two
    one.run("CREATE TABLE u (i int)")
    for db, read, write in ((one, "t", "u"), (two, "u", "t")):
        db.run("BEGIN")
        db.run("SELECT count(*) FROM " + read)
    one.run("INSERT INTO u VALUES (1)")
    two.run("INSERT INTO t VALUES (1)")
    one.run("COMMIT")
    refused(lambda: two.run("COMMIT"), "XX000", "^1023$",
            "SERIALIZABLE: a cycle of reads and writes is 1023")
    same(two.value("SELECT trim(isolation_level) FROM "
                   "stv_db_isolation_level"), "Serializable", "as it says")


# -- sessions ----------------------------------------------------------

def test_cancel(pair, world):
    pair.reset()
    one, two, rs = pair.one, pair.two, pair.rs
    rs.faults({"match": "count", "action": "delay", "seconds": 30})
    one.send("SELECT count(*) FROM t")
    time.sleep(0.2)
    one.cancel()
    refused(one.results, "57014", "cancelled", "PQcancel")
    rs.faults({"match": "COPY", "action": "stall-copy", "seconds": 30})
    one.send(copy_sql(world.put("c", "5\n")))
    ok(wait_until(lambda: two.value(
        "SELECT count(*) FROM sys_load_history WHERE session_id = %d AND "
        "status = 'running' AND loaded_rows = 1" % one.pid) == "1"),
       "a COPY that stalls")
    same(two.rows("SELECT trim(status), loaded_rows FROM sys_load_history "
                  "WHERE session_id = %d AND status = 'running'" % one.pid),
         [["running", "1"]], "is seen running by another session")
    same(two.rows("SELECT num_files, num_files_complete FROM stv_load_state "
                  "WHERE session = %d" % one.pid), [["1", "1"]],
         "in stv_load_state, too")
    one.cancel()
    refused(one.results, "57014", "cancelled", "PQcancel of a COPY")
    same(pair.count(), "1", "loads nothing")
    rs.faults()
    two.run("BEGIN")
    two.run("LOCK t")
    ok(waits(pair, one, "SELECT * FROM t"), "a statement that waits for a lock")
    stranger = rs.connect("other")
    refused(lambda: stranger.run("SELECT pg_cancel_backend(%d)" % one.pid),
            "42501", "", "pg_cancel_backend of another user")
    stranger.close()
    third = rs.connect()
    third.run("SELECT pg_cancel_backend(%d)" % one.pid)
    refused(one.results, "57014", "cancelled", "of the same one")
    two.run("ROLLBACK")
    one.run("SET statement_timeout TO 200")
    two.run("BEGIN")
    two.run("LOCK t")
    refused(lambda: one.run("SELECT * FROM t"), "57014", "cancelled",
            "statement_timeout")
    two.run("ROLLBACK")
    one.run("RESET statement_timeout")
    third.run("SELECT pg_terminate_backend(%d)" % one.pid)
    refused(lambda: one.run("SELECT 1"), None, "terminat|closed",
            "pg_terminate_backend")
    third.close()


def vanish(db):
    """End a client as kill -9 does: its socket closes, nobody says why."""
    os.dup2(os.open("/dev/null", os.O_RDWR), db.socket)


def test_lost_clients(pair, world):
    url = world.put("lost", "5\n6\n")
    stall = {"match": "COPY", "action": "stall-copy", "seconds": 1}
    pair.reset()
    pair.rs.faults(stall)
    pair.one.send(copy_sql(url))
    vanish(pair.one)
    ok(wait_until(lambda: pair.count() == "3"),
       "a COPY outside of a block commits without its client")
    pair.one.close()
    pair.reset()
    pair.rs.faults(stall)
    pair.one.run("BEGIN")
    pair.one.send(copy_sql(url))
    vanish(pair.one)
    sessions = ("SELECT count(*) FROM pg_stat_activity WHERE pid = %d"
                % pair.one.pid)
    ok(wait_until(lambda: pair.two.value(sessions) == "0"),
       "in a block, the session ends with its client")
    same(pair.count(), "1", "and nothing is loaded")
    pair.one.close()


# -- faults ------------------------------------------------------------

def broken(action):
    return refused(action, None, "closed|reset|lost|EOF|terminat|abort",
                   "the connection breaks")


def test_drops(pair, world):
    url = world.put("drop", "5\n6\n")
    pair.reset()
    pair.rs.faults({"match": "^COMMIT", "action": "drop"})
    pair.one.run("BEGIN")
    pair.one.run("INSERT INTO t VALUES (2)")
    broken(lambda: pair.one.run("COMMIT"))
    ok(wait_until(lambda: pair.two.value(
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'")
        == "0"), "drop: before COMMIT")
    same(pair.count(), "1", "the transaction is rolled back")

    pair.reset()
    pair.rs.faults({"match": "^COMMIT", "action": "drop-after"})
    pair.one.run("BEGIN")
    pair.one.run("INSERT INTO t VALUES (2)")
    broken(lambda: pair.one.run("COMMIT"))
    same(pair.count(), "2", "drop-after COMMIT: it is committed")
    pair.reset()
    pair.rs.faults({"match": "^COMMIT", "action": "drop-after", "seconds": 1})
    pair.one.run("BEGIN")
    began = time.monotonic()
    broken(lambda: pair.one.run("COMMIT"))
    ok(time.monotonic() - began >= 1, "drop-after: a second later")

    pair.reset()
    pair.rs.faults({"match": "INSERT", "action": "drop-after"})
    broken(lambda: pair.one.run("INSERT INTO t VALUES (2)"))
    same(pair.count(), "2", "drop-after a statement of its own: committed")

    pair.reset()
    pair.rs.faults({"match": "^COPY", "action": "drop-mid-copy"})
    broken(lambda: pair.one.run(copy_sql(url)))
    ok(wait_until(lambda: pair.count() == "3"),
       "drop-mid-copy: COPY commits without its client")

    pair.reset()
    pair.rs.faults({"match": "^COPY", "action": "drop-mid-copy"})
    pair.one.run("BEGIN")
    broken(lambda: pair.one.run(copy_sql(url)))
    time.sleep(0.3)
    same(pair.count(), "1", "in a block it rolls back")


def test_errors(pair):
    pair.reset()
    one, rs = pair.one, pair.rs
    once = {"match": "INSERT", "action": "error", "code": "XX000",
            "message": "1023", "times": 1}
    rs.faults(once)
    one.run("BEGIN")
    refused(lambda: one.run("INSERT INTO t VALUES (2)"), "XX000", "^1023$",
            "error: 1023")
    refused(lambda: one.run("SELECT 1"), "25P02", "aborted",
            "which fails the block")
    one.run("ROLLBACK")
    one.run("INSERT INTO t VALUES (2)")
    same(pair.count(), "2", "once, then it works")
    rs.faults(once)
    refused(lambda: one.run("INSERT INTO t VALUES (2)"), "XX000", "1023",
            "the file written anew counts anew")
    rs.faults({"match": "INSERT", "action": "error", "code": "40P01",
               "message": "deadlock detected", "skip": 1})
    one.run("INSERT INTO t VALUES (2)")
    for _ in range(3):
        refused(lambda: one.run("INSERT INTO t VALUES (2)"), "40P01",
                "deadlock", "skip 1, then always")
    refused(lambda: one.run("INSERT INTO t VALUES ($1)", 2), "40P01",
            "deadlock", "and in the extended protocol")
    rs.faults({"match": "x", "action": "nosuch"})
    refused(lambda: one.run("SELECT 'x'"), "XX000", "no such action",
            "an unknown action is an error, not silence")
    rs.faults({"match": "SELECT 5", "action": "delay", "seconds": 0.5})
    began = time.monotonic()
    one.run("SELECT 5")
    ok(time.monotonic() - began >= 0.5, "delay")


def test_lies(pair, world):
    """A server that loads less than it says: what the proof has to find."""
    pair.reset()
    one, rs = pair.one, pair.rs
    urls = [world.put("lie/%d" % i, "5\n6\n") for i in range(2)]
    manifest = world.manifest("lie", *urls)
    rs.faults({"match": "COPY", "action": "lose-rows"})
    one.notices.clear()
    one.run(copy_sql(manifest) + " MANIFEST")
    same(one.value("SELECT pg_last_copy_count()"), "4",
         "lose-rows: four rows are reported")
    ok("4 record(s) loaded" in one.notices[0][1], "twice")
    same(pair.count(), "4", "but three are new")
    pair.reset()
    rs.faults({"match": "COPY", "action": "skip-file"})
    one.run(copy_sql(manifest) + " MANIFEST")
    same(one.value("SELECT pg_last_copy_count()"), "2",
         "skip-file: two rows are reported")
    same(one.rows("SELECT source_file_count, file_count_scanned FROM "
                  "sys_load_history WHERE query_id = pg_last_copy_id()"),
         [["2", "1"]], "and one file of two was scanned")
    rs.faults({"match": "COPY", "action": "miscount", "notice": -1,
               "count": 2})
    one.notices.clear()
    one.run(copy_sql(manifest) + " MANIFEST")
    ok("3 record(s) loaded" in one.notices[0][1],
       "miscount: the notice tells of three rows")
    same(one.value("SELECT pg_last_copy_count()"), "6",
         "pg_last_copy_count() of six")


# -- the stand-in itself -----------------------------------------------

def test_restart(world, rs):
    db = rs.connect()
    name = "long_name_" * 9
    db.run("CREATE TABLE %s (i int)" % name)
    url = world.put("restart", "x\n")
    refused(lambda: db.run(copy_sql(url, name)), "XX000", "failed", "a load")
    last = db.value("SELECT pg_last_copy_id()")
    db.run("BEGIN")
    db.run("INSERT INTO %s VALUES (1)" % name)
    same(rs.stop(), 0, "SIGTERM ends it, sessions or not")
    world.services.remove(rs)
    back = world.backend(rs.config["database"])
    ok(wait_until(lambda: back.value(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'loader' AND "
        "datname = current_database()") == "0"),
       "no session is left in the backend")
    back.close()
    again = world.redshift(rs.config["database"], users=rs.config["users"])
    db = again.connect()
    same(db.run("SELECT * FROM " + name).rows, [],
         "started again, it knows the names")
    same(db.value("SELECT query FROM stl_load_errors WHERE trim(filename) = "
                  "'%s'" % url), last, "and the errors")
    refused(lambda: db.run(copy_sql(url, name)), "XX000", "failed", "a load")
    ok(int(db.value("SELECT pg_last_copy_id()")) > int(last),
       "has a new number")
    db.close()
    return again


def test_garbage(rs):
    """Whoever does not speak the protocol is shown out, alone."""
    for data in (b"GET / HTTP/1.0\r\n\r\n", b"\0\0\0\x08\x04\xd2\x16\x2e",
                 b"\0\0\0\0", b"\xff" * 64):
        with socket.create_connection(("127.0.0.1", rs.port)) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(10)
            while sock.recv(1024):
                pass
    db = rs.connect()
    same(db.value("SELECT 1"), "1", "garbage at the door harms nobody")
    db.close()


def main():
    with World() as world:
        world.start_s3()
        rs = world.redshift("dev")
        serializable = world.redshift("strict", isolation="serializable",
                                      users=rs.config["users"])
        pair = Two(world, rs)
        test_snapshots(pair)
        test_truncate(pair)
        test_writers(pair, world)
        test_conflicts(pair, world, serializable)
        test_cancel(pair, world)
        test_lost_clients(pair, world)
        test_drops(pair, world)
        test_errors(pair)
        test_lies(pair, world)
        pair.reset()
        test_garbage(rs)
        again = test_restart(world, rs)
        for service in (rs, serializable, again):
            with open(service.path("stderr"), encoding="utf-8") as f:
                same(f.read(), "", "nothing to complain about")
    return finish()


if __name__ == "__main__":
    sys.exit(main())
