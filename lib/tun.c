/*
 * An SSH session to a bastion: connect, handshake, host key, login, hop by
 * hop; and channels through it. libssh2 never blocks here: whoever calls it
 * waits by tun_wait().
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "dial.h"
#include "io.h"
#include "kexinit.h"
#include "mem.h"
#include "msg.h"
#include "rsasha2.h"
#include "sshstr.h"
#include "tun.h"

/* What is negotiated, in our order; libssh2 1.10 alone would also offer
 * arcfour, 3des, md5 and SHA-1 to any old server. Names that this libssh2
 * does not have are passed over. */
#define KEX "curve25519-sha256,curve25519-sha256@libssh.org," \
	"ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521," \
	"diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512," \
	"diffie-hellman-group18-sha512,diffie-hellman-group14-sha256"
#define CIPHERS "aes128-ctr,aes256-ctr,aes192-ctr"
#define MACS "hmac-sha2-256,hmac-sha2-512"
/* For servers of before 2013, when the user wants them. */
#define OLD_MACS MACS ",hmac-sha1"
#define OLD_KEX KEX ",diffie-hellman-group14-sha1"

/* The largest that every server must take (RFC 4253, 6.1). */
#define PACKET 32768

static ssize_t
on_send(libssh2_socket_t fd, const void *p, size_t n, int flags, void **a)
{
	(void)fd;
	(void)flags;
	return wire_send(&((struct tun *)*a)->wire, p, n);
}

static ssize_t
on_recv(libssh2_socket_t fd, void *p, size_t n, int flags, void **a)
{
	(void)fd;
	(void)flags;
	return wire_recv(&((struct tun *)*a)->wire, p, n);
}

static void
set_callbacks(LIBSSH2_SESSION *s)
{
#if LIBSSH2_VERSION_NUM >= 0x010b01
	libssh2_session_callback_set2(s, LIBSSH2_CALLBACK_SEND,
	    (libssh2_cb_generic *)on_send);
	libssh2_session_callback_set2(s, LIBSSH2_CALLBACK_RECV,
	    (libssh2_cb_generic *)on_recv);
#else
	libssh2_session_callback_set(s, LIBSSH2_CALLBACK_SEND, (void *)on_send);
	libssh2_session_callback_set(s, LIBSSH2_CALLBACK_RECV, (void *)on_recv);
#endif
}

enum fate
tun_wait(struct tun *t)
{
	return wire_wait(&t->wire, t->deadline, t->wake);
}

/* A list without the names that this libssh2 does not have. */
static char *
supported(LIBSSH2_SESSION *s, int method, const char *list)
{
	const char **have;
	int i, n = libssh2_session_supported_algs(s, method, &have);
	struct buf b;
	size_t len;

	buf_init(&b, 1024);
	for (; n > 0 && *list != '\0'; list += len, list += *list == ',') {
		len = strcspn(list, ",");
		for (i = 0; i < n; i++)
			if (strlen(have[i]) == len &&
			    strncmp(have[i], list, len) == 0)
				break;
		if (i < n)
			buf_addf(&b, "%s%.*s", b.len > 0 ? "," : "", (int)len,
			    list);
	}
	if (n > 0)
		libssh2_free(s, have);
	return buf_take(&b);
}

/* Our lists of algorithms; the host key's order depends on what is known. */
struct offer {
	char *kex, *hostkey, *cipher, *mac;
};

static void
make_offer(struct tun *t, const struct hostkey_policy *p, struct offer *o)
{
	char *order = hostkey_order(p, t->host, t->port);
	LIBSSH2_SESSION *s = t->session;

	o->kex = supported(s, LIBSSH2_METHOD_KEX, p->sha1 ? OLD_KEX : KEX);
	o->hostkey = supported(s, LIBSSH2_METHOD_HOSTKEY, order);
	o->cipher = supported(s, LIBSSH2_METHOD_CRYPT_CS, CIPHERS);
	o->mac = supported(s, LIBSSH2_METHOD_MAC_CS, p->sha1 ? OLD_MACS : MACS);
	free(order);
	libssh2_session_method_pref(s, LIBSSH2_METHOD_KEX, o->kex);
	libssh2_session_method_pref(s, LIBSSH2_METHOD_HOSTKEY, o->hostkey);
	libssh2_session_method_pref(s, LIBSSH2_METHOD_CRYPT_CS, o->cipher);
	libssh2_session_method_pref(s, LIBSSH2_METHOD_CRYPT_SC, o->cipher);
	libssh2_session_method_pref(s, LIBSSH2_METHOD_MAC_CS, o->mac);
	libssh2_session_method_pref(s, LIBSSH2_METHOD_MAC_SC, o->mac);
	libssh2_session_method_pref(s, LIBSSH2_METHOD_COMP_CS, "none");
	libssh2_session_method_pref(s, LIBSSH2_METHOD_COMP_SC, "none");
}

