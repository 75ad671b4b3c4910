/*
 * The proof that what COPY loaded is what was staged, inside the transaction:
 * whoever finds a difference returns -1, and nothing is committed.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "loadrun.h"
#include "mem.h"
#include "msg.h"

int64_t
loadprove_expected(const struct manifest *m)
{
	int64_t sum = 0;
	size_t i;

	if (m->record_count >= 0)
		return m->record_count;
	for (i = 0; i < m->nentries; i++) {
		if (m->entry[i].record_count < 0)
			return MANIFEST_UNKNOWN;
		sum += m->entry[i].record_count;
	}
	return sum;
}

/* A query that fails would abort the transaction: whether this one works is
 * found out before. */
void
loadprove_prepare(struct load *l)
{
	l->history = !l->o->dry_run && pg_do(l->pg, "SELECT query_id FROM "
	    "sys_load_history WHERE 1 = 0") == 0;
}

/* What the history has of a COPY, -1: nothing. By a session of its own: this
 * one's snapshot is older than its own history. */
static int64_t
files_scanned(struct load *l, int64_t copy_id)
{
	struct pg *side = pg_open_aside(l->conf, PACKAGE_NAME " rs-load");
	int64_t scanned = -1;
	PGresult *r;
	char *sql;

	if (side == NULL)
		return -1;
	sql = mem_fmt("SELECT file_count_scanned FROM sys_load_history WHERE "
	    "query_id = %lld AND status = 'completed'", (long long)copy_id);
	r = pg_query(side, sql);
	if (r != NULL && PQntuples(r) == 1)
		scanned = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	free(sql);
	pg_close(side);
	return scanned;
}

/* How many files COPY has read. Nothing may have been passed over. */
static int
files(struct load *l)
{
	int64_t scanned, id;

	if (!l->history)
		return 0;
	if (load_number(l, "SELECT pg_last_copy_id()", "count the files",
	    &id) != 0)
		return -1;
	scanned = files_scanned(l, id);
	if (scanned < 0 || scanned >= (int64_t)l->m->nentries)
		return 0;
	return msg_error("cannot prove the load into '%s': Redshift read %lld "
	    "files of %zu; nothing is changed", l->where, (long long)scanned,
	    l->m->nentries);
}

int
loadprove_copy(struct load *l, int64_t noticed)
{
	int64_t want = loadprove_expected(l->m), got, bad = 0;

	if (load_number(l, "SELECT pg_last_copy_count()", "count the rows",
	    &got) != 0)
		return -1;
	if (l->o->max_errors > 0 && want > got &&
	    loaderr_rejects(l, want - got, &bad) != 0)
		return -1;
	if ((noticed >= 0 && noticed != got) ||
	    (want >= 0 && want != got + bad) || bad > l->o->max_errors)
		return msg_error("cannot prove the load into '%s': Redshift "
		    "says that it loaded %lld rows%s, but %lld are staged; "
		    "nothing is changed", l->where, (long long)got,
		    noticed >= 0 && noticed != got ?
		    " (and says otherwise while it loads)" : "",
		    (long long)want);
	l->r->rows = got;
	l->r->rejected = bad;
	return files(l);
}

int
loadprove_all(struct load *l, const char *schema, const char *table)
{
	int64_t got;
	struct buf b;
	int rc;

	if (l->o->dry_run)
		return 0;
	buf_init(&b, SQL_MAX);
	buf_adds(&b, "SELECT COUNT(*) FROM ");
	sql_table(&b, schema, table);
	rc = load_number(l, b.data, "count the rows", &got);
	buf_release(&b);
	if (rc != 0 || got == l->r->rows)
		return rc;
	return msg_error("cannot prove the load into '%s': there are %lld rows "
	    "in it now, but %lld are staged; nothing is changed", l->where,
	    (long long)got, (long long)l->r->rows);
}
