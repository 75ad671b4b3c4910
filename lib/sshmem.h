/*
 * The memory that libssh2 works in. Being its allocator, we see what it
 * frees: secrets are overwritten, and the text of a refused channel, which
 * libssh2 drops, is read; and what it forgets to free is freed at the end.
 * rsasha2.c uses the same door.
 */
#ifndef RSW_SSHMEM_H
#define RSW_SSHMEM_H

#include <stdbool.h>
#include <stddef.h>

struct sshmem_block;

struct sshmem {
	struct sshmem_block *first;	/* all that is in use */
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

/* Once: tell malloc not to give memory back to the system and fetch it again
 * for each batch of packets. */
void sshmem_tune(void);

/* For libssh2_session_init_ex(); *m is a struct sshmem, or something that
 * begins with one. What a callback hands to libssh2 to free comes from
 * sshmem_alloc() too. */
void *sshmem_alloc(size_t n, void **m);
void *sshmem_realloc(void *p, size_t n, void **m);
void sshmem_free(void *p, void **m);

/* After libssh2_session_free(). */
void sshmem_release(struct sshmem *);

#endif
