/*
 * The body of an export's or a query's answer, as CSV to the output.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "domo_body.h"
#include "domo_head.h"
#include "domo_refusal.h"
#include "io.h"
#include "mem.h"
#include "msg.h"

#define HEAD_MAX (4 * 1024 * 1024)	/* a header; 1,600 long names fit */
#define PAGE_MAX (64 * 1024)		/* of an error page, to be told from */
#define PIECE_MAX (64 * 1024)		/* filtered at a time */
#define SHOW_MS 250			/* between two progress lines */

/* Where the answer is. */
enum {
	HEAD,		/* in the first record, of which nothing has left */
	BODY,		/* behind it */
	BAD		/* it is not what was asked for at all */
};

/* --- on the way out --- */

static void
show(struct domo_body *x)
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
put(struct domo_body *x, const char *p, size_t n)
{
	if (held_write(&x->out, p, n) != 0) {
		x->write_errno = errno;
		return -1;
	}
	if (x->progress)
		show(x);
	return 0;
}

/* The same, without the marks before formulas. */
static int
filter(struct domo_body *x, const char *p, size_t n)
{
	size_t k;

	if (!x->unescape)
		return put(x, p, n);
	for (; n > 0; p += k, n -= k) {
		k = n < PIECE_MAX ? n : PIECE_MAX;
		if (put(x, x->piece, unformula_feed(&x->unformula, p, k,
		    x->piece)) != 0)
			return -1;
	}
	return 0;
}

