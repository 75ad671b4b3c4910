/*
 * Small CSV texts: what libcsv's defaults would lose, what is refused, and
 * that what is written reads back the same.
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "msg.h"
#include "table.h"
#include "tap.h"

/* The whole table as one line: fields in [], NULL as -, rows by / . */
static void
flatten(const struct table *t, struct buf *b)
{
	size_t r, c;

	for (c = 0; c < t->ncols; c++)
		buf_addf(b, "[%s]", t->name[c]);
	for (r = 0; r < t->nrows; r++) {
		buf_addc(b, '/');
		for (c = 0; c < t->ncols; c++)
			if (table_get(t, r, c) == NULL)
				buf_addc(b, '-');
			else
				buf_addf(b, "[%s]", table_get(t, r, c));
	}
}

static void
reads_as(const char *text, const char *want, const char *what)
{
	struct table t;
	struct buf b;

	buf_init(&b, 4096);
	if (table_parse(&t, text, strlen(text), "the text") == 0)
		flatten(&t, &b);
	else
		buf_adds(&b, "refused");
	is(b.data, want, what);
	table_release(&t);
	buf_release(&b);
}

static void
round_trip(void)
{
	static const char *const cell[] = {
		"", NULL, "a", " a", "a ", "a,b", "say \"x\"", "\"", "\"\"",
		"l1\nl2", "l1\r\nl2", "\\N", "\xc3\xa9", "\t", "\r", "NULL"
	};
	enum { N = sizeof(cell) / sizeof(cell[0]) };
	static const char *const head[2] = {"x", "y, z"};
	const char *row[2];
	struct buf b;
	struct table t;
	bool same = true;
	int i, j, n = 0;

	buf_init(&b, 65536);
	table_put_row(&b, 2, head);
	for (i = 0; i < N; i++)
		for (j = 0; j < N; j++) {
			row[0] = cell[i];
			row[1] = cell[j];
			table_put_row(&b, 2, row);
		}
	ok(table_parse(&t, b.data, b.len, "own text") == 0, "own text reads");
	is_int((long long)t.nrows, (long long)N * N, "and has all rows");
	for (i = 0; i < N && t.nrows == (size_t)N * N; i++)
		for (j = 0; j < N; j++, n++) {
			const char *a = table_get(&t, (size_t)n, 0);
			const char *c = table_get(&t, (size_t)n, 1);

			same = same && (a == NULL) == (cell[i] == NULL) &&
			    (c == NULL) == (cell[j] == NULL) &&
			    (a == NULL || strcmp(a, cell[i]) == 0) &&
			    (c == NULL || strcmp(c, cell[j]) == 0);
		}
	ok(same && n == N * N, "every pair of fields comes back");
	table_release(&t);
	/* One column: a NULL is a blank line. */
	buf_reset(&b);
	table_put_row(&b, 1, head);
	row[0] = NULL;
	table_put_row(&b, 1, row);
	row[0] = "";
	table_put_row(&b, 1, row);
	is(b.data, "x\n\n\"\"\n", "one column: NULL and \"\" as text");
	buf_release(&b);
}

static void
small_caps(void)
{
	static const char *const row[2] = {"ab\"c", "d"};
	struct buf b;
	size_t cap;
	bool good = true;

	for (cap = 0; cap < 10; cap++) {	/* "ab""c",d\n has 10 bytes */
		buf_init(&b, cap);
		good = good && table_put_row(&b, 2, row) == -1;
		buf_release(&b);
	}
	buf_init(&b, cap);
	ok(good && table_put_row(&b, 2, row) == 0 && b.len == cap,
	    "a full buffer is noticed at every byte");
	buf_release(&b);
}

static void
files(void)
{
	char path[] = "/tmp/rsw-table.XXXXXX";
	struct table t;
	int fd;

	if ((fd = mkstemp(path)) < 0 || write(fd, "a,b\n1,2\n", 8) != 8)
		ok(false, "a temporary file");
	ok(table_read_file(&t, path) == 0 && t.nrows == 1, "a file");
	is_int(table_find(&t, "B"), 1, "a name in another case");
	is_int(table_find(&t, "c"), -1, "a name that is not there");
	is_int(table_need(&t, "c", "the file"), -1, "the same, needed");
	table_release(&t);
	close(fd);
	unlink(path);
	ok(table_read_file(&t, path) == -1, "a file that is not there");
	table_release(&t);
	ok(table_read_file(&t, "/") == -1, "a directory");
	table_release(&t);
}

int
main(int argc, char **argv)
{
	struct table t;

	(void)argc;
	msg_init(argv[0]);
	reads_as("a,b\n1,2\n", "[a][b]/[1][2]", "plain");
	reads_as("a,b\r\n1,2\r\n", "[a][b]/[1][2]", "CRLF");
	reads_as("\xef\xbb\xbf" "a,b\n1,2\n", "[a][b]/[1][2]", "BOM");
	reads_as("a,b\n,\"\"\n", "[a][b]/-[]", "NULL and the empty string");
	reads_as("a,b\n 1 ,\" 2 \"\n", "[a][b]/[ 1 ][ 2 ]", "blanks stay");
	reads_as("a,b\n\"x\"\"y\",\"1\n2\"\n", "[a][b]/[x\"y][1\n2]", "quotes");
	reads_as("a\n\n\"\"\nx\n\n", "[a]/-/[]/[x]/-", "one column: blank lines");
	reads_as("a\r\n\r\n\"\"\r\n\r\n", "[a]/-/[]/-", "the same with CRLF");
	reads_as("a,b\n\n1,2\n\n", "[a][b]/[1][2]", "two columns: blank lines");
	reads_as("a,b\n", "[a][b]", "header only");
	reads_as("\"\"\n", "[]", "one column without a name");
	reads_as("", "refused", "nothing");
	reads_as("\xef\xbb\xbf", "refused", "only a BOM");
	reads_as("\n", "refused", "no header");
	reads_as("a,b\n1,2", "refused", "no final newline");
	reads_as("a,b\n1,\"2\n", "refused", "an open quote");
	reads_as("a,b\n1,\"2\"3\n", "refused", "text after a quote");
	reads_as("a,b\n1,2\"3\n", "refused", "a quote inside");
	reads_as("a,b\n1\n", "refused", "a short row");
	reads_as("a,b\n1,2,3\n", "refused", "a long row");
	reads_as("a,A\n1,2\n", "refused", "the same name twice");
	ok(table_parse(&t, "a\n\0\n", 4, "x") == -1, "a NUL byte");
	table_release(&t);
	round_trip();
	small_caps();
	files();
	return done();
}
