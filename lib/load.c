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

int
load_trouble(struct load *l, const char *what)
{
	l->again = pg_conflict(l->pg) || pg_lost(l->pg);
	if (!l->again)
		return pg_say(l->pg, "cannot %s", what);
	free(l->reason);
	l->reason = mem_fmt("cannot %s: %s", what, pg_text(l->pg));
	return -1;
}

static PGresult *
change(struct load *l, const char *sql, const char *what)
{
	PGresult *r = pg_query(l->pg, sql);

	if (r == NULL)
		load_trouble(l, what);
	return r;
}

int
load_count(struct load *l, const char *sql, const char *what, int64_t *rows)
{
	PGresult *r;

	*rows = 0;
	if (l->o->dry_run) {
		char *safe = pg_redact(l->pg, sql);

		printf("%s;\n", safe);
		free(safe);
		return 0;
	}
	if ((r = change(l, sql, what)) == NULL)
		return -1;
	*rows = strtoll(PQcmdTuples(r), NULL, 10);
	PQclear(r);
	return 0;
}

int
load_do(struct load *l, const char *sql, const char *what)
{
	int64_t ignored;

	return load_count(l, sql, what, &ignored);
}

int
load_number(struct load *l, const char *sql, const char *what, int64_t *out)
{
	PGresult *r = change(l, sql, what);

	if (r == NULL)
		return -1;
	*out = PQntuples(r) > 0 ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : 0;
	PQclear(r);
	return 0;
}

/*
 * Before the connection.
 */

/* The sum of the entries' counts, unknown if one of them is. */
static int64_t
entries_sum(const struct manifest *m)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < m->nentries; i++) {
		if (m->entry[i].record_count < 0)
			return MANIFEST_UNKNOWN;
		sum += m->entry[i].record_count;
	}
	return sum;
}

static int64_t
expected(const struct manifest *m)
{
	return m->record_count >= 0 ? m->record_count : entries_sum(m);
}

int
load_check(const struct manifest *m, const struct load_opt *o)
{
	int64_t want = expected(m);

	if (m->dataset_rows >= 0 && want >= 0 && m->dataset_rows != want)
		return msg_error("cannot load: Domo says that the DataSet has "
		    "%lld rows, but %lld are staged; export and stage it again",
		    (long long)m->dataset_rows, (long long)want);
	if (m->nentries > 0 && m->manifest_url == NULL &&
	    o->manifest_url == NULL)
		return msg_error("cannot load: the manifest does not say where "
		    "on S3 it is itself, and COPY must read it there: upload "
		    "it, and give its address by --manifest-url");
	if (m->ncolumns == 0 && (o->mode == LOAD_MERGE ||
	    o->mode == LOAD_REPLACE))
		return msg_error("cannot load by keys: the manifest has no "
		    "schema");
	return 0;
}

/*
 * Outside of the transaction.
 */

static int
settings(struct load *l)
{
	struct buf b;
	int rc = 0;

	buf_init(&b, SQL_MAX);
	if (l->o->statement_timeout != NULL) {
		buf_adds(&b, "SET statement_timeout TO ");
		buf_adds(&b, l->o->statement_timeout);
		rc = pg_do(l->pg, b.data);
	}
	if (rc == 0 && l->o->query_group != NULL) {
		buf_reset(&b);
		buf_adds(&b, "SET query_group TO ");
		sql_literal(&b, l->o->query_group);
		rc = pg_do(l->pg, b.data);
	}
	buf_release(&b);
	return rc;
}

/* Connect, unless the connection of the last attempt still stands. */
static enum fate
connect_db(struct load *l)
{
	enum fate f;
	bool redshift;

	if (l->pg != NULL && pg_lost(l->pg)) {
		pg_close(l->pg);
		l->pg = NULL;
	}
	if (l->pg != NULL)
		return FATE_OK;
	f = pg_open(l->conf, PACKAGE_NAME " rs-load", &l->pg);
	if (f != FATE_OK)
		return f;
	pg_hide(l->pg, l->o->access.secret_key);
	pg_hide(l->pg, l->o->access.session_token);
	pg_log(l->pg, l->o->log);
	if (catalog_is_redshift(l->pg, &redshift) != 0)
		return pg_lost(l->pg) ? FATE_AGAIN : FATE_FAILED;
	if (!redshift) {
		msg_error("cannot load into '%s': it is not Redshift",
		    pg_where(l->conf));
		return FATE_CONFIG;
	}
	if (settings(l) == 0)
		return FATE_OK;
	pg_say(l->pg, "cannot prepare the session");
	return pg_lost(l->pg) ? FATE_AGAIN : FATE_FAILED;
}

