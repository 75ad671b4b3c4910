/*
 * The state directory: locks, a directory a run, and one line a run in
 * history.csv. What happens in a run is not known here.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfg.h"
#include "history.h"
#include "io.h"
#include "manifest.h"
#include "mem.h"
#include "msg.h"

#define FILE_SIZE (16 * 1024 * 1024)	/* some 40,000 runs, then it is put
					 * aside as history.csv.1 */
#define UNTOLD "untold"			/* a run's file until its line is
					 * written */
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

/* mkdir -p with mode 0700. 0, or -1 with errno. */
static int
make_dirs(const char *path)
{
	char *p, *copy = mem_dup(path);
	int rc = 0;

	for (p = copy + 1; rc == 0 && (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		if (mkdir(copy, 0700) != 0 && errno != EEXIST &&
		    access(copy, X_OK) != 0)
			rc = -1;
		*p = '/';
	}
	if (rc == 0 && mkdir(copy, 0700) != 0 && errno != EEXIST)
		rc = -1;
	free(copy);
	return rc;
}

/* Is it ours, and can files be made in it, or in the two below it? */
static int
usable(const char *path)
{
	static const char *const below[] = {"runs", "locks"};
	struct stat st;
	char *sub;
	size_t i;
	int rc = 0;

	if (make_dirs(path) != 0 || lstat(path, &st) != 0)
		return -1;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid()) {
		errno = EPERM;
		return -1;
	}
	for (i = 0; i < 2 && rc == 0; i++) {
		sub = mem_fmt("%s/%s", path, below[i]);
		if (make_dirs(sub) != 0 || access(sub, W_OK) != 0)
			rc = -1;
		free(sub);
	}
	return rc == 0 ? access(path, W_OK) : rc;
}

static const char *
env(const char *name)
{
	const char *v = getenv(name);

	return v != NULL && *v == '/' ? v : NULL;
}

/* Where it should be; NULL: no HOME. */
static char *
usual_dir(const char *chosen)
{
	if (chosen != NULL)
		return mem_dup(chosen);
	if (env("XDG_STATE_HOME") != NULL)
		return mem_fmt("%s/rs-writeback", env("XDG_STATE_HOME"));
	return env("HOME") == NULL ? NULL :
	    mem_fmt("%s/.local/state/rs-writeback", env("HOME"));
}

static char *
other_dir(void)
{
	if (env("XDG_RUNTIME_DIR") != NULL)
		return mem_fmt("%s/rs-writeback", env("XDG_RUNTIME_DIR"));
	return mem_fmt("%s/rs-writeback-%ld", env("TMPDIR") != NULL ?
	    env("TMPDIR") : "/tmp", (long)geteuid());
}

char *
history_dir(struct cfg *c)
{
	const char *chosen, *why = "HOME is not set";
	char *dir, *other;

	if (cfg_get(c, "state_dir", &chosen) != 0)
		return NULL;
	dir = usual_dir(chosen);
	if (dir != NULL && usable(dir) == 0)
		return dir;
	if (dir != NULL)
		why = strerror(errno);
	if (chosen != NULL) {
		msg_error("cannot keep runs in '%s' (state_dir): %s", dir, why);
		free(dir);
		return NULL;
	}
	other = other_dir();
	if (usable(other) != 0) {
		msg_error("cannot keep runs in '%s' (%s) nor in '%s': %s; set "
		    "state_dir to a directory that can be written to",
		    dir != NULL ? dir : "~/.local/state", why, other,
		    strerror(errno));
		free(other);
		other = NULL;
	} else {
		msg_info("runs are kept in '%s': %s%s%s; set state_dir to "
		    "choose the place", other, dir != NULL ? dir : "",
		    dir != NULL ? ": " : "", why);
	}
	free(dir);
	return other;
}

