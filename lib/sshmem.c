/*
 * The memory that libssh2 works in: malloc, with a list of all blocks and an
 * eye on what is freed.
 */
#include "config.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rsasha2.h"
#include "sshmem.h"
#include "sshstr.h"

#define CHANNEL_OPEN_FAILURE 92		/* RFC 4254, 9 */

struct sshmem_block {
	alignas(max_align_t) struct sshmem_block *next;
	struct sshmem_block *prev;
	size_t n;
};

void
sshmem_tune(void)
{
#ifdef M_TRIM_THRESHOLD
	/* A fifth of the CPU time went into page faults without this. What
	 * is kept is bounded by the windows of the channels. */
	mallopt(M_TRIM_THRESHOLD, 32 * 1024 * 1024);
	mallopt(M_TOP_PAD, 256 * 1024);
#endif
}

static void *
add(struct sshmem *m, size_t n)
{
	struct sshmem_block *b;

	if (n > SIZE_MAX - sizeof(*b) || (b = malloc(sizeof(*b) + n)) == NULL)
		return NULL;
	b->n = n;
	b->prev = NULL;
	b->next = m->first;
	if (m->first != NULL)
		m->first->prev = b;
	m->first = b;
	return b + 1;
}

static void
drop(struct sshmem *m, struct sshmem_block *b)
{
	if (b->prev != NULL)
		b->prev->next = b->next;
	else
		m->first = b->next;
	if (b->next != NULL)
		b->next->prev = b->prev;
	if (m->wipe)
		OPENSSL_cleanse(b + 1, b->n);
	free(b);
}

void *
sshmem_alloc(size_t n, void **m)
{
	rsasha2_on_alloc(*m, n);
	return add(*m, n);
}

void *
sshmem_realloc(void *p, size_t n, void **m)
{
	struct sshmem_block *b;
	void *fresh = add(*m, n);

	if (p == NULL || fresh == NULL)
		return fresh;
	b = (struct sshmem_block *)p - 1;
	memcpy(fresh, p, b->n < n ? b->n : n);
	drop(*m, b);
	return fresh;
}

/* A packet of type 92 holds: channel, reason code, text, language. */
static void
read_refusal(struct sshmem *m, const unsigned char *p, size_t n)
{
	struct sshstr in = {p + 1, n - 1}, text;
	uint32_t channel, reason;

	if (!sshstr_u32(&in, &channel) || !sshstr_u32(&in, &reason) ||
	    reason == 0 || reason > 4 || !sshstr_get(&in, &text))
		return;
	m->reason = reason;
	if (text.n >= sizeof(m->refusal))
		text.n = sizeof(m->refusal) - 1;
	memcpy(m->refusal, text.p, text.n);
	m->refusal[text.n] = '\0';
}

void
sshmem_free(void *p, void **m)
{
	struct sshmem *mem = *m;
	struct sshmem_block *b;

	if (p == NULL)
		return;
	b = (struct sshmem_block *)p - 1;
	if (mem->listen && b->n > 13 &&
	    *(unsigned char *)p == CHANNEL_OPEN_FAILURE)
		read_refusal(mem, p, b->n);
	drop(mem, b);
}

void
sshmem_release(struct sshmem *m)
{
	m->wipe = true;
	while (m->first != NULL)
		drop(m, m->first);
	m->wipe = false;
}