/* Say all that does not fit at once. */
static int
say_faults(const struct load *l)
{
	size_t i;

	for (i = 0; i < l->plan.nfaults; i++)
		msg_error("cannot load into '%s': %s", l->where,
		    l->plan.fault[i]);
	return l->plan.nfaults > 0 ? -1 : 0;
}

static void
say_notes(const struct load *l)
{
	size_t i;

	for (i = 0; i < l->plan.nrenames; i++)
		msg_info("%s", l->plan.rename[i]);
	for (i = 0; i < l->plan.nnotes; i++)
		msg_warn("table '%s': %s", l->where, l->plan.note[i]);
}

/* What is there, and what has to be done. */
static int
inspect(struct load *l)
{
	plan_table_release(&l->table);
	plan_release(&l->plan);
	if (catalog_table(l->pg, l->o->schema, l->o->table, &l->table) != 0)
		return load_trouble(l, "look at the table");
	if (l->table.exists && l->o->mode == LOAD_CREATE) {
		l->r->exists = true;
		return msg_error("cannot create '%s': it exists already",
		    l->where);
	}
	if (l->table.exists && l->table.kind != 'r' && l->table.kind != 'p')
		return msg_error("cannot load into '%s': it is not a table, "
		    "but a %s", l->where, l->table.kind == 'v' ? "view" :
		    l->table.kind == 'm' ? "materialized view" :
		    "thing that COPY cannot fill");
	if (l->table.exists && l->table.ncolumns == 0)
		return msg_error("cannot load into '%s': it exists, but this "
		    "user may not see its columns; its owner is '%s': GRANT "
		    "SELECT, INSERT, DELETE ON TABLE %s TO the user", l->where,
		    l->table.owner, l->sql_where);
	if (!l->table.exists && l->m->ncolumns == 0 && l->o->ddl == NULL)
		return msg_error("cannot make the table '%s': the manifest "
		    "has no schema; make the table first, or give --ddl",
		    l->where);
	plan_make(&l->plan, l->m, &l->table, &l->o->plan, l->sql_where);
	say_notes(l);
	return say_faults(l);
}

/* ALTER COLUMN TYPE is refused inside a transaction. */
static int
widen(struct load *l)
{
	struct buf b;
	char *what;
	size_t i;
	int rc = 0;

	for (i = 0; i < l->plan.n && rc == 0; i++) {
		if (l->plan.item[i].action != PLAN_WIDEN)
			continue;
		buf_init(&b, SQL_MAX);
		sql_alter(&b, l->o->schema, l->o->table, &l->plan.item[i]);
		what = mem_fmt("widen column '%s' of '%s' from %d to %d bytes "
		    "(Redshift refuses it for columns with a default, a key "
		    "or the encodings bytedict, runlength, text255, text32k, "
		    "and to others than the owner, '%s')",
		    l->plan.item[i].name, l->where, l->plan.item[i].was,
		    l->plan.item[i].type.length, l->table.owner);
		msg_info("widening column '%s' from %d to %d bytes",
		    l->plan.item[i].name, l->plan.item[i].was,
		    l->plan.item[i].type.length);
		rc = load_do(l, b.data, what);
		free(what);
		buf_release(&b);
	}
	return rc;
}

/*
 * Inside the transaction.
 */

/* The table is there now though it was not: another run made it. */
static int
lost_race(struct load *l, const char *what)
{
	/* 23505: two CREATE at the very same time met in the catalog. */
	if (strcmp(pg_state(l->pg), "42P07") != 0 &&
	    strcmp(pg_state(l->pg), "23505") != 0)
		return load_trouble(l, what);
	if (l->o->mode == LOAD_CREATE) {
		l->r->exists = true;
		return msg_error("cannot create '%s': it exists already, made "
		    "by another run", l->where);
	}
	l->again = true;
	free(l->reason);
	l->reason = mem_fmt("cannot %s: another run made it", what);
	return -1;
}

