/*
 * Answers for the system's ssh. The file of answers is a list of strings that
 * end with NUL: fingerprints, passphrase, then USER@HOST and password for
 * each host.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "hostkey.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "sshask.h"

/* Some passwords, names and fingerprints. */
#define ANSWERS_MAX (64 * 1024)

int
sshask_memory(const void *p, size_t n, char **path)
{
	int fd = memfd_create("ssh-fwd", MFD_CLOEXEC);

	/* ssh takes no key that others could read, and a new memfd is 0777. */
	if (fd < 0 || fchmod(fd, 0600) != 0 || io_write_full(fd, p, n) != 0) {
		msg_errno("cannot make a file in memory");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*path = mem_fmt("/proc/%ld/fd/%d", (long)getpid(), fd);
	return fd;
}

static void
add(struct buf *b, const char *s)
{
	buf_adds(b, s != NULL ? s : "");
	buf_addc(b, '\0');
}

int
sshask_store(const char *pin, const char *passphrase,
    const struct hostport *hop, size_t nhops, const char *password,
    const char *jump_password, char **path)
{
	struct buf b;
	size_t i;
	int fd;

	buf_init(&b, ANSWERS_MAX);
	add(&b, pin);
	add(&b, passphrase);
	/* The bastion first: where names are the same, its password is
	 * meant. */
	for (i = nhops; i-- > 0;) {
		buf_addf(&b, "%s%s%s", hop[i].user != NULL ? hop[i].user : "",
		    "@", hop[i].host);
		buf_addc(&b, '\0');
		add(&b, i + 1 == nhops ? password : jump_password);
	}
	fd = sshask_memory(b.data, b.len, path);
	buf_wipe(&b);
	return fd;
}

bool
sshask_wanted(int argc)
{
	const char *path = getenv(SSHASK_ENV);

	/* One word is a question; four are a host key. */
	return path != NULL && *path != '\0' && (argc == 2 || argc == 5);
}

/* The string after s. */
static const char *
next(const char *s)
{
	return s + strlen(s) + 1;
}

/* Which answer a question of ssh's is about. */
static const char *
find_answer(const struct buf *b, const char *question)
{
	const char *end = b->data + b->len, *name = next(next(b->data));

	if (strstr(question, "passphrase") != NULL)
		return next(b->data);
	for (; name < end; name = next(next(name)))
		if (strstr(question, name) != NULL && *next(name) != '\0')
			return next(name);
	return NULL;
}

/* FINGERPRINT NAME TYPE KEY: a line of known_hosts if it is pinned. */
static int
answer_host_key(const struct buf *b, char *argv[])
{
	if (strncmp(argv[1], "SHA256:", 7) == 0 &&
	    hostkey_pinned(b->data, argv[1]))
		printf("%s %s %s\n", argv[2], argv[3], argv[4]);
	return 0;
}

int
sshask_main(int argc, char *argv[])
{
	const char *answer;
	struct buf b;
	int rc;

	buf_init(&b, ANSWERS_MAX);
	rc = io_slurp_file(getenv(SSHASK_ENV), &b, true);
	if (rc == 0 && argc == 5) {
		rc = answer_host_key(&b, argv);
	} else if (rc == 0) {
		answer = find_answer(&b, argv[1]);
		if (answer != NULL && *answer != '\0')
			puts(answer);
		else
			rc = -1;	/* ssh tells what it wanted */
	}
	buf_wipe(&b);
	return io_finish(rc == 0 ? 0 : 1);
}
