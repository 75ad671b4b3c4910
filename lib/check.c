/*
 * The links on this side: configuration, Domo, bastion. The code is that of
 * the programs; what is said about a link that fails is said here.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cfg.h"
#include "check.h"
#include "dial.h"
#include "domo.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "sshconf.h"

static struct buf heard;

static void
hear(const char *line)
{
	if (strncmp(line, "warning: ", 9) == 0)
		return;
	if (heard.len > 0)
		buf_adds(&heard, "; ");
	buf_adds(&heard, line);
}

void
check_start(void)
{
	buf_init(&heard, 64 * 1024);
	msg_hook(hear);
}

void
check_listen(void)
{
	buf_reset(&heard);
}

const char *
check_heard(void)
{
	return heard.data;
}

void
check_ok(const char *link, const char *fmt, ...)
{
	va_list ap;

	printf("ok    %-15s ", link);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

int
check_bad(const char *link, const char *todo)
{
	printf("FAIL  %-15s %s%s%s\n", link, heard.data,
	    heard.len > 0 && *todo != '\0' ? " -> " : "", todo);
	fflush(stdout);
	return 1;
}

void
check_note(const char *link, const char *what)
{
	printf("-     %-15s %s\n", link, what);
	fflush(stdout);
}

/* The keys that nothing works without; all that are missing are named. */
static int
check_keys(struct cfg *c)
{
	static const char *const needed[] = {"database_hostname",
		"database_name", "database_username", "bucket",
		"domo_client_id", "domo_client_secret"};
	const char *unused;
	size_t i;
	int bad = 0;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		check_listen();
		if (cfg_need(c, needed[i], &unused) != 0)
			bad += check_bad("configuration", "");
	}
	if (bad == 0)
		check_ok("configuration", "'%s', for its owner only",
		    cfg_path(c) != NULL ? cfg_path(c) : "environment");
	return bad;
}

/* One request needs the token and the scope. */
static int
check_domo(struct cfg *c)
{
	struct domo_request q = {.method = "GET",
	    .path = "/v1/datasets?limit=1"};
	enum domo_result r;
	struct http_reply reply;
	struct domo *d;
	int bad = 0;

	check_listen();
	if (domo_open(c, &d) != 0)
		return check_bad("domo login", "set the domo_* keys");
	http_reply_init(&reply);
	r = domo_ask(d, &q, &reply);
	if (r == DOMO_OK || reply.status == 403)
		check_ok("domo login", "%s", domo_url(d));
	if (r == DOMO_OK) {
		check_ok("domo scope", "the DataSets can be listed");
	} else {
		msg_error("%s: %s", domo_url(d), domo_why(d));
		bad = reply.status == 403 ? check_bad("domo scope", "give the "
		    "client the scopes Data and User (developer.domo.com, "
		    "Manage Clients)") : check_bad("domo login",
		    "check domo_client_id, domo_client_secret and "
		    "domo_api_url, and that this machine may use HTTPS");
	}
	http_reply_release(&reply);
	domo_free(d);
	return bad;
}

/* Is something there that answers? */
static int
check_reach(const struct sshconf *s)
{
	const struct hostport *h = &s->hop[0];
	char *todo;
	int fd, bad;

	check_listen();
	if (dial(h->host, h->port, io_now_ms() + s->tun.timeout_s * 1000LL, -1,
	    &fd) == FATE_OK) {
		close(fd);
		check_ok("bastion", "'%s' port %d answers", h->host, h->port);
		return 0;
	}
	todo = mem_fmt("check ssh_hostname and ssh_port, and let the firewall "
	    "or security group of the bastion allow this machine's public "
	    "address on port %d", h->port);
	bad = check_bad("bastion", todo);
	free(todo);
	return bad;
}

/* The ways to log in, each alone. */
enum {BY_KEY, BY_AGENT, BY_PASSWORD, NWAYS};
static const char *const way_name[] = {"login by key", "login by agent",
	"login password"};

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

/* What the tries have shown. */
struct logins {
	bool host_said;		/* the host key's line is printed */
	struct tun *good;	/* of the first way that worked */
	int tried, failed;
	struct buf why;		/* of those that did not */
};

