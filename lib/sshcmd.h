/*
 * The system's ssh as the tunnel: a process that listens on a Unix socket in
 * a directory of our own.
 */
#ifndef RSW_SSHCMD_H
#define RSW_SSHCMD_H

#include <stdbool.h>

#include "fate.h"
#include "sshconf.h"

struct sshcmd;

/* Start ssh to the bastion of the conf, which must live as long, with this
 * target. Returns when the tunnel stands. `wake` as for tun_open(). Says why
 * not. */
enum fate sshcmd_open(const struct sshconf *, const char *host, int port,
    int wake, struct sshcmd **out);

/* Ends ssh, and removes the directory. NULL is fine. */
void sshcmd_free(struct sshcmd *);

/* Start it again after it ended. */
enum fate sshcmd_reopen(struct sshcmd *, int wake);

/* Is it still there? */
bool sshcmd_alive(struct sshcmd *);

/* Connect to its socket: a descriptor that does not block, or -1 (silent). */
int sshcmd_connect(struct sshcmd *);

/* Open a connection to the target and close it: is it there? */
enum fate sshcmd_test(struct sshcmd *, int timeout_s);

#endif
