/*
 * The bastion: is it there, is it the right one, who may log in, and does the
 * database answer it? The code is that of ssh-fwd.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfg.h"
#include "check.h"
#include "dial.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "pgservice.h"
#include "sshcmd.h"
#include "sshconf.h"
#include "sshwho.h"

/* Is something there that answers? */
static const char *
check_reach(const struct sshconf *s)
{
	const struct hostport *h = &s->hop[0];
	int fd = -1;

	check_listen();
	if (dial(h->host, h->port, io_now_ms() + s->tun.timeout_s * 1000LL, -1,
	    &fd) != FATE_OK && check_heard("cannot find"))
		return check_bad("bastion", "ssh_hostname is its name without "
		    "user and port");
	if (fd < 0)
		return check_bad("bastion", "check ssh_hostname and ssh_port; "
		    "the bastion's firewall or security group must allow this "
		    "machine's public address on port %d ('curl "
		    "https://checkip.amazonaws.com' prints it)", h->port);
	close(fd);
	check_ok("bastion", "'%s' port %d answers", h->host, h->port);
	return NULL;
}

/* The ways to log in, each alone. */
enum {BY_KEY, BY_AGENT, BY_PASSWORD, NWAYS};
static const struct {
	const char *link, *todo;
} ways[NWAYS] = {
	{"login by key", "add its public key to ~/.ssh/authorized_keys of "
	    "that user on the bastion, or check ssh_username"},
	{"login by agent", "add a key to the agent (ssh-add), and its public "
	    "key to ~/.ssh/authorized_keys on the bastion"},
	{"login password", "check ssh_username and ssh_password"},
};

struct try {
	int way;
	const char *name;	/* of the key, or "" */
	char *why;		/* it failed; NULL: it works */
};

static bool
only_way(const struct sshconf *s, int way, size_t key, struct tun_conf *out)
{
	struct sshauth *a = &out->auth;

	*out = s->tun;
	a->ask = false;
	a->key = NULL;
	a->nkeys = 0;
	a->agent = a->password = NULL;
	if (way == BY_KEY && key < s->nkeys) {
		a->key = s->key + key;
		a->nkeys = 1;
	}
	if (way == BY_AGENT)
		a->agent = s->tun.auth.agent;
	if (way == BY_PASSWORD)
		a->password = s->tun.auth.password;
	return a->nkeys > 0 || a->agent != NULL || a->password != NULL;
}

/* What is wrong before anyone could log in. */
static const char *
judge_session(const struct sshconf *s)
{
	if (!check_heard("cannot trust"))
		return check_bad("ssh session", "is '%s' port %d really an SSH "
		    "server? ssh-fwd -v -v tells more", s->hop[0].host,
		    s->hop[0].port);
	check_ok("ssh session", "an SSH server");
	return check_bad("host key", "ask the bastion's owner for its "
	    "fingerprint (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), "
	    "and compare");
}

/* Log in by each way. *good is the first session that stands. The name of the
 * link that is broken before the login, else NULL; then *n tries. */
static const char *
try_ways(const struct sshconf *s, struct try *t, size_t *n, struct tun **good)
{
	struct tun_conf conf;
	struct tun *tun;
	size_t key;
	int way;

	*n = 0;
	for (way = 0; way < NWAYS; way++) {
		for (key = 0; key == 0 || (way == BY_KEY && key < s->nkeys);
		    key++) {
			if (!only_way(s, way, key, &conf))
				continue;
			check_listen();
			t[*n] = (struct try){.way = way, .name = way ==
			    BY_KEY ? s->key[key].name : ""};
			if (tun_open(&conf, -1, &tun) != FATE_OK) {
				if (!check_heard("cannot log in"))
					return judge_session(s);
				t[*n].why = mem_dup(check_errors());
			} else if (*good == NULL) {
				*good = tun;
			} else {
				tun_free(tun);
			}
			++*n;
		}
	}
	return NULL;
}

/* One that is set, is not accepted, and is not needed is a remark. */
static void
show_try(const struct sshconf *s, const struct try *t, bool needed)
{
	const char *link = ways[t->way].link;

	if (t->why == NULL) {
		check_ok(link, "'%s'%s%s", s->hop[s->nhops - 1].user,
		    *t->name != '\0' ? ", " : "", t->name);
		return;
	}
	if (!needed) {
		check_note(link, "%s (not needed: another way works)", t->why);
		return;
	}
	check_listen();
	msg_error("%s", t->why);
	check_bad(link, "%s", ways[t->way].todo);
}

