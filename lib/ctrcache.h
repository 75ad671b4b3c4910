/*
 * AES in counter mode for callers who encrypt 16 bytes at a time, as libssh2
 * does: the key stream is made in large pieces.
 */
#ifndef RSW_CTRCACHE_H
#define RSW_CTRCACHE_H

/*
 * Let OpenSSL, in this process, prefer our AES-CTR from now on: a provider of
 * our own (provider(7)) in front of its default one, which does the work.
 * Silent: if OpenSSL refuses, all goes on as before, only slower.
 */
void ctrcache_install(void);

#endif
