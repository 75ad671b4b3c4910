/*
 * How a step ended, where "failed" is not enough: a caller must know whether
 * the same step may work later (exit 75), or only after a change of the
 * configuration (exit 2). Whoever returns one of the failures has said why.
 */
#ifndef RSW_FATE_H
#define RSW_FATE_H

enum fate {
	FATE_OK = 0,
	FATE_FAILED = -1,	/* and will fail again */
	FATE_AGAIN = -2,	/* for now: refused, timed out, lost */
	FATE_CONFIG = -3,	/* what the user gave cannot be used */
	FATE_STOPPED = -4	/* the caller's own wake descriptor spoke */
};

/* As the exit status of a program; FATE_STOPPED is its own business. */
static inline int
fate_status(enum fate f)
{
	if (f == FATE_OK)
		return 0;
	return f == FATE_AGAIN ? 75 : f == FATE_CONFIG ? 2 : 1;
}

#endif
