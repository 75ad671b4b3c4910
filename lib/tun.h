/*
 * An SSH session to a bastion, through jump hosts if need be: connected, the
 * host keys checked, logged in. What goes through it is pump.c's work.
 */
#ifndef RSW_TUN_H
#define RSW_TUN_H

#include <libssh2.h>
#include <stdbool.h>
#include <stddef.h>

#include "fate.h"
#include "hostkey.h"
#include "hostport.h"
#include "sshauth.h"
#include "sshmem.h"
#include "wire.h"

struct tun_conf {
	const struct hostport *hop;	/* jump hosts, then the bastion; */
	size_t nhops;			/* each with user and port */
	struct hostkey_policy hostkey;	/* the pin is the bastion's */
	struct sshauth auth;		/* for the bastion */
	struct sshauth jump_auth;	/* for the jump hosts */
	int timeout_s;			/* for each hop, and for a test */
};

struct tun {
	struct sshmem mem;	/* first: libssh2's callbacks are given it */
	struct wire wire;
	LIBSSH2_SESSION *session;
	LIBSSH2_CHANNEL *via;	/* the channel of `outer` that wire is over */
	struct tun *outer;
	const char *host;	/* of the hop; the conf's */
	int port;
	long long deadline;	/* io_now_ms() of the step under way */
	int wake;
	struct sshauth_run *auth;	/* for prompts, during login */
};

/*
 * Connect, check, log in. `wake` stops it when it becomes readable (-1:
 * nothing does). Says why it fails, but for FATE_STOPPED. The conf must live
 * as long as the tunnel.
 */
enum fate tun_open(const struct tun_conf *, int wake, struct tun **out);

/* Ends the session and frees all. NULL is fine. */
void tun_free(struct tun *);

/* Wait for the bastion until t->deadline; as wire_wait(). */
enum fate tun_wait(struct tun *);

/* What the bastion may send on a channel before we have read it: bandwidth
 * times delay, 2 MiB cap a download at 20 MB/s when the way takes 100 ms. It
 * is also what a reader that stands still costs in memory. */
#define TUN_WINDOW (2 * 1024 * 1024)

/* One try to open a channel to a target as seen from the bastion; `origin` is
 * the port that is written into the server's log. NULL: see
 * libssh2_session_last_errno(); on LIBSSH2_ERROR_EAGAIN call it again with
 * the same arguments, and nothing else that opens. */
LIBSSH2_CHANNEL *tun_try(struct tun *, const char *host, int port,
    int origin, unsigned window);

/* Why the last tun_try() failed. */
enum fate tun_say_refused(struct tun *, const char *host, int port);

/* Open a channel and wait for it, at most `timeout_s` seconds. Says why
 * not. */
enum fate tun_channel(struct tun *, const char *host, int port,
    int timeout_s, LIBSSH2_CHANNEL **out);

/* Open a channel to the target and close it: is it there? */
enum fate tun_test(struct tun *, const char *host, int port, int timeout_s);

#endif