static void
release_offer(struct offer *o)
{
	free(o->kex);
	free(o->hostkey);
	free(o->cipher);
	free(o->mac);
}

/* No common algorithm: which one. True if that is why. */
static bool
say_nothing_common(const struct tun *t, const struct offer *o)
{
	struct kexinit k;
	const char *what;
	struct sshstr theirs;

	if (!kexinit_parse(t->wire.hello, t->wire.hello_len, &k))
		return false;
	if (!kexinit_common(k.hostkey, o->hostkey)) {
		what = "host key types";
		theirs = k.hostkey;
	} else if (!kexinit_common(k.kex, o->kex)) {
		what = "key exchanges";
		theirs = k.kex;
	} else if (!kexinit_common(k.cipher, o->cipher)) {
		what = "ciphers";
		theirs = k.cipher;
	} else if (!kexinit_common(k.mac, o->mac)) {
		what = "MACs";
		theirs = k.mac;
	} else {
		return false;
	}
	msg_error("cannot talk to '%s' port %d: it only takes the %s %.*s, "
	    "which libssh2 %s does not have%s; use --transport openssh "
	    "(ssh_transport = openssh)", t->host, t->port, what, (int)theirs.n,
	    (const char *)theirs.p, libssh2_version(0),
	    kexinit_common(theirs, "ssh-rsa,hmac-sha1,"
	    "diffie-hellman-group14-sha1") ?
	    " or which rest on SHA-1 (ssh_allow_sha1 = yes)" : "");
	return true;
}

/* It spoke, but not SSH: a server that turns us away says so in a line of
 * text (OpenSSH, for MaxStartups and PerSourcePenalties), and anything else
 * speaks its own language. */
static enum fate
say_no_ssh(const struct tun *t)
{
	static const char *const later[] = {"Exceeded MaxStartups",
		"Not allowed at this time"};
	const char *said = t->wire.hello;
	size_t n = t->wire.hello_len, i;

	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		if (n < strlen(later[i]) ||
		    memcmp(said, later[i], strlen(later[i])) != 0)
			continue;
		msg_error("cannot talk to '%s' port %d: it turns us away for "
		    "now (%s): too many logins at once or too many that "
		    "failed; wait a minute", t->host, t->port, later[i]);
		return FATE_AGAIN;
	}
	for (i = 0; i < n && i < 60 && said[i] != '\r' && said[i] != '\n';
	    i++)
		;
	msg_error("cannot talk to '%s' port %d: there is no SSH server (it "
	    "says '%.*s')", t->host, t->port, (int)i, said);
	return FATE_FAILED;
}

static enum fate
say_handshake(const struct tun *t, const struct offer *o, int rc)
{
	struct kexinit k;
	char *text;

	if (say_nothing_common(t, o))
		return FATE_FAILED;
	kexinit_parse(t->wire.hello, t->wire.hello_len, &k);
	if (k.version.n == 0 && t->wire.hello_len > 0)
		return say_no_ssh(t);
	if (t->wire.ended || rc == 0) {
		msg_error("cannot talk to '%s' port %d: %s %s", t->host,
		    t->port, wire_reason(&t->wire), k.version.n == 0 ?
		    "before it said anything" :
		    "while keys were exchanged");
		return FATE_AGAIN;
	}
	libssh2_session_last_error(t->session, &text, NULL, 0);
	msg_error("cannot talk to '%s' port %d: %s (libssh2 error %d)",
	    t->host, t->port, text, rc);
	return FATE_FAILED;
}

static enum fate
handshake(struct tun *t, const struct hostkey_policy *p)
{
	struct offer o;
	enum fate f = FATE_OK;
	int rc;

	make_offer(t, p, &o);
	while ((rc = libssh2_session_handshake(t->session,
	    wire_socket(&t->wire))) == LIBSSH2_ERROR_EAGAIN &&
	    (f = tun_wait(t)) == FATE_OK)
		;
	if (rc == LIBSSH2_ERROR_EAGAIN)
		f = f == FATE_STOPPED ? f : say_handshake(t, &o, 0);
	else if (rc != 0)
		f = say_handshake(t, &o, rc);
	else
		msg_debug("'%s': %s, host key %s, %s, %s, %s", t->host,
		    libssh2_session_banner_get(t->session),
		    libssh2_session_methods(t->session, LIBSSH2_METHOD_HOSTKEY),
		    libssh2_session_methods(t->session, LIBSSH2_METHOD_KEX),
		    libssh2_session_methods(t->session, LIBSSH2_METHOD_CRYPT_CS),
		    libssh2_session_methods(t->session, LIBSSH2_METHOD_MAC_CS));
	release_offer(&o);
	return f;
}

