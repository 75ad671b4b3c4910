/*
 * Logging in: keys, the agent, the password, keyboard-interactive, as far as
 * they are given and the server takes them. Signing is done by sshkey.c and
 * sshagent.c, RSA with an old libssh2 by rsasha2.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "buf.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "rsasha2.h"
#include "sshagent.h"
#include "sshauth.h"
#include "sshstr.h"
#include "tun.h"

#define USERAUTH_REQUEST 50	/* RFC 4252, 6 */
/* OpenSSH hangs up at its sixth refusal; one is left for the password. */
#define KEY_TRIES_MAX 5

struct sshauth_run {
	struct tun *tun;
	const struct sshauth *with;
	const char *user;
	struct buf offered;	/* the server's list of methods */
	struct buf tried;	/* for the message */
	int key_tries;
	bool keys_left;		/* more keys than tries */
	bool password_used;	/* in this exchange */
	bool unanswered;	/* a question that needs a terminal */
};

/* For sign(): one of key or agent. */
struct signer {
	const struct sshkey *key;
	struct sshagent *agent;
	struct sshstr blob;
	const char *user;
	struct sshmem *mem;
	bool unexpected;	/* we were shown something else to sign */
};

static void
note(struct sshauth_run *r, const char *what, const char *name,
    const char *method)
{
	msg_info("login to '%s' as '%s': trying %s%s%s%s%s%s", r->tun->host,
	    r->user, what, name ? " '" : "", name ? name : "",
	    name ? "'" : "", method ? " by " : "", method ? method : "");
	buf_addf(&r->tried, "%s%s%s%s%s%s%s", r->tried.len > 0 ? ", " : "",
	    what, name ? " '" : "", name ? name : "", name ? "'" : "",
	    method ? " by " : "", method ? method : "");
}

/*
 * What libssh2 wants signed must be the login request that we mean (RFC 4252,
 * 7), and for RSA the algorithm in it decides on the hash. *method gets its
 * name.
 */
static bool
check_request(const struct signer *g, const unsigned char *p, size_t n,
    char method[40])
{
	struct sshstr in = {p, n}, id, user, service, how, name, blob;
	unsigned type, with_signature;

	if (!sshstr_get(&in, &id) || !sshstr_u8(&in, &type) ||
	    type != USERAUTH_REQUEST || !sshstr_get(&in, &user) ||
	    !sshstr_is(user, g->user) || !sshstr_get(&in, &service) ||
	    !sshstr_is(service, "ssh-connection") || !sshstr_get(&in, &how) ||
	    !sshstr_is(how, "publickey") || !sshstr_u8(&in, &with_signature) ||
	    with_signature != 1 || !sshstr_get(&in, &name) ||
	    !sshstr_get(&in, &blob) || in.n != 0 || name.n > 39 ||
	    blob.n != g->blob.n || memcmp(blob.p, g->blob.p, blob.n) != 0)
		return false;
	memcpy(method, name.p, name.n);
	method[name.n] = '\0';
	return true;
}

/* A copy that libssh2 will free. */
static void *
for_libssh2(struct sshmem *m, const void *p, size_t n)
{
	void *mem = m, *copy = sshmem_alloc(n + 1, &mem);

	if (copy != NULL) {
		memcpy(copy, p, n);
		((char *)copy)[n] = '\0';
	}
	return copy;
}

static int
sign(LIBSSH2_SESSION *s, unsigned char **sig, size_t *sig_len,
    const unsigned char *data, size_t n, void **abstract)
{
	struct signer *g = *abstract;
	char method[40];
	struct buf b;
	int rc;

	(void)s;
	if (!check_request(g, data, n, method)) {
		g->unexpected = true;
		return -1;
	}
	buf_init(&b, 16 * 1024);	/* the largest RSA key gives 2 kB */
	if (g->key != NULL)
		rc = sshkey_sign(g->key, method, data, n, &b);
	else
		rc = sshagent_sign(g->agent, g->blob, method, data, n, &b);
	*sig = rc == 0 ? for_libssh2(g->mem, b.data, b.len) : NULL;
	*sig_len = b.len;
	buf_release(&b);
	return *sig != NULL ? 0 : -1;
}

/* Is this the end of the login, or only of one way? */
static bool
refused(int rc)
{
	return rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED ||
	    rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED;
}

/* The result of one way: OK, FAILED when it was refused and the next may be
 * tried (silent), else said. */
