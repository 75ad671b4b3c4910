/*
 * The hot path: blocks of whole CSV records checked, measured and rewritten
 * for COPY. Input is RFC 4180 in UTF-8: an unquoted empty field is NULL, ""
 * is the empty string, records end in LF or CRLF, a CR anywhere else is data.
 * Output is always comma, double quote and LF, whatever the input has: NULL
 * as the null string, the empty string as an empty field (as "" in a table
 * of one column, where it would make a blank line), quotes only where needed.
 * Reading, cutting into objects and compressing are others' work.
 */
#ifndef RSW_SCAN_H
#define RSW_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define SCAN_ROW_MAX (4 * 1024 * 1024)	/* bytes: COPY's limit of a row */
#define SCAN_FIELD_MAX 65535		/* bytes: the widest VARCHAR */

/*
 * The form of a value, and of a column the narrowest form that all its
 * values have: SCAN_INT < SCAN_DECIMAL < SCAN_DOUBLE, SCAN_DATE <
 * SCAN_TIMESTAMP, any other mixture is SCAN_TEXT. Values that lose something
 * as a number are text: leading zeros, a plus sign, ".5", "5.", blanks.
 */
enum scan_kind {
	SCAN_NONE,	/* no values yet; of scan_type: not declared */
	SCAN_INT,	/* -?(0|[1-9][0-9]*) within int64 */
	SCAN_DECIMAL,	/* -?(0|[1-9][0-9]*)(.[0-9]+)? */
	SCAN_DOUBLE,	/* the same with an exponent; nan, inf are text */
	SCAN_DATE,	/* YYYY-MM-DD, a day of the calendar */
	SCAN_TIMESTAMP,	/* date[T ]HH:MM[:SS[.f to .ffffff]] */
	SCAN_ZONED,	/* a timestamp with Z or [+-]HH[[:]MM] behind */
	SCAN_BOOL,	/* true/false in any case */
	SCAN_TEXT
};

/*
 * What the values of a column must be; coltype makes it from a schema. A
 * declared type takes what Redshift takes, also where inference is careful:
 * leading zeros and a plus sign in numbers, a date as a timestamp, Z or +00
 * behind a timestamp without zone, t/f/yes/no/y/n/1/0 as boolean, nan and
 * infinity as double. Decimals are never rounded: more digits behind the
 * point than `scale` do not fit. An empty string in a column that is not
 * text is NULL and counted so.
 */
struct scan_type {
	enum scan_kind kind;
	int64_t min, max;	/* SCAN_INT */
	int max_length;		/* SCAN_TEXT: bytes; 0: SCAN_FIELD_MAX */
	bool ascii;		/* SCAN_TEXT: CHAR takes nothing else */
	int precision, scale;	/* SCAN_DECIMAL; precision 0: any up to 38 */
};

struct scan_opt {
	char delim;			/* ',' */
	char quote;			/* '"'; '\0': no quoting at all */
	const char *null_string;	/* of the output; "\\N" */
	bool replace_utf8;		/* bad bytes become U+FFFD, counted */
	bool truncate;			/* fields are cut to SCAN_FIELD_MAX (or
					 * their max_length) at a character,
					 * counted; SCAN_FIELD_LONG is then
					 * one of more than SCAN_ROW_MAX */
	/* input forms */
	const char *null_in;		/* an unquoted field equal to this is
					 * NULL too; NULL: only the empty one */
	const struct scan_type *types;	/* one a column; NULL: measure only */
};

/* NULL, or why these options cannot be used (static text). */
const char *scan_opt_fault(const struct scan_opt *);

/*
 * Where records end. Feed a stream's bytes in pieces of any size: returns
 * how many bytes of this piece belong to records that have ended (up to and
 * with the last newline outside quotes), 0 if none ends in it. The state
 * carries over to the next piece; start with a zeroed one. Up to the first
 * fault of a stream the cuts are right; after it scan_block() fails anyway,
 * also when it is given a record that never ends.
 */
struct scan_cut {
	bool in_quotes;
};
size_t scan_cut(struct scan_cut *, const struct scan_opt *, const char *p,
    size_t n);

/* What the values of a column have in common: mergeable, so that blocks can
 * be measured side by side. */
struct scan_prof {
	uint64_t nulls, empty, values;	/* values: neither NULL nor empty */
	uint64_t max_bytes;		/* widest value, as written */
	enum scan_kind kind;		/* of all values (not of "") */
	/* of the values, if kind is a number: */
	int max_int_digits;		/* digits before the point, at least 1 */
	int max_frac_digits;		/* and behind it */
	bool wide;			/* one has more than 17 significant
					 * digits: a double would round it */
};

enum scan_fault {
	SCAN_FINE, SCAN_OPEN_QUOTE, SCAN_AFTER_QUOTE, SCAN_QUOTE_INSIDE,
	SCAN_RAGGED, SCAN_UTF8, SCAN_NUL, SCAN_ROW_LONG, SCAN_FIELD_LONG,
	SCAN_NULL_STRING, SCAN_NO_NEWLINE, SCAN_TYPE,
	SCAN_FULL	/* the output buffer's cap is below scan_out_max() */
};

struct scan_span;

struct scan {
	const struct scan_opt *opt;
	size_t ncols;			/* every record has so many fields */
	struct scan_prof *prof;		/* ncols of them */
	uint64_t rows;			/* records seen */
	uint64_t replaced, truncated;	/* by the lenient options */
	/* the first fault: where, relative to this block */
	enum scan_fault fault;
	uint64_t fault_row;		/* from 1 */
	uint64_t fault_offset;		/* bytes from the block's begin */
	size_t fault_col;		/* from 0; ncols: the whole row */
	size_t fault_fields;		/* SCAN_RAGGED: how many there were */
	/* the field, or the row, at fault as it stands in the block: for an
	 * excerpt; may be long and hold any byte */
	size_t fault_start, fault_len;
	/* private */
	struct scan_span *span;		/* the fields of one row */
	struct buf value;		/* one of them without its quotes */
	struct scan_fast *fast;
};

/* `opt` must outlive it. ncols is at least 1. */
void scan_init(struct scan *, const struct scan_opt *opt, size_t ncols);
void scan_release(struct scan *);

/* As after scan_init(), in the same memory. */
void scan_reset(struct scan *);

/*
 * One block of whole records (scan_cut found its end; the last block of a
 * stream may lack its newline only if `last`, SCAN_NO_NEWLINE otherwise):
 * measure into prof, append the rewritten records to out (its cap must
 * allow for the worst case, scan_out_max(); it grows only as needed). 0, or
 * -1 with the fault set, nothing said; out and the counts are then of no
 * use. Any number of blocks may go through one struct scan.
 */
int scan_block(struct scan *, const char *p, size_t n, bool last,
    struct buf *out);
size_t scan_out_max(const struct scan *, size_t n);

/* Add b's counts to a's. */
void scan_merge(struct scan *a, const struct scan *b);

/* The fault in words ("text after a closing quote", ...), static. */
const char *scan_fault_text(enum scan_fault);

/*
 * The first record of a stream as names. Fields are unquoted; returns the
 * names (NULL at the end; free each and the list) and in *used the bytes
 * that the record took, or NULL with *fault set: SCAN_NO_NEWLINE and
 * SCAN_OPEN_QUOTE can also mean that p does not hold the whole record yet. A
 * BOM is skipped. Names can be empty, long, or the same.
 */
char **scan_header(const struct scan_opt *, const char *p, size_t n,
    size_t *used, size_t *ncols, enum scan_fault *fault);

#endif
