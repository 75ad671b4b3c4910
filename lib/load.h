/*
 * A load: a manifest's rows into a table, in one transaction, proven before
 * it is committed, tried again when another transaction was in the way.
 */
#ifndef RSW_LOAD_H
#define RSW_LOAD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cfg.h"
#include "fate.h"
#include "manifest.h"
#include "pg.h"
#include "plan.h"
#include "sql.h"

enum load_mode {LOAD_CREATE, LOAD_APPEND, LOAD_OVERWRITE, LOAD_MERGE,
	LOAD_REPLACE};

/* How an overwrite empties the table. */
enum load_by {LOAD_BY_DELETE, LOAD_BY_SWAP, LOAD_BY_TRUNCATE};

enum load_target {LOAD_ANY, LOAD_REDSHIFT, LOAD_POSTGRES};

struct load_opt {
	enum load_target target;
	enum load_mode mode;
	const char *schema, *table;	/* as Redshift has them: folded */
	const char *keys;		/* LOAD_MERGE: columns with commas;
					 * LOAD_REPLACE: one column */
	enum load_by by;
	struct plan_opt plan;
	struct sql_layout layout;
	const char *ddl;		/* the user's own CREATE TABLE */
	struct sql_access access;
	const char *manifest_url;	/* of a manifest that does not say */
	const char *copy_format, *copy_options, *compression;
	const char *ledger;		/* its table; NULL: none */
	bool again;			/* though the ledger has the run */
	bool dry_run, noload;
	int64_t retries;
	const char *statement_timeout;	/* milliseconds */
	const char *query_group;
	const char *pre_sql, *post_sql;	/* statements of the user's own */
	FILE *log;			/* of statements, or NULL */
	FILE *errors;			/* CSV of what COPY refused, or NULL */
	int64_t max_errors;		/* rows that it may refuse */
	FILE *rejects;			/* where they go, if there may be any */
	const volatile sig_atomic_t *stop;	/* becomes true: give up */
	struct cfg *cfg;		/* of S3, to fetch such rows */
};

struct load_result {
	bool repeated;		/* the ledger had the run: nothing was done */
	bool exists;		/* LOAD_CREATE: the table is there already */
	int64_t rows;		/* loaded */
	int64_t rejected;	/* refused and written to the rejects */
	int64_t removed;	/* rows that they took the place of */
	const char *mode;	/* in a word */
};

/* Does the manifest agree with itself, and is all there that COPY needs?
 * Before any connection. 0, or -1 having said why. */
int load_check(const struct manifest *, const struct load_opt *);

/* FATE_OK, or having said why. */
enum fate load_run(struct pg_conf *, const struct manifest *,
    const struct load_opt *, struct load_result *);

#endif