/* One way. False: the server itself will not do, no other way can help. */
static bool
try_way(const struct sshconf *s, const struct tun_conf *conf, int way,
    const char *name, struct logins *l, int *bad)
{
	struct tun *t;
	enum fate f;

	check_listen();
	f = tun_open(conf, -1, &t);
	if (f != FATE_OK && strncmp(check_heard(), "cannot log in", 13) != 0) {
		*bad += check_bad("host key", strncmp(check_heard(),
		    "cannot trust", 12) == 0 ? "ask the bastion's owner for "
		    "its fingerprint, and compare" : "");
		return false;
	}
	if (!l->host_said)
		check_ok("host key", "is the one that is known for '%s'",
		    s->hop[s->nhops - 1].host);
	l->host_said = true;
	l->tried++;
	if (f != FATE_OK) {
		l->failed++;
		buf_addf(&l->why, "%s%s%s%s: %s", l->why.len > 0 ? "\n" : "",
		    way_name[way], *name != '\0' ? " " : "", name,
		    check_heard());
		return true;
	}
	check_ok(way_name[way], "'%s'%s%s", s->hop[s->nhops - 1].user,
	    *name != '\0' ? ", " : "", name);
	if (l->good == NULL)
		l->good = t;
	else
		tun_free(t);
	return true;
}

static struct tun *
check_logins(const struct sshconf *s, int *bad)
{
	struct logins l = {.good = NULL};
	struct tun_conf conf;
	bool go = true;
	size_t key;
	int way;

	buf_init(&l.why, 64 * 1024);
	for (way = 0; way < NWAYS && go; way++)
		for (key = 0; go && (key == 0 || (way == BY_KEY &&
		    key < s->nkeys)); key++)
			if (only_way(s, way, key, &conf))
				go = try_way(s, &conf, way, way == BY_KEY ?
				    s->key[key].name : "", &l, bad);
	check_listen();
	if (go && l.tried == 0) {
		msg_error("there is no key, no agent and no password to log "
		    "in with");
		*bad += check_bad("login", "set ssh_private_key or "
		    "ssh_password");
	} else if (go && l.good == NULL) {
		hear(l.why.data);
		*bad += check_bad("login", "check ssh_username; add the "
		    "public key to ~/.ssh/authorized_keys on the bastion, or "
		    "set ssh_password");
	} else if (go && l.failed > 0) {
		check_note("other logins", "some that are set are not "
		    "accepted; those above are enough");
	}
	buf_release(&l.why);
	return l.good;
}

static bool
check_target(struct cfg *c, const struct sshconf *s, struct tun *t, int *bad)
{
	const char *host;
	int64_t port = 5439;
	enum fate f;

	check_listen();
	if (cfg_need(c, "database_hostname", &host) != 0 ||
	    cfg_int(c, "database_port", 1, 65535, &port) != 0) {
		*bad += check_bad("database", "");
		return false;
	}
	f = tun_test(t, host, (int)port, s->tun.timeout_s);
	if (f != FATE_OK) {
		*bad += check_bad("database", "check database_hostname and "
		    "database_port; let the security group of the cluster "
		    "allow the bastion's private address; sshd on the bastion "
		    "must allow forwarding (AllowTcpForwarding, PermitOpen)");
		return false;
	}
	check_ok("database", "'%s' port %lld answers the bastion", host,
	    (long long)port);
	return true;
}

int
check_near(struct cfg *c, bool *way)
{
	int bad = check_keys(c) + check_domo(c);
	struct tun *t = NULL;
	const char *host;
	struct sshconf s;

	*way = true;
	check_listen();
	if (cfg_get(c, "ssh_hostname", &host) == 0 && host == NULL) {
		check_note("bastion", "none is set: the database is reached "
		    "directly");
		return bad;
	}
	*way = false;
	if (sshconf_load(c, NULL, false, &s) != 0) {
		bad += check_bad("bastion", "set the ssh_* keys");
	} else if (check_reach(&s) != 0) {
		bad++;
	} else if (s.openssh) {
		check_note("host key", "left to the system's ssh "
		    "(ssh_transport)");
		*way = true;
	} else {
		t = check_logins(&s, &bad);
		*way = t != NULL && check_target(c, &s, t, &bad);
		tun_free(t);
	}
	sshconf_release(&s);
	return bad;
}
