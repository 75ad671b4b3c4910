/*
 * The answer to a query, JSON that can be larger than memory, as CSV:
 *	{..., "columns": ["a"], "rows": [[1, "x", null], ...], "numRows": 1}
 * Numbers keep their digits, null is an empty field, "" is "".
 */
#ifndef RSW_JSONROWS_H
#define RSW_JSONROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define JSONROWS_DEPTH 32	/* nesting; answers have 3 */

struct jsonrows {
	size_t ncols;		/* every row must have so many cells */
	bool has_rows;		/* "rows" was there */
	uint64_t rows;		/* that have come */
	int64_t num_rows;	/* what "numRows" says, -1 if not there */
	struct buf columns;	/* the names in "columns", each with a NUL */
	size_t ncolumns;
	/* private */
	int (*write)(void *arg, const char *p, size_t n);
	void *arg;
	struct buf out, token, key;
	char stack[JSONROWS_DEPTH];
	int depth, expect, lex;
	bool escaped;
	unsigned hex, high;
	int hex_left;
	uint64_t cells;
	const char *fault;
};

/* `write` gets the CSV, whole records or parts of them; 0, or -1 to stop. */
void jsonrows_init(struct jsonrows *, size_t ncols,
    int (*write)(void *arg, const char *p, size_t n), void *arg);
void jsonrows_release(struct jsonrows *);

/* The next piece. 0, or -1: `write` did not want it, or the text is not
 * such an answer; jsonrows_fault() tells them apart. */
int jsonrows_feed(struct jsonrows *, const char *p, size_t n);

/* There is no more: write what is left. 0, or -1. */
int jsonrows_end(struct jsonrows *);

/* What is wrong with the text, static; NULL if nothing is. */
const char *jsonrows_fault(const struct jsonrows *);

#endif
