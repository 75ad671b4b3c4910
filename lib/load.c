/*
 * The order of a load: look at the table, make it fit, and in one transaction
 * fill it, prove the count, and commit. What the statements say is sql.c's,
 * what must change plan.c's.
 */
#include "config.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog.h"
#include "io.h"
#include "loadrun.h"
#include "mem.h"
#include "msg.h"
#include "name.h"
#include "retry.h"

static const char *
mode_word(const struct load_opt *o)
{
	switch (o->mode) {
	case LOAD_CREATE:
		return "create";
	case LOAD_APPEND:
		return "append";
	case LOAD_OVERWRITE:
		return "overwrite";
	case LOAD_MERGE:
		return "merge";
	case LOAD_REPLACE:
		return "replace";
	}
	return "";
}

/*
 * Before the connection.
 */

int
load_check(const struct manifest *m, const struct load_opt *o)
{
	int64_t want = loadprove_expected(m);

	if (m->dataset_rows >= 0 && want >= 0 && m->dataset_rows != want)
		return msg_error("cannot load: Domo says that the DataSet has "
		    "%lld rows, but %lld are staged; export and stage it again",
		    (long long)m->dataset_rows, (long long)want);
	if (m->nentries > 0 && m->manifest_url == NULL &&
	    o->manifest_url == NULL && o->target != LOAD_POSTGRES)
		return msg_error("cannot load: the manifest does not say where "
		    "on S3 it is itself, and COPY must read it there: upload "
		    "it, and give its address by --manifest-url");
	if (o->ledger != NULL && strcmp(o->ledger, o->table) == 0)
		return msg_error("cannot load into '%s': it is the ledger of "
		    "runs; give another table, or --ledger another name",
		    o->table);
	if (m->ncolumns == 0 && (o->mode == LOAD_MERGE ||
	    o->mode == LOAD_REPLACE))
		return msg_error("cannot load by keys: the manifest has no "
		    "schema");
	return 0;
}

/*
 * Outside of the transaction.
 */

static void
say_notes(const struct load *l)
{
	size_t i;

	for (i = 0; i < l->plan.nrenames; i++)
		msg_info("%s", l->plan.rename[i]);
	for (i = 0; i < l->plan.nnotes; i++)
		msg_warn("table '%s': %s", l->where, l->plan.note[i]);
}

/* Why rows can not go into what is there; 0: they can. */
static int
refuse_old(struct load *l)
{
	if (l->o->mode == LOAD_CREATE) {
		l->r->exists = true;
		return msg_error("cannot create '%s': it exists already",
		    l->where);
	}
	if (l->table.kind != 'r' && l->table.kind != 'p')
		return msg_error("cannot load into '%s': it is not a table, "
		    "but a %s", l->where, l->table.kind == 'v' ? "view" :
		    l->table.kind == 'm' ? "materialized view" :
		    "thing that COPY cannot fill");
	if (l->table.ncolumns == 0)
		return msg_error("cannot load into '%s': it exists, but this "
		    "user may not see its columns; its owner is '%s': GRANT "
		    "SELECT, INSERT, DELETE ON TABLE %s TO the user", l->where,
		    l->table.owner, l->sql_where);
	return 0;
}

/* The same for a table that is not there yet. */
static int
refuse_new(struct load *l)
{
	bool there;

	if (catalog_schema(l->pg, l->o->schema, &there) != 0)
		return load_trouble(l, "look at the schema");
	if (!there)
		return msg_error("cannot load into '%s': there is no schema "
		    "'%s' in database '%s'", l->where, l->o->schema,
		    pg_where(l->conf));
	if (l->m->ncolumns == 0 && l->o->ddl == NULL)
		return msg_error("cannot make the table '%s': the manifest "
		    "has no schema; make the table first, or give --ddl",
		    l->where);
	return 0;
}

/* What is there, and what has to be done. */
static int
inspect(struct load *l)
{
	int rc;

	plan_table_release(&l->table);
	if (catalog_table(l->pg, l->o->schema, l->o->table, &l->table) != 0 ||
	    (l->table.exists && !l->redshift &&
	    catalog_generated(l->pg, &l->table) != 0))
		return load_trouble(l, "look at the table");
	if ((l->table.exists ? refuse_old(l) : refuse_new(l)) != 0)
		return -1;
	l->fresh = !l->table.exists;
	rc = loadtable_plan(l, &l->o->plan);
	say_notes(l);
	return rc;
}

/*
 * Inside the transaction.
 */

static int
fill(struct load *l)
{
	const struct load_opt *o = l->o;

	switch (o->mode) {
	case LOAD_MERGE:
	case LOAD_REPLACE:
		return loadmerge_run(l);
	case LOAD_OVERWRITE:
		if (l->fresh || o->by == LOAD_BY_TRUNCATE)
			break;
		if (o->by == LOAD_BY_SWAP)
			return loadswap_run(l);
		if (loadtable_empty(l) != 0)
			return -1;
		break;
	case LOAD_CREATE:
	case LOAD_APPEND:
		break;
	}
	return loadcopy_run(l, o->schema, o->table, false);
}

