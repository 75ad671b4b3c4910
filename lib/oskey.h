/*
 * Private keys in OpenSSH's own form ("openssh-key-v1"), which OpenSSL
 * cannot read.
 */
#ifndef RSW_OSKEY_H
#define RSW_OSKEY_H

#include <openssl/evp.h>
#include <stddef.h>

enum oskey_result {
	OSKEY_OK,
	OSKEY_ENCRYPTED,	/* and no passphrase was given */
	OSKEY_PASSPHRASE,	/* which is wrong */
	OSKEY_CIPHER,		/* of a kind that is not known here */
	OSKEY_DSA, OSKEY_HARDWARE, OSKEY_TYPE,	/* not a key for us */
	OSKEY_DAMAGED
};

/*
 * Read the bytes between BEGIN and END, base64 already undone: an RSA, ECDSA
 * (NIST curves) or ed25519 key. The passphrase may be NULL, and is ignored
 * by a plain key. Silent. With OSKEY_OK, *out is freed by EVP_PKEY_free().
 */
enum oskey_result oskey_read(const unsigned char *p, size_t n,
    const char *passphrase, EVP_PKEY **out);

#endif
