/*
 * Overwriting by exchange: the rows go into a new table like the old one,
 * which then takes its name, its grants and its comments. What hangs on the
 * old table by other means would be lost; that is looked for first.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "loadrun.h"
#include "mem.h"
#include "msg.h"
#include "name.h"

/* A query whose only parameter is the id of the old table. */
static PGresult *
about(struct load *l, const char *format)
{
	char id[32], *sql;
	const char *p = strstr(format, "$ID");
	PGresult *r;

	snprintf(id, sizeof(id), "%lld", (long long)l->table.id);
	sql = mem_fmt("%.*s%s%s", (int)(p - format), format, id, p + 3);
	r = pg_query(l->pg, sql);
	free(sql);
	if (r == NULL)
		load_trouble(l, "look at what depends on the table");
	return r;
}

/* Views that are bound to the table: DROP would be refused. */
static int
no_views(struct load *l)
{
	PGresult *r = about(l, "SELECT DISTINCT n.nspname, c.relname "
	    "FROM pg_catalog.pg_depend d "
	    "JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid "
	    "JOIN pg_catalog.pg_class c ON c.oid = w.ev_class "
	    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
	    "WHERE d.refobjid = $ID AND c.oid <> d.refobjid ORDER BY 1, 2");
	struct buf b;
	char *name;
	int i, n;

	if (r == NULL)
		return -1;
	n = PQntuples(r);
	buf_init(&b, SQL_MAX);
	for (i = 0; i < n; i++) {
		name = name_format(PQgetvalue(r, i, 0), PQgetvalue(r, i, 1));
		buf_addf(&b, "%s%s", i > 0 ? ", " : "", name);
		free(name);
	}
	PQclear(r);
	if (n > 0)
		msg_error("cannot swap '%s': these views would be lost: %s; "
		    "use --overwrite-by=delete, which keeps them, or make them "
		    "WITH NO SCHEMA BINDING", l->where, b.data);
	buf_release(&b);
	return n > 0 ? -1 : 0;
}

static int
warn_of_keys(struct load *l)
{
	PGresult *r = about(l, "SELECT k.conname, "
	    "pg_get_constraintdef(k.oid) FROM pg_catalog.pg_constraint k "
	    "WHERE k.conrelid = $ID AND k.contype IN ('p', 'u', 'f') "
	    "ORDER BY 1");
	int i;

	if (r == NULL)
		return -1;
	for (i = 0; i < PQntuples(r); i++)
		msg_warn("the key '%s' of '%s' is not kept by a swap; to have "
		    "it back: ALTER TABLE %s ADD CONSTRAINT \"%s\" %s",
		    PQgetvalue(r, i, 0), l->where, l->sql_where,
		    PQgetvalue(r, i, 0), PQgetvalue(r, i, 1));
	PQclear(r);
	return 0;
}

/* GRANT what the old table grants, to users, groups, roles and all. */
static int
grant(struct load *l, const char *privilege, const char *type,
    const char *name, bool with_option)
{
	struct buf b;
	int rc;

	buf_init(&b, SQL_MAX);
	buf_addf(&b, "GRANT %s ON TABLE ", privilege);
	sql_table(&b, l->o->schema, l->swap);
	buf_adds(&b, " TO ");
	if (strcmp(type, "public") == 0) {
		buf_adds(&b, "PUBLIC");
	} else {
		if (strcmp(type, "group") == 0 || strcmp(type, "role") == 0)
			buf_addf(&b, "%s ", strcmp(type, "role") == 0 ?
			    "ROLE" : "GROUP");
		sql_name(&b, name);
	}
	if (with_option)
		buf_adds(&b, " WITH GRANT OPTION");
	rc = load_do(l, b.data, "copy the grants");
	buf_release(&b);
	return rc;
}

static int
copy_grants(struct load *l)
{
	struct buf b;
	PGresult *r;
	int i, rc = 0;

	buf_init(&b, SQL_MAX);
	buf_adds(&b, "SELECT privilege_type, identity_type, identity_name, "
	    "admin_option FROM svv_relation_privileges WHERE namespace_name "
	    "= ");
	sql_literal(&b, l->o->schema);
	buf_adds(&b, " AND relation_name = ");
	sql_literal(&b, l->o->table);
	r = pg_query(l->pg, b.data);
	buf_release(&b);
	if (r == NULL)
		return load_trouble(l, "read the grants");
	for (i = 0; i < PQntuples(r) && rc == 0; i++)
		/* The owner has its rights anyhow. */
		if (strcmp(PQgetvalue(r, i, 2), l->table.owner) != 0)
			rc = grant(l, PQgetvalue(r, i, 0), PQgetvalue(r, i, 1),
			    PQgetvalue(r, i, 2),
			    *PQgetvalue(r, i, 3) == 't');
	PQclear(r);
	return rc;
}

static int
copy_comments(struct load *l)
{
	PGresult *r = about(l, "SELECT a.attname, d.description "
	    "FROM pg_catalog.pg_description d "
	    "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.objoid "
	    "AND a.attnum = d.objsubid AND d.objsubid > 0 "
	    "WHERE d.objoid = $ID ORDER BY d.objsubid");
	struct buf b;
	int i, rc = 0;

	if (r == NULL)
		return -1;
	for (i = 0; i < PQntuples(r) && rc == 0; i++) {
		buf_init(&b, SQL_MAX);
		buf_adds(&b, PQgetisnull(r, i, 0) ? "COMMENT ON TABLE " :
		    "COMMENT ON COLUMN ");
		sql_table(&b, l->o->schema, l->swap);
		if (!PQgetisnull(r, i, 0)) {
			buf_addc(&b, '.');
			sql_name(&b, PQgetvalue(r, i, 0));
		}
		buf_adds(&b, " IS ");
		sql_literal(&b, PQgetvalue(r, i, 1));
		rc = load_do(l, b.data, "copy the comments");
		buf_release(&b);
	}
	PQclear(r);
	return rc;
}

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
	if (no_views(l) != 0 || warn_of_keys(l) != 0 || make(l) != 0 ||
	    load_copy(l, l->o->schema, l->swap, false) != 0 ||
	    copy_grants(l) != 0 || copy_comments(l) != 0)
		return -1;
	return exchange(l);
}
