/*
 * The configuration's ssh_* keys as what tun.h wants: hops, keys loaded,
 * known hosts read.
 */
#ifndef RSW_SSHCONF_H
#define RSW_SSHCONF_H

#include "cfg.h"
#include "fate.h"
#include "tun.h"

struct sshconf {
	struct tun_conf tun;	/* all it points to is kept here */
	struct hostport *hop;
	size_t nhops;
	struct knownhosts *known;
	struct sshauth_key *key;
	size_t nkeys;
	char *add_to;
	int alive_s;
	/* With ssh_transport = openssh, whatever is not configured is left to
	 * ssh_config: hops may lack user and port, and a key that is a file
	 * is not loaded here. */
	bool openssh;
	bool known_hosts_given, no_agent;
	char *key_path;		/* of such a key */
	const char *passphrase;
};

/* `bastion` is [USER@]HOST[:PORT], which outranks the configuration; NULL if
 * not given. Says what is missing or wrong: a key's faults are told here,
 * before anything is sent. 0, or -1. Release in either case. */
int sshconf_load(struct cfg *, const char *bastion, bool accept_new,
    struct sshconf *);

/* Frees it, and wipes its secrets. */
void sshconf_release(struct sshconf *);

/* Take our secrets out of the environment that a command would inherit. */
void sshconf_clean_environment(void);

#endif
