/*
 * Growing bytes with a cap. `data` is never NULL after buf_init() and is
 * always followed by a NUL that `len` does not count.
 */
#ifndef RSW_BUF_H
#define RSW_BUF_H

#include <stddef.h>

#include "msg.h"

struct buf {
	char *data;
	size_t len;	/* bytes in use */
	size_t size;	/* bytes allocated; private */
	size_t max;	/* cap on len; private */
};

/* Start an empty buffer that never grows beyond `max` bytes: give the reason
 * for the number where you call it. */
void buf_init(struct buf *, size_t max);

/* Give the memory back; the struct is then as zeroed. A zeroed struct is
 * fine. buf_wipe() overwrites the bytes first: for secrets. */
void buf_release(struct buf *);
void buf_wipe(struct buf *);

/* Empty it, keep the memory. */
void buf_reset(struct buf *);

/*
 * Append. 0, or -1 when the cap would be passed: then nothing is appended
 * and nothing said, because only the caller knows what it means.
 */
int buf_add(struct buf *, const void *p, size_t n);
int buf_adds(struct buf *, const char *s);
int buf_addc(struct buf *, char c);
int buf_addf(struct buf *, const char *fmt, ...) MSG_PRINTF(2, 3);

/* Make room for n more bytes at data + len; the caller then adds to len.
 * 0, or -1 when the cap would be passed. */
int buf_reserve(struct buf *, size_t n);

/* Hand the bytes over (freed with free()); the struct is then as zeroed. */
char *buf_take(struct buf *);

#endif
