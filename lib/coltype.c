/*
 * Column types: words, DDL, and what fits into what. Where values might not
 * fit but COPY would say so, they are taken to fit: what must be known before
 * is what COPY loses without a word (decimals, the time of a day), and what
 * can not work at all. A width that was declared and not measured (UNLOAD's
 * manifests) says nothing about the values.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "coltype.h"

/* All the names that manifests and catalogs have for a kind; the first is
 * the one of DDL. */
static const struct {
	enum coltype_kind kind;
	const char *word;
} words[] = {
	{COLTYPE_VARCHAR, "VARCHAR"},
	{COLTYPE_VARCHAR, "character varying"},
	{COLTYPE_VARCHAR, "nvarchar"},
	{COLTYPE_VARCHAR, "text"},
	{COLTYPE_CHAR, "CHAR"},
	{COLTYPE_CHAR, "character"},
	{COLTYPE_CHAR, "nchar"},
	{COLTYPE_CHAR, "bpchar"},
	{COLTYPE_SMALLINT, "SMALLINT"},
	{COLTYPE_SMALLINT, "int2"},
	{COLTYPE_INTEGER, "INTEGER"},
	{COLTYPE_INTEGER, "int"},
	{COLTYPE_INTEGER, "int4"},
	{COLTYPE_BIGINT, "BIGINT"},
	{COLTYPE_BIGINT, "int8"},
	{COLTYPE_NUMERIC, "NUMERIC"},
	{COLTYPE_NUMERIC, "decimal"},
	{COLTYPE_REAL, "REAL"},
	{COLTYPE_REAL, "float4"},
	{COLTYPE_DOUBLE, "DOUBLE PRECISION"},
	{COLTYPE_DOUBLE, "float8"},
	{COLTYPE_DOUBLE, "float"},
	{COLTYPE_BOOLEAN, "BOOLEAN"},
	{COLTYPE_BOOLEAN, "bool"},
	{COLTYPE_DATE, "DATE"},
	{COLTYPE_TIMESTAMP, "TIMESTAMP"},
	{COLTYPE_TIMESTAMP, "timestamp without time zone"},
	{COLTYPE_TIMESTAMPTZ, "TIMESTAMPTZ"},
	{COLTYPE_TIMESTAMPTZ, "timestamp with time zone"},
};
#define NWORDS (sizeof(words) / sizeof(words[0]))

/* Types that are passed on as they are written. */
static const char *const others[] = {
	"super", "time", "time without time zone", "timetz",
	"time with time zone", "varbyte", "binary varying", "geometry",
	"geography", "hllsketch", NULL
};

struct coltype
coltype_of(const char *base, int length, int precision, int scale)
{
	struct coltype t = {.kind = COLTYPE_OTHER, .word = base};
	size_t i;

	for (i = 0; i < NWORDS; i++)
		if (strcasecmp(base, words[i].word) == 0)
			t.kind = words[i].kind;
	if (t.kind == COLTYPE_VARCHAR)
		t.length = length < 0 ? COLTYPE_VARCHAR_MAX : length;
	else if (t.kind == COLTYPE_CHAR)
		t.length = length < 0 ? 1 : length;
	/* NUMERIC without a precision is (18,0), with one the scale is 0. */
	if (t.kind == COLTYPE_NUMERIC) {
		t.precision = precision < 0 ? 18 : precision;
		t.scale = precision < 0 || scale < 0 ? 0 : scale;
	}
	return t;
}

static const char *
word(enum coltype_kind kind)
{
	size_t i;

	for (i = 0; words[i].kind != kind; i++)
		;
	return words[i].word;
}

void
coltype_ddl(const struct coltype *t, struct buf *b)
{
	buf_adds(b, t->kind == COLTYPE_OTHER ? t->word : word(t->kind));
	if (t->kind == COLTYPE_VARCHAR || t->kind == COLTYPE_CHAR)
		buf_addf(b, "(%d)", t->length);
	else if (t->kind == COLTYPE_NUMERIC)
		buf_addf(b, "(%d,%d)", t->precision, t->scale);
}

