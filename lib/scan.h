/*
 * The hot path: blocks of whole CSV records checked, measured and rewritten
 * for COPY. Input is RFC 4180 in UTF-8; an unquoted empty field is NULL, ""
 * is the empty string. Output: NULL as the null string, the empty string as
 * an empty field, LF ends, quotes only where needed. Reading, cutting into
 * objects and compressing are others' work.
 */
#ifndef RSW_SCAN_H
#define RSW_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define SCAN_ROW_MAX (4 * 1024 * 1024)	/* bytes: COPY's limit of a row */
#define SCAN_FIELD_MAX 65535		/* bytes: the widest VARCHAR */

struct scan_opt {
	char delim;			/* ',' */
	char quote;			/* '"'; '\0': no quoting at all */
	const char *null_string;	/* of the output; "\\N" */
	bool replace_utf8;		/* bad bytes become U+FFFD, counted */
	bool truncate;			/* fields are cut to SCAN_FIELD_MAX at
					 * a character, counted */
	/* input forms */
	const char *null_in;		/* an unquoted field equal to this is
					 * NULL too; NULL: only the empty one */
};

/*
 * Where records end. Feed a stream's bytes in pieces of any size: returns
 * how many bytes of this piece belong to records that have ended (up to and
 * with the last newline outside quotes), 0 if none ends in it. The state
 * carries over to the next piece; start with a zeroed one.
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
	uint64_t max_bytes;		/* widest value */
	/* of the values, how many have the form of ... */
	uint64_t ints;		/* -?(0|[1-9][0-9]{0,18}) within int64 */
	uint64_t decimals;	/* -?digits(.digits)?, no leading zeros; ints
				 * count too */
	uint64_t doubles;	/* decimals, and exponents; nan, inf do not */
	uint64_t dates;		/* YYYY-MM-DD, a day of the calendar */
	uint64_t timestamps;	/* date[T ]HH:MM[:SS[.ffffff]]; dates do not */
	uint64_t zoned;		/* timestamps with Z or +HH[:MM] behind */
	uint64_t bools;		/* true/false in any case */
	int max_int_digits;	/* of decimals: digits before the point */
	int max_frac_digits;	/* and after it */
};

enum scan_fault {
	SCAN_FINE, SCAN_OPEN_QUOTE, SCAN_AFTER_QUOTE, SCAN_QUOTE_INSIDE,
	SCAN_RAGGED, SCAN_UTF8, SCAN_NUL, SCAN_ROW_LONG, SCAN_FIELD_LONG,
	SCAN_NULL_STRING, SCAN_NO_NEWLINE
};

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
};

/* `opt` must outlive it. */
void scan_init(struct scan *, const struct scan_opt *opt, size_t ncols);
void scan_release(struct scan *);

/*
 * One block of whole records (scan_cut found its end; the last block of a
 * stream may lack its newline only if `last`, SCAN_NO_NEWLINE otherwise):
 * measure into prof, append the rewritten records to out (its cap must
 * allow for the worst case, scan_out_max()). 0, or -1 with the fault set,
 * nothing said; out is then of no use.
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
 * that the record took, or NULL with *fault set. A BOM is skipped.
 */
char **scan_header(const struct scan_opt *, const char *p, size_t n,
    size_t *used, size_t *ncols, enum scan_fault *fault);

#endif
