/*
 * A small CSV text, whole in memory, as rows of strings: schemas, metadata,
 * lists, results. NULL (an empty field without quotes) stays apart from ""
 * (with quotes), on the way in and on the way out. The data themselves never
 * come this way: they go through scan.
 */
#ifndef RSW_TABLE_H
#define RSW_TABLE_H

#include <stddef.h>

struct buf;

#define TABLE_MAX (64 * 1024 * 1024)	/* bytes of text; a list of 100,000
					 * DataSets has some 20 MB */

struct table {
	size_t ncols, nrows;	/* nrows: the header not counted */
	char **name;		/* ncols: the header; never NULL */
	char **cell;		/* nrows * ncols; NULL is NULL */
};

/*
 * Parse RFC 4180 text with a header. Refused: no header, an open quote or
 * text after one, a row with another number of fields than the header, two
 * columns whose names differ at most in case, a NUL byte, more than
 * TABLE_MAX bytes, and text that does not end in a newline, because it may
 * have been cut. Blanks belong to the fields. A BOM is skipped. A blank
 * line is a row of NULL if there is one column, else nothing. `what` names
 * the text in messages. 0, or -1 having said why; release in either case.
 */
int table_parse(struct table *, const char *text, size_t n, const char *what);

/* All of fd, or a file, or standard input if path is "-". */
int table_read(struct table *, int fd, const char *what);
int table_read_file(struct table *, const char *path);

/* A zeroed struct is fine, and is what it leaves. */
void table_release(struct table *);

/* The index of a column, by name in any (ASCII) case. -1 if there is none:
 * table_find() is silent, table_need() says so and names the columns that
 * there are. */
int table_find(const struct table *, const char *name);
int table_need(const struct table *, const char *name, const char *what);

/* A field, owned by the table. NULL is NULL. */
const char *table_get(const struct table *, size_t row, size_t col);

/*
 * Append one field, or one row with its commas and its newline, to CSV text:
 * NULL as nothing, "" as "", quotes only where a reader would need them.
 * 0, or -1 when the buffer's cap would be passed (silent).
 */
int table_put(struct buf *, const char *field);
int table_put_row(struct buf *, size_t n, const char *const *field);

#endif
