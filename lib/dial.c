/*
 * A TCP connection to a host by name, by "happy eyeballs" (RFC 8305): the
 * addresses of both families in turn, a new attempt every quarter of a
 * second, and the first that answers wins.
 */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"
#include "io.h"
#include "mem.h"
#include "msg.h"

/* RFC 8305, 5: "recommended 250 milliseconds". */
#define NEXT_ATTEMPT_MS 250
/* More addresses than this are not tried. */
#define ATTEMPTS_MAX 16

struct race {
	const struct addrinfo *order[ATTEMPTS_MAX];
	int fd[ATTEMPTS_MAX];	/* -1: not started, or failed */
	size_t n, started, open;
	int error;		/* of the last that failed */
};

enum fate
dial_wait(int fd, short events, long long deadline, int wake)
{
	struct pollfd p[2] = {{.fd = fd, .events = events},
		{.fd = wake, .events = POLLIN}};
	long long left;
	int n;

	for (;;) {
		left = deadline - io_now_ms();
		if (left <= 0)
			return FATE_AGAIN;
		n = poll(p, 2, left > INT32_MAX ? INT32_MAX : (int)left);
		if (n < 0 && errno != EINTR)
			return FATE_FAILED;
		if (n > 0 && p[1].revents != 0)
			return FATE_STOPPED;
		if (n > 0)
			return FATE_OK;
	}
}

/* The addresses, the families in turn, beginning with the resolver's
 * favourite. */
static void
put_in_order(struct race *r, const struct addrinfo *list)
{
	const struct addrinfo *a = list, *b = list;
	int family = list->ai_family;

	memset(r, 0, sizeof(*r));
	while ((a != NULL || b != NULL) && r->n < ATTEMPTS_MAX) {
		while (a != NULL && a->ai_family != family)
			a = a->ai_next;
		while (b != NULL && b->ai_family == family)
			b = b->ai_next;
		if (a != NULL) {
			r->order[r->n++] = a;
			a = a->ai_next;
		}
		if (b != NULL && r->n < ATTEMPTS_MAX) {
			r->order[r->n++] = b;
			b = b->ai_next;
		}
	}
}

static void
start_next(struct race *r)
{
	const struct addrinfo *a = r->order[r->started];
	int *fd = &r->fd[r->started++];

	*fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (*fd >= 0 && (connect(*fd, a->ai_addr, a->ai_addrlen) == 0 ||
	    errno == EINPROGRESS)) {
		r->open++;
		return;
	}
	r->error = errno;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Did the i-th attempt end? Returns its descriptor when it won, else -1. */
static int
finish(struct race *r, size_t i)
{
	int fd = r->fd[i], e = 0;
	socklen_t n = sizeof(e);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) != 0)
		e = errno;
	r->fd[i] = -1;
	r->open--;
	if (e == 0)
		return fd;
	r->error = e;
	close(fd);
	return -1;
}

/* Poll all attempts until one wins (its descriptor), or -1: then errno is
 * ECANCELED (wake), ETIMEDOUT, or the last attempt's. */
static int
run_race(struct race *r, long long deadline, int wake)
{
	struct pollfd p[ATTEMPTS_MAX + 1];
	long long now, next = 0, until;
	size_t i;
	int won = -1;

	while (won < 0) {
		now = io_now_ms();
		errno = ETIMEDOUT;
		if (now >= deadline)
			return -1;
		errno = r->error;
		if (r->open == 0 && r->started == r->n)
			return -1;
		if (r->started < r->n && (now >= next || r->open == 0)) {
			start_next(r);
			next = now + NEXT_ATTEMPT_MS;
			continue;
		}
		for (i = 0; i < r->started; i++)
			p[i] = (struct pollfd){.fd = r->fd[i],
				.events = POLLOUT};
		p[i] = (struct pollfd){.fd = wake, .events = POLLIN};
		until = r->started < r->n && next < deadline ? next : deadline;
		if (poll(p, r->started + 1, (int)(until - now)) < 0 &&
		    errno != EINTR)
			return -1;
		errno = ECANCELED;
		if (p[r->started].revents != 0)
			return -1;
		for (i = 0; i < r->started && won < 0; i++)
			if (r->fd[i] >= 0 && p[i].revents != 0)
				won = finish(r, i);
	}
	return won;
}

static enum fate
look_up(const char *host, int port, struct addrinfo **list)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
		.ai_family = AF_UNSPEC};
	char service[16];
	int e;

	snprintf(service, sizeof(service), "%d", port);
	e = getaddrinfo(host, service, &hints, list);
	if (e == 0)
		return FATE_OK;
	if (e == EAI_AGAIN) {
		msg_error("cannot find the bastion '%s': the name servers do "
		    "not answer (%s)", host, gai_strerror(e));
		return FATE_AGAIN;
	}
	msg_error("cannot find the bastion '%s': %s; check ssh_hostname", host,
	    e == EAI_SYSTEM ? strerror(errno) : gai_strerror(e));
	return FATE_FAILED;
}

enum fate
dial(const char *host, int port, long long deadline, int wake, int *fd)
{
	struct addrinfo *list;
	struct race r;
	enum fate f;
	size_t i;
	int one = 1, e;

	f = look_up(host, port, &list);
	if (f != FATE_OK)
		return f;
	put_in_order(&r, list);
	*fd = run_race(&r, deadline, wake);
	e = errno;
	for (i = 0; i < r.started; i++)
		if (r.fd[i] >= 0)
			close(r.fd[i]);
	freeaddrinfo(list);
	if (*fd >= 0) {
		setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		return FATE_OK;
	}
	if (e == ECANCELED)
		return FATE_STOPPED;
	msg_error("cannot reach the bastion '%s' on port %d: %s", host, port,
	    e == ETIMEDOUT ? "no answer in time" : strerror(e));
	return FATE_AGAIN;
}
