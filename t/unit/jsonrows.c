/*
 * The answer to a query as CSV: values, escapes, other keys, faults; each
 * text in pieces of every size.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "jsonrows.h"
#include "tap.h"

static int
to_buf(void *arg, const char *p, size_t n)
{
	return buf_add(arg, p, n);
}

/* Feed text in pieces; the CSV goes to out, the fault is returned. */
static const char *
convert(const char *text, size_t ncols, size_t piece, struct buf *out,
    struct jsonrows *j)
{
	size_t n = strlen(text), at, k;

	buf_reset(out);
	jsonrows_init(j, ncols, to_buf, out);
	for (at = 0; at < n; at += k) {
		k = n - at < piece ? n - at : piece;
		if (jsonrows_feed(j, text + at, k) != 0)
			return jsonrows_fault(j);
	}
	jsonrows_end(j);
	return jsonrows_fault(j);
}

static void
gives(const char *text, size_t ncols, const char *want, const char *what)
{
	struct jsonrows j;
	struct buf out;
	const char *fault;
	size_t piece;
	bool same = true;

	buf_init(&out, 1024 * 1024);
	for (piece = 1; piece < 40; piece++) {
		fault = convert(text, ncols, piece, &out, &j);
		if (fault != NULL || strcmp(out.data, want) != 0) {
			printf("# pieces of %zu: fault '%s', got '%s'\n",
			    piece, fault != NULL ? fault : "none", out.data);
			same = false;
		}
		jsonrows_release(&j);
	}
	ok(same, what);
	buf_release(&out);
}

static void
fails(const char *text, size_t ncols, const char *why)
{
	struct jsonrows j;
	struct buf out;
	const char *fault;

	buf_init(&out, 1024 * 1024);
	fault = convert(text, ncols, 7, &out, &j);
	printf("# %zu bytes: %.60s\n", strlen(text), strchr(text, '\n') ==
	    NULL ? text : "(with a newline)");
	is(fault, why, why);
	jsonrows_release(&j);
	buf_release(&out);
}

static void
test_values(void)
{
	gives("{\"rows\":[[1,-2.50,12345678901234567890.10,1E-9]]}", 4,
	    "1,-2.50,12345678901234567890.10,1E-9\n", "numbers keep digits");
	gives("{\"rows\":[[null,\"\",\"x\"],[true,false,\"a b\"]]}", 3,
	    ",\"\",x\ntrue,false,a b\n", "NULL and \"\" stay apart");
	gives("{\"rows\":[[\"a,b\",\"c\\\"d\",\"e\\nf\",\"g\\rh\"]]}", 4,
	    "\"a,b\",\"c\"\"d\",\"e\nf\",\"g\rh\"\n", "quotes where needed");
	gives("{\"rows\":[[\"\\u00e9\\uD83D\\ude00\\u20ac\\/\\\\\\t\"]]}", 1,
	    "\xc3\xa9\xf0\x9f\x98\x80\xe2\x82\xac/\\\t\n", "escapes");
	gives("{\"rows\":[[null],[\"\"],[null]]}", 1, "\n\"\"\n\n",
	    "one column: NULL is an empty record");
	gives(" {\n\"rows\" : [ ] , \"numRows\":0 } \n", 3, "", "no rows");
	gives("{\"a\":{\"rows\":[[1,2]],\"b\":[{},[]]},\"c\":[[1],[2]],"
	    "\"rows\":[[7]],\"d\":{\"rows\":[[8]]}}", 1, "7\n",
	    "rows elsewhere do not count");
	gives("{\"rows\":[[\"a\"]],\"numRows\":1,\"fromcache\":true}", 1,
	    "a\n", "other keys");
}

static void
test_facts(void)
{
	struct jsonrows j;
	struct buf out;

	buf_init(&out, 1024);
	convert("{\"columns\":[\"a\",\"b c\"],\"metadata\":[{\"type\":"
	    "\"LONG\"}],\"rows\":[[1,2],[3,4]],\"numRows\":194723231}", 2, 5,
	    &out, &j);
	is_int((long long)j.rows, 2, "rows are counted");
	is_int((long long)j.num_rows, 194723231, "numRows");
	is_int((long long)j.ncolumns, 2, "columns are counted");
	is(j.columns.data, "a", "the first name");
	is(j.columns.data + 2, "b c", "the second");
	jsonrows_release(&j);
	buf_release(&out);
}

static void
test_faults(void)
{
	fails("", 1, "it ends too early");
	fails("{\"rows\":[[1],[2]", 1, "it ends too early");
	fails("{\"rows\":[[1]]", 1, "it ends too early");
	fails("{}", 1, "it has no rows");
	fails("[]", 1, "it is not an object");
	fails("3", 1, "it ends too early");
	fails("<html>", 1, "it is no JSON");
	fails("{\"rows\":[[1,2]]}", 1,
	    "a row has another number of cells than there are columns");
	fails("{\"rows\":[[]]}", 1,
	    "a row has another number of cells than there are columns");
	fails("{\"rows\":[1]}", 1, "a row is not a list");
	fails("{\"rows\":[{}]}", 1, "a row is not a list");
	fails("{\"rows\":[[[1]]]}", 1, "a cell is not a simple value");
	fails("{\"rows\":[[1]],\"rows\":[[2]]}", 1, "it has rows twice");
	fails("{\"rows\":[[1]]}x", 1, "text follows after its end");
	fails("{\"rows\":[[1]}", 1, "a bracket stands in a wrong place");
	fails("{\"rows\":[[1,]]}", 1, "a bracket stands in a wrong place");
	fails("{\"rows\":[[1 2]]}", 1, "a value stands in a wrong place");
	fails("{\"rows\"[[1]]}", 1, "a bracket stands in a wrong place");
	fails("{,}", 1, "a comma stands in a wrong place");
	fails("{:}", 1, "a colon stands in a wrong place");
	fails("{\"rows\":[[nul]]}", 1, "a value is no JSON");
	fails("{\"rows\":[[\"a\nb\"]]}", 1, "a control byte in a string");
	fails("{\"rows\":[[\"\\x\"]]}", 1, "an unknown escape in a string");
	fails("{\"rows\":[[\"\\u12g4\"]]}", 1, "a wrong \\u escape");
	fails("{\"rows\":[[\"\\ud800\"]]}", 1,
	    "half a character (a lone surrogate)");
	fails("{\"rows\":[[\"\\ud800x\"]]}", 1,
	    "half a character (a lone surrogate)");
	fails("{\"rows\":[[\"\\udc00\"]]}", 1,
	    "half a character (a lone surrogate)");
	fails("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 1, "it is not an object");
	fails("{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 1,
	    "it is nested too deep");
}

int
main(void)
{
	test_values();
	test_facts();
	test_faults();
	return done();
}
