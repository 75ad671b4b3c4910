/*
 * Headers told from data by their looks. What becomes of names that no
 * column can have is plan.h's.
 */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "header.h"
#include "mem.h"
#include "scan_value.h"

static bool
is_value(const char *s)
{
	return *s != '\0' && scan_value_look(s, strlen(s)).kind != SCAN_TEXT;
}

/* A field that is empty or the same as one before it; n: none is. */
static size_t
find_odd(char *const *field, size_t n, size_t *twin)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		if (*field[i] == '\0')
			return i;
		for (k = 0; k < i; k++)
			if (strcmp(field[i], field[k]) == 0) {
				*twin = k;
				return i;
			}
	}
	return n;
}

char *
header_doubt(char *const *field, size_t n)
{
	size_t i, odd, twin = 0, names = 0, value = n;

	for (i = 0; i < n; i++) {
		if (is_value(field[i]))
			value = value == n ? i : value;
		else if (*field[i] != '\0')
			names++;
	}
	if (value == n)
		return names > 0 ? NULL : mem_dup("all its fields are empty");
	if (names == 0)
		return mem_fmt("it has values, as '%s', and no names",
		    field[value]);
	odd = find_odd(field, n, &twin);
	if (odd == n)
		return NULL;
	if (*field[odd] == '\0')
		return mem_fmt("field %zu is the value '%s', and field %zu is "
		    "empty", value + 1, field[value], odd + 1);
	return mem_fmt("field %zu is the value '%s', and the fields %zu and "
	    "%zu are both '%s'", value + 1, field[value], twin + 1, odd + 1,
	    field[odd]);
}
