/*
 * One value: what form it has, whether it fits a declared type, and the
 * bytes of its text (UTF-8). Exact and byte by byte; the fast path asks here
 * only when its own quick looks do not settle the matter.
 */
#ifndef RSW_SCAN_VALUE_H
#define RSW_SCAN_VALUE_H

#include "scan.h"

struct scan_value {
	enum scan_kind kind;
	int int_digits, frac_digits;	/* of numbers */
	bool wide;			/* as in scan_prof */
};

/* The form of a value that is not empty. */
struct scan_value scan_value_look(const char *s, size_t n);

/* The narrowest form that both have. */
enum scan_kind scan_value_join(enum scan_kind, enum scan_kind);

/* Put a value of this form into the column's profile (not its counts). */
void scan_value_add(struct scan_prof *, const struct scan_value *);

/*
 * Whether a value that is not empty fits a declared type (kind not
 * SCAN_NONE; the width of text is not looked at); *v is what it counts as.
 */
bool scan_value_fits(const struct scan_type *, const char *s, size_t n,
    struct scan_value *v);

/*
 * The bytes of the UTF-8 character at s, n bytes at most: 1 to 4. If it is
 * ill-formed, minus the bytes that one U+FFFD stands for (the longest start
 * of a character, at least one byte).
 */
int scan_value_utf8(const char *s, size_t n);

#endif
