/*
 * Is this the right server? A host key against a pinned fingerprint, or
 * known_hosts, or the user's word.
 */
#ifndef RSW_HOSTKEY_H
#define RSW_HOSTKEY_H

#include <stdbool.h>
#include <stddef.h>

#include "fate.h"
#include "knownhosts.h"

struct hostkey_policy {
	const struct knownhosts *known;
	const char *add_to;	/* the file for keys that are accepted */
	const char *pin;	/* fingerprints "SHA256:...", or NULL */
	const char *skip;	/* types not to ask for (see below), or NULL */
	bool accept_new;	/* without asking */
	bool sha1;		/* also RSA keys that sign by SHA-1 */
};

/* The host key types to ask the server for, in order: those that are known
 * for the host first. Freed by the caller. */
char *hostkey_order(const struct hostkey_policy *, const char *host,
    int port);

/*
 * Judge the key that the server proved to have. FATE_OK; FATE_FAILED and
 * FATE_CONFIG after a message. FATE_AGAIN, silent: it is not pinned; but a
 * server has several keys and shows one, so connect again with this type
 * among `skip`, or give up by hostkey_say_not_pinned().
 */
enum fate hostkey_check(const struct hostkey_policy *, const char *host,
    int port, const void *blob, size_t len);
void hostkey_say_not_pinned(const char *host, int port, const void *blob,
    size_t len);

/* Is there anything in this list that could be a fingerprint by SHA-256? */
bool hostkey_pin_valid(const char *list);

/* Is "SHA256:..." one of the list of fingerprints, whose members may lack
 * SHA256: or end with '='? */
bool hostkey_pinned(const char *list, const char *print);

#endif
