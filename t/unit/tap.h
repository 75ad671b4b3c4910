/*
 * TAP for unit tests in C: ok() says one result, done() prints the plan and
 * gives main its exit status.
 */
#ifndef RSW_TAP_H
#define RSW_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

static inline bool
ok(bool good, const char *what)
{
	tap_count++;
	if (!good)
		tap_failed++;
	printf("%sok %d - %s\n", good ? "" : "not ", tap_count, what);
	return good;
}

/* Two strings are the same; NULL is like no other. */
static inline bool
is(const char *got, const char *want, const char *what)
{
	bool good = got != NULL && want != NULL && strcmp(got, want) == 0;

	ok(good, what);
	if (!good)
		printf("#   got  '%s'\n#   want '%s'\n",
		    got != NULL ? got : "(null)",
		    want != NULL ? want : "(null)");
	return good;
}

static inline bool
is_int(long long got, long long want, const char *what)
{
	if (!ok(got == want, what))
		printf("#   got  %lld\n#   want %lld\n", got, want);
	return got == want;
}

static inline int
done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
