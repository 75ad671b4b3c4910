/*
 * The manifest as a struct, to and from JSON. What is staged, and what is
 * done with it, is the programs' business.
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "manifest.h"
#include "mem.h"
#include "msg.h"

/* 100,000 objects with long keys have some 40 MB of text. */
#define TEXT_MAX (64 * 1024 * 1024)

void
manifest_init(struct manifest *m)
{
	memset(m, 0, sizeof(*m));
	m->content_length = m->record_count = MANIFEST_UNKNOWN;
	m->dataset_rows = m->source_bytes = MANIFEST_UNKNOWN;
}

void
manifest_release(struct manifest *m)
{
	size_t i;

	for (i = 0; i < m->nentries; i++)
		free(m->entry[i].url);
	for (i = 0; i < m->ncolumns; i++) {
		free(m->column[i].name);
		free(m->column[i].base);
		free(m->column[i].column);
	}
	free(m->entry);
	free(m->column);
	free(m->run_id);
	free(m->manifest_url);
	free(m->compression);
	free(m->null_string);
	free(m->dataset_id);
	free(m->dataset_name);
	free(m->data_time);
	manifest_init(m);
}

/* Room for one more element? At powers of two, so that a long list does not
 * take a time that grows with its square. */
static bool
full(size_t n)
{
	return (n & (n - 1)) == 0;
}

struct manifest_entry *
manifest_add_entry(struct manifest *m, const char *url)
{
	struct manifest_entry *e;

	if (full(m->nentries))
		m->entry = mem_resize(m->entry,
		    m->nentries == 0 ? 1 : m->nentries * 2, sizeof(*m->entry));
	e = &m->entry[m->nentries++];
	e->url = mem_dup(url);
	e->mandatory = true;
	e->content_length = e->record_count = MANIFEST_UNKNOWN;
	return e;
}

struct manifest_column *
manifest_add_column(struct manifest *m, const char *name, const char *base)
{
	struct manifest_column *c;

	if (full(m->ncolumns))
		m->column = mem_resize(m->column, m->ncolumns == 0 ? 1 :
		    m->ncolumns * 2, sizeof(*m->column));
	c = &m->column[m->ncolumns++];
	c->name = mem_dup(name);
	c->base = mem_dup(base);
	c->column = NULL;
	c->max_length = c->precision = c->scale = -1;
	c->nulls = c->empty = c->max_bytes = MANIFEST_UNKNOWN;
	c->int_digits = MANIFEST_UNKNOWN;
	return c;
}

