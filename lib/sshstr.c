/*
 * The byte forms of SSH. What they mean is for others.
 */
#include "config.h"

#include <openssl/crypto.h>
#include <string.h>

#include "mem.h"
#include "sshstr.h"

bool
sshstr_u8(struct sshstr *in, unsigned *out)
{
	if (in->n < 1)
		return false;
	*out = *in->p++;
	in->n--;
	return true;
}

bool
sshstr_u32(struct sshstr *in, uint32_t *out)
{
	if (in->n < 4)
		return false;
	*out = (uint32_t)in->p[0] << 24 | (uint32_t)in->p[1] << 16 |
	    (uint32_t)in->p[2] << 8 | in->p[3];
	in->p += 4;
	in->n -= 4;
	return true;
}

bool
sshstr_get(struct sshstr *in, struct sshstr *out)
{
	struct sshstr at = *in;
	uint32_t n;

	if (!sshstr_u32(&at, &n) || n > at.n)
		return false;
	*out = (struct sshstr){at.p, n};
	*in = (struct sshstr){at.p + n, at.n - n};
	return true;
}

bool
sshstr_is(struct sshstr s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

int
sshstr_put_u32(struct buf *b, size_t v)
{
	unsigned char w[4] = {(unsigned char)(v >> 24),
		(unsigned char)(v >> 16), (unsigned char)(v >> 8),
		(unsigned char)v};

	return buf_add(b, w, sizeof(w));
}

int
sshstr_put(struct buf *b, const void *p, size_t n)
{
	if (n > UINT32_MAX || sshstr_put_u32(b, n) != 0)
		return -1;
	return buf_add(b, p, n);
}

int
sshstr_puts(struct buf *b, const char *s)
{
	return sshstr_put(b, s, strlen(s));
}

/* A positive mpint: no more bytes than needed, and a zero in front of one
 * that would look negative. */
int
sshstr_put_bn(struct buf *b, const BIGNUM *v)
{
	size_t n = (size_t)BN_num_bytes(v);
	unsigned char *w = mem_zero(1, n + 1);
	bool high;
	int rc;

	BN_bn2bin(v, w + 1);
	high = n > 0 && (w[1] & 0x80);
	rc = sshstr_put(b, w + !high, n + high);
	mem_wipe(w, n + 1);
	return rc;
}
