/*
 * The bytes below an SSH session, queued in both directions. What they mean
 * is libssh2's business; when to send and to wait is the caller's.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"
#include "io.h"
#include "mem.h"
#include "wire.h"

/* What one recv() takes. libssh2 alone asks for 16 kB at a time. */
#define IN_BYTES (128 * 1024)
/* The caller stops feeding channels far below; what comes on top are the
 * answers to the peer's own packets. A peer that sends and never reads is
 * cut off here. */
#define OUT_BYTES (2 * 1024 * 1024)

static void
init(struct wire *w)
{
	memset(w, 0, sizeof(*w));
	w->fd = -1;
	w->out = mem_alloc(OUT_BYTES);
	w->in = mem_alloc(IN_BYTES);
	w->hello = mem_alloc(WIRE_HELLO_MAX);
	w->heard = io_now_ms();
}

void
wire_init_fd(struct wire *w, int fd)
{
	init(w);
	w->fd = fd;
}

void
wire_init_channel(struct wire *w, LIBSSH2_CHANNEL *over, struct wire *below)
{
	init(w);
	w->over = over;
	w->below = below;
}

void
wire_release(struct wire *w)
{
	if (w->out == NULL)
		return;
	if (w->fd >= 0)
		close(w->fd);
	free(w->out);
	free(w->in);
	free(w->hello);
	memset(w, 0, sizeof(*w));
	w->fd = -1;
}

static void
end(struct wire *w, int error)
{
	w->ended = true;
	w->error = error;
}

ssize_t
wire_send(struct wire *w, const void *p, size_t n)
{
	if (w->ended)
		return -EPIPE;
	if (w->out_len + n > OUT_BYTES && w->out_at > 0) {
		memmove(w->out, w->out + w->out_at, w->out_len - w->out_at);
		w->out_len -= w->out_at;
		w->out_at = 0;
	}
	if (w->out_len + n > OUT_BYTES) {
		end(w, ENOBUFS);
		return -ENOBUFS;
	}
	memcpy(w->out + w->out_len, p, n);
	w->out_len += n;
	return (ssize_t)n;
}

/* One read of the socket or the channel below: a count, 0 at the end, or
 * minus an errno. */
static ssize_t
fetch(struct wire *w)
{
	ssize_t n;

	if (w->over != NULL) {
		n = libssh2_channel_read(w->over, w->in, IN_BYTES);
		if (n == LIBSSH2_ERROR_EAGAIN ||
		    (n == 0 && !libssh2_channel_eof(w->over)))
			return -EAGAIN;
		return n < 0 ? -ECONNRESET : n;
	}
	do
		n = recv(w->fd, w->in, IN_BYTES, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* A server that waits for our ACK before it sends its next small packet would
 * wait for 40 ms. The kernel forgets this at once; and what we send carries
 * the ACK too, so this comes last. */
static void
acknowledge(struct wire *w)
{
	int one = 1;

	if (w->fd >= 0 && w->unacknowledged)
		setsockopt(w->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
	w->unacknowledged = false;
}

static void
keep_hello(struct wire *w)
{
	size_t n = WIRE_HELLO_MAX - w->hello_len;

	if (n > w->in_len)
		n = w->in_len;
	memcpy(w->hello + w->hello_len, w->in, n);
	w->hello_len += n;
}

ssize_t
wire_recv(struct wire *w, void *p, size_t n)
{
	ssize_t got;

	if (w->in_at == w->in_len) {
		if (w->ended)
			return w->error != 0 ? -w->error : 0;
		if (w->dry || w->paused)
			return -EAGAIN;
		got = fetch(w);
		if (got == -EAGAIN) {
			w->dry = true;
			return -EAGAIN;
		}
		if (got <= 0) {
			end(w, (int)-got);
			return got;
		}
		w->heard = io_now_ms();
		w->received += (unsigned long long)got;
		w->in_at = 0;
		w->in_len = (size_t)got;
		w->paused = w->over == NULL;
		w->unacknowledged = true;
		/* A socket that gave less is empty: spare the next call. */
		w->dry = w->over == NULL && got < IN_BYTES;
		if (w->hello_len < WIRE_HELLO_MAX)
			keep_hello(w);
	}
	if (n > w->in_len - w->in_at)
		n = w->in_len - w->in_at;
	memcpy(p, w->in + w->in_at, n);
	w->in_at += n;
	return (ssize_t)n;
}

static ssize_t
push(struct wire *w)
{
	ssize_t n;

	if (w->over != NULL) {
		n = libssh2_channel_write(w->over, w->out + w->out_at,
		    w->out_len - w->out_at);
		if (n == LIBSSH2_ERROR_EAGAIN || n == 0)
			return -EAGAIN;
		return n < 0 ? -ECONNRESET : n;
	}
	do
		n = send(w->fd, w->out + w->out_at, w->out_len - w->out_at,
		    MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int
wire_flush(struct wire *w)
{
	ssize_t n = 0;

	while (w->out_at < w->out_len && !w->ended) {
		n = push(w);
		if (n == -EAGAIN)
			break;
		if (n < 0)
			end(w, (int)-n);
		else
			w->out_at += (size_t)n;
	}
	if (w->out_at == w->out_len)
		w->out_at = w->out_len = 0;
	acknowledge(w);
	if (w->below != NULL && wire_flush(w->below) != 0)
		end(w, w->below->error);
	return w->ended ? -1 : 0;
}

size_t
wire_queued(const struct wire *w)
{
	return w->out_len - w->out_at +
	    (w->below != NULL ? wire_queued(w->below) : 0);
}

bool
wire_hidden(const struct wire *w)
{
	return w->in_at < w->in_len ||
	    (w->below != NULL && wire_hidden(w->below));
}

int
wire_socket(const struct wire *w)
{
	return w->below != NULL ? wire_socket(w->below) : w->fd;
}

void
wire_readable(struct wire *w)
{
	w->dry = w->paused = false;
	if (w->below != NULL)
		wire_readable(w->below);
}

void
wire_resume(struct wire *w)
{
	for (; w != NULL; w = w->below)
		w->paused = false;
}

enum fate
wire_wait(struct wire *w, long long deadline, int wake)
{
	enum fate f;
	short events = POLLIN;

	if (wire_flush(w) != 0)
		return FATE_AGAIN;
	if (wire_hidden(w)) {
		wire_readable(w);
		return FATE_OK;
	}
	if (wire_queued(w) > 0)
		events |= POLLOUT;
	f = dial_wait(wire_socket(w), events, deadline, wake);
	if (f == FATE_OK)
		wire_readable(w);
	return f;
}

const char *
wire_reason(const struct wire *w)
{
	if (w->below != NULL && w->below->ended)
		w = w->below;
	if (!w->ended)
		return "no answer in time";
	return w->error != 0 ? strerror(w->error) :
	    "the server closed the connection";
}
