/*
 * The fast counts of records against a plain one. rows.c is included, so
 * that both of its fast ways are tested, whatever this machine takes.
 */
#include "rows.c"

#include <stdlib.h>
#include <string.h>

#include "scramble.h"
#include "tap.h"

/* RFC 4180, a byte at a time. */
static void
count_plain(struct rows *r, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] == '"')
			r->in_quotes = !r->in_quotes;
		if (p[i] == '\n' && !r->in_quotes) {
			r->ended++;
			r->open = false;
			r->delims = 0;
			continue;
		}
		r->open = true;
		if (p[i] == ',' && !r->in_quotes)
			r->delims++;
	}
}

static bool
differ(const struct rows *a, const struct rows *b)
{
	return a->ended != b->ended || a->in_quotes != b->in_quotes ||
	    a->open != b->open || a->delims != b->delims;
}

static void
test_pieces(void)
{
	struct rows fast, plain;
	char text[3000];
	size_t at, k;
	int i, bad = 0;

	for (i = 0; i < 500; i++) {
		scramble(text, sizeof(text));
		memset(&fast, 0, sizeof(fast));
		memset(&plain, 0, sizeof(plain));
		for (at = 0; at < sizeof(text); at += k) {
			k = roll(4) == 0 ? roll(5) : roll(700);
			if (k > sizeof(text) - at)
				k = sizeof(text) - at;
			rows_feed(&fast, text + at, k);
			count_plain(&plain, text + at, k);
			bad += differ(&fast, &plain);
		}
	}
	is_int(bad, 0, "pieces of any size: the count is the plain one");
}

#ifdef __SSE2__
static void
test_steps(void (*feed)(struct rows *, const char *, size_t), const char *what)
{
	struct rows fast = {0}, plain = {0};
	char text[STEP * 50];
	int i, bad = 0;

	for (i = 0; i < 500; i++) {
		scramble(text, sizeof(text));
		feed(&fast, text, sizeof(text));
		count_plain(&plain, text, sizeof(text));
		bad += fast.ended != plain.ended ||
		    fast.in_quotes != plain.in_quotes;
	}
	is_int(bad, 0, what);
}
#endif

static void
test_totals(void)
{
	struct rows r = {0};

	is_int((long long)rows_total(&r), 0, "nothing: no record");
	rows_feed(&r, "a,b\n\n", 5);
	is_int((long long)rows_total(&r), 2, "an empty line is a record");
	rows_feed(&r, "\"x\ny\",,", 8);
	is_int((long long)rows_total(&r), 3, "the last may lack its newline");
	is_int((long long)r.delims, 2, "its commas so far");
}

int
main(void)
{
	test_pieces();
#ifdef __SSE2__
	test_steps(feed_steps, "SSE2: the count is the plain one");
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
		test_steps(feed_steps_avx2, "AVX2: the count is the plain one");
#endif
	test_totals();
	return done();
}