bool
coltype_valid(const struct coltype *t)
{
	size_t i;

	switch (t->kind) {
	case COLTYPE_VARCHAR:
		return t->length >= 1 && t->length <= COLTYPE_VARCHAR_MAX;
	case COLTYPE_CHAR:
		return t->length >= 1 && t->length <= 4096;
	case COLTYPE_NUMERIC:
		return t->precision >= 1 &&
		    t->precision <= COLTYPE_NUMERIC_MAX && t->scale >= 0 &&
		    t->scale <= t->precision && t->scale <= 37;
	case COLTYPE_OTHER:
		for (i = 0; others[i] != NULL; i++)
			if (strcasecmp(t->word, others[i]) == 0)
				return true;
		return false;
	default:
		return true;
	}
}

/* How many digits stand before the point, at most; -1: not a number, or not
 * known. */
static int
int_digits(const struct coltype_values *v)
{
	bool whole = v->type.kind == COLTYPE_SMALLINT ||
	    v->type.kind == COLTYPE_INTEGER || v->type.kind == COLTYPE_BIGINT;

	if (!whole && v->type.kind != COLTYPE_NUMERIC)
		return -1;
	return (int)v->int_digits;
}

static bool
is_number(const struct coltype *t)
{
	return t->kind == COLTYPE_SMALLINT || t->kind == COLTYPE_INTEGER ||
	    t->kind == COLTYPE_BIGINT || t->kind == COLTYPE_NUMERIC;
}

static enum coltype_fit
no(struct buf *why, enum coltype_fit how, const char *text)
{
	buf_adds(why, text);
	return how;
}

static enum coltype_fit
into_text(const struct coltype_values *v, const struct coltype *into,
    int *width, struct buf *why)
{
	int64_t need = v->max_bytes;

	if (need <= into->length)
		return COLTYPE_FITS;
	if (need > COLTYPE_VARCHAR_MAX)
		need = COLTYPE_VARCHAR_MAX;
	buf_addf(why, "its widest value has %lld bytes", (long long)need);
	if (into->kind == COLTYPE_CHAR)
		return COLTYPE_NEVER;
	*width = (int)need;
	/* As wide as a new table's column would be. */
	if (v->type.kind == COLTYPE_VARCHAR && v->type.length > *width)
		*width = v->type.length;
	return COLTYPE_WIDEN;
}

static enum coltype_fit
into_numeric(const struct coltype_values *v, const struct coltype *into,
    struct buf *why)
{
	int digits = int_digits(v), room = into->precision - into->scale;

	if (v->type.kind == COLTYPE_REAL || v->type.kind == COLTYPE_DOUBLE)
		return no(why, COLTYPE_ROUND, "floating point may have more "
		    "decimals than it keeps");
	if (v->type.kind == COLTYPE_NUMERIC && v->type.scale > into->scale) {
		buf_addf(why, "its values have up to %d decimals",
		    v->type.scale);
		return COLTYPE_ROUND;
	}
	/* Of text and of what is not known, COPY will say. */
	if (digits > room) {
		buf_addf(why, "its values have up to %d digits before the "
		    "point", digits);
		return COLTYPE_NEVER;
	}
	return COLTYPE_FITS;
}

static enum coltype_fit
into_float(const struct coltype_values *v, const struct coltype *into,
    struct buf *why)
{
	int digits = int_digits(v), keeps;

	if (!is_number(&v->type) && v->type.kind != COLTYPE_DOUBLE)
		return COLTYPE_FITS;
	/* Decimal digits that survive the way there and back. */
	keeps = into->kind == COLTYPE_REAL ? 6 : 15;
	if (v->type.kind == COLTYPE_DOUBLE && into->kind == COLTYPE_REAL)
		return no(why, COLTYPE_ROUND, "double precision has more "
		    "digits than it keeps");
	/* Not known: as many as the type has. */
	if (digits < 0)
		digits = v->type.kind == COLTYPE_NUMERIC ?
		    v->type.precision - v->type.scale : 19;
	if (v->type.kind == COLTYPE_NUMERIC)
		digits += v->type.scale;
	if (digits <= keeps || v->type.kind == COLTYPE_DOUBLE)
		return COLTYPE_FITS;
	buf_addf(why, "its values have up to %d digits, it keeps %d", digits,
	    keeps);
	return COLTYPE_ROUND;
}

