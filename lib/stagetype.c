/*
 * The types of staged columns. That values have their declared type is
 * checked by scan, row by row; which type holds all values is said here.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "msg.h"
#include "name.h"
#include "num.h"
#include "plan.h"
#include "stagetype.h"
#include "table.h"

/* A decimal's room when nothing is known of later values; it takes 8 bytes,
 * as few digits do too. */
#define DECIMAL_USUAL 18

/* Domo's types; their widths are measured. DECIMAL gets all the digits that
 * there are, because a table's NUMERIC can never be widened. */
static const struct {
	const char *word;
	enum scan_kind kind;
	struct coltype type;
} domo[] = {
	{"STRING", SCAN_TEXT, {.kind = COLTYPE_VARCHAR}},
	{"LONG", SCAN_INT, {.kind = COLTYPE_BIGINT}},
	{"DECIMAL", SCAN_DECIMAL, {.kind = COLTYPE_NUMERIC,
		.precision = COLTYPE_NUMERIC_MAX, .scale = -1}},
	{"DOUBLE", SCAN_DOUBLE, {.kind = COLTYPE_DOUBLE}},
	{"DATE", SCAN_DATE, {.kind = COLTYPE_DATE}},
	{"DATETIME", SCAN_TIMESTAMP, {.kind = COLTYPE_TIMESTAMP}},
};

/* The names of the manifest's schema: those of information_schema. */
static const char *const bases[] = {
	[COLTYPE_VARCHAR] = "character varying", [COLTYPE_CHAR] = "character",
	[COLTYPE_SMALLINT] = "smallint", [COLTYPE_INTEGER] = "integer",
	[COLTYPE_BIGINT] = "bigint", [COLTYPE_NUMERIC] = "numeric",
	[COLTYPE_REAL] = "real", [COLTYPE_DOUBLE] = "double precision",
	[COLTYPE_BOOLEAN] = "boolean", [COLTYPE_DATE] = "date",
	[COLTYPE_TIMESTAMP] = "timestamp without time zone",
	[COLTYPE_TIMESTAMPTZ] = "timestamp with time zone",
};

/* What values a type of Redshift's takes. 0, or -1. */
static int
values_of(const struct coltype *t, struct scan_type *s)
{
	static const struct {int64_t min, max;} ints[] = {
		[COLTYPE_SMALLINT] = {INT16_MIN, INT16_MAX},
		[COLTYPE_INTEGER] = {INT32_MIN, INT32_MAX},
		[COLTYPE_BIGINT] = {INT64_MIN, INT64_MAX},
	};

	memset(s, 0, sizeof(*s));
	switch (t->kind) {
	case COLTYPE_VARCHAR:
	case COLTYPE_CHAR:
		s->kind = SCAN_TEXT;
		s->max_length = t->length;
		s->ascii = t->kind == COLTYPE_CHAR;
		return 0;
	case COLTYPE_SMALLINT:
	case COLTYPE_INTEGER:
	case COLTYPE_BIGINT:
		s->kind = SCAN_INT;
		s->min = ints[t->kind].min;
		s->max = ints[t->kind].max;
		return 0;
	case COLTYPE_NUMERIC:
		s->kind = SCAN_DECIMAL;
		s->precision = t->precision;
		s->scale = t->scale;
		return 0;
	case COLTYPE_REAL:
	case COLTYPE_DOUBLE:
		s->kind = SCAN_DOUBLE;
		return 0;
	case COLTYPE_BOOLEAN:
		s->kind = SCAN_BOOL;
		return 0;
	case COLTYPE_DATE:
		s->kind = SCAN_DATE;
		return 0;
	case COLTYPE_TIMESTAMP:
		s->kind = SCAN_TIMESTAMP;
		return 0;
	case COLTYPE_TIMESTAMPTZ:
		s->kind = SCAN_ZONED;
		return 0;
	default:
		return -1;
	}
}

