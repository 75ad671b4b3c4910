"""What Redshift shows of itself: system views and functions.

They live in pg_catalog, as Redshift's do, so that they are found with and
without a schema, whatever the search_path.
"""

VERSION = ("PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) "
           "3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.77467")


def make(ledger, _config):
    if not ledger.value("SELECT 1 FROM pg_proc WHERE proname = "
                        "'rsi_backend_version'"):
        ledger.run("ALTER FUNCTION pg_catalog.version() "
                   "RENAME TO rsi_backend_version")
    ledger.run("CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text "
               "LANGUAGE sql STABLE AS $$ SELECT '%s'::text $$" % VERSION)