/* Has the server other host keys that we could ask for? Then *skip gets the
 * type of this one too. */
static bool
has_other_keys(const struct tun *t, const struct hostkey_policy *p,
    char **skip)
{
	struct hostkey_policy rest = *p;
	struct kexinit k;
	char *order, *have, *more;
	bool other;

	more = mem_fmt("%s,%s", p->skip != NULL ? p->skip : "",
	    libssh2_session_methods(t->session, LIBSSH2_METHOD_HOSTKEY));
	rest.skip = more;
	order = hostkey_order(&rest, t->host, t->port);
	have = supported(t->session, LIBSSH2_METHOD_HOSTKEY, order);
	other = kexinit_parse(t->wire.hello, t->wire.hello_len, &k) &&
	    kexinit_common(k.hostkey, have);
	free(order);
	free(have);
	free(*skip);
	*skip = more;
	return other;
}

/* FATE_AGAIN: connect again for another key; *skip was set. */
static enum fate
check_host(struct tun *t, const struct hostkey_policy *p, char **skip)
{
	const char *blob;
	size_t len;
	int type;
	enum fate f;

	blob = libssh2_session_hostkey(t->session, &len, &type);
	if (blob == NULL) {
		msg_error("cannot trust '%s' port %d: libssh2 does not show "
		    "its key", t->host, t->port);
		return FATE_FAILED;
	}
	f = hostkey_check(p, t->host, t->port, blob, len);
	if (f != FATE_AGAIN || has_other_keys(t, p, skip))
		return f;
	hostkey_say_not_pinned(t->host, t->port, blob, len);
	return FATE_FAILED;
}

/* The bytes below the session: a socket, or a channel of the hop before. */
static enum fate
connect_hop(struct tun *t, int timeout_s)
{
	enum fate f;
	int fd;

	if (t->outer == NULL) {
		f = dial(t->host, t->port, t->deadline, t->wake, &fd);
		if (f == FATE_OK)
			wire_init_fd(&t->wire, fd);
		return f;
	}
	f = tun_channel(t->outer, t->host, t->port, timeout_s, &t->via);
	if (f == FATE_OK)
		wire_init_channel(&t->wire, t->via, &t->outer->wire);
	return f;
}

/* End the session and what is below it, so that it can be opened again. */
static void
close_hop(struct tun *t)
{
	if (t->session != NULL) {
		if (!t->wire.ended) {
			libssh2_session_disconnect(t->session, "done");
			wire_flush(&t->wire);
		}
		/* Nothing more will come: let nobody wait for it. */
		t->wire.ended = true;
		libssh2_session_free(t->session);
		t->session = NULL;
	}
	sshmem_release(&t->mem);
	rsasha2_reset(&t->mem);
	wire_release(&t->wire);
}

/* Connected, and the host key is good; or FATE_AGAIN with *skip set. */
static enum fate
open_session(struct tun *t, const struct hostkey_policy *p, int timeout_s,
    char **skip)
{
	enum fate f;

	t->deadline = io_now_ms() + timeout_s * 1000LL;
	f = connect_hop(t, timeout_s);
	if (f != FATE_OK)
		return f;
	t->session = libssh2_session_init_ex(sshmem_alloc, sshmem_free,
	    sshmem_realloc, t);
	if (t->session == NULL) {
		msg_error("cannot start libssh2");
		return FATE_FAILED;
	}
	libssh2_session_set_blocking(t->session, 0);
	set_callbacks(t->session);
	f = handshake(t, p);
	return f == FATE_OK ? check_host(t, p, skip) : f;
}

static enum fate
open_hop(const struct tun_conf *c, size_t i, struct tun *t)
{
	struct hostkey_policy policy = c->hostkey;
	bool last = i + 1 == c->nhops;
	char *skip = NULL, *before;
	enum fate f;

	if (!last)
		policy.pin = NULL;
	t->host = c->hop[i].host;
	t->port = c->hop[i].port;
	do {
		close_hop(t);
		before = skip;
		policy.skip = skip;
		f = open_session(t, &policy, c->timeout_s, &skip);
	} while (f == FATE_AGAIN && skip != before);
	free(skip);
	if (f != FATE_OK)
		return f;
	/* A person may have thought about the host key. */
	t->deadline = io_now_ms() + c->timeout_s * 1000LL;
	f = sshauth_login(t, last ? &c->auth : &c->jump_auth, c->hop[i].user);
	if (f == FATE_OK)
		msg_info("logged in to '%s' port %d as '%s'", t->host, t->port,
		    c->hop[i].user);
	return f;
}

