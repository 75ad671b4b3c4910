/*
 * One HTTP exchange by libcurl. The callbacks end the exchange on trouble,
 * never shorten it: a read error must not look like the end of a body.
 */
#include "config.h"

#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <zlib.h>

#include "http.h"
#include "io.h"
#include "mem.h"
#include "msg.h"

#define HEAD_MAX (256 * 1024)	/* a reply's headers; servers allow some 64 kB */
#define ANSWER_MS 10000	/* S3 answers a small PUT within seconds */
/* A JSON answer: metadata with some 80,000 policies. Grows as it is needed. */
#define BODY_MAX (16 * 1024 * 1024)
#define ROOM_BYTES (64 * 1024)	/* decompressed at a time */

struct http {
	CURL *curl;
	char *cacert;
};

/* One exchange in flight, for the callbacks. */
struct exchange {
	CURL *curl;
	const struct http_request *req;
	struct http_reply *rep;
	size_t sent;
	long long give_up_at;		/* after a stop; 0: none yet */
	bool stopped, unread;
	bool head_ended;	/* its empty line came */
	bool too_long;		/* for reply->body */
	z_stream z;
	char *room;		/* NULL: the body is not compressed */
	bool inside;		/* a gzip member that has not ended */
	bool broken;		/* what came is no gzip */
};

static void
global_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct http *
http_new(const char *cacert)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http *h = mem_zero(1, sizeof(*h));

	pthread_once(&once, global_init);
	h->curl = curl_easy_init();
	if (h->curl == NULL) {
		msg_error("cannot start libcurl");
		abort();
	}
	h->cacert = mem_dup(cacert);
	return h;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	curl_easy_cleanup(h->curl);
	free(h->cacert);
	free(h);
}

void
http_reply_init(struct http_reply *r)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->head, HEAD_MAX);
	buf_init(&r->body, BODY_MAX);
	buf_init(&r->value, HEAD_MAX);
}

void
http_reply_release(struct http_reply *r)
{
	buf_wipe(&r->head);	/* a reply may hold a token */
	buf_wipe(&r->body);
	buf_wipe(&r->value);
	memset(r, 0, sizeof(*r));
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;

	n *= size;
	/* A status line begins a new head: "100 Continue" came before, or a
	 * proxy's answer to CONNECT. */
	if (n > 5 && memcmp(p, "HTTP/", 5) == 0) {
		buf_reset(&x->rep->head);
		x->head_ended = false;
	} else if (n > 0 && (*p == '\r' || *p == '\n')) {
		x->head_ended = true;
	}
	return buf_add(&x->rep->head, p, n) == 0 ? n : 0;
}

/* Bytes of the body as the caller wants them. */
static int
deliver(struct exchange *x, const char *p, size_t n)
{
	struct http_reply *r = x->rep;
	bool good = r->status >= 200 && r->status < 300;
	size_t room = BODY_MAX - r->body.len;

	r->received += n;
	if (x->req->sink != NULL && good) {
		x->stopped = x->req->sink(x->req->sink_arg, r, p, n) != 0;
		return x->stopped ? -1 : 0;
	}
	buf_add(&r->body, p, n < room ? n : room);
	x->too_long = good && n > room;
	return x->too_long ? -1 : 0;
}

/* libcurl can undo gzip too, but it takes a stream that stops short, without
 * the check sum at its end, for a whole one (7.88). */
static int
expand(struct exchange *x, const char *p, size_t n)
{
	int rc;

	x->z.next_in = (Bytef *)(uintptr_t)p;
	x->z.avail_in = (uInt)n;
	do {
		if (!x->inside) {	/* the next member, if there is one */
			if (x->z.avail_in == 0)
				return 0;
			inflateReset(&x->z);
			x->inside = true;
		}
		x->z.next_out = (Bytef *)x->room;
		x->z.avail_out = ROOM_BYTES;
		rc = inflate(&x->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END)
			x->inside = false;
		else if (rc != Z_OK && rc != Z_BUF_ERROR)
			x->broken = true;
		if (x->broken || (x->z.avail_out < ROOM_BYTES && deliver(x,
		    x->room, ROOM_BYTES - x->z.avail_out) != 0))
			return -1;
	} while (x->z.avail_in > 0 || x->z.avail_out == 0);
	return 0;
}

