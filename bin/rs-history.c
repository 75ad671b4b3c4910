/*
 * rs-history: what ran, as CSV; and whether a DataSet has changed since the
 * last good run of a job.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg.h"
#include "history.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "opt.h"
#include "state.h"

static const char usage[] =
"usage: rs-history [-j JOB] [-d | -u]\n"
"Print the runs of all jobs, or of one, as CSV, the oldest first.\n"
"  -j, --job NAME       of this job only\n"
"  -d, --directory      print where the runs are kept\n"
"  -u, --unchanged      with -j, and `domo-cat -i` on standard input: status 0\n"
"                       if the last good run had the data of the same time\n"
"  -q, --quiet   -v, --verbose   -h, --help   --version\n";

enum {FAILED = 1, MISUSE = 2};

static int
print(const struct table *t, const char *dir, const char *job)
{
	struct buf b;
	size_t i;
	int col = table_find(t, "job"), rc;
	const char *whose;

	buf_init(&b, 2 * TABLE_MAX);
	rc = table_put_row(&b, t->ncols, (const char *const *)t->name);
	for (i = 0; i < t->nrows && rc == 0; i++) {
		whose = col < 0 ? NULL : table_get(t, i, (size_t)col);
		if (job == NULL || (whose != NULL && strcmp(whose, job) == 0))
			rc = table_put_row(&b, t->ncols,
			    (const char *const *)t->cell + i * t->ncols);
	}
	history_unfinished(dir, job, &b);
	if (rc == 0)
		fwrite(b.data, 1, b.len, stdout);
	buf_release(&b);
	return rc == 0 ? 0 : FAILED;
}

static const char *
cell(const struct table *t, size_t row, const char *name)
{
	int col = table_find(t, name);

	return col < 0 || row >= t->nrows ? NULL :
	    table_get(t, row, (size_t)col);
}

static bool
equal(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* 0: the same DataSet with the same data time as in the last good run. */
static int
unchanged(const struct table *t, const char *job)
{
	struct table info;
	size_t i;
	int rc = FAILED;

	memset(&info, 0, sizeof(info));
	if (table_read(&info, STDIN_FILENO, "standard input") != 0) {
		table_release(&info);
		return MISUSE;
	}
	for (i = t->nrows; i-- > 0;)
		if (equal(cell(t, i, "job"), job) &&
		    equal(cell(t, i, "status"), "0"))
			break;
	if (i < t->nrows &&
	    equal(cell(t, i, "dataset_id"), cell(&info, 0, "id")) &&
	    equal(cell(t, i, "data_time"), cell(&info, 0, "data_current_at")))
		rc = 0;
	table_release(&info);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct option longs[] = {
		OPT_COMMON_LONG,
		{"directory", no_argument, NULL, 'd'},
		{"unchanged", no_argument, NULL, 'u'},
		{NULL, 0, NULL, 0}
	};
	struct opt o = {.usage = usage, .letters = ":j:hqvdu",
	    .longs = longs};
	struct table t;
	struct cfg *c;
	char *dir;
	bool where = false, same = false;
	int ch, rc = MISUSE;

	io_start();
	msg_init(argv[0]);
	while ((ch = opt_next(&o, argc, argv)) >= 0)
		if (ch == 'd')
			where = true;
		else
			same = true;
	if (ch == OPT_EXIT)
		return io_finish(o.status);
	if (optind < argc || (same && o.job == NULL))
		return opt_usage(usage, same ? "-u needs -j JOB" :
		    "unexpected argument '%s'", argv[optind]);
	/* A job that is configured no more may still have a history. */
	if (cfg_open(NULL, NULL, &c) != 0)
		return MISUSE;
	memset(&t, 0, sizeof(t));
	rc = MISUSE;
	if ((dir = state_dir(c)) != NULL) {
		if (where)
			rc = puts(dir) < 0 ? FAILED : 0;
		else if (history_read(dir, &t) == 0)
			rc = same ? unchanged(&t, o.job) :
			    print(&t, dir, o.job);
	}
	table_release(&t);
	free(dir);
	cfg_free(c);
	return io_finish(rc);
}
