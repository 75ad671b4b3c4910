/*
 * lib/name.c: what Redshift makes of a name, and the way to text and back.
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "mem.h"
#include "name.h"
#include "tap.h"

static void
folds(const char *name, size_t max, const char *want, const char *what)
{
	char *s = name_fold(name, max);

	is(s, want, what);
	free(s);
}

static void
fold(void)
{
	char *s, *t, buf[256];

	folds("Sales Q3", NAME_MAX_LEN, "sales q3", "ASCII to lower case");
	folds("\303\204RGER", NAME_MAX_LEN, "\303\204rger",
	    "other letters keep their case");
	folds("abc", 2, "ab", "cut");
	folds("abc", 3, "abc", "not cut at the limit");
	folds("a\303\244", 2, "a", "a character is not cut in two");
	folds("\360\237\230\200x", 3, "", "nor one of four bytes");
	folds("\360\237\230\200x", 4, "\360\237\230\200", "which fits in four");
	memset(buf, 'X', 200);
	buf[200] = '\0';
	s = name_fold(buf, NAME_MAX_LEN);
	ok(strlen(s) == 127, "127 bytes");
	t = name_fold(s, NAME_MAX_LEN);
	is(t, s, "folding twice changes nothing more");
	free(t);
	free(s);
}

static void
round_trip(const char *schema, const char *table, const char *text)
{
	char *s = name_format(schema, table), *gs, *gt;

	is(s, text, "name_format");
	ok(name_parse(s, &gs, &gt) == 0, "name_parse takes it");
	if (schema != NULL)
		is(gs, schema, "the schema again");
	else
		ok(gs == NULL, "no schema");
	is(gt, table, "the table again");
	free(s);
	free(gs);
	free(gt);
}

static void
bad(const char *text)
{
	char *s, *t, *what = mem_fmt("refused: %s", text);

	ok(name_parse(text, &s, &t) == -1 && s == NULL && t == NULL, what);
	free(what);
}

static void
parse(void)
{
	static const char *const wrong[] = {
		"", ".", "a.", ".b", "a.b.c", "a b", "a.b c", "\"a", "\"a.b",
		"\"\"", "\"\".b", "a.\"\"", "\"a\"b", "a\"b\"", "\"",
		"\"a\"\"", "\"a\".\"b", NULL
	};
	char *s, *t;
	int i;

	round_trip("public", "sales", "public.sales");
	round_trip(NULL, "sales", "sales");
	round_trip("my schema", "a.b", "\"my schema\".\"a.b\"");
	round_trip("s", "say \"hi\"", "s.\"say \"\"hi\"\"\"");
	round_trip("s", "\"", "s.\"\"\"\"");
	round_trip("s", "1st", "s.\"1st\"");
	round_trip("s", "\303\244", "s.\"\303\244\"");
	round_trip("s", "new\nline", "s.\"new\nline\"");
	ok(name_parse("Public.08a0-4646", &s, &t) == 0, "plain text as typed");
	is(s, "Public", "is not folded");
	is(t, "08a0-4646", "and may hold a hyphen");
	free(s);
	free(t);
	for (i = 0; wrong[i] != NULL; i++)
		bad(wrong[i]);
}

static void
check(void)
{
	char *s = name_quote("a\"b\\");

	is(s, "\"a\"\"b\\\"", "name_quote");
	free(s);
	ok(name_check("Gr\303\266\303\237e \360\237\230\200", "x") == 0, "fine");
	ok(name_check("", "a name") == -1, "empty");
	ok(name_check("a\tb", "a name") == -1, "a tab");
	ok(name_check("a\177", "a name") == -1, "DEL");
	ok(name_check("\303", "a name") == -1, "cut UTF-8");
	ok(name_check("\300\200", "a name") == -1, "overlong UTF-8");
	ok(name_check("\355\240\200", "a name") == -1, "a surrogate");
	ok(name_check("\364\220\200\200", "a name") == -1, "beyond U+10FFFF");
}

int
main(void)
{
	/* What refusals say is not looked at here. */
	if (freopen("/dev/null", "w", stderr) == NULL)
		return 99;
	fold();
	parse();
	check();
	return done();
}
