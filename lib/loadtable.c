/*
 * The table itself: made, given new columns, made wider, emptied.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

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
	opt.postgres = !l->redshift;
	plan_release(&l->plan);
	plan_make(&l->plan, l->m, &l->table, &opt, l->sql_where);
	/* Redshift does not widen every column. */
	if (l->plan.nwiden > 0 && l->redshift && opt.widen) {
		catalog_storage(l->pg, l->o->schema, l->o->table, &l->table);
		plan_release(&l->plan);
		plan_make(&l->plan, l->m, &l->table, &opt, l->sql_where);
	}
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

int
loadtable_widen(struct load *l)
{
	const struct plan_item *it;
	struct buf b;
	char *what;
	size_t i;
	int rc = 0;

	for (i = 0; i < l->plan.n && rc == 0; i++) {
		it = &l->plan.item[i];
		if (it->action != PLAN_WIDEN)
			continue;
		msg_info("widening column '%s' from %d to %d bytes", it->name,
		    it->was, it->type.length);
		what = mem_fmt("widen column '%s' from %d to %d bytes",
		    it->name, it->was, it->type.length);
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
