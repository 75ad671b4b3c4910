/*
 * A private key: loaded from text of every form that people have, and used
 * to sign. Its faults are told before anything is sent to a server.
 */
#ifndef RSW_SSHKEY_H
#define RSW_SSHKEY_H

#include <openssl/evp.h>
#include <stddef.h>

#include "buf.h"

struct sshkey {
	EVP_PKEY *pkey;
	const char *type;	/* "ssh-rsa", "ecdsa-sha2-nistp256", ... */
	struct buf blob;	/* the public key as SSH writes it */
};

enum sshkey_result {
	SSHKEY_OK,
	SSHKEY_ENCRYPTED,	/* needs a passphrase and was given none: silent */
	SSHKEY_BAD		/* and why has been said */
};

/*
 * Load a key from text: PEM (PKCS#1, PKCS#8, SEC1) or OpenSSH's form, plain
 * or encrypted, also as damaged by a web form (one line, indented, CRLF,
 * literal \n). `name` is for messages. The passphrase may be NULL. On
 * SSHKEY_OK, release *out.
 */
enum sshkey_result sshkey_load(const char *text, size_t len,
    const char *passphrase, const char *name, struct sshkey *out);

void sshkey_release(struct sshkey *);

/* Is the text a key, and not the path of one? */
int sshkey_is_text(const char *s);

/*
 * Sign n bytes by an algorithm: "rsa-sha2-256", "rsa-sha2-512", "ssh-rsa", or
 * the key's own type. Appends the bare signature, without the algorithm's
 * name, to sig. 0, or -1 (silent).
 */
int sshkey_sign(const struct sshkey *, const char *algorithm, const void *p,
    size_t n, struct buf *sig);

/* Append the key, not encrypted, in a form that OpenSSH reads. 0, or -1
 * (silent). */
int sshkey_write(const struct sshkey *, struct buf *);

/* The text between BEGIN and END made canonical, for sshkey_load() and its
 * test: *label is what stands after BEGIN, *pem a well-formed PEM text; both
 * are freed with mem_wipe_str(). 0, or -1 having said why. */
int sshkey_normalise(const char *text, size_t len, const char *name,
    char **label, char **pem);

#endif
