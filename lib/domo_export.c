/*
 * One DataSet as CSV: planned, asked for, proven, and tried again. Domo sends
 * no checksum and can not resume; what there is to go by is the form of the
 * answer (domo_body's work), its number of records, and the metadata before
 * and after.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "domo_body.h"
#include "domo_export.h"
#include "held.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "spool.h"

#define COPY_BYTES (64 * 1024)

struct export {
	struct domo *d;
	const struct domo_export_opt *opt;
	char *id;
	const struct domo_meta *before;	/* the caller's, or `again` */
	struct domo_meta again;
	struct domo_select_plan plan;
	struct domo_body body;
	int fd;			/* the output */
	int spool;		/* -1: none */
	bool tried;		/* the failure has been tried often enough */
};

/* --- what must come --- */

/* How many rows the export must have; -1 if nobody is asked. */
static enum domo_result
expect(struct domo *d, const struct domo_meta *m,
    const struct domo_export_opt *o, const struct domo_select_plan *p,
    int64_t *n)
{
	enum domo_result res = DOMO_OK;

	*n = -1;
	if (m->rows == 0 && p->ncolumns == 0)
		return domo_fail(d, DOMO_FAILED, "it has neither columns nor "
		    "rows, so there is nothing to write");
	if (o->count == DOMO_EXPORT_COUNT_NONE)
		return DOMO_OK;
	if (m->rows == 0 || (p->sql == NULL &&
	    o->count == DOMO_EXPORT_COUNT_ROWS))
		*n = m->rows;
	else
		res = domo_select_number(d, m->id, p->count, n);
	if (res != DOMO_OK)
		return res;
	if (*n < 0)
		return domo_fail(d, DOMO_FAILED, "Domo does not tell how many "
		    "rows it has; try --count=query");
	if (o->select.limit >= 0 && *n > o->select.limit)
		*n = o->select.limit;
	if (p->sql != NULL && *n > DOMO_SELECT_CAP)
		return domo_fail(d, DOMO_FAILED, "%lld rows are chosen, and "
		    "Domo cuts the answer to a query at %d; choose fewer, or "
		    "export the whole DataSet", (long long)*n,
		    DOMO_SELECT_CAP);
	return DOMO_OK;
}

/* Is the DataSet still the one that the caller knows? */
static enum domo_result
check_as_of(struct domo *d, const struct domo_meta *m,
    const struct domo_export_opt *o)
{
	struct domo_meta then;
	const char *what;

	if (o->as_of == NULL)
		return DOMO_OK;
	then = *o->as_of;
	if (then.id == NULL || strcasecmp(then.id, m->id) != 0)
		return domo_fail(d, DOMO_FAILED, "the metadata to compare with "
		    "are of '%s'", then.id != NULL ? then.id : "no DataSet");
	/* Those of a choice are not those of the whole. */
	if (domo_select_any(&o->select) || o->count != DOMO_EXPORT_COUNT_ROWS)
		then.rows = -1;
	what = domo_meta_updated(&then, m);
	return what == NULL ? DOMO_OK : domo_fail(d, DOMO_AGAIN, "the DataSet "
	    "was updated since its metadata were taken (its '%s' is another)",
	    what);
}

/* Plan by the metadata as they are now. The first attempt takes those that
 * the caller has. */
static enum domo_result
plan(struct export *x, bool anew)
{
	enum domo_result res = DOMO_OK;

	if (anew) {
		domo_meta_release(&x->again);
		res = domo_meta_get(x->d, x->id, &x->again);
		x->before = &x->again;
	}
	domo_select_release(&x->plan);
	if (res == DOMO_OK)
		res = check_as_of(x->d, x->before, x->opt);
	if (res == DOMO_OK)
		res = domo_select_make(x->d, &x->opt->select, x->before,
		    &x->plan);
	if (res == DOMO_OK)
		res = expect(x->d, x->before, x->opt, &x->plan,
		    &x->body.expected);
	/* domo_ask() has made all attempts that there are to make, and the
	 * others would not do better. */
	x->tried = res != DOMO_OK;
	return res;
}

static enum domo_result
request(struct export *x, struct http_reply *r, long *after)
{
	static const char *const parameter[] = {
		"&disableFormulaInterpretation=false",
		"&disableFormulaInterpretation=true", ""};
	struct domo_request q = {.sink = domo_body_sink, .sink_arg = &x->body};
	enum domo_result res;
	char *id = http_escape(x->id, false), *path, *body = NULL;

	if (x->plan.sql != NULL) {
		msg_debug("%s", x->plan.sql);
		path = domo_select_path(x->id);
		body = domo_select_body(x->plan.sql);
		q.method = "POST";
	} else {
		path = mem_fmt("/v1/datasets/%s/data?includeHeader=true%s", id,
		    parameter[x->opt->formulas]);
		q.method = "GET";
		/* text/csv alone would turn a refusal into a 406. */
		q.accept = "text/csv, application/json;q=0.5";
	}
	q.path = path;
	q.json = body;
	res = domo_try(x->d, &q, r, after);
	free(id);
	free(path);
	free(body);
	return res;
}

