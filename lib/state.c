/*
 * The state directory, and a lock for each job in it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "cfg.h"
#include "mem.h"
#include "msg.h"
#include "state.h"

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
state_dir(struct cfg *c)
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
state_lock(const char *dir, const char *job)
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
state_pass_on(int lock, bool on)
{
	fcntl(lock, F_SETFD, on ? 0 : FD_CLOEXEC);
}
