/*
 * Rows that take the place of others: they are loaded into a temporary table
 * first, where their keys are looked at. Then the table is locked, and its
 * rows are exchanged: two that do so at the same time would each not see what
 * the other has inserted. Readers wait for the exchange only.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "loadrun.h"
#include "mem.h"
#include "msg.h"
#include "name.h"

/* The items of the plan that the option names. */
struct keys {
	const struct plan_item **item;
	size_t n;
};

static const struct plan_item *
find_item(const struct plan *p, const char *name)
{
	char *folded = name_fold(name, NAME_MAX_LEN);
	const struct plan_item *it = NULL;
	size_t i;

	for (i = 0; i < p->n && it == NULL; i++)
		if (strcmp(p->item[i].name, folded) == 0 ||
		    strcmp(p->item[i].source->name, name) == 0)
			it = &p->item[i];
	free(folded);
	return it;
}

static int
find_keys(const struct load *l, struct keys *k)
{
	const char *s = l->o->keys;
	char *name;
	size_t n;

	k->n = 0;
	k->item = mem_zero(strlen(s) + 1, sizeof(*k->item));
	for (; *s != '\0'; s += n, s += *s == ',') {
		n = strcspn(s, ",");
		name = mem_ndup(s, n);
		k->item[k->n] = find_item(&l->plan, name);
		/* "a, b" */
		if (k->item[k->n] == NULL)
			k->item[k->n] = find_item(&l->plan, name +
			    strspn(name, " "));
		if (k->item[k->n] == NULL) {
			msg_error("cannot load into '%s' by '%s': the input "
			    "has no such column", l->where, name);
			free(name);
			return -1;
		}
		free(name);
		k->n++;
	}
	if (k->n == 0)
		return msg_error("cannot load into '%s' by keys: give at least "
		    "one column", l->where);
	if (l->o->mode == LOAD_REPLACE && k->n != 1)
		return msg_error("cannot replace by '%s': give one column",
		    l->o->keys);
	return 0;
}

static void
add_keys(struct buf *b, const struct keys *k, const char *sep,
    const char *behind)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		if (i > 0)
			buf_adds(b, sep);
		sql_name(b, k->item[i]->name);
		buf_adds(b, behind);
	}
}

/* "1, a (3 times); 2, NULL (2 times)": what is wrong with some keys. */
static int
say_keys(struct load *l, const char *what, const PGresult *r, size_t nkeys)
{
	struct buf b;
	int i, j;

	buf_init(&b, SQL_MAX);
	for (i = 0; i < PQntuples(r); i++) {
		buf_adds(&b, i > 0 ? "; " : "");
		for (j = 0; j < (int)nkeys; j++)
			buf_addf(&b, "%s%s", j > 0 ? ", " : "",
			    PQgetisnull(r, i, j) ? "NULL" :
			    PQgetvalue(r, i, j));
		buf_addf(&b, " (%s times)", PQgetvalue(r, i, (int)nkeys));
	}
	msg_error("cannot merge into '%s': %s (%s): %s; nothing is changed",
	    l->where, what, l->o->keys, b.data);
	buf_release(&b);
	return -1;
}

/* Keys that are NULL, or that several rows have: some of them are named. */
static int
check_keys(struct load *l, const struct keys *k, bool nulls)
{
	struct buf b;
	PGresult *r;
	int rc = 0;

	buf_init(&b, SQL_MAX);
	buf_adds(&b, "SELECT ");
	add_keys(&b, k, ", ", "");
	buf_adds(&b, ", COUNT(*) FROM \"" LOAD_STAGE "\"");
	if (nulls) {
		buf_adds(&b, " WHERE ");
		add_keys(&b, k, " OR ", " IS NULL");
	}
	buf_adds(&b, " GROUP BY ");
	add_keys(&b, k, ", ", "");
	buf_addf(&b, "%s ORDER BY COUNT(*) DESC LIMIT 5",
	    nulls ? "" : " HAVING COUNT(*) > 1");
	r = pg_query(l->pg, b.data);
	buf_release(&b);
	if (r == NULL)
		return load_trouble(l, "check the keys");
	if (PQntuples(r) > 0)
		rc = say_keys(l, nulls ? "rows of the input have no value in "
		    "a key column" : "several rows of the input have the "
		    "same key", r, k->n);
	PQclear(r);
	return rc;
}

