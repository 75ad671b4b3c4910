/*
 * Between which addresses a bastion sees our connection.
 */
#ifndef RSW_SSHWHO_H
#define RSW_SSHWHO_H

#include <stdbool.h>

struct tun;

struct sshwho {
	char client[64];	/* ours, as the bastion sees it */
	char server[64];	/* the bastion's own */
};

/* Ask a shell there. False, silent: the bastion gives none. */
bool sshwho_ask(struct tun *, struct sshwho *out);

#endif
