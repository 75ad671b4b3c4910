/*
 * What Domo knows about DataSets. Any field can be missing in an answer, and
 * the id of an owner is a number or a string (facts of the API).
 */
#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "domo_meta.h"
#include "mem.h"
#include "msg.h"
#include "num.h"
#include "table.h"

#define PAGE 50			/* DataSets a page; Domo's maximum */
#define DATASETS "/v1/datasets"

/* A string or a number as text, NULL if there is none. */
static char *
text_of(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	if (json_is_string(v))
		return mem_dup(json_string_value(v));
	if (json_is_integer(v))
		return mem_fmt("%" JSON_INTEGER_FORMAT, json_integer_value(v));
	if (json_is_boolean(v))
		return mem_dup(json_is_true(v) ? "true" : "false");
	return NULL;
}

static int64_t
number_of(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	return json_is_integer(v) && json_integer_value(v) >= 0 ?
	    (int64_t)json_integer_value(v) : -1;
}

static void
read_schema(const json_t *j, struct domo_meta *m)
{
	const json_t *columns = json_object_get(json_object_get(j, "schema"),
	    "columns");
	const json_t *c;
	size_t i;

	m->ncolumns = json_array_size(columns);
	m->column = mem_zero(m->ncolumns + 1, sizeof(*m->column));
	for (i = 0; i < m->ncolumns; i++) {
		c = json_array_get(columns, i);
		m->column[i].name = text_of(c, "name");
		m->column[i].type = text_of(c, "type");
		if (m->column[i].name == NULL)
			m->column[i].name = mem_dup("");
		if (m->column[i].type == NULL)
			m->column[i].type = mem_dup("STRING");
	}
}

static void
read_meta(const json_t *j, struct domo_meta *m)
{
	const json_t *owner = json_object_get(j, "owner");

	m->id = text_of(j, "id");
	m->name = text_of(j, "name");
	m->description = text_of(j, "description");
	m->rows = number_of(j, "rows");
	m->columns = number_of(j, "columns");
	m->owner_id = text_of(owner, "id");
	m->owner_name = text_of(owner, "name");
	m->created_at = text_of(j, "createdAt");
	m->updated_at = text_of(j, "updatedAt");
	m->data_current_at = text_of(j, "dataCurrentAt");
	m->pdp_enabled = text_of(j, "pdpEnabled");
	m->deleted = json_is_true(json_object_get(j, "deleted"));
	read_schema(j, m);
}

void
domo_meta_free_columns(struct domo_meta_column *column, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(column[i].name);
		free(column[i].type);
	}
	free(column);
}

bool
domo_meta_has_pdp(const struct domo_meta *m)
{
	return m->pdp_enabled != NULL && strcmp(m->pdp_enabled, "true") == 0;
}

void
domo_meta_release(struct domo_meta *m)
{
	domo_meta_free_columns(m->column, m->ncolumns);
	free(m->id);
	free(m->name);
	free(m->description);
	free(m->owner_id);
	free(m->owner_name);
	free(m->created_at);
	free(m->updated_at);
	free(m->data_current_at);
	free(m->pdp_enabled);
	memset(m, 0, sizeof(*m));
}

/* GET a path whose answer is JSON of a type. */
static enum domo_result
get_json(struct domo *d, const char *path, json_type type, json_t **out)
{
	struct domo_request q = {.method = "GET", .path = path};
	struct http_reply r;
	enum domo_result res;
	json_error_t err;
	const char *t;

	*out = NULL;
	http_reply_init(&r);
	res = domo_ask(d, &q, &r);
	if (res == DOMO_OK) {
		*out = json_loadb(r.body.data, r.body.len, 0, &err);
		if (*out == NULL || json_typeof(*out) != type) {
			t = http_header(&r, "Content-Type");
			res = domo_fail(d, DOMO_FAILED, "the answer is not "
			    "the JSON that the API promises (type %s, %s)",
			    t != NULL ? t : "none",
			    *out == NULL ? err.text : "another form");
			json_decref(*out);
			*out = NULL;
		}
	}
	http_reply_release(&r);
	return res;
}