/* --- the proof --- */

/* Its number of rows. A wrong one is worth another try (users have seen rows
 * missing now and then), unless policies explain it. */
static enum domo_result
check_rows(struct export *x)
{
	long long got = (long long)rows_total(&x->body.out.rows) - 1;

	if (x->plan.sql != NULL && x->body.num_rows >= 0 &&
	    x->body.num_rows != got)
		return domo_fail(x->d, DOMO_AGAIN, "%lld of the %lld rows came "
		    "that the answer says it has", got,
		    (long long)x->body.num_rows);
	if (x->body.expected < 0 && x->plan.sql != NULL && got >= DOMO_SELECT_CAP &&
	    x->opt->select.limit != got)
		return domo_fail(x->d, DOMO_FAILED, "%lld rows came, which is "
		    "where Domo cuts the answer to a query; choose fewer", got);
	if (x->body.expected < 0 || got == x->body.expected)
		return DOMO_OK;
	if (domo_meta_has_pdp(x->before) && x->plan.sql == NULL &&
	    x->opt->count == DOMO_EXPORT_COUNT_ROWS)
		return domo_fail(x->d, DOMO_FAILED, "%lld of %lld rows came; "
		    "the DataSet has PDP on, so some may be hidden from this "
		    "client: --count=query compares with what it may see", got,
		    (long long)x->body.expected);
	return domo_fail(x->d, DOMO_AGAIN, "%lld rows came, but Domo says "
	    "that it has %lld", got, (long long)x->body.expected);
}

static enum domo_result
check_unchanged(struct export *x)
{
	struct domo_meta after;
	enum domo_result res;
	const char *what;
	char *why;

	res = domo_meta_get(x->d, x->id, &after);
	if (res != DOMO_OK) {
		x->tried = true;	/* by domo_ask() */
		why = mem_dup(domo_why(x->d));
		domo_fail(x->d, res, "cannot look whether it has changed "
		    "meanwhile: %s", why);
		free(why);
	} else if ((what = domo_meta_changed(x->before, &after)) != NULL) {
		res = domo_fail(x->d, DOMO_AGAIN, "the DataSet was updated "
		    "meanwhile (its '%s' is another)", what);
	}
	domo_meta_release(&after);
	return res;
}

/* --- one attempt --- */

/* A DataSet without rows may have no export: an empty answer, or 400 if it
 * never got any (what Domo does is not documented). */
static bool
is_empty(const struct export *x, enum domo_result res,
    const struct http_reply *r)
{
	if (x->before->rows != 0 || !domo_body_is_empty(&x->body))
		return false;
	if (res == DOMO_FAILED)
		return r->status == 400 &&
		    strstr(domo_why(x->d), "(403)") == NULL;
	return res == DOMO_OK && x->plan.sql == NULL;
}

/* Why there is no answer, or none that is whole. */
static enum domo_result
broken(struct export *x, enum domo_result res)
{
	uint64_t rows = x->body.out.rows.ended;
	char *why;

	if (x->body.out.bytes == 0)
		return res;
	if (rows > 0)
		rows--;		/* the header */
	why = mem_dup(domo_why(x->d));
	domo_fail(x->d, DOMO_AGAIN, "it broke off after %llu rows (%llu "
	    "bytes): %s", (unsigned long long)rows,
	    (unsigned long long)x->body.out.bytes, why);
	free(why);
	return DOMO_AGAIN;
}

/* Have what the answer brings written, and look at it. */
static enum domo_result
fetch(struct export *x, long *after)
{
	struct domo_body *b = &x->body;
	struct http_reply r;
	enum domo_result res;

	http_reply_init(&r);
	res = request(x, &r, after);
	if (b->write_errno != 0) {
		res = DOMO_FAILED;
	} else if (is_empty(x, res, &r)) {
		msg_info("the DataSet has no rows: only its header is made");
		res = domo_body_put_header(b) == 0 ? DOMO_OK : DOMO_FAILED;
	} else if (res == DOMO_OK) {
		res = domo_body_end(b, x->d, &r);
	} else {
		res = broken(x, res);
	}
	http_reply_release(&r);
	return res;
}

