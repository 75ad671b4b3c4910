/*
 * The scanner, case by case: forms of values, declared types, rewriting,
 * faults and where they are, the header. That it agrees with other parsers
 * on all small inputs is scan-diff's to show.
 */
#include "config.h"

#include <stdlib.h>

#include "buf.h"
#include "msg.h"
#include "scan.h"
#include "scan_value.h"
#include "tap.h"

static const struct scan_opt usual = {
	.delim = ',', .quote = '"', .null_string = "\\N"
};

static const struct {
	const char *s;
	enum scan_kind kind;
	int in, fr;
} form[] = {
	{"0", SCAN_INT, 1, 0}, {"-1", SCAN_INT, 1, 0},
	{"12345678", SCAN_INT, 8, 0}, {"-12345678", SCAN_INT, 8, 0},
	{"1234567890123456", SCAN_INT, 16, 0},
	{"12345678901234567", SCAN_INT, 17, 0},
	{"9223372036854775807", SCAN_INT, 19, 0},
	{"9223372036854775808", SCAN_DECIMAL, 19, 0},
	{"-9223372036854775808", SCAN_INT, 19, 0},
	{"-9223372036854775809", SCAN_DECIMAL, 19, 0},
	{"99999999999999999999", SCAN_DECIMAL, 20, 0},
	{"00", SCAN_TEXT, 0, 0}, {"01", SCAN_TEXT, 0, 0},
	{"-01", SCAN_TEXT, 0, 0}, {"00.5", SCAN_TEXT, 0, 0},
	{"+5", SCAN_TEXT, 0, 0}, {"-", SCAN_TEXT, 0, 0},
	{"--5", SCAN_TEXT, 0, 0}, {" 5", SCAN_TEXT, 0, 0},
	{"5 ", SCAN_TEXT, 0, 0}, {"5a", SCAN_TEXT, 0, 0},
	{"1,5", SCAN_TEXT, 0, 0}, {"0x1F", SCAN_TEXT, 0, 0},
	{"1_000", SCAN_TEXT, 0, 0}, {"/1", SCAN_TEXT, 0, 0},
	{"1:", SCAN_TEXT, 0, 0}, {"1/", SCAN_TEXT, 0, 0},
	{"0.5", SCAN_DECIMAL, 1, 1}, {"-0.5", SCAN_DECIMAL, 1, 1},
	{"0.0", SCAN_DECIMAL, 1, 1}, {"12.340", SCAN_DECIMAL, 2, 3},
	{"123456789012.34", SCAN_DECIMAL, 12, 2},
	{"1234567890123.456", SCAN_DECIMAL, 13, 3},
	{".5", SCAN_TEXT, 0, 0}, {"5.", SCAN_TEXT, 0, 0},
	{"-.5", SCAN_TEXT, 0, 0}, {".", SCAN_TEXT, 0, 0},
	{"1.2.3", SCAN_TEXT, 0, 0}, {"1..2", SCAN_TEXT, 0, 0},
	{"1e5", SCAN_DOUBLE, 1, 0}, {"1E+5", SCAN_DOUBLE, 1, 0},
	{"-1.25e-07", SCAN_DOUBLE, 1, 2}, {"1e", SCAN_TEXT, 0, 0},
	{"1e+", SCAN_TEXT, 0, 0}, {"1e400", SCAN_TEXT, 0, 0},
	{"1e-400", SCAN_TEXT, 0, 0}, {"1e5.5", SCAN_TEXT, 0, 0},
	{"1e99999999999999999999", SCAN_TEXT, 0, 0},
	{"01e5", SCAN_TEXT, 0, 0},
	{"nan", SCAN_TEXT, 0, 0}, {"inf", SCAN_TEXT, 0, 0},
	{"2024-02-29", SCAN_DATE, 0, 0},
	{"2000-02-29", SCAN_DATE, 0, 0},
	{"1900-02-29", SCAN_TEXT, 0, 0},
	{"2023-02-29", SCAN_TEXT, 0, 0},
	{"2023-04-31", SCAN_TEXT, 0, 0},
	{"2023-12-31", SCAN_DATE, 0, 0},
	{"2023-13-01", SCAN_TEXT, 0, 0},
	{"2023-00-01", SCAN_TEXT, 0, 0},
	{"2023-01-00", SCAN_TEXT, 0, 0},
	{"2023-01-32", SCAN_TEXT, 0, 0},
	{"0000-01-01", SCAN_TEXT, 0, 0},
	{"2023-1-01", SCAN_TEXT, 0, 0},
	{"2023/01/01", SCAN_TEXT, 0, 0},
	{"20230101", SCAN_INT, 8, 0},
	{"2023-01-01 ", SCAN_TEXT, 0, 0},
	{"2023-01-01T10:00", SCAN_TIMESTAMP, 0, 0},
	{"2023-01-01 10:00:59", SCAN_TIMESTAMP, 0, 0},
	{"2023-01-01T23:59:59", SCAN_TIMESTAMP, 0, 0},
	{"2023-01-01T24:00:00", SCAN_TEXT, 0, 0},
	{"2023-01-01T10:60:00", SCAN_TEXT, 0, 0},
	{"2023-01-01T10:00:60", SCAN_TEXT, 0, 0},
	{"2023-01-01t10:00:00", SCAN_TEXT, 0, 0},
	{"2023-01-01_10:00:00", SCAN_TEXT, 0, 0},
	{"2023-02-30T10:00:00", SCAN_TEXT, 0, 0},
	{"2023-01-01T1:00:00", SCAN_TEXT, 0, 0},
	{"2023-01-01T10:00:00.1", SCAN_TIMESTAMP, 0, 0},
	{"2023-01-01T10:00:00.123456", SCAN_TIMESTAMP, 0, 0},
	{"2023-01-01T10:00:00.1234567", SCAN_TEXT, 0, 0},
	{"2023-01-01T10:00:00.", SCAN_TEXT, 0, 0},
	{"2023-01-01T10:00:00Z", SCAN_ZONED, 0, 0},
	{"2023-01-01 10:00:00+02", SCAN_ZONED, 0, 0},
	{"2023-01-01 10:00:00.5-0230", SCAN_ZONED, 0, 0},
	{"2023-01-01T10:00+05:30", SCAN_ZONED, 0, 0},
	{"2023-01-01T10:00+5:30", SCAN_TEXT, 0, 0},
	{"2023-01-01T10:00+05:3", SCAN_TEXT, 0, 0},
	{"2023-01-01T10:00+05:", SCAN_TEXT, 0, 0},
	{"2023-01-01T10:00+99", SCAN_TEXT, 0, 0},
	{"2023-01-01T10:00z", SCAN_TEXT, 0, 0},
	{"true", SCAN_BOOL, 0, 0}, {"FALSE", SCAN_BOOL, 0, 0},
	{"True", SCAN_BOOL, 0, 0}, {"truth", SCAN_TEXT, 0, 0},
	{"t", SCAN_TEXT, 0, 0}, {"yes", SCAN_TEXT, 0, 0},
	{"a", SCAN_TEXT, 0, 0}, {"\\N", SCAN_TEXT, 0, 0}
};

