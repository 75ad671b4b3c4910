/*
 * The far end of one connection, as a channel or as a socket. When to read
 * and to write is pump.c's work.
 */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "far.h"

/* A socket says how much it took only when it is written to. */
#define SOCKET_ROOM (256 * 1024)

bool
far_is_open(const struct far *f)
{
	return f->chan != NULL || f->fd >= 0;
}

size_t
far_room(const struct far *f)
{
	if (f->chan == NULL)
		return f->full || f->fd < 0 ? 0 : SOCKET_ROOM;
	return libssh2_channel_window_write(f->chan);
}

/* libssh2's count or error as ours. */
static ssize_t
from_libssh2(struct far *f, ssize_t n)
{
	if (n == LIBSSH2_ERROR_EAGAIN)
		return FAR_AGAIN;
	if (n < 0)
		f->error = (int)n;
	return n < 0 ? FAR_BROKEN : n;
}

static ssize_t
from_errno(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? FAR_AGAIN : FAR_BROKEN;
}

ssize_t
far_read(struct far *f, void *p, size_t n)
{
	ssize_t r;

	if (f->chan == NULL)
		return from_errno(recv(f->fd, p, n, 0));
	r = libssh2_channel_read(f->chan, p, n);
	if (r == 0 && !libssh2_channel_eof(f->chan))
		return FAR_AGAIN;
	return from_libssh2(f, r);
}

ssize_t
far_write(struct far *f, const void *p, size_t n)
{
	ssize_t r;

	if (f->chan == NULL) {
		r = from_errno(send(f->fd, p, n, MSG_NOSIGNAL));
		f->full = r == FAR_AGAIN || (r >= 0 && (size_t)r < n);
		return r;
	}
	r = from_libssh2(f, libssh2_channel_write(f->chan, p, n));
	return r == 0 ? FAR_AGAIN : r;
}

int
far_send_eof(struct far *f)
{
	if (f->chan == NULL)
		return shutdown(f->fd, SHUT_WR) == 0 ? 0 : FAR_BROKEN;
	return (int)from_libssh2(f, libssh2_channel_send_eof(f->chan));
}

bool
far_closed(struct far *f)
{
	/* Answers EAGAIN until the server's "close" is there. */
	return f->chan != NULL && libssh2_channel_wait_closed(f->chan) == 0;
}

int
far_close(struct far *f, bool broken)
{
	struct linger now = {.l_onoff = 1};

	if (f->fd >= 0) {
		if (broken)
			setsockopt(f->fd, SOL_SOCKET, SO_LINGER, &now,
			    sizeof(now));
		close(f->fd);
		f->fd = -1;
	}
	if (f->chan != NULL && !broken &&
	    libssh2_channel_free(f->chan) == LIBSSH2_ERROR_EAGAIN)
		return FAR_AGAIN;
	f->chan = NULL;
	return 0;
}
