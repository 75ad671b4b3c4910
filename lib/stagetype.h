/*
 * The types of staged columns: declared by a schema, or what the values
 * need; and the columns of the manifest.
 */
#ifndef RSW_STAGETYPE_H
#define RSW_STAGETYPE_H

#include "coltype.h"
#include "manifest.h"
#include "stage.h"

/* What a schema declares, one a column; zeroed: nothing is declared. */
struct stagetype {
	struct scan_type *scan;		/* what the values must be */
	struct coltype *type;		/* what the column is to be */
	size_t n;
};

/*
 * Read a schema, CSV with the columns name and type, which must name the
 * stage's columns in order. Types are Domo's (STRING LONG DECIMAL DOUBLE DATE
 * DATETIME: widths are measured) or Redshift's ("varchar(20)", "int").
 * 0, or -1 having said why; release in either case.
 */
int stagetype_read(struct stagetype *, const char *path, struct stage *);
void stagetype_release(struct stagetype *);

/* Add the columns to the manifest, after stage_run(). 0, or -1 having said
 * why: no type of Redshift's holds all values of a declared decimal. */
int stagetype_columns(const struct stagetype *, const struct stage *,
    struct manifest *);

#endif