static void
forms(void)
{
	struct scan_value v;
	size_t i;
	bool bad = false;

	for (i = 0; i < sizeof(form) / sizeof(form[0]); i++) {
		v = scan_value_look(form[i].s, strlen(form[i].s));
		if (v.kind == form[i].kind && v.int_digits == form[i].in &&
		    v.frac_digits == form[i].fr)
			continue;
		bad = true;
		printf("# '%s': kind %d, digits %d and %d; wanted %d, %d, %d\n",
		    form[i].s, v.kind, v.int_digits, v.frac_digits, form[i].kind,
		    form[i].in, form[i].fr);
	}
	ok(!bad, "the form of every value in the table");
	ok(!scan_value_look("0.30000000000000004", 19).wide &&
	    scan_value_look("1.00000000000000004", 19).wide &&
	    scan_value_look("123456789012345678e1", 20).wide &&
	    !scan_value_look("100000000000000000000", 21).wide,
	    "more digits than a double has");
}

static const struct scan_type i2 = {
	.kind = SCAN_INT, .min = -32768, .max = 32767
}, i8 = {
	.kind = SCAN_INT, .min = INT64_MIN, .max = INT64_MAX
}, dec = {.kind = SCAN_DECIMAL}, d52 = {
	.kind = SCAN_DECIMAL, .precision = 5, .scale = 2
}, d22 = {
	.kind = SCAN_DECIMAL, .precision = 2, .scale = 2
}, dbl = {.kind = SCAN_DOUBLE}, day = {.kind = SCAN_DATE},
    ts = {.kind = SCAN_TIMESTAMP}, tz = {.kind = SCAN_ZONED},
    boolean = {.kind = SCAN_BOOL}, chr = {
	.kind = SCAN_TEXT, .max_length = 5, .ascii = true
};
/* What fits which declared type: words, _ for a blank. */
static const struct {
	const struct scan_type *type;
	const char *fit, *unfit;
} fit[] = {
	{&i2, "0 -0 007 +5 32767 -32768 00000000000000000000000001",
	    "32768 -32769 - + 1. 1.0 1e2 a _1 1_ 99999999999999999999"},
	{&i8, "9223372036854775807 -9223372036854775808",
	    "9223372036854775808 -9223372036854775809"},
	{&dec, "0 -1.5 +1.5 .5 5. 007.50 99999999999999999999999999999"
	    "999999999", ". 1e5 nan 1.2.3 999999999999999999999999999"
	    "999999999999"},
	{&d52, "123.45 -123.45 1.500 000123.4 .05",
	    "1234 1000.00 1.005 1e1"},
	{&d22, "0.05 .99 0 -0.1", "1 1.0 0.005"},
	{&dbl, "1 1.5 .5 1e5 1E-300 nan NaN inf -Infinity 1.7e308",
	    "1e400 e5 x infinit nan5"},
	{&day, "2024-02-29", "2023-02-29 2024-02-29T00:00:00 24-02-29"},
	{&ts, "2024-02-29 2024-02-29T10:00:00 2024-02-29_10:00:00.123 "
	    "2024-02-29T10:00:00Z 2024-02-29T10:00:00+00:00 "
	    "2024-02-29T10:00-00", "2024-02-29T10:00:00+01 x "
	    "2024-02-29T10:00:00.1234567 10:00:00 2024-02-29T10:00+00:30"},
	{&tz, "2024-02-29 2024-02-29T10:00:00+01 2024-02-29T10:00Z",
	    "x 2024-02-30T10:00:00+01"},
	{&boolean, "true FALSE t F yes No y N 1 0", "2 tr on off 00"},
	{&chr, "abcde", "abcd\xc3\xa9"}
};

