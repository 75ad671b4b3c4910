/*
 * The table itself: made, given new columns, made wider, emptied.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalog.h"
#include "loadrun.h"
#include "mem.h"
#include "msg.h"

/*
 * Made.
 */

/* The table is there now though it was not: another run made it. */
static int
lost_race(struct load *l, const char *what)
{
	/* 23505: two CREATE at the very same time met in the catalog. */
	if (strcmp(pg_state(l->pg), "42P07") != 0 &&
	    strcmp(pg_state(l->pg), "23505") != 0)
		return load_trouble(l, what);
	if (l->o->mode == LOAD_CREATE) {
		l->r->exists = true;
		return msg_error("cannot create '%s': it exists already, made "
		    "by another run", l->where);
	}
	/* The user's own statement may have made anything. */
	if (l->o->ddl != NULL)
		return pg_say(l->pg, "cannot %s by the statement of --ddl",
		    what);
	l->again = true;
	free(l->reason);
	l->reason = mem_fmt("cannot %s: another run made it", what);
	return -1;
}

static int
say_faults(const struct load *l)
{
	size_t i;

	for (i = 0; i < l->plan.nfaults; i++)
		msg_error("cannot load into '%s': %s", l->where,
		    l->plan.fault[i]);
	return l->plan.nfaults > 0 ? -1 : 0;
}

int
loadtable_plan(struct load *l, const struct plan_opt *o)
{
	struct plan_opt opt = *o;

	if (!l->redshift)
		opt.name_max = 63;
	plan_release(&l->plan);
	plan_make(&l->plan, l->m, &l->table, &opt, l->sql_where);
	return say_faults(l);
}

/* What the user's own statement has made must take the input as it is. */
static int
check_ddl(struct load *l)
{
	struct plan_opt o = l->o->plan;

	if (l->o->dry_run)
		return 0;
	plan_table_release(&l->table);
	if (catalog_table(l->pg, l->o->schema, l->o->table, &l->table) != 0)
		return load_trouble(l, "look at the table");
	if (!l->table.exists)
		return msg_error("cannot use the statement of --ddl: it does "
		    "not make the table %s", l->sql_where);
	/* Nothing can be widened inside a transaction. */
	o.widen = false;
	return loadtable_plan(l, &o);
}

/* Where the table comes from, for those who find it. */
static int
comment(struct load *l)
{
	const struct manifest *m = l->m;
	struct buf b, text;
	int rc;

	if (m->dataset_id == NULL && m->dataset_name == NULL)
		return 0;
	buf_init(&text, SQL_MAX);
	buf_adds(&text, "Domo DataSet");
	if (m->dataset_name != NULL)
		buf_addf(&text, " '%s'", m->dataset_name);
	if (m->dataset_id != NULL)
		buf_addf(&text, " (%s)", m->dataset_id);
	if (m->run_id != NULL)
		buf_addf(&text, ", made by run %s", m->run_id);
	buf_init(&b, SQL_MAX);
	buf_addf(&b, "COMMENT ON TABLE %s IS ", l->sql_where);
	sql_literal(&b, text.data);
	rc = load_do(l, b.data, "comment the table");
	buf_release(&text);
	buf_release(&b);
	return rc;
}

int
loadtable_create(struct load *l)
{
	bool own = l->o->ddl != NULL;
	struct buf b;
	int rc;

	buf_init(&b, SQL_MAX);
	rc = own ? buf_adds(&b, l->o->ddl) : sql_create(&b, l->o->schema,
	    l->o->table, &l->plan, &l->o->layout);
	if (rc == 0 && l->o->dry_run)
		rc = load_do(l, b.data, "");
	else if (rc == 0 && pg_do(l->pg, b.data) != 0)
		rc = lost_race(l, "make the table");
	buf_release(&b);
	if (rc == 0 && own)
		rc = check_ddl(l);
	if (rc == 0 && own && l->plan.nadd > 0)
		rc = loadtable_add_columns(l, l->o->table);
	return rc == 0 ? comment(l) : rc;
}

/*
 * Changed.
 */

int
loadtable_add_columns(struct load *l, const char *table)
{
	struct buf b;
	size_t i;
	int rc = 0;

	/* One column a statement: Redshift takes no more. */
	for (i = 0; i < l->plan.n && rc == 0; i++) {
		if (l->plan.item[i].action != PLAN_ADD)
			continue;
		msg_info("adding column '%s'", l->plan.item[i].name);
		buf_init(&b, SQL_MAX);
		sql_alter(&b, l->o->schema, table, &l->plan.item[i]);
		rc = load_do(l, b.data, "add a column");
		buf_release(&b);
	}
	return rc;
}

/* A query about this table: TEXT 'schema' AND column2 = 'table'. NULL: no
 * answer, which is no reason to stop. */
static PGresult *
about(struct load *l, const char *text, const char *and)
{
	struct buf b;
	PGresult *r;

	buf_init(&b, SQL_MAX);
	buf_adds(&b, text);
	sql_literal(&b, l->o->schema);
	buf_adds(&b, and);
	sql_literal(&b, l->o->table);
	r = pg_query(l->pg, b.data);
	buf_release(&b);
	return r;
}

