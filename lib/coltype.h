/*
 * Column types in the words of information_schema and of Redshift's
 * manifests: as DDL, and whether values of one fit into a column of another.
 */
#ifndef RSW_COLTYPE_H
#define RSW_COLTYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define COLTYPE_VARCHAR_MAX 65535	/* bytes */
#define COLTYPE_NUMERIC_MAX 38		/* digits */

enum coltype_kind {
	COLTYPE_VARCHAR, COLTYPE_CHAR, COLTYPE_SMALLINT, COLTYPE_INTEGER,
	COLTYPE_BIGINT, COLTYPE_NUMERIC, COLTYPE_REAL, COLTYPE_DOUBLE,
	COLTYPE_BOOLEAN, COLTYPE_DATE, COLTYPE_TIMESTAMP, COLTYPE_TIMESTAMPTZ,
	COLTYPE_OTHER
};

struct coltype {
	enum coltype_kind kind;
	int length;		/* VARCHAR, CHAR: bytes */
	int precision, scale;	/* NUMERIC */
	const char *word;	/* OTHER: as it was given; not ours */
};

/* What the words mean; -1 for a length, precision or scale that is not told
 * (VARCHAR is then the widest, NUMERIC (18,0), as Redshift has it). */
struct coltype coltype_of(const char *base, int length, int precision,
    int scale);

/* "VARCHAR(9)", "NUMERIC(12,2)", "TIMESTAMP". */
void coltype_ddl(const struct coltype *, struct buf *);

/* Can a table be made with it? */
bool coltype_valid(const struct coltype *);

/* The values of a column of the input, as far as they are known. */
struct coltype_values {
	struct coltype type;
	int64_t max_bytes;	/* of the widest, -1: not measured */
	int64_t int_digits;	/* the most before the point, -1: not measured */
	bool none;		/* there is no value, all are NULL */
};

enum coltype_fit {
	COLTYPE_FITS,	/* all of them, or COPY will say which does not */
	COLTYPE_WIDEN,	/* the VARCHAR must be wider: *width bytes */
	COLTYPE_ROUND,	/* digits would be lost without an error */
	COLTYPE_NEVER	/* COPY would refuse them */
};

/* `why` gets the reason in words (ROUND, NEVER). */
enum coltype_fit coltype_fit(const struct coltype_values *,
    const struct coltype *into, int *width, struct buf *why);

#endif
