"""Prepares the backend: database, roles, and the stand-in's own schema, rsi.

Everything here may be run again at the next start on the same backend.  The
views that clients see are views.py's.
"""

import contextlib

from . import views
from .backend import ident, literal
from .errors import RsError
from .ledger import Ledger

TABLES = """
CREATE SCHEMA IF NOT EXISTS rsi;
GRANT USAGE ON SCHEMA rsi TO PUBLIC;
CREATE TABLE IF NOT EXISTS rsi.names (
    short text PRIMARY KEY, long text NOT NULL);
"""


def prepare(config):
    """Make the backend ready; returns the ledger."""
    _make_database(config)
    ledger = Ledger(config, config["database"])
    for name in config["users"]:
        _make_role(ledger, name, name in config["superusers"])
    ledger.run("SET allow_system_table_mods = on")
    ledger.run(TABLES)
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
