/*
 * The schedule of attempts: pauses that double up to a cap, chance in them,
 * and what the server asks for.
 */
#include "config.h"

#include <stdlib.h>

#include "retry.h"
#include "tap.h"

#define ROUNDS 200

/* Of many schedules, the longest and the shortest n-th pause. */
static void
extremes(int n, double *least, double *most)
{
	struct retry r;
	double pause = 0;
	int i, k;

	*least = 1e9;
	*most = 0;
	for (i = 0; i < ROUNDS; i++) {
		r = (struct retry){.tries = 12, .base = 1.0, .cap = 60.0};
		for (k = 0; k < n; k++)
			pause = retry_pause(&r, -1);
		*least = pause < *least ? pause : *least;
		*most = pause > *most ? pause : *most;
	}
}

static void
test_pauses(void)
{
	static const double up_to[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
	double least, most;
	int n;

	for (n = 1; n <= 9; n++) {
		extremes(n, &least, &most);
		/* By chance alone these fail once in 10^9 runs. */
		if (!ok(most <= up_to[n - 1] && most > 0.9 * up_to[n - 1] &&
		    least < 0.1 * up_to[n - 1], "a pause is from 0 to its "
		    "limit, which doubles up to the cap"))
			printf("#   pause %d: %f to %f\n", n, least, most);
	}
}

static void
test_server(void)
{
	struct retry r = {.tries = 3, .base = 1.0, .cap = 60.0};

	ok(retry_pause(&r, 300) == 300.0, "what the server asks for");
	ok(retry_pause(&r, 0) == 0.0, "also nothing");
	ok(retry_pause(&r, 0) < 0, "the attempts are used up");
	r.done = 0;
	ok(retry_pause(&r, 301) < 0, "the server asks for too long");
	r.done = 0;
	setenv("RSW_RETRY_SCALE", "0.5", 1);
	ok(retry_pause(&r, 10) == 5.0, "RSW_RETRY_SCALE");
}

int
main(void)
{
	unsetenv("RSW_RETRY_SCALE");
	test_pauses();
	test_server();
	return done();
}
