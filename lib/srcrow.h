/*
 * Rows of staged objects by their line: what a user sees of a row that COPY
 * refused, and can mend.
 */
#ifndef RSW_SRCROW_H
#define RSW_SRCROW_H

#include <stddef.h>
#include <stdint.h>

#include "fate.h"
#include "manifest.h"

struct cfg;

struct srcrow {
	const char *url;	/* of the object, or the first 256 bytes */
	int64_t line;		/* one of its lines, from 1 */
	char *text;		/* set: the record without its newline, as it
				 * was staged; NULL: not found; free() */
};

/* Fetch the objects and find the rows, which are in the order of url and
 * line. FATE_OK, or having said why. */
enum fate srcrow_fetch(struct cfg *, const struct manifest *, struct srcrow *,
    size_t n);

#endif