static enum fate
judge(struct sshauth_run *r, int rc)
{
	struct tun *t = r->tun;
	char *text;

	if (rc == 0)
		return FATE_OK;
	if (refused(rc))
		return FATE_FAILED;
	if (t->wire.ended) {
		msg_error("cannot log in to '%s' as '%s': %s%s%s", t->host,
		    r->user, wire_reason(&t->wire), r->tried.len > 0 ?
		    "; tried: " : "", r->tried.data);
		return r->tried.len > 0 ? FATE_CONFIG : FATE_AGAIN;
	}
	libssh2_session_last_error(t->session, &text, NULL, 0);
	msg_error("cannot log in to '%s' as '%s': %s (libssh2 error %d)",
	    t->host, r->user, text, rc);
	return FATE_AGAIN;
}

static enum fate
waited(struct sshauth_run *r, enum fate f)
{
	if (f == FATE_AGAIN)
		msg_error("cannot log in to '%s' as '%s': %s%s%s",
		    r->tun->host, r->user, wire_reason(&r->tun->wire),
		    r->tried.len > 0 ? "; tried: " : "", r->tried.data);
	return f;
}

/* One key by one method. */
static enum fate
try_method(struct sshauth_run *r, struct signer *g, const char *name,
    const char *method, bool swap)
{
	struct tun *t = r->tun;
	void *abstract = g;
	enum fate f;
	int rc;

	note(r, "key", name, method);
	for (;;) {
		if (swap)
			rc = rsasha2_userauth(t->session, &t->mem, r->user,
			    method, g->blob, sign, &abstract);
		else
			rc = libssh2_userauth_publickey(t->session, r->user,
			    g->blob.p, g->blob.n, sign, &abstract);
		if (rc != LIBSSH2_ERROR_EAGAIN)
			break;
		f = waited(r, tun_wait(t));
		if (f != FATE_OK)
			break;
	}
	rsasha2_reset(&t->mem);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return f;
	if (g->unexpected) {
		msg_error("cannot log in by the RSA key '%s': this libssh2 "
		    "(%s) works in a way that is not known here; use "
		    "--transport openssh", name, libssh2_version(0));
		return FATE_CONFIG;
	}
	/* The server said yes to the key, then no signature could be made. */
	if (rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
		msg_info("key '%s' could not sign by %s", name, method);
	return judge(r, rc);
}

/* Each round brings another method; those keys that have only one are done
 * after the first. Most servers take the first, so that a key too many in an
 * agent costs one try, not two. */
static const char *const rsa_methods[] = {"rsa-sha2-256", "rsa-sha2-512",
	"ssh-rsa"};

static int
rounds(const struct sshauth_run *r)
{
	return !rsasha2_needed() ? 1 : r->with->sha1 ? 3 : 2;
}

static enum fate
try_key(struct sshauth_run *r, struct signer *g, const char *name,
    const char *type, int round)
{
	bool rsa = strcmp(type, "ssh-rsa") == 0, swap = rsa && rsasha2_needed();

	if (round > 0 && !rsa)
		return FATE_FAILED;
	if (r->key_tries == KEY_TRIES_MAX) {
		r->keys_left = true;
		return FATE_FAILED;
	}
	r->key_tries++;
	return try_method(r, g, name, swap ? rsa_methods[round] :
	    rsa ? "rsa-sha2" : NULL, swap);
}

static enum fate
try_files(struct sshauth_run *r, int round)
{
	const struct sshauth_key *k = r->with->key;
	enum fate f = FATE_FAILED;
	size_t i;

	for (i = 0; i < r->with->nkeys && f == FATE_FAILED; i++, k++) {
		struct signer g = {.key = &k->key, .user = r->user,
			.mem = &r->tun->mem,
			.blob = {(unsigned char *)k->key.blob.data,
			k->key.blob.len}};

		f = try_key(r, &g, k->name, k->key.type, round);
	}
	return f;
}

/* A plain key of a kind that libssh2 can send: no certificate, no hardware
 * key. */
static const char *
usable_type(struct sshstr blob)
{
	static const char *const types[] = {"ssh-rsa", "ssh-ed25519",
		"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
		"ecdsa-sha2-nistp521"};
	struct sshstr type;
	size_t i;

	if (!sshstr_get(&blob, &type))
		return NULL;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (sshstr_is(type, types[i]))
			return types[i];
	return NULL;
}

static enum fate
try_agent(struct sshauth_run *r, struct sshagent *a, int round)
{
	struct sshstr blob, comment;
	enum fate f = FATE_FAILED;
	const char *type;
	size_t i;
	char *name;

	for (i = 0; f == FATE_FAILED && sshagent_key(a, i, &blob, &comment);
	    i++) {
		struct signer g = {.agent = a, .blob = blob, .user = r->user,
			.mem = &r->tun->mem};

		if ((type = usable_type(blob)) == NULL)
			continue;
		name = mem_fmt("agent: %.*s", (int)comment.n,
		    (const char *)comment.p);
		f = try_key(r, &g, name, type, round);
		free(name);
	}
	return f;
}

static enum fate
try_keys(struct sshauth_run *r)
{
	struct sshagent *a = NULL;
	enum fate f = FATE_FAILED;
	int round;

	if (r->with->agent != NULL)
		a = sshagent_open(r->with->agent);
	for (round = 0; round < rounds(r) && f == FATE_FAILED; round++) {
		f = try_files(r, round);
		if (f == FATE_FAILED && a != NULL)
			f = try_agent(r, a, round);
	}
	sshagent_free(a);
	return f;
}

/* The configured password, or one asked for; *asked must be wiped. */
static const char *
find_password(struct sshauth_run *r, char **asked)
{
	char *prompt;

	*asked = NULL;
	if (r->with->password != NULL || !r->with->ask)
		return r->with->password;
	prompt = mem_fmt("%s@%s's password: ", r->user, r->tun->host);
	*asked = ask_line(prompt, false);
	free(prompt);
	return *asked;
}

static enum fate
try_password(struct sshauth_run *r)
{
	struct tun *t = r->tun;
	enum fate f = FATE_OK;
	char *asked;
	const char *password = find_password(r, &asked);
	long long now = io_now_ms();
	int rc;

	if (password == NULL)
		return FATE_FAILED;
	note(r, "password", NULL, NULL);
	/* A person may have needed longer than the server is given. */
	if (asked != NULL && t->deadline < now + 20000)
		t->deadline = now + 20000;
	while ((rc = libssh2_userauth_password(t->session, r->user,
	    password)) == LIBSSH2_ERROR_EAGAIN &&
	    (f = waited(r, tun_wait(t))) == FATE_OK)
		;
	mem_wipe_str(asked);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return f;
	if (rc == LIBSSH2_ERROR_PASSWORD_EXPIRED) {
		msg_error("cannot log in to '%s' as '%s': the password has "
		    "expired; log in by ssh once and set a new one", t->host,
		    r->user);
		return FATE_CONFIG;
	}
	return judge(r, rc);
}

/* One prompt of the server's: the password when it can only mean that, else
 * a question to the person. Wiped and freed by the caller. */
static char *
answer(struct sshauth_run *r, const char *text, size_t n, bool echo, int count)
{
	char *prompt, *s;

	if (!echo && r->with->password != NULL && !r->password_used &&
	    (count == 1 || memmem(text, n, "assword", 7) != NULL)) {
		r->password_used = true;
		return mem_dup(r->with->password);
	}
	prompt = mem_fmt("%s: %.*s", r->tun->host, (int)n, text);
	s = r->with->ask ? ask_line(prompt, echo) : NULL;
	free(prompt);
	if (s == NULL)
		r->unanswered = true;
	else
		r->tun->deadline = io_now_ms() + 20000;
	return s != NULL ? s : mem_dup("");
}

static void
prompts(const char *name, int name_len, const char *text, int text_len,
    int n, const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompt,
    LIBSSH2_USERAUTH_KBDINT_RESPONSE *response, void **abstract)
{
	struct tun *t = *abstract;
	char *said;
	int i;

	(void)name;
	(void)name_len;
	if (text_len > 0)
		msg_info("'%s' says: %.*s", t->host, text_len, text);
	for (i = 0; i < n; i++) {
		said = answer(t->auth, (const char *)prompt[i].text,
		    prompt[i].length, prompt[i].echo != 0, n);
		response[i].text = for_libssh2(&t->mem, said, strlen(said));
		response[i].length = response[i].text != NULL ?
		    (unsigned)strlen(said) : 0;
		mem_wipe_str(said);
	}
}

static enum fate
try_questions(struct sshauth_run *r)
{
	struct tun *t = r->tun;
	enum fate f = FATE_OK;
	int rc;

	if (r->with->password == NULL && !r->with->ask)
		return FATE_FAILED;
	note(r, "keyboard-interactive", NULL, NULL);
	r->password_used = false;
	t->auth = r;
	while ((rc = libssh2_userauth_keyboard_interactive(t->session, r->user,
	    prompts)) == LIBSSH2_ERROR_EAGAIN &&
	    (f = waited(r, tun_wait(t))) == FATE_OK)
		;
	t->auth = NULL;
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return f;
	return judge(r, rc);
}

/* Ask which methods the server takes now. FATE_OK also when it took "none":
 * then we are in. */
static enum fate
list_methods(struct sshauth_run *r)
{
	struct tun *t = r->tun;
	const char *list;
	enum fate f;
	int rc;

	buf_reset(&r->offered);
	for (;;) {
		list = libssh2_userauth_list(t->session, r->user,
		    (unsigned)strlen(r->user));
		if (list != NULL)
			buf_adds(&r->offered, list);
		if (list != NULL || libssh2_userauth_authenticated(t->session))
			return FATE_OK;
		rc = libssh2_session_last_errno(t->session);
		if (rc != LIBSSH2_ERROR_EAGAIN)
			return judge(r, rc);
		f = waited(r, tun_wait(t));
		if (f != FATE_OK)
			return f;
	}
}

static bool
offers(const struct sshauth_run *r, const char *method)
{
	const char *p = r->offered.data;
	size_t n = strlen(method);

	for (; *p != '\0'; p += strcspn(p, ","), p += *p == ',')
		if (strncmp(p, method, n) == 0 &&
		    (p[n] == ',' || p[n] == '\0'))
			return true;
	return false;
}

static void
say_refused(struct sshauth_run *r)
{
	const char *hint = "";

	if (r->unanswered)
		hint = "; the server asks something that needs a terminal";
	else if (r->tried.len == 0)
		hint = "; set ssh_private_key or ssh_password";
	else if (r->keys_left)
		hint = "; not all keys were tried; name the right one with -i "
		    "(ssh_private_key)";
	else if (!r->with->sha1 && strstr(r->tried.data, "rsa-sha2") != NULL)
		hint = "; a server from before 2016 needs ssh_allow_sha1 = yes";
	msg_error("cannot log in to '%s' as '%s': the server refused (it "
	    "offers: %s; tried: %s)%s", r->tun->host, r->user,
	    r->offered.len > 0 ? r->offered.data : "nothing",
	    r->tried.len > 0 ? r->tried.data : "nothing, for there is no key "
	    "or password that fits", hint);
}

/* The ways in, in their order. */
static const struct way {
	const char *method;
	enum fate (*try)(struct sshauth_run *);
} ways[] = {
	{"publickey", try_keys}, {"password", try_password},
	{"keyboard-interactive", try_questions},
};
#define NWAYS (sizeof(ways) / sizeof(ways[0]))

/* Is there anything to try this way with? */
static bool
has_means(const struct sshauth_run *r, const struct way *w)
{
	if (w->try == try_keys)
		return r->with->nkeys > 0 || r->with->agent != NULL;
	return r->with->password != NULL || r->with->ask;
}

/* Every way that is offered and was not tried yet. FATE_FAILED: none was
 * good; *left tells that there are some that were not offered. */
static enum fate
try_offered(struct sshauth_run *r, bool used[NWAYS], bool *left)
{
	enum fate f = FATE_FAILED;
	size_t i;

	*left = false;
	for (i = 0; i < NWAYS && f == FATE_FAILED; i++) {
		if (used[i] || !has_means(r, &ways[i]))
			continue;
		if (!offers(r, ways[i].method)) {
			*left = true;
			continue;
		}
		used[i] = true;
		f = ways[i].try(r);
	}
	return f;
}

static enum fate
login(struct sshauth_run *r)
{
	bool used[NWAYS] = {false}, left = true;
	enum fate f = FATE_FAILED;
	size_t before = 0;

	/* A server may want two ways, and offer the second only when the
	 * first was good; to libssh2 that looks like a refusal. */
	while (left) {
		f = list_methods(r);
		if (f != FATE_OK || libssh2_userauth_authenticated(
		    r->tun->session))
			return f;
		before = r->tried.len;
		f = try_offered(r, used, &left);
		if (f != FATE_FAILED)
			return f;
		if (r->tried.len == before)
			break;
	}
	say_refused(r);
	return f;
}

enum fate
sshauth_login(struct tun *t, const struct sshauth *with, const char *user)
{
	struct sshauth_run r = {.tun = t, .with = with, .user = user};
	enum fate f;

	buf_init(&r.offered, 4096);
	buf_init(&r.tried, 4096);
	t->mem.wipe = true;
	f = login(&r);
	t->mem.wipe = false;
	buf_release(&r.offered);
	buf_release(&r.tried);
	return f == FATE_CONFIG ? FATE_FAILED : f;
}