static enum coltype_fit
into_integer(const struct coltype_values *v, const struct coltype *into,
    struct buf *why)
{
	int most = into->kind == COLTYPE_SMALLINT ? 5 :
	    into->kind == COLTYPE_INTEGER ? 10 : 19;

	if (v->type.kind == COLTYPE_NUMERIC && v->type.scale > 0)
		return no(why, COLTYPE_NEVER, "its values have decimals");
	if (v->type.kind == COLTYPE_REAL || v->type.kind == COLTYPE_DOUBLE)
		return no(why, COLTYPE_NEVER, "its values are floating point");
	if (int_digits(v) > most) {
		buf_addf(why, "its values have up to %d digits",
		    int_digits(v));
		return COLTYPE_NEVER;
	}
	return COLTYPE_FITS;
}

static enum coltype_fit
into_time(const struct coltype_values *v, const struct coltype *into,
    struct buf *why)
{
	bool stamp = v->type.kind == COLTYPE_TIMESTAMP ||
	    v->type.kind == COLTYPE_TIMESTAMPTZ;

	if (into->kind == COLTYPE_DATE && stamp)
		return no(why, COLTYPE_ROUND, "the time of the day would be "
		    "lost");
	if (into->kind == COLTYPE_TIMESTAMP &&
	    v->type.kind == COLTYPE_TIMESTAMPTZ)
		return no(why, COLTYPE_ROUND, "the time zone would be lost");
	if (v->type.kind == COLTYPE_NUMERIC || v->type.kind == COLTYPE_REAL ||
	    v->type.kind == COLTYPE_DOUBLE || v->type.kind == COLTYPE_BOOLEAN)
		return no(why, COLTYPE_NEVER, "its values are no dates");
	if (int_digits(v) >= 0 && int_digits(v) < 6)
		return no(why, COLTYPE_NEVER, "its values have too few digits "
		    "for a date");
	/* Dates, text, and 20261122 as a whole number: COPY sees. */
	return COLTYPE_FITS;
}

static bool
is_time(const struct coltype *t)
{
	return t->kind == COLTYPE_DATE || t->kind == COLTYPE_TIMESTAMP ||
	    t->kind == COLTYPE_TIMESTAMPTZ;
}

enum coltype_fit
coltype_fit(const struct coltype_values *v, const struct coltype *into,
    int *width, struct buf *why)
{
	if (v->none)
		return COLTYPE_FITS;
	if (into->kind == COLTYPE_VARCHAR || into->kind == COLTYPE_CHAR)
		return into_text(v, into, width, why);
	if (into->kind == COLTYPE_OTHER || v->type.kind == COLTYPE_OTHER)
		return COLTYPE_FITS;
	if (is_time(into))
		return into_time(v, into, why);
	if (is_time(&v->type))
		return no(why, COLTYPE_NEVER, "its values are dates");
	if (into->kind == COLTYPE_BOOLEAN) {
		if (v->type.kind == COLTYPE_BOOLEAN || v->max_bytes == 1 ||
		    v->type.kind == COLTYPE_VARCHAR ||
		    v->type.kind == COLTYPE_CHAR)
			return COLTYPE_FITS;
		return no(why, COLTYPE_NEVER, "its values are numbers");
	}
	if (v->type.kind == COLTYPE_BOOLEAN)
		return no(why, COLTYPE_NEVER, "its values are true and false");
	if (into->kind == COLTYPE_NUMERIC)
		return into_numeric(v, into, why);
	if (into->kind == COLTYPE_REAL || into->kind == COLTYPE_DOUBLE)
		return into_float(v, into, why);
	return into_integer(v, into, why);
}
