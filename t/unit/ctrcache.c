/*
 * lib/ctrcache.c: its EVP_Cipher() gives the same bytes as OpenSSL itself.
 * That libssh2 calls it: t/203-ssh-forward.t.
 */
#include "config.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "tap.h"

#define BYTES 100000

static unsigned char plain[BYTES], want[BYTES], got[BYTES];

/* A context with a key that the number makes. */
static EVP_CIPHER_CTX *
make(const EVP_CIPHER *cipher, unsigned char number, int encrypt)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	unsigned char key[32], iv[16];

	memset(key, number, sizeof(key));
	/* Its last bytes overflow on the way. */
	memset(iv, 0xff, sizeof(iv));
	iv[0] = number;
	if (EVP_CipherInit_ex(c, cipher, NULL, key, iv, encrypt) != 1)
		abort();
	EVP_CIPHER_CTX_set_padding(c, 0);
	return c;
}

static void
expect(const EVP_CIPHER *cipher, unsigned char number)
{
	EVP_CIPHER_CTX *c = make(cipher, number, 1);
	int n;

	EVP_EncryptUpdate(c, want, &n, plain, BYTES / 16 * 16);
	EVP_CIPHER_CTX_free(c);
}

/* All of it in pieces of this size; 0: of many sizes. */
static bool
run(EVP_CIPHER_CTX *c, size_t size)
{
	size_t at = 0, n, end = BYTES / 16 * 16;

	memset(got, 0, sizeof(got));
	for (; at < end; at += n) {
		n = size != 0 ? size : at * 7 % 5000 + 1;
		if (n > end - at)
			n = end - at;
		if (EVP_Cipher(c, got + at, plain + at, (unsigned)n) !=
		    (int)n)
			return false;
	}
	return memcmp(got, want, end) == 0;
}

static void
same(const EVP_CIPHER *cipher, size_t size, int encrypt, const char *what)
{
	EVP_CIPHER_CTX *c = make(cipher, 1, encrypt);

	expect(cipher, 1);
	ok(run(c, size), what);
	EVP_CIPHER_CTX_free(c);
}

/* Two directions at once, and contexts that come and go as new keys do. */
static void
many(void)
{
	EVP_CIPHER_CTX *c[40];
	bool good = true;
	size_t i;
	unsigned char round;

	for (round = 1; round < 20; round++) {
		c[0] = make(EVP_aes_128_ctr(), round, 0);
		expect(EVP_aes_128_ctr(), round);
		good = run(c[0], 16) && good;
		EVP_CIPHER_CTX_free(c[0]);
	}
	ok(good, "new keys, again and again");
	for (i = 0; i < 40; i++)
		c[i] = make(EVP_aes_256_ctr(), (unsigned char)i, 1);
	for (i = 0; i < 40; i++)
		good = EVP_Cipher(c[i], got + 32 * i, plain, 16) == 16 && good;
	for (i = 0; i < 40; i++)
		good = EVP_Cipher(c[i], got + 32 * i + 16, plain + 16, 16) ==
		    16 && good;
	for (i = 0; i < 40; i++) {
		expect(EVP_aes_256_ctr(), (unsigned char)i);
		good = memcmp(got + 32 * i, want, 32) == 0 && good;
	}
	ok(good, "more contexts than there are streams");
	for (i = 0; i < 40; i++)
		EVP_CIPHER_CTX_free(c[i]);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < BYTES; i++)
		plain[i] = (unsigned char)(i * 31 >> 3);
	same(EVP_aes_128_ctr(), 16, 1, "AES-128, blocks");
	same(EVP_aes_192_ctr(), 16, 1, "AES-192, blocks");
	same(EVP_aes_256_ctr(), 16, 1, "AES-256, blocks");
	same(EVP_aes_256_ctr(), 16, 0, "decrypting is the same");
	same(EVP_aes_128_ctr(), 1, 1, "single bytes");
	same(EVP_aes_128_ctr(), 32768, 1, "large pieces");
	same(EVP_aes_128_ctr(), 0, 0, "pieces of many sizes");
	same(EVP_aes_128_cbc(), 16, 1, "another mode is left alone");
	many();
	return done();
}
