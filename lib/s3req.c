/*
 * One S3 request: address, signature, repetition, error. S3 tells by its
 * answers what was wrong with our clock, our region or our speed; that is
 * learned here, once for all threads.
 */
#include "config.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "mem.h"
#include "msg.h"
#include "num.h"
#include "retry.h"
#include "s3req.h"
#include "xml.h"

/* Until the server has answered once, it may not be there at all. */
#define TRIES_FIRST 4

/* What one attempt is made of; all freed after it. */
struct attempt {
	char *url, *host, *path, *query;
	char *region, *access, *secret, *token;
	char date[17], range[64];
	char *auth;
	char *line[S3REQ_HEADERS + 10];
	size_t nlines;
	time_t at;
};

/* What the error document and the headers tell. */
struct verdict {
	char *code, *message, *id, *region;
};

enum advice {RETRY_NO, RETRY_PAUSE, RETRY_SLOW, RETRY_NOW};

void
s3req_header(struct s3req *q, const char *name, const char *value)
{
	if (q->nheader == S3REQ_HEADERS)
		abort();
	q->header[q->nheader].name = name;
	q->header[q->nheader++].value = value;
}

void
s3req_owner(const struct s3 *s, struct s3req *q)
{
	if (s->owner != NULL)
		s3req_header(q, "x-amz-expected-bucket-owner", s->owner);
}

void
s3req_object(const struct s3 *s, struct s3req *q, const struct s3_object *o)
{
	s3req_header(q, "Content-Type", o->type);
	if (o->tags != NULL)
		s3req_header(q, "x-amz-tagging", o->tags);
	if (s->encryption != NULL)
		s3req_header(q, "x-amz-server-side-encryption",
		    s->encryption);
	if (s->kms_key != NULL)
		s3req_header(q, "x-amz-server-side-encryption-aws-kms-key-id",
		    s->kms_key);
	if (s->acl != NULL)
		s3req_header(q, "x-amz-acl", s->acl);
	s3req_owner(s, q);
}

/* May the bucket's name stand in a host name? A wildcard certificate covers
 * one label only, so over TLS it must have no dot. */
static bool
fits_host(const char *bucket, bool tls)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	return bucket[strspn(bucket, plain)] == '\0' ||
	    (!tls && bucket[strspn(bucket, plain) + 1] != '\0' &&
	    strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-.") ==
	    strlen(bucket));
}

static void
address(const struct s3 *s, const struct s3req *q, struct attempt *a)
{
	const char *scheme = s->scheme != NULL ? s->scheme : "https";
	char *host, *key;
	bool virtual;

	if (s->host != NULL)
		host = mem_dup(s->host);
	else
		host = mem_fmt("s3.%s.amazonaws.com%s", a->region,
		    strncmp(a->region, "cn-", 3) == 0 ? ".cn" : "");
	virtual = s->style == S3REQ_VIRTUAL || (s->style == S3REQ_AUTO &&
	    s->host == NULL && fits_host(q->bucket,
	    strcmp(scheme, "https") == 0));
	key = http_escape(q->key != NULL ? q->key : "", true);
	a->host = virtual ? mem_fmt("%s.%s", q->bucket, host) : mem_dup(host);
	a->path = virtual ? mem_fmt("%s/%s", s->base != NULL ? s->base : "",
	    key) : mem_fmt("%s/%s/%s", s->base != NULL ? s->base : "",
	    q->bucket, key);
	a->query = sigv4_query(q->query, q->nquery);
	a->url = mem_fmt("%s://%s%s%s%s", scheme, a->host, a->path,
	    *a->query != '\0' ? "?" : "", a->query);
	free(key);
	free(host);
}

/*
 * What proves the body to S3: its SHA-256 in the signature, or, where TLS
 * guards it and the user has said so, a CRC in a header of its own.
 */
static void
prove_body(const struct s3 *s, struct s3req *q, char hash[65], char sum[16])
{
	unsigned char crc[4];
	uLong c;

	if (!q->has_body || !s->unsigned_payload ||
	    (s->scheme != NULL && strcmp(s->scheme, "https") != 0)) {
		sigv4_sha256(q->body, q->has_body ? q->len : 0, hash);
		return;
	}
	strcpy(hash, "UNSIGNED-PAYLOAD");
	c = crc32_z(0, q->body, q->len);
	crc[0] = (unsigned char)(c >> 24);
	crc[1] = (unsigned char)(c >> 16);
	crc[2] = (unsigned char)(c >> 8);
	crc[3] = (unsigned char)c;
	EVP_EncodeBlock((unsigned char *)sum, crc, sizeof(crc));
	s3req_header(q, "x-amz-checksum-crc32", sum);
}

