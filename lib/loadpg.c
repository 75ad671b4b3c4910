/*
 * PostgreSQL as the target: it cannot read S3, so the rows go through this
 * program, into COPY FROM STDIN in the same transaction.
 */
#include "config.h"

#include <string.h>

#include "fetch.h"
#include "loadrun.h"
#include "msg.h"

#define NAME_MAX_PG 63
#define AHEAD 4			/* objects fetched at a time */

struct stream {
	struct load *l;
	bool broken;		/* the database, not S3, is to blame */
	uint64_t files;
};

int
loadpg_prepare(struct load *l)
{
	static const char *const settings[] = {
		/* Literals are then read as Redshift reads them. */
		"SET standard_conforming_strings TO off",
		"SET escape_string_warning TO off",
		"SET backslash_quote TO on",
		"SET datestyle TO 'ISO, YMD'", NULL
	};
	const struct load_opt *o = l->o;
	size_t i;

	if (o->copy_format != NULL || o->copy_options != NULL ||
	    o->max_errors > 0 || o->by == LOAD_BY_SWAP)
		return msg_error("cannot load into PostgreSQL with "
		    "--copy-format, --copy-options, --max-errors or "
		    "--overwrite-by=swap: these are Redshift's");
	if (o->layout.diststyle != NULL || o->layout.distkey != NULL ||
	    o->layout.sortkey != NULL || o->layout.encode != NULL)
		return msg_error("cannot lay out a table of PostgreSQL by "
		    "distribution, sort keys or encodings: these are "
		    "Redshift's");
	if (strlen(o->table) > NAME_MAX_PG || strlen(o->schema) > NAME_MAX_PG)
		return msg_error("cannot load into '%s': a name has at most %d "
		    "bytes in PostgreSQL", l->where, NAME_MAX_PG);
	for (i = 0; settings[i] != NULL; i++)
		if (pg_do(l->pg, settings[i]) != 0)
			return pg_say(l->pg, "cannot prepare the session");
	return 0;
}

int
loadpg_lock(struct load *l)
{
	struct buf b;
	int rc;

	if (l->o->mode == LOAD_APPEND || l->fresh)
		return 0;
	/* Readers go on; two that replace rows of the same table would each
	 * not see what the other has inserted. */
	buf_init(&b, SQL_MAX);
	buf_addf(&b, "LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE",
	    l->sql_where);
	rc = load_do(l, b.data, "lock the table");
	buf_release(&b);
	return rc;
}

static int
put(void *arg, size_t entry, const char *p, size_t n)
{
	struct stream *s = arg;

	(void)entry;
	if (n == 0) {
		s->files++;
		msg_progress("loading '%s': %llu of %zu files", s->l->where,
		    (unsigned long long)s->files, s->l->m->nentries);
	}
	if (load_stopped(s->l))
		return -1;
	if (n == 0 || pg_copy_put(s->l->pg, p, n) == 0)
		return 0;
	s->broken = true;
	return -1;
}

/* All objects into the open COPY. */
static int
stream(struct load *l, struct stream *s)
{
	static atomic_bool halt;
	struct manifest m = *l->m;
	char name[16];
	enum fate fate;
	struct s3 *s3;

	/* fetch_run() goes by the manifest alone. */
	snprintf(name, sizeof(name), "%s", loadcopy_compression(l));
	m.compression = name;
	if (s3_open(l->o->cfg, &s3) != FATE_OK)
		return -1;
	atomic_store(&halt, false);
	fate = fetch_run(s3, &m, AHEAD, &halt, put, s);
	s3_free(s3);
	msg_progress_end();
	return fate == FATE_OK ? 0 : -1;
}

int
loadpg_copy(struct load *l, const char *schema, const char *table)
{
	int64_t rows, ignored, want = loadprove_expected(l->m);
	struct stream s = {.l = l};
	struct buf b;
	int rc;

	buf_init(&b, SQL_MAX);
	sql_copy_in(&b, schema, table, &l->plan, l->m->null_string);
	rc = l->o->dry_run ? load_do(l, b.data, "") :
	    pg_copy_start(l->pg, b.data);
	buf_release(&b);
	if (l->o->dry_run)
		return rc;
	if (rc != 0)
		return load_trouble(l, "load the staged rows");
	if (stream(l, &s) != 0) {
		pg_copy_end(l->pg, "the staged rows cannot be read", &ignored);
		return s.broken ? load_trouble(l, "load the staged rows") : -1;
	}
	if (pg_copy_end(l->pg, NULL, &rows) != 0)
		return load_trouble(l, "load the staged rows");
	if (want >= 0 && rows != want)
		return msg_error("cannot prove the load into '%s': %lld rows "
		    "were loaded, but %lld are staged; nothing is changed",
		    l->where, (long long)rows, (long long)want);
	l->r->rows = rows;
	return 0;
}
