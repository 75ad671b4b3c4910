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
#include "retry.h"

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

/* How many files a COPY has read, by the views that may be there. */
static const char *const files_read[] = {
	"SELECT file_count_scanned FROM sys_load_history "
	    "WHERE status = 'completed' AND query_id = ",
	"SELECT COUNT(*) FROM stl_load_commits WHERE query = ",
};

/* A query that fails would abort the transaction: which of these works is
 * found out before. */
void
loadprove_prepare(struct load *l)
{
	size_t i, n = sizeof(files_read) / sizeof(files_read[0]);
	char *sql;

	l->files_read = NULL;
	for (i = 0; i < n && l->files_read == NULL && l->redshift &&
	    !l->o->dry_run; i++) {
		sql = mem_fmt("%s-1", files_read[i]);
		if (pg_do(l->pg, sql) == 0)
			l->files_read = files_read[i];
		free(sql);
	}
}

/* One answer, 0: none. */
static int64_t
ask(struct pg *pg, const char *sql)
{
	PGresult *r = pg != NULL ? pg_query(pg, sql) : NULL;
	int64_t n = 0;

	if (r != NULL && PQntuples(r) == 1)
		n = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return n;
}

/* What the view has of a COPY, 0: nothing. A session of its own sees what is
 * newer than this one's snapshot; the view is filled a moment later. */
static int64_t
count_files(struct load *l, int64_t copy_id)
{
	struct retry wait = {.tries = 5, .base = 1, .cap = 2,
		.stop = l->o->stop};
	struct pg *side = load_aside(l);
	char *sql = mem_fmt("%s%lld", l->files_read, (long long)copy_id);
	int64_t n;

	do {
		n = ask(side, sql);
	} while (n == 0 && side != NULL && !pg_lost(side) &&
	    retry_wait(&wait, -1));
	if (n == 0)
		n = ask(l->pg, sql);
	pg_close(side);
	free(sql);
	return n;
}

/* How many files COPY has read. Nothing may have been passed over. */
static int
files(struct load *l)
{
	int64_t n = 0, id;

	if (load_number(l, "SELECT pg_last_copy_id()", "count the files",
	    &id) != 0)
		return -1;
	if (l->files_read != NULL)
		n = count_files(l, id);
	if (n >= (int64_t)l->m->nentries)
		return 0;
	if (n > 0)
		return msg_error("cannot prove the load into '%s': Redshift "
		    "read %lld files of %zu; nothing is changed", l->where,
		    (long long)n, l->m->nentries);
	msg_warn("Redshift does not tell whether it has read all %zu files "
	    "for '%s'%s", l->m->nentries, l->where,
	    loadprove_expected(l->m) >= 0 ? "; the number of rows is right" :
	    ", and the manifest does not tell how many rows there are");
	return pg_lost(l->pg) ? load_trouble(l, "count the files") : 0;
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
