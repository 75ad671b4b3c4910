/*
 * What a table that takes another one's place must have of it beside its
 * columns: grants, comments, keys, the owner. What can not be given to it is
 * looked for first.
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

/* What is found, as names with commas; frees the result. NULL: nothing. */
static char *
list(PGresult *r)
{
	struct buf b;
	char *name;
	int i, n = PQntuples(r);

	buf_init(&b, SQL_MAX);
	for (i = 0; i < n; i++) {
		name = name_format(PQgetvalue(r, i, 0), PQgetvalue(r, i, 1));
		buf_addf(&b, "%s%s", i > 0 ? ", " : "", name);
		if (PQnfields(r) > 2)
			buf_addf(&b, " (%s)", PQgetvalue(r, i, 2));
		free(name);
	}
	PQclear(r);
	if (n > 0)
		return buf_take(&b);
	buf_release(&b);
	return NULL;
}

/* Things that are bound to the table: DROP would be refused. `what` they are,
 * and what else could be done `instead`. */
static int
none(struct load *l, PGresult *r, const char *what, const char *instead)
{
	char *names = list(r);

	if (names == NULL)
		return 0;
	msg_error("cannot swap '%s': %s would be lost: %s; use "
	    "--overwrite-by=delete, which keeps them%s", l->where, what, names,
	    instead);
	free(names);
	return -1;
}

/* LIKE is not known to keep how its values are made. */
static int
no_identity(const struct load *l)
{
	size_t i;

	for (i = 0; i < l->table.ncolumns; i++)
		if (l->table.column[i].generated)
			return msg_error("cannot swap '%s': its column '%s' is "
			    "an IDENTITY, which would be lost; use "
			    "--overwrite-by=delete, which keeps it", l->where,
			    l->table.column[i].name);
	return 0;
}

int
loadlike_check(struct load *l)
{
	PGresult *views, *keys = NULL;
	int rc = no_identity(l);

	views = about(l, "SELECT DISTINCT n.nspname, c.relname "
	    "FROM pg_catalog.pg_depend d "
	    "JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid "
	    "JOIN pg_catalog.pg_class c ON c.oid = w.ev_class "
	    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
	    "WHERE d.refobjid = $ID AND c.oid <> d.refobjid ORDER BY 1, 2");
	if (views != NULL)
		keys = about(l, "SELECT n.nspname, c.relname, k.conname "
		    "FROM pg_catalog.pg_constraint k "
		    "JOIN pg_catalog.pg_class c ON c.oid = k.conrelid "
		    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
		    "WHERE k.confrelid = $ID AND k.conrelid <> k.confrelid "
		    "ORDER BY 1, 2, 3");
	if (keys == NULL) {
		PQclear(views);
		return -1;
	}
	if (none(l, views, "these views", ", or make them WITH NO SCHEMA "
	    "BINDING") != 0)
		rc = -1;
	if (none(l, keys, "these foreign keys of other tables", "") != 0)
		rc = -1;
	return rc;
}

int
loadlike_keys(struct load *l, PGresult **keys)
{
	/* Foreign keys last: one may lead to the table itself. */
	*keys = about(l, "SELECT k.conname, pg_get_constraintdef(k.oid) "
	    "FROM pg_catalog.pg_constraint k WHERE k.conrelid = $ID "
	    "AND k.contype IN ('p', 'u', 'f') ORDER BY k.contype DESC, 1");
	return *keys != NULL ? 0 : -1;
}

/* GRANT what the old table grants, to users, groups, roles and all. */
static int
grant(struct load *l, const char *privilege, const char *column,
    const char *type, const char *name, bool with_option)
{
	struct buf b;
	int rc;

	buf_init(&b, SQL_MAX);
	buf_addf(&b, "GRANT %s ", privilege);
	if (column != NULL) {
		buf_addc(&b, '(');
		sql_name(&b, column);
		buf_adds(&b, ") ");
	}
	buf_adds(&b, "ON TABLE ");
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

/* Those that one of Redshift's views has; its fields are what privilege, the
 * type and the name of who has it, whether it may be passed on, the column. */
static int
copy_grants(struct load *l, const char *query)
{
	PGresult *r;
	struct buf b;
	int i, rc = 0;

	buf_init(&b, SQL_MAX);
	buf_addf(&b, "%s WHERE namespace_name = ", query);
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
			rc = grant(l, PQgetvalue(r, i, 0),
			    PQgetisnull(r, i, 4) ? NULL : PQgetvalue(r, i, 4),
			    PQgetvalue(r, i, 1), PQgetvalue(r, i, 2),
			    *PQgetvalue(r, i, 3) == 't');
	PQclear(r);
	return rc;
}

int
loadlike_grants(struct load *l)
{
	int rc = copy_grants(l, "SELECT privilege_type, identity_type, "
	    "identity_name, admin_option, NULL FROM svv_relation_privileges");

	return rc != 0 ? rc : copy_grants(l, "SELECT privilege_type, "
	    "identity_type, identity_name, NULL, column_name "
	    "FROM svv_column_privileges");
}

int
loadlike_comments(struct load *l)
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

/* A superuser swaps other people's tables, too. */
static int
give_back(struct load *l)
{
	PGresult *r = pg_query(l->pg, "SELECT current_user");
	struct buf b;
	bool mine;
	int rc = 0;

	if (r == NULL)
		return load_trouble(l, "ask who I am");
	mine = strcmp(PQgetvalue(r, 0, 0), l->table.owner) == 0;
	PQclear(r);
	if (mine)
		return 0;
	buf_init(&b, SQL_MAX);
	buf_addf(&b, "ALTER TABLE %s OWNER TO ", l->sql_where);
	sql_name(&b, l->table.owner);
	rc = load_do(l, b.data, "give the new table to the owner of the old "
	    "one");
	buf_release(&b);
	return rc;
}

int
loadlike_finish(struct load *l, const PGresult *keys)
{
	struct buf b;
	int i, rc = 0;

	for (i = 0; i < PQntuples(keys) && rc == 0; i++) {
		buf_init(&b, SQL_MAX);
		buf_addf(&b, "ALTER TABLE %s ADD CONSTRAINT ", l->sql_where);
		sql_name(&b, PQgetvalue(keys, i, 0));
		buf_addf(&b, " %s", PQgetvalue(keys, i, 1));
		rc = load_do(l, b.data, "copy the keys");
		buf_release(&b);
	}
	return rc != 0 ? rc : give_back(l);
}
