/*
 * Output that never looks complete before it is proven so: what has been
 * written ends inside a CSV record at every moment, even when the process is
 * killed in the middle of a write, until held_release(). Counts the records
 * on the way.
 */
#ifndef RSW_HELD_H
#define RSW_HELD_H

#include <stddef.h>
#include <stdint.h>

#include "rows.h"

struct held {
	int fd;
	struct rows rows;	/* of what was given so far */
	uint64_t bytes;		/* given so far */
	uint64_t newlines;	/* given, held back; private */
	size_t max;		/* bytes a write; private */
	char *block;		/* max bytes; private */
};

/* fd stays the caller's. Release the memory with held_free(), which writes
 * nothing: what is held back is then lost, as it must be after a failure. */
void held_init(struct held *, int fd);
void held_free(struct held *);

/*
 * Pass n bytes on, all but the newlines at their end; these follow when
 * other bytes do. 0, or -1 with errno.
 *
 * More than PIPE_BUF - 1 newlines in a row outside quotes (empty records) do
 * not fit in one write that a pipe takes whole or not at all: then every
 * PIPE_BUF-th of them becomes CR LF, so that a write can end in CR.
 */
int held_write(struct held *, const char *p, size_t n);

/* The proof is there: write what was held back, or one newline if nothing
 * was. 0, or -1 with errno. */
int held_release(struct held *);

#endif