enum fate
tun_open(const struct tun_conf *c, int wake, struct tun **out)
{
	static bool started;
	struct tun *t = NULL, *next;
	enum fate f = FATE_OK;
	size_t i;

	*out = NULL;
	if (!started && libssh2_init(0) != 0) {
		msg_error("cannot start libssh2");
		return FATE_FAILED;
	}
	if (!started)
		sshmem_tune();
	started = true;
	for (i = 0; i < c->nhops && f == FATE_OK; i++) {
		next = mem_zero(1, sizeof(*next));
		next->wake = wake;
		next->outer = t;
		t = next;
		f = open_hop(c, i, t);
	}
	if (f == FATE_OK)
		*out = t;
	else
		tun_free(t);
	return f;
}

void
tun_free(struct tun *t)
{
	struct tun *outer;

	for (; t != NULL; t = outer) {
		outer = t->outer;
		close_hop(t);
		free(t);
	}
}

LIBSSH2_CHANNEL *
tun_try(struct tun *t, const char *host, int port, int origin,
    unsigned window)
{
	LIBSSH2_CHANNEL *c;
	struct buf m;

	buf_init(&m, 1024);
	sshstr_puts(&m, host);
	sshstr_put_u32(&m, (size_t)port);
	sshstr_puts(&m, "127.0.0.1");
	sshstr_put_u32(&m, (size_t)origin);
	if (!t->mem.listen) {
		t->mem.listen = true;
		t->mem.reason = 0;
		t->mem.refusal[0] = '\0';
	}
	c = libssh2_channel_open_ex(t->session, "direct-tcpip", 12, window,
	    PACKET, m.data, (unsigned)m.len);
	buf_release(&m);
	if (c != NULL || libssh2_session_last_errno(t->session) !=
	    LIBSSH2_ERROR_EAGAIN)
		t->mem.listen = false;
	return c;
}

enum fate
tun_say_refused(struct tun *t, const char *host, int port)
{
	static const struct {
		const char *part, *text;
		enum fate fate;
	} known[] = {
		{"refused", "nothing listens there, or a security group of the "
			"database refuses the bastion", FATE_AGAIN},
		{"Temporary failure", "the bastion's name servers do not "
			"answer", FATE_AGAIN},
		{"not known", "the bastion does not know this name; check "
			"database_hostname", FATE_FAILED},
		{"No address", "the bastion does not know this name; check "
			"database_hostname", FATE_FAILED},
		{"timed out", "no answer; a security group of the database may "
			"drop what the bastion sends", FATE_AGAIN},
	};
	const char *said = t->mem.refusal;
	char *text;
	size_t i;

	if (t->mem.reason == 1) {
		msg_error("cannot reach '%s:%d' through '%s': the bastion does "
		    "not allow this forward (sshd_config: AllowTcpForwarding, "
		    "PermitOpen; authorized_keys: permitopen)%s%s%s", host,
		    port, t->host, *said ? " (" : "", said, *said ? ")" : "");
		return FATE_FAILED;
	}
	if (t->mem.reason == 0) {
		libssh2_session_last_error(t->session, &text, NULL, 0);
		msg_error("cannot reach '%s:%d' through '%s': %s", host, port,
		    t->host, t->wire.ended ? wire_reason(&t->wire) : text);
		return FATE_AGAIN;
	}
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strstr(said, known[i].part) == NULL)
			continue;
		msg_error("cannot reach '%s:%d' through '%s': %s (%s)", host,
		    port, t->host, known[i].text, said);
		return known[i].fate;
	}
	msg_error("cannot reach '%s:%d' through '%s': the bastion cannot "
	    "connect to it (%s)", host, port, t->host, *said ? said :
	    "it does not say why");
	return FATE_AGAIN;
}

enum fate
tun_channel(struct tun *t, const char *host, int port, int timeout_s,
    LIBSSH2_CHANNEL **out)
{
	enum fate f;

	t->deadline = io_now_ms() + timeout_s * 1000LL;
	for (;;) {
		*out = tun_try(t, host, port, 0, TUN_WINDOW);
		if (*out != NULL)
			return FATE_OK;
		if (libssh2_session_last_errno(t->session) !=
		    LIBSSH2_ERROR_EAGAIN)
			return tun_say_refused(t, host, port);
		f = tun_wait(t);
		if (f == FATE_AGAIN)
			msg_error("cannot reach '%s:%d' through '%s': %s", host,
			    port, t->host, wire_reason(&t->wire));
		if (f != FATE_OK)
			return f;
	}
}

enum fate
tun_test(struct tun *t, const char *host, int port, int timeout_s)
{
	LIBSSH2_CHANNEL *c;
	enum fate f;

	f = tun_channel(t, host, port, timeout_s, &c);
	if (f != FATE_OK)
		return f;
	while (libssh2_channel_free(c) == LIBSSH2_ERROR_EAGAIN &&
	    (f = tun_wait(t)) == FATE_OK)
		;
	return FATE_OK;
}
