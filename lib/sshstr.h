/*
 * The byte forms of SSH (RFC 4251, 5): numbers of 4 bytes, strings that
 * begin with their length, multiple precision integers.
 */
#ifndef RSW_SSHSTR_H
#define RSW_SSHSTR_H

#include <openssl/bn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* A piece of someone's bytes; reading moves it forward. */
struct sshstr {
	const unsigned char *p;
	size_t n;
};

/* Read from the front. True, or false if it is too short: then nothing
 * moved. A read string points into the same bytes. */
bool sshstr_u8(struct sshstr *in, unsigned *out);
bool sshstr_u32(struct sshstr *in, uint32_t *out);
bool sshstr_get(struct sshstr *in, struct sshstr *out);

/* Is it this text? */
bool sshstr_is(struct sshstr s, const char *text);

/* Append to b. 0, or -1 when the buffer's cap would be passed. */
int sshstr_put_u32(struct buf *b, size_t v);
int sshstr_put(struct buf *b, const void *p, size_t n);
int sshstr_puts(struct buf *b, const char *s);
int sshstr_put_bn(struct buf *b, const BIGNUM *v);

#endif
