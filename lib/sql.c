/*
 * The statements of a load as text. When they run, and what their answers
 * mean, is for load.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "msg.h"
#include "name.h"
#include "sql.h"

void
sql_literal(struct buf *b, const char *text)
{
	buf_addc(b, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			buf_addc(b, *text);
		buf_addc(b, *text);
	}
	buf_addc(b, '\'');
}

void
sql_name(struct buf *b, const char *name)
{
	char *s = name_quote(name);

	buf_adds(b, s);
	free(s);
}

void
sql_table(struct buf *b, const char *schema, const char *table)
{
	if (schema != NULL) {
		sql_name(b, schema);
		buf_addc(b, '.');
	}
	sql_name(b, table);
}

void
sql_columns(struct buf *b, const struct plan *p, const char *prefix)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (i > 0)
			buf_adds(b, ", ");
		if (prefix != NULL)
			buf_adds(b, prefix);
		sql_name(b, p->item[i].name);
	}
}

/* The encoding that the list (COLUMN=ENCODING,...) has for a column; its
 * length, 0 if there is none. */
static size_t
find_encoding(const char *list, const char *column, const char **encoding)
{
	size_t n, eq;
	char *part, *name;
	bool same;

	for (; list != NULL && *list != '\0'; list += n, list += *list == ',') {
		list += strspn(list, " ");
		n = strcspn(list, ",");
		eq = strcspn(list, "=");
		if (eq >= n)
			continue;
		part = mem_ndup(list, eq);
		name = name_fold(part, NAME_MAX_LEN);
		same = strcmp(name, column) == 0;
		free(part);
		free(name);
		*encoding = list + eq + 1;
		if (same)
			return n - eq - 1;
	}
	return 0;
}

static void
add_columns(struct buf *b, const struct plan *p, const char *encode)
{
	const char *encoding = NULL;
	size_t i, n;

	buf_adds(b, " (");
	for (i = 0; i < p->n; i++) {
		if (i > 0)
			buf_adds(b, ", ");
		sql_name(b, p->item[i].name);
		buf_addc(b, ' ');
		coltype_ddl(&p->item[i].type, b);
		n = find_encoding(encode, p->item[i].name, &encoding);
		if (n > 0)
			buf_addf(b, " ENCODE %.*s", (int)n, encoding);
	}
	buf_addc(b, ')');
}

static int
check_column(const struct plan *p, const char *name, const char *what)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (strcmp(p->item[i].name, name) == 0)
			return 0;
	return msg_error("cannot use '%s' as %s: the input has no such column",
	    name, what);
}

/* Call f with each part of a list with commas, folded; -1 if f does. */
static int
each_part(const char *list, int (*f)(void *, char *), void *arg)
{
	char *part, *name;
	size_t n;
	int rc = 0;

	for (; rc == 0 && *list != '\0'; list += n, list += *list == ',') {
		list += strspn(list, " ");
		n = strcspn(list, ",");
		part = mem_ndup(list, n);
		name = name_fold(part, NAME_MAX_LEN);
		rc = f(arg, name);
		free(name);
		free(part);
	}
	return rc;
}

struct part {
	struct buf *b;
	const struct plan *plan;
	bool any;
};

static int
add_sort_column(void *arg, char *name)
{
	struct part *p = arg;

	buf_adds(p->b, p->any ? ", " : "");
	p->any = true;
	sql_name(p->b, name);
	return check_column(p->plan, name, "a sort key");
}

/* COLUMN=ENCODING of a column that there is, with an encoding of letters and
 * digits: it stands in SQL as it is. */
static int
check_encoding(void *arg, char *pair)
{
	const struct plan *p = arg;
	char *eq = strchr(pair, '=');

	if (eq == NULL || eq[1] == '\0' || eq[1 + strspn(eq + 1,
	    "abcdefghijklmnopqrstuvwxyz0123456789")] != '\0')
		return msg_error("cannot use '%s' in 'encode': it is written "
		    "COLUMN=ENCODING,...", pair);
	*eq = '\0';
	return check_column(p, pair, "an encoded column");
}

static int
check_encode(const struct plan *p, const char *list)
{
	struct plan copy = *p;

	return list != NULL ? each_part(list, check_encoding, &copy) : 0;
}

static int
add_layout(struct buf *b, const struct plan *p, const struct sql_layout *l)
{
	struct part part = {.b = b, .plan = p};
	char *key;
	int rc = 0;

	if (l->diststyle != NULL)
		buf_addf(b, " DISTSTYLE %s", l->diststyle);
	if (l->distkey != NULL) {
		key = name_fold(l->distkey, NAME_MAX_LEN);
		buf_adds(b, " DISTKEY (");
		sql_name(b, key);
		buf_addc(b, ')');
		rc = check_column(p, key, "the distribution key");
		free(key);
	}
	if (rc != 0 || l->sortkey == NULL)
		return rc;
	if (strcasecmp(l->sortkey, "auto") == 0) {
		buf_adds(b, " SORTKEY AUTO");
		return 0;
	}
	buf_adds(b, " COMPOUND SORTKEY (");
	rc = each_part(l->sortkey, add_sort_column, &part);
	buf_addc(b, ')');
	return rc;
}