/* Do all words of a list fit, or none of them? Says which is the first. */
static bool
all_fit(const struct scan_type *type, const char *s, bool want)
{
	struct scan_value v;
	char word[64];
	size_t n, k;

	for (; *s != '\0'; s += n + (s[n] == ' ')) {
		n = strcspn(s, " ");
		for (k = 0; k < n; k++)
			word[k] = s[k] == '_' ? ' ' : s[k];
		word[n] = '\0';
		if (scan_value_fits(type, word, n, &v) != want) {
			printf("# type %d, value '%s'\n", type->kind, word);
			return false;
		}
	}
	return true;
}

static void
types(void)
{
	size_t i;

	for (i = 0; i < sizeof(fit) / sizeof(fit[0]); i++) {
		ok(all_fit(fit[i].type, fit[i].fit, true), "what fits");
		ok(all_fit(fit[i].type, fit[i].unfit, false), "what does not");
	}
}

static void
joins(void)
{
	enum scan_kind a, b, c;
	bool good = true;

	for (a = SCAN_NONE; a <= SCAN_TEXT; a++)
		for (b = SCAN_NONE; b <= SCAN_TEXT; b++)
			for (c = SCAN_NONE; c <= SCAN_TEXT; c++)
				good = good && scan_value_join(a, b) ==
				    scan_value_join(b, a) &&
				    scan_value_join(scan_value_join(a, b), c) ==
				    scan_value_join(a, scan_value_join(b, c));
	ok(good, "forms join in any order");
}

