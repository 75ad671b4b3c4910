/*
 * One record, exactly, field by field. In two passes, so that a row with a
 * field too many is called ragged and not "a text in a number column".
 */
#include "config.h"

#include <string.h>

#include "scan_row.h"
#include "scan_value.h"

/* Where the line of p[i] ends: as much of a fault as is worth showing. */
static size_t
line_end(const char *p, size_t n, size_t i)
{
	const char *q = memchr(p + i, '\n', n - i);

	return q == NULL ? n : (size_t)(q - p);
}

/* Where the field at p[at] ends, its line end not counted. */
static enum scan_fault
field_end(const struct scan_opt *o, const char *p, size_t n, size_t at,
    size_t *end, size_t *where)
{
	const char *q;
	size_t i = at;

	if (o->quote != '\0' && i < n && p[i] == o->quote) {
		do {
			i++;
			q = i < n ? memchr(p + i, o->quote, n - i) : NULL;
			if (q == NULL) {
				*where = at;
				*end = n;
				return SCAN_OPEN_QUOTE;
			}
			i = (size_t)(q - p) + 1;
		} while (i < n && p[i] == o->quote);
		*where = *end = i;
		if (i == n || p[i] == o->delim || p[i] == '\n' ||
		    (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n'))
			return SCAN_FINE;
		*end = line_end(p, n, i);
		return SCAN_AFTER_QUOTE;
	}
	for (; i < n && p[i] != o->delim && p[i] != '\n'; i++)
		if (o->quote != '\0' && p[i] == o->quote) {
			*where = i;
			*end = line_end(p, n, i);
			return SCAN_QUOTE_INSIDE;
		}
	if (i < n && p[i] == '\n' && i > at && p[i - 1] == '\r')
		i--;
	*end = i;
	return SCAN_FINE;
}

enum scan_fault
scan_row_split(const struct scan_opt *o, const char *p, size_t n, size_t at,
    bool last, struct scan_span *span, size_t ncols, size_t *nfields,
    size_t *next, size_t *where)
{
	size_t start = at, i = at, end;
	enum scan_fault fault;

	for (*nfields = 0;; i++) {
		fault = field_end(o, p, n, i, &end, where);
		if (*nfields < ncols) {
			span[*nfields].start = i;
			span[*nfields].end = end;
		}
		if (fault != SCAN_FINE) {
			*next = end;
			return fault;
		}
		++*nfields;
		i = end;
		if (i == n || p[i] != o->delim)
			break;
	}
	*where = start;
	if (i == n) {
		*next = n;
		if (last)
			return SCAN_FINE;
		return n - start > SCAN_ROW_MAX ? SCAN_ROW_LONG :
		    SCAN_NO_NEWLINE;
	}
	*next = i + (p[i] == '\r' ? 2 : 1);
	return SCAN_FINE;
}

enum scan_fault
scan_row_value(const struct scan_opt *o, const char *p, struct scan_span f,
    struct buf *value, uint64_t *replaced, size_t *where)
{
	size_t i = f.start, end = f.end;
	bool quoted;
	int k;

	quoted = o->quote != '\0' && i < end && p[i] == o->quote;
	if (quoted) {
		i++;
		end--;
	}
	buf_reset(value);
	if (buf_reserve(value, 3 * (end - i)) != 0) {
		*where = i;
		return SCAN_FIELD_LONG;
	}
	while (i < end) {
		*where = i;
		if (p[i] == '\0')
			return SCAN_NUL;
		if (quoted && p[i] == o->quote)
			i++;		/* the first of two */
		k = scan_value_utf8(p + i, end - i);
		if (k < 0) {
			if (!o->replace_utf8)
				return SCAN_UTF8;
			++*replaced;
			buf_add(value, "\xef\xbf\xbd", 3);
			i += (size_t)-k;
		} else {
			buf_add(value, p + i, (size_t)k);
			i += (size_t)k;
		}
	}
	return SCAN_FINE;
}

/* Write a value that is not NULL, in quotes if COPY needs them. */
static void
put(const struct scan *s, const struct buf *v, struct buf *out)
{
	const char *p = v->data, *end = v->data + v->len, *q;

	/* Alone on their lines: a blank line, and the end of data in the
	 * dialect of PostgreSQL. */
	bool odd = s->ncols == 1 &&
	    (v->len == 0 || (v->len == 2 && memcmp(p, "\\.", 2) == 0));

	if (!odd && memchr(p, ',', v->len) == NULL &&
	    memchr(p, '"', v->len) == NULL && memchr(p, '\n', v->len) == NULL &&
	    memchr(p, '\r', v->len) == NULL) {
		buf_add(out, p, v->len);
		return;
	}
	buf_addc(out, '"');
	while ((q = memchr(p, '"', (size_t)(end - p))) != NULL) {
		buf_add(out, p, (size_t)(q - p) + 1);
		buf_addc(out, '"');
		p = q + 1;
	}
	buf_add(out, p, (size_t)(end - p));
	buf_addc(out, '"');
}

/* Too long: cut at a character, or the fault. */
static enum scan_fault
shorten(struct scan *s, const struct scan_type *t, struct buf *v)
{
	size_t max = SCAN_FIELD_MAX;
	enum scan_fault fault = SCAN_FIELD_LONG;

	if (t != NULL && t->kind == SCAN_TEXT && t->max_length != 0) {
		max = (size_t)t->max_length;
		if (v->len <= SCAN_FIELD_MAX)
			fault = SCAN_TYPE;
	}
	if (v->len <= max)
		return SCAN_FINE;
	if (!s->opt->truncate)
		return fault;
	while (max > 0 && ((unsigned char)v->data[max] & 0xc0) == 0x80)
		max--;
	v->len = max;
	v->data[max] = '\0';
	s->truncated++;
	return SCAN_FINE;
}

static bool
is_null(const struct scan_opt *o, const char *p, struct scan_span f)
{
	size_t n = f.end - f.start;

	return n == 0 || (o->null_in != NULL && p[f.start] != o->quote &&
	    n == strlen(o->null_in) &&
	    memcmp(p + f.start, o->null_in, n) == 0);
}

/* Check and measure a value; what is left of it is to be written, and *null
 * says that it is written as NULL. */
static enum scan_fault
measure(struct scan *s, const struct scan_type *t, struct scan_prof *prof,
    struct buf *v, bool *null)
{
	bool typed = t != NULL && t->kind != SCAN_NONE;
	struct scan_value form;
	enum scan_fault fault;

	*null = v->len == 0 && typed && t->kind != SCAN_TEXT;
	if (*null)
		return SCAN_FINE;
	if ((fault = shorten(s, t, v)) != SCAN_FINE)
		return fault;
	if (strcmp(v->data, s->opt->null_string) == 0)
		return SCAN_NULL_STRING;
	if (v->len == 0) {
		prof->empty++;
		return SCAN_FINE;
	}
	if (!typed)
		form = scan_value_look(v->data, v->len);
	else if (!scan_value_fits(t, v->data, v->len, &form))
		return SCAN_TYPE;
	scan_value_add(prof, &form);
	if (v->len > prof->max_bytes)
		prof->max_bytes = v->len;
	return SCAN_FINE;
}

static int
fault_at(struct scan *s, enum scan_fault fault, size_t col, size_t where,
    size_t start, size_t end)
{
	s->fault = fault;
	s->fault_col = col;
	s->fault_offset = where;
	s->fault_start = start;
	s->fault_len = end - start;
	return -1;
}

static int
row_fields(struct scan *s, const char *p, struct buf *out)
{
	const struct scan_opt *o = s->opt;
	const struct scan_type *t;
	enum scan_fault fault;
	size_t i, where;
	bool null;

	for (i = 0; i < s->ncols; i++) {
		struct scan_span f = s->span[i];

		where = f.start;
		t = o->types == NULL ? NULL : &o->types[i];
		if (i > 0)
			buf_addc(out, ',');
		null = is_null(o, p, f);
		if (!null) {
			fault = scan_row_value(o, p, f, &s->value,
			    &s->replaced, &where);
			if (fault == SCAN_FINE) {
				where = f.start;
				fault = measure(s, t, &s->prof[i], &s->value,
				    &null);
			}
			if (fault != SCAN_FINE)
				return fault_at(s, fault, i, where, f.start,
				    f.end);
		}
		if (null) {
			s->prof[i].nulls++;
			buf_adds(out, o->null_string);
		} else {
			put(s, &s->value, out);
		}
	}
	return 0;
}

int
scan_row(struct scan *s, const char *p, size_t n, size_t *at, bool last,
    struct buf *out)
{
	size_t next = n, where = *at, start = out->len, nfields;
	enum scan_fault fault;

	fault = scan_row_split(s->opt, p, n, *at, last, s->span, s->ncols,
	    &nfields, &next, &where);
	if (fault == SCAN_NO_NEWLINE || fault == SCAN_ROW_LONG)
		return fault_at(s, fault, s->ncols,
		    fault == SCAN_NO_NEWLINE ? n : where, *at, n);
	if (fault != SCAN_FINE && nfields < s->ncols)
		return fault_at(s, fault, nfields, where,
		    s->span[nfields].start, next);
	if (fault != SCAN_FINE)
		return fault_at(s, fault, s->ncols, where, where, next);
	if (nfields != s->ncols) {
		s->fault_fields = nfields;
		return fault_at(s, SCAN_RAGGED, s->ncols, *at, *at, next);
	}
	if (buf_reserve(out, scan_out_max(s, next - *at)) != 0)
		return fault_at(s, SCAN_FULL, s->ncols, *at, *at, next);
	if (row_fields(s, p, out) != 0)
		return -1;
	if (out->len - start > SCAN_ROW_MAX)
		return fault_at(s, SCAN_ROW_LONG, s->ncols, *at, *at, next);
	buf_addc(out, '\n');
	s->rows++;
	*at = next;
	return 0;
}
