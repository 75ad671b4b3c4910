/*
 * When to try again: capped exponential back-off with full jitter.
 */
#ifndef RSW_RETRY_H
#define RSW_RETRY_H

#include <signal.h>
#include <stdbool.h>

struct retry {
	int tries;	/* how many attempts in all */
	int done;	/* attempts that have failed; start with 0 */
	double base;	/* seconds: the first pause is up to this */
	double cap;	/* seconds: no pause is longer, but for `after` */
	/* not 0, set by a signal's handler: no pause, no attempt; may be NULL */
	const volatile sig_atomic_t *stop;
};

/*
 * After a failed attempt: false when the attempts are used up, as soon as
 * *stop is set, or when the server wants a pause of more than 300 seconds.
 * Else sleep (rand(0,1) * min(base * 2^n, cap), or the `after` seconds that
 * the server named) and return true. $RSW_RETRY_SCALE multiplies every pause:
 * tests set it to 0.01.
 */
bool retry_wait(struct retry *, long after);

/* The same without the sleep: how many seconds to pause, or -1 when there is
 * to be no other attempt. */
double retry_pause(struct retry *, long after);

#endif
