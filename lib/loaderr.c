/*
 * Why COPY refused rows, in the words of Redshift's own views. They are
 * searched by the place where this run's files lie, because the ids of the
 * failed statement are gone with its transaction.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "loadrun.h"
#include "mem.h"
#include "msg.h"
#include "retry.h"
#include "table.h"

#define SHOWN 5			/* on stderr */

/* What is asked for, by the names that the two views have for it. */
enum {FILE_NAME, LINE, COLUMN, TYPE, LENGTH, POSITION, CODE, REASON, VALUE,
	ROW, NFIELDS};
static const char *const heads[NFIELDS] = {
	"file", "line", "column", "type", "length", "position", "code",
	"reason", "value", "row"
};
static const char from_sys[] =
"SELECT TRIM(file_name), line_number, TRIM(column_name), TRIM(column_type), "
"TRIM(column_length), position, error_code, TRIM(error_message), NULL, NULL "
"FROM sys_load_error_detail WHERE ";
static const char from_stl[] =
"SELECT TRIM(filename), line_number, TRIM(colname), TRIM(type), "
"TRIM(col_length), position, err_code, TRIM(err_reason), "
"TRIM(raw_field_value), TRIM(raw_line) FROM stl_load_errors WHERE ";

/* The common beginning of the entries' addresses up to a '/', which is the
 * run's own; the views keep 256 bytes of a name. */
static char *
common_prefix(const struct manifest *m)
{
	const char *first = m->entry[0].url;
	size_t n = strlen(first), i, j;

	for (i = 1; i < m->nentries; i++) {
		for (j = 0; j < n && m->entry[i].url[j] == first[j]; j++)
			;
		n = j;
	}
	if (m->nentries > 1)
		while (n > 0 && first[n - 1] != '/')
			n--;
	return mem_ndup(first, n < 240 ? n : 240);
}

static void
add_like(struct buf *b, const char *prefix)
{
	struct buf like;

	buf_init(&like, SQL_MAX);
	for (; *prefix != '\0'; prefix++) {
		if (*prefix == '%' || *prefix == '_' || *prefix == '^')
			buf_addc(&like, '^');
		buf_addc(&like, *prefix);
	}
	buf_addc(&like, '%');
	sql_literal(b, like.data);
	buf_adds(b, " ESCAPE '^'");
	buf_release(&like);
}

/* The rows of one view, of the latest statement that has any there. NULL:
 * there is no such view here, or no answer. */
static PGresult *
ask(struct load *l, const char *select, const char *view, const char *file,
    const char *query, const char *prefix)
{
	struct buf b;
	PGresult *r;

	buf_init(&b, SQL_MAX);
	buf_addf(&b, "%s%s LIKE ", select, file);
	add_like(&b, prefix);
	buf_addf(&b, " AND %s = (SELECT MAX(%s) FROM %s WHERE %s LIKE ",
	    query, query, view, file);
	add_like(&b, prefix);
	buf_adds(&b, ") ORDER BY 1, 2, 6 LIMIT 1000");
	r = pg_query(l->pg, b.data);
	buf_release(&b);
	return r;
}

static PGresult *
ask_sys(struct load *l, const char *prefix)
{
	return ask(l, from_sys, "sys_load_error_detail", "file_name",
	    "query_id", prefix);
}

static PGresult *
ask_stl(struct load *l, const char *prefix)
{
	return ask(l, from_stl, "stl_load_errors", "filename", "query",
	    prefix);
}

static const char *
field(const PGresult *r, int row, int col)
{
	return PQgetisnull(r, row, col) ? NULL : PQgetvalue(r, row, col);
}

static bool
has(const char *s)
{
	return s != NULL && *s != '\0';
}

/* "line 3 of 's3://...': column 'a' varchar(5): 'text': why (code N)" */
static void
say(const PGresult *r, int i)
{
	const char *length = field(r, i, LENGTH);
	struct buf b;

	buf_init(&b, SQL_MAX);
	buf_addf(&b, "line %s of '%s': ", PQgetvalue(r, i, LINE),
	    PQgetvalue(r, i, FILE_NAME));
	if (has(field(r, i, COLUMN))) {
		buf_addf(&b, "column '%s' %s", PQgetvalue(r, i, COLUMN),
		    PQgetvalue(r, i, TYPE));
		if (has(length) && strcmp(length, "0") != 0)
			buf_addf(&b, "(%s)", length);
		buf_adds(&b, ": ");
	}
	if (has(field(r, i, VALUE)))
		buf_addf(&b, "'%s': ", PQgetvalue(r, i, VALUE));
	buf_addf(&b, "%s (code %s)", PQgetvalue(r, i, REASON),
	    PQgetvalue(r, i, CODE));
	if (has(field(r, i, ROW)))
		buf_addf(&b, "; the row: %s", PQgetvalue(r, i, ROW));
	msg_error("%s", b.data);
	buf_release(&b);
}

static void
write_csv(FILE *f, const PGresult *r)
{
	const char *cell[NFIELDS];
	struct buf b;
	int i, j;

	buf_init(&b, TABLE_MAX);
	table_put_row(&b, NFIELDS, heads);
	for (i = 0; i < PQntuples(r); i++) {
		for (j = 0; j < NFIELDS; j++)
			cell[j] = field(r, i, j);
		table_put_row(&b, NFIELDS, cell);
	}
	fwrite(b.data, 1, b.len, f);
	fflush(f);
	buf_release(&b);
}

/* The views are filled a moment after the failure. */
static PGresult *
wait_for(struct load *l, const char *prefix)
{
	struct retry wait = {.tries = 4, .base = 2, .cap = 4};
	PGresult *r;

	do {
		if ((r = ask_stl(l, prefix)) != NULL && PQntuples(r) > 0)
			return r;
		PQclear(r);
		if ((r = ask_sys(l, prefix)) != NULL && PQntuples(r) > 0)
			return r;
		PQclear(r);
	} while (!pg_lost(l->pg) && retry_wait(&wait, -1));
	return NULL;
}

void
loaderr_report(struct load *l)
{
	PGresult *r;
	char *prefix;
	int i;

	/* Only when rows are to blame; what S3 or the syntax is has been said
	 * by COPY itself. */
	if (pg_lost(l->pg) || l->m->nentries == 0 ||
	    (strstr(l->copying, "stl_load_errors") == NULL &&
	    strstr(l->copying, "sys_load_error_detail") == NULL))
		return;
	prefix = common_prefix(l->m);
	r = wait_for(l, prefix);
	free(prefix);
	if (r == NULL) {
		msg_warn("Redshift does not say which rows they are");
		return;
	}
	for (i = 0; i < PQntuples(r) && i < SHOWN; i++)
		say(r, i);
	if (PQntuples(r) > SHOWN)
		msg_error("and %d more", PQntuples(r) - SHOWN);
	if (l->o->errors != NULL)
		write_csv(l->o->errors, r);
	PQclear(r);
}
