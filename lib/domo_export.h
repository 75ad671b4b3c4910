/*
 * One DataSet as CSV on a descriptor: whole and proven so, or cut in the
 * middle of a record.
 */
#ifndef RSW_DOMO_EXPORT_H
#define RSW_DOMO_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "domo.h"
#include "domo_meta.h"
#include "domo_select.h"

/* Where the number of rows comes from that the export must have. */
enum domo_export_count {
	DOMO_EXPORT_COUNT_ROWS,		/* the metadata */
	DOMO_EXPORT_COUNT_QUERY,	/* SELECT COUNT(*) with the same rights */
	DOMO_EXPORT_COUNT_NONE		/* nowhere: no proof by number */
};

/* Texts that begin as a formula: as they are, with a ' before, or as the
 * server does when nothing is said. */
enum domo_export_formulas {
	DOMO_EXPORT_RAW, DOMO_EXPORT_ESCAPED, DOMO_EXPORT_DEFAULT
};

struct domo_export_opt {
	enum domo_export_count count;
	enum domo_export_formulas formulas;
	bool unescape;			/* take the ' away again */
	bool spool;			/* into a file first: can be retried */
	struct domo_select select;
	const struct domo_meta *as_of;	/* DOMO_AGAIN if the DataSet has been
					 * updated since; NULL: at any time */
};

/*
 * Export the DataSet of `before` (as domo_meta_get() gave it) to fd. On
 * DOMO_OK the output is whole and ends in a newline. On anything else it is
 * empty, or ends inside a record. Retries until the first byte has left, with
 * `spool` also after that.
 */
enum domo_result domo_export_run(struct domo *,
    const struct domo_meta *before, const struct domo_export_opt *, int fd);

/*
 * The metadata of what domo_export_run() would give: the chosen columns and
 * the number of rows by the chosen count, -1 if that is none. Changes *m.
 */
enum domo_result domo_export_describe(struct domo *, struct domo_meta *m,
    const struct domo_export_opt *);

#endif
