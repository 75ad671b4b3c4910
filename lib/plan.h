/*
 * What a load has to do to a table so that the manifest's columns fit:
 * names, new columns, wider ones, and what can not be mended. Pure.
 */
#ifndef RSW_PLAN_H
#define RSW_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "coltype.h"
#include "manifest.h"

/* A table as the catalog has it; catalog.c fills it in. */
struct plan_table {
	bool exists;
	int64_t id;		/* pg_class.oid */
	char kind;		/* r: table, v: view, ... (pg_class.relkind) */
	char *owner;
	struct plan_column {
		char *name;
		char *base;		/* its type, in words */
		struct coltype type;
		bool not_null, has_default;
		bool identity;		/* its values can not be given */
		bool generated;		/* an IDENTITY of any kind */
		/* NULL: none, or catalog_storage() was not asked */
		char *encoding;
		char *key;		/* the constraint that it is in */
	} *column;
	size_t ncolumns;
};
void plan_table_release(struct plan_table *);

/* Append; the strings are copied. */
struct plan_column *plan_table_add(struct plan_table *, const char *name,
    const char *base, int length, int precision, int scale);

/* The index of a column by its folded name, -1 if there is none. */
int plan_table_find(const struct plan_table *, const char *name);

/*
 * The names that the manifest's columns get in a table (n of them, NULL at
 * the end; free with plan_names_free()). The rule, in this order: control
 * characters become '_', the name is folded and cut as Redshift does it; an
 * empty one becomes column_N (N counts from 1); one that Redshift reserves
 * for itself (oid, ctid, xmin, xmax, cmin, cmax, tableoid) gets a '_' behind;
 * of several that are the same now, the first keeps the name, the others get
 * _2, _3, ..., passing over names that are taken. `max` is the longest name
 * in bytes.
 */
char **plan_names(const struct manifest *, size_t max);
void plan_names_free(char **);

struct plan_opt {
	bool add;		/* new columns may be added */
	bool widen;		/* VARCHARs may be made wider */
	bool round;		/* decimals may be lost */
	bool exact;		/* any difference is an error */
	bool postgres;		/* which changes more than Redshift does */
	int headroom;		/* percent of width for new VARCHARs */
	size_t name_max;	/* bytes of a name; 0: NAME_MAX_LEN */
};

enum plan_action {PLAN_KEEP, PLAN_ADD, PLAN_WIDEN};

struct plan {
	size_t n;		/* as many as the manifest's columns */
	struct plan_item {
		const struct manifest_column *source;
		char *name;		/* in the table */
		struct coltype type;	/* what it has, or will have */
		enum plan_action action;
		int was;		/* PLAN_WIDEN: the width it has */
	} *item;
	size_t nadd, nwiden;
	size_t nfaults;
	char **fault;		/* one line each: what does not fit, and what
				 * would mend it */
	size_t nnotes;
	char **note;		/* worth a warning: columns left out */
	size_t nrenames;
	char **rename;		/* columns that got another name, in words */
};

/* Compare; `table` may not exist yet: every item is then PLAN_KEEP with the
 * type that the new table gets. `where` is the table's name for SQL in the
 * faults. */
void plan_make(struct plan *, const struct manifest *,
    const struct plan_table *, const struct plan_opt *, const char *where);
void plan_release(struct plan *);

#endif
