/*
 * [USER@]HOST[:PORT] and [PORT:]HOST:PORT as people write them. Looking a
 * name up is dial.c's work.
 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hostport.h"
#include "mem.h"
#include "msg.h"
#include "num.h"

/* The longest DNS name has 253 bytes. */
#define HOST_MAX_BYTES 255

void
hostport_release(struct hostport *h)
{
	free(h->user);
	free(h->host);
	memset(h, 0, sizeof(*h));
}

static int
port_parse(const char *s, int *out)
{
	int64_t v;

	if (num_parse(s, 1, 65535, &v) != 0)
		return -1;
	*out = (int)v;
	return 0;
}

/* A name or an address, as far as that needs no look-up. A leading '-' would
 * be an option to another program. */
static bool
host_valid(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	if (*s == '\0' || *s == '-' || strlen(s) > HOST_MAX_BYTES)
		return false;
	for (; *p != '\0'; p++)
		if (*p <= ' ' || *p == 0x7f || strchr("@[]/,\"'\\", *p) != NULL)
			return false;
	return true;
}

/* The last ':' if it parts a port off: not one inside of brackets, and not
 * those of a bare IPv6 address. */
static const char *
port_colon(const char *s)
{
	const char *colon = strrchr(s, ':');

	if (*s == '[')
		return colon != NULL && colon[-1] == ']' ? colon : NULL;
	return colon != NULL && strchr(s, ':') == colon ? colon : NULL;
}

int
hostport_parse(const char *s, const char *what, struct hostport *out)
{
	const char *at = strrchr(s, '@'), *colon;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (at != NULL) {
		out->user = mem_ndup(s, (size_t)(at - s));
		s = at + 1;
		if (*out->user == '\0' || *out->user == '-')
			return msg_error("cannot use '%s' as %s: the user name "
			    "before '@' is not one", out->user, what);
	}
	colon = port_colon(s);
	n = colon != NULL ? (size_t)(colon - s) : strlen(s);
	if (n > 1 && s[0] == '[' && s[n - 1] == ']')
		out->host = mem_ndup(s + 1, n - 2);
	else
		out->host = mem_ndup(s, n);
	if (!host_valid(out->host))
		return msg_error("cannot use '%s' as %s: not a host name or "
		    "address", s, what);
	if (colon != NULL && port_parse(colon + 1, &out->port) != 0)
		return msg_error("cannot use '%s' as %s: '%s' is not a port "
		    "from 1 to 65535", s, what, colon + 1);
	return 0;
}

int
hostport_forward(const char *s, int *listen, struct hostport *out)
{
	size_t n = strspn(s, "0123456789");
	const char *rest = s;
	char *port;

	*listen = 0;
	memset(out, 0, sizeof(*out));
	/* PORT: in front, when a HOST:PORT still follows. */
	if (n > 0 && n < 6 && s[n] == ':' && strchr(s + n + 1, ':') != NULL) {
		port = mem_ndup(s, n);
		if (strcmp(port, "0") != 0 && port_parse(port, listen) != 0) {
			msg_error("cannot use '%s' as -L: '%s' is not a port",
			    s, port);
			free(port);
			return -1;
		}
		free(port);
		rest = s + n + 1;
	}
	if (hostport_parse(rest, "the forward's target", out) != 0)
		return -1;
	if (out->port == 0 || out->user != NULL)
		return msg_error("cannot use '%s' as a forward's target: it is "
		    "HOST:PORT", rest);
	return 0;
}

int
hostport_list(const char *s, const char *what, struct hostport **out,
    size_t *n)
{
	char *copy = mem_dup(s), *save = NULL, *word;
	int rc = 0;

	*out = NULL;
	*n = 0;
	for (word = strtok_r(copy, ", \t\n", &save); word != NULL && rc == 0;
	    word = strtok_r(NULL, ", \t\n", &save)) {
		*out = mem_resize(*out, *n + 1, sizeof(**out));
		rc = hostport_parse(word, what, &(*out)[(*n)++]);
	}
	free(copy);
	return rc;
}

void
hostport_free(struct hostport *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		hostport_release(&list[i]);
	free(list);
}
