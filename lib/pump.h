/*
 * Many connections through one tunnel: local ends on one side, channels of
 * an SSH session on the other, one poll loop between them.
 */
#ifndef RSW_PUMP_H
#define RSW_PUMP_H

#include <stdbool.h>

#include "sshcmd.h"
#include "tun.h"

struct pump;

struct pump_conf {
	const struct tun_conf *ssh;	/* to connect again */
	struct sshcmd *cmd;	/* the system's ssh, which does it then; or NULL */
	const char *host;	/* the target, as seen from the bastion */
	int port;
	int alive_s;		/* a bastion silent for so long is dead */
	int wake;		/* a descriptor that ends pump_run(), or -1 */
};

/* A pump over an open tunnel, which it takes over (NULL with conf->cmd).
 * The conf must live as long. */
struct pump *pump_new(const struct pump_conf *, struct tun *);

/* Closes the connections and the tunnel. NULL is fine. */
void pump_free(struct pump *);

/* Take connections from this listening descriptor, the caller's. */
void pump_listen(struct pump *, int fd);

/* Join a pair of descriptors to the target, once (stdin and stdout); they
 * are taken over, and lead to /dev/null then. FATE_OK, or why not has been
 * said. */
enum fate pump_join(struct pump *, int in, int out);

enum pump_end {
	PUMP_WAKE,	/* the wake descriptor is readable */
	PUMP_TIME,	/* the deadline passed */
	PUMP_IDLE,	/* no connection is left: with pump_join(), or when
			 * pump_stop_listening() was called */
	PUMP_LOST	/* the tunnel broke under a joined pair, or it cannot
			 * be opened again: said; see pump_fate() */
};

/* Run until one of these. `deadline` is a time of io_now_ms(), or -1. */
enum pump_end pump_run(struct pump *, long long deadline);

/* After PUMP_LOST: will it be better later? */
enum fate pump_fate(const struct pump *);

/* Take no more connections; those that are open go on until their local end
 * is done, and no longer. */
void pump_stop_listening(struct pump *);

#endif
