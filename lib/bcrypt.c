/*
 * bcrypt_pbkdf: SHA-512 and Blowfish, the key derivation of OpenSSH's
 * encrypted private keys. Blowfish's start tables are the binary digits of
 * pi, so they are computed (3 ms) and not written out. Reading the key's
 * file is oskey.c's work.
 */
#include "config.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bcrypt.h"

#define NP 18		/* subkeys */
#define NS 1024		/* four tables of 256 */
#define HASH_BYTES 32

struct blowfish {
	uint32_t p[NP], s[NS];
};

/* sum += or -= mul * atan(1/k), as an integer scaled by 2^bits. */
static int
add_atan(BIGNUM *sum, unsigned k, unsigned mul, int bits, bool negative)
{
	BIGNUM *t = BN_new(), *d = BN_new();
	unsigned n;
	int ok;

	ok = t != NULL && d != NULL && BN_set_word(t, mul) &&
	    BN_lshift(t, t, bits) && BN_div_word(t, k) != (BN_ULONG)-1;
	for (n = 1; ok && !BN_is_zero(t); n += 2) {
		ok = BN_copy(d, t) != NULL;
		BN_div_word(d, n);
		if (ok && (((n >> 1) & 1) ^ (unsigned)negative) != 0)
			ok = BN_sub(sum, sum, d);
		else if (ok)
			ok = BN_add(sum, sum, d);
		BN_div_word(t, (BN_ULONG)k * k);
	}
	BN_free(t);
	BN_free(d);
	return ok ? 0 : -1;
}

/* The fraction of pi: 16 atan(1/5) - 4 atan(1/239) (Machin). */
static int
start_tables(struct blowfish *c)
{
	enum {WORDS = NP + NS, GUARD = 64};
	unsigned char digits[WORDS * 4], *d = digits;
	BIGNUM *pi = BN_new();
	int i, rc = -1;

	if (pi != NULL && BN_set_word(pi, 0) &&
	    add_atan(pi, 5, 16, WORDS * 32 + GUARD, false) == 0 &&
	    add_atan(pi, 239, 4, WORDS * 32 + GUARD, true) == 0 &&
	    BN_rshift(pi, pi, GUARD) && BN_mask_bits(pi, WORDS * 32) &&
	    BN_bn2binpad(pi, digits, sizeof(digits)) == (int)sizeof(digits))
		rc = 0;
	BN_free(pi);
	for (i = 0; rc == 0 && i < WORDS; i++, d += 4)
		*(i < NP ? &c->p[i] : &c->s[i - NP]) = (uint32_t)d[0] << 24 |
		    (uint32_t)d[1] << 16 | (uint32_t)d[2] << 8 | d[3];
	return rc;
}

static void
encipher(const struct blowfish *c, uint32_t *left, uint32_t *right)
{
	uint32_t l = *left, r = *right, t;
	int i;

	for (i = 0; i < 16; i++) {
		l ^= c->p[i];
		r ^= ((c->s[l >> 24] + c->s[256 + (l >> 16 & 255)]) ^
		    c->s[512 + (l >> 8 & 255)]) + c->s[768 + (l & 255)];
		t = l;
		l = r;
		r = t;
	}
	*left = r ^ c->p[17];
	*right = l ^ c->p[16];
}

/* The next big-endian word of n bytes that repeat for ever. */
static uint32_t
next_word(const unsigned char *d, size_t n, size_t *at)
{
	uint32_t w = 0;
	int i;

	for (i = 0; i < 4; i++) {
		w = w << 8 | d[*at];
		*at = (*at + 1) % n;
	}
	return w;
}

/* Blowfish's key schedule; key and salt are SHA-512 hashes, the salt may be
 * NULL. */
static void
expand(struct blowfish *c, const unsigned char *salt, const unsigned char *key)
{
	size_t at = 0;
	uint32_t l = 0, r = 0, *out;
	int i;

	for (i = 0; i < NP; i++)
		c->p[i] ^= next_word(key, SHA512_DIGEST_LENGTH, &at);
	at = 0;
	for (i = 0; i < NP + NS; i += 2) {
		if (salt != NULL) {
			l ^= next_word(salt, SHA512_DIGEST_LENGTH, &at);
			r ^= next_word(salt, SHA512_DIGEST_LENGTH, &at);
		}
		encipher(c, &l, &r);
		out = i < NP ? &c->p[i] : &c->s[i - NP];
		out[0] = l;
		out[1] = r;
	}
}

static void
bcrypt_hash(const struct blowfish *start, const unsigned char *pass,
    const unsigned char *salt, unsigned char out[HASH_BYTES])
{
	static const char magic[] = "OxychromaticBlowfishSwatDynamite";
	struct blowfish c = *start;
	uint32_t w[8];
	size_t at = 0;
	int i, k;

	expand(&c, salt, pass);
	for (i = 0; i < 64; i++) {
		expand(&c, NULL, salt);
		expand(&c, NULL, pass);
	}
	for (i = 0; i < 8; i++)
		w[i] = next_word((const unsigned char *)magic, HASH_BYTES, &at);
	for (i = 0; i < 64; i++)
		for (k = 0; k < 8; k += 2)
			encipher(&c, &w[k], &w[k + 1]);
	for (i = 0; i < HASH_BYTES; i++)
		out[i] = (unsigned char)(w[i / 4] >> (8 * (i % 4)));
	OPENSSL_cleanse(&c, sizeof(c));
}

/* One block: the XOR of `rounds` hashes, each salted with the one before. */
static void
block(const struct blowfish *start, const unsigned char *hpass,
    const unsigned char *salt, size_t slen, unsigned rounds,
    unsigned char out[HASH_BYTES])
{
	unsigned char hsalt[SHA512_DIGEST_LENGTH], t[HASH_BYTES];
	unsigned i, k;

	SHA512(salt, slen, hsalt);
	bcrypt_hash(start, hpass, hsalt, t);
	memcpy(out, t, HASH_BYTES);
	for (i = 1; i < rounds; i++) {
		SHA512(t, sizeof(t), hsalt);
		bcrypt_hash(start, hpass, hsalt, t);
		for (k = 0; k < HASH_BYTES; k++)
			out[k] ^= t[k];
	}
	OPENSSL_cleanse(t, sizeof(t));
}

int
bcrypt_key(const char *pass, const unsigned char *salt, size_t slen,
    unsigned rounds, unsigned char *key, size_t klen)
{
	unsigned char hpass[SHA512_DIGEST_LENGTH], out[HASH_BYTES];
	unsigned char counted[BCRYPT_SALT_MAX + 4];
	struct blowfish start;
	size_t blocks = (klen + HASH_BYTES - 1) / HASH_BYTES, n, i;

	if (slen == 0 || slen > BCRYPT_SALT_MAX || klen == 0 ||
	    klen > BCRYPT_KEY_MAX || rounds == 0 ||
	    rounds > BCRYPT_ROUNDS_MAX || start_tables(&start) != 0)
		return -1;
	SHA512((const unsigned char *)pass, strlen(pass), hpass);
	memcpy(counted, salt, slen);
	for (n = 0; n < blocks; n++) {
		memset(counted + slen, 0, 3);	/* at most 4 blocks */
		counted[slen + 3] = (unsigned char)(n + 1);
		block(&start, hpass, counted, slen + 4, rounds, out);
		/* The blocks are interleaved, not one after the other. */
		for (i = 0; i * blocks + n < klen && i < HASH_BYTES; i++)
			key[i * blocks + n] = out[i];
	}
	OPENSSL_cleanse(hpass, sizeof(hpass));
	OPENSSL_cleanse(out, sizeof(out));
	return 0;
}