/* A copy of what is known now: another thread may learn more meanwhile. */
static void
snapshot(struct s3 *s, struct attempt *a)
{
	pthread_mutex_lock(&s->lock);
	a->region = mem_dup(s->region);
	a->access = mem_dup(s->creds.access_key);
	a->secret = mem_dup(s->creds.secret_key);
	a->token = mem_dup(s->creds.session_token);
	a->at = time(NULL) + s->skew;
	pthread_mutex_unlock(&s->lock);
}

/* Sign all of our own headers, and write them as lines. Expect, and what
 * proxies change, is never among them. */
static void
sign(const struct s3req *q, struct attempt *a, const char *payload)
{
	struct sigv4_pair h[S3REQ_HEADERS + 8];
	struct sigv4_request r = {.method = q->method, .path = a->path,
	    .query = a->query, .header = h, .payload = payload};
	struct sigv4_key key = {a->access, a->secret, a->region, "s3"};
	size_t n = q->nheader, i;

	memcpy(h, q->header, n * sizeof(h[0]));
	sigv4_date(a->at, a->date);
	h[n++] = (struct sigv4_pair){"Host", a->host};
	h[n++] = (struct sigv4_pair){"x-amz-date", a->date};
	h[n++] = (struct sigv4_pair){"x-amz-content-sha256", payload};
	if (a->token != NULL)
		h[n++] = (struct sigv4_pair){"x-amz-security-token", a->token};
	if (q->got > 0) {
		snprintf(a->range, sizeof(a->range), "bytes=%llu-",
		    (unsigned long long)q->got);
		h[n++] = (struct sigv4_pair){"Range", a->range};
		h[n++] = (struct sigv4_pair){"If-Match", q->etag};
	}
	r.nheader = n;
	a->auth = sigv4_sign(&r, &key, a->at);
	for (i = 0; i < n; i++)
		a->line[i] = mem_fmt("%s: %s", h[i].name, h[i].value);
	a->line[n++] = mem_fmt("Authorization: %s", a->auth);
	a->nlines = n;
}

static void
attempt_release(struct attempt *a)
{
	size_t i;

	for (i = 0; i < a->nlines; i++)
		mem_wipe_str(a->line[i]);
	mem_wipe_str(a->secret);
	mem_wipe_str(a->token);
	free(a->access);
	free(a->auth);
	free(a->region);
	free(a->url);
	free(a->host);
	free(a->path);
	free(a->query);
	memset(a, 0, sizeof(*a));
}

/* The body of a GET, from where it was cut. */
static int
on_body(void *arg, struct http_reply *r, const char *p, size_t n)
{
	struct s3req *q = arg;
	const char *v;
	uint64_t before = r->received - n, skip;

	if (before == 0 && q->got == 0) {
		v = http_header(r, "ETag");
		if (v != NULL && strlen(v) < sizeof(q->etag))
			memcpy(q->etag, v, strlen(v) + 1);
	}
	/* A server that knows no Range sends all of it again. */
	if (r->status == 200 && before < q->got) {
		skip = q->got - before < n ? q->got - before : n;
		p += skip;
		n -= skip;
	}
	q->got += n;
	return n == 0 ? 0 : q->sink(q->sink_arg, p, n);
}

/* Without a body there is no call of the sink, and no word of its size. */
static void
note_size(struct s3req *q, struct http_reply *r)
{
	const char *v = http_header(r, "Content-Length");
	int64_t n;

	if (q->sink != NULL && r->status == 200 && v != NULL &&
	    num_parse(v, 0, INT64_MAX, &n) == 0)
		q->size = (uint64_t)n;
}

static enum http_result
perform(struct s3 *s, struct http *h, struct s3req *q, struct attempt *a,
    struct http_reply *r)
{
	struct http_request hr = {.method = q->method, .url = a->url,
	    .header = (const char *const *)a->line, .body = q->body,
	    .body_len = q->len, .has_body = q->has_body,
	    .idle_timeout = 60, .stop = q->to_the_end ? NULL : s->stop};
	enum http_result rc;

