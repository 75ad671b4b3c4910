/*
 * The configuration's ssh_* keys as what tun.h wants. What the values do is
 * for tun.c, hostkey.c and sshauth.c.
 */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "buf.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "sshconf.h"

/* As sshkey.c. */
#define KEY_FILE_MAX (64 * 1024)

/* ~/x as a path in the user's home. */
static char *
home_path(const char *path)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (strncmp(path, "~/", 2) != 0)
		return mem_dup(path);
	if (home == NULL && (pw = getpwuid(getuid())) != NULL)
		home = pw->pw_dir;
	return mem_fmt("%s/%s", home != NULL ? home : "", path + 2);
}

static char *
local_user(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return mem_dup(pw != NULL ? pw->pw_name : getenv("USER"));
}

/* The bastion, then in front of it the jump hosts; users and ports filled
 * in. */
static int
load_hops(struct cfg *c, const char *bastion, struct sshconf *s)
{
	const char *jump, *host, *user;
	struct hostport last = {NULL, NULL, 0};
	int64_t port = 22;
	size_t i;

	if (bastion == NULL && cfg_need(c, "ssh_hostname", &host) != 0)
		return -1;
	if (cfg_get(c, "ssh_jump", &jump) != 0 ||
	    cfg_get(c, "ssh_username", &user) != 0 ||
	    cfg_int(c, "ssh_port", 1, 65535, &port) != 0)
		return -1;
	if (jump != NULL && strcmp(jump, "none") != 0 &&
	    hostport_list(jump, "a jump host", &s->hop, &s->nhops) != 0)
		return -1;
	if (hostport_parse(bastion != NULL ? bastion : host, "the bastion",
	    &last) != 0) {
		hostport_release(&last);
		return -1;
	}
	s->hop = mem_resize(s->hop, s->nhops + 1, sizeof(*s->hop));
	s->hop[s->nhops++] = last;
	if (last.port == 0 && !(s->openssh &&
	    cfg_level(c, "ssh_port") == CFG_DEFAULT))
		s->hop[s->nhops - 1].port = (int)port;
	for (i = 0; i < s->nhops; i++) {
		if (s->hop[i].user == NULL && user != NULL)
			s->hop[i].user = mem_dup(user);
		if (s->openssh)
			continue;
		if (s->hop[i].port == 0)
			s->hop[i].port = 22;
		if (s->hop[i].user == NULL)
			s->hop[i].user = local_user();
		if (s->hop[i].user == NULL)
			return msg_error("cannot log in to '%s': set "
			    "ssh_username", s->hop[i].host);
	}
	return 0;
}

static int
load_known(struct cfg *c, bool accept_new, struct sshconf *s)
{
	const char *path;
	int rc;

	if (cfg_get(c, "ssh_known_hosts", &path) != 0)
		return -1;
	s->known = knownhosts_new();
	s->known_hosts_given = path != NULL;
	s->add_to = home_path(path != NULL ? path : "~/.ssh/known_hosts");
	rc = knownhosts_read(s->known, s->add_to, path != NULL && !accept_new);
	if (rc == 0 && path == NULL)
		rc = knownhosts_read(s->known, "/etc/ssh/ssh_known_hosts",
		    false);
	return rc;
}

/* Load one key's text, asking for its passphrase if need be and possible. */
static enum sshkey_result
load_key_text(const struct buf *text, const char *passphrase,
    const char *name, struct sshkey *out)
{
	enum sshkey_result r;
	char *prompt, *asked;

	r = sshkey_load(text->data, text->len, passphrase, name, out);
	if (r != SSHKEY_ENCRYPTED || !ask_possible())
		return r;
	prompt = mem_fmt("Passphrase of the private key '%s': ", name);
	asked = ask_line(prompt, false);
	free(prompt);
	if (asked != NULL)
		r = sshkey_load(text->data, text->len, asked, name, out);
	mem_wipe_str(asked);
	return r;
}

static int
add_key(struct sshconf *s, const struct sshkey *key, const char *name)
{
	s->key = mem_resize(s->key, s->nkeys + 1, sizeof(*s->key));
	s->key[s->nkeys].key = *key;
	s->key[s->nkeys++].name = mem_dup(name);
	return 0;
}

/* ssh_private_key: the key itself, or the path of its file. */
static int
load_key(struct cfg *c, const char *value, struct sshconf *s)
{
	const char *passphrase, *name = "ssh_private_key";
	struct sshkey key;
	struct buf text;
	char *path = NULL;
	enum sshkey_result r = SSHKEY_BAD;
	int rc = 0;

	if (cfg_get(c, "ssh_private_key_passphrase", &passphrase) != 0)
		return -1;
	s->passphrase = passphrase;
	if (s->openssh && !sshkey_is_text(value)) {
		/* ssh reads kinds that we do not. */
		s->key_path = home_path(value);
		return 0;
	}
	buf_init(&text, KEY_FILE_MAX);
	if (sshkey_is_text(value)) {
		rc = buf_adds(&text, value);
		if (rc != 0)
			msg_error("cannot use ssh_private_key: it has more "
			    "than %d bytes", KEY_FILE_MAX);
	} else {
		name = path = home_path(value);
		rc = io_slurp_file(path, &text, true);
	}
	if (rc == 0)
		r = load_key_text(&text, passphrase, name, &key);
	if (rc == 0 && r == SSHKEY_ENCRYPTED)
		msg_error("cannot use the private key '%s': it is encrypted; "
		    "set ssh_private_key_passphrase", name);
	rc = rc == 0 && r == SSHKEY_OK ? add_key(s, &key, name) : -1;
	buf_wipe(&text);
	free(path);
	return rc;
}