static int
create(struct load *l)
{
	struct buf b;
	int rc;

	buf_init(&b, SQL_MAX);
	rc = l->o->ddl != NULL ? buf_adds(&b, l->o->ddl) :
	    sql_create(&b, l->o->schema, l->o->table, &l->plan,
	    &l->o->layout);
	if (rc == 0 && l->o->dry_run)
		rc = load_do(l, b.data, "");
	else if (rc == 0 && pg_do(l->pg, b.data) != 0)
		rc = lost_race(l, "make the table");
	buf_release(&b);
	return rc;
}

static int
add_columns(struct load *l)
{
	struct buf b;
	size_t i;
	int rc = 0;

	/* One column a statement: Redshift takes no more. */
	for (i = 0; i < l->plan.n && rc == 0; i++) {
		if (l->plan.item[i].action != PLAN_ADD)
			continue;
		msg_info("adding column '%s'", l->plan.item[i].name);
		buf_init(&b, SQL_MAX);
		sql_alter(&b, l->o->schema, l->o->table, &l->plan.item[i]);
		rc = load_do(l, b.data, "add a column");
		buf_release(&b);
	}
	return rc;
}

static int
empty(struct load *l)
{
	char *sql = mem_fmt("DELETE FROM %s", l->sql_where);
	int rc = load_count(l, sql, "delete the old rows", &l->r->removed);

	free(sql);
	return rc;
}

/* Three counts of the same rows must agree. */
static int
prove(struct load *l, int64_t noticed)
{
	int64_t want = expected(l->m), got;

	if (load_number(l, "SELECT pg_last_copy_count()", "count the rows",
	    &got) != 0)
		return -1;
	if ((noticed < 0 || noticed == got) && (want < 0 || want == got)) {
		l->r->rows = got;
		return 0;
	}
	return msg_error("cannot prove the load into '%s': Redshift says that "
	    "it loaded %lld rows%s, but %lld are staged; nothing is changed",
	    l->where, (long long)got, noticed >= 0 && noticed != got ?
	    " (and says otherwise while it loads)" : "", (long long)want);
}

/*
 * The rows that are there, where all of them must be this run's. Not of a
 * table that others append to: reading it would set two appends against each
 * other.
 */
static int
prove_all(struct load *l, const char *schema, const char *table)
{
	int64_t got;
	struct buf b;
	int rc;

	if (l->o->dry_run)
		return 0;
	buf_init(&b, SQL_MAX);
	buf_adds(&b, "SELECT COUNT(*) FROM ");
	sql_table(&b, schema, table);
	rc = load_number(l, b.data, "count the rows", &got);
	buf_release(&b);
	if (rc != 0 || got == l->r->rows)
		return rc;
	return msg_error("cannot prove the load into '%s': there are %lld rows "
	    "in '%s' now, but %lld are staged; nothing is changed", l->where,
	    (long long)got, l->where, (long long)l->r->rows);
}

static int
copy(struct load *l, const char *sql)
{
	int64_t noticed;

	if (l->o->dry_run)
		return load_do(l, sql, "");
	msg_info("loading %zu file%s", l->m->nentries,
	    l->m->nentries == 1 ? "" : "s");
	if (pg_do(l->pg, sql) != 0) {
		load_trouble(l, "load the staged rows");
		if (!l->again)
			l->copying = mem_fmt("%s %s", pg_text(l->pg),
			    pg_detail(l->pg));
		return -1;
	}
	noticed = pg_loaded(l->pg);
	return l->o->noload ? 0 : prove(l, noticed);
}

int
load_copy(struct load *l, const char *schema, const char *table, bool noload)
{
	struct sql_copy c = {
		.schema = schema, .table = table, .plan = &l->plan,
		.manifest_url = l->o->manifest_url != NULL ?
		    l->o->manifest_url : l->m->manifest_url,
		.compression = l->o->compression != NULL ?
		    l->o->compression : l->m->compression,
		.null_string = l->m->null_string,
		.format = l->o->copy_format, .options = l->o->copy_options,
		.noload = noload,
	};
	struct buf b;
	int rc;

	/* COPY fails when it finds no file at all. */
	if (l->m->nentries == 0)
		return 0;
	buf_init(&b, SQL_MAX);
	rc = sql_copy(&b, &c, &l->o->access);
	if (rc == 0)
		rc = copy(l, b.data);
	buf_wipe(&b);
	if (rc == 0 && !noload && (schema == NULL || !l->table.exists ||
	    l->o->mode == LOAD_OVERWRITE))
		rc = prove_all(l, schema, table);
	return rc;
}

