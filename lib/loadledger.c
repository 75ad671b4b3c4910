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
	buf_adds(&b, " (\"run_id\" VARCHAR(128), \"load_id\" VARCHAR(64), "
	    "\"table_id\" BIGINT, "
	    "\"table_name\" VARCHAR(127), \"mode\" VARCHAR(16), "
	    "\"rows\" BIGINT, \"removed\" BIGINT, "
	    "\"dataset_id\" VARCHAR(256), \"data_time\" VARCHAR(64), "
	    "\"manifest_url\" VARCHAR(2048), \"loaded_at\" TIMESTAMP)");
	rc = pg_do(l->pg, b.data);
	buf_release(&b);
	/* Another run was quicker, or just as quick. */
	return rc != 0 && (strcmp(pg_state(l->pg), "42P07") == 0 ||
	    strcmp(pg_state(l->pg), "23505") == 0) ? 0 : rc;
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
query_run(struct load *l, struct buf *b)
{
	buf_adds(b, "SELECT r.\"rows\" FROM ");
	add_table(l, b);
	buf_adds(b, " r WHERE r.\"run_id\" = ");
	sql_literal(b, l->m->run_id);
	buf_addf(b, " AND r.\"table_id\" = %lld", (long long)l->table.id);
	buf_adds(b, " AND NOT EXISTS (SELECT 1 FROM ");
	add_table(l, b);
	buf_addf(b, " o WHERE o.\"table_id\" = %lld AND o.\"mode\" IN "
	    "('create', 'overwrite') AND o.\"loaded_at\" > r.\"loaded_at\")",
	    (long long)l->table.id);
}

/* The answer to a query for a row; takes the result. */
static void
answer(PGresult *r, bool *found, int64_t *rows)
{
	*found = PQntuples(r) > 0;
	*rows = *found ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : 0;
	PQclear(r);
}

int
loadledger_find(struct load *l, bool *found, int64_t *rows)
{
	struct buf b;
	PGresult *r;

	*found = false;
	if (!l->ledger)
		return 0;
	buf_init(&b, SQL_MAX);
	query_run(l, &b);
	r = pg_query(l->pg, b.data);
	buf_release(&b);
	if (r == NULL)
		return load_trouble(l, "read the ledger");
	answer(r, found, rows);
	return 0;
}

int
loadledger_committed(struct load *l, bool *yes)
{
	struct buf lock, query;
	PGresult *r = NULL;
	int64_t rows;

	buf_init(&lock, SQL_MAX);
	buf_adds(&lock, "LOCK ");
	add_table(l, &lock);
	buf_init(&query, SQL_MAX);
	buf_adds(&query, "SELECT r.\"rows\" FROM ");
	add_table(l, &query);
	/* Not by the run: an earlier load of the same one may be there. */
	buf_adds(&query, " r WHERE r.\"load_id\" = ");
	sql_literal(&query, l->load_id);
	if (pg_do(l->pg, "BEGIN") == 0 && pg_do(l->pg, lock.data) == 0)
		r = pg_query(l->pg, query.data);
	buf_release(&lock);
	buf_release(&query);
	if (r == NULL)
		return -1;
	answer(r, yes, &rows);
	return pg_do(l->pg, "COMMIT");
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
	int64_t table_id;
	struct buf b;
	int rc;

	if (!l->ledger)
		return 0;
	if (catalog_id(l->pg, l->o->schema, l->o->table, &table_id) != 0)
		return load_trouble(l, "look at the table");
	buf_init(&b, SQL_MAX);
	buf_adds(&b, "INSERT INTO ");
	add_table(l, &b);
	buf_adds(&b, " (\"run_id\", \"load_id\", \"table_id\", "
	    "\"table_name\", \"mode\", \"rows\", \"removed\", \"dataset_id\", \"data_time\", "
	    "\"manifest_url\", \"loaded_at\") VALUES (");
	sql_literal(&b, l->m->run_id != NULL ? l->m->run_id : l->load_id);
	add_value(&b, l->load_id);
	buf_addf(&b, ", %lld", (long long)table_id);
	add_value(&b, l->o->table);
	add_value(&b, l->r->mode);
	buf_addf(&b, ", %lld, %lld", (long long)l->r->rows,
	    (long long)l->r->removed);
	add_value(&b, l->m->dataset_id);
	add_value(&b, l->m->data_time);
	add_value(&b, l->m->manifest_url);
	buf_adds(&b, l->redshift ? ", SYSDATE)" :
	    ", now() AT TIME ZONE 'UTC')");
	rc = load_do(l, b.data, "write the ledger");
	buf_release(&b);
	return rc;
}