	if (q->sink != NULL) {
		hr.sink = on_body;
		hr.sink_arg = q;
	}
	rc = http_do(h, &hr, r);
	note_size(q, r);
	return rc;
}

static void
read_verdict(struct http_reply *r, struct verdict *v)
{
	const char *at, *p;

	at = r->body.data;
	v->code = xml_text(&at, "Code");
	at = r->body.data;
	v->message = xml_text(&at, "Message");
	at = r->body.data;
	v->region = xml_text(&at, "Region");
	p = http_header(r, "x-amz-bucket-region");
	if (p != NULL) {
		free(v->region);
		v->region = mem_dup(p);
	}
	p = http_header(r, "x-amz-request-id");
	v->id = mem_dup(p);
}

static void
verdict_release(struct verdict *v)
{
	free(v->code);
	free(v->message);
	free(v->id);
	free(v->region);
	memset(v, 0, sizeof(*v));
}

static bool
code_is(const struct verdict *v, const char *const *codes)
{
	for (; v->code != NULL && *codes != NULL; codes++)
		if (strcmp(v->code, *codes) == 0)
			return true;
	return false;
}

/* The bucket lives elsewhere: go there from now on. A name of a region that
 * could be part of an address is all that is taken from an answer. */
static bool
learn_region(struct s3 *s, const struct attempt *a, const struct verdict *v)
{
	bool news;

	if (v->region == NULL || *v->region == '\0' ||
	    v->region[strspn(v->region, "abcdefghijklmnopqrstuvwxyz"
	    "0123456789-")] != '\0' || strcmp(v->region, a->region) == 0)
		return false;
	pthread_mutex_lock(&s->lock);
	news = strcmp(s->region, v->region) != 0;
	if (news) {
		free(s->region);
		s->region = mem_dup(v->region);
	}
	pthread_mutex_unlock(&s->lock);
	if (news)
		msg_info("the bucket is in region '%s', not in '%s'; set "
		    "region = %s to save a request", v->region, a->region,
		    v->region);
	return true;
}

static bool
learn_time(struct s3 *s, struct http_reply *r)
{
	const char *p = http_header(r, "Date");
	time_t at = p != NULL ? curl_getdate(p, NULL) : (time_t)-1;

	if (at == (time_t)-1)
		return false;
	pthread_mutex_lock(&s->lock);
	s->skew = at - time(NULL);
	pthread_mutex_unlock(&s->lock);
	msg_info("this computer's clock differs from S3's by %ld s; going by "
	    "theirs", (long)s->skew);
	return true;
}

