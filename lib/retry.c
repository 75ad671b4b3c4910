/*
 * When to try again.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "msg.h"
#include "retry.h"

#define AFTER_MAX 300	/* seconds; for longer the program is better gone */
#define SLICE 0.25	/* seconds: *stop is seen this soon */

static double
random_fraction(void)
{
	unsigned int r;

	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return 1.0;
	return (double)r / 4294967296.0;
}

static double
scale(void)
{
	const char *s = getenv("RSW_RETRY_SCALE");
	double v = s != NULL ? strtod(s, NULL) : 1.0;

	return v >= 0.0 && v <= 1.0 ? v : 1.0;
}

double
retry_pause(struct retry *r, long after)
{
	double pause = r->base;
	int i;

	if (++r->done >= r->tries || after > AFTER_MAX)
		return -1;
	for (i = 1; i < r->done && pause < r->cap; i++)
		pause *= 2;
	if (pause > r->cap)
		pause = r->cap;
	pause *= random_fraction();
	if (after >= 0)
		pause = (double)after;
	pause *= scale();
	msg_debug("trying again in %.1f s (attempt %d of %d)", pause,
	    r->done + 1, r->tries);
	return pause;
}

static void
nap(double seconds)
{
	struct timespec ts;

	ts.tv_sec = (time_t)seconds;
	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
		;
}

static bool
stopped(const struct retry *r)
{
	return r->stop != NULL && *r->stop != 0;
}

bool
retry_wait(struct retry *r, long after)
{
	double pause = retry_pause(r, after);

	if (pause < 0)
		return false;
	/* In slices: a signal may come just before the sleep begins. */
	for (; r->stop != NULL && pause > SLICE && !stopped(r);
	    pause -= SLICE)
		nap(SLICE);
	if (!stopped(r))
		nap(pause);
	return !stopped(r);
}
