/*
 * RSA logins by SHA-2 (RFC 8332) with libssh2 before 1.11, which can only
 * sign by SHA-1.
 */
#ifndef RSW_RSASHA2_H
#define RSW_RSASHA2_H

#include <libssh2.h>
#include <stdbool.h>

#include "sshmem.h"
#include "sshstr.h"

/* Is libssh2 so old that it needs this? */
bool rsasha2_needed(void);

/*
 * libssh2_userauth_publickey() for an RSA key, by `method` ("rsa-sha2-256",
 * "rsa-sha2-512" or "ssh-rsa"). Repeat it with the same arguments on
 * LIBSSH2_ERROR_EAGAIN. `sign` must check what it is asked to sign: the
 * algorithm's name and the real blob (sshauth.c does).
 */
int rsasha2_userauth(LIBSSH2_SESSION *, struct sshmem *, const char *user,
    const char *method, struct sshstr blob,
    LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC((*sign)), void **abstract);

/* Forget a login that is over. */
void rsasha2_reset(struct sshmem *);

/* For sshmem.c, before each allocation. */
void rsasha2_on_alloc(struct sshmem *, size_t n);

#endif