/* A job's name as the name of a file: unlike for unlike jobs. */
static char *
file_name(const char *job)
{
	struct buf b;

	buf_init(&b, 4096);
	for (; *job != '\0'; job++)
		if ((*job >= 'a' && *job <= 'z') || (*job >= 'A' &&
		    *job <= 'Z') || (*job >= '0' && *job <= '9') ||
		    *job == '-' || *job == '_')
			buf_addc(&b, *job);
		else
			buf_addf(&b, "%%%02x", (unsigned char)*job);
	return buf_take(&b);
}

int
history_lock(const char *dir, const char *job)
{
	char *name = file_name(job);
	char *path = mem_fmt("%s/locks/%.200s", dir, name);
	int fd;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		msg_errno("cannot open the lock '%s'", path);
	} else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			msg_error("cannot run job '%s' now: it runs already "
			    "(its lock is '%s')", job, path);
		else
			msg_errno("cannot lock '%s'", path);
		close(fd);
		fd = errno == EWOULDBLOCK ? -2 : -1;
	}
	free(name);
	free(path);
	return fd;
}

void
history_pass_on(int lock, bool on)
{
	fcntl(lock, F_SETFD, on ? 0 : FD_CLOEXEC);
}

static int
write_file(const char *dir, const char *name, const char *text)
{
	char *path = mem_fmt("%s/%s", dir, name);
	int fd, rc = -1;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		rc = io_write_full(fd, text, strlen(text));
		close(fd);
	}
	if (rc != 0)
		msg_errno("cannot write '%s'", path);
	free(path);
	return rc;
}

int
history_untold(const char *path)
{
	return write_file(path, UNTOLD, "");
}

char *
history_begin(const char *dir, const char *job, char **run)
{
	unsigned char r[4] = {0};
	char stamp[32], word[41], *path;
	time_t now = time(NULL);
	struct tm tm;
	size_t i;

	for (i = 0; job[i] != '\0' && i < 40; i++)
		word[i] = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
		    "stuvwxyz0123456789-_", job[i]) != NULL ? job[i] : '_';
	word[i] = '\0';
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	if (RAND_bytes(r, sizeof(r)) != 1)
		memcpy(r, &now, sizeof(r));
	*run = mem_fmt("%s-%02x%02x%02x%02x-%s", stamp, r[0], r[1], r[2], r[3],
	    word);
	path = mem_fmt("%s/runs/%s", dir, *run);
	if (mkdir(path, 0700) != 0)
		msg_errno("cannot make the directory '%s'", path);
	else if (history_untold(path) == 0 && write_file(path, "job", job) == 0)
		return path;
	else
		history_discard(path);
	free(path);
	free(*run);
	*run = NULL;
	return NULL;
}

/* A small file of a run, NULL if it is not there or empty (silent). */
static char *
slurp(const char *dir, const char *name)
{
	char *path = mem_fmt("%s/%s", dir, name);
	struct buf b;
	int rc = -1;

	buf_init(&b, TABLE_MAX);
	if (access(path, R_OK) == 0)
		rc = io_slurp_file(path, &b, false);
	free(path);
	if (rc == 0 && b.len > 0)
		return buf_take(&b);
	buf_release(&b);
	return NULL;
}

