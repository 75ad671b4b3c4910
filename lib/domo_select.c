/*
 * A choice of columns and rows, as SQL for Domo's query API. Names stand in
 * back-ticks and texts in single quotes, as its documents show. The table
 * can have any name.
 */
#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "domo_select.h"
#include "mem.h"
#include "num.h"

#define SQL_MAX (1024 * 1024)	/* far above what a URL-less POST needs */

bool
domo_select_any(const struct domo_select *s)
{
	return s->columns != NULL || s->where != NULL || s->since != NULL ||
	    s->limit >= 0;
}

char *
domo_select_path(const char *id)
{
	char *escaped = http_escape(id, false);
	char *path = mem_fmt("/v1/datasets/query/execute/%s", escaped);

	free(escaped);
	return path;
}

char *
domo_select_body(const char *sql)
{
	json_t *j = json_pack("{s:s}", "sql", sql);
	char *text = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
	char *copy = mem_dup(text != NULL ? text : "{}");

	free(text);
	json_decref(j);
	return copy;
}

enum domo_result
domo_select_number(struct domo *d, const char *id, const char *sql,
    int64_t *out)
{
	char *path = domo_select_path(id), *body = domo_select_body(sql);
	struct domo_request q = {.method = "POST", .path = path,
		.json = body};
	enum domo_result res;
	struct http_reply r;
	json_t *j = NULL, *v;

	http_reply_init(&r);
	res = domo_ask(d, &q, &r);
	if (res == DOMO_OK) {
		j = json_loadb(r.body.data, r.body.len, 0, NULL);
		v = json_array_get(json_array_get(json_object_get(j, "rows"),
		    0), 0);
		if (json_is_integer(v))
			*out = (int64_t)json_integer_value(v);
		else if (!json_is_string(v) || num_parse(json_string_value(v),
		    0, INT64_MAX, out) != 0)
			res = domo_fail(d, DOMO_FAILED, "the answer to '%s' "
			    "holds no number", sql);
		json_decref(j);
	}
	http_reply_release(&r);
	free(path);
	free(body);
	return res;
}

/* Text between two marks, a mark inside it doubled. */
static int
put_between(struct buf *b, const char *s, char mark)
{
	if (buf_addc(b, mark) != 0)
		return -1;
	for (; *s != '\0'; s++)
		if ((*s == mark && buf_addc(b, mark) != 0) ||
		    buf_addc(b, *s) != 0)
			return -1;
	return buf_addc(b, mark);
}

/* The column of a name: exactly, else the only one in any case, else -1. */
static ssize_t
find_column(const struct domo_meta *m, const char *name)
{
	ssize_t found = -1;
	size_t i;

	for (i = 0; i < m->ncolumns; i++)
		if (strcmp(m->column[i].name, name) == 0)
			return (ssize_t)i;
	for (i = 0; i < m->ncolumns; i++)
		if (strcasecmp(m->column[i].name, name) == 0) {
			if (found >= 0)
				return -1;
			found = (ssize_t)i;
		}
	return found;
}

static enum domo_result
no_column(struct domo *d, const struct domo_meta *m, const char *name)
{
	struct buf names;
	size_t i;

	buf_init(&names, 1024);	/* a message; 1,600 names would fill a page */
	for (i = 0; i < m->ncolumns; i++)
		if (buf_addf(&names, "%s%s", i > 0 ? ", " : "",
		    m->column[i].name) != 0) {
			buf_adds(&names, ", ...");
			break;
		}
	domo_fail(d, DOMO_FAILED, "it has no column '%s'; its columns are: %s",
	    name, names.data);
	buf_release(&names);
	return DOMO_FAILED;
}

/* The next name of a list: in double quotes (doubled inside), or plain up to
 * the comma, without the blanks around it. NULL at the end. */
static char *
next_name(const char **at)
{
	const char *p = *at + strspn(*at, " ");
	char *name = mem_alloc(strlen(p) + 1), *o = name;

	if (*p == '\0') {
		free(name);
		return NULL;
	}
	if (*p == '"') {
		for (p++; *p != '\0' && (*p != '"' || p[1] == '"'); p++) {
			p += *p == '"';
			*o++ = *p;
		}
		p += *p == '"';
		p += strspn(p, " ");
	} else {
		while (*p != '\0' && *p != ',')
			*o++ = *p++;
		while (o > name && o[-1] == ' ')
			o--;
	}
	*o = '\0';
	*at = p + (*p == ',');
	return name;
}

