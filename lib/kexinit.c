/*
 * What an SSH server says in clear (RFC 4253, 4.2 and 7.1). Parses only.
 */
#include "config.h"

#include <string.h>

#include "kexinit.h"

#define MSG_KEXINIT 20

/* The version line; other lines may stand before it. Returns the bytes after
 * it in *rest. */
static bool
find_version(struct sshstr in, struct sshstr *version, struct sshstr *rest)
{
	const unsigned char *nl;
	size_t n;

	while ((nl = memchr(in.p, '\n', in.n)) != NULL) {
		n = (size_t)(nl - in.p);
		*rest = (struct sshstr){nl + 1, in.n - n - 1};
		if (n > 4 && memcmp(in.p, "SSH-", 4) == 0) {
			*version = (struct sshstr){in.p,
				in.p[n - 1] == '\r' ? n - 1 : n};
			return true;
		}
		in = *rest;
	}
	return false;
}

bool
kexinit_parse(const char *p, size_t n, struct kexinit *out)
{
	struct sshstr in = {(const unsigned char *)p, n}, packet, skipped;
	unsigned padding, type;

	memset(out, 0, sizeof(*out));
	if (!find_version(in, &out->version, &in) ||
	    !sshstr_get(&in, &packet) || !sshstr_u8(&packet, &padding) ||
	    !sshstr_u8(&packet, &type) || type != MSG_KEXINIT ||
	    packet.n < 16)
		return false;
	packet.p += 16;		/* the cookie */
	packet.n -= 16;
	/* Both directions' lists are the same everywhere: the second is
	 * skipped. */
	return sshstr_get(&packet, &out->kex) &&
	    sshstr_get(&packet, &out->hostkey) &&
	    sshstr_get(&packet, &out->cipher) &&
	    sshstr_get(&packet, &skipped) && sshstr_get(&packet, &out->mac);
}

static bool
has(struct sshstr list, const char *name, size_t len)
{
	const unsigned char *comma;
	size_t n;

	while (list.n > 0) {
		comma = memchr(list.p, ',', list.n);
		n = comma != NULL ? (size_t)(comma - list.p) : list.n;
		if (n == len && memcmp(list.p, name, n) == 0)
			return true;
		if (comma == NULL)
			return false;
		list.p += n + 1;
		list.n -= n + 1;
	}
	return false;
}

bool
kexinit_common(struct sshstr list, const char *ours)
{
	size_t n;

	for (; *ours != '\0'; ours += n, ours += *ours == ',') {
		n = strcspn(ours, ",");
		if (has(list, ours, n))
			return true;
	}
	return false;
}