/* A new table; or new columns, but for a table that gives way to another. */
static int
fit_table(struct load *l)
{
	if (l->fresh)
		return loadtable_create(l);
	if (l->o->mode == LOAD_OVERWRITE && l->o->by == LOAD_BY_SWAP)
		return 0;
	return loadtable_add_columns(l, l->o->table);
}

static int
commit(struct load *l)
{
	int rc;

	l->committing = true;
	rc = load_do(l, "COMMIT", "commit the load");
	l->committing = false;
	return rc;
}

/* The user's own statements are part of the transaction. */
static int
own_sql(struct load *l, const char *sql, const char *what)
{
	if (sql == NULL)
		return 0;
	if (load_do(l, sql, what) != 0)
		return -1;
	if (l->o->dry_run || pg_in_block(l->pg))
		return 0;
	return msg_error("cannot load into '%s': to %s has ended the "
	    "transaction, and what was done before is committed; it must hold "
	    "no COMMIT, ROLLBACK or TRUNCATE", l->where, what);
}

static bool
by_stage(const struct load *l)
{
	return l->o->mode == LOAD_MERGE || l->o->mode == LOAD_REPLACE;
}

/*
 * Others that write the same table wait at its first change, but with a
 * snapshot that is older than their turn: they would not see rows that came
 * in between, and leave them beside their own. When there are such rows to
 * be deleted Redshift notices that; when there are none, LOCK, which takes no
 * snapshot, must come first. Readers wait for it, too.
 */
static int
lock_table(struct load *l)
{
	char *sql;
	int rc;

	if (!l->redshift)
		return loadpg_lock(l);
	if (l->fresh || (!l->alone && !by_stage(l)))
		return 0;
	sql = mem_fmt("LOCK %s", l->sql_where);
	rc = load_do(l, sql, "lock the table");
	free(sql);
	return rc;
}

/* The load itself. */
static int
change_table(struct load *l)
{
	return lock_table(l) == 0 &&
	    own_sql(l, l->o->pre_sql, "run pre_sql") == 0 &&
	    fit_table(l) == 0 && fill(l) == 0 &&
	    own_sql(l, l->o->post_sql, "run post_sql") == 0 &&
	    loadledger_add(l) == 0 ? 0 : -1;
}

/* Do the work, and end it by `end`; what has failed is rolled back. */
static int
transaction(struct load *l, int (*work)(struct load *),
    int (*end)(struct load *))
{
	if (load_do(l, "BEGIN", "begin a transaction") != 0)
		return -1;
	if (work(l) == 0)
		return end(l);
	if (!pg_lost(l->pg))
		pg_do(l->pg, "ROLLBACK");
	if (l->copying != NULL)
		loaderr_report(l);
	return -1;
}

/* What a transaction can end by, beside commit(). */
static int
keep_stage(struct load *l)
{
	return load_do(l, "COMMIT", "keep the temporary table");
}

static int
forget(struct load *l)
{
	return load_do(l, "ROLLBACK", "end the transaction");
}

/* The rows of this run are in the table already: nothing to do. */
static bool
repeated(struct load *l, int *rc)
{
	bool found = false;

	*rc = 0;
	if (l->o->mode != LOAD_APPEND || l->fresh || l->o->again ||
	    l->m->run_id == NULL)
		return false;
	*rc = loadledger_find(l, &found, &l->r->rows);
	if (*rc != 0 || !found)
		return false;
	l->r->repeated = true;
	msg_warn("run '%s' is in '%s' already: nothing is done (--again "
	    "appends its rows once more)", l->m->run_id, l->where);
	return true;
}

/* Is the table without rows? Then nothing tells one load from another. */
static int
look_inside(struct load *l)
{
	char *sql;
	int64_t n;
	int rc;

	l->alone = l->truncated;
	if (!l->redshift || l->fresh || l->o->mode != LOAD_OVERWRITE ||
	    l->o->by != LOAD_BY_DELETE)
		return 0;
	sql = mem_fmt("SELECT COUNT(*) FROM (SELECT 1 FROM %s LIMIT 1) AS x",
	    l->sql_where);
	rc = load_number(l, sql, "look into the table", &n);
	free(sql);
	l->alone = n == 0;
	return rc;
}

static int
attempt(struct load *l)
{
	int rc;

	l->r->removed = 0;
	if (!l->staged)
		l->r->rows = l->r->rejected = 0;
	if (inspect(l) != 0)
		return -1;
	if (l->o->noload)
		return transaction(l, loadcopy_try, forget);
	if (loadledger_open(l) != 0)
		return -1;
	if (repeated(l, &rc) || rc != 0)
		return rc;
	if (loadtable_widen(l) != 0)
		return -1;
	loadprove_prepare(l);
	if (l->o->mode == LOAD_OVERWRITE && l->o->by == LOAD_BY_TRUNCATE &&
	    !l->fresh && loadtable_truncate(l) != 0)
		return -1;
	if (by_stage(l) && !l->staged) {
		if (transaction(l, loadmerge_stage, keep_stage) != 0)
			return -1;
		l->staged = true;
	}
	if (look_inside(l) != 0)
		return -1;
	return transaction(l, change_table, commit);
}