/* Scan a block and say in one line what came of it. */
static void
scans(const struct scan_opt *o, size_t ncols, const char *in, size_t n,
    bool last, const char *want, const char *what)
{
	struct scan s;
	struct buf out, line;

	scan_init(&s, o, ncols);
	buf_init(&out, scan_out_max(&s, n));
	buf_init(&line, 4096);
	if (scan_block(&s, in, n, last, &out) == 0)
		buf_add(&line, out.data, out.len);
	else
		buf_addf(&line, "fault %d row %d at %d col %d: '%.*s'",
		    (int)s.fault, (int)s.fault_row, (int)s.fault_offset,
		    (int)s.fault_col, (int)s.fault_len, in + s.fault_start);
	if (s.replaced + s.truncated > 0)
		buf_addf(&line, "replaced %d, truncated %d", (int)s.replaced,
		    (int)s.truncated);
	is(line.data, want, what);
	buf_release(&out);
	buf_release(&line);
	scan_release(&s);
}
#define SCANS(o, ncols, in, want, what) \
	scans(o, ncols, in, sizeof(in) - 1, false, want, what)

static void
rewrites(void)
{
	struct scan_opt o = usual;
	static const struct scan_type types[2] = {
		{.kind = SCAN_INT, .min = 0, .max = 9}, {.kind = SCAN_NONE}
	};

	SCANS(&o, 2, "", "", "nothing");
	SCANS(&o, 2, "a,b\nc,d\n", "a,b\nc,d\n", "plain");
	SCANS(&o, 2, "a,b\r\nc,\"d\"\r\n", "a,b\nc,d\n", "CRLF");
	SCANS(&o, 2, ",\n\"\",\"\"\n", "\\N,\\N\n,\n", "NULL and empty");
	SCANS(&o, 1, "\n\"\"\n\\.\nx\n", "\\N\n\"\"\n\"\\.\"\nx\n", "one column");
	SCANS(&o, 2, "\"a\",\"b,c\"\n", "a,\"b,c\"\n", "quotes where needed");
	SCANS(&o, 2, "\"a\"\"b\",\"x\ny\"\n", "\"a\"\"b\",\"x\ny\"\n",
	    "quote and newline inside");
	SCANS(&o, 2, "a\rb,\"c\r\"\n", "\"a\rb\",\"c\r\"\n", "a bare CR");
	SCANS(&o, 2, "a,b\r\r\n", "a,\"b\r\"\n", "CR before CRLF");
	SCANS(&o, 2, " a ,\" b\"\n", " a , b\n", "blanks are data");
	scans(&o, 2, "a,b\nc,d", 7, true, "a,b\nc,d\n", "no final newline, -e");
	scans(&o, 2, "a,b\nc,", 6, true, "a,b\nc,\\N\n", "NULL at its end");
	o.null_in = "NULL";
	SCANS(&o, 2, "NULL,\"NULL\"\n", "\\N,NULL\n", "another NULL");
	o.null_in = "\\N";
	SCANS(&o, 2, "\\N,\n", "\\N,\\N\n", "the same NULL");
	o.null_in = NULL;
	o.null_string = "@NULL@";
	SCANS(&o, 2, "\\N,\n", "\\N,@NULL@\n", "another null string");
	o = usual;
	o.types = types;
	SCANS(&o, 2, "\"\",\"\"\n5,6\n", "\\N,\n5,6\n",
	    "an empty string where a number is declared");
	o = usual;
	o.delim = '\t';
	SCANS(&o, 2, "a,b\t\"c\td\"\n", "\"a,b\",c\td\n", "tabs");
	o.quote = '\0';
	SCANS(&o, 2, "\"a\tb\"\n\"\"\t\n",
	    "\"\"\"a\",\"b\"\"\"\n\"\"\"\"\"\",\\N\n", "no quoting");
	o.quote = '\'';
	SCANS(&o, 2, "'it''s'\t'a\tb'\n", "it's,a\tb\n", "another quote");
	o = usual;
	o.replace_utf8 = true;
	SCANS(&o, 2, "a\xff" "b,\"\xe2\x82,\"\n", "a\xef\xbf\xbd" "b,\"\xef\xbf"
	    "\xbd,\"\nreplaced 2, truncated 0", "bad UTF-8 replaced");
}

