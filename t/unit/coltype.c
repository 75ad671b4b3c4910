/* lib/coltype.c: words to types, types to DDL, what fits into what. */
#include "config.h"

#include "coltype.h"
#include "mem.h"
#include "tap.h"

#include <stdlib.h>

static void
ddl(const char *base, int length, int precision, int scale, const char *want)
{
	struct coltype t = coltype_of(base, length, precision, scale);
	struct buf b;

	buf_init(&b, 1000);
	coltype_ddl(&t, &b);
	is(b.data, want, base);
	buf_release(&b);
}

static void
words(void)
{
	ddl("character varying", 9, -1, -1, "VARCHAR(9)");
	ddl("VARCHAR", -1, -1, -1, "VARCHAR(65535)");
	ddl("character", 3, -1, -1, "CHAR(3)");
	ddl("numeric", -1, 12, 2, "NUMERIC(12,2)");
	ddl("numeric", -1, 12, -1, "NUMERIC(12,0)");
	ddl("decimal", -1, -1, -1, "NUMERIC(18,0)");
	ddl("bigint", -1, 64, 0, "BIGINT");
	ddl("double precision", -1, 53, -1, "DOUBLE PRECISION");
	ddl("timestamp without time zone", -1, -1, -1, "TIMESTAMP");
	ddl("timestamp with time zone", -1, -1, -1, "TIMESTAMPTZ");
	ddl("super", -1, -1, -1, "super");
}

static void
valid(const char *base, int length, int precision, int scale, bool want)
{
	struct coltype t = coltype_of(base, length, precision, scale);
	char *what = mem_fmt("%s(%d,%d,%d) is %s", base, length, precision,
	    scale, want ? "a type" : "none");

	ok(coltype_valid(&t) == want, what);
	free(what);
}

static void
validity(void)
{
	valid("varchar", 65535, -1, -1, true);
	valid("varchar", 65536, -1, -1, false);
	valid("varchar", 0, -1, -1, false);
	valid("char", 4097, -1, -1, false);
	valid("numeric", -1, 38, 37, true);
	valid("numeric", -1, 39, 0, false);
	valid("numeric", -1, 5, 6, false);
	valid("numeric", -1, 38, 38, false);
	valid("super", -1, -1, -1, true);
	valid("uuid", -1, -1, -1, false);
	valid("bigint); DROP TABLE x; --", -1, -1, -1, false);
}

/* Types are written TYPE or TYPE:A or TYPE:A:B. */
static struct coltype
type(const char *s)
{
	int a = -1, b = -1;
	char word[64];

	sscanf(s, "%63[^:]:%d:%d", word, &a, &b);
	return coltype_of(strcmp(word, "stamptz") == 0 ? "timestamptz" : word,
	    a, a, b);
}

static void
fit(const char *from, int size, const char *into, enum coltype_fit want,
    int want_width)
{
	struct coltype_values v = {.type = type(from), .max_bytes = size,
		.int_digits = size};
	struct coltype t = type(into);
	struct buf why;
	int width = 0;
	enum coltype_fit got;
	char *what = mem_fmt("%s of %d bytes or digits into %s", from, size,
	    into);

	/* OTHER keeps the word that it was given. */
	v.type.word = t.word = "super";
	buf_init(&why, 1000);
	got = coltype_fit(&v, &t, &width, &why);
	if (!ok(got == want && width == want_width, what))
		printf("#   got %d, width %d: %s\n", (int)got, width,
		    why.data);
	if (got == COLTYPE_ROUND || got == COLTYPE_NEVER)
		ok(why.len > 0, "and says why");
	v.none = true;
	ok(coltype_fit(&v, &t, &width, &why) == COLTYPE_FITS,
	    "without values all fits");
	buf_release(&why);
	free(what);
}