static const char *
check_logins(const struct sshconf *s, struct tun **good)
{
	struct try *t = mem_zero(s->nkeys + NWAYS, sizeof(*t));
	size_t n, i;
	const char *broken = try_ways(s, t, &n, good);

	check_listen();
	if (broken == NULL && n == 0) {
		msg_error("there is no key, no agent and no password to log "
		    "in with");
		broken = check_bad("login", "set ssh_private_key or "
		    "ssh_password");
	} else if (broken == NULL) {
		check_ok("ssh session", "an SSH server");
		check_ok("host key", "the one that is known for '%s'",
		    s->hop[s->nhops - 1].host);
		for (i = 0; i < n; i++)
			show_try(s, &t[i], *good == NULL);
		broken = *good == NULL ? ways[t[0].way].link : NULL;
	}
	for (i = 0; i < n; i++)
		free(t[i].why);
	free(t);
	return broken;
}

/* "Why can't I connect?": which addresses are to be allowed, and where.
 * *bastion: its own, or NULL. */
static void
show_addresses(const struct sshconf *s, struct tun *t, int port,
    char **bastion)
{
	struct sshwho w;

	if (!sshwho_ask(t, &w)) {
		check_note("addresses", "the bastion gives no shell that could "
		    "tell them");
		return;
	}
	*bastion = mem_dup(w.server);
	check_note("addresses", "to allow: at the bastion %s on port %d; at "
	    "the database %s on port %d", w.client,
	    s->hop[s->nhops - 1].port, w.server, port);
}

/* Open a connection to the database from the bastion. */
static const char *
check_target(const struct sshconf *s, struct tun *t, const char *host,
    int port)
{
	char *bastion = NULL;
	enum fate f;

	show_addresses(s, t, port, &bastion);
	check_listen();
	f = tun_test(t, host, port, s->tun.timeout_s);
	if (f == FATE_OK)
		check_ok("database", "'%s' port %d answers the bastion", host,
		    port);
	else if (check_heard("not allow this forward"))
		check_bad("database", "check database_hostname and "
		    "database_port, or have the bastion's administrator allow "
		    "it");
	else if (check_heard("does not know this name"))
		check_bad("database", "it is the cluster's endpoint without "
		    "port and database, or another name that the bastion "
		    "knows");
	else
		check_bad("database", "check database_hostname and "
		    "database_port; the security group of the cluster must "
		    "allow the bastion's private address%s%s on port %d",
		    bastion != NULL ? ", " : "", bastion != NULL ? bastion :
		    "", port);
	free(bastion);
	return f == FATE_OK ? NULL : "database";
}

/* The same by the system's ssh, which looks after itself: it may have another
 * name and port for the bastion. */
static const char *
check_openssh(const struct sshconf *s, const char *host, int port)
{
	struct sshcmd *cmd;
	enum fate f;

	check_listen();
	if (sshcmd_open(s, host, port, -1, &cmd) != FATE_OK)
		return check_bad("login", "it is the system's ssh "
		    "(ssh_transport): does 'ssh -v %s' work?",
		    s->hop[s->nhops - 1].host);
	check_ok("login", "by the system's ssh (ssh_transport)");
	f = sshcmd_test(cmd, s->tun.timeout_s);
	sshcmd_free(cmd);
	if (f != FATE_OK)
		return check_bad("database", "check database_hostname and "
		    "database_port; the security group of the cluster must "
		    "allow the bastion's private address on port %d", port);
	check_ok("database", "'%s' port %d answers the bastion", host, port);
	return NULL;
}

/* host is NULL if there is no database. */
static const char *
check_ssh(struct cfg *c, struct sshconf *s, const char *host, int port)
{
	struct tun *t = NULL;
	const char *broken;

	check_listen();
	if (sshconf_load(c, NULL, false, s) != 0)
		return check_bad("ssh settings", "see the ssh_* keys in "
		    "rs-writeback.conf(5)");
	if (s->openssh)
		return host != NULL ? check_openssh(s, host, port) : NULL;
	broken = check_reach(s);
	if (broken == NULL)
		broken = check_logins(s, &t);
	if (broken == NULL && host != NULL)
		broken = check_target(s, t, host, port);
	tun_free(t);
	return broken;
}

const char *
check_bastion(struct cfg *c)
{
	const char *broken;
	char *host = NULL;
	struct sshconf s;
	int port = 0;

	if (!check_has_bastion(c)) {
		if (check_has(c, CHECK_DATABASE))
			check_note("bastion", "none is set: the database is "
			    "reached directly");
		return NULL;
	}
	check_listen();
	if (check_complete(c, CHECK_DATABASE) &&
	    pgservice_target(c, &host, &port) != 0) {
		free(host);
		return check_bad("database", "the tunnel needs its name and "
		    "port as the bastion knows them");
	}
	memset(&s, 0, sizeof(s));
	broken = check_ssh(c, &s, host, port);
	sshconf_release(&s);
	free(host);
	return broken;
}