/* The body begins: is it compressed, as was offered? */
static void
begin_body(struct exchange *x)
{
	const char *v = http_header(x->rep, "Content-Encoding");

	if (!x->req->gunzip || v == NULL ||
	    (strcasecmp(v, "gzip") != 0 && strcasecmp(v, "x-gzip") != 0))
		return;
	if (inflateInit2(&x->z, 15 + 16) != Z_OK)
		abort();
	x->room = mem_alloc(ROOM_BYTES);
	x->inside = true;
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	long status = 0;
	int rc;

	n *= size;
	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	x->rep->status = (int)status;
	if (x->rep->received == 0 && x->room == NULL)
		begin_body(x);
	rc = x->room != NULL ? expand(x, p, n) : deliver(x, p, n);
	return rc == 0 ? n : 0;
}

/* What is wrong with an answer that libcurl takes for whole; NULL: nothing.
 * It does not see that a head ends before its empty line. */
static const char *
flaw(const struct exchange *x)
{
	return !x->head_ended ? "the answer breaks off in its head" :
	    x->broken ? "the compressed answer is broken" :
	    x->inside ? "the compressed answer is cut" : NULL;
}

static size_t
on_send(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	size_t left = x->req->body_len - x->sent;

	n *= size;
	if (n > left)
		n = left;
	if (n > 0)
		memcpy(p, (const char *)x->req->body + x->sent, n);
	x->sent += n;
	return n;
}

/* libcurl sends a body again after a lost kept-alive connection. */
static int
on_seek(void *arg, curl_off_t offset, int origin)
{
	struct exchange *x = arg;

	if (origin != SEEK_SET || offset < 0 ||
	    (size_t)offset > x->req->body_len)
		return CURL_SEEKFUNC_FAIL;
	x->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* Has the last reader of a pipe gone? */
static bool
deserted(int fd)
{
	struct pollfd p = {.fd = fd, .events = 0};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

/*
 * Asked to stop when the whole body is on its way: the server will act on it
 * whatever becomes of us, so its answer is awaited for a while. Else nobody
 * would know that what was sent is there, and to be removed.
 */
static bool
awaits_answer(struct exchange *x)
{
	long long now = io_now_ms();

	if (!x->req->has_body || x->req->body_len == 0 ||
	    x->sent < x->req->body_len)
		return false;
	if (x->give_up_at == 0)
		x->give_up_at = now + ANSWER_MS;
	return now < x->give_up_at;
}

/* libcurl asks at least once a second. */
static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct exchange *x = arg;

	(void)a, (void)b, (void)c, (void)d;
	if (x->req->stop != NULL && atomic_load(x->req->stop))
		x->stopped = !awaits_answer(x);
	else if (x->req->reader > 0 && deserted(x->req->reader))
		x->unread = true;
	return x->stopped || x->unread;
}

static struct curl_slist *
header_list(const struct http_request *q)
{
	struct curl_slist *list = NULL, *next;
	size_t i;

	for (i = 0; q->header != NULL && q->header[i] != NULL; i++) {
		next = curl_slist_append(list, q->header[i]);
		if (next == NULL)
			abort();
		list = next;
	}
	if (q->gunzip) {
		next = curl_slist_append(list, "Accept-Encoding: gzip");
		if (next == NULL)
			abort();
		list = next;
	}
	return list;
}

static void
free_headers(struct curl_slist *list)
{
	struct curl_slist *l;

	for (l = list; l != NULL; l = l->next)
		explicit_bzero(l->data, strlen(l->data));	/* tokens */
	curl_slist_free_all(list);
}

static void
set_method(CURL *c, const struct http_request *q)
{
	if (strcmp(q->method, "HEAD") == 0)
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	else if (strcmp(q->method, "GET") != 0)
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, q->method);
	if (!q->has_body)
		return;
	/* A POST is an upload too: one way to send a body, with a known
	 * length and no type that libcurl would add. */
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body_len);
}