/* Nobody knows whether COMMIT happened; what to do about it. */
static enum fate
unknown(const struct load *l, const char *why)
{
	bool known = l->ledger && l->m->run_id != NULL;
	const char *advice = "no ledger is kept: count its rows before you "
	    "run it again";

	if (l->o->mode == LOAD_CREATE)
		advice = "run it again: if it was, the table exists";
	else if (l->o->mode != LOAD_APPEND)
		advice = "run it again: it replaces the same rows";
	else if (known)
		advice = "run it again: the ledger knows its run, and rows "
		    "that are in are not loaded twice";
	msg_error("cannot tell whether the load into '%s' was committed: %s; "
	    "%s", l->where, load_stopping(l) ? "stopped before the answer came" :
	    why, advice);
	return FATE_FAILED;
}

/*
 * COMMIT was sent and the connection broke: did it happen? The ledger's row
 * was written by the same transaction. FATE_OK: it did; FATE_AGAIN: it did
 * not, the load can be tried again.
 */
static enum fate
resolve(struct load *l)
{
	struct retry wait = {.tries = 6, .base = 1, .cap = 20,
		.stop = l->o->stop};
	bool found = false;
	enum fate f;

	/* These give the same rows when they are done twice. */
	if (!l->ledger && (l->o->mode == LOAD_OVERWRITE ||
	    l->o->mode == LOAD_MERGE || l->o->mode == LOAD_REPLACE) &&
	    !load_stopping(l))
		return FATE_AGAIN;
	if (!l->ledger)
		return unknown(l, "the connection broke before the answer");
	if (!load_stopping(l))
		msg_warn("the connection broke at COMMIT: asking the ledger "
		    "whether the load into '%s' is in", l->where);
	while (!load_stopping(l)) {
		f = load_connect(l);
		if (f == FATE_OK && loadledger_committed(l, &found) == 0)
			return found ? FATE_OK : FATE_AGAIN;
		if ((f != FATE_OK && f != FATE_AGAIN) ||
		    !retry_wait(&wait, -1))
			break;
	}
	return unknown(l, "the connection broke before the answer, and the "
	    "database does not answer now");
}

/* A mark of this attempt, by which a lost COMMIT can be asked for. */
static void
new_load_id(struct load *l)
{
	unsigned char r[8];

	/* Without random bytes, the time and the process are good enough. */
	if (RAND_bytes(r, sizeof(r)) != 1)
		snprintf((char *)r, sizeof(r), "%lx", (long)getpid() ^
		    (long)io_now_ms());
	free(l->load_id);
	l->load_id = mem_fmt("%02x%02x%02x%02x%02x%02x%02x%02x", r[0], r[1],
	    r[2], r[3], r[4], r[5], r[6], r[7]);
}

static enum fate
attempts(struct load *l)
{
	struct retry wait = {.tries = (int)l->o->retries + 1, .base = 2,
		.cap = 60, .stop = l->o->stop};
	enum fate f;

	for (;;) {
		l->again = l->unknown = false;
		new_load_id(l);
		if ((f = load_connect(l)) != FATE_OK) {
			load_stopped(l);
			return f;
		}
		if (attempt(l) == 0)
			return FATE_OK;
		if (l->unknown) {
			if ((f = resolve(l)) != FATE_AGAIN)
				return f;
			l->again = true;
		}
		if (!l->again)
			return FATE_FAILED;
		if (wait.done + 1 < wait.tries)
			msg_warn("%s; trying again", l->reason);
		if (!retry_wait(&wait, -1)) {
			if (load_stopped(l))
				return FATE_FAILED;
			msg_error("%s; given up after %d attempts", l->reason,
			    wait.tries);
			return FATE_AGAIN;
		}
	}
}

enum fate
load_run(struct pg_conf *conf, const struct manifest *m,
    const struct load_opt *o, struct load_result *r)
{
	struct load l = {.conf = conf, .m = m, .o = o, .r = r};
	struct buf b;
	enum fate f;

	memset(r, 0, sizeof(*r));
	r->mode = mode_word(o);
	l.where = name_format(o->schema, o->table);
	buf_init(&b, SQL_MAX);
	sql_table(&b, o->schema, o->table);
	l.sql_where = buf_take(&b);
	pg_conf_stop(conf, o->stop);
	f = attempts(&l);
	if (f != FATE_OK && l.truncated && !load_stopping(&l))
		msg_error("'%s' is empty now: it was truncated before the load "
		    "that failed; load again", l.where);
	pg_close(l.pg);
	plan_table_release(&l.table);
	plan_release(&l.plan);
	free(l.where);
	free(l.sql_where);
	free(l.load_id);
	free(l.swap);
	free(l.reason);
	free(l.copying);
	return f;
}