int
manifest_split_url(const char *url, char **bucket, char **key)
{
	size_t n;

	if (strncmp(url, "s3://", 5) != 0)
		return -1;
	url += 5;
	n = strspn(url, "abcdefghijklmnopqrstuvwxyz0123456789.-_"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (n == 0 || url[n] != '/' || url[n + 1] == '\0')
		return -1;
	*bucket = mem_ndup(url, n);
	*key = mem_dup(url + n + 1);
	return 0;
}

/* Values by name; what is NULL or unknown is left out. */
static void
set_string(json_t *o, const char *name, const char *value)
{
	if (value != NULL)
		json_object_set_new(o, name, json_stringn_nocheck(value,
		    strlen(value)));
}

static void
set_count(json_t *o, const char *name, int64_t value)
{
	if (value >= 0)
		json_object_set_new(o, name, json_integer(value));
}

/* One value as compact JSON; it is given up. */
static int
add_json(struct buf *out, json_t *v)
{
	char *s = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	int rc;

	json_decref(v);
	if (s == NULL)
		return -1;
	rc = buf_adds(out, s);
	free(s);
	return rc;
}

static json_t *
counts(int64_t content_length, int64_t record_count)
{
	json_t *o = json_object();

	set_count(o, "content_length", content_length);
	set_count(o, "record_count", record_count);
	return o;
}

static json_t *
entry_json(const struct manifest_entry *e)
{
	json_t *o = json_object();

	set_string(o, "url", e->url);
	json_object_set_new(o, "mandatory", json_boolean(e->mandatory));
	json_object_set_new(o, "meta",
	    counts(e->content_length, e->record_count));
	return o;
}

static json_t *
element_json(const struct manifest_column *c)
{
	json_t *o = json_object(), *type = json_object();

	set_string(o, "name", c->name);
	set_string(type, "base", c->base);
	set_count(type, "max_length", c->max_length);
	set_count(type, "precision", c->precision);
	set_count(type, "scale", c->scale);
	json_object_set_new(o, "type", type);
	return o;
}

static json_t *
measured_json(const struct manifest_column *c)
{
	json_t *o = json_object();

	set_string(o, "name", c->name);
	set_string(o, "column", c->column);
	set_count(o, "nulls", c->nulls);
	set_count(o, "empty", c->empty);
	set_count(o, "max_bytes", c->max_bytes);
	set_count(o, "int_digits", c->int_digits);
	return o;
}

static json_t *
dataset_json(const struct manifest *m)
{
	json_t *o = json_object();

	set_string(o, "id", m->dataset_id);
	set_string(o, "name", m->dataset_name);
	set_string(o, "data_time", m->data_time);
	set_count(o, "rows", m->dataset_rows);
	set_count(o, "bytes", m->source_bytes);
	return o;
}

/* "NAME": VALUE,\n for a value that is there. */
static int
add_own(struct buf *out, const char *name, const char *value)
{
	if (value == NULL)
		return 0;
	return buf_addf(out, "  \"%s\": ", name) != 0 ||
	    add_json(out, json_stringn_nocheck(value, strlen(value))) != 0 ||
	    buf_adds(out, ",\n") != 0 ? -1 : 0;
}

static int
add_columns(const struct manifest *m, struct buf *out,
    json_t *(*one)(const struct manifest_column *))
{
	size_t i;

	for (i = 0; i < m->ncolumns; i++)
		if (buf_adds(out, i == 0 ? "\n    " : ",\n    ") != 0 ||
		    add_json(out, one(&m->column[i])) != 0)
			return -1;
	return buf_adds(out, "]");
}

static int
add_all(const struct manifest *m, struct buf *out)
{
	size_t i;

	if (buf_adds(out, "{\"entries\": [") != 0)
		return -1;
	for (i = 0; i < m->nentries; i++)
		if (buf_adds(out, i == 0 ? "\n  " : ",\n  ") != 0 ||
		    add_json(out, entry_json(&m->entry[i])) != 0)
			return -1;
	return buf_adds(out, "],\n \"schema\": {\"elements\": [") != 0 ||
	    add_columns(m, out, element_json) != 0 ||
	    buf_adds(out, "},\n \"meta\": ") != 0 ||
	    add_json(out, counts(m->content_length, m->record_count)) != 0 ||
	    buf_adds(out, ",\n \"author\": {\"name\": \"rs-writeback "
	    "s3-stage\", \"version\": \"" PACKAGE_VERSION "\"},\n"
	    " \"rs_writeback\": {\n") != 0 ||
	    add_own(out, "run_id", m->run_id) != 0 ||
	    add_own(out, "manifest_url", m->manifest_url) != 0 ||
	    add_own(out, "compression", m->compression) != 0 ||
	    add_own(out, "null_string", m->null_string) != 0 ||
	    buf_adds(out, "  \"dataset\": ") != 0 ||
	    add_json(out, dataset_json(m)) != 0 ||
	    buf_adds(out, ",\n  \"columns\": [") != 0 ||
	    add_columns(m, out, measured_json) != 0 ||
	    buf_adds(out, "}}\n") != 0 ? -1 : 0;
}

int
manifest_write(const struct manifest *m, struct buf *out)
{
	if (add_all(m, out) != 0)
		return msg_error("cannot write the manifest: it would be "
		    "larger than %zu bytes, or a name in it is not UTF-8",
		    out->max);
	return 0;
}

/* Where the parser is, for its messages. */
struct place {
	const char *what;	/* the manifest's name */
	const char *part;	/* "entry 3", "column 'x'", ... */
};

static int
bad(const struct place *at, const char *name, const char *want)
{
	return msg_error("cannot use the manifest '%s': %s: '%s' is not %s",
	    at->what, at->part, name, want);
}

static int
get_string(const struct place *at, const json_t *o, const char *name,
    char **out)
{
	const json_t *v = json_object_get(o, name);

	if (v == NULL || json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return bad(at, name, "a string");
	free(*out);
	*out = mem_dup(json_string_value(v));
	return 0;
}

static int
get_count(const struct place *at, const json_t *o, const char *name,
    int64_t max, int64_t *out)
{
	const json_t *v = json_object_get(o, name);

	if (v == NULL || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    json_integer_value(v) > max)
		return bad(at, name, "a whole number in bounds");
	*out = json_integer_value(v);
	return 0;
}

static int
get_small(const struct place *at, const json_t *o, const char *name, int *out)
{
	int64_t n = *out;

	if (get_count(at, o, name, 1 << 30, &n) != 0)
		return -1;
	*out = (int)n;
	return 0;
}

/* A member that must have a type if it is there; NULL if it is not. */
static int
get_member(const struct place *at, const json_t *o, const char *name,
    json_type type, const json_t **out)
{
	*out = json_object_get(o, name);
	if (*out != NULL && json_typeof(*out) != type)
		return bad(at, name, type == JSON_ARRAY ? "a list" :
		    "an object");
	return 0;
}

static int
get_entry(const char *what, size_t i, const json_t *o, struct manifest *m)
{
	char part[64];
	struct place at = {what, part};
	struct manifest_entry *e;
	const json_t *v, *meta;
	char *bucket, *key;

	snprintf(part, sizeof(part), "entry %zu", i + 1);
	if (!json_is_object(o))
		return bad(&at, "entries", "a list of objects");
	v = json_object_get(o, "url");
	if (!json_is_string(v) ||
	    manifest_split_url(json_string_value(v), &bucket, &key) != 0)
		return bad(&at, "url", "s3://BUCKET/KEY");
	free(bucket);
	free(key);
	e = manifest_add_entry(m, json_string_value(v));
	/* As COPY has it: without the word, a lost object is no error. */
	v = json_object_get(o, "mandatory");
	if (v != NULL && !json_is_boolean(v))
		return bad(&at, "mandatory", "true or false");
	e->mandatory = json_is_true(v);
	if (get_member(&at, o, "meta", JSON_OBJECT, &meta) != 0)
		return -1;
	return get_count(&at, meta, "content_length", INT64_MAX,
	    &e->content_length) != 0 || get_count(&at, meta, "record_count",
	    INT64_MAX, &e->record_count) != 0 ? -1 : 0;
}

static int
get_element(const char *what, size_t i, const json_t *o, struct manifest *m)
{
	char part[64];
	struct place at = {what, part};
	struct manifest_column *c;
	const json_t *name, *type, *base;

	snprintf(part, sizeof(part), "column %zu", i + 1);
	name = json_object_get(o, "name");
	if (!json_is_string(name))
		return bad(&at, "name", "a name");
	if (get_member(&at, o, "type", JSON_OBJECT, &type) != 0)
		return -1;
	base = json_object_get(type, "base");
	if (!json_is_string(base) || json_string_length(base) == 0)
		return bad(&at, "base", "the name of a type");
	c = manifest_add_column(m, json_string_value(name),
	    json_string_value(base));
	return get_small(&at, type, "max_length", &c->max_length) != 0 ||
	    get_small(&at, type, "precision", &c->precision) != 0 ||
	    get_small(&at, type, "scale", &c->scale) != 0 ? -1 : 0;
}

static int
get_measured(const char *what, size_t i, const json_t *o, struct manifest *m)
{
	char part[64];
	struct place at = {what, part};
	struct manifest_column *c = &m->column[i];

	snprintf(part, sizeof(part), "rs_writeback: column %zu", i + 1);
	return get_string(&at, o, "name", &c->name) != 0 ||
	    get_string(&at, o, "column", &c->column) != 0 ||
	    get_count(&at, o, "nulls", INT64_MAX, &c->nulls) != 0 ||
	    get_count(&at, o, "empty", INT64_MAX, &c->empty) != 0 ||
	    get_count(&at, o, "max_bytes", INT64_MAX, &c->max_bytes) != 0 ||
	    get_count(&at, o, "int_digits", INT64_MAX, &c->int_digits) != 0 ?
	    -1 : 0;
}

static int
get_own(const char *what, const json_t *o, struct manifest *m)
{
	struct place at = {what, "rs_writeback"};
	const json_t *set, *cols;
	size_t i;

	if (get_string(&at, o, "run_id", &m->run_id) != 0 ||
	    get_string(&at, o, "manifest_url", &m->manifest_url) != 0 ||
	    get_string(&at, o, "compression", &m->compression) != 0 ||
	    get_string(&at, o, "null_string", &m->null_string) != 0 ||
	    get_member(&at, o, "dataset", JSON_OBJECT, &set) != 0 ||
	    get_string(&at, set, "id", &m->dataset_id) != 0 ||
	    get_string(&at, set, "name", &m->dataset_name) != 0 ||
	    get_string(&at, set, "data_time", &m->data_time) != 0 ||
	    get_count(&at, set, "rows", INT64_MAX, &m->dataset_rows) != 0 ||
	    get_count(&at, set, "bytes", INT64_MAX, &m->source_bytes) != 0 ||
	    get_member(&at, o, "columns", JSON_ARRAY, &cols) != 0)
		return -1;
	if (cols != NULL && json_array_size(cols) != m->ncolumns)
		return bad(&at, "columns", "as long as the schema");
	for (i = 0; i < json_array_size(cols); i++)
		if (get_measured(what, i, json_array_get(cols, i), m) != 0)
			return -1;
	return 0;
}

/* What stands twice must agree: the totals and the sums of the entries. */
static int
check_sum(const struct place *at, const struct manifest *m,
    const char *name, bool rows, int64_t *total)
{
	int64_t sum = 0, n;
	size_t i;

	for (i = 0; i < m->nentries; i++) {
		n = rows ? m->entry[i].record_count :
		    m->entry[i].content_length;
		if (n == MANIFEST_UNKNOWN)
			return 0;
		if (n > INT64_MAX - sum)
			return bad(at, name, "possible");
		sum += n;
	}
	if (*total == MANIFEST_UNKNOWN && m->nentries > 0)
		*total = sum;
	if (*total != MANIFEST_UNKNOWN && *total != sum)
		return msg_error("cannot use the manifest '%s': its entries "
		    "have a %s of %lld together, but it says %lld", at->what,
		    name, (long long)sum, (long long)*total);
	return 0;
}

static int
get_all(const char *what, const json_t *root, struct manifest *m)
{
	struct place at = {what, "the whole"};
	const json_t *entries, *schema, *elements, *meta, *own;
	size_t i;

	if (get_member(&at, root, "entries", JSON_ARRAY, &entries) != 0 ||
	    get_member(&at, root, "schema", JSON_OBJECT, &schema) != 0 ||
	    get_member(&at, schema, "elements", JSON_ARRAY, &elements) != 0 ||
	    get_member(&at, root, "meta", JSON_OBJECT, &meta) != 0 ||
	    get_member(&at, root, "rs_writeback", JSON_OBJECT, &own) != 0)
		return -1;
	if (entries == NULL)
		return bad(&at, "entries", "there");
	for (i = 0; i < json_array_size(entries); i++)
		if (get_entry(what, i, json_array_get(entries, i), m) != 0)
			return -1;
	for (i = 0; i < json_array_size(elements); i++)
		if (get_element(what, i, json_array_get(elements, i), m) != 0)
			return -1;
	at.part = "meta";
	if (get_count(&at, meta, "content_length", INT64_MAX,
	    &m->content_length) != 0 || get_count(&at, meta, "record_count",
	    INT64_MAX, &m->record_count) != 0)
		return -1;
	if (own != NULL && get_own(what, own, m) != 0)
		return -1;
	if (m->nentries == 0 && m->record_count != 0)
		return bad(&at, "entries", "a list of at least one object");
	return check_sum(&at, m, "content_length", false,
	    &m->content_length) != 0 || check_sum(&at, m, "record_count",
	    true, &m->record_count) != 0 ? -1 : 0;
}

int
manifest_parse(const char *text, size_t len, const char *what,
    struct manifest *m)
{
	json_error_t e;
	json_t *root;
	int rc;

	manifest_init(m);
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	if (root == NULL)
		return msg_error("cannot use the manifest '%s': line %d: %s",
		    what, e.line, e.text);
	if (!json_is_object(root))
		rc = msg_error("cannot use the manifest '%s': it is not a "
		    "JSON object", what);
	else
		rc = get_all(what, root, m);
	json_decref(root);
	return rc;
}

int
manifest_read(int fd, const char *what, struct manifest *m)
{
	struct buf text;
	int rc;

	manifest_init(m);
	buf_init(&text, TEXT_MAX);
	rc = io_slurp(fd, &text, what);
	if (rc == 0 && text.len == 0)
		rc = msg_error("cannot use the manifest '%s': it is empty; "
		    "the stage before this one has failed", what);
	if (rc == 0)
		rc = manifest_parse(text.data, text.len, what, m);
	buf_release(&text);
	return rc;
}
