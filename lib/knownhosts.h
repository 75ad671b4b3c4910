/*
 * known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): which host keys
 * are known for a host, and what a server's key is worth.
 */
#ifndef RSW_KNOWNHOSTS_H
#define RSW_KNOWNHOSTS_H

#include <stdbool.h>
#include <stddef.h>

struct knownhosts;

struct knownhosts *knownhosts_new(void);
void knownhosts_free(struct knownhosts *);

/* Read a file. One that is not there is fine unless `needed`; one that cannot
 * be read never is. A line that makes no sense is skipped. 0, or -1 having
 * said why. */
int knownhosts_read(struct knownhosts *, const char *path, bool needed);

/* The same for text; `path` is for messages. */
void knownhosts_parse(struct knownhosts *, const char *path,
    const char *text, size_t len);

enum knownhosts_result {
	KNOWNHOSTS_MATCH,
	KNOWNHOSTS_UNKNOWN,	/* no line for this host */
	KNOWNHOSTS_CHANGED,	/* another key is known: *path and *line */
	KNOWNHOSTS_REVOKED	/* the key is marked @revoked there */
};

/*
 * Judge a key (the blob that the server sent) of host and port. A port other
 * than 22 stands in the file as [host]:port. *path and *line tell where the
 * line is that decided; *path is owned by the object, and may be NULL.
 */
enum knownhosts_result knownhosts_check(const struct knownhosts *,
    const char *host, int port, const void *blob, size_t len,
    const char **path, int *line);

/* Is a key of this type ("ssh-ed25519") known for the host? */
bool knownhosts_has(const struct knownhosts *, const char *host, int port,
    const char *type);

/* Append a line to a file, which is made (0600, its directory 0700) if need
 * be. 0, or -1 having said why. */
int knownhosts_add(const char *path, const char *host, int port,
    const void *blob, size_t len);

#endif
