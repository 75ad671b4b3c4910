/*
 * Where records end in a stream: newlines outside quotes.
 */
#include "config.h"

#include <string.h>

#include "scan.h"
#include "scan_fast.h"

static size_t
by_bytes(struct scan_cut *c, char quote, const char *p, size_t n)
{
	bool in = c->in_quotes;
	size_t i, end = 0;

	for (i = 0; i < n; i++) {
		if (p[i] == quote)
			in = !in;
		else if (p[i] == '\n' && !in)
			end = i + 1;
	}
	c->in_quotes = in;
	return end;
}

size_t
scan_cut(struct scan_cut *c, const struct scan_opt *o, const char *p, size_t n)
{
	const struct scan_kernel *kernel = scan_fast();
	const char *q;

	if (o->quote == '\0') {
		q = n == 0 ? NULL : memrchr(p, '\n', n);
		return q == NULL ? 0 : (size_t)(q - p) + 1;
	}
	return (kernel->cut != NULL ? kernel->cut : by_bytes)(c, o->quote, p,
	    n);
}
