/*
 * What Domo knows about DataSets: one by its id, all of them page by page,
 * one by its name; and both as CSV.
 */
#ifndef RSW_DOMO_META_H
#define RSW_DOMO_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domo.h"

struct domo_meta_column {
	char *name, *type;	/* STRING, DECIMAL, LONG, DOUBLE, DATE, ... */
};

/* A field that Domo does not tell is NULL, a number -1. */
struct domo_meta {
	char *id, *name, *description;
	int64_t rows, columns;
	char *owner_id, *owner_name;
	char *created_at, *updated_at, *data_current_at;
	char *pdp_enabled;		/* "true", "false" */
	bool deleted;
	struct domo_meta_column *column;	/* the schema */
	size_t ncolumns;
};

/* Ask for one; release it in either case. A DataSet that is deleted is
 * DOMO_FAILED. */
enum domo_result domo_meta_get(struct domo *, const char *id,
    struct domo_meta *);
void domo_meta_release(struct domo_meta *);
void domo_meta_free_columns(struct domo_meta_column *, size_t n);

/* Are there policies that hide rows? */
bool domo_meta_has_pdp(const struct domo_meta *);

/*
 * All DataSets whose name has `pattern` in it (in any case; NULL: all), one
 * call of `each` a DataSet; it returns 0, or -1 to end the list, having said
 * why: DOMO_FAILED, and domo_why() is empty.
 */
enum domo_result domo_meta_list(struct domo *, const char *pattern,
    int (*each)(void *arg, const struct domo_meta *), void *arg);

/* DATASET as a user gives it: an id, the address of a page, name:NAME. A
 * name that two have is an error that lists the ids. *id is freed by the
 * caller. */
enum domo_result domo_meta_find(struct domo *, const char *dataset,
    char **id);

/* Is this one of the forms of DATASET? */
bool domo_meta_is_dataset(const char *dataset);

/* Read back what tells one update from another in what domo_meta_put() wrote:
 * id, rows, the times. 0, or -1 having said why; release it in either case. */
int domo_meta_read(struct domo_meta *, const char *path);

/* NULL if nothing has changed between two answers for the same DataSet, else
 * the name of the field that has; domo_meta_updated() looks only at what
 * domo_meta_read() reads, and at the rows only if they are told twice. */
const char *domo_meta_changed(const struct domo_meta *before,
    const struct domo_meta *after);
const char *domo_meta_updated(const struct domo_meta *before,
    const struct domo_meta *after);

/* Append CSV: the header of -i and -l, a DataSet's line, the schema. 0, or
 * -1 when the buffer's cap would be passed (silent). */
int domo_meta_put_header(struct buf *);
int domo_meta_put(struct buf *, const struct domo_meta *);
int domo_meta_put_schema(struct buf *, const struct domo_meta *);

#endif