static void
set_options(struct http *h, struct exchange *x, struct curl_slist *headers)
{
	const struct http_request *q = x->req;
	CURL *c = h->curl;

	curl_easy_reset(c);	/* keeps the connections */
	curl_easy_setopt(c, CURLOPT_URL, q->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_USERAGENT,
	    PACKAGE_NAME "/" PACKAGE_VERSION);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->rep->error);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, on_send);
	curl_easy_setopt(c, CURLOPT_READDATA, x);
	curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(c, CURLOPT_SEEKDATA, x);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 256L * 1024);
	curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT,
	    q->connect_timeout > 0 ? q->connect_timeout : 30L);
	if (q->direct)
		curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_TIMEOUT, q->total_timeout);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME,
	    q->idle_timeout > 0 ? q->idle_timeout : 300L);
	if (q->stop != NULL || q->reader > 0) {
		curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
		curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
	}
	if (h->cacert != NULL) {
		curl_easy_setopt(c, CURLOPT_CAINFO, h->cacert);
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	}
	set_method(c, q);
}

/* Which failures may pass: the network's, not the request's. */
static bool
may_pass(CURLcode rc)
{
	switch (rc) {
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_PARTIAL_FILE:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_AGAIN:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return true;
	default:
		return false;
	}
}

/* The result, and why, of an exchange that ended so for libcurl. */
static enum http_result
judge(const struct exchange *x, CURLcode rc)
{
	bool whole = rc == CURLE_OK || x->broken;
	const char *why = whole ? flaw(x) : NULL;
	enum http_result res = may_pass(rc) ? HTTP_AGAIN : HTTP_FAILED;

	if (x->stopped)
		return HTTP_STOPPED;
	if (x->unread)
		return HTTP_UNREAD;
	if (whole)
		res = why == NULL ? HTTP_OK : HTTP_AGAIN;
	else if (x->too_long)
		why = "the answer is longer than 16 MiB";
	else if (x->rep->error[0] == '\0')
		why = curl_easy_strerror(rc);
	if (why != NULL)
		snprintf(x->rep->error, sizeof(x->rep->error), "%s", why);
	return res;
}

enum http_result
http_do(struct http *h, const struct http_request *q, struct http_reply *r)
{
	struct exchange x = {.curl = h->curl, .req = q, .rep = r};
	struct curl_slist *headers = header_list(q);
	long status = 0;
	CURLcode rc;

	buf_reset(&r->head);
	buf_reset(&r->body);
	r->status = 0;
	r->received = 0;
	r->error[0] = '\0';
	set_options(h, &x, headers);
	rc = curl_easy_perform(h->curl);
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	r->status = (int)status;
	/* It pointed into *r, which the next exchange need not share. */
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, NULL);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	free_headers(headers);
	if (x.room != NULL) {
		inflateEnd(&x.z);
		explicit_bzero(x.room, ROOM_BYTES);	/* tokens */
		free(x.room);
	}
	return judge(&x, rc);
}

const char *
http_header(struct http_reply *r, const char *name)
{
	const char *line = r->head.data, *end, *p;
	size_t n = strlen(name);

	for (; *line != '\0'; line = *end != '\0' ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		p = line + n + 1;
		p += strspn(p, " \t");
		buf_reset(&r->value);
		buf_add(&r->value, p, (size_t)(end - p));
		while (r->value.len > 0 &&
		    strchr(" \t\r", r->value.data[r->value.len - 1]) != NULL)
			r->value.data[--r->value.len] = '\0';
		return r->value.data;
	}
	return NULL;
}

long
http_retry_after(struct http_reply *r)
{
	const char *v = http_header(r, "Retry-After");
	char *end;
	time_t at;
	long n;

	if (v == NULL)
		return -1;
	n = strtol(v, &end, 10);
	if (end != v && *end == '\0')
		return n >= 0 ? n : -1;
	at = curl_getdate(v, NULL);
	if (at == (time_t)-1)
		return -1;
	n = (long)(at - time(NULL));
	return n > 0 ? n : 0;
}

char *
http_escape(const char *s, bool keep_slash)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-._~";
	char *out = mem_alloc(strlen(s) * 3 + 1), *o = out;

	for (; *s != '\0'; s++) {
		if (strchr(plain, *s) != NULL || (*s == '/' && keep_slash)) {
			*o++ = *s;
			continue;
		}
		*o++ = '%';
		*o++ = hex[(unsigned char)*s >> 4];
		*o++ = hex[(unsigned char)*s & 15];
	}
	*o = '\0';
	return out;
}
