"""Parse, Bind, Describe, Execute: the extended query protocol.

Every message is forwarded by itself and answered before the next is taken, so
that statements of ours fit in between.  A plan that we carry out ourselves
never reaches the backend.  After an error everything up to Sync is skipped.
"""

import struct

from . import errors, statements, wire
from .plan import Plan

# the client's unnamed statement has a name in the backend, because each of
# our own simple queries there would destroy an unnamed one
UNNAMED = "rs_unnamed"

# the answers that end the wait for one forwarded message
ENDS = {b"P": b"1", b"B": b"2", b"D": b"Tn", b"E": b"CIs", b"C": b"3"}


# aws/amazon-redshift-python-driver#165
PARAMETERS_MAX = 32767


def _check_parameters(body, at):
    """Count the parameters of a Bind, from where their formats begin."""
    formats = struct.unpack("!H", body[at:at + 2])[0]
    at += 2 + 2 * formats
    count = struct.unpack("!H", body[at:at + 2])[0]
    if count > PARAMETERS_MAX:
        raise errors.RsError("54000", "Prepared statement exceeds bind "
                             "parameter limit %d: %d bind parameters were "
                             "provided" % (PARAMETERS_MAX, count))


class Extended:
    KINDS = (b"P", b"B", b"D", b"E", b"C", b"H", b"S")

    def __init__(self, session):
        self.session = session
        self.statements = {}            # name: Plan
        self.portals = {}               # name: Plan
        self.skipping = False

    def take(self, kind, body):
        if kind == b"S":
            self._sync()
        elif kind == b"H":
            self.session.stream.flush()
        elif not self.skipping:
            try:
                getattr(self, "_take_" + kind.decode())(body)
            except errors.RsError as e:
                self.session.send_error(e)
                self.skipping = True

    def _forward(self, kind, body, plan=None):
        """Send one message on and relay its answer."""
        backend = self.session.backend
        backend.send(kind, body)
        backend.send(b"H")
        backend.stream.flush()
        while True:
            got, answer = backend.stream.message()
            if got == b"E":
                raise errors.from_backend(wire.fields(answer))
            self.session.relay(got, answer, plan)
            if got in ENDS[kind]:
                return

    def _sync(self):
        """The end of a round: the backend's transaction state is known."""
        session = self.session
        failed, self.skipping = self.skipping, False
        self.settle()
        try:
            if failed:
                session.transaction.note_error()
            else:
                session.transaction.close_implicit()
        except errors.RsError as e:
            session.send_error(e)
        session.ready()

    def settle(self):
        """A Sync of our own, so that simple queries may follow."""
        self.session.backend.send(b"S")
        for _ in self.session.backend.answers():
            pass

    # -- one method for each message ---------------------------------------

    def _take_P(self, body):
        session = self.session
        name, at = wire.take_cstring(body)
        end = body.index(b"\0", at)
        parts = session.split(body[at:end])
        if len(parts) > 1:
            raise errors.RsError("42601", "cannot insert multiple commands "
                                 "into a prepared statement")
        plan = statements.plan(session, parts[0]) if parts else Plan("")
        session.check_block(plan)
        if not plan.own:
            if not plan.catalog_only:
                session.transaction.ensure()
            self._drop(b"S", name)
            self._forward(b"P", wire.cstrings(name or UNNAMED, plan.sql)
                          + body[end + 1:], plan)
        else:
            session.stream.put(b"1")
        self.statements[name] = plan

    def _drop(self, what, name):
        """Forget an unnamed statement, as a new Parse of it does."""
        if not name and name in self.statements:
            backend = self.session.backend
            backend.send(b"C", what + wire.cstrings(UNNAMED))
            backend.send(b"H")
            backend.stream.flush()
            while backend.stream.message()[0] != b"3":
                pass
            del self.statements[name]

    def _plan(self, table, name, kind):
        if name not in table:
            raise errors.RsError("26000" if kind == "prepared statement"
                                 else "34000",
                                 '%s "%s" does not exist' % (kind, name))
        return table[name]

    def _take_B(self, body):
        portal, at = wire.take_cstring(body)
        name, at = wire.take_cstring(body, at)
        plan = self._plan(self.statements, name, "prepared statement")
        self.session.check_block(plan)
        _check_parameters(body, at)
        if plan.own:
            self.session.stream.put(b"2")
        else:
            if plan.in_transaction or plan.asks_ids:
                self._prepare(plan)
            self._forward(b"B", wire.cstrings(portal, name or UNNAMED)
                          + body[at:], plan)
        self.portals[portal] = plan

    def _prepare(self, plan):
        self.settle()
        self.session.prepare(plan)

    def _take_D(self, body):
        name = wire.take_cstring(body, 1)[0]
        prepared = body[:1] == b"S"
        plan = self._plan(self.statements if prepared else self.portals,
                          name, "prepared statement" if prepared else "portal")
        if plan.own:
            if prepared:
                self.session.stream.put(b"t", struct.pack("!H", 0))
            self.session.stream.put(b"n")
            return
        if prepared:
            body = b"S" + wire.cstrings(name or UNNAMED)
        self._forward(b"D", body, plan)

    def _take_E(self, body):
        session = self.session
        plan = self._plan(self.portals, wire.take_cstring(body)[0], "portal")
        session.begin_statement(plan.text)
        session.check_block(plan)
        if plan.own:
            self._prepare(plan)
            session.stream.put(b"C", wire.cstrings(plan.own(session)))
            return
        self._forward(b"E", body, plan)
        if plan.after:
            self.settle()
        session.finish(plan)

    def _take_C(self, body):
        name = wire.take_cstring(body, 1)[0]
        table = self.statements if body[:1] == b"S" else self.portals
        plan = table.pop(name, None)
        if plan and plan.own:
            self.session.stream.put(b"3")
            return
        if body[:1] == b"S":
            body = b"S" + wire.cstrings(name or UNNAMED)
        self._forward(b"C", body)
