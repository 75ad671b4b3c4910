/*
 * Private keys in OpenSSH's own form: the frame, the decryption, and the
 * numbers of the key as an EVP_PKEY. Text and messages are sshkey.c's work.
 */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <stdint.h>
#include <string.h>

#include "bcrypt.h"
#include "mem.h"
#include "oskey.h"
#include "sshstr.h"

/* OpenSSH's names (ssh-keygen -Z) and OpenSSL's. chacha20-poly1305 is built
 * differently there, and nobody writes keys with it. */
static const struct cipher {
	const char *name, *evp;
	size_t key, iv, tag, block;
} ciphers[] = {
	{"aes256-ctr", "AES-256-CTR", 32, 16, 0, 16},
	{"aes192-ctr", "AES-192-CTR", 24, 16, 0, 16},
	{"aes128-ctr", "AES-128-CTR", 16, 16, 0, 16},
	{"aes256-cbc", "AES-256-CBC", 32, 16, 0, 16},
	{"aes192-cbc", "AES-192-CBC", 24, 16, 0, 16},
	{"aes128-cbc", "AES-128-CBC", 16, 16, 0, 16},
	{"3des-cbc", "DES-EDE3-CBC", 24, 8, 0, 8},
	{"aes256-gcm@openssh.com", "AES-256-GCM", 32, 12, 16, 16},
	{"aes128-gcm@openssh.com", "AES-128-GCM", 16, 12, 16, 16},
};

static const struct cipher *
find_cipher(struct sshstr name)
{
	size_t i;

	for (i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (sshstr_is(name, ciphers[i].name))
			return &ciphers[i];
	return NULL;
}

/* Decrypt in.n bytes to out. False: OpenSSL refused, or the tag is wrong. */
static bool
decrypt(const struct cipher *c, const unsigned char *key, struct sshstr in,
    const unsigned char *tag, unsigned char *out)
{
	EVP_CIPHER *evp = EVP_CIPHER_fetch(NULL, c->evp, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char copy[16];
	int n = 0, last = 0;
	bool ok;

	ok = evp != NULL && ctx != NULL && in.n <= INT32_MAX &&
	    EVP_DecryptInit_ex(ctx, evp, NULL, key, key + c->key) > 0 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) > 0 &&
	    EVP_DecryptUpdate(ctx, out, &n, in.p, (int)in.n) > 0;
	if (ok && c->tag > 0) {
		memcpy(copy, tag, c->tag);
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG,
		    (int)c->tag, copy) > 0;
	}
	ok = ok && EVP_DecryptFinal_ex(ctx, out + n, &last) > 0 &&
	    (size_t)(n + last) == in.n;
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(evp);
	return ok;
}

/* A key from a list of parameters; frees the builder. */
static EVP_PKEY *
make_key(const char *type, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	return key;
}

/* string n, e, d, iqmp, p, q; OpenSSL also wants d mod p-1 and d mod q-1. */
static EVP_PKEY *
read_rsa(struct sshstr in)
{
	enum {N, E, D, QINV, P, Q, DP, DQ, COUNT};
	static const char *const names[COUNT] = {OSSL_PKEY_PARAM_RSA_N,
		OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D,
		OSSL_PKEY_PARAM_RSA_COEFFICIENT1, OSSL_PKEY_PARAM_RSA_FACTOR1,
		OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_EXPONENT1,
		OSSL_PKEY_PARAM_RSA_EXPONENT2};
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *v[COUNT] = {NULL}, *less = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	struct sshstr s;
	EVP_PKEY *key = NULL;
	bool ok = bld != NULL && less != NULL && ctx != NULL;
	int i;

	for (i = 0; i < DP && ok; i++)
		ok = sshstr_get(&in, &s) && s.n <= 2048 &&
		    (v[i] = BN_bin2bn(s.p, (int)s.n, NULL)) != NULL;
	ok = ok && (v[DP] = BN_new()) != NULL && (v[DQ] = BN_new()) != NULL &&
	    BN_sub(less, v[P], BN_value_one()) && !BN_is_zero(less) &&
	    BN_mod(v[DP], v[D], less, ctx) &&
	    BN_sub(less, v[Q], BN_value_one()) && !BN_is_zero(less) &&
	    BN_mod(v[DQ], v[D], less, ctx);
	for (i = 0; i < COUNT && ok; i++)
		ok = OSSL_PARAM_BLD_push_BN(bld, names[i], v[i]) > 0;
	if (ok)
		key = make_key("RSA", bld);
	else
		OSSL_PARAM_BLD_free(bld);
	for (i = 0; i < COUNT; i++)
		BN_clear_free(v[i]);
	BN_clear_free(less);
	BN_CTX_free(ctx);
	return key;
}

