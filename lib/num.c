/*
 * Numbers that people write: whole text, bounds checked.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "num.h"

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
static const struct unit sizes[] = {
	{"", 1}, {"k", 1024}, {"m", 1024 * 1024}, {"g", 1024 * 1024 * 1024},
	{"t", 1024LL * 1024 * 1024 * 1024}, {NULL, 0}
};
static const struct unit times[] = {
	{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}
};

static int
parse(const char *s, const struct unit *u, int64_t min, int64_t max,
    int64_t *out)
{
	long long v;
	char *end;

	/* strtoll takes leading blanks and '+'; we do not. */
	if (!(*s >= '0' && *s <= '9') &&
	    !(*s == '-' && s[1] >= '0' && s[1] <= '9'))
		return -1;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno != 0)
		return -1;
	while (u->name != NULL && strcasecmp(u->name, end) != 0)
		u++;
	if (u->name == NULL || v > INT64_MAX / u->factor ||
	    v < INT64_MIN / u->factor)
		return -1;
	v *= u->factor;
	if (v < min || v > max)
		return -1;
	*out = v;
	return 0;
}

int
num_parse(const char *s, int64_t min, int64_t max, int64_t *out)
{
	return parse(s, no_units, min, max, out);
}

int
num_size(const char *s, int64_t min, int64_t max, int64_t *out)
{
	return parse(s, sizes, min, max, out);
}

int
num_seconds(const char *s, int64_t min, int64_t max, int64_t *out)
{
	return parse(s, times, min, max, out);
}

int
num_bool(const char *s, bool *out)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};
	size_t i;

	for (i = 0; i < 4; i++) {
		if (strcasecmp(s, yes[i]) == 0) {
			*out = true;
			return 0;
		}
		if (strcasecmp(s, no[i]) == 0) {
			*out = false;
			return 0;
		}
	}
	return -1;
}
