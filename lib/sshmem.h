/*
 * The memory that libssh2 works in. Being its allocator, we see what it
 * frees: secrets are overwritten, and the text of a refused channel, which
 * libssh2 drops, is read. rsasha2.c uses the same door.
 */
#ifndef RSW_SSHMEM_H
#define RSW_SSHMEM_H

#include <stdbool.h>
#include <stddef.h>

struct sshmem {
	bool wipe;		/* overwrite all that is freed: during login */
	bool listen;		/* a channel is being opened */
	unsigned reason;	/* of the last refusal (RFC 4254, 5.1), or 0 */
	char refusal[160];	/* and what the server said */
	/* rsasha2.c: see there */
	int step;
	size_t method_len, blob_len;
	unsigned char *shown;
	const unsigned char *blob;
};

/* For libssh2_session_init_ex(); `m` is at the start of the abstract. */
void *sshmem_alloc(size_t n, void **m);
void *sshmem_realloc(void *p, size_t n, void **m);
void sshmem_free(void *p, void **m);

#endif