enum domo_result
domo_meta_get(struct domo *d, const char *id, struct domo_meta *m)
{
	char *escaped = http_escape(id, false);
	char *path = mem_fmt(DATASETS "/%s", escaped);
	enum domo_result res;
	json_t *j;

	memset(m, 0, sizeof(*m));
	res = get_json(d, path, JSON_OBJECT, &j);
	if (res == DOMO_OK) {
		read_meta(j, m);
		json_decref(j);
		if (m->deleted)
			res = domo_fail(d, DOMO_FAILED,
			    "the DataSet is deleted");
		else if (m->id == NULL || strcasecmp(m->id, id) != 0)
			res = domo_fail(d, DOMO_FAILED, "the answer is about "
			    "'%s'", m->id != NULL ? m->id : "no DataSet");
	}
	free(path);
	free(escaped);
	return res;
}

enum domo_result
domo_meta_list(struct domo *d, const char *pattern,
    int (*each)(void *arg, const struct domo_meta *), void *arg)
{
	char *like = pattern != NULL ? http_escape(pattern, false) : NULL;
	size_t offset = 0, i, n;
	enum domo_result res;
	struct domo_meta m;
	json_t *page;
	char *path;

	/* To the first empty page: a short one may be Domo's mistake. */
	do {
		path = mem_fmt(DATASETS "?limit=%d&offset=%zu&sort=name%s%s",
		    PAGE, offset, like != NULL ? "&nameLike=" : "",
		    like != NULL ? like : "");
		res = get_json(d, path, JSON_ARRAY, &page);
		free(path);
		n = json_array_size(page);
		for (i = 0; res == DOMO_OK && i < n; i++) {
			memset(&m, 0, sizeof(m));
			read_meta(json_array_get(page, i), &m);
			if (!m.deleted && each(arg, &m) != 0)
				res = domo_fail(d, DOMO_FAILED, "%s", "");
			domo_meta_release(&m);
		}
		json_decref(page);
		offset += n;
	} while (res == DOMO_OK && n > 0);
	free(like);
	return res;
}

/* Those with exactly this name. */
struct finding {
	const char *name;
	size_t n;
	struct buf ids;		/* "id, id" */
};

static int
compare_name(void *arg, const struct domo_meta *m)
{
	struct finding *f = arg;

	if (m->name == NULL || m->id == NULL || strcmp(m->name, f->name) != 0)
		return 0;
	/* A list that changes between two pages can tell one twice. */
	if (strstr(f->ids.data, m->id) != NULL)
		return 0;
	f->n++;
	buf_addf(&f->ids, "%s%s", f->n > 1 ? ", " : "", m->id);
	return 0;
}

static enum domo_result
find_by_name(struct domo *d, const char *name, char **id)
{
	struct finding f = {.name = name};
	enum domo_result res;

	buf_init(&f.ids, 1024);	/* a reader needs no more than 25 of them */
	res = domo_meta_list(d, name, compare_name, &f);
	if (res == DOMO_OK && f.n == 0)
		res = domo_fail(d, DOMO_FAILED, "no DataSet that this client "
		    "may see has exactly this name");
	else if (res == DOMO_OK && f.n > 1)
		res = domo_fail(d, DOMO_FAILED, "%zu DataSets have this name; "
		    "give the id of one: %s", f.n, f.ids.data);
	if (res == DOMO_OK)
		*id = mem_dup(f.ids.data);
	buf_release(&f.ids);
	return res;
}

/* Where an id of n bytes stands in DATASET, NULL if it is no such form. In
 * an address, browsers leave out the scheme at times. */
static const char *
id_in(const char *s, size_t *n)
{
	static const char *const before[] = {"/datasources/", "/datasets/"};
	const char *p;
	size_t i;

	for (i = 0; i < 2; i++)
		if ((p = strstr(s, before[i])) != NULL) {
			s = p + strlen(before[i]);
			break;
		}
	*n = strcspn(s, "/?#");
	/* What follows an id alone, a mistake? */
	if (i == 2 && s[*n] != '\0')
		return NULL;
	if (*n == 0 || strspn(s, "0123456789abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") < *n)
		return NULL;
	return s;
}