/* "(12,2)" or "(12)" or nothing behind a word. 0, or -1. */
static int
parse_args(const char *p, int64_t *first, int64_t *second)
{
	char *text, *comma;
	size_t n = strlen(p);
	int rc = 0;

	*first = *second = -1;
	if (n == 0)
		return 0;
	if (n < 3 || p[n - 1] != ')')
		return -1;
	text = mem_ndup(p + 1, n - 2);
	comma = strchr(text, ',');
	if (comma != NULL) {
		*comma++ = '\0';
		comma += strspn(comma, " ");
		rc = num_parse(comma, 0, COLTYPE_NUMERIC_MAX, second);
	}
	if (rc == 0)
		rc = num_parse(text, 1, COLTYPE_VARCHAR_MAX, first);
	free(text);
	return rc;
}

/* A type in Domo's or in Redshift's words. 0, or -1. */
static int
parse_type(const char *text, struct coltype *t, struct scan_type *s)
{
	int64_t a, b;
	char *word;
	size_t i, n;

	for (i = 0; i < sizeof(domo) / sizeof(domo[0]); i++) {
		if (strcasecmp(text, domo[i].word) == 0) {
			*t = domo[i].type;
			*s = (struct scan_type){.kind = domo[i].kind,
			    .min = INT64_MIN, .max = INT64_MAX};
			return 0;
		}
	}
	n = strcspn(text, "(");
	if (parse_args(text + n, &a, &b) != 0)
		return -1;
	while (n > 0 && text[n - 1] == ' ')
		n--;
	word = mem_ndup(text, n);
	*t = coltype_of(word, (int)a, (int)a, (int)b);
	free(word);
	return t->kind != COLTYPE_OTHER && coltype_valid(t) ?
	    values_of(t, s) : -1;
}

/* A name that Domo may have given to a new type of its own. */
static bool
is_word(const char *s)
{
	return *s != '\0' &&
	    s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")] == '\0';
}

static int
read_rows(struct stagetype *d, const struct table *t, const char *path,
    struct stage *s)
{
	int name = table_need(t, "name", path);
	int type = table_need(t, "type", path);
	const char *a, *b;
	size_t i;

	if (name < 0 || type < 0)
		return -1;
	if (t->nrows != d->n)
		return msg_error("cannot use '%s': it has %zu columns, the "
		    "input has %zu", path, t->nrows, d->n);
	for (i = 0; i < d->n; i++) {
		a = table_get(t, i, (size_t)name);
		b = table_get(t, i, (size_t)type);
		/* A column may have no name. */
		a = a != NULL ? a : "";
		stage_name(s, i, a);
		if (strcmp(a, stage_column(s, i)) != 0)
			return msg_error("cannot use '%s': column %zu is '%s' "
			    "there, and '%s' in the input", path, i + 1, a,
			    stage_column(s, i));
		if (b != NULL && is_word(b) &&
		    parse_type(b, &d->type[i], &d->scan[i]) != 0) {
			msg_warn("column '%s' has the type '%s', which is not "
			    "known; it is taken as STRING", a, b);
			b = "STRING";
		}
		if (b == NULL || parse_type(b, &d->type[i], &d->scan[i]) != 0)
			return msg_error("cannot use '%s': column '%s' has "
			    "the type '%s', which is neither Domo's nor "
			    "Redshift's", path, a, b != NULL ? b : "");
	}
	return 0;
}

int
stagetype_read(struct stagetype *d, const char *path, struct stage *s)
{
	struct table t;
	int rc;

	memset(&t, 0, sizeof(t));
	d->n = stage_columns(s);
	d->scan = mem_zero(d->n, sizeof(*d->scan));
	d->type = mem_zero(d->n, sizeof(*d->type));
	rc = table_read_file(&t, path);
	if (rc == 0)
		rc = read_rows(d, &t, path, s);
	table_release(&t);
	return rc;
}

void
stagetype_release(struct stagetype *d)
{
	free(d->scan);
	free(d->type);
	memset(d, 0, sizeof(*d));
}

