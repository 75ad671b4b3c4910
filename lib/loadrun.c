/*
 * One load's sessions and statements: connect, run, and say what went wrong.
 * Which statements these are is for others.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "loadrun.h"
#include "mem.h"
#include "msg.h"

/* The user wants no more of it. */
bool
load_stopping(const struct load *l)
{
	return l->o->stop != NULL && *l->o->stop;
}

bool
load_stopped(const struct load *l)
{
	if (!load_stopping(l))
		return false;
	msg_error("stopped; '%s' is %s", l->where, l->truncated ? "empty: "
	    "it was truncated before the load" : "as it was");
	return true;
}

/* What was refused for want of rights, and who can give them. */
static int
no_right(const struct load *l, const char *what)
{
	if (l->o->ledger != NULL && strstr(pg_text(l->pg), l->o->ledger) !=
	    NULL)
		return pg_say(l->pg, "cannot %s: the owner of '%s' in schema "
		    "'%s' must GRANT SELECT, INSERT on it to this user; or go "
		    "without it: --ledger none", what, l->o->ledger,
		    l->o->schema);
	if (!l->table.exists)
		return pg_say(l->pg, "cannot %s '%s'", what, l->where);
	if (strstr(pg_text(l->pg), "must be owner") != NULL)
		return pg_say(l->pg, "cannot %s: only the owner of '%s', '%s', "
		    "may do that", what, l->where, l->table.owner);
	return pg_say(l->pg, "cannot %s: the owner of '%s', '%s', must GRANT "
	    "SELECT, INSERT, DELETE%s ON TABLE %s TO this user", what,
	    l->where, l->table.owner, l->o->by == LOAD_BY_TRUNCATE ?
	    ", TRUNCATE" : "", l->sql_where);
}

int
load_trouble(struct load *l, const char *what)
{
	/* An error is an answer; a lost connection is none. */
	l->unknown = l->committing && pg_lost(l->pg) &&
	    *pg_state(l->pg) == '\0';
	if (!l->unknown && load_stopped(l))
		return -1;
	l->again = pg_conflict(l->pg) || pg_lost(l->pg);
	/* Redshift says that the user has cancelled it. */
	if (!l->again && l->o->statement_timeout != NULL &&
	    strcmp(pg_state(l->pg), "57014") == 0)
		return pg_say(l->pg, "cannot %s within the statement_timeout "
		    "of %s ms", what, l->o->statement_timeout);
	if (!l->again && strcmp(pg_state(l->pg), "42501") == 0)
		return no_right(l, what);
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
	if (load_stopped(l))
		return -1;
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
 * The sessions.
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

struct pg *
load_aside(struct load *l)
{
	struct pg *pg = pg_open_aside(l->conf, PACKAGE_NAME " rs-load");

	if (pg != NULL)
		pg_log(pg, l->o->log);
	return pg;
}

/* Connect, unless the connection of the last attempt still stands. */
enum fate
load_connect(struct load *l)
{
	enum fate f;

	if (l->pg != NULL && pg_lost(l->pg)) {
		pg_close(l->pg);
		l->pg = NULL;
		l->staged = false;
	}
	if (l->pg != NULL)
		return FATE_OK;
	f = pg_open(l->conf, PACKAGE_NAME " rs-load", &l->pg);
	if (f != FATE_OK)
		return f;
	pg_hide(l->pg, l->o->access.secret_key);
	pg_hide(l->pg, l->o->access.session_token);
	pg_log(l->pg, l->o->log);
	pg_watch(l->pg, loadwatch_tick, l);
	if (catalog_is_redshift(l->pg, &l->redshift) != 0)
		return pg_lost(l->pg) ? FATE_AGAIN : FATE_FAILED;
	if (l->o->target != LOAD_ANY && l->redshift !=
	    (l->o->target == LOAD_REDSHIFT)) {
		msg_error("cannot load into '%s': it is %s", pg_where(l->conf),
		    l->redshift ? "Redshift" : "not Redshift");
		return FATE_CONFIG;
	}
	if (!l->redshift && loadpg_prepare(l) != 0)
		return pg_lost(l->pg) ? FATE_AGAIN : FATE_CONFIG;
	if (settings(l) == 0)
		return FATE_OK;
	pg_say(l->pg, "cannot prepare the session");
	return pg_lost(l->pg) ? FATE_AGAIN : FATE_FAILED;
}
