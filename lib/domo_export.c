/*
 * One DataSet as CSV: asked for, passed on while it comes, proven at its end.
 * Domo sends no checksum and can not resume; what there is to go by is the
 * form of the answer, its number of records, and the metadata before and
 * after.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "domo_export.h"
#include "domo_head.h"
#include "domo_refusal.h"
#include "held.h"
#include "io.h"
#include "jsonrows.h"
#include "mem.h"
#include "msg.h"
#include "unformula.h"

#define HEAD_MAX (4 * 1024 * 1024)	/* a header; 1,600 long names fit */
#define PAGE_MAX (64 * 1024)		/* of an error page, to be told from */
#define PIECE_MAX (64 * 1024)		/* filtered at a time */
#define SHOW_MS 250			/* between two progress lines */

/* Where the body of the answer is. */
enum place {
	HEAD,		/* in the first record, of which nothing has left */
	BODY,		/* behind it */
	BAD		/* it is not an export at all */
};

struct export {
	struct domo *d;
	char *id;
	const struct domo_meta *before;	/* the caller's, or `again` */
	struct domo_meta again;
	const struct domo_export_opt *opt;
	struct domo_select_plan plan;
	int64_t expected;	/* rows, -1: not known */
	int spool;		/* a file without a name, -1: none */
	struct held out;
	enum place place;
	struct buf head;	/* the first record, or the page if BAD */
	struct rows head_rows;
	uint64_t fields;	/* of the first record */
	struct unformula unformula;
	char *piece;
	struct jsonrows json;
	int write_errno;	/* the output took no more */
	bool wanted;		/* progress */
	long long began, shown;
};

/* --- on the way out --- */

static void
show(struct export *x)
{
	long long now = io_now_ms(), rows;
	double seconds, mb;

	if (now - x->shown < SHOW_MS)
		return;
	x->shown = now;
	rows = (long long)x->out.rows.ended;
	seconds = (double)(now - x->began) / 1000.0 + 0.001;
	mb = (double)x->out.bytes / 1e6;
	if (x->expected > 0 && rows > 0 && rows <= x->expected)
		msg_progress("%lld of %lld rows (%lld%%), %.1f MB, %.1f MB/s, "
		    "%.0f s left", rows, (long long)x->expected,
		    100 * rows / x->expected, mb, mb / seconds,
		    seconds * (double)(x->expected - rows) / (double)rows);
	else
		msg_progress("%lld rows, %.1f MB, %.1f MB/s", rows, mb,
		    mb / seconds);
}

/* Bytes of CSV to the output or the spool. */
static int
put(struct export *x, const char *p, size_t n)
{
	if (held_write(&x->out, p, n) != 0) {
		x->write_errno = errno;
		return -1;
	}
	if (x->wanted)
		show(x);
	return 0;
}

/* The same, without the marks before formulas. */
static int
filter(struct export *x, const char *p, size_t n)
{
	size_t k;

	if (!x->opt->unescape)
		return put(x, p, n);
	for (; n > 0; p += k, n -= k) {
		k = n < PIECE_MAX ? n : PIECE_MAX;
		if (put(x, x->piece, unformula_feed(&x->unformula, p, k,
		    x->piece)) != 0)
			return -1;
	}
	return 0;
}

static int
put_header(struct export *x)
{
	struct buf b;
	int rc;

	buf_init(&b, HEAD_MAX);
	rc = domo_head_put(&b, x->plan.column, x->plan.ncolumns);
	if (rc == 0)
		rc = put(x, b.data, b.len);
	buf_release(&b);
	x->place = BODY;
	x->fields = x->plan.ncolumns;
	return rc;
}

/* --- the export's answer, CSV --- */

static bool
is_csv(struct http_reply *r)
{
	const char *type = http_header(r, "Content-Type");

	return r->status == 200 && type != NULL &&
	    strncasecmp(type, "text/csv", 8) == 0 &&
	    strchr("; \t", type[8]) != NULL;
}

/* A page: the begin of it, for the message, then enough. */
static int
keep_page(struct export *x, const char *p, size_t n)
{
	size_t room = x->head.len < PAGE_MAX ? PAGE_MAX - x->head.len : 0;

	buf_add(&x->head, p, n < room ? n : room);
	return n < room ? 0 : -1;
}