/* string curve, point, number. */
static EVP_PKEY *
read_ecdsa(struct sshstr in)
{
	struct sshstr curve, point, number;
	OSSL_PARAM_BLD *bld;
	const char *group;
	BIGNUM *d;
	EVP_PKEY *key = NULL;

	if (!sshstr_get(&in, &curve) || !sshstr_get(&in, &point) ||
	    !sshstr_get(&in, &number) || number.n > 80)
		return NULL;
	group = sshstr_is(curve, "nistp256") ? "prime256v1" :
	    sshstr_is(curve, "nistp384") ? "secp384r1" :
	    sshstr_is(curve, "nistp521") ? "secp521r1" : NULL;
	bld = OSSL_PARAM_BLD_new();
	d = BN_bin2bn(number.p, (int)number.n, NULL);
	if (group != NULL && bld != NULL && d != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
	    group, 0) > 0 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
	    point.p, point.n) > 0 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d) > 0)
		key = make_key("EC", bld);
	else
		OSSL_PARAM_BLD_free(bld);
	BN_clear_free(d);
	return key;
}

/* The private part, decrypted: two equal check numbers, the key's type, its
 * numbers, a comment, padding. */
static enum oskey_result
read_private(struct sshstr in, bool encrypted, EVP_PKEY **out)
{
	struct sshstr type, pub, both;
	uint32_t a, b;

	if (!sshstr_u32(&in, &a) || !sshstr_u32(&in, &b) || a != b ||
	    !sshstr_get(&in, &type))
		return encrypted ? OSKEY_PASSPHRASE : OSKEY_DAMAGED;
	if (sshstr_is(type, "ssh-rsa")) {
		*out = read_rsa(in);
	} else if (type.n > 11 && memcmp(type.p, "ecdsa-sha2-", 11) == 0) {
		*out = read_ecdsa(in);
	} else if (sshstr_is(type, "ssh-ed25519")) {
		/* The seed, then the public key once more. */
		if (sshstr_get(&in, &pub) && sshstr_get(&in, &both) &&
		    both.n == 64)
			*out = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519,
			    NULL, both.p, 32);
	} else if (sshstr_is(type, "ssh-dss")) {
		return OSKEY_DSA;
	} else {
		return type.n > 3 && memcmp(type.p, "sk-", 3) == 0 ?
		    OSKEY_HARDWARE : OSKEY_TYPE;
	}
	return *out != NULL ? OSKEY_OK : OSKEY_DAMAGED;
}

static enum oskey_result
read_encrypted(struct sshstr cipher, struct sshstr kdf, struct sshstr options,
    struct sshstr secret, struct sshstr rest, const char *passphrase,
    EVP_PKEY **out)
{
	const struct cipher *c = find_cipher(cipher);
	unsigned char key[BCRYPT_KEY_MAX], *plain;
	struct sshstr salt;
	uint32_t rounds;
	enum oskey_result r;

	if (c == NULL || !sshstr_is(kdf, "bcrypt"))
		return OSKEY_CIPHER;
	if (!sshstr_get(&options, &salt) || !sshstr_u32(&options, &rounds) ||
	    secret.n == 0 || secret.n % c->block != 0 || rest.n < c->tag)
		return OSKEY_DAMAGED;
	if (passphrase == NULL)
		return OSKEY_ENCRYPTED;
	if (bcrypt_key(passphrase, salt.p, salt.n, rounds, key,
	    c->key + c->iv) != 0)
		return OSKEY_DAMAGED;
	plain = mem_alloc(secret.n);
	if (decrypt(c, key, secret, rest.p, plain))
		r = read_private((struct sshstr){plain, secret.n}, true, out);
	else	/* only an authenticated cipher can tell so early */
		r = c->tag > 0 ? OSKEY_PASSPHRASE : OSKEY_CIPHER;
	mem_wipe(plain, secret.n);
	OPENSSL_cleanse(key, sizeof(key));
	return r;
}

enum oskey_result
oskey_read(const unsigned char *p, size_t n, const char *passphrase,
    EVP_PKEY **out)
{
	static const char magic[] = "openssh-key-v1";	/* with its NUL */
	struct sshstr in = {p, n}, cipher, kdf, options, pub, secret;
	uint32_t count;

	*out = NULL;
	if (n < sizeof(magic) || memcmp(p, magic, sizeof(magic)) != 0)
		return OSKEY_DAMAGED;
	in.p += sizeof(magic);
	in.n -= sizeof(magic);
	if (!sshstr_get(&in, &cipher) || !sshstr_get(&in, &kdf) ||
	    !sshstr_get(&in, &options) || !sshstr_u32(&in, &count) ||
	    count != 1 || !sshstr_get(&in, &pub) || !sshstr_get(&in, &secret))
		return OSKEY_DAMAGED;
	if (sshstr_is(cipher, "none"))
		return read_private(secret, false, out);
	return read_encrypted(cipher, kdf, options, secret, in, passphrase,
	    out);
}
