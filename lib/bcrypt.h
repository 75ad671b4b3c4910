/*
 * bcrypt_pbkdf: the key derivation of OpenSSH's encrypted private keys.
 */
#ifndef RSW_BCRYPT_H
#define RSW_BCRYPT_H

#include <stddef.h>

/* Bounds of what bcrypt_key() takes. OpenSSH writes 16 rounds (24 since 9.4),
 * a salt of 16 bytes, and asks for 48 bytes; 1,000 rounds take 10 s or so. */
#define BCRYPT_SALT_MAX 64
#define BCRYPT_KEY_MAX 128
#define BCRYPT_ROUNDS_MAX 4096

/* Fill key with klen bytes. 0, or -1 (silent): a bound is passed, or memory
 * is out. */
int bcrypt_key(const char *pass, const unsigned char *salt, size_t slen,
    unsigned rounds, unsigned char *key, size_t klen);

#endif
