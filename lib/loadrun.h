/*
 * One load while it runs: for load.c and the files that do its parts. What
 * is called load_ is loadrun.c's.
 */
#ifndef RSW_LOADRUN_H
#define RSW_LOADRUN_H

#include "load.h"

#define LOAD_STAGE "rs_writeback_stage"	/* the temporary table */

struct load {
	struct pg_conf *conf;
	struct pg *pg;			/* NULL between connections */
	const struct manifest *m;
	const struct load_opt *o;
	struct load_result *r;
	char *where;			/* schema.table, for people */
	char *sql_where;		/* "schema"."table" */
	char *load_id;			/* of this attempt alone */
	struct plan_table table;	/* as it was found */
	struct plan plan;
	bool redshift;			/* else it is PostgreSQL */
	bool fresh;			/* the table is made by this load */
	bool truncated;			/* it was emptied, for good */
	bool staged;			/* its temporary table has the rows */
	bool alone;			/* others must wait, readers too */
	bool ledger;			/* there is one to write to */
	const char *files_read;		/* how to ask for the files that COPY
					 * has read; NULL: nobody tells */
	bool loading;			/* COPY runs */
	bool blind;			/* nothing can be seen of it */
	struct pg *side;		/* a second session, to look at it */
	long long told;			/* when it was told last, in ms */
	char *swap;			/* the table that takes the name */
	/* how the last attempt ended, if it did not work */
	bool again;			/* the same may work */
	bool committing;		/* COMMIT was sent */
	bool unknown;			/* and no answer came */
	char *reason;			/* again: why, not yet said */
	char *copying;			/* the staged objects, if COPY failed */
};

/*
 * Run a statement that changes something; a dry run prints it instead. `what`
 * ends the sentence "cannot ...". 0, or -1 by load_trouble().
 */
int load_do(struct load *, const char *sql, const char *what);

/* The same, and how many rows it concerned. */
int load_count(struct load *, const char *sql, const char *what,
    int64_t *rows);

/* A query's single value as a number; -1 by load_trouble(). */
int load_number(struct load *, const char *sql, const char *what,
    int64_t *out);

/* A statement failed: keep the reason if another attempt may work, else say
 * it. Returns -1. */
int load_trouble(struct load *, const char *what);

/* The user wants to stop; the second form says so, and what became of the
 * table. */
bool load_stopping(const struct load *);
bool load_stopped(const struct load *);

/* Connect, unless the connection of the last attempt still stands. FATE_OK,
 * or having said why. */
enum fate load_connect(struct load *);

/* A second session, to look at what the first one does; NULL if there can be
 * none (silent). Its statements are logged, too. */
struct pg *load_aside(struct load *);

/*
 * loadcopy.c. run: COPY into schema.table (schema NULL: a temporary table),
 * and the proof that what it loaded is what was staged. try: Redshift reads
 * the files and loads nothing. compression: how the files are compressed:
 * "gzip", ..., "none".
 */
int loadcopy_run(struct load *, const char *schema, const char *table,
    bool noload);
int loadcopy_try(struct load *);
const char *loadcopy_compression(const struct load *);

/* loadpg.c: PostgreSQL, not Redshift. The session; a lock against others
 * that replace rows; COPY, with its proof. */
int loadpg_prepare(struct load *);
int loadpg_lock(struct load *);
int loadpg_copy(struct load *, const char *schema, const char *table);

/* loadwatch.c: what is done while a statement runs: stop it when the user
 * wants to, and during COPY (l->loading) tell how far it is. */
int loadwatch_tick(void *load);
void loadwatch_end(struct load *);

/* loadtable.c: compare the manifest with the table and say all that does not
 * fit; make the table; give TABLE the columns that it lacks; widen columns,
 * outside of the transaction; delete all rows; truncate, outside too. */
int loadtable_plan(struct load *, const struct plan_opt *);
int loadtable_create(struct load *);
int loadtable_add_columns(struct load *, const char *table);
int loadtable_widen(struct load *);
int loadtable_empty(struct load *);
int loadtable_truncate(struct load *);

/* loadswap.c: fill a new table and let it take the place of the old one. */
int loadswap_run(struct load *);

/*
 * loadlike.c: what the new table of a swap must have of the old one. check:
 * is there anything that it can not have? keys: those of the old table
 * (PQclear), for finish, which gives them and the owner to the table when it
 * has taken the name; grants and comments go to l->swap before.
 */
int loadlike_check(struct load *);
int loadlike_keys(struct load *, PGresult **keys);
int loadlike_grants(struct load *);
int loadlike_comments(struct load *);
int loadlike_finish(struct load *, const PGresult *keys);

/* loadprove.c: how many rows there must be, -1: not known; what can be asked
 * for, before the transaction; whether COPY loaded all (noticed: what its
 * notice said, -1: nothing); whether a table has just the rows of COPY. */
int64_t loadprove_expected(const struct manifest *);
void loadprove_prepare(struct load *);
int loadprove_copy(struct load *, int64_t noticed);
int loadprove_all(struct load *, const char *schema, const char *table);

/* loadmerge.c: the rows into a temporary table, in a transaction of its own;
 * and from there, in the one of the load. */
int loadmerge_stage(struct load *);
int loadmerge_run(struct load *);

/*
 * loadledger.c: the runs that are in the schema's tables. open: it is there,
 * made if it was not. find: is the manifest's run in the table? add: this
 * load is; in its transaction. committed: was the transaction of l->load_id
 * committed? It waits for those that write to the ledger; 0, or -1 (silent).
 */
int loadledger_open(struct load *);
int loadledger_find(struct load *, bool *found, int64_t *rows);
int loadledger_add(struct load *);
int loadledger_committed(struct load *, bool *yes);

/*
 * loaderr.c: what the database says about the rows that the last COPY
 * refused. report: after a failure. rejects: the rows that COPY passed over,
 * of which some are missing, written to the file for them; how many they are.
 */
void loaderr_report(struct load *);
int loaderr_rejects(struct load *, int64_t missing, int64_t *rows);

#endif
