/*
 * Allocation for short-lived programs: success or the end of the process.
 */
#include "config.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static void *
check(void *p)
{
	if (p == NULL) {
		msg_error("cannot allocate memory");
		exit(1);
	}
	return p;
}

void *
mem_alloc(size_t n)
{
	return check(malloc(n != 0 ? n : 1));
}

void *
mem_zero(size_t count, size_t size)
{
	return check(calloc(count != 0 ? count : 1, size != 0 ? size : 1));
}

void *
mem_resize(void *p, size_t count, size_t size)
{
	return check(reallocarray(p, count != 0 ? count : 1, size));
}

char *
mem_dup(const char *s)
{
	return s != NULL ? check(strdup(s)) : NULL;
}

char *
mem_ndup(const char *s, size_t n)
{
	char *p = mem_alloc(n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *
mem_fmt(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return check(n < 0 ? NULL : s);
}

void
mem_wipe(void *p, size_t n)
{
	if (p == NULL)
		return;
	OPENSSL_cleanse(p, n);
	free(p);
}

void
mem_wipe_str(char *s)
{
	if (s != NULL)
		mem_wipe(s, strlen(s));
}
