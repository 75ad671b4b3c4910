/*
 * The near end of a tunnel: a port on loopback, for this user alone.
 */
#ifndef RSW_LOCAL_H
#define RSW_LOCAL_H

/* Listen on 127.0.0.1. `port` 0 lets the kernel choose. The descriptor (does
 * not block, closes on exec) and *chosen; or -1 having said why. */
int local_listen(int port, int *chosen);

enum local_result {
	LOCAL_OK,
	LOCAL_NONE,	/* nobody waits */
	LOCAL_REFUSED,	/* somebody else's: closed, and said */
	LOCAL_FULL	/* no descriptor is left; try later */
};

/* The next connection in *fd (does not block, closes on exec, no delay),
 * when its other end belongs to a process of this user. */
enum local_result local_accept(int listener, int *fd);

#endif