/* Is the column in a result's first field? Its second field, or "". */
static const char *
lookup(const PGresult *r, const char *column)
{
	int i;

	for (i = 0; r != NULL && i < PQntuples(r); i++)
		if (strcasecmp(PQgetvalue(r, i, 0), column) == 0)
			return PQnfields(r) > 1 ? PQgetvalue(r, i, 1) : "";
	return NULL;
}

static bool
narrow_encoding(const char *name)
{
	static const char *const names[] = {"bytedict", "runlength", "text255",
		"text32k", NULL};
	size_t i;

	for (i = 0; name != NULL && names[i] != NULL; i++)
		if (strncasecmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* Say why Redshift would refuse to widen a column; 0 if it would not. */
static int
refused(const struct load *l, const struct plan_item *it,
    const PGresult *encodings, const PGresult *keys)
{
	int at = plan_table_find(&l->table, it->source->name);
	const char *encoding = lookup(encodings, it->name);
	char *start = mem_fmt("cannot load into '%s': column '%s' must be "
	    "widened from %d to %d bytes", l->where, it->name, it->was,
	    it->type.length);
	int rc = 0;

	if (at < 0)
		at = plan_table_find(&l->table, it->name);
	if (narrow_encoding(encoding))
		rc = msg_error("%s, which Redshift refuses for the encoding "
		    "'%.*s'; first: ALTER TABLE %s ALTER COLUMN \"%s\" ENCODE "
		    "zstd", start, (int)strcspn(encoding, " "), encoding,
		    l->sql_where, it->name);
	else if (at >= 0 && l->table.column[at].has_default)
		rc = msg_error("%s, which Redshift refuses for a column with "
		    "a default; first: ALTER TABLE %s RENAME COLUMN \"%s\" TO "
		    "another name, and load again, which adds the column",
		    start, l->sql_where, it->name);
	else if (lookup(keys, it->name) != NULL)
		rc = msg_error("%s, which Redshift refuses for a column of a "
		    "primary, unique or foreign key; first: ALTER TABLE %s "
		    "DROP CONSTRAINT \"%s\"", start, l->sql_where,
		    lookup(keys, it->name));
	free(start);
	return rc;
}

/* What Redshift will not do is said for all columns before one is changed. */
static int
check_widen(struct load *l)
{
	PGresult *encodings, *keys;
	struct buf b;
	size_t i;
	int rc = 0;

	buf_init(&b, SQL_MAX);
	buf_adds(&b, "SET search_path TO ");
	sql_literal(&b, l->o->schema);
	/* pg_table_def shows the schemas of the search path only. */
	encodings = pg_do(l->pg, b.data) != 0 ? NULL : about(l, "SELECT "
	    "\"column\", encoding FROM pg_table_def WHERE schemaname = ",
	    " AND tablename = ");
	keys = about(l, "SELECT column_name, constraint_name FROM "
	    "information_schema.key_column_usage WHERE table_schema = ",
	    " AND table_name = ");
	for (i = 0; i < l->plan.n; i++)
		if (l->plan.item[i].action == PLAN_WIDEN &&
		    refused(l, &l->plan.item[i], encodings, keys) != 0)
			rc = -1;
	PQclear(encodings);
	PQclear(keys);
	buf_release(&b);
	return rc;
}

int
loadtable_widen(struct load *l)
{
	const struct plan_item *it;
	struct buf b;
	char *what;
	size_t i;
	int rc;

	if (l->plan.nwiden == 0)
		return 0;
	rc = check_widen(l);
	for (i = 0; i < l->plan.n && rc == 0; i++) {
		it = &l->plan.item[i];
		if (it->action != PLAN_WIDEN)
			continue;
		msg_info("widening column '%s' from %d to %d bytes", it->name,
		    it->was, it->type.length);
		what = mem_fmt("widen column '%s' of '%s' from %d to %d bytes "
		    "(the table's owner is '%s')", it->name, l->where, it->was,
		    it->type.length, l->table.owner);
		buf_init(&b, SQL_MAX);
		sql_alter(&b, l->o->schema, l->o->table, it);
		rc = load_do(l, b.data, what);
		buf_release(&b);
		free(what);
	}
	return rc;
}

/*
 * Emptied.
 */

int
loadtable_empty(struct load *l)
{
	char *sql = mem_fmt("DELETE FROM %s", l->sql_where);
	int rc = load_count(l, sql, "delete the old rows", &l->r->removed);

	free(sql);
	return rc;
}

int
loadtable_truncate(struct load *l)
{
	char *sql = mem_fmt("TRUNCATE TABLE %s", l->sql_where);
	int rc;

	msg_warn("'%s' is truncated, which can not be undone: it stays empty "
	    "if the load fails, and readers see it empty until then",
	    l->where);
	rc = load_do(l, sql, "truncate the table");
	/* The connection may have broken behind it. */
	if (!l->o->dry_run && (rc == 0 || pg_lost(l->pg)))
		l->truncated = true;
	free(sql);
	return rc;
}