/* New credentials, if there are any; then the old ones are gone. */
static bool
learn_keys(struct s3 *s, const struct attempt *a)
{
	struct aws_creds c;
	bool news = true;

	pthread_mutex_lock(&s->lock);
	if (s->creds.session_token != NULL && a->token != NULL &&
	    strcmp(s->creds.session_token, a->token) == 0) {
		news = false;
		if (aws_creds_get(s->cfg, &c) == FATE_OK) {
			news = c.session_token == NULL ||
			    strcmp(c.session_token, a->token) != 0;
			aws_creds_release(&s->creds);
			s->creds = c;
		} else {
			aws_creds_release(&c);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return news;
}

/* What to do about an answer that is no success. `once` holds what was
 * tried already for this request. */
struct once {
	bool region, time, keys;
};

/* A request's attempts. */
struct run {
	struct attempt a;	/* the last one */
	struct verdict v;	/* and its answer, if it was no success */
	enum advice advice;
	bool said;		/* the sink has said why */
	struct once once;
	struct retry t;
	uint64_t before;	/* q->got at the last pause */
	const char *payload;
};

static enum advice
advise(struct s3 *s, const struct attempt *a, struct http_reply *r,
    const struct verdict *v, struct once *once)
{
	static const char *const slow[] = {"SlowDown", "Throttling",
		"ThrottlingException", "ThrottledException",
		"RequestThrottled", "RequestLimitExceeded",
		"BandwidthLimitExceeded", "TooManyRequests", NULL};
	static const char *const pass[] = {"RequestTimeout",
		"RequestTimeoutException", "PriorRequestNotComplete",
		"InternalError", "BadDigest", "XAmzContentSHA256Mismatch",
		"OperationAborted", "ConditionalRequestConflict", NULL};
	static const char *const skew[] = {"RequestTimeTooSkewed", NULL};
	static const char *const old[] = {"ExpiredToken", NULL};

	if (code_is(v, slow) || r->status == 429 || r->status == 503 ||
	    r->status == 509)
		return RETRY_SLOW;
	if (code_is(v, pass) || r->status == 500 || r->status == 502 ||
	    r->status == 504 || r->status == 408)
		return RETRY_PAUSE;
	if (code_is(v, skew) && !once->time) {
		once->time = true;
		return learn_time(s, r) ? RETRY_NOW : RETRY_NO;
	}
	if (code_is(v, old) && !once->keys) {
		once->keys = true;
		return learn_keys(s, a) ? RETRY_NOW : RETRY_NO;
	}
	if (!once->region && (r->status == 301 || r->status == 307 ||
	    r->status == 400 || r->status == 403)) {
		once->region = learn_region(s, a, v);
		return once->region ? RETRY_NOW : RETRY_NO;
	}
	return RETRY_NO;
}

static const char *
hint(const struct verdict *v)
{
	static const struct {const char *code, *text;} hints[] = {
		{"NoSuchBucket", "; look at the key 'bucket'"},
		{"InvalidAccessKeyId", "; look at the key 'aws_access_key'"},
		{"SignatureDoesNotMatch",
			"; look at the key 'aws_secret_key'"},
		{"AuthorizationHeaderMalformed", "; look at the key 'region'"},
		{"PermanentRedirect", "; look at the key 'region'"},
		{"ExpiredToken", "; get new credentials"},
		{"InvalidToken", "; look at the key 'aws_session_token'"},
		{"RequestTimeTooSkewed", "; set this computer's clock"},
	};
	size_t i;

	for (i = 0; v->code != NULL && i < sizeof(hints) / sizeof(hints[0]);
	    i++)
		if (strcmp(v->code, hints[i].code) == 0)
			return hints[i].text;
	return "";
}

/* The one line about a request that failed for good. */
static void
complain(const struct s3req *q, const struct attempt *a,
    struct http_reply *r, const struct verdict *v, int tries)
{
	char *name = q->key != NULL ?
	    mem_fmt("s3://%s/%s", q->bucket, q->key) :
	    mem_fmt("s3://%s", q->bucket);
	char *after = tries > 1 ? mem_fmt(" (after %d attempts)", tries) :
	    mem_dup("");

	if (r->status == 0 || r->error[0] != '\0')
		msg_error("cannot %s '%s' at '%s': %s%s", q->verb, name,
		    a->host, r->error, after);
	else
		msg_error("cannot %s '%s': %d%s%s%s%.300s%s%s%s%s%s", q->verb,
		    name, r->status, v->code != NULL ? " " : "",
		    v->code != NULL ? v->code : "",
		    v->message != NULL ? ": " : "",
		    v->message != NULL ? v->message : "",
		    v->id != NULL ? " (request " : "",
		    v->id != NULL ? v->id : "", v->id != NULL ? ")" : "",
		    after, hint(v));
	free(name);
	free(after);
}

static bool
stopped(const struct s3 *s)
{
	return s->stop != NULL && atomic_load(s->stop);
}

/* A pause that ends early when all is to end. */
static bool
pause_for(struct s3 *s, struct retry *t, long after)
{
	double left = retry_pause(t, after);
	struct timespec ts;

	if (left < 0)
		return false;
	for (; left > 0 && !stopped(s); left -= 0.1) {
		ts.tv_sec = 0;
		ts.tv_nsec = (long)((left < 0.1 ? left : 0.1) * 1e9);
		nanosleep(&ts, NULL);
	}
	return true;
}

/* PUTs take turns: fewer at a time after "slow down", one more after each
 * round of successes. */
static void
take_turn(struct s3 *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->limit > 0 && s->running >= s->limit)
		pthread_cond_wait(&s->turn, &s->lock);
	s->running++;
	pthread_mutex_unlock(&s->lock);
}

static void
end_turn(struct s3 *s, bool slow)
{
	pthread_mutex_lock(&s->lock);
	s->running--;
	if (slow) {
		s->slowed++;
		s->good = 0;
		if (s->limit > 1)
			s->limit /= 2;
	} else if (++s->good >= 4 * s->limit && s->limit < s->most) {
		s->good = 0;
		s->limit++;
	}
	pthread_cond_broadcast(&s->turn);
	pthread_mutex_unlock(&s->lock);
}

static bool
is_answer(const struct s3req *q, const struct http_reply *r)
{
	if (r->status >= 200 && r->status < 300)
		return !q->late_error || strstr(r->body.data, "<Error>") == NULL;
	return (r->status == 404 && q->missing_ok) ||
	    (r->status == 403 && q->denied_ok);
}

/* One attempt and what follows from it: FATE_OK, FATE_AGAIN (with advice),
 * FATE_FAILED (not said yet), FATE_STOPPED. */
static enum fate
try_once(struct s3 *s, struct http *h, struct s3req *q,
    struct http_reply *r, struct run *x)
{
	enum http_result rc;

	verdict_release(&x->v);
	attempt_release(&x->a);
	x->advice = RETRY_NO;
	x->said = false;
	snapshot(s, &x->a);
	address(s, q, &x->a);
	sign(q, &x->a, x->payload);
	rc = perform(s, h, q, &x->a, r);
	if (rc != HTTP_OK && rc != HTTP_FAILED)
		q->unsure = true;
	/* An answer that came counts, though all is to stop: what is stored
	 * has to be known. */
	if (stopped(s) && rc != HTTP_OK)
		return FATE_STOPPED;
	if (rc == HTTP_STOPPED) {
		x->said = true;
		return FATE_FAILED;
	}
	if (rc == HTTP_FAILED)
		return FATE_FAILED;
	if (rc == HTTP_AGAIN) {
		x->advice = RETRY_PAUSE;
		return FATE_AGAIN;
	}
	atomic_store(&s->answered, true);
	if (is_answer(q, r) && r->status != 403)
		return FATE_OK;
	if (r->status >= 500)
		q->unsure = true;
	read_verdict(r, &x->v);
	x->advice = advise(s, &x->a, r, &x->v, &x->once);
	if (x->advice != RETRY_NO)
		return FATE_AGAIN;
	return is_answer(q, r) ? FATE_OK : FATE_FAILED;
}

static void
tell_retry(const struct s3req *q, const struct http_reply *r,
    const struct run *x)
{
	msg_info("cannot %s 's3://%s/%s' yet: %d %s", q->verb, q->bucket,
	    q->key != NULL ? q->key : "", r->status,
	    x->v.code != NULL ? x->v.code : r->error);
}

/* Whether the attempts go on after one that may be tried again. */
static bool
goes_on(struct s3 *s, struct s3req *q, struct http_reply *r, struct run *x)
{
	bool slow = x->advice == RETRY_SLOW;

	if (x->advice == RETRY_NOW)
		return true;
	if (q->got > x->before)		/* it gets on, though in pieces */
		x->t.done = 0;
	x->before = q->got;
	x->t.tries = atomic_load(&s->answered) || s->tries < TRIES_FIRST ?
	    s->tries : TRIES_FIRST;
	x->t.base = slow ? 1.0 : 0.25;
	tell_retry(q, r, x);
	return pause_for(s, &x->t, http_retry_after(r));
}

enum fate
s3req_do(struct s3 *s, struct http *h, struct s3req *q, struct http_reply *r)
{
	struct run x = {.t = {.cap = 20.0}, .before = q->got};
	bool turns = strcmp(q->method, "PUT") == 0;
	char hash[65], sum[16];
	enum fate fate;

	x.payload = hash;
	prove_body(s, q, hash, sum);
	do {
		if (turns)
			take_turn(s);
		fate = try_once(s, h, q, r, &x);
		if (turns)
			end_turn(s, x.advice == RETRY_SLOW);
	} while (fate == FATE_AGAIN && goes_on(s, q, r, &x));
	if (fate != FATE_OK && stopped(s))
		fate = FATE_STOPPED;
	else if (fate != FATE_OK && !x.said)
		complain(q, &x.a, r, &x.v, x.t.done + (fate != FATE_AGAIN));
	verdict_release(&x.v);
	attempt_release(&x.a);
	return fate;
}
