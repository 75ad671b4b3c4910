/*
 * Is this the right server? The order of the checks, and the words for what
 * is wrong. Files are read and matched by knownhosts.c.
 */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "buf.h"
#include "hostkey.h"
#include "mem.h"
#include "msg.h"
#include "sshstr.h"

/* Strongest first. ssh-rsa: libssh2 1.10 takes it as SHA-1 only. */
static const char *const types[] = {"ssh-ed25519", "ecdsa-sha2-nistp256",
	"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512",
	"rsa-sha2-256", "ssh-rsa"};
#define NTYPES (sizeof(types) / sizeof(types[0]))

/* The name under which a key of this type stands in known_hosts. */
static const char *
key_type(const char *type)
{
	return strncmp(type, "rsa-", 4) == 0 ? "ssh-rsa" : type;
}

char *
hostkey_order(const struct hostkey_policy *p, const char *host, int port)
{
	struct buf b;
	bool known;
	size_t i;
	int round;

	buf_init(&b, 512);	/* all of them have 120 */
	for (round = 0; round < 2; round++) {
		for (i = 0; i < NTYPES; i++) {
			if ((!p->sha1 && strcmp(types[i], "ssh-rsa") == 0) ||
			    (p->skip != NULL && strstr(p->skip, types[i])))
				continue;
			known = p->pin == NULL && knownhosts_has(p->known,
			    host, port, key_type(types[i]));
			if (known == (round == 0))
				buf_addf(&b, "%s%s", b.len > 0 ? "," : "",
				    types[i]);
		}
	}
	return buf_take(&b);
}

/* "SHA256:" and base64 without '=', as ssh-keygen -l shows it. */
static void
fingerprint(const void *blob, size_t len, char out[64])
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	size_t n;

	SHA256(blob, len, hash);
	memcpy(out, "SHA256:", 7);
	n = 7 + (size_t)EVP_EncodeBlock((unsigned char *)out + 7, hash,
	    sizeof(hash));
	while (out[n - 1] == '=')
		n--;
	out[n] = '\0';
}

bool
hostkey_pin_valid(const char *pin)
{
	size_t n;

	/* 32 bytes in base64, or a word that calls itself so. Others may be
	 * the rest of a line of ssh-keygen -l. */
	for (; *pin != '\0'; pin += n, pin += strspn(pin, ", \t\n")) {
		n = strcspn(pin, ", \t\n");
		if (strncmp(pin, "SHA256:", 7) == 0 || n == 43 || n == 44)
			return true;
	}
	return false;
}

bool
hostkey_pinned(const char *pin, const char *print)
{
	size_t n, m;

	for (; *pin != '\0'; pin += n, pin += strspn(pin, ", \t\n")) {
		n = m = strcspn(pin, ", \t\n");
		if (strncmp(pin, "SHA256:", 7) == 0) {
			pin += 7;
			n -= 7;
			m -= 7;
		}
		while (m > 0 && pin[m - 1] == '=')
			m--;
		if (m == strlen(print + 7) && memcmp(pin, print + 7, m) == 0)
			return true;
	}
	return false;
}

static enum fate
unknown(const struct hostkey_policy *p, const char *host, int port,
    const void *blob, size_t len, const char *type, const char *print)
{
	char *question;
	bool yes;

	if (!p->accept_new) {
		question = mem_fmt("The bastion '%s' port %d is not known yet. "
		    "Its %s key has the fingerprint\n%s\n"
		    "Compare it with the one that its owner gave you. "
		    "Is it the same (yes/no)? ", host, port, type, print);
		yes = ask_yes(question);
		free(question);
		if (!yes) {
			msg_error("cannot trust the bastion '%s' port %d: its "
			    "key is not known (%s %s); if that is right, set "
			    "ssh_host_key_fingerprint, or use --accept-new "
			    "once", host, port, type, print);
			return FATE_FAILED;
		}
	}
	if (p->add_to == NULL ||
	    knownhosts_add(p->add_to, host, port, blob, len) != 0)
		return FATE_CONFIG;
	msg_warn("the bastion '%s' port %d is trusted from now on: %s %s, "
	    "added to '%s'", host, port, type, print, p->add_to);
	return FATE_OK;
}

/* What a message says of a key: type and fingerprint. */
static void
describe(const void *blob, size_t len, char type[64], char print[64])
{
	struct sshstr in = {blob, len}, t;

	strcpy(type, "unreadable");
	if (sshstr_get(&in, &t) && t.n < 64) {
		memcpy(type, t.p, t.n);
		type[t.n] = '\0';
	}
	fingerprint(blob, len, print);
}

void
hostkey_say_not_pinned(const char *host, int port, const void *blob,
    size_t len)
{
	char type[64], print[64];

	describe(blob, len, type, print);
	msg_error("cannot trust the bastion '%s' port %d: its key (%s %s) is "
	    "not the one of ssh_host_key_fingerprint", host, port, type,
	    print);
}

enum fate
hostkey_check(const struct hostkey_policy *p, const char *host, int port,
    const void *blob, size_t len)
{
	char print[64], type[64];
	const char *path;
	int line;

	describe(blob, len, type, print);
	msg_debug("host key of '%s' port %d: %s %s", host, port, type, print);
	switch (knownhosts_check(p->known, host, port, blob, len, &path,
	    &line)) {
	case KNOWNHOSTS_REVOKED:
		msg_error("cannot trust the bastion '%s' port %d: its %s key "
		    "is revoked by '%s' line %d", host, port, type, path,
		    line);
		return FATE_FAILED;
	case KNOWNHOSTS_MATCH:
		if (p->pin == NULL)
			return FATE_OK;
		break;
	case KNOWNHOSTS_CHANGED:
		if (p->pin != NULL)
			break;
		msg_error("cannot trust the bastion '%s' port %d: it shows "
		    "another key (%s %s) than '%s' line %d has; either someone "
		    "stands between, or the server was changed: ask its owner, "
		    "then replace that line", host, port, type, print, path,
		    line);
		return FATE_FAILED;
	case KNOWNHOSTS_UNKNOWN:
		if (p->pin != NULL)
			break;
		return unknown(p, host, port, blob, len, type, print);
	}
	return hostkey_pinned(p->pin, print) ? FATE_OK : FATE_AGAIN;
}
