/*
 * The far end of one connection: a channel of our own SSH session, or a
 * socket of the system's ssh. Nothing here blocks.
 */
#ifndef RSW_FAR_H
#define RSW_FAR_H

#include <libssh2.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct far {
	LIBSSH2_CHANNEL *chan;	/* NULL: not open, or a socket */
	int fd;			/* -1: not open, or a channel */
	bool full;		/* the socket took no more */
	int error;		/* libssh2's, after FAR_BROKEN */
};

enum {FAR_AGAIN = -1, FAR_BROKEN = -2};

bool far_is_open(const struct far *);

/* How many bytes may be written now. */
size_t far_room(const struct far *);

/* A count; FAR_AGAIN; FAR_BROKEN; a read gives 0 at the end. */
ssize_t far_read(struct far *, void *p, size_t n);
ssize_t far_write(struct far *, const void *p, size_t n);

/* No more will be written. 0, FAR_AGAIN, FAR_BROKEN. */
int far_send_eof(struct far *);

/* Once read has given 0: does the other side also take nothing more? */
bool far_closed(struct far *);

/* Close and free it. 0, or FAR_AGAIN: call it again. `broken`: the session
 * is gone, and frees the channel itself; a socket is reset. */
int far_close(struct far *, bool broken);

#endif
