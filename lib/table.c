/*
 * A small CSV text as rows of strings, by libcsv. The options below undo its
 * defaults that lose data: blanks around a field would be cut, blank lines
 * would vanish, an open quote at the end would pass, NULL and "" would look
 * alike, and after a parse error csv_fini() would still say 0.
 */
#include "config.h"

#include <csv.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "table.h"

struct reader {
	struct table *t;
	const char *what;
	char **row;		/* the fields of this row so far */
	size_t nrow, row_size;
	size_t cells_size;
	int last_end;		/* the byte that ended the row before */
	bool failed;
};

static int
no_space(unsigned char c)
{
	(void)c;
	return 0;
}

static void
on_field(void *p, size_t n, void *arg)
{
	struct reader *r = arg;

	if (r->nrow == r->row_size) {
		r->row_size = r->row_size == 0 ? 16 : r->row_size * 2;
		r->row = mem_resize(r->row, r->row_size, sizeof(*r->row));
	}
	r->row[r->nrow++] = p == NULL ? NULL : mem_ndup(p, n);
	r->last_end = -1;
}

static int
take_header(struct reader *r)
{
	struct table *t = r->t;
	size_t i, j;

	t->name = r->row;
	t->ncols = r->nrow;
	r->row = NULL;
	r->nrow = r->row_size = 0;
	for (i = 0; i < t->ncols; i++) {
		if (t->name[i] == NULL)
			t->name[i] = mem_dup("");
		for (j = 0; j < i; j++)
			if (strcasecmp(t->name[i], t->name[j]) == 0)
				return msg_error("cannot use '%s': it has two "
				    "columns '%s'", r->what, t->name[i]);
	}
	return 0;
}

static int
take_row(struct reader *r)
{
	struct table *t = r->t;
	size_t used = t->nrows * t->ncols;

	if (r->nrow != t->ncols)
		return msg_error("cannot use '%s': row %zu after the header has "
		    "%zu field%s, the header has %zu", r->what, t->nrows + 1,
		    r->nrow, r->nrow == 1 ? "" : "s", t->ncols);
	if (used + t->ncols > r->cells_size) {
		r->cells_size = (used + t->ncols) * 2;
		t->cell = mem_resize(t->cell, r->cells_size, sizeof(*t->cell));
	}
	memcpy(t->cell + used, r->row, t->ncols * sizeof(*t->cell));
	t->nrows++;
	r->nrow = 0;
	return 0;
}

static void
on_row(int end, void *arg)
{
	struct reader *r = arg;
	bool blank = r->nrow == 0;
	int before = r->last_end;

	r->last_end = end;
	if (r->failed)
		return;
	if (blank) {
		/* The LF of a CRLF, or a blank line that means nothing. */
		if ((end == '\n' && before == '\r') || r->t->ncols != 1)
			return;
		on_field(NULL, 0, r);
		r->last_end = end;
	}
	r->failed = (r->t->name == NULL ? take_header(r) : take_row(r)) != 0;
}

static int
parse(struct reader *r, struct csv_parser *csv, const char *text, size_t n)
{
	size_t done;

	csv_set_space_func(csv, no_space);
	csv_set_blk_size(csv, 4096);
	done = csv_parse(csv, text, n, on_field, on_row, r);
	if (r->failed)
		return -1;
	if (done != n && csv_error(csv) != CSV_EPARSE)
		return msg_error("cannot read '%s': %s", r->what,
		    csv_strerror(csv_error(csv)));
	if (done != n)
		return msg_error("cannot use '%s': a quote in the wrong place "
		    "near byte %zu", r->what, done + 1);
	if (csv_fini(csv, on_field, on_row, r) != 0)
		return msg_error("cannot use '%s': it ends inside quotes",
		    r->what);
	if (r->failed)
		return -1;
	if (r->t->name == NULL)
		return msg_error("cannot use '%s': it has no header", r->what);
	return 0;
}

