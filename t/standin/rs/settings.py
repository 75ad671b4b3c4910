"""The session settings that Redshift has, and those that it has not.

A setting is kept by the backend (same name there) or by the stand-in (the
backend has never heard of it), or is a constant that nobody can change.
Everything else is unrecognized, however well PostgreSQL knows it: that is how
a client finds out it relied on PostgreSQL.  DG:cm_chap_ConfigurationRef.
"""

from .errors import RsError, fatal

BACKEND = {
    "application_name", "datestyle", "search_path", "statement_timeout",
    "timezone", "client_min_messages", "seed", "extra_float_digits",
}

# ours: the default value, and the check of a new one
OURS = {
    "query_group": "default",
    "enable_case_sensitive_identifier": "off",
    "enable_result_cache_for_session": "on",
    "describe_field_name_in_uppercase": "off",
    "analyze_threshold_percent": "10",
    "wlm_query_slot_count": "1",
    "error_on_nondeterministic_update": "off",
    "json_serialization_enable": "off",
    "enable_vacuum_boost": "off",
    "session_timeout": "0",
    "client_encoding": "UNICODE",
}

CONSTANT = {
    "server_version": "8.0.2",
    "server_encoding": "UNICODE",
    "max_cursor_result_set_size": "default",
    "integer_datetimes": "on",
    "is_superuser": None,               # the backend's own answer
    "session_authorization": None,
    "transaction_isolation": None,
    "default_transaction_isolation": None,
}

# what may stand in a startup packet besides user, database and options;
# Amazon's own drivers send the last ones
STARTUP_ONLY = {"client_protocol_version", "driver_version", "os_version",
                "plugin_name"}

BOOLEANS = {"on": "on", "true": "on", "yes": "on", "1": "on",
            "off": "off", "false": "off", "no": "off", "0": "off"}

ENCODINGS = {"UTF8", "UTF-8", "UNICODE", "SQL_ASCII"}


def unrecognized(name):
    return RsError("42704", 'unrecognized configuration parameter "%s"' % name)


def check(name, value):
    """The value of a known setting as the backend or we would keep it."""
    low = name.lower()
    if low in CONSTANT:
        raise RsError("55P02", 'parameter "%s" cannot be changed' % name)
    if low not in BACKEND and low not in OURS:
        raise unrecognized(name)
    if low == "extra_float_digits":
        _check_float_digits(value)
    if low == "client_encoding":
        if value.strip("'\"").upper() not in ENCODINGS:
            raise RsError("22023", "invalid value for parameter "
                          '"client_encoding": "%s"' % value)
        return "UNICODE"
    if OURS.get(low) in ("on", "off"):
        if value.lower() not in BOOLEANS:
            raise RsError("22023", 'parameter "%s" requires a Boolean value'
                          % name)
        return BOOLEANS[value.lower()]
    return value


def _check_float_digits(value):
    if not value.lstrip("-").isdigit() or not -15 <= int(value) <= 2:
        raise RsError("22023", "%s is outside the valid range for parameter "
                      '"extra_float_digits" (-15 .. 2)' % value)


def check_startup(name, value):
    if name.lower() in STARTUP_ONLY:
        return None
    try:
        return check(name, value)
    except RsError as e:
        raise fatal(e.code, e.message) from e
