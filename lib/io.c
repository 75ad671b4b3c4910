/*
 * Descriptors: whole reads, whole writes, and noticing what was lost.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "msg.h"

void
io_start(void)
{
	int fd;

	/* A closed descriptor 0 to 2 would be given to the next file that is
	 * opened, and messages or data would land in it. To use it must be an
	 * error as it was, so 0 is opened for writing, 1 and 2 for reading. */
	do {
		fd = open("/dev/null", O_WRONLY);
		if (fd > STDIN_FILENO) {
			close(fd);
			fd = open("/dev/null", O_RDONLY);
		}
		if (fd < 0)
			_exit(1);
	} while (fd <= STDERR_FILENO);
	close(fd);
	io_ignore_sigpipe();
}

void
io_ignore_sigpipe(void)
{
	struct sigaction sa = {.sa_handler = SIG_IGN};

	sigaction(SIGPIPE, &sa, NULL);
}

void
io_restore_sigpipe(void)
{
	struct sigaction sa = {.sa_handler = SIG_DFL};

	sigaction(SIGPIPE, &sa, NULL);
}

static void
wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	poll(&p, 1, -1);
}

ssize_t
io_read_full(int fd, void *p, size_t n)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = read(fd, (char *)p + got, n - got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno == EAGAIN) {
			wait_for(fd, POLLIN);
			continue;
		}
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int
io_write_full(int fd, const void *p, size_t n)
{
	const char *at = p;
	ssize_t w;

	while (n > 0) {
		w = write(fd, at, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN) {
			wait_for(fd, POLLOUT);
			continue;
		}
		if (w == 0)
			errno = ENOSPC;
		if (w <= 0)
			return -1;
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

int
io_slurp(int fd, struct buf *b, const char *what)
{
	char block[16 * 1024];
	ssize_t n;

	while ((n = io_read_full(fd, block, sizeof(block))) > 0) {
		if (buf_add(b, block, (size_t)n) != 0)
			return msg_error("cannot read '%s': it is larger than "
			    "%zu bytes", what, b->max);
	}
	if (n < 0)
		return msg_errno("cannot read '%s'", what);
	return 0;
}

int
io_slurp_file(const char *path, struct buf *b, bool private)
{
	struct stat st;
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return msg_errno("cannot open '%s'", path);
	rc = 0;
	if (private && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if (st.st_mode & (S_IRWXG | S_IRWXO))
			rc = msg_error("cannot use '%s': others can read it "
			    "(mode %04o); run: chmod 600 '%s'", path,
			    (unsigned)st.st_mode & 07777, path);
		else if (st.st_uid != geteuid() && st.st_uid != 0)
			rc = msg_error("cannot use '%s': it belongs to another "
			    "user (uid %lu)", path, (unsigned long)st.st_uid);
	}
	if (rc == 0)
		rc = io_slurp(fd, b, path);
	close(fd);
	return rc;
}

int
io_finish(int status)
{
	bool lost;

	msg_progress_end();
	lost = fflush(stdout) != 0 || ferror(stdout);
	/* NFS and quotas tell of a lost write only at close. */
	if (close(STDOUT_FILENO) != 0 && errno != EBADF)
		lost = true;
	if (!lost)
		return status;
	msg_errno("cannot write the output");
	return status != 0 ? status : 1;
}

long long
io_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
