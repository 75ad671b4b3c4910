/*
 * A form to fill in: questions one after the other, on the terminal or as lines
 * of standard input, whose answers are checked and become lines of the
 * configuration.
 */
#ifndef RSW_FORM_H
#define RSW_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

enum {
	FORM_SECRET = 1,		/* not shown */
	FORM_NEEDED = 2,
	FORM_PATH = 4,		/* of a file that can be read; or https://... */
	FORM_KEY = 8,		/* a path, or the text itself */
	FORM_PORT = 16,
	FORM_WORD = 32		/* one of those in the label's brackets */
};

struct form_field {
	const char *key, *label, *fallback;
	int flags;
	const char *with;	/* asked only if this key has an answer, or */
	const char *is;		/* this one */
};

/* Look whether there is a person: standard input is a terminal. Once, first. */
void form_start(void);
bool form_is_asked(void);

/* Ask until the answer can stand in the file; without a person, once. "" is no
 * answer. Freed by mem_wipe_str(); NULL having said why. */
char *form_ask(const struct form_field *);

/* Ask n fields, and append "key = answer" lines. 0, or -1 having said why. */
int form_fill(const struct form_field *, size_t n, struct buf *out);

#endif
