/*
 * Take away the ' that Domo's export may put before texts that begin as a
 * spreadsheet formula does: '=1, '-, '+49, '@x. A filter on a CSV stream.
 */
#ifndef RSW_UNFORMULA_H
#define RSW_UNFORMULA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Start with a zeroed one. */
struct unformula {
	int place;		/* private */
	bool in_quotes;		/* private */
	uint64_t taken;		/* so many were taken away */
};

/*
 * The next n bytes of the stream, in pieces of any size; out has room for
 * n + 1 bytes and gets what can be told already. Returns how many that are.
 */
size_t unformula_feed(struct unformula *, const char *p, size_t n, char *out);

/* There is no more: at most one byte to out. */
size_t unformula_end(struct unformula *, char *out);

#endif
