/*
 * Is the first record of an export its header?
 */
#ifndef RSW_DOMO_HEAD_H
#define RSW_DOMO_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "domo_meta.h"

/*
 * Does the record of n bytes (its line end may be there or not) have the
 * names of these columns, in their order? Case and blanks at the ends of a
 * name do not count: no document promises them. Without columns to compare
 * with, any record will do that is not the begin of a web page or of JSON.
 */
bool domo_head_matches(const char *p, size_t n,
    const struct domo_meta_column *column, size_t ncolumns);

/* Append the names as a CSV record. 0, or -1 when the cap would be passed. */
int domo_head_put(struct buf *, const struct domo_meta_column *column,
    size_t ncolumns);

#endif
