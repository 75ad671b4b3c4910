/*
 * What an SSH server says in clear before keys are made: its version and the
 * algorithms that it takes. To tell why a handshake failed.
 */
#ifndef RSW_KEXINIT_H
#define RSW_KEXINIT_H

#include <stdbool.h>
#include <stddef.h>

#include "sshstr.h"

struct kexinit {
	struct sshstr version;	/* "SSH-2.0-OpenSSH_9.2p1"; n 0: none yet */
	struct sshstr kex, hostkey, cipher, mac;	/* name lists */
};

/* Parse the first bytes that a server sent. True when the lists are there;
 * they point into the bytes. The version is filled in as far as it goes. */
bool kexinit_parse(const char *p, size_t n, struct kexinit *out);

/* Is a name of `ours` (comma-separated) in the list? */
bool kexinit_common(struct sshstr list, const char *ours);

#endif
