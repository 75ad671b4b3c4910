"""Prepares the backend: database, roles, and the stand-in's own schema, rsi.

Everything here may be run again at the next start on the same backend.  The
views that clients see are views.py's.
"""

import contextlib

from . import catalog, lateviews, views
from .backend import ident, literal
from .errors import RsError
from .ledger import Ledger

TABLES = """
CREATE SCHEMA IF NOT EXISTS rsi;
GRANT USAGE ON SCHEMA rsi TO PUBLIC;

-- names that PostgreSQL would cut
CREATE TABLE IF NOT EXISTS rsi.names (short text PRIMARY KEY, long text);

-- what CREATE TABLE says beyond PostgreSQL; by column: encoding and keys
CREATE TABLE IF NOT EXISTS rsi.table_attributes (
    relid oid PRIMARY KEY, diststyle text, sortstyle text, encode_auto bool);
CREATE TABLE IF NOT EXISTS rsi.column_attributes (
    relid oid, attnum int2, encode text, distkey bool NOT NULL DEFAULT false,
    sortkey int NOT NULL DEFAULT 0, keys text NOT NULL DEFAULT '',
    PRIMARY KEY (relid, attnum));
CREATE TABLE IF NOT EXISTS rsi.late_views (
    schema text, name text, owner text, definition text, grants text,
    PRIMARY KEY (schema, name));

-- loads: the rows under STL, STV and SYS
CREATE TABLE IF NOT EXISTS rsi.loads (
    query int8 PRIMARY KEY, userid int8, session int, xid int8, database text,
    tbl int8, table_name text, starttime timestamp, endtime timestamp,
    status text, source text, format text, source_files int,
    source_bytes int8, loaded_rows int8 DEFAULT 0, errors int8 DEFAULT 0,
    files int DEFAULT 0, file_bytes int8 DEFAULT 0,
    committed_rows int8 DEFAULT 0, message text DEFAULT '');
CREATE TABLE IF NOT EXISTS rsi.load_files (
    query int8, userid int8, slice int, name text, lines int8, bytes int8,
    loaded_bytes int8, curtime timestamp);
CREATE TABLE IF NOT EXISTS rsi.load_errors (
    query int8, userid int8, slice int, tbl int8, starttime timestamp,
    session int, filename text, line_number int8, colname text, type text,
    col_length text, position int, raw_line text, raw_field_value text,
    err_code int, err_reason text);
CREATE TABLE IF NOT EXISTS rsi.loaderror_detail (
    query int8, userid int8, slice int, session int, filename text,
    line_number int8, field int, colname text, value text, is_null int,
    type text, col_length text);
CREATE TABLE IF NOT EXISTS rsi.replacements (
    query int8, userid int8, slice int, tbl int8, starttime timestamp,
    session int, filename text, line_number int8, colname text, raw_line text);
"""


def prepare(config):
    """Make the backend ready; returns the ledger."""
    _make_database(config)
    ledger = Ledger(config, config["database"])
    for name in config["users"]:
        _make_role(ledger, name, name in config["superusers"])
    ledger.run("SET allow_system_table_mods = on")
    ledger.run(TABLES)
    ledger.run(catalog.FUNCTIONS)
    ledger.run(lateviews.FUNCTIONS)
    views.make(ledger, config)
    # Redshift lets everybody make tables in public, and temporary ones
    ledger.run("GRANT ALL ON SCHEMA public TO PUBLIC")
    return ledger


def _make_database(config):
    first = Ledger(config, "postgres")
    with contextlib.closing(first):
        if not first.value("SELECT 1 FROM pg_database WHERE datname = %s"
                           % literal(config["database"])):
            first.run("CREATE DATABASE " + ident(config["database"]))


def _make_role(ledger, name, is_superuser):
    with contextlib.suppress(RsError):
        ledger.run("CREATE ROLE " + ident(name))
    ledger.run("ALTER ROLE %s LOGIN %s" % (
        ident(name), "SUPERUSER" if is_superuser else "NOSUPERUSER"))