int
table_parse(struct table *t, const char *text, size_t n, const char *what)
{
	struct reader r = {.t = t, .what = what, .last_end = -1};
	struct csv_parser csv;
	int ret;

	memset(t, 0, sizeof(*t));
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		n -= 3;
	}
	if (n == 0)
		return msg_error("cannot use '%s': it is empty; what should "
		    "have written it has failed", what);
	if (memchr(text, '\0', n) != NULL)
		return msg_error("cannot use '%s': it has a NUL byte", what);
	if (csv_init(&csv, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL |
	    CSV_APPEND_NULL | CSV_EMPTY_IS_NULL) != 0)
		return msg_error("cannot start libcsv");
	ret = parse(&r, &csv, text, n);
	if (ret == 0 && text[n - 1] != '\n')
		ret = msg_error("cannot use '%s': it does not end in a newline, "
		    "it may have been cut", what);
	csv_free(&csv);
	while (r.nrow > 0)
		free(r.row[--r.nrow]);
	free(r.row);
	return ret;
}

int
table_read(struct table *t, int fd, const char *what)
{
	struct buf b;
	int ret = -1;

	memset(t, 0, sizeof(*t));
	buf_init(&b, TABLE_MAX);
	if (io_slurp(fd, &b, what) == 0)
		ret = table_parse(t, b.data, b.len, what);
	buf_release(&b);
	return ret;
}

int
table_read_file(struct table *t, const char *path)
{
	int fd, ret;

	memset(t, 0, sizeof(*t));
	if (strcmp(path, "-") == 0)
		return table_read(t, STDIN_FILENO, "standard input");
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return msg_errno("cannot open '%s'", path);
	ret = table_read(t, fd, path);
	close(fd);
	return ret;
}

void
table_release(struct table *t)
{
	size_t i;

	for (i = 0; i < t->ncols; i++)
		free(t->name[i]);
	for (i = 0; i < t->nrows * t->ncols; i++)
		free(t->cell[i]);
	free(t->name);
	free(t->cell);
	memset(t, 0, sizeof(*t));
}

int
table_find(const struct table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->ncols && i < INT_MAX; i++)
		if (strcasecmp(t->name[i], name) == 0)
			return (int)i;
	return -1;
}

int
table_need(const struct table *t, const char *name, const char *what)
{
	struct buf have;
	size_t i;
	int col;

	if ((col = table_find(t, name)) >= 0)
		return col;
	buf_init(&have, 400);	/* enough to see what went wrong */
	for (i = 0; i < t->ncols; i++)
		if (buf_addf(&have, "%s'%s'", i == 0 ? "" : " ",
		    t->name[i]) != 0)
			break;
	msg_error("cannot use '%s': it has no column '%s', only %s", what, name,
	    have.data);
	buf_release(&have);
	return -1;
}

const char *
table_get(const struct table *t, size_t row, size_t col)
{
	return t->cell[row * t->ncols + col];
}

static bool
needs_quotes(const char *s)
{
	size_t n = strlen(s);

	/* Blanks at the ends: readers that cut them are common. */
	return n == 0 || strpbrk(s, ",\"\r\n") != NULL || s[0] == ' ' ||
	    s[0] == '\t' || s[n - 1] == ' ' || s[n - 1] == '\t';
}

int
table_put(struct buf *b, const char *field)
{
	size_t n;

	if (field == NULL)
		return 0;
	if (!needs_quotes(field))
		return buf_adds(b, field);
	if (buf_addc(b, '"') != 0)
		return -1;
	for (; *field != '\0'; field += n) {
		n = strcspn(field, "\"");
		if (buf_add(b, field, n) != 0)
			return -1;
		if (field[n] == '"') {
			if (buf_add(b, "\"\"", 2) != 0)
				return -1;
			n++;
		}
	}
	return buf_addc(b, '"');
}

int
table_put_row(struct buf *b, size_t n, const char *const *field)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((i > 0 && buf_addc(b, ',') != 0) ||
		    table_put(b, field[i]) != 0)
			return -1;
	return buf_addc(b, '\n');
}
