/*
 * Answers for the system's ssh: it asks by running a program (SSH_ASKPASS,
 * KnownHostsCommand), and that program is ssh-fwd itself. What to answer
 * lies in a file without a name that only this user can open.
 */
#ifndef RSW_SSHASK_H
#define RSW_SSHASK_H

#include <stdbool.h>
#include <stddef.h>

#include "hostport.h"

/* The environment variable that tells where the answers are. */
#define SSHASK_ENV "SSH_FWD_ASK"

/* Put answers down: fingerprints, the key's passphrase, the bastion's and the
 * jump hosts' passwords; each may be NULL. A descriptor, or -1 having said
 * why; *path (freed by the caller) is its name for other processes. */
int sshask_store(const char *pin, const char *passphrase,
    const struct hostport *hop, size_t nhops, const char *password,
    const char *jump_password, char **path);

/* Make a file without a name and fill it. As above. */
int sshask_memory(const void *p, size_t n, char **path);

/* Were we run by ssh to answer? */
bool sshask_wanted(int argc);

/* Then: answer on stdout. The exit status. */
int sshask_main(int argc, char *argv[]);

#endif
