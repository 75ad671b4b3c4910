/*
 * Blocks of records: the life of a struct scan, its merging, its faults in
 * words, and the header. The records: scan_fast.c and scan_row.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "scan.h"
#include "scan_fast.h"
#include "scan_row.h"
#include "scan_value.h"

const char *
scan_opt_fault(const struct scan_opt *o)
{
	const char *s = o->null_string;

	if (o->delim == '\0' || o->delim == '\n' || o->delim == '\r' ||
	    (unsigned char)o->delim >= 0x80)
		return "the delimiter must be one ascii character";
	if (o->quote == '\n' || o->quote == '\r' || o->quote == o->delim ||
	    (unsigned char)o->quote >= 0x80)
		return "the quote must be one ascii character, and not the "
		    "delimiter";
	if (s == NULL || strpbrk(s, ",\"\r\n") != NULL || strlen(s) > 64)
		return "the null string must not have a comma, a quote or a "
		    "newline, and at most 64 bytes";
	return NULL;
}

void
scan_init(struct scan *s, const struct scan_opt *opt, size_t ncols)
{
	memset(s, 0, sizeof(*s));
	s->opt = opt;
	s->ncols = ncols;
	s->prof = mem_zero(ncols, sizeof(*s->prof));
	s->span = mem_zero(ncols, sizeof(*s->span));
	/* Every byte of the widest field can become a U+FFFD. A wider one
	 * comes in only to be cut, and no row may be wider. */
	buf_init(&s->value, (size_t)3 * SCAN_ROW_MAX);
	s->fast = scan_fast_new(opt, ncols);
}

void
scan_release(struct scan *s)
{
	free(s->prof);
	free(s->span);
	scan_fast_free(s->fast);
	buf_release(&s->value);
	memset(s, 0, sizeof(*s));
}

void
scan_reset(struct scan *s)
{
	memset(s->prof, 0, s->ncols * sizeof(*s->prof));
	s->rows = s->replaced = s->truncated = 0;
	s->fault = SCAN_FINE;
	s->fault_row = s->fault_offset = 0;
	s->fault_col = s->fault_fields = s->fault_start = s->fault_len = 0;
	scan_fast_reset(s->fast, s->opt, s->ncols);
}

/* Each byte can become a U+FFFD, or a NULL with its comma; a byte in quotes
 * with its comma makes less. */
size_t
scan_out_max(const struct scan *s, size_t n)
{
	size_t null = strlen(s->opt->null_string) + 1;

	return (n + 1) * (null > 3 ? null : 3) + 64;
}

/* What follows from the counts of the rows. */
static void
finish(struct scan *s)
{
	const struct scan_type *t = s->opt->types;
	struct scan_prof *p;
	size_t i;

	for (i = 0; i < s->ncols; i++) {
		p = &s->prof[i];
		p->values = s->rows - p->nulls - p->empty;
		if (t != NULL && t[i].kind != SCAN_NONE && p->values > 0)
			p->kind = t[i].kind;
	}
}

int
scan_block(struct scan *s, const char *p, size_t n, bool last, struct buf *out)
{
	uint64_t before = s->rows;
	size_t at = 0;

	while (at < n) {
		at += scan_fast_rows(s, p + at, n - at, out);
		if (at < n && scan_row(s, p, n, &at, last, out) != 0) {
			s->fault_row = s->rows - before + 1;
			return -1;
		}
	}
	finish(s);
	return 0;
}

void
scan_merge(struct scan *a, const struct scan *b)
{
	size_t i;

	a->rows += b->rows;
	a->replaced += b->replaced;
	a->truncated += b->truncated;
	for (i = 0; i < a->ncols && i < b->ncols; i++) {
		const struct scan_prof *q = &b->prof[i];
		struct scan_prof *p = &a->prof[i];
		struct scan_value form = {
			q->kind, q->max_int_digits, q->max_frac_digits, q->wide
		};

		p->nulls += q->nulls;
		p->empty += q->empty;
		p->values += q->values;
		if (q->max_bytes > p->max_bytes)
			p->max_bytes = q->max_bytes;
		scan_value_add(p, &form);
	}
}

const char *
scan_fault_text(enum scan_fault fault)
{
	switch (fault) {
	case SCAN_FINE:
		return "no fault";
	case SCAN_OPEN_QUOTE:
		return "a quote that is never closed";
	case SCAN_AFTER_QUOTE:
		return "text after a closing quote";
	case SCAN_QUOTE_INSIDE:
		return "a quote inside a field that does not begin with one";
	case SCAN_RAGGED:
		return "not as many fields as the header";
	case SCAN_UTF8:
		return "bytes that are not utf-8";
	case SCAN_NUL:
		return "a NUL byte";
	case SCAN_ROW_LONG:
		return "a row of more than 4 MiB";
	case SCAN_FIELD_LONG:
		return "a field of more than 65535 bytes";
	case SCAN_NULL_STRING:
		return "a value equal to the null string";
	case SCAN_NO_NEWLINE:
		return "no newline at the end, it may have been cut";
	case SCAN_TYPE:
		return "a value that does not fit the column's type";
	case SCAN_FULL:
		return "no room for the output";
	}
	return "an unknown fault";
}

static char **
header_names(const struct scan_opt *o, const char *p,
    const struct scan_span *span, size_t n, enum scan_fault *fault)
{
	char **name = mem_zero(n + 1, sizeof(*name));
	uint64_t replaced = 0;
	struct buf value;
	size_t i, where;

	buf_init(&value, (size_t)3 * SCAN_ROW_MAX);
	for (i = 0; i < n; i++) {
		*fault = scan_row_value(o, p, span[i], &value, &replaced,
		    &where);
		if (*fault != SCAN_FINE)
			break;
		name[i] = mem_ndup(value.data, value.len);
	}
	buf_release(&value);
	if (i == n)
		return name;
	while (i > 0)
		free(name[--i]);
	free(name);
	return NULL;
}

char **
scan_header(const struct scan_opt *o, const char *p, size_t n, size_t *used,
    size_t *ncols, enum scan_fault *fault)
{
	size_t bom = 0, next, where;
	struct scan_span *span;
	char **name = NULL;

	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		bom = 3;
	*fault = scan_row_split(o, p, n, bom, false, NULL, 0, ncols, &next,
	    &where);
	if (*fault == SCAN_FINE && next - bom > SCAN_ROW_MAX)
		*fault = SCAN_ROW_LONG;
	if (*fault != SCAN_FINE)
		return NULL;
	span = mem_zero(*ncols, sizeof(*span));
	scan_row_split(o, p, n, bom, false, span, *ncols, ncols, &next,
	    &where);
	name = header_names(o, p, span, *ncols, fault);
	free(span);
	*used = next;
	return name;
}