static void
faults(void)
{
	struct scan_opt o = usual;
	static const struct scan_type types[2] = {
		{.kind = SCAN_TEXT, .max_length = 2}, {.kind = SCAN_DATE}
	};

	SCANS(&o, 2, "a,b\nc,\"d\n", "fault 1 row 2 at 6 col 1: '\"d\n'",
	    "an open quote");
	SCANS(&o, 2, "a,\"b\"c\n", "fault 2 row 1 at 5 col 1: '\"b\"c'",
	    "text after a quote");
	SCANS(&o, 2, "a,\"b\"\rc\n", "fault 2 row 1 at 5 col 1: '\"b\"\rc'",
	    "a CR after a quote");
	SCANS(&o, 2, "a,b\"c\"\n", "fault 3 row 1 at 3 col 1: 'b\"c\"'",
	    "a quote inside");
	SCANS(&o, 2, "a,b\na,b,c\n", "fault 4 row 2 at 4 col 2: 'a,b,c\n'",
	    "a long row");
	SCANS(&o, 2, "a\n", "fault 4 row 1 at 0 col 2: 'a\n'", "a short row");
	SCANS(&o, 2, "a,b\n\n", "fault 4 row 2 at 4 col 2: '\n'",
	    "a blank line");
	SCANS(&o, 2, "a,b\xe9\n", "fault 5 row 1 at 3 col 1: 'b\xe9'",
	    "Latin-1");
	SCANS(&o, 2, "\xed\xa0\x80,b\n", "fault 5 row 1 at 0 col 0: '\xed\xa0"
	    "\x80'", "a surrogate");
	scans(&o, 2, "a,b\0c\n", 6, false, "fault 6 row 1 at 3 col 1: 'b'",
	    "a NUL");
	SCANS(&o, 2, "a,\"\\N\"\n", "fault 9 row 1 at 2 col 1: '\"\\N\"'",
	    "the null string");
	SCANS(&o, 2, "a,b\nc,d", "fault 10 row 2 at 7 col 2: 'c,d'",
	    "no newline");
	o.types = types;
	SCANS(&o, 2, "ab,\nabc,\n", "fault 11 row 2 at 4 col 0: 'abc'",
	    "wider than declared");
	SCANS(&o, 2, "ab,\nab,2024\n", "fault 11 row 2 at 7 col 1: '2024'",
	    "not a date");
	o.truncate = true;
	SCANS(&o, 2, "\xc3\xa9\xc3\xa9,\n", "\xc3\xa9,\\N\nreplaced 0, "
	    "truncated 1", "cut at the declared width");
}

static void
limits(void)
{
	struct scan_opt o = usual;
	size_t n = SCAN_FIELD_MAX + 1, i;
	char *p = malloc(70 * n);
	struct buf out;
	struct scan s;

	memset(p, 'x', 70 * n);
	scan_init(&s, &o, 1);
	buf_init(&out, scan_out_max(&s, 70 * n));
	p[n - 1] = '\n';
	ok(scan_block(&s, p, n, false, &out) == 0, "the widest field");
	is_int((long long)s.prof[0].max_bytes, SCAN_FIELD_MAX, "its width");
	p[n - 1] = 'x';
	p[n] = '\n';
	ok(scan_block(&s, p, n + 1, false, &out) == -1 &&
	    s.fault == SCAN_FIELD_LONG, "one byte more");
	o.truncate = true;
	p[n - 2] = '\xc3';
	p[n - 1] = '\xa9';
	buf_reset(&out);
	ok(scan_block(&s, p, n + 1, false, &out) == 0 && s.truncated == 1 &&
	    out.len == SCAN_FIELD_MAX, "cut before a character");
	scan_release(&s);
	o.truncate = false;
	scan_init(&s, &o, 65);
	memset(p, 'x', 70 * n);
	for (i = 1; i < 65; i++)
		p[i * 64528 - 1] = ',';
	/* 65 fields: 4 MiB and the newline, then one byte more. */
	p[SCAN_ROW_MAX] = '\n';
	buf_reset(&out);
	ok(scan_block(&s, p, SCAN_ROW_MAX + 1, false, &out) == 0 &&
	    out.len == SCAN_ROW_MAX + 1, "the longest row");
	p[SCAN_ROW_MAX] = 'x';
	p[SCAN_ROW_MAX + 1] = '\n';
	buf_reset(&out);
	ok(scan_block(&s, p, SCAN_ROW_MAX + 2, false, &out) == -1 &&
	    s.fault == SCAN_ROW_LONG, "one byte more");
	scan_release(&s);
	buf_release(&out);
	free(p);
}

