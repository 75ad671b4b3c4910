/*
 * The ledger: one row for every run that is in a table, written by the
 * transaction that loads the run. It tells a repeated append from a new one,
 * and a COMMIT that happened from one that did not.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "loadrun.h"
#include "msg.h"

static void
add_table(struct load *l, struct buf *b)
{
	sql_table(b, l->o->schema, l->o->ledger);
}

static int
make(struct load *l)
{
	struct buf b;
	int rc;

	buf_init(&b, SQL_MAX);
	buf_adds(&b, "CREATE TABLE ");
	add_table(l, &b);
	buf_adds(&b, " (\"run_id\" VARCHAR(128), \"table_id\" BIGINT, "
	    "\"table_name\" VARCHAR(127), \"mode\" VARCHAR(16), "
	    "\"rows\" BIGINT, \"removed\" BIGINT, "
	    "\"dataset_id\" VARCHAR(256), \"data_time\" VARCHAR(64), "
	    "\"manifest_url\" VARCHAR(2048), \"loaded_at\" TIMESTAMP)");
	rc = pg_do(l->pg, b.data);
	buf_release(&b);
	/* Another run was quicker. */
	return rc != 0 && strcmp(pg_state(l->pg), "42P07") == 0 ? 0 : rc;
}

int
loadledger_open(struct load *l)
{
	int64_t id;

	l->ledger = false;
	if (l->o->ledger == NULL || l->o->dry_run)
		return 0;
	if (catalog_id(l->pg, l->o->schema, l->o->ledger, &id) != 0)
		return load_trouble(l, "look for the ledger");
	if (id == 0 && make(l) != 0) {
		if (pg_lost(l->pg) || pg_conflict(l->pg))
			return load_trouble(l, "make the ledger");
		/* Only an append depends on it: the other modes give the same
		 * rows when they are repeated. */
		if (l->o->mode == LOAD_APPEND)
			return pg_say(l->pg, "cannot make the ledger '%s' in "
			    "schema '%s', which keeps a repeated run from "
			    "doubling its rows; grant CREATE on the schema "
			    "once, or go without it: --ledger none",
			    l->o->ledger, l->o->schema);
		msg_info("no ledger: %s", pg_text(l->pg));
		return 0;
	}
	l->ledger = true;
	return 0;
}

/*
 * A run counts until the table was emptied by a later one. The order is that
 * of the clock of the database.
 */
static void
query(struct load *l, int64_t table_id, bool now, struct buf *b)
{
	buf_adds(b, "SELECT r.\"rows\" FROM ");
	add_table(l, b);
	buf_adds(b, " r WHERE r.\"run_id\" = ");
	sql_literal(b, l->run_id);
	buf_addf(b, " AND r.\"table_id\" = %lld", (long long)table_id);
	if (now)
		return;
	buf_adds(b, " AND NOT EXISTS (SELECT 1 FROM ");
	add_table(l, b);
	buf_addf(b, " o WHERE o.\"table_id\" = %lld AND o.\"mode\" IN "
	    "('create', 'overwrite') AND o.\"loaded_at\" > r.\"loaded_at\")",
	    (long long)table_id);
}

int
loadledger_find(struct load *l, int64_t table_id, bool lock, bool *found,
    int64_t *rows)
{
	struct buf b;
	PGresult *r = NULL;
	int rc = 0;

	*found = false;
	if (!l->ledger)
		return 0;
	buf_init(&b, SQL_MAX);
	if (lock) {
		/* Waits for the session that was lost, should the server still
		 * be at its COMMIT. */
		buf_adds(&b, "LOCK ");
		add_table(l, &b);
		rc = pg_do(l->pg, "BEGIN");
		if (rc == 0)
			rc = pg_do(l->pg, b.data);
		buf_reset(&b);
	}
	query(l, table_id, lock, &b);
	if (rc == 0 && (r = pg_query(l->pg, b.data)) == NULL)
		rc = -1;
	buf_release(&b);
	if (rc != 0)
		return load_trouble(l, "read the ledger");
	*found = PQntuples(r) > 0;
	*rows = *found ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : 0;
	PQclear(r);
	return lock ? pg_do(l->pg, "COMMIT") : 0;
}

static void
add_value(struct buf *b, const char *value)
{
	buf_adds(b, ", ");
	if (value != NULL)
		sql_literal(b, value);
	else
		buf_adds(b, "NULL");
}

int
loadledger_add(struct load *l)
{
	struct buf b;
	int rc;

	if (!l->ledger)
		return 0;
	if (catalog_id(l->pg, l->o->schema, l->o->table, &l->table_id) != 0)
		return load_trouble(l, "look at the table");
	buf_init(&b, SQL_MAX);
	buf_adds(&b, "INSERT INTO ");
	add_table(l, &b);
	buf_adds(&b, " (\"run_id\", \"table_id\", \"table_name\", \"mode\", "
	    "\"rows\", \"removed\", \"dataset_id\", \"data_time\", "
	    "\"manifest_url\", \"loaded_at\") VALUES (");
	sql_literal(&b, l->run_id);
	buf_addf(&b, ", %lld", (long long)l->table_id);
	add_value(&b, l->o->table);
	add_value(&b, l->r->mode);
	buf_addf(&b, ", %lld, %lld", (long long)l->r->rows,
	    (long long)l->r->removed);
	add_value(&b, l->m->dataset_id);
	add_value(&b, l->m->data_time);
	add_value(&b, l->m->manifest_url);
	buf_adds(&b, ", SYSDATE)");
	rc = load_do(l, b.data, "write the ledger");
	buf_release(&b);
	return rc;
}
