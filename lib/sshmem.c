/*
 * The memory that libssh2 works in: malloc, with an eye on what is freed.
 */
#include "config.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "rsasha2.h"
#include "sshmem.h"
#include "sshstr.h"

#define CHANNEL_OPEN_FAILURE 92		/* RFC 4254, 9 */

void *
sshmem_alloc(size_t n, void **m)
{
	rsasha2_on_alloc(*m, n);
	return malloc(n);
}

void *
sshmem_realloc(void *p, size_t n, void **m)
{
	struct sshmem *mem = *m;
	size_t old = p != NULL ? malloc_usable_size(p) : 0;
	void *fresh;

	if (!mem->wipe || p == NULL)
		return realloc(p, n);
	fresh = malloc(n);
	if (fresh == NULL)
		return NULL;
	memcpy(fresh, p, old < n ? old : n);
	OPENSSL_cleanse(p, old);
	free(p);
	return fresh;
}

/* A packet of type 92 holds: channel, reason code, text, language. */
static void
read_refusal(struct sshmem *mem, const unsigned char *p, size_t n)
{
	struct sshstr in = {p + 1, n - 1}, text;
	uint32_t channel, reason;

	if (!sshstr_u32(&in, &channel) || !sshstr_u32(&in, &reason) ||
	    reason == 0 || reason > 4 || !sshstr_get(&in, &text))
		return;
	mem->reason = reason;
	if (text.n >= sizeof(mem->refusal))
		text.n = sizeof(mem->refusal) - 1;
	memcpy(mem->refusal, text.p, text.n);
	mem->refusal[text.n] = '\0';
}

void
sshmem_free(void *p, void **m)
{
	struct sshmem *mem = *m;
	size_t n;

	if (p == NULL)
		return;
	if (mem->listen || mem->wipe) {
		n = malloc_usable_size(p);
		if (mem->listen && n > 13 &&
		    *(unsigned char *)p == CHANNEL_OPEN_FAILURE)
			read_refusal(mem, p, n);
		if (mem->wipe)
			OPENSSL_cleanse(p, n);
	}
	free(p);
}
