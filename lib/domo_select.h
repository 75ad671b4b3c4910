/*
 * A choice of columns and rows, as SQL for Domo's query API; and how many
 * rows there are by that API.
 */
#ifndef RSW_DOMO_SELECT_H
#define RSW_DOMO_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "domo.h"
#include "domo_meta.h"

/* At most so many rows come from one query (Domo's default). */
#define DOMO_SELECT_CAP 1000000

struct domo_select {
	const char *columns;	/* names with commas between, as in a CSV
				 * header; NULL: all */
	const char *where;	/* SQL; NULL: all rows */
	const char *since_column, *since;	/* only rows above this value */
	int64_t limit;		/* -1: none */
};

/* Is anything chosen? */
bool domo_select_any(const struct domo_select *);

/* What to ask for. */
struct domo_select_plan {
	char *sql;		/* NULL if nothing is chosen */
	char *count;		/* SELECT COUNT(*), before the limit */
	struct domo_meta_column *column;	/* what comes, in its order */
	size_t ncolumns;
};

/* Check the choice against the schema in *m and plan. Release it in either
 * case. */
enum domo_result domo_select_make(struct domo *, const struct domo_select *,
    const struct domo_meta *m, struct domo_select_plan *);
void domo_select_release(struct domo_select_plan *);

/* Ask for the one number that `sql` gives. */
enum domo_result domo_select_number(struct domo *, const char *id,
    const char *sql, int64_t *out);

/* The path and the body of a query's request; freed by the caller. */
char *domo_select_path(const char *id);
char *domo_select_body(const char *sql);

#endif