int
sql_create(struct buf *b, const char *schema, const char *table,
    const struct plan *p, const struct sql_layout *l)
{
	buf_adds(b, "CREATE TABLE ");
	sql_table(b, schema, table);
	add_columns(b, p, l != NULL ? l->encode : NULL);
	if (l == NULL)
		return 0;
	return check_encode(p, l->encode) == 0 ? add_layout(b, p, l) : -1;
}

void
sql_stage(struct buf *b, const char *stage, const struct plan *p)
{
	buf_adds(b, "CREATE TEMP TABLE ");
	sql_name(b, stage);
	add_columns(b, p, NULL);
}

void
sql_alter(struct buf *b, const char *schema, const char *table,
    const struct plan_item *it)
{
	buf_adds(b, "ALTER TABLE ");
	sql_table(b, schema, table);
	buf_adds(b, it->action == PLAN_ADD ? " ADD COLUMN " : " ALTER COLUMN ");
	sql_name(b, it->name);
	buf_adds(b, it->action == PLAN_ADD ? " " : " TYPE ");
	coltype_ddl(&it->type, b);
}

static void
add_option(struct buf *b, const char *word, const char *value)
{
	buf_addf(b, " %s ", word);
	sql_literal(b, value);
}

static void
add_access(struct buf *b, const struct sql_access *a)
{
	if (a->iam_role != NULL && strcasecmp(a->iam_role, "default") == 0) {
		buf_adds(b, " IAM_ROLE default");
	} else if (a->iam_role != NULL) {
		add_option(b, "IAM_ROLE", a->iam_role);
	} else {
		add_option(b, "ACCESS_KEY_ID", a->access_key);
		add_option(b, "SECRET_ACCESS_KEY", a->secret_key);
		if (a->session_token != NULL)
			add_option(b, "SESSION_TOKEN", a->session_token);
	}
	if (a->region != NULL)
		add_option(b, "REGION", a->region);
}

static int
add_compression(struct buf *b, const char *name)
{
	static const char *const known[] = {"gzip", "zstd", "bzip2", "lzop",
		NULL};
	size_t i;

	if (name == NULL || strcmp(name, "none") == 0)
		return 0;
	for (i = 0; known[i] != NULL; i++)
		if (strcmp(name, known[i]) == 0) {
			static const char *const words[] = {"GZIP", "ZSTD",
				"BZIP2", "LZOP"};

			buf_addf(b, " %s", words[i]);
			return 0;
		}
	return msg_error("cannot use '%s' as compression: COPY knows gzip, "
	    "zstd, bzip2, lzop and none", name);
}

void
sql_copy_in(struct buf *b, const char *schema, const char *table,
    const struct plan *p, const char *null_string)
{
	buf_adds(b, "COPY ");
	sql_table(b, schema, table);
	if (p->n > 0) {
		buf_adds(b, " (");
		sql_columns(b, p, NULL);
		buf_addc(b, ')');
	}
	buf_adds(b, " FROM STDIN WITH (FORMAT csv, NULL ");
	sql_literal(b, null_string != NULL ? null_string : "\\N");
	buf_addc(b, ')');
}

int
sql_copy(struct buf *b, const struct sql_copy *c, const struct sql_access *a)
{
	buf_adds(b, "COPY ");
	sql_table(b, c->schema, c->table);
	if (c->plan->n > 0) {
		buf_adds(b, " (");
		sql_columns(b, c->plan, NULL);
		buf_addc(b, ')');
	}
	buf_adds(b, " FROM ");
	sql_literal(b, c->manifest_url);
	add_access(b, a);
	buf_addf(b, " MANIFEST %s", c->format != NULL ? c->format : "CSV");
	if (add_compression(b, c->compression) != 0)
		return -1;
	/* Left out when it is COPY's own: no doubt how '\\N' is read. */
	if (c->null_string != NULL && strcmp(c->null_string, "\\N") != 0)
		add_option(b, "NULL AS", c->null_string);
	buf_adds(b, " DATEFORMAT 'auto' TIMEFORMAT 'auto' ROUNDEC");
	if (c->max_errors > 0)
		buf_addf(b, " MAXERROR %ld", c->max_errors);
	if (c->options != NULL)
		buf_addf(b, " %s", c->options);
	if (c->noload)
		buf_adds(b, " NOLOAD");
	return 0;
}