/* The first record is there (or all there is): is it the header? Then it may
 * go, with what came behind it. */
static int
leave_head(struct export *x)
{
	size_t bom = x->head.len >= 3 &&
	    memcmp(x->head.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	const char *p = x->head.data + bom;
	size_t n = x->head.len - bom, end;
	struct rows r = {0};

	for (end = 0; end < n && r.ended == 0; end++)
		rows_feed(&r, p + end, 1);
	if (!domo_head_matches(p, end, x->plan.column, x->plan.ncolumns)) {
		x->place = BAD;
		return x->head.len < PAGE_MAX ? 0 : -1;
	}
	memset(&r, 0, sizeof(r));
	rows_feed(&r, p, end > 0 && p[end - 1] == '\n' ? end - 1 : end);
	x->fields = r.delims + 1;
	x->place = BODY;
	return filter(x, p, n);
}

static int
on_csv(void *arg, struct http_reply *r, const char *p, size_t n)
{
	struct export *x = arg;

	if (x->place == HEAD && x->head.len == 0 && !is_csv(r))
		x->place = BAD;
	if (x->place == BODY)
		return filter(x, p, n);
	if (x->place == BAD)
		return keep_page(x, p, n);
	if (buf_add(&x->head, p, n) != 0) {
		x->place = BAD;
		return -1;
	}
	rows_feed(&x->head_rows, p, n);
	return x->head_rows.ended > 0 ? leave_head(x) : 0;
}

/* --- the query's answer, JSON --- */

static int
on_query_csv(void *arg, const char *p, size_t n)
{
	struct export *x = arg;

	if (x->place == HEAD && put_header(x) != 0)
		return -1;
	return put(x, p, n);
}

static int
on_query(void *arg, struct http_reply *r, const char *p, size_t n)
{
	struct export *x = arg;

	if (x->place == HEAD)
		keep_page(x, p, n);
	if (r->status == 200 && jsonrows_feed(&x->json, p, n) == 0)
		return 0;
	if (x->place == HEAD)
		x->place = BAD;
	return -1;
}

/* --- the proof --- */

/* Text, but not the header that must come first. */
static bool
is_text(const struct export *x, struct http_reply *r)
{
	const char *p = x->head.data;

	p += strspn(p, " \t\r\n");
	return is_csv(r) && *p != '\0' && *p != '<' && *p != '{';
}

/* What came in place of an export. */
static enum domo_result
bad_body(struct export *x, struct http_reply *r)
{
	int status = domo_refusal_status(x->head.data, x->head.len);
	bool passes = domo_refusal_passes(status) || status == 401;
	const char *type;
	char *text;

	if (status == 401)
		domo_forget(x->d);
	if (is_csv(r) && x->head.len > 2 &&
	    memcmp(x->head.data, "\x1f\x8b", 2) == 0)
		return domo_fail(x->d, DOMO_FAILED, "it is compressed (gzip) "
		    "though that was not asked for; leave out --no-gzip");
	if (is_text(x, r))
		return domo_fail(x->d, DOMO_FAILED, "its first line does not "
		    "have the names of the %zu columns in the schema, so it "
		    "is no header: '%.*s'", x->plan.ncolumns,
		    (int)strcspn(x->head.data, "\r\n"), x->head.data);
	text = domo_refusal_text(r, x->head.data, x->head.len);
	type = http_header(r, "Content-Type");
	domo_fail(x->d, DOMO_FAILED,
	    "the answer is no export (type %s): %s%s", type != NULL ? type :
	    "none", text, type != NULL && strstr(type, "html") != NULL ?
	    "; is domo_api_url the API's address, and may this machine's "
	    "address use it?" : "");
	free(text);
	return passes ? DOMO_AGAIN : DOMO_FAILED;
}

/* Does the answer tell where it ends? Else a cut looks like an end. */
static bool
is_framed(struct http_reply *r)
{
	return strncmp(r->head.data, "HTTP/1.", 7) != 0 ||
	    http_header(r, "Transfer-Encoding") != NULL ||
	    http_header(r, "Content-Length") != NULL;
}

/* The last record: is it whole? */
static enum domo_result
check_end(struct export *x, struct http_reply *r)
{
	const struct rows *s = &x->out.rows;

	if (s->in_quotes)
		return domo_fail(x->d, DOMO_AGAIN, "it is cut: it ends inside "
		    "a quoted field, after %llu bytes",
		    (unsigned long long)x->out.bytes);
	if (s->open && s->delims + 1 != x->fields)
		return domo_fail(x->d, DOMO_AGAIN, "it is cut: its last "
		    "record has %llu of %llu fields",
		    (unsigned long long)s->delims + 1,
		    (unsigned long long)x->fields);
	if (s->open)
		msg_info("the export does not end in a newline, so nothing "
		    "proves that its last field is whole");
	if (!is_framed(r) && (s->open || x->expected < 0))
		return domo_fail(x->d, DOMO_AGAIN, "the answer tells neither "
		    "its length nor its end, so it may be cut");
	return DOMO_OK;
}

/* Its number of rows. A wrong one is worth another try (users have seen rows
 * missing now and then), unless policies explain it. */
static enum domo_result
check_rows(struct export *x)
{
	long long got = (long long)rows_total(&x->out.rows) - 1;
	bool pdp = x->before->pdp_enabled != NULL &&
	    strcmp(x->before->pdp_enabled, "true") == 0;

	if (x->plan.sql != NULL && x->json.num_rows >= 0 &&
	    x->json.num_rows != got)
		return domo_fail(x->d, DOMO_AGAIN, "%lld of the %lld rows came "
		    "that the answer says it has", got,
		    (long long)x->json.num_rows);
	if (x->expected < 0 && x->plan.sql != NULL && got >= DOMO_SELECT_CAP &&
	    x->opt->select.limit != got)
		return domo_fail(x->d, DOMO_FAILED, "%lld rows came, which is "
		    "where Domo cuts the answer to a query; choose fewer", got);
	if (x->expected < 0 || got == x->expected)
		return DOMO_OK;
	if (pdp && x->opt->count == DOMO_EXPORT_COUNT_ROWS &&
	    x->plan.sql == NULL)
		return domo_fail(x->d, DOMO_FAILED, "%lld of %lld rows came; "
		    "the DataSet has PDP on, so some may be hidden from this "
		    "client: --count=query compares with what it may see", got,
		    (long long)x->expected);
	return domo_fail(x->d, DOMO_AGAIN, "%lld rows came, but Domo says "
	    "that it has %lld", got, (long long)x->expected);
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

/* How many rows the export must have; -1 if nobody is asked. */
static enum domo_result
expect(struct domo *d, const struct domo_meta *m,
    const struct domo_export_opt *o, const struct domo_select_plan *p,
    int64_t *n)
{
	enum domo_result res = DOMO_OK;

	*n = -1;
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
		res = domo_select_make(x->d, &x->opt->select, x->before,
		    &x->plan);
	return res != DOMO_OK ? res :
	    expect(x->d, x->before, x->opt, &x->plan, &x->expected);
}

static void
begin(struct export *x, int fd)
{
	if (x->spool >= 0 && (ftruncate(x->spool, 0) != 0 ||
	    lseek(x->spool, 0, SEEK_SET) != 0))
		x->write_errno = errno;
	held_free(&x->out);
	held_init(&x->out, x->spool >= 0 ? x->spool : fd);
	x->place = HEAD;
	x->fields = 0;
	buf_reset(&x->head);
	memset(&x->head_rows, 0, sizeof(x->head_rows));
	memset(&x->unformula, 0, sizeof(x->unformula));
	jsonrows_release(&x->json);
	jsonrows_init(&x->json, x->plan.ncolumns, on_query_csv, x);
	x->began = io_now_ms();
}

static enum domo_result
request(struct export *x, struct http_reply *r, long *after)
{
	static const char *const parameter[] = {
		"&disableFormulaInterpretation=false",
		"&disableFormulaInterpretation=true", ""};
	struct domo_request q = {.sink_arg = x};
	enum domo_result res;
	char *id = http_escape(x->id, false), *path, *body = NULL;

	if (x->plan.sql != NULL) {
		msg_debug("%s", x->plan.sql);
		path = domo_select_path(x->id);
		body = domo_select_body(x->plan.sql);
		q.method = "POST";
		q.sink = on_query;
	} else {
		path = mem_fmt("/v1/datasets/%s/data?includeHeader=true%s", id,
		    parameter[x->opt->formulas]);
		q.method = "GET";
		/* text/csv alone would turn a refusal into a 406. */
		q.accept = "text/csv, application/json;q=0.5";
		q.sink = on_csv;
	}
	q.path = path;
	q.json = body;
	res = domo_try(x->d, &q, r, after);
	free(id);
	free(path);
	free(body);
	return res;
}

/* A DataSet without rows may have no export: an empty answer, or 400 if it
 * never got any (what Domo does is not documented). */
static bool
is_empty(const struct export *x, enum domo_result res,
    const struct http_reply *r)
{
	if (x->before->rows != 0 || x->out.bytes > 0 || x->place != HEAD)
		return false;
	if (res == DOMO_FAILED)
		return r->status == 400 &&
		    strstr(domo_why(x->d), "(403)") == NULL;
	return res == DOMO_OK && x->plan.sql == NULL && x->head.len == 0;
}

/* Why there is no answer, or none that is whole. */
static enum domo_result
broken(struct export *x, enum domo_result res)
{
	uint64_t rows = x->out.rows.ended;
	char *why;

	if (x->out.bytes == 0)
		return res;
	if (rows > 0)
		rows--;		/* the header */
	why = mem_dup(domo_why(x->d));
	domo_fail(x->d, DOMO_AGAIN, "it broke off after %llu rows (%llu "
	    "bytes): %s", (unsigned long long)rows,
	    (unsigned long long)x->out.bytes, why);
	free(why);
	return DOMO_AGAIN;
}

/* The body has come: let go what waits for its end. */
static enum domo_result
finish_body(struct export *x, struct http_reply *r)
{
	char last;

	if (x->plan.sql != NULL && x->place != BAD &&
	    jsonrows_fault(&x->json) == NULL &&
	    jsonrows_end(&x->json) == 0 && x->place == HEAD)
		put_header(x);
	else if (x->plan.sql == NULL && x->place == HEAD && x->head.len > 0)
		leave_head(x);
	if (x->opt->unescape && unformula_end(&x->unformula, &last) == 1)
		put(x, &last, 1);
	if (x->write_errno != 0)
		return DOMO_FAILED;
	if (x->place == BODY && jsonrows_fault(&x->json) != NULL)
		return domo_fail(x->d, DOMO_AGAIN, "the answer to the query "
		    "is broken after %llu rows: %s",
		    (unsigned long long)x->json.rows,
		    jsonrows_fault(&x->json));
	if (x->place == HEAD && x->head.len == 0)
		return domo_fail(x->d, DOMO_AGAIN, "the answer is empty");
	return x->place == BODY ? DOMO_OK : bad_body(x, r);
}

static enum domo_result
attempt(struct export *x, int fd, long *after)
{
	struct http_reply r;
	enum domo_result res;

	begin(x, fd);
	http_reply_init(&r);
	res = request(x, &r, after);
	if (x->write_errno == 0 && is_empty(x, res, &r)) {
		msg_info("the DataSet has no rows: only its header is made");
		res = put_header(x) == 0 ? DOMO_OK : DOMO_FAILED;
	} else if (x->write_errno == 0) {
		res = res != DOMO_OK ? broken(x, res) : finish_body(x, &r);
		if (res == DOMO_OK)
			res = check_end(x, &r);
	}
	http_reply_release(&r);
	if (res == DOMO_OK && x->write_errno == 0)
		res = check_rows(x);
	if (res == DOMO_OK && x->write_errno == 0)
		res = check_unchanged(x);
	if (res == DOMO_OK && x->write_errno == 0 &&
	    held_release(&x->out) != 0)
		x->write_errno = errno;
	return x->write_errno != 0 ? DOMO_FAILED : res;
}

/* --- the spool --- */

static const char *
spool_directory(void)
{
	const char *dir = getenv("TMPDIR");

	return dir != NULL && *dir != '\0' ? dir : "/tmp";
}

/* A file without a name is gone with the process, however that ends. */
static enum domo_result
open_spool(struct export *x)
{
	char *path;

	x->spool = open(spool_directory(), O_TMPFILE | O_RDWR | O_CLOEXEC,
	    0600);
	if (x->spool >= 0)
		return DOMO_OK;
	path = mem_fmt("%s/domo-cat.XXXXXX", spool_directory());
	x->spool = mkostemp(path, O_CLOEXEC);
	if (x->spool >= 0)
		unlink(path);
	free(path);
	return x->spool >= 0 ? DOMO_OK : domo_fail(x->d, DOMO_FAILED,
	    "cannot make a file in '%s' to spool in: %s; set TMPDIR",
	    spool_directory(), strerror(errno));
}

/* The proven file to the output, which still never looks complete before
 * its end: this process can be killed. */
static enum domo_result
copy_spool(struct export *x, int fd)
{
	char block[PIECE_MAX];
	struct held out;
	ssize_t n;
	int rc = 0;

	if (lseek(x->spool, 0, SEEK_SET) != 0)
		return domo_fail(x->d, DOMO_FAILED,
		    "cannot read the spool file: %s", strerror(errno));
	held_init(&out, fd);
	while (rc == 0 && (n = io_read_full(x->spool, block,
	    sizeof(block))) != 0) {
		if (n < 0) {
			held_free(&out);
			return domo_fail(x->d, DOMO_FAILED,
			    "cannot read the spool file: %s", strerror(errno));
		}
		rc = held_write(&out, block, (size_t)n);
	}
	if (rc == 0)
		rc = held_release(&out);
	if (rc != 0)
		domo_fail(x->d, DOMO_FAILED, "cannot write the output: %s",
		    strerror(errno));
	held_free(&out);
	return rc == 0 ? DOMO_OK : DOMO_FAILED;
}

/* --- the whole --- */

static enum domo_result
write_failed(struct export *x)
{
	if (x->spool < 0)
		return domo_fail(x->d, DOMO_FAILED,
		    "cannot write the output: %s", strerror(x->write_errno));
	return domo_fail(x->d, DOMO_FAILED, "cannot write the spool file in "
	    "'%s': %s; set TMPDIR to a directory with more room, or do "
	    "without --spool", spool_directory(), strerror(x->write_errno));
}

static enum domo_result
attempts(struct export *x, int fd)
{
	struct retry schedule = domo_schedule(x->d);
	enum domo_result res;
	bool left;
	long after;

	do {
		after = -1;
		res = plan(x, schedule.done > 0);
		if (res == DOMO_OK)
			res = attempt(x, fd, &after);
		left = x->spool < 0 && x->out.bytes > 0;
		if (res == DOMO_AGAIN && !left)
			msg_info("%s", domo_why(x->d));
	} while (res == DOMO_AGAIN && !left && retry_wait(&schedule, after));
	msg_progress_end();
	if (x->write_errno != 0)
		return write_failed(x);
	if (res == DOMO_OK && x->spool >= 0)
		res = copy_spool(x, fd);
	return res;
}

enum domo_result
domo_export_run(struct domo *d, const struct domo_meta *before,
    const struct domo_export_opt *o, int fd)
{
	struct export x = {.d = d, .before = before, .opt = o, .spool = -1};
	enum domo_result res = DOMO_OK;

	buf_init(&x.head, HEAD_MAX);
	x.piece = mem_alloc(PIECE_MAX + 1);
	x.id = mem_dup(before->id);
	x.wanted = msg_progress_wanted();
	if (o->spool)
		res = open_spool(&x);
	if (res == DOMO_OK)
		res = attempts(&x, fd);
	if (x.spool >= 0)
		close(x.spool);
	held_free(&x.out);
	jsonrows_release(&x.json);
	buf_release(&x.head);
	free(x.piece);
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
	size_t i;

	res = domo_select_make(d, &o->select, m, &p);
	if (res == DOMO_OK && (p.sql != NULL ||
	    o->count != DOMO_EXPORT_COUNT_ROWS))
		res = expect(d, m, o, &p, &rows);
	if (res == DOMO_OK) {
		m->rows = rows;
		if (p.sql != NULL)
			m->columns = (int64_t)p.ncolumns;
		for (i = 0; i < m->ncolumns; i++) {
			free(m->column[i].name);
			free(m->column[i].type);
		}
		free(m->column);
		m->column = p.column;
		m->ncolumns = p.ncolumns;
		p.column = NULL;
		p.ncolumns = 0;
	}
	domo_select_release(&p);
	return res;
}
