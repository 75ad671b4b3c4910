/*
 * Logging in: which ways are tried, in which order, and what is said when
 * none was good.
 */
#ifndef RSW_SSHAUTH_H
#define RSW_SSHAUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "fate.h"
#include "sshkey.h"

struct tun;

struct sshauth_key {
	struct sshkey key;
	char *name;		/* for messages */
};

/* What there is to log in with; all of it is the caller's. */
struct sshauth {
	const struct sshauth_key *key;
	size_t nkeys;
	const char *agent;	/* the agent's socket, or NULL */
	const char *password;
	bool ask;		/* on the terminal, if there is one */
	bool sha1;		/* RSA signatures by SHA-1 as the last resort */
};

/* Log in on a session whose host key was checked: keys, the agent, the
 * password, questions. Says why not. */
enum fate sshauth_login(struct tun *, const struct sshauth *,
    const char *user);

#endif
