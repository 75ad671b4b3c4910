/*
 * Allocation that cannot fail: when memory is out these say so and exit 1,
 * the one exception to "libraries do not exit". What they return is freed
 * with free().
 */
#ifndef RSW_MEM_H
#define RSW_MEM_H

#include <stddef.h>

#include "msg.h"

void *mem_alloc(size_t n);			/* n may be 0; not cleared */
void *mem_zero(size_t count, size_t size);	/* cleared; overflow checked */
void *mem_resize(void *p, size_t count, size_t size);
char *mem_dup(const char *s);			/* NULL gives NULL */
char *mem_ndup(const char *s, size_t n);	/* n bytes and a NUL */
char *mem_fmt(const char *fmt, ...) MSG_PRINTF(1, 2);

/* Overwrite and free a string or n bytes that held a secret. NULL is fine. */
void mem_wipe_str(char *s);
void mem_wipe(void *p, size_t n);

#endif
