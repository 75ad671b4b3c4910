/*
 * One record, exactly: the meaning of scan.h in plain C. The fast path
 * leaves to this every record that it is not sure of, and so every fault.
 */
#ifndef RSW_SCAN_ROW_H
#define RSW_SCAN_ROW_H

#include "scan.h"

/* A field as it stands in the block, quotes included, line end not. */
struct scan_span {
	size_t start, end;
};

/*
 * Check, measure and write the record at p[*at]; *at moves behind it.
 * 0, or -1 with all of the fault set but fault_row.
 */
int scan_row(struct scan *, const char *p, size_t n, size_t *at, bool last,
    struct buf *out);

/*
 * Take a record apart: the first ncols spans, the number of fields that it
 * has and where the next record begins. The fault is returned, and is not
 * SCAN_RAGGED; then field *nfields (from 0) is at fault, at *where, and
 * *next is where an excerpt of it ends.
 */
enum scan_fault scan_row_split(const struct scan_opt *, const char *p,
    size_t n, size_t at, bool last, struct scan_span *span, size_t ncols,
    size_t *nfields, size_t *next, size_t *where);

/*
 * The value of a field: quotes off, bad UTF-8 replaced if the options say
 * so (*replaced counts). The fault is returned, *where is set with it.
 */
enum scan_fault scan_row_value(const struct scan_opt *, const char *p,
    struct scan_span, struct buf *value, uint64_t *replaced, size_t *where);

#endif