bool
domo_meta_is_dataset(const char *s)
{
	size_t n;

	return strncmp(s, "name:", 5) == 0 ? s[5] != '\0' :
	    id_in(s, &n) != NULL;
}

enum domo_result
domo_meta_find(struct domo *d, const char *s, char **id)
{
	const char *p;
	size_t n;

	*id = NULL;
	if (strncmp(s, "name:", 5) == 0)
		return find_by_name(d, s + 5, id);
	p = id_in(s, &n);
	if (p == NULL)
		return domo_fail(d, DOMO_FAILED, "it is neither an id, nor the "
		    "address of a DataSet's page, nor name:NAME");
	*id = mem_ndup(p, n);
	return DOMO_OK;
}

static bool
differ(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") != 0;
}

const char *
domo_meta_updated(const struct domo_meta *a, const struct domo_meta *b)
{
	if (a->rows >= 0 && b->rows >= 0 && a->rows != b->rows)
		return "rows";
	if (differ(a->updated_at, b->updated_at))
		return "updatedAt";
	return differ(a->data_current_at, b->data_current_at) ?
	    "dataCurrentAt" : NULL;
}

const char *
domo_meta_changed(const struct domo_meta *a, const struct domo_meta *b)
{
	const char *what = domo_meta_updated(a, b);
	size_t i;

	if (what != NULL)
		return what;
	if (a->rows != b->rows)
		return "rows";
	if (a->columns != b->columns || a->ncolumns != b->ncolumns)
		return "columns";
	for (i = 0; i < a->ncolumns; i++)
		if (differ(a->column[i].name, b->column[i].name) ||
		    differ(a->column[i].type, b->column[i].type))
			return "schema";
	return NULL;
}

int
domo_meta_read(struct domo_meta *m, const char *path)
{
	static const char *const names[] = {"id", "rows", "updated_at",
		"data_current_at"};
	const char *value[4] = {NULL};
	struct table t = {0};
	int col = -1, rc = -1;
	size_t i;

	memset(m, 0, sizeof(*m));
	if (table_read_file(&t, path) != 0)
		goto out;
	if (t.nrows != 1) {
		msg_error("cannot use '%s': it describes %zu DataSets, not one",
		    path, t.nrows);
		goto out;
	}
	for (i = 0; i < 4; i++) {
		col = table_need(&t, names[i], path);
		if (col < 0)
			goto out;
		value[i] = table_get(&t, 0, (size_t)col);
	}
	m->id = mem_dup(value[0]);
	m->rows = -1;
	if (value[1] != NULL)
		num_parse(value[1], 0, INT64_MAX, &m->rows);
	m->updated_at = mem_dup(value[2]);
	m->data_current_at = mem_dup(value[3]);
	rc = 0;
out:
	table_release(&t);
	return rc;
}

int
domo_meta_put_header(struct buf *out)
{
	return buf_adds(out, "id,name,description,rows,columns,owner_id,"
	    "owner_name,created_at,updated_at,data_current_at,pdp_enabled\n");
}

int
domo_meta_put(struct buf *out, const struct domo_meta *m)
{
	char *rows = m->rows >= 0 ? mem_fmt("%lld", (long long)m->rows) : NULL;
	char *columns = m->columns >= 0 ?
	    mem_fmt("%lld", (long long)m->columns) : NULL;
	const char *field[] = {m->id, m->name, m->description, rows, columns,
		m->owner_id, m->owner_name, m->created_at, m->updated_at,
		m->data_current_at, m->pdp_enabled};
	int rc;

	rc = table_put_row(out, sizeof(field) / sizeof(field[0]), field);
	free(rows);
	free(columns);
	return rc;
}

int
domo_meta_put_schema(struct buf *out, const struct domo_meta *m)
{
	const char *field[2];
	size_t i;

	if (buf_adds(out, "name,type\n") != 0)
		return -1;
	for (i = 0; i < m->ncolumns; i++) {
		field[0] = m->column[i].name;
		field[1] = m->column[i].type;
		if (table_put_row(out, 2, field) != 0)
			return -1;
	}
	return 0;
}
