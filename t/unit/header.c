/* lib/header.c: a header, or a row of data without one. */
#include "config.h"

#include "header.h"
#include "tap.h"

#include <stdlib.h>

/* The doubt about a row whose fields have '|' between them, "": none. */
static void
row(const char *text, const char *want)
{
	char copy[200], *field[8], *p = copy, *doubt;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	while (p != NULL)
		field[n++] = strsep(&p, "|");
	doubt = header_doubt(field, n);
	is(doubt != NULL ? doubt : "", want, text);
	free(doubt);
}

int
main(void)
{
	/* Names; also missing ones, the same ones, numbers and days beside
	 * names, and what no number is written like. */
	row("a|b", "");
	row("a||a|", "");
	row("region|2024|2025", "");
	row("region|2026-01-01|-1.5", "");
	row("007", "");
	row("", "all its fields are empty");
	row("|", "all its fields are empty");
	row("1", "it has values, as '1', and no names");
	row("|2024|2025", "it has values, as '2024', and no names");
	row("true|2026-01-01 10:00:00", "it has values, as 'true', and no "
	    "names");
	row("1|x|", "field 1 is the value '1', and field 3 is empty");
	row("x|x|1.5", "field 3 is the value '1.5', and the fields 1 and 2 are "
	    "both 'x'");
	row("x|2024|2024", "field 2 is the value '2024', and the fields 2 and "
	    "3 are both '2024'");
	return done();
}