int
domo_body_put_header(struct domo_body *x)
{
	struct buf b;
	int rc;

	buf_init(&b, HEAD_MAX);
	rc = domo_head_put(&b, x->column, x->ncolumns);
	if (rc == 0)
		rc = put(x, b.data, b.len);
	else
		x->write_errno = E2BIG;
	buf_release(&b);
	x->place = BODY;
	x->fields = x->ncolumns;
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
keep_page(struct domo_body *x, const char *p, size_t n)
{
	size_t room = x->head.len < PAGE_MAX ? PAGE_MAX - x->head.len : 0;

	buf_add(&x->head, p, n < room ? n : room);
	return n < room ? 0 : -1;
}

/* The first record is there (or all there is): is it the header? Then it may
 * go, with what came behind it. */
static int
leave_head(struct domo_body *x)
{
	size_t bom = x->head.len >= 3 &&
	    memcmp(x->head.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	const char *p = x->head.data + bom;
	size_t n = x->head.len - bom, end;
	struct rows r = {0};

	for (end = 0; end < n && r.ended == 0; end++)
		rows_feed(&r, p + end, 1);
	if (!domo_head_matches(p, end, x->column, x->ncolumns)) {
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
on_csv(struct domo_body *x, struct http_reply *r, const char *p, size_t n)
{
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

/* The name of the first column that is not the one asked for, NULL if there
 * is none. An answer without names is believed. */
static const char *
wrong_column(const struct domo_body *x)
{
	const char *name = x->json.columns.data;
	size_t i;

	for (i = 0; i < x->json.ncolumns; i++) {
		if (i >= x->ncolumns ||
		    strcasecmp(name, x->column[i].name) != 0)
			return name;
		name += strlen(name) + 1;
	}
	return NULL;
}

/* For jsonrows: CSV that may leave, if the header fits. */
static int
on_rows(void *arg, const char *p, size_t n)
{
	struct domo_body *x = arg;

	x->wrong_column = wrong_column(x);
	if (x->wrong_column != NULL)
		return -1;
	if (x->place == HEAD && domo_body_put_header(x) != 0)
		return -1;
	return put(x, p, n);
}

static int
on_query(struct domo_body *x, struct http_reply *r, const char *p, size_t n)
{
	if (x->head.len == 0 && (r->status != 200 || *p == '<'))
		x->place = BAD;
	if (x->place == BAD)
		return keep_page(x, p, n);
	if (x->place == HEAD)
		keep_page(x, p, n);
	return jsonrows_feed(&x->json, p, n);
}

int
domo_body_sink(void *arg, struct http_reply *r, const char *p, size_t n)
{
	struct domo_body *x = arg;

	return x->query ? on_query(x, r, p, n) : on_csv(x, r, p, n);
}

/* --- the end --- */

/* Text, but not the header that must come first. */
static bool
is_text(const struct domo_body *x, struct http_reply *r)
{
	const char *p = x->head.data;

	p += strspn(p, " \t\r\n");
	return is_csv(r) && *p != '\0' && *p != '<' && *p != '{';
}

/* What came in place of an export. */
static enum domo_result
refused(struct domo_body *x, struct domo *d, struct http_reply *r)
{
	int status = domo_refusal_status(x->head.data, x->head.len);
	bool passes = domo_refusal_passes(status) ||
	    (status == 401 && !x->token_refused);
	const char *type;
	char *text;

	if (status == 401) {	/* a new one, once */
		x->token_refused = true;
		domo_forget(d);
	}
	if (is_csv(r) && x->head.len > 2 &&
	    memcmp(x->head.data, "\x1f\x8b", 2) == 0)
		return domo_fail(d, DOMO_FAILED, "it is compressed (gzip) "
		    "though that was not asked for; leave out --no-gzip");
	if (is_text(x, r))
		return domo_fail(d, x->head_rows.ended > 0 ? DOMO_FAILED :
		    DOMO_AGAIN, "its first line does not "
		    "have the names of the %zu columns in the schema, so it "
		    "is no header: '%.*s'", x->ncolumns,
		    (int)strcspn(x->head.data, "\r\n"), x->head.data);
	text = domo_refusal_text(r, x->head.data, x->head.len);
	type = http_header(r, "Content-Type");
	domo_fail(d, DOMO_FAILED,
	    "the answer is no export (type %s): %s%s", type != NULL ? type :
	    "none", text, type != NULL && strstr(type, "html") != NULL ?
	    DOMO_REFUSAL_PAGE_HINT : "");
	free(text);
	return passes ? DOMO_AGAIN : DOMO_FAILED;
}

/* The answer to a query: its last rows, or what is wrong with it. */
static enum domo_result
end_query(struct domo_body *x, struct domo *d, struct http_reply *r)
{
	const char *fault;

	if (x->place != BAD && jsonrows_fault(&x->json) == NULL)
		jsonrows_end(&x->json);
	fault = jsonrows_fault(&x->json);
	x->num_rows = x->json.num_rows;
	if (x->write_errno != 0)
		return DOMO_FAILED;
	if (x->place == BAD || (fault != NULL && x->place == HEAD &&
	    domo_refusal_status(x->head.data, x->head.len) != 0))
		return refused(x, d, r);
	if (fault != NULL)
		return domo_fail(d, DOMO_AGAIN, "the answer to the query is "
		    "broken after %llu rows: %s",
		    (unsigned long long)x->json.rows, fault);
	if (x->wrong_column == NULL)
		x->wrong_column = wrong_column(x);
	if (x->wrong_column != NULL)
		return domo_fail(d, DOMO_FAILED, "the answer to the query has "
		    "a column '%s' that was not asked for there",
		    x->wrong_column);
	if (x->place == HEAD)
		domo_body_put_header(x);
	return x->write_errno == 0 ? DOMO_OK : DOMO_FAILED;
}

static enum domo_result
end_csv(struct domo_body *x, struct domo *d, struct http_reply *r)
{
	char last;

	if (x->place == HEAD && x->head.len > 0)
		leave_head(x);
	if (x->unescape && unformula_end(&x->unformula, &last) == 1)
		put(x, &last, 1);
	if (x->write_errno != 0)
		return DOMO_FAILED;
	if (x->place == HEAD)
		return domo_fail(d, DOMO_AGAIN, "the answer is empty");
	return x->place == BODY ? DOMO_OK : refused(x, d, r);
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
check_end(struct domo_body *x, struct domo *d, struct http_reply *r)
{
	const struct rows *s = &x->out.rows;

	if (s->in_quotes)
		return domo_fail(d, DOMO_AGAIN, "it is cut: it ends inside a "
		    "quoted field, after %llu bytes",
		    (unsigned long long)x->out.bytes);
	if (s->open && s->delims + 1 != x->fields)
		return domo_fail(d, DOMO_AGAIN, "it is cut: its last record "
		    "has %llu of %llu fields",
		    (unsigned long long)s->delims + 1,
		    (unsigned long long)x->fields);
	if (s->open)
		msg_info("the export does not end in a newline, so nothing "
		    "proves that its last field is whole");
	if (!is_framed(r) && (s->open || x->expected < 0))
		return domo_fail(d, DOMO_AGAIN, "the answer tells neither its "
		    "length nor its end, so it may be cut");
	return DOMO_OK;
}

enum domo_result
domo_body_end(struct domo_body *x, struct domo *d, struct http_reply *r)
{
	enum domo_result res;

	res = x->query ? end_query(x, d, r) : end_csv(x, d, r);
	return res == DOMO_OK && !x->query ? check_end(x, d, r) : res;
}

/* --- its life --- */

void
domo_body_init(struct domo_body *x)
{
	memset(x, 0, sizeof(*x));
	buf_init(&x->head, HEAD_MAX);
	x->piece = mem_alloc(PIECE_MAX + 1);
	x->expected = x->num_rows = -1;
}

void
domo_body_start(struct domo_body *x, int fd)
{
	held_free(&x->out);
	held_init(&x->out, fd);
	x->place = HEAD;
	x->fields = 0;
	x->num_rows = -1;
	x->write_errno = 0;
	x->wrong_column = NULL;
	buf_reset(&x->head);
	memset(&x->head_rows, 0, sizeof(x->head_rows));
	memset(&x->unformula, 0, sizeof(x->unformula));
	jsonrows_release(&x->json);
	jsonrows_init(&x->json, x->ncolumns, on_rows, x);
	x->began = x->shown = io_now_ms();
}

void
domo_body_release(struct domo_body *x)
{
	held_free(&x->out);
	jsonrows_release(&x->json);
	buf_release(&x->head);
	free(x->piece);
	x->piece = NULL;
}

bool
domo_body_is_empty(const struct domo_body *x)
{
	return x->place == HEAD && x->head.len == 0 && x->out.bytes == 0;
}
