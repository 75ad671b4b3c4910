/*
 * Where records end in a stream: newlines outside quotes.
 */
#include "config.h"

#include "scan.h"

size_t
scan_cut(struct scan_cut *c, const struct scan_opt *o, const char *p, size_t n)
{
	bool in = c->in_quotes;
	size_t i, end = 0;

	for (i = 0; i < n; i++) {
		if (p[i] == o->quote && o->quote != '\0')
			in = !in;
		else if (p[i] == '\n' && !in)
			end = i + 1;
	}
	c->in_quotes = in;
	return end;
}
