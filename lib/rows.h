/*
 * How many CSV records a stream has, by RFC 4180's quoting: a newline inside
 * quotes does not end a record. What is in the records is not looked at.
 */
#ifndef RSW_ROWS_H
#define RSW_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Start with a zeroed one. */
struct rows {
	uint64_t ended;		/* records that a newline has ended */
	bool in_quotes;		/* the stream is inside a quoted field */
	bool open;		/* bytes have come since the last record end */
	uint64_t delims;	/* commas outside quotes in the open record */
};

/* The next n bytes of the stream, in pieces of any size. */
void rows_feed(struct rows *, const char *p, size_t n);

/* All records, the last one even without its newline. */
uint64_t rows_total(const struct rows *);

#endif
