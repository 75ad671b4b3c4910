/*
 * The SSH agent's protocol (draft-miller-ssh-agent). libssh2 1.10 cannot ask
 * an agent for RSA signatures by SHA-2, so we ask it ourselves.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "io.h"
#include "mem.h"
#include "msg.h"
#include "sshagent.h"

enum {REQUEST_IDENTITIES = 11, IDENTITIES_ANSWER, SIGN_REQUEST, SIGN_RESPONSE};
/* OpenSSH's agent takes and gives at most this. */
#define MESSAGE_MAX (256 * 1024)
/* A signature may wait for a person's touch or word; not for ever. */
#define PATIENCE_S 60

struct sshagent {
	int fd;
	struct buf keys;	/* the answer: count, then blob and comment */
};

/* All n bytes, or false. Not io_read_full(), which outwaits the time-out. */
static bool
receive(int fd, void *p, size_t n)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = recv(fd, (char *)p + got, n - got, 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		got += (size_t)r;
	}
	return true;
}

/* Send q, read the answer to r. The answer's type, or -1 (silent). */
static int
talk(int fd, const struct buf *q, struct buf *r)
{
	struct buf framed;
	unsigned char head[4];
	struct sshstr in = {head, sizeof(head)};
	uint32_t n;
	int rc = -1;

	buf_init(&framed, MESSAGE_MAX + 4);
	if (sshstr_put(&framed, q->data, q->len) == 0 &&
	    io_write_full(fd, framed.data, framed.len) == 0 &&
	    receive(fd, head, sizeof(head)) &&
	    sshstr_u32(&in, &n) && n > 0 && buf_reserve(r, n) == 0 &&
	    receive(fd, r->data, n)) {
		r->len = n;
		rc = (unsigned char)r->data[0];
	}
	buf_release(&framed);
	return rc;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct timeval tv = {.tv_sec = PATIENCE_S};
	int fd;

	if (strlen(path) >= sizeof(a.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

struct sshagent *
sshagent_open(const char *path)
{
	struct sshagent *a;
	struct buf q;
	int fd = connect_to(path), type;

	if (fd < 0) {
		msg_info("the agent at '%s' does not answer: %s", path,
		    strerror(errno));
		return NULL;
	}
	a = mem_zero(1, sizeof(*a));
	a->fd = fd;
	buf_init(&a->keys, MESSAGE_MAX);
	buf_init(&q, 16);
	buf_addc(&q, REQUEST_IDENTITIES);
	type = talk(fd, &q, &a->keys);
	buf_release(&q);
	if (type == IDENTITIES_ANSWER)
		return a;
	msg_info("the agent at '%s' does not list its keys", path);
	sshagent_free(a);
	return NULL;
}

void
sshagent_free(struct sshagent *a)
{
	if (a == NULL)
		return;
	close(a->fd);
	buf_release(&a->keys);
	free(a);
}

bool
sshagent_key(const struct sshagent *a, size_t i, struct sshstr *blob,
    struct sshstr *comment)
{
	struct sshstr in = {(const unsigned char *)a->keys.data + 1,
		a->keys.len - 1};
	uint32_t count;
	size_t at;

	if (!sshstr_u32(&in, &count) || i >= count)
		return false;
	for (at = 0; at <= i; at++)
		if (!sshstr_get(&in, blob) || !sshstr_get(&in, comment))
			return false;
	return true;
}

int
sshagent_sign(struct sshagent *a, struct sshstr blob, const char *algorithm,
    const void *p, size_t n, struct buf *sig)
{
	struct buf q, r;
	struct sshstr in, both, name, bare;
	unsigned flags;
	int rc = -1;

	flags = strcmp(algorithm, "rsa-sha2-256") == 0 ? 2 :
	    strcmp(algorithm, "rsa-sha2-512") == 0 ? 4 : 0;
	buf_init(&q, MESSAGE_MAX);
	buf_init(&r, MESSAGE_MAX);
	buf_addc(&q, SIGN_REQUEST);
	if (sshstr_put(&q, blob.p, blob.n) == 0 &&
	    sshstr_put(&q, p, n) == 0 && sshstr_put_u32(&q, flags) == 0 &&
	    talk(a->fd, &q, &r) == SIGN_RESPONSE) {
		in = (struct sshstr){(unsigned char *)r.data + 1, r.len - 1};
		/* An old agent ignores the flags, and signs by SHA-1. */
		if (sshstr_get(&in, &both) && sshstr_get(&both, &name) &&
		    sshstr_get(&both, &bare) && sshstr_is(name, algorithm))
			rc = buf_add(sig, bare.p, bare.n);
	}
	buf_release(&q);
	buf_release(&r);
	return rc;
}
