/*
 * Why COPY refused rows, in the words of Redshift's own views. They are
 * searched by the place where this run's files lie, because the ids of the
 * failed statement are gone with its transaction.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loadrun.h"
#include "mem.h"
#include "msg.h"
#include "retry.h"
#include "srcrow.h"
#include "table.h"
#include "unstage.h"

#define SHOWN 5			/* errors on stderr */
#define ROW_SHOWN 400		/* bytes of a row there */

/* What is asked for, by the names that the two views have for it. */
enum {FILE_NAME, LINE, COLUMN, TYPE, LENGTH, POSITION, CODE, REASON, VALUE,
	ROW, NFIELDS};
static const char *const heads[NFIELDS] = {
	"file", "line", "column", "type", "length", "position", "code",
	"reason", "value", "row"
};
static const struct view {
	const char *name, *select, *file, *query;
} sys = {
	"sys_load_error_detail",
	"SELECT TRIM(file_name), line_number, TRIM(column_name), "
	"TRIM(column_type), TRIM(column_length), position, error_code, "
	"TRIM(error_message), NULL, NULL FROM sys_load_error_detail",
	"file_name", "query_id"
}, stl = {
	"stl_load_errors",
	"SELECT TRIM(filename), line_number, TRIM(colname), TRIM(type), "
	"TRIM(col_length), position, err_code, TRIM(err_reason), "
	"TRIM(raw_field_value), TRIM(raw_line) FROM stl_load_errors",
	"filename", "query"
};

/* The errors of one COPY, in the order of file and line. */
struct errors {
	PGresult *r;
	struct srcrow *row;	/* as many: the rows themselves */
	size_t n;
};

static const char *
field(const struct errors *e, size_t i, int col)
{
	return PQgetisnull(e->r, (int)i, col) ? NULL :
	    PQgetvalue(e->r, (int)i, col);
}

static void
release(struct errors *e)
{
	size_t i;

	for (i = 0; i < e->n; i++)
		free(e->row[i].text);
	free(e->row);
	PQclear(e->r);
	memset(e, 0, sizeof(*e));
}

/* Fetch the rows from S3: the views have them in part, or not at all. */
static int
fetch_rows(struct load *l, struct errors *e)
{
	size_t i;

	e->row = mem_zero(e->n, sizeof(*e->row));
	for (i = 0; i < e->n; i++) {
		e->row[i].url = PQgetvalue(e->r, (int)i, FILE_NAME);
		e->row[i].line = strtoll(PQgetvalue(e->r, (int)i, LINE), NULL,
		    10);
	}
	return srcrow_fetch(l->o->cfg, l->m, e->row, e->n) == FATE_OK ? 0 : -1;
}

/*
 * Asking.
 */

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
add_like(struct buf *b, const char *file, const char *prefix)
{
	struct buf like;

	buf_init(&like, SQL_MAX);
	for (; *prefix != '\0'; prefix++) {
		if (*prefix == '%' || *prefix == '_' || *prefix == '^')
			buf_addc(&like, '^');
		buf_addc(&like, *prefix);
	}
	buf_addc(&like, '%');
	buf_addf(b, "%s LIKE ", file);
	sql_literal(b, like.data);
	buf_adds(b, " ESCAPE '^'");
	buf_release(&like);
}

/* What one view has of the latest statement that failed with files there.
 * NULL: nothing, or there is no such view here. */
static PGresult *
ask(struct load *l, const struct view *v, const char *prefix)
{
	struct buf b;
	PGresult *r;

	buf_init(&b, SQL_MAX);
	buf_addf(&b, "%s WHERE ", v->select);
	add_like(&b, v->file, prefix);
	buf_addf(&b, " AND %s = (SELECT MAX(%s) FROM %s WHERE ", v->query,
	    v->query, v->name);
	add_like(&b, v->file, prefix);
	buf_adds(&b, ") ORDER BY 1, 2, 6 LIMIT 1000");
	r = pg_query(l->pg, b.data);
	buf_release(&b);
	if (r != NULL && PQntuples(r) == 0) {
		PQclear(r);
		r = NULL;
	}
	return r;
}

