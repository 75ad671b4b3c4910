/*
 * RSA logins by SHA-2 with libssh2 before 1.11, by its public interface.
 *
 * 1.10 takes the signature's algorithm from the first string of the public
 * key's blob. RFC 8332 wants two different names: rsa-sha2-256 as algorithm,
 * ssh-rsa in the blob. What libssh2 does, in this order: it allocates a copy
 * of the name, it allocates the packet, it copies the blob into the packet.
 * So it is shown a blob that begins with the algorithm's name, and when it
 * allocates the packet, the real blob is put in that place. The packet then
 * is what the RFC wants; whoever signs checks that, so that a libssh2 that
 * works otherwise gives an error and never a wrong login.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "rsasha2.h"

enum {IDLE, NAME_NEXT, PACKET_NEXT, DONE};

bool
rsasha2_needed(void)
{
	return libssh2_version(0x010b00) == NULL;
}

void
rsasha2_on_alloc(struct sshmem *m, size_t n)
{
	if (m->step == NAME_NEXT && n == m->method_len) {
		m->step = PACKET_NEXT;
	} else if (m->step == PACKET_NEXT) {
		memcpy(m->shown, m->blob, m->blob_len);
		m->step = DONE;
	}
}

void
rsasha2_reset(struct sshmem *m)
{
	free(m->shown);
	m->shown = NULL;
	m->blob = NULL;
	m->step = IDLE;
}

int
rsasha2_userauth(LIBSSH2_SESSION *s, struct sshmem *m, const char *user,
    const char *method, struct sshstr blob,
    LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC((*sign)), void **abstract)
{
	size_t n = strlen(method);

	if (m->step == IDLE) {
		/* The name is longer than "ssh-rsa", the blob far longer. */
		if (blob.n < 4 + n)
			return LIBSSH2_ERROR_INVAL;
		m->shown = mem_alloc(blob.n);
		memcpy(m->shown, blob.p, blob.n);
		m->shown[3] = (unsigned char)n;
		memcpy(m->shown + 4, method, n);
		m->blob = blob.p;
		m->blob_len = blob.n;
		m->method_len = n;
		m->step = NAME_NEXT;
	}
	return libssh2_userauth_publickey(s, user, m->shown, blob.n, sign,
	    abstract);
}