static enum domo_result
attempt(struct export *x, bool anew, long *after)
{
	struct domo_body *b = &x->body;
	enum domo_result res;

	b->column = NULL;	/* of the plan that goes now */
	b->ncolumns = 0;
	res = plan(x, anew);
	if (res != DOMO_OK)
		return res;
	b->column = x->plan.column;
	b->ncolumns = x->plan.ncolumns;
	b->query = x->plan.sql != NULL;
	domo_body_start(b, x->spool >= 0 ? x->spool : x->fd);
	if (x->spool >= 0 && spool_empty(x->spool) != 0) {
		b->write_errno = errno;
		return DOMO_FAILED;
	}
	res = fetch(x, after);
	if (res == DOMO_OK)
		res = check_rows(x);
	if (res == DOMO_OK)
		res = check_unchanged(x);
	if (res == DOMO_OK && held_release(&b->out) != 0) {
		b->write_errno = errno;
		res = DOMO_FAILED;
	}
	return res;
}

/* --- the whole --- */

static enum domo_result
write_failed(struct export *x)
{
	int err = x->body.write_errno;

	if (x->spool < 0)
		return domo_fail(x->d, DOMO_FAILED,
		    "cannot write the output: %s", strerror(err));
	return domo_fail(x->d, DOMO_FAILED, "cannot write the spool file in "
	    "'%s': %s; set TMPDIR to a directory with more room, or do "
	    "without --spool", spool_directory(), strerror(err));
}

/* The proven file to the output, which still never looks complete before
 * its end: this process can be killed. */
static enum domo_result
copy_spool(struct export *x)
{
	char *block = mem_alloc(COPY_BYTES);
	enum domo_result res = DOMO_OK;
	struct held out;
	ssize_t n = -1;

	held_init(&out, x->fd);
	if (lseek(x->spool, 0, SEEK_SET) == 0)
		while ((n = io_read_full(x->spool, block, COPY_BYTES)) > 0)
			if (held_write(&out, block, (size_t)n) != 0)
				break;
	if (n < 0)
		res = domo_fail(x->d, DOMO_FAILED,
		    "cannot read the spool file: %s", strerror(errno));
	else if (n > 0 || held_release(&out) != 0)
		res = domo_fail(x->d, DOMO_FAILED,
		    "cannot write the output: %s", strerror(errno));
	held_free(&out);
	free(block);
	return res;
}

static enum domo_result
attempts(struct export *x)
{
	struct retry schedule = domo_schedule(x->d);
	enum domo_result res;
	bool left;
	long after;

	do {
		after = -1;
		if (x->body.progress)
			msg_progress("waiting for Domo");
		res = attempt(x, schedule.done > 0, &after);
		left = x->spool < 0 && x->body.out.bytes > 0;
		if (res == DOMO_AGAIN && !left && !x->tried)
			msg_info("%s", domo_why(x->d));
	} while (res == DOMO_AGAIN && !left && !x->tried &&
	    retry_wait(&schedule, after));
	msg_progress_end();
	if (x->body.write_errno != 0)
		return write_failed(x);
	return res == DOMO_OK && x->spool >= 0 ? copy_spool(x) : res;
}

enum domo_result
domo_export_run(struct domo *d, const struct domo_meta *before,
    const struct domo_export_opt *o, int fd)
{
	struct export x = {.d = d, .before = before, .opt = o, .fd = fd,
		.spool = -1};
	enum domo_result res;

	domo_body_init(&x.body);
	x.body.unescape = o->unescape;
	/* Not among the rows on a terminal. */
	x.body.progress = msg_progress_wanted() && (o->spool || !isatty(fd));
	x.id = mem_dup(before->id);
	if (o->spool)
		x.spool = spool_open();
	if (o->spool && x.spool < 0)
		res = domo_fail(d, DOMO_FAILED, "cannot make a file to spool "
		    "in '%s': %s; set TMPDIR to another directory",
		    spool_directory(), strerror(errno));
	else
		res = attempts(&x);
	if (x.spool >= 0)
		close(x.spool);
	domo_body_release(&x.body);
	free(x.id);
	domo_meta_release(&x.again);
	domo_select_release(&x.plan);
	return res;
}

enum domo_result
domo_export_describe(struct domo *d, struct domo_meta *m,
    const struct domo_export_opt *o)
{
	struct domo_select_plan p;
	enum domo_result res;
	int64_t rows = m->rows;

	res = domo_select_make(d, &o->select, m, &p);
	if (res == DOMO_OK)
		res = check_as_of(d, m, o);
	if (res == DOMO_OK && (p.sql != NULL ||
	    o->count != DOMO_EXPORT_COUNT_ROWS))
		res = expect(d, m, o, &p, &rows);
	if (res == DOMO_OK) {
		m->rows = rows;
		if (p.sql != NULL)
			m->columns = (int64_t)p.ncolumns;
		domo_meta_free_columns(m->column, m->ncolumns);
		m->column = p.column;
		m->ncolumns = p.ncolumns;
		p.column = NULL;
		p.ncolumns = 0;
	}
	domo_select_release(&p);
	return res;
}
