/*
 * Staged CSV back in the form that people and s3-stage read: the null string
 * becomes an empty field (or another text), the empty field "". Pure.
 */
#ifndef RSW_UNSTAGE_H
#define RSW_UNSTAGE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct unstage {
	const char *null_string;	/* of the staged CSV */
	const char *null_out;		/* what NULL becomes; "" usually */
	uint64_t rows;			/* records that have ended */
	/* private */
	struct buf rest;		/* a field that is not whole yet */
};

void unstage_init(struct unstage *, const char *null_string,
    const char *null_out);
void unstage_release(struct unstage *);

/* Append to out what n bytes become, as far as their fields are whole. 0, or
 * -1 (silent): the field is longer than COPY takes, or out's cap. */
int unstage_add(struct unstage *, const char *p, size_t n, struct buf *out);

/* At the end of an object: 0 if the last record is whole. */
int unstage_end(const struct unstage *);

#endif
