/*
 * AES in counter mode, with the key stream made in large pieces.
 *
 * libssh2 1.10 calls OpenSSL for each 16 bytes, where one call costs far more
 * than the bytes (`openssl speed`: 9.1 GB/s in pieces of 16 kB, 0.86 in pieces
 * of 16 bytes). What depends on the data in counter mode is only an XOR, so
 * the key stream can be made ahead, and a call of libssh2's takes 16 bytes of
 * it. The ciphertext is the same. A sixth to a fifth of the CPU time of a
 * tunnel goes away.
 */
#include "config.h"

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ctrcache.h"

#define NAME "rs-writeback-ctr"
/* In the first level cache with room to spare. */
#define STREAM 4096
#define BLOCK 16

struct ctr {
	EVP_CIPHER_CTX *real;	/* of OpenSSL's own provider */
	size_t key_len;
	size_t at;		/* bytes of the stream in use */
	unsigned char stream[STREAM];
};

static void *
new_ctx(size_t key_len, const char *name)
{
	struct ctr *c = calloc(1, sizeof(*c));
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, "provider=default");

	if (c != NULL)
		c->real = EVP_CIPHER_CTX_new();
	if (c == NULL || cipher == NULL || c->real == NULL ||
	    EVP_EncryptInit_ex2(c->real, cipher, NULL, NULL, NULL) <= 0) {
		if (c != NULL)
			EVP_CIPHER_CTX_free(c->real);
		free(c);
		c = NULL;
	} else {
		c->key_len = key_len;
		c->at = STREAM;
	}
	EVP_CIPHER_free(cipher);
	return c;
}

static void
free_ctx(void *ctx)
{
	struct ctr *c = ctx;

	if (c == NULL)
		return;
	EVP_CIPHER_CTX_free(c->real);
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}

/* Encryption and decryption are the same. */
static int
init(void *ctx, const unsigned char *key, size_t key_len,
    const unsigned char *iv, size_t iv_len, const OSSL_PARAM params[])
{
	struct ctr *c = ctx;

	(void)params;
	if ((key != NULL && key_len != c->key_len) ||
	    (iv != NULL && iv_len != BLOCK))
		return 0;
	c->at = STREAM;
	return EVP_EncryptInit_ex2(c->real, NULL, key, iv, NULL) > 0;
}

static int
refill(struct ctr *c)
{
	static const unsigned char zeros[STREAM];
	int n;

	c->at = 0;
	return EVP_EncryptUpdate(c->real, c->stream, &n, zeros, STREAM) > 0 &&
	    n == STREAM;
}

static int
cipher(void *ctx, unsigned char *out, size_t *outl, size_t outsize,
    const unsigned char *in, size_t inl)
{
	struct ctr *c = ctx;
	unsigned char *to = out;
	unsigned char a[BLOCK], b[BLOCK];
	size_t left = inl, i;

	if (outsize < inl)
		return 0;
	for (; left >= BLOCK && c->at % BLOCK == 0; left -= BLOCK) {
		if (c->at == STREAM && !refill(c))
			return 0;
		/* Fixed sizes: the compiler makes one instruction of each. */
		memcpy(a, in, BLOCK);
		memcpy(b, c->stream + c->at, BLOCK);
		for (i = 0; i < BLOCK; i++)
			a[i] ^= b[i];
		memcpy(to, a, BLOCK);
		c->at += BLOCK;
		in += BLOCK;
		to += BLOCK;
	}
	for (; left > 0; left--) {
		if (c->at == STREAM && !refill(c))
			return 0;
		*to++ = *in++ ^ c->stream[c->at++];
	}
	*outl = inl;
	return 1;
}

static int
final(void *ctx, unsigned char *out, size_t *outl, size_t outsize)
{
	(void)ctx;
	(void)out;
	(void)outsize;
	*outl = 0;
	return 1;
}

static int
set_numbers(OSSL_PARAM params[], size_t key_len, bool all)
{
	OSSL_PARAM *p;

	if ((p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_KEYLEN)) != NULL &&
	    !OSSL_PARAM_set_size_t(p, key_len))
		return 0;
	if ((p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_IVLEN)) != NULL &&
	    !OSSL_PARAM_set_size_t(p, BLOCK))
		return 0;
	if (!all)
		return 1;
	if ((p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_BLOCK_SIZE)) !=
	    NULL && !OSSL_PARAM_set_size_t(p, 1))
		return 0;
	p = OSSL_PARAM_locate(params, OSSL_CIPHER_PARAM_MODE);
	return p == NULL || OSSL_PARAM_set_uint(p, EVP_CIPH_CTR_MODE);
}

static int
get_ctx_params(void *ctx, OSSL_PARAM params[])
{
	return set_numbers(params, ((struct ctr *)ctx)->key_len, false);
}

/* What differs between the three key lengths. */
#define KEY_LENGTH(bits) \
static void * \
new_##bits(void *provider) \
{ \
	(void)provider; \
	return new_ctx(bits / 8, "AES-" #bits "-CTR"); \
} \
static int \
get_params_##bits(OSSL_PARAM params[]) \
{ \
	return set_numbers(params, bits / 8, true); \
} \
static const OSSL_DISPATCH functions_##bits[] = { \
	{OSSL_FUNC_CIPHER_NEWCTX, (void (*)(void))new_##bits}, \
	{OSSL_FUNC_CIPHER_FREECTX, (void (*)(void))free_ctx}, \
	{OSSL_FUNC_CIPHER_ENCRYPT_INIT, (void (*)(void))init}, \
	{OSSL_FUNC_CIPHER_DECRYPT_INIT, (void (*)(void))init}, \
	{OSSL_FUNC_CIPHER_UPDATE, (void (*)(void))cipher}, \
	{OSSL_FUNC_CIPHER_FINAL, (void (*)(void))final}, \
	{OSSL_FUNC_CIPHER_CIPHER, (void (*)(void))cipher}, \
	{OSSL_FUNC_CIPHER_GET_PARAMS, (void (*)(void))get_params_##bits}, \
	{OSSL_FUNC_CIPHER_GET_CTX_PARAMS, (void (*)(void))get_ctx_params}, \
	{0, NULL} \
}

KEY_LENGTH(128);
KEY_LENGTH(192);
KEY_LENGTH(256);

static const OSSL_ALGORITHM ciphers[] = {
	{"AES-128-CTR", "provider=" NAME, functions_128, NULL},
	{"AES-192-CTR", "provider=" NAME, functions_192, NULL},
	{"AES-256-CTR", "provider=" NAME, functions_256, NULL},
	{NULL, NULL, NULL, NULL}
};

static const OSSL_ALGORITHM *
query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	return operation == OSSL_OP_CIPHER ? ciphers : NULL;
}

static int
start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **provider)
{
	static const OSSL_DISPATCH functions[] = {
		{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
		{0, NULL}
	};

	(void)handle;
	(void)in;
	*out = functions;
	*provider = NULL;
	return 1;
}

static OSSL_PROVIDER *loaded;

static void
unload(void)
{
	OSSL_PROVIDER_unload(loaded);
}

void
ctrcache_install(void)
{
	if (loaded != NULL ||
	    !OSSL_PROVIDER_add_builtin(NULL, NAME, start))
		return;
	/* The default provider stays, and does the rest. */
	loaded = OSSL_PROVIDER_try_load(NULL, NAME, 1);
	if (loaded == NULL)
		return;
	atexit(unload);
	if (!EVP_set_default_properties(NULL, "?provider=" NAME))
		unload();
}
