/*
 * Text to try CSV readers on: many marks in any order, the same each time.
 */
#ifndef RSW_SCRAMBLE_H
#define RSW_SCRAMBLE_H

#include <stddef.h>

static unsigned seed = 1;

static inline unsigned
roll(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

/* Text of n bytes with many marks, quotes in pairs or not. */
static inline void
scramble(char *p, size_t n)
{
	static const char marks[] = "\n\n\",,ab\r'=";
	size_t i, run;

	for (i = 0; i < n; i++) {
		p[i] = roll(3) == 0 ? marks[roll(sizeof(marks) - 1)] : 'x';
		if (roll(50) == 0)
			for (run = roll(200); run > 0 && i + 1 < n; run--)
				p[++i] = roll(20) == 0 ? '"' : 'y';
	}
}

#endif