static int
fill(struct load *l)
{
	const struct load_opt *o = l->o;

	switch (o->mode) {
	case LOAD_MERGE:
	case LOAD_REPLACE:
		return loadmerge_run(l);
	case LOAD_OVERWRITE:
		if (l->table.exists && empty(l) != 0)
			return -1;
		break;
	case LOAD_CREATE:
	case LOAD_APPEND:
		break;
	}
	return load_copy(l, o->schema, o->table, false);
}

static int
commit(struct load *l)
{
	if (load_do(l, "COMMIT", "commit the load") == 0)
		return 0;
	/* An error is an answer; a lost connection is none. */
	l->unknown = pg_lost(l->pg) && *pg_state(l->pg) == '\0';
	return -1;
}

static int
transaction(struct load *l)
{
	if (load_do(l, "BEGIN", "begin a transaction") != 0)
		return -1;
	if ((l->table.exists ? add_columns(l) : create(l)) == 0 &&
	    fill(l) == 0 && loadledger_add(l) == 0)
		return commit(l);
	if (!pg_lost(l->pg))
		pg_do(l->pg, "ROLLBACK");
	if (l->copying != NULL)
		loaderr_report(l);
	return -1;
}

/*
 * Have Redshift read the files and load nothing: into a temporary table of
 * the types that the table has or will have.
 */
static int
try_files(struct load *l)
{
	struct buf b;
	int rc;

	buf_init(&b, SQL_MAX);
	sql_stage(&b, "rs_writeback_stage", &l->plan);
	rc = load_do(l, "BEGIN", "begin a transaction");
	if (rc == 0)
		rc = load_do(l, b.data, "make a temporary table");
	if (rc == 0)
		rc = load_copy(l, NULL, "rs_writeback_stage", true);
	buf_release(&b);
	if (!pg_lost(l->pg))
		pg_do(l->pg, "ROLLBACK");
	if (rc != 0 && l->copying != NULL)
		loaderr_report(l);
	return rc;
}

/* The rows of this run are in the table already: nothing to do. */
static bool
repeated(struct load *l, int *rc)
{
	bool found = false;

	*rc = 0;
	if (l->o->mode != LOAD_APPEND || !l->table.exists || l->o->again ||
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

static int
attempt(struct load *l)
{
	int rc;

	if (inspect(l) != 0)
		return -1;
	if (l->o->noload)
		return try_files(l);
	if (loadledger_open(l) != 0)
		return -1;
	if (repeated(l, &rc) || rc != 0)
		return rc;
	if (widen(l) != 0)
		return -1;
	return transaction(l);
}

/*
 * COMMIT was sent and the connection broke: did it happen? The ledger's row
 * was written by the same transaction. FATE_OK: it did; FATE_AGAIN: it did
 * not, the load can be tried again.
 */
static enum fate
resolve(struct load *l)
{
	struct retry wait = {.tries = 6, .base = 1, .cap = 20};
	bool found = false;
	enum fate f;

	if (!l->ledger) {
		msg_error("cannot tell whether the load into '%s' was "
		    "committed: the connection broke, and no ledger "
		    "is kept; count its rows before you run it again", l->where);
		return FATE_FAILED;
	}
	msg_warn("the connection broke at COMMIT: asking the ledger whether "
	    "the load into '%s' is in", l->where);
	do {
		f = connect_db(l);
		if (f == FATE_OK && loadledger_committed(l, &found) == 0)
			return found ? FATE_OK : FATE_AGAIN;
		if (f != FATE_OK && f != FATE_AGAIN)
			return f;
	} while (retry_wait(&wait, -1));
	msg_error("cannot tell whether the load into '%s' was committed: the "
	    "database does not answer; load_id '%s' is in its ledger if it "
	    "was", l->where, l->load_id);
	return FATE_FAILED;
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
		.cap = 60};
	enum fate f;

	for (;;) {
		l->again = l->unknown = false;
		new_load_id(l);
		if ((f = connect_db(l)) != FATE_OK)
			return f;
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
	f = attempts(&l);
	pg_close(l.pg);
	plan_table_release(&l.table);
	plan_release(&l.plan);
	free(l.where);
	free(l.sql_where);
	free(l.load_id);
	free(l.reason);
	free(l.copying);
	return f;
}