/* Nothing was configured: what ssh would take, as far as it is there and
 * needs no passphrase. */
static void
load_default_keys(struct sshconf *s)
{
	static const char *const names[] = {"~/.ssh/id_ed25519",
		"~/.ssh/id_ecdsa", "~/.ssh/id_rsa"};
	struct sshkey key;
	struct buf text;
	char *path;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path = home_path(names[i]);
		buf_init(&text, KEY_FILE_MAX);
		if (access(path, R_OK) == 0 &&
		    io_slurp_file(path, &text, true) == 0) {
			if (load_key_text(&text, NULL, path, &key) == SSHKEY_OK)
				add_key(s, &key, path);
			else
				msg_info("'%s' is passed over", path);
		}
		buf_wipe(&text);
		free(path);
	}
}

static int
load_auth(struct cfg *c, struct sshconf *s)
{
	struct sshauth *a = &s->tun.auth;
	const char *key, *jump_password;
	bool agent;

	if (cfg_get(c, "ssh_private_key", &key) != 0 ||
	    cfg_get(c, "ssh_password", &a->password) != 0 ||
	    cfg_get(c, "ssh_jump_password", &jump_password) != 0)
		return -1;
	if (key != NULL && load_key(c, key, s) != 0)
		return -1;
	/* Only what was configured is tried: each refused key counts. */
	agent = key == NULL && a->password == NULL;
	if (agent && !s->openssh)
		load_default_keys(s);
	if (cfg_bool(c, "ssh_agent", &agent) != 0)
		return -1;
	s->no_agent = !agent && cfg_level(c, "ssh_agent") != CFG_UNSET;
	a->agent = agent ? getenv("SSH_AUTH_SOCK") : NULL;
	a->key = s->key;
	a->nkeys = s->nkeys;
	a->ask = a->password == NULL && ask_possible();
	s->tun.jump_auth = *a;
	s->tun.jump_auth.password = jump_password;
	return 0;
}

static int
load_numbers(struct cfg *c, struct sshconf *s)
{
	int64_t timeout = 30, alive = 30;
	const char *transport;
	bool sha1 = false;

	if (cfg_int(c, "ssh_timeout", 1, 3600, &timeout) != 0 ||
	    cfg_int(c, "ssh_alive", 0, 86400, &alive) != 0 ||
	    cfg_bool(c, "ssh_allow_sha1", &sha1) != 0 ||
	    cfg_get(c, "ssh_transport", &transport) != 0)
		return -1;
	s->tun.timeout_s = (int)timeout;
	s->alive_s = (int)alive;
	s->tun.hostkey.sha1 = s->tun.auth.sha1 = sha1;
	if (transport != NULL && strcmp(transport, "openssh") == 0)
		s->openssh = true;
	else if (transport != NULL && strcmp(transport, "libssh2") != 0)
		return msg_error("cannot use '%s' as 'ssh_transport': say "
		    "libssh2 or openssh", transport);
	return 0;
}

int
sshconf_load(struct cfg *c, const char *bastion, bool accept_new,
    struct sshconf *s)
{
	memset(s, 0, sizeof(*s));
	if (load_numbers(c, s) != 0 || load_hops(c, bastion, s) != 0 ||
	    load_known(c, accept_new, s) != 0 || load_auth(c, s) != 0 ||
	    cfg_get(c, "ssh_host_key_fingerprint", &s->tun.hostkey.pin) != 0)
		return -1;
	if (s->tun.hostkey.pin != NULL &&
	    !hostkey_pin_valid(s->tun.hostkey.pin))
		return msg_error("cannot use '%s' as a host key's fingerprint: "
		    "it is SHA256:..., as 'ssh-keygen -l' shows it",
		    s->tun.hostkey.pin);
	s->tun.hop = s->hop;
	s->tun.nhops = s->nhops;
	s->tun.hostkey.known = s->known;
	s->tun.hostkey.add_to = s->add_to;
	s->tun.hostkey.accept_new = accept_new;
	return 0;
}

void
sshconf_release(struct sshconf *s)
{
	size_t i;

	for (i = 0; i < s->nkeys; i++) {
		sshkey_release(&s->key[i].key);
		free(s->key[i].name);
	}
	free(s->key);
	hostport_free(s->hop, s->nhops);
	knownhosts_free(s->known);
	free(s->add_to);
	free(s->key_path);
	memset(s, 0, sizeof(*s));
}

void
sshconf_clean_environment(void)
{
	unsetenv("RSW_SSH_PASSWORD");
	unsetenv("RSW_SSH_PRIVATE_KEY");
	unsetenv("RSW_SSH_PRIVATE_KEY_PASSPHRASE");
	unsetenv("RSW_SSH_JUMP_PASSWORD");
}