static void
fits(void)
{
	fit("varchar:20", 9, "varchar:9", COLTYPE_FITS, 0);
	fit("varchar:20", 10, "varchar:9", COLTYPE_WIDEN, 20);
	fit("varchar:5", 10, "varchar:9", COLTYPE_WIDEN, 10);
	fit("varchar:20", -1, "varchar:9", COLTYPE_FITS, 0);
	fit("varchar:20", 10, "char:9", COLTYPE_NEVER, 0);
	fit("varchar:20", 9, "char:9", COLTYPE_FITS, 0);
	fit("bigint", 12, "varchar:11", COLTYPE_WIDEN, 12);
	fit("date", 10, "varchar:10", COLTYPE_FITS, 0);
	fit("varchar:9", 9, "bigint", COLTYPE_FITS, 0);
	fit("varchar:9", 9, "date", COLTYPE_FITS, 0);

	fit("numeric:18:2", 8, "numeric:10:2", COLTYPE_FITS, 0);
	fit("numeric:18:2", 8, "numeric:12:4", COLTYPE_FITS, 0);
	fit("numeric:18:2", 8, "numeric:10:3", COLTYPE_NEVER, 0);
	fit("numeric:18:2", -1, "numeric:10:3", COLTYPE_FITS, 0);
	fit("numeric:18:2", 8, "numeric:18:1", COLTYPE_ROUND, 0);
	fit("bigint", 8, "numeric:10:2", COLTYPE_FITS, 0);
	fit("bigint", 9, "numeric:10:2", COLTYPE_NEVER, 0);
	fit("bigint", 10, "integer", COLTYPE_FITS, 0);
	fit("bigint", 11, "integer", COLTYPE_NEVER, 0);
	fit("bigint", 6, "smallint", COLTYPE_NEVER, 0);
	fit("numeric:38:0", 20, "bigint", COLTYPE_NEVER, 0);
	fit("numeric:18:0", 18, "bigint", COLTYPE_FITS, 0);
	fit("numeric:18:1", 1, "bigint", COLTYPE_NEVER, 0);
	fit("double precision", 9, "bigint", COLTYPE_NEVER, 0);
	fit("double precision", 9, "numeric:18:2", COLTYPE_ROUND, 0);
	fit("varchar:9", 9, "numeric:18:2", COLTYPE_FITS, 0);

	fit("double precision", 9, "real", COLTYPE_ROUND, 0);
	fit("real", 9, "double precision", COLTYPE_FITS, 0);
	fit("double precision", 17, "double precision", COLTYPE_FITS, 0);
	fit("numeric:18:2", 13, "double precision", COLTYPE_FITS, 0);
	fit("numeric:18:2", 14, "double precision", COLTYPE_ROUND, 0);
	fit("numeric:15:2", -1, "double precision", COLTYPE_FITS, 0);
	fit("bigint", 15, "double precision", COLTYPE_FITS, 0);
	fit("bigint", 18, "double precision", COLTYPE_ROUND, 0);
	fit("bigint", -1, "double precision", COLTYPE_ROUND, 0);
	fit("bigint", 7, "real", COLTYPE_ROUND, 0);
	fit("varchar:9", 9, "real", COLTYPE_FITS, 0);

	fit("date", 10, "timestamp", COLTYPE_FITS, 0);
	fit("timestamp", 19, "date", COLTYPE_ROUND, 0);
	fit("timestamp", 19, "stamptz", COLTYPE_FITS, 0);
	fit("stamptz", 25, "timestamp", COLTYPE_ROUND, 0);
	fit("date", 10, "bigint", COLTYPE_NEVER, 0);
	fit("numeric:8:2", 9, "date", COLTYPE_NEVER, 0);
	fit("bigint", 8, "date", COLTYPE_FITS, 0);
	fit("bigint", 5, "date", COLTYPE_NEVER, 0);
	fit("boolean", 5, "bigint", COLTYPE_NEVER, 0);
	fit("boolean", 5, "varchar:4", COLTYPE_WIDEN, 5);
	fit("bigint", 1, "boolean", COLTYPE_FITS, 0);
	fit("bigint", 2, "boolean", COLTYPE_NEVER, 0);
	fit("date", 10, "boolean", COLTYPE_NEVER, 0);
	fit("varchar:9", 9, "super", COLTYPE_FITS, 0);
}

int
main(void)
{
	words();
	validity();
	fits();
	return done();
}