/* The narrowest type that takes all values; scale -1: as measured. */
static struct coltype
needed(const struct scan_prof *p)
{
	static const enum coltype_kind kinds[] = {
		[SCAN_NONE] = COLTYPE_VARCHAR, [SCAN_INT] = COLTYPE_BIGINT,
		[SCAN_DECIMAL] = COLTYPE_NUMERIC,
		[SCAN_DOUBLE] = COLTYPE_DOUBLE, [SCAN_DATE] = COLTYPE_DATE,
		[SCAN_TIMESTAMP] = COLTYPE_TIMESTAMP,
		[SCAN_ZONED] = COLTYPE_TIMESTAMPTZ,
		[SCAN_BOOL] = COLTYPE_BOOLEAN, [SCAN_TEXT] = COLTYPE_VARCHAR,
	};
	struct coltype t = {.kind = kinds[p->kind], .scale = -1};

	/* An empty string is no number, and a double would round these. */
	if (p->empty > 0 || (p->kind == SCAN_DOUBLE && p->wide) ||
	    (p->kind == SCAN_DECIMAL && p->max_int_digits +
	    p->max_frac_digits > COLTYPE_NUMERIC_MAX))
		t.kind = COLTYPE_VARCHAR;
	return t;
}

/* Fill in what was measured. */
static int
fit_decimal(struct coltype *t, const struct scan_prof *p, const char *name)
{
	int digits = p->max_int_digits + p->max_frac_digits;

	if (t->scale >= 0)
		return 0;
	if (digits > COLTYPE_NUMERIC_MAX)
		return msg_error("cannot stage 'standard input': column '%s' "
		    "has values with %d digits before and others with %d "
		    "behind the point; together Redshift has 38: declare it "
		    "as DOUBLE or VARCHAR(%llu)", name, p->max_int_digits,
		    p->max_frac_digits, (unsigned long long)p->max_bytes);
	t->scale = p->max_frac_digits < COLTYPE_NUMERIC_MAX ?
	    p->max_frac_digits : COLTYPE_NUMERIC_MAX - 1;
	if (t->precision == 0)
		t->precision = digits > DECIMAL_USUAL ? digits : DECIMAL_USUAL;
	return 0;
}

static int
add_column(struct manifest *m, const char *name, const struct scan_prof *p,
    struct coltype t)
{
	struct manifest_column *c;

	if (t.kind == COLTYPE_NUMERIC && fit_decimal(&t, p, name) != 0)
		return -1;
	if (t.kind == COLTYPE_VARCHAR && t.length == 0)
		t.length = p->max_bytes > 0 ? (int)p->max_bytes : 1;
	c = manifest_add_column(m, name, bases[t.kind]);
	if (t.kind == COLTYPE_VARCHAR || t.kind == COLTYPE_CHAR)
		c->max_length = t.length;
	if (t.kind == COLTYPE_NUMERIC) {
		c->precision = t.precision;
		c->scale = t.scale;
	}
	c->nulls = (int64_t)p->nulls;
	c->empty = (int64_t)p->empty;
	c->max_bytes = (int64_t)p->max_bytes;
	if (p->kind == SCAN_INT || p->kind == SCAN_DECIMAL)
		c->int_digits = p->max_int_digits;
	return 0;
}

int
stagetype_columns(const struct stagetype *d, const struct stage *s,
    struct manifest *m)
{
	const struct scan_prof *p = stage_profile(s)->prof;
	char **name;
	size_t i;

	for (i = 0; i < stage_columns(s); i++)
		if (add_column(m, stage_column(s, i), &p[i],
		    d->n > 0 ? d->type[i] : needed(&p[i])) != 0)
			return -1;
	name = plan_names(m, NAME_MAX_LEN);
	for (i = 0; i < m->ncolumns; i++)
		m->column[i].column = mem_dup(name[i]);
	plan_names_free(name);
	return 0;
}
