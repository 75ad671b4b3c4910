"""A thin client over the system's libpq, by ctypes, for tests.

libpq itself, and not a driver in Python, because it is what rs-load uses:
what it makes of a server's answer is what counts.
"""

import ctypes
import ctypes.util

lib = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")

POINTER, TEXT, INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
RECEIVER = ctypes.CFUNCTYPE(None, POINTER, POINTER)

for _name, _result, *_arguments in (
        ("PQconnectdb", POINTER, TEXT), ("PQstatus", INT, POINTER),
        ("PQerrorMessage", TEXT, POINTER), ("PQfinish", None, POINTER),
        ("PQexec", POINTER, POINTER, TEXT), ("PQclear", None, POINTER),
        ("PQresultStatus", INT, POINTER), ("PQcmdStatus", TEXT, POINTER),
        ("PQcmdTuples", TEXT, POINTER), ("PQntuples", INT, POINTER),
        ("PQresultErrorMessage", TEXT, POINTER),
        ("PQresultErrorField", TEXT, POINTER, INT), ("PQnfields", INT, POINTER),
        ("PQfname", TEXT, POINTER, INT), ("PQsendQuery", INT, POINTER, TEXT),
        ("PQgetResult", POINTER, POINTER), ("PQserverVersion", INT, POINTER),
        ("PQgetvalue", TEXT, POINTER, INT, INT), ("PQbackendPID", INT, POINTER),
        ("PQgetisnull", INT, POINTER, INT, INT), ("PQsocket", INT, POINTER),
        ("PQparameterStatus", TEXT, POINTER, TEXT),
        ("PQtransactionStatus", INT, POINTER),
        ("PQsetNoticeReceiver", POINTER, POINTER, RECEIVER, POINTER),
        ("PQgetCancel", POINTER, POINTER), ("PQfreeCancel", None, POINTER),
        ("PQcancel", INT, POINTER, ctypes.c_char_p, INT),
        ("PQprepare", POINTER, POINTER, TEXT, TEXT, INT, POINTER),
        ("PQdescribePrepared", POINTER, POINTER, TEXT),
        ("PQexecPrepared", POINTER, POINTER, TEXT, INT,
         ctypes.POINTER(TEXT), POINTER, POINTER, INT),
        ("PQexecParams", POINTER, POINTER, TEXT, INT, POINTER,
         ctypes.POINTER(TEXT), POINTER, POINTER, INT)):
    getattr(lib, _name).restype = _result
    getattr(lib, _name).argtypes = _arguments

COMMAND_OK, TUPLES_OK, FATAL_ERROR = 1, 2, 7
IDLE, IN_TRANSACTION, IN_ERROR = 0, 2, 3


class PqError(Exception):
    def __init__(self, message, code=None, detail=None):
        super().__init__(message)
        self.code, self.detail = code, detail


class Result:
    """Rows as lists of text or None; columns' names; tag and count."""

    def __init__(self, handle):
        status = lib.PQresultStatus(handle)
        if status not in (0, COMMAND_OK, TUPLES_OK):
            raise error_of(handle)
        self.tag = lib.PQcmdStatus(handle).decode()
        self.count = lib.PQcmdTuples(handle).decode()
        self.columns = [lib.PQfname(handle, i).decode()
                        for i in range(lib.PQnfields(handle))]
        self.rows = [[None if lib.PQgetisnull(handle, row, i)
                      else lib.PQgetvalue(handle, row, i).decode()
                      for i in range(len(self.columns))]
                     for row in range(lib.PQntuples(handle))]


def field(handle, key):
    text = lib.PQresultErrorField(handle, ord(key))
    return text.decode() if text is not None else None


def error_of(handle):
    whole = lib.PQresultErrorMessage(handle).decode()
    return PqError(field(handle, "M") or whole, field(handle, "C"),
                   field(handle, "D"))


class Connection:
    def __init__(self, **info):
        text = " ".join("%s='%s'" % (key, str(value).replace("\\", "\\\\")
                                     .replace("'", "\\'"))
                        for key, value in info.items())
        self.handle = lib.PQconnectdb(text.encode())
        if lib.PQstatus(self.handle) != 0:
            message = lib.PQerrorMessage(self.handle).decode()
            lib.PQfinish(self.handle)
            self.handle = None
            raise PqError(message)
        self.notices = []               # (severity, message)
        self._receiver = RECEIVER(self._notice)
        lib.PQsetNoticeReceiver(self.handle, self._receiver, None)

    def _notice(self, _argument, handle):
        self.notices.append((field(handle, "S"), field(handle, "M")))

    def _result(self, handle):
        if not handle:
            raise PqError(lib.PQerrorMessage(self.handle).decode())
        try:
            return Result(handle)
        finally:
            lib.PQclear(handle)

    def run(self, sql, *values):
        """One round trip; with values it is PQexecParams."""
        if not values:
            return self._result(lib.PQexec(self.handle, sql.encode()))
        return self._result(lib.PQexecParams(
            self.handle, sql.encode(), len(values), None, _array(values),
            None, None, 0))

    def prepare(self, name, sql):
        self._result(lib.PQprepare(self.handle, name.encode(), sql.encode(),
                                   0, None))

    def describe(self, name):
        return self._result(lib.PQdescribePrepared(self.handle,
                                                   name.encode()))

    def execute(self, name, *values):
        return self._result(lib.PQexecPrepared(
            self.handle, name.encode(), len(values), _array(values), None,
            None, 0))

    def send(self, sql):
        """Do not wait; results() does."""
        lib.PQsendQuery(self.handle, sql.encode())

    def results(self):
        found, error = [], None
        while True:
            handle = lib.PQgetResult(self.handle)
            if not handle:
                break
            try:
                found.append(self._result(handle))
            except PqError as e:
                error = e
        if error:
            raise error
        return found

    def rows(self, sql, *values):
        return self.run(sql, *values).rows

    def value(self, sql, *values):
        return self.rows(sql, *values)[0][0]

    def cancel(self):
        handle = lib.PQgetCancel(self.handle)
        text = ctypes.create_string_buffer(256)
        lib.PQcancel(handle, text, 256)
        lib.PQfreeCancel(handle)

    def parameter(self, name):
        text = lib.PQparameterStatus(self.handle, name.encode())
        return text.decode() if text is not None else None

    @property
    def version(self):
        return lib.PQserverVersion(self.handle)

    @property
    def status(self):
        return lib.PQtransactionStatus(self.handle)

    @property
    def pid(self):
        return lib.PQbackendPID(self.handle)

    @property
    def broken(self):
        return lib.PQstatus(self.handle) != 0

    @property
    def socket(self):
        return lib.PQsocket(self.handle)

    def close(self):
        if self.handle:
            lib.PQfinish(self.handle)
            self.handle = None


def _array(values):
    return (TEXT * len(values))(*[None if v is None else str(v).encode()
                                  for v in values])
