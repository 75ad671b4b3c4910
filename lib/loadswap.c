/*
 * Overwriting by exchange: the rows go into a new table like the old one,
 * which then takes its name. What makes it like the old one is loadlike.c's.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "loadrun.h"
#include "mem.h"
#include "name.h"

/* The new table, like the old one. */
static int
make(struct load *l)
{
	char *cut;
	struct buf b;
	int rc;

	cut = name_fold(l->o->table, NAME_MAX_LEN - 5 -
	    strlen(l->load_id));
	free(l->swap);
	l->swap = mem_fmt("%s_rsw_%s", cut, l->load_id);
	free(cut);
	buf_init(&b, SQL_MAX);
	buf_adds(&b, "CREATE TABLE ");
	sql_table(&b, l->o->schema, l->swap);
	buf_addf(&b, " (LIKE %s INCLUDING DEFAULTS)", l->sql_where);
	rc = load_do(l, b.data, "make the new table");
	buf_release(&b);
	return rc == 0 ? loadtable_add_columns(l, l->swap) : rc;
}

/* Last in the transaction: readers wait from here to COMMIT. */
static int
exchange(struct load *l)
{
	struct buf b;
	char *sql = mem_fmt("SELECT COUNT(*) FROM %s", l->sql_where);
	int rc = 0;

	if (!l->o->dry_run)
		rc = load_number(l, sql, "count the old rows", &l->r->removed);
	free(sql);
	sql = mem_fmt("DROP TABLE %s", l->sql_where);
	if (rc == 0)
		rc = load_do(l, sql, "drop the old table");
	free(sql);
	/* The new name stands without the schema. */
	buf_init(&b, SQL_MAX);
	buf_adds(&b, "ALTER TABLE ");
	sql_table(&b, l->o->schema, l->swap);
	buf_adds(&b, " RENAME TO ");
	sql_name(&b, l->o->table);
	if (rc == 0)
		rc = load_do(l, b.data, "rename the new table");
	buf_release(&b);
	return rc;
}

int
loadswap_run(struct load *l)
{
	PGresult *keys;
	int rc;

	if (loadlike_check(l) != 0 || loadlike_keys(l, &keys) != 0)
		return -1;
	rc = make(l);
	if (rc == 0)
		rc = loadcopy_run(l, l->o->schema, l->swap, false);
	if (rc == 0)
		rc = loadlike_grants(l);
	if (rc == 0)
		rc = loadlike_comments(l);
	if (rc == 0)
		rc = exchange(l);
	/* Names of keys are free again when the old table is gone. */
	if (rc == 0)
		rc = loadlike_finish(l, keys);
	PQclear(keys);
	return rc;
}
