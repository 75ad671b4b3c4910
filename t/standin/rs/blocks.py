"""BEGIN, COMMIT, ROLLBACK, LOCK: the words around a transaction.

What they do is transaction.py's.
"""

from .plan import Plan


def _ending(cursor):
    cursor.next()
    cursor.accept_any("WORK", "TRANSACTION")
    cursor.expect_end()


def begin(_session, cursor):
    if cursor.next().key == "START":
        cursor.expect("TRANSACTION")
    else:
        cursor.accept_any("WORK", "TRANSACTION")
    mode = ""
    while not cursor.done:
        mode = _mode(cursor) or mode
        cursor.accept(",")

    def run(session):
        if session.transaction.explicit:
            session.notice("WARNING", "25001", "there is already a "
                           "transaction in progress")
        else:
            session.copy_id_before_block = session.last_copy_id
            session.transaction.begin(mode)
        return "BEGIN"
    return Plan("", own=run)


def _mode(cursor):
    """Every isolation level may be written; all mean the database's own."""
    if cursor.accept("ISOLATION", "LEVEL"):
        if not (cursor.accept("SERIALIZABLE") or cursor.accept("REPEATABLE",
                                                               "READ")
                or cursor.accept("READ", "COMMITTED")
                or cursor.accept("READ", "UNCOMMITTED")):
            raise cursor.error()
        return ""
    cursor.expect("READ")
    found = cursor.accept_any("ONLY", "WRITE")
    if not found:
        raise cursor.error()
    return " READ " + found


def commit(_session, cursor):
    _ending(cursor)
    return Plan("", own=lambda s: _end(s, "COMMIT"), ends_block=True)


def rollback(_session, cursor):
    _ending(cursor)
    return Plan("", own=lambda s: _end(s, "ROLLBACK"), ends_block=True)


def _end(session, command):
    if not session.transaction.in_block:
        session.notice("WARNING", "25P01", "there is no transaction in "
                       "progress")
    explicit = session.transaction.explicit
    tag = session.transaction.end(command)
    if tag == "ROLLBACK" and explicit:
        # DG:PG_LAST_COPY_ID: not updated if it is rolled back
        session.last_copy_id = session.copy_id_before_block
    return tag


def lock(_session, cursor):
    cursor.expect("LOCK")
    cursor.accept("TABLE")
    found = [cursor.relation().backend]
    while cursor.accept(","):
        found.append(cursor.relation().backend)
    cursor.expect_end()
    return Plan("", "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE"
                % ", ".join(found))