static void
profile(void)
{
	static const char in[] =
	    "1,2024-01-01,,x,1.5\n"
	    "-20,2024-01-01T10:00:00,,\"\",-20.25\n"
	    "300,2024-01-01,,\"a\"\"b\",1e5\n";
	static const enum scan_kind kind[5] = {
		SCAN_INT, SCAN_TIMESTAMP, SCAN_NONE, SCAN_TEXT, SCAN_DOUBLE
	};
	static const uint64_t width[5] = {3, 19, 0, 3, 6};
	struct scan s, sum;
	struct buf out;
	size_t i;
	bool good = true;

	scan_init(&s, &usual, 5);
	scan_init(&sum, &usual, 5);
	buf_init(&out, 4096);
	ok(scan_block(&s, in, sizeof(in) - 1, false, &out) == 0, "a block");
	for (i = 0; i < 5; i++)
		good = good && s.prof[i].kind == kind[i] &&
		    s.prof[i].max_bytes == width[i];
	ok(good, "forms and widths");
	ok(s.prof[2].nulls == 3 && s.prof[3].empty == 1 &&
	    s.prof[3].values == 2 && s.rows == 3, "counts");
	ok(s.prof[0].max_int_digits == 3 && s.prof[4].max_int_digits == 2 &&
	    s.prof[4].max_frac_digits == 2, "digits");
	scan_merge(&sum, &s);
	scan_merge(&sum, &s);
	ok(sum.rows == 6 && sum.prof[3].values == 4 &&
	    sum.prof[3].kind == SCAN_TEXT && sum.prof[3].max_bytes == 3 &&
	    sum.prof[0].kind == SCAN_INT, "merged");
	scan_release(&s);
	scan_release(&sum);
	buf_release(&out);
}

static void
header(const char *in, size_t n, const char *want, const char *what)
{
	enum scan_fault fault;
	size_t used = 0, ncols, i;
	struct buf line;
	char **name;

	buf_init(&line, 4096);
	name = scan_header(&usual, in, n, &used, &ncols, &fault);
	if (name == NULL)
		buf_addf(&line, "fault %d", (int)fault);
	for (i = 0; name != NULL && name[i] != NULL; i++) {
		buf_addf(&line, "[%s]", name[i]);
		free(name[i]);
	}
	if (name != NULL && i != ncols)
		buf_adds(&line, " miscounted");
	if (name != NULL)
		buf_addf(&line, " %zu", used);
	free(name);
	is(line.data, want, what);
	buf_release(&line);
}
#define HEADER(in, want, what) header(in, sizeof(in) - 1, want, what)

static void
headers(void)
{
	HEADER("a,b\n1,2\n", "[a][b] 4", "a header");
	HEADER("\xef\xbb\xbf" "a,b\r\n", "[a][b] 8", "with BOM and CRLF");
	HEADER("\"a\"\"x\",\"b\nc\"\n", "[a\"x][b\nc] 13", "quoted names");
	HEADER(",\"\"\n", "[][] 4", "names that are empty");
	HEADER("", "fault 10", "no header");
	HEADER("a,b", "fault 10", "an unfinished one");
	HEADER("a,\"b\n", "fault 1", "one in quotes");
	HEADER("a,b\xff\n", "fault 5", "one in Latin-1");
	HEADER("a,b\0\n", "fault 6", "one with a NUL");
}

static void
options(void)
{
	struct scan_opt o = usual;

	ok(scan_opt_fault(&o) == NULL, "usual options");
	o.null_string = "a,b";
	ok(scan_opt_fault(&o) != NULL, "a null string with a comma");
	o = usual;
	o.quote = ',';
	ok(scan_opt_fault(&o) != NULL, "the quote as delimiter");
	o = usual;
	o.delim = '\n';
	ok(scan_opt_fault(&o) != NULL, "a newline as delimiter");
}

int
main(int argc, char **argv)
{
	(void)argc;
	msg_init(argv[0]);
	forms();
	types();
	joins();
	rewrites();
	faults();
	limits();
	profile();
	headers();
	options();
	return done();
}
