/*
 * While a statement runs: the user's wish to stop, and how far COPY is, by a
 * second session that looks at Redshift's views. Nothing here can make a
 * load fail.
 */
#include "config.h"

#include <stdlib.h>

#include "io.h"
#include "loadrun.h"
#include "mem.h"
#include "msg.h"

#define TELL_MS 5000		/* without a terminal, with -v */

static void
tell(struct load *l, const PGresult *r)
{
	const char *files = PQgetvalue(r, 0, 0), *rows = PQgetvalue(r, 0, 1);

	if (msg_progress_wanted()) {
		msg_progress("loading '%s': %s of %zu files read, %s rows",
		    l->where, files, l->m->nentries, rows);
	} else if (io_now_ms() - l->told >= TELL_MS) {
		l->told = io_now_ms();
		msg_info("loading '%s': %s of %zu files read, %s rows",
		    l->where, files, l->m->nentries, rows);
	}
}

static void
look(struct load *l)
{
	PGresult *r;
	char *sql;

	if (l->side == NULL)
		l->side = load_aside(l);
	if (l->side == NULL) {
		l->blind = true;
		return;
	}
	sql = mem_fmt("SELECT file_count_scanned, loaded_rows FROM "
	    "sys_load_history WHERE session_id = %d AND status = 'running' "
	    "ORDER BY query_id DESC LIMIT 1", pg_pid(l->pg));
	r = pg_query(l->side, sql);
	free(sql);
	if (r == NULL)
		l->blind = true;
	else if (PQntuples(r) > 0)
		tell(l, r);
	PQclear(r);
}

int
loadwatch_tick(void *arg)
{
	struct load *l = arg;

	if (load_stopping(l))
		return 1;
	if (l->loading && !l->blind &&
	    (msg_progress_wanted() || msg_level() > 0))
		look(l);
	return 0;
}

void
loadwatch_end(struct load *l)
{
	msg_progress_end();
	pg_close(l->side);
	l->side = NULL;
}
