/*
 * The addresses that firewalls must know: sshd tells them to every command,
 * in $SSH_CONNECTION. Behind routers neither end can tell them by itself.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "io.h"
#include "sshwho.h"
#include "tun.h"

#define COMMAND "echo \"$SSH_CONNECTION\""
#define SECONDS 5		/* a bastion without a shell may say nothing */

/* May the call be made again? */
static bool
again(struct tun *t, ssize_t rc)
{
	return rc == LIBSSH2_ERROR_EAGAIN && tun_wait(t) == FATE_OK;
}

static LIBSSH2_CHANNEL *
start(struct tun *t)
{
	LIBSSH2_CHANNEL *c;
	int rc;

	do {
		c = libssh2_channel_open_session(t->session);
	} while (c == NULL &&
	    again(t, libssh2_session_last_errno(t->session)));
	if (c == NULL)
		return NULL;
	do {
		rc = libssh2_channel_exec(c, COMMAND);
	} while (again(t, rc));
	if (rc == 0)
		return c;
	while (again(t, libssh2_channel_free(c)))
		;
	return NULL;
}

bool
sshwho_ask(struct tun *t, struct sshwho *out)
{
	char text[512] = "";
	size_t n = 0;
	ssize_t r = 1;
	LIBSSH2_CHANNEL *c;

	t->deadline = io_now_ms() + SECONDS * 1000LL;
	c = start(t);
	if (c == NULL)
		return false;
	while (n < sizeof(text) - 1 && (r > 0 || again(t, r))) {
		r = libssh2_channel_read(c, text + n, sizeof(text) - 1 - n);
		if (r > 0)
			n += (size_t)r;
		else if (r == 0)
			break;
	}
	while (again(t, libssh2_channel_free(c)))
		;
	/* A greeting, or what a forced command prints, has another form. */
	return sscanf(text, "%63[0-9a-fA-F.:] %*u %63[0-9a-fA-F.:] %*u",
	    out->client, out->server) == 2;
}
