/*
 * The bytes below an SSH session: a socket, or a channel of another session
 * (a jump host). libssh2 writes into a queue that never blocks, so that it
 * never stops in the middle of a packet, and reads from a large buffer.
 */
#ifndef RSW_WIRE_H
#define RSW_WIRE_H

#include <libssh2.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fate.h"

struct wire {
	int fd;			/* the socket; -1 when over a channel */
	LIBSSH2_CHANNEL *over;
	struct wire *below;	/* of the session that `over` belongs to */
	char *out, *in;
	size_t out_at, out_len, in_at, in_len;
	char *hello;		/* the first bytes received, in clear */
	size_t hello_len;
	bool dry;		/* nothing to read until poll says so */
	bool paused;		/* or until wire_resume() */
	bool unacknowledged;	/* bytes came since the last flush */
	bool ended;		/* by the peer, or by an error */
	int error;		/* errno of that, 0 if the peer just hung up */
	long long heard;	/* io_now_ms() when bytes came last */
	unsigned long long received;	/* bytes so far */
};

/* How much of what a server says first is kept: its name, and the lists of
 * what it can do. OpenSSH's have 1.2 kB together. */
#define WIRE_HELLO_MAX (16 * 1024)

/* Either takes what it is given, and wire_release() closes the socket; the
 * channel stays the caller's. */
void wire_init_fd(struct wire *, int fd);
void wire_init_channel(struct wire *, LIBSSH2_CHANNEL *over,
    struct wire *below);
void wire_release(struct wire *);

/* libssh2's callbacks: a count, or minus an errno. libssh2 would read until
 * the socket is empty before it gives out the first byte: after each batch it
 * is told that there is no more, until wire_resume(). What it holds then still
 * is in the processor's cache. */
ssize_t wire_send(struct wire *, const void *p, size_t n);
ssize_t wire_recv(struct wire *, void *p, size_t n);
void wire_resume(struct wire *);

/* Send what is queued, as far as the socket takes it. 0, or -1 when the
 * connection is gone (silent; w->error). */
int wire_flush(struct wire *);

/* Bytes that are queued, on this level and below. */
size_t wire_queued(const struct wire *);

/* Bytes that were received, but that libssh2 has not asked for: poll() does
 * not know of them. */
bool wire_hidden(const struct wire *);

/* The socket at the bottom, for poll(). When it says POLLIN, tell. */
int wire_socket(const struct wire *);
void wire_readable(struct wire *);

/*
 * Flush, then wait until bytes come. FATE_OK; FATE_AGAIN: the deadline
 * passed, or the connection is gone; FATE_STOPPED by `wake`. Silent.
 */
enum fate wire_wait(struct wire *, long long deadline, int wake);

/* Why the connection is gone, in words. */
const char *wire_reason(const struct wire *);

#endif
