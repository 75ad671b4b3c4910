/*
 * history.csv: one line a run, gathered from what the run's directory has.
 * What happens in a run is not known here.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "history.h"
#include "io.h"
#include "manifest.h"
#include "mem.h"
#include "msg.h"
#include "rundir.h"

#define FILE_SIZE (16 * 1024 * 1024)	/* some 40,000 runs, then it is put
					 * aside as history.csv.1 */
#define LINE_SIZE (64 * 1024)		/* names, and an error of 4096 */

const char *const history_column[HISTORY_COLUMNS] = {
	"run", "start", "end", "job", "dataset_id", "dataset_name",
	"data_time", "table", "mode", "rows", "bytes", "staged_bytes",
	"seconds", "seconds_connect", "seconds_export", "seconds_load",
	"seconds_clean", "attempts", "status", "result", "error",
};

void
history_line_release(struct history_line *l)
{
	size_t i;

	for (i = 0; i < HISTORY_COLUMNS; i++)
		free(l->cell[i]);
	memset(l, 0, sizeof(*l));
}

/*
 * What a run left.
 */

/* A line a run: the name of a DataSet may hold anything. */
static void
set(struct history_line *l, int column, char *value)
{
	char *p;

	for (p = value; p != NULL && *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	free(l->cell[column]);
	l->cell[column] = value;
}

static char *
time_text(struct timespec t)
{
	char s[64];
	struct tm tm;

	gmtime_r(&t.tv_sec, &tm);
	strftime(s, sizeof(s), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return mem_dup(s);
}

static double
seconds(struct timespec from, struct timespec to)
{
	return (double)(to.tv_sec - from.tv_sec) +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* A CSV of one row. 0, or -1 (silent) if there is none. */
static int
one_row(const char *path, const char *file, struct table *t)
{
	char *text = rundir_text(path, file);
	int rc = -1;

	memset(t, 0, sizeof(*t));
	if (text != NULL)
		rc = table_parse(t, text, strlen(text), file);
	free(text);
	return rc == 0 && t->nrows == 1 ? 0 : -1;
}

static void
take(struct history_line *l, int column, const struct table *t,
    const char *name)
{
	int at = table_find(t, name);

	if (at >= 0 && table_get(t, 0, (size_t)at) != NULL)
		set(l, column, mem_dup(table_get(t, 0, (size_t)at)));
}

static void
gather_tables(const char *path, struct history_line *l)
{
	char *table = rundir_text(path, "table");
	struct table t;

	if (one_row(path, "info", &t) == 0) {
		take(l, HISTORY_DATASET_ID, &t, "id");
		take(l, HISTORY_DATASET_NAME, &t, "name");
		take(l, HISTORY_DATA_TIME, &t, "data_current_at");
	}
	table_release(&t);
	if (one_row(path, "result", &t) == 0) {
		take(l, HISTORY_TABLE, &t, "table");
		take(l, HISTORY_MODE, &t, "mode");
		take(l, HISTORY_ROWS, &t, "rows");
		take(l, HISTORY_RESULT, &t, "result");
	}
	table_release(&t);
	if (l->cell[HISTORY_TABLE] == NULL && table != NULL)
		set(l, HISTORY_TABLE, mem_ndup(table, strcspn(table, "\n")));
	free(table);
}

static void
gather_manifest(const char *path, struct history_line *l)
{
	char *text = rundir_text(path, "manifest.json");
	struct manifest m;

	if (text == NULL)
		return;
	manifest_init(&m);
	if (manifest_parse(text, strlen(text), "manifest.json", &m) == 0) {
		if (m.source_bytes >= 0)
			set(l, HISTORY_BYTES, mem_fmt("%lld",
			    (long long)m.source_bytes));
		set(l, HISTORY_STAGED_BYTES, mem_fmt("%lld",
		    (long long)m.content_length));
	}
	manifest_release(&m);
	free(text);
}

/* The files at.STEP were made when the steps began. */
static void
gather_steps(const char *path, struct timespec end, struct history_line *l)
{
	static const char *const step[] = {"connect", "export", "load",
		"clean"};
	struct stat st;
	char *file;
	int i;

	for (i = 3; i >= 0; i--) {
		file = mem_fmt("%s/at.%s", path, step[i]);
		if (stat(file, &st) == 0) {
			set(l, HISTORY_CONNECT + i, mem_fmt("%.2f",
			    seconds(st.st_mtim, end)));
			end = st.st_mtim;
		}
		free(file);
	}
}

void
history_gather(const char *path, struct timespec start, struct timespec end,
    struct history_line *l)
{
	size_t n;

	set(l, HISTORY_START, time_text(start));
	set(l, HISTORY_END, time_text(end));
	set(l, HISTORY_SECONDS, mem_fmt("%.2f", seconds(start, end)));
	gather_tables(path, l);
	gather_manifest(path, l);
	gather_steps(path, end, l);
	if (strcmp(l->cell[HISTORY_STATUS], "0") != 0)
		set(l, HISTORY_ERROR, rundir_cause(path, &n));
}

/*
 * history.csv.
 */

static int
put_line(const struct history_line *l, struct buf *b)
{
	return table_put_row(b, HISTORY_COLUMNS, (const char *const *)l->cell);
}

void
history_text(const struct history_line *l, struct buf *b)
{
	table_put_row(b, HISTORY_COLUMNS, history_column);
	put_line(l, b);
}

/* Open it for appending, with what a full disk left behind cut away. */
static int
open_csv(const char *path, off_t *size)
{
	struct stat st;
	char *old, c;
	int fd;

	if (stat(path, &st) == 0 && st.st_size > FILE_SIZE) {
		old = mem_fmt("%s.1", path);
		rename(path, old);
		free(old);
	}
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) != 0)
		return fd;
	for (*size = st.st_size; *size > 0; (*size)--)
		if (pread(fd, &c, 1, *size - 1) != 1 || c == '\n')
			break;
	if (*size < st.st_size && ftruncate(fd, *size) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
append(const char *path, const struct history_line *l)
{
	struct buf b;
	off_t size = 0;
	int fd = open_csv(path, &size), rc = -1;

	if (fd < 0)
		return msg_errno("cannot open '%s'", path);
	buf_init(&b, LINE_SIZE);
	if (size == 0)
		rc = table_put_row(&b, HISTORY_COLUMNS, history_column);
	if ((size == 0 && rc != 0) || put_line(l, &b) != 0) {
		rc = msg_error("cannot write '%s': the line is longer than %d "
		    "bytes", path, LINE_SIZE);
	} else if ((rc = io_write_full(fd, b.data, b.len)) != 0) {
		msg_errno("cannot write '%s'", path);
		if (ftruncate(fd, size) != 0)
			msg_errno("cannot cut '%s'", path);
	}
	close(fd);
	buf_release(&b);
	return rc;
}

/* Held until it is closed; -1 having said why. */
static int
lock_csv(const char *dir, int how)
{
	char *lock = mem_fmt("%s/history.lock", dir);
	int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0 && flock(fd, how) != 0) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		msg_errno("cannot lock '%s'", lock);
	free(lock);
	return fd;
}

int
history_append(const char *dir, const struct history_line *l)
{
	char *path = mem_fmt("%s/history.csv", dir);
	char *run = mem_fmt("%s/runs/%s", dir, l->cell[HISTORY_RUN]);
	int fd = lock_csv(dir, LOCK_EX), rc = -1;

	if (fd >= 0) {
		rc = append(path, l);
		close(fd);
	}
	if (rc == 0)
		rundir_told(run);
	free(run);
	free(path);
	return rc;
}

int
history_read(const char *dir, struct table *t)
{
	char *path = mem_fmt("%s/history.csv", dir);
	int fd, rc;
	struct buf b;

	memset(t, 0, sizeof(*t));
	if (access(path, F_OK) != 0 && errno == ENOENT) {
		buf_init(&b, LINE_SIZE);
		table_put_row(&b, HISTORY_COLUMNS, history_column);
		rc = table_parse(t, b.data, b.len, path);
		buf_release(&b);
	} else {
		/* A line that is half written is waited for. */
		fd = lock_csv(dir, LOCK_SH);
		rc = fd < 0 ? -1 : table_read_file(t, path);
		if (fd >= 0)
			close(fd);
	}
	free(path);
	return rc;
}

/* What the directory of a run without a line tells. */
static void
gather_untold(const char *path, struct history_line *l)
{
	char *file = mem_fmt("%s/job", path);
	struct stat st;

	memset(l, 0, sizeof(*l));
	set(l, HISTORY_RUN, mem_dup(strrchr(path, '/') + 1));
	set(l, HISTORY_JOB, rundir_text(path, "job"));
	if (stat(file, &st) == 0)
		set(l, HISTORY_START, time_text(st.st_mtim));
	gather_tables(path, l);
	gather_manifest(path, l);
	set(l, HISTORY_RESULT, mem_dup("unfinished"));
	free(file);
}

void
history_note_killed(const char *dir, const char *job)
{
	struct history_line l;
	char **run;
	size_t n;

	run = rundir_list(dir, job, true, &n);
	while (n-- > 0) {
		gather_untold(run[n], &l);
		set(&l, HISTORY_RESULT, mem_dup("killed"));
		set(&l, HISTORY_ERROR, mem_fmt("killed, or the machine went "
		    "down%s%s", rundir_staged(run[n]) ? "; what it has "
		    "staged: rs-writeback --resume " : "",
		    rundir_staged(run[n]) ? l.cell[HISTORY_RUN] : ""));
		history_append(dir, &l);
		history_line_release(&l);
		free(run[n]);
	}
	free(run);
}

void
history_unfinished(const char *dir, const char *job, struct buf *b)
{
	struct history_line l;
	char **run;
	size_t n;

	run = rundir_list(dir, job, true, &n);
	while (n-- > 0) {
		gather_untold(run[n], &l);
		put_line(&l, b);
		history_line_release(&l);
		free(run[n]);
	}
	free(run);
}
