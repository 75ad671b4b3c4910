/*
 * The directory of a run: made, found, looked into, removed. Programs put
 * their messages there (msg.c), the driver what it carries between them.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "rundir.h"
#include "table.h"

#define UNTOLD "untold"		/* there until the history has a line */

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
rundir_untold(const char *path)
{
	return write_file(path, UNTOLD, "");
}

void
rundir_told(const char *path)
{
	char *mark = mem_fmt("%s/" UNTOLD, path);

	unlink(mark);
	free(mark);
}

char *
rundir_begin(const char *dir, const char *job, char **run)
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
	else if (rundir_untold(path) == 0 && write_file(path, "job", job) == 0)
		return path;
	else
		rundir_discard(path);
	free(path);
	free(*run);
	*run = NULL;
	return NULL;
}

/* A small file of a run, NULL if it is not there or empty (silent). */
char *
rundir_text(const char *dir, const char *name)
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
rundir_find(const char *dir, const char *run, char **job)
{
	char *path = mem_fmt("%s/runs/%s", dir, run);

	*job = *run != '.' && strchr(run, '/') == NULL ? rundir_text(path, "job") :
	    NULL;
	if (*job != NULL)
		return path;
	msg_error("cannot find the run '%s' below '%s/runs'; rs-writeback "
	    "--history lists the runs", run, dir);
	free(path);
	return NULL;
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
rundir_staged(const char *path)
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
rundir_cause(const char *path, size_t *n)
{
	char *errors = rundir_text(path, "errors"), *cause = NULL, *line, *save;

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

static int
newest_first(const void *a, const void *b)
{
	return strcmp(*(char *const *)b, *(char *const *)a);
}

/* A run's directory has files only. */
void
rundir_discard(const char *path)
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

char **
rundir_list(const char *dir, const char *job, bool untold, size_t *n)
{
	char *runs = mem_fmt("%s/runs", dir), *path, *whose, **run = NULL;
	struct dirent *e;
	DIR *d = opendir(runs);

	*n = 0;
	while (d != NULL && (e = readdir(d)) != NULL) {
		path = mem_fmt("%s/%s", runs, e->d_name);
		whose = e->d_name[0] == '.' ? NULL : rundir_text(path, "job");
		if (whose != NULL && (job == NULL || strcmp(whose, job) == 0) &&
		    (!untold || exists(path, UNTOLD))) {
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
rundir_prune(const char *dir, const char *job, int64_t keep)
{
	char **run;
	size_t i, n;

	run = rundir_list(dir, job, false, &n);
	for (i = 0; i < n; i++) {
		if (keep-- <= 0)
			rundir_discard(run[i]);
		free(run[i]);
	}
	free(run);
}
