/*
 * The SSH agent: its keys, and signatures by them.
 */
#ifndef RSW_SSHAGENT_H
#define RSW_SSHAGENT_H

#include <stddef.h>

#include "buf.h"
#include "sshstr.h"

struct sshagent;

/* Connect to the agent at a socket's path and ask for its keys. NULL after a
 * message of level info: a missing agent is no error. */
struct sshagent *sshagent_open(const char *path);
void sshagent_free(struct sshagent *);

/* The i-th key: its blob and comment, in the agent's memory; false past the
 * last. */
bool sshagent_key(const struct sshagent *, size_t i, struct sshstr *blob,
    struct sshstr *comment);

/* As sshkey_sign(), by the key with this blob. 0, or -1 (silent). */
int sshagent_sign(struct sshagent *, struct sshstr blob,
    const char *algorithm, const void *p, size_t n, struct buf *sig);

#endif
