/*
 * [USER@]HOST[:PORT] and [PORT:]HOST:PORT as people write them.
 */
#ifndef RSW_HOSTPORT_H
#define RSW_HOSTPORT_H

#include <stddef.h>

struct hostport {
	char *user;	/* NULL if not given */
	char *host;	/* without brackets */
	int port;	/* 0 if not given */
};

/* Parse [USER@]HOST[:PORT]; an IPv6 address with a port stands in brackets.
 * 0, or -1 having said why, `what` naming the text. Release in either case. */
int hostport_parse(const char *s, const char *what, struct hostport *out);

/* Parse [PORT:]HOST:PORT, the value of -L. *listen is 0 if not given. */
int hostport_forward(const char *s, int *listen, struct hostport *out);

/* A comma-separated list of [USER@]HOST[:PORT]. *out is an array of *n, which
 * hostport_free() frees; NULL and 0 for an empty list. */
int hostport_list(const char *s, const char *what, struct hostport **out,
    size_t *n);
void hostport_free(struct hostport *list, size_t n);

void hostport_release(struct hostport *);

#endif