/* Rows of the table whose key the input has. */
static int
delete_same_keys(struct load *l, const struct keys *k)
{
	struct buf b;
	size_t i;
	int rc;

	buf_init(&b, SQL_MAX);
	buf_addf(&b, "DELETE FROM %s USING \"" LOAD_STAGE "\" WHERE ",
	    l->sql_where);
	for (i = 0; i < k->n; i++) {
		buf_adds(&b, i > 0 ? " AND " : "");
		sql_table(&b, l->o->table, k->item[i]->name);
		buf_adds(&b, " = ");
		sql_table(&b, LOAD_STAGE, k->item[i]->name);
	}
	rc = load_count(l, b.data, "delete the rows to be replaced",
	    &l->r->removed);
	buf_release(&b);
	return rc;
}

/* The column, or for a point in time its day. */
static void
add_part(struct buf *b, const struct plan_item *it)
{
	bool day = it->type.kind == COLTYPE_TIMESTAMP ||
	    it->type.kind == COLTYPE_TIMESTAMPTZ;

	buf_adds(b, day ? "CAST(" : "");
	sql_name(b, it->name);
	buf_adds(b, day ? " AS DATE)" : "");
}

/* Rows of the table whose day, region, ... the input has; those without one
 * if the input has such rows. */
static int
delete_same_parts(struct load *l, const struct plan_item *it)
{
	int64_t nulls = 0, more = 0;
	struct buf b;
	int rc;

	buf_init(&b, SQL_MAX);
	buf_addf(&b, "DELETE FROM %s WHERE ", l->sql_where);
	add_part(&b, it);
	buf_adds(&b, " IN (SELECT ");
	add_part(&b, it);
	buf_adds(&b, " FROM \"" LOAD_STAGE "\")");
	rc = load_count(l, b.data, "delete the rows to be replaced",
	    &l->r->removed);
	buf_reset(&b);
	buf_adds(&b, "SELECT COUNT(*) FROM \"" LOAD_STAGE "\" WHERE ");
	sql_name(&b, it->name);
	buf_adds(&b, " IS NULL");
	if (rc == 0 && !l->o->dry_run)
		rc = load_number(l, b.data, "look for rows without a value",
		    &nulls);
	buf_reset(&b);
	buf_addf(&b, "DELETE FROM %s WHERE ", l->sql_where);
	sql_name(&b, it->name);
	buf_adds(&b, " IS NULL");
	if (rc == 0 && nulls > 0)
		rc = load_count(l, b.data, "delete the rows to be replaced",
		    &more);
	l->r->removed += more;
	buf_release(&b);
	return rc;
}

static int
insert(struct load *l)
{
	int64_t rows;
	struct buf b;
	int rc;

	buf_init(&b, SQL_MAX);
	buf_addf(&b, "INSERT INTO %s (", l->sql_where);
	sql_columns(&b, &l->plan, NULL);
	buf_adds(&b, ") SELECT ");
	sql_columns(&b, &l->plan, NULL);
	buf_adds(&b, " FROM \"" LOAD_STAGE "\"");
	rc = load_count(l, b.data, "insert the rows", &rows);
	buf_release(&b);
	if (rc == 0 && !l->o->dry_run && rows != l->r->rows)
		rc = msg_error("cannot prove the load into '%s': %lld rows are "
		    "staged, %lld were inserted; nothing is changed", l->where,
		    (long long)l->r->rows, (long long)rows);
	return rc;
}

int
loadmerge_stage(struct load *l)
{
	struct keys k = {0};
	struct buf b;
	int rc = -1;

	/* The two could not be told apart. */
	if (strcmp(l->o->table, LOAD_STAGE) == 0)
		return msg_error("cannot load into '%s' by keys: '" LOAD_STAGE "' "
		    "is the name of the temporary table; give another one",
		    l->where);
	buf_init(&b, SQL_MAX);
	sql_stage(&b, LOAD_STAGE, &l->plan);
	if (find_keys(l, &k) == 0 &&
	    load_do(l, b.data, "make a temporary table") == 0)
		rc = loadcopy_run(l, NULL, LOAD_STAGE, false);
	if (rc == 0 && l->o->mode == LOAD_MERGE && !l->o->dry_run &&
	    (check_keys(l, &k, true) != 0 || check_keys(l, &k, false) != 0))
		rc = -1;
	buf_release(&b);
	free(k.item);
	return rc;
}

int
loadmerge_run(struct load *l)
{
	struct keys k = {0};
	int rc = find_keys(l, &k);

	if (rc == 0 && !l->fresh)
		rc = l->o->mode == LOAD_MERGE ? delete_same_keys(l, &k) :
		    delete_same_parts(l, k.item[0]);
	if (rc == 0)
		rc = insert(l);
	free(k.item);
	return rc;
}