/* The views are filled a moment after the failure. */
static PGresult *
wait_for(struct load *l, const char *prefix)
{
	struct retry wait = {.tries = 4, .base = 2, .cap = 4,
		.stop = l->o->stop};
	PGresult *r;

	do {
		if ((r = ask(l, &stl, prefix)) != NULL ||
		    (r = ask(l, &sys, prefix)) != NULL)
			return r;
	} while (!pg_lost(l->pg) && retry_wait(&wait, -1));
	return NULL;
}

/*
 * Telling.
 */

static bool
has(const char *s)
{
	return s != NULL && *s != '\0';
}

/* "line 3 of 's3://...': column 'a' varchar(5): 'text': why (code N)" */
static void
say(const struct errors *e, size_t i)
{
	const char *length = field(e, i, LENGTH), *row;
	struct buf b;

	buf_init(&b, SQL_MAX);
	buf_addf(&b, "line %s of '%s': ", field(e, i, LINE),
	    field(e, i, FILE_NAME));
	if (has(field(e, i, COLUMN))) {
		buf_addf(&b, "column '%s' %s", field(e, i, COLUMN),
		    field(e, i, TYPE));
		if (has(length) && strcmp(length, "0") != 0)
			buf_addf(&b, "(%s)", length);
		buf_adds(&b, ": ");
	}
	if (has(field(e, i, VALUE)))
		buf_addf(&b, "'%s': ", field(e, i, VALUE));
	buf_addf(&b, "%s (code %s)", field(e, i, REASON), field(e, i, CODE));
	row = e->row != NULL ? e->row[i].text : NULL;
	if (row == NULL)
		row = field(e, i, ROW);
	if (row != NULL)
		buf_addf(&b, "; the row: %.*s%s", ROW_SHOWN, row,
		    strlen(row) > ROW_SHOWN ? "..." : "");
	msg_error("%s", b.data);
	buf_release(&b);
}

static int
write_csv(FILE *f, const struct errors *e)
{
	const char *cell[NFIELDS];
	struct buf b;
	size_t i;
	int j, rc;

	buf_init(&b, TABLE_MAX);
	rc = table_put_row(&b, NFIELDS, heads);
	for (i = 0; i < e->n && rc == 0; i++) {
		for (j = 0; j < NFIELDS; j++)
			cell[j] = field(e, i, j);
		if (e->row != NULL && e->row[i].text != NULL)
			cell[ROW] = e->row[i].text;
		rc = table_put_row(&b, NFIELDS, cell);
	}
	if (rc != 0 || fwrite(b.data, 1, b.len, f) != b.len ||
	    fflush(f) != 0)
		rc = msg_errno("cannot write the errors");
	buf_release(&b);
	return rc;
}

static void
tell(struct load *l, const struct errors *e)
{
	size_t i;

	for (i = 0; i < e->n && i < SHOWN; i++)
		say(e, i);
	if (e->n > SHOWN)
		msg_error("and %zu more", e->n - SHOWN);
	if (l->o->errors != NULL)
		write_csv(l->o->errors, e);
}

void
loaderr_report(struct load *l)
{
	struct errors e = {0};
	char *prefix;

	/* Only when rows are to blame; what S3 or the syntax is has been said
	 * by COPY itself. */
	if (pg_lost(l->pg) || l->m->nentries == 0 ||
	    (strstr(l->copying, "stl_load_errors") == NULL &&
	    strstr(l->copying, "sys_load_error_detail") == NULL))
		return;
	prefix = common_prefix(l->m);
	e.r = wait_for(l, prefix);
	free(prefix);
	if (e.r == NULL) {
		msg_warn("Redshift does not say which rows they are");
		return;
	}
	e.n = (size_t)PQntuples(e.r);
	fetch_rows(l, &e);
	tell(l, &e);
	release(&e);
}

/*
 * Rows that were passed over because the user allowed it.
 */

/* A row in the form that s3-stage reads. */
static int
write_row(FILE *f, struct unstage *u, const char *text, struct buf *b)
{
	buf_reset(b);
	if (unstage_add(u, text, strlen(text), b) != 0 ||
	    unstage_add(u, "\n", 1, b) != 0 ||
	    fwrite(b->data, 1, b->len, f) != b->len)
		return msg_errno("cannot write a refused row");
	return 0;
}