static void
add_column(struct domo_select_plan *p, const struct domo_meta_column *c)
{
	p->column = mem_resize(p->column, p->ncolumns + 1,
	    sizeof(*p->column));
	p->column[p->ncolumns].name = mem_dup(c->name);
	p->column[p->ncolumns++].type = mem_dup(c->type);
}

/* The named columns, in the order of the names; all without a list. */
static enum domo_result
choose_columns(struct domo *d, const char *list, const struct domo_meta *m,
    struct domo_select_plan *p)
{
	enum domo_result res = DOMO_OK;
	size_t i;
	ssize_t c;
	char *name;

	for (i = 0; list == NULL && i < m->ncolumns; i++)
		add_column(p, &m->column[i]);
	if (list == NULL)
		return DOMO_OK;
	while (res == DOMO_OK && (name = next_name(&list)) != NULL) {
		c = find_column(m, name);
		if (c < 0)
			res = no_column(d, m, name);
		else
			add_column(p, &m->column[c]);
		free(name);
	}
	if (res == DOMO_OK && p->ncolumns == 0)
		res = domo_fail(d, DOMO_FAILED, "the list of columns is empty");
	return res;
}

void
domo_select_release(struct domo_select_plan *p)
{
	domo_meta_free_columns(p->column, p->ncolumns);
	free(p->sql);
	free(p->count);
	memset(p, 0, sizeof(*p));
}

static bool
is_number(const char *type)
{
	return strcmp(type, "LONG") == 0 || strcmp(type, "DOUBLE") == 0 ||
	    strcmp(type, "DECIMAL") == 0;
}

/* " WHERE (...) AND `column` > value". */
static enum domo_result
put_where(struct domo *d, const struct domo_select *s,
    const struct domo_meta *m, struct buf *out)
{
	const char *type;
	ssize_t c;
	int rc = 0;

	if (s->where != NULL)
		rc = buf_addf(out, " WHERE (%s)", s->where);
	if (s->since != NULL) {
		c = find_column(m, s->since_column);
		if (c < 0)
			return no_column(d, m, s->since_column);
		type = m->column[c].type;
		if (is_number(type) && s->since[strspn(s->since,
		    "0123456789+-.eE")] != '\0')
			return domo_fail(d, DOMO_FAILED, "column '%s' is a "
			    "%s, and '%s' is no number", m->column[c].name,
			    type, s->since);
		rc |= buf_adds(out, s->where != NULL ? " AND " : " WHERE ");
		rc |= put_between(out, m->column[c].name, '`');
		rc |= buf_adds(out, " > ");
		rc |= is_number(type) ? buf_adds(out, s->since) :
		    put_between(out, s->since, '\'');
	}
	return rc == 0 ? DOMO_OK :
	    domo_fail(d, DOMO_FAILED, "the query is too long");
}

static int
put_sql(struct buf *out, const struct domo_select *s,
    const struct domo_select_plan *p, const char *where)
{
	size_t i;
	int rc;

	rc = buf_adds(out, s->columns == NULL ? "SELECT *" : "SELECT ");
	for (i = 0; s->columns != NULL && i < p->ncolumns; i++) {
		rc |= buf_adds(out, i > 0 ? ", " : "");
		rc |= put_between(out, p->column[i].name, '`');
	}
	rc |= buf_addf(out, " FROM table%s", where);
	if (s->limit >= 0)
		rc |= buf_addf(out, " LIMIT %lld", (long long)s->limit);
	return rc;
}

enum domo_result
domo_select_make(struct domo *d, const struct domo_select *s,
    const struct domo_meta *m, struct domo_select_plan *p)
{
	struct buf where, text;
	enum domo_result res;

	memset(p, 0, sizeof(*p));
	if (m->ncolumns == 0 && domo_select_any(s))
		return domo_fail(d, DOMO_FAILED, "Domo tells no schema, which "
		    "a choice of columns or rows needs");
	buf_init(&where, SQL_MAX / 2);
	buf_init(&text, SQL_MAX);
	res = put_where(d, s, m, &where);
	if (res == DOMO_OK)
		res = choose_columns(d, s->columns, m, p);
	if (res == DOMO_OK)
		p->count = mem_fmt("SELECT COUNT(*) FROM table%s", where.data);
	if (res == DOMO_OK && domo_select_any(s)) {
		if (put_sql(&text, s, p, where.data) == 0)
			p->sql = buf_take(&text);
		else
			res = domo_fail(d, DOMO_FAILED,
			    "the query is too long");
	}
	buf_release(&where);
	buf_release(&text);
	return res;
}
