/*
 * The statements that a load is made of, as text. Pure: names and values in,
 * SQL out; every name quoted, every literal escaped as Redshift reads it.
 */
#ifndef RSW_SQL_H
#define RSW_SQL_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "manifest.h"
#include "plan.h"

/* A statement is at most 16 MB. */
#define SQL_MAX (16 * 1024 * 1024)

/* Append 'text'. Redshift takes a backslash in a plain literal as an escape,
 * so it is doubled; text is valid UTF-8 without NUL. */
void sql_literal(struct buf *, const char *text);

/* Append "name", or "schema"."table" (schema NULL: the table alone). */
void sql_name(struct buf *, const char *name);
void sql_table(struct buf *, const char *schema, const char *table);

/* The names of the plan's columns, quoted, with commas; each after `prefix`
 * if it is not NULL. */
void sql_columns(struct buf *, const struct plan *, const char *prefix);

/* How a new table is laid out; NULL: as Redshift does it by itself. */
struct sql_layout {
	const char *diststyle;		/* auto, even, key, all */
	const char *distkey;		/* a column */
	const char *sortkey;		/* columns with commas, or auto */
	const char *encode;		/* COLUMN=ENCODING,... */
};

/* CREATE TABLE with the plan's columns. 0, or -1 having said that the layout
 * names a column that is not there. */
int sql_create(struct buf *, const char *schema, const char *table,
    const struct plan *, const struct sql_layout *);

/* CREATE TEMP TABLE with the plan's columns, all nullable. */
void sql_stage(struct buf *, const char *stage, const struct plan *);

/* ALTER TABLE for one item of the plan: PLAN_ADD, PLAN_WIDEN. */
void sql_alter(struct buf *, const char *schema, const char *table,
    const struct plan_item *);

/* Where COPY gets its rights from: a role (or several with commas, or
 * "default"), else keys. */
struct sql_access {
	const char *iam_role;
	const char *access_key, *secret_key, *session_token;
	const char *region;		/* NULL: the cluster's own */
};

struct sql_copy {
	const char *schema, *table;
	const struct plan *plan;	/* without columns: by position */
	const char *manifest_url;
	const char *compression;	/* none, gzip, zstd, bzip2, lzop, NULL */
	const char *null_string;	/* NULL: \N, COPY's own */
	const char *format;		/* NULL: CSV */
	const char *options;		/* appended, or NULL */
	long max_errors;
	bool noload;
};

/* COPY ... FROM STDIN, of PostgreSQL. */
void sql_copy_in(struct buf *, const char *schema, const char *table,
    const struct plan *, const char *null_string);

/* 0, or -1 having said what cannot be used (the compression). */
int sql_copy(struct buf *, const struct sql_copy *, const struct sql_access *);

#endif