/* The header and the rows, on disk before anything is committed. Sets how
 * many rows there are: one that has several errors counts once. */
static int
write_rejects(struct load *l, const struct errors *e, int64_t *rows)
{
	const char **name = mem_zero(l->m->ncolumns + 1, sizeof(*name));
	const struct manifest *m = l->m;
	FILE *f = l->o->rejects;
	struct unstage u;
	struct buf b;
	size_t i;
	int rc;

	unstage_init(&u, m->null_string != NULL ? m->null_string : "\\N", "");
	buf_init(&b, TABLE_MAX);
	for (i = 0; i < m->ncolumns; i++)
		name[i] = m->column[i].name;
	rc = table_put_row(&b, m->ncolumns, name);
	/* A transaction that is tried again writes them again. */
	if (rc != 0 || fseek(f, 0, SEEK_SET) != 0 ||
	    ftruncate(fileno(f), 0) != 0 ||
	    fwrite(b.data, 1, b.len, f) != b.len)
		rc = msg_errno("cannot write the refused rows");
	for (*rows = 0, i = 0; i < e->n && rc == 0; i++) {
		if (i > 0 && e->row[i].line == e->row[i - 1].line &&
		    strcmp(e->row[i].url, e->row[i - 1].url) == 0)
			continue;
		rc = e->row[i].text != NULL ? write_row(f, &u, e->row[i].text,
		    &b) : msg_error("cannot find line %lld of '%s', which was "
		    "refused", (long long)e->row[i].line, e->row[i].url);
		++*rows;
	}
	if (rc == 0 && (fflush(f) != 0 || fsync(fileno(f)) != 0))
		rc = msg_errno("cannot write the refused rows");
	buf_release(&b);
	unstage_release(&u);
	free(name);
	return rc;
}

/* How many rows the errors are of. */
static int64_t
count_rows(const PGresult *r)
{
	int64_t n = 0;
	int i;

	for (i = 0; i < PQntuples(r); i++)
		if (i == 0 || strcmp(PQgetvalue(r, i, LINE),
		    PQgetvalue(r, i - 1, LINE)) != 0 ||
		    strcmp(PQgetvalue(r, i, FILE_NAME),
		    PQgetvalue(r, i - 1, FILE_NAME)) != 0)
			n++;
	return n;
}

/* The errors of one COPY, as soon as they are those of so many rows. */
static PGresult *
wait_for_rows(struct pg *side, int64_t copy_id, int64_t rows)
{
	struct retry wait = {.tries = 6, .base = 1, .cap = 4};
	const struct view *view[] = {&sys, &stl};
	PGresult *r;
	char *sql;
	size_t i;

	do {
		for (i = 0; i < 2; i++) {
			sql = mem_fmt("%s WHERE %s = %lld ORDER BY 1, 2, 6",
			    view[i]->select, view[i]->query,
			    (long long)copy_id);
			r = pg_query(side, sql);
			free(sql);
			if (r != NULL && count_rows(r) == rows)
				return r;
			PQclear(r);
		}
	} while (!pg_lost(side) && retry_wait(&wait, -1));
	return NULL;
}

int
loaderr_rejects(struct load *l, int64_t missing, int64_t *rows)
{
	struct errors e = {0};
	struct pg *side;
	int64_t id;
	int rc;

	*rows = 0;
	if (load_number(l, "SELECT pg_last_copy_id()", "find out which rows "
	    "are refused", &id) != 0)
		return -1;
	/* By a session of its own: this one's snapshot is older than its own
	 * errors, and a query that fails would end the transaction. */
	if ((side = load_aside(l)) == NULL)
		return msg_error("cannot find out which rows are refused: a "
		    "second session is refused, too; nothing is changed");
	e.r = wait_for_rows(side, id, missing);
	pg_close(side);
	if (e.r == NULL)
		return msg_error("cannot load into '%s': %lld rows are "
		    "missing, and Redshift does not say which; nothing is "
		    "changed", l->where, (long long)missing);
	e.n = (size_t)PQntuples(e.r);
	rc = fetch_rows(l, &e);
	if (rc == 0)
		rc = write_rejects(l, &e, rows);
	if (rc == 0)
		tell(l, &e);
	release(&e);
	return rc;
}