char *
history_find(const char *dir, const char *run, char **job)
{
	char *path = mem_fmt("%s/runs/%s", dir, run);

	*job = *run != '.' && strchr(run, '/') == NULL ? slurp(path, "job") :
	    NULL;
	if (*job != NULL)
		return path;
	msg_error("cannot find the run '%s' below '%s/runs'; rs-writeback "
	    "--history lists the runs", run, dir);
	free(path);
	return NULL;
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

static bool
exists(const char *dir, const char *name)
{
	char *path = mem_fmt("%s/%s", dir, name);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

bool
history_staged(const char *path)
{
	return exists(path, "staged");
}

/* The program before one that has failed says this too, sometimes first. */
static bool
only_follows(const char *line)
{
	return strstr(line, ": Broken pipe") != NULL ||
	    strstr(line, "nobody reads the output any more") != NULL;
}

char *
history_cause(const char *path, size_t *n)
{
	char *errors = slurp(path, "errors"), *cause = NULL, *line, *save;

	*n = 0;
	if (errors == NULL)
		return NULL;
	for (line = strtok_r(errors, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		(*n)++;
		if (cause != NULL && only_follows(line))
			continue;
		if (cause == NULL || only_follows(cause)) {
			free(cause);
			cause = mem_dup(line);
		}
	}
	free(errors);
	return cause;
}

/* A CSV of one row. 0, or -1 (silent) if there is none. */
static int
one_row(const char *path, const char *file, struct table *t)
{
	char *text = slurp(path, file);
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
	char *table = slurp(path, "table");
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
	char *text = slurp(path, "manifest.json");
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
		set(l, HISTORY_ERROR, history_cause(path, &n));
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
	char *mark = mem_fmt("%s/runs/%s/" UNTOLD, dir, l->cell[HISTORY_RUN]);
	int fd = lock_csv(dir, LOCK_EX), rc = -1;

	if (fd >= 0) {
		rc = append(path, l);
		close(fd);
	}
	if (rc == 0)
		unlink(mark);
	free(mark);
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

/*
 * Old runs.
 */

static int
newest_first(const void *a, const void *b)
{
	return strcmp(*(char *const *)b, *(char *const *)a);
}

/* A run's directory has files only. */
void
history_discard(const char *path)
{
	struct dirent *e;
	DIR *d = opendir(path);

	while (d != NULL && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	if (rmdir(path) != 0)
		msg_errno("cannot remove '%s'", path);
}

/* The directories of a job's runs, or of all, the newest first; freed by the
 * caller. */
static char **
runs_of(const char *dir, const char *job, size_t *n)
{
	char *runs = mem_fmt("%s/runs", dir), *path, *whose, **run = NULL;
	struct dirent *e;
	DIR *d = opendir(runs);

	*n = 0;
	while (d != NULL && (e = readdir(d)) != NULL) {
		path = mem_fmt("%s/%s", runs, e->d_name);
		whose = e->d_name[0] == '.' ? NULL : slurp(path, "job");
		if (whose != NULL && (job == NULL || strcmp(whose, job) == 0)) {
			run = mem_resize(run, *n + 1, sizeof(*run));
			run[(*n)++] = path;
		} else {
			free(path);
		}
		free(whose);
	}
	if (d != NULL)
		closedir(d);
	if (*n > 0)
		qsort(run, *n, sizeof(*run), newest_first);
	free(runs);
	return run;
}

void
history_prune(const char *dir, const char *job, int64_t keep)
{
	char **run;
	size_t i, n;

	run = runs_of(dir, job, &n);
	for (i = 0; i < n; i++) {
		if (keep-- <= 0)
			history_discard(run[i]);
		free(run[i]);
	}
	free(run);
}

/* What the directory of a run without a line tells. */
static void
gather_untold(const char *path, struct history_line *l)
{
	char *file = mem_fmt("%s/job", path);
	struct stat st;

	memset(l, 0, sizeof(*l));
	set(l, HISTORY_RUN, mem_dup(strrchr(path, '/') + 1));
	set(l, HISTORY_JOB, slurp(path, "job"));
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

	run = runs_of(dir, job, &n);
	while (n-- > 0) {
		if (exists(run[n], UNTOLD)) {
			gather_untold(run[n], &l);
			set(&l, HISTORY_RESULT, mem_dup("killed"));
			set(&l, HISTORY_ERROR, mem_fmt("killed, or the machine "
			    "went down%s%s", history_staged(run[n]) ? "; what "
			    "it has staged: rs-writeback --resume " : "",
			    history_staged(run[n]) ? l.cell[HISTORY_RUN] : ""));
			history_append(dir, &l);
			history_line_release(&l);
		}
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

	run = runs_of(dir, job, &n);
	while (n-- > 0) {
		if (exists(run[n], UNTOLD)) {
			gather_untold(run[n], &l);
			put_line(&l, b);
			history_line_release(&l);
		}
		free(run[n]);
	}
	free(run);
}
