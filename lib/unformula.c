/*
 * Take away the ' before texts that begin as a formula does. Only the first
 * byte of a field (behind its quote) can be such a ', and only the byte
 * behind it tells.
 */
#include "config.h"

#include "unformula.h"

enum {
	FIELD_BEGIN,	/* zero: a stream begins with a field */
	QUOTE_BEGIN,	/* behind the quote that opens a field */
	TICK,		/* behind a ' at a field's begin, which waits */
	INSIDE
};

static bool
begins_formula(char c)
{
	return c == '=' || c == '+' || c == '-' || c == '@';
}

static int
next_place(struct unformula *u, char c)
{
	if (c == '"') {
		u->in_quotes = !u->in_quotes;
		return u->place == FIELD_BEGIN ? QUOTE_BEGIN : INSIDE;
	}
	return !u->in_quotes && (c == ',' || c == '\n') ? FIELD_BEGIN : INSIDE;
}

size_t
unformula_feed(struct unformula *u, const char *p, size_t n, char *out)
{
	char *o = out;
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] == '\'' && (u->place == FIELD_BEGIN ||
		    u->place == QUOTE_BEGIN)) {
			u->place = TICK;
			continue;
		}
		if (u->place == TICK && begins_formula(p[i]))
			u->taken++;
		else if (u->place == TICK)
			*o++ = '\'';
		*o++ = p[i];
		u->place = next_place(u, p[i]);
	}
	return (size_t)(o - out);
}

size_t
unformula_end(struct unformula *u, char *out)
{
	if (u->place != TICK)
		return 0;
	*out = '\'';
	u->place = INSIDE;
	return 1;
}
