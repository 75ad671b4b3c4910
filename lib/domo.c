/*
 * Domo's public API: login and one request at a time.
 */
#include "config.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "buf.h"
#include "cfg.h"
#include "domo.h"
#include "domo_refusal.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "num.h"

#define WHY_MAX 2048		/* a line for people */
#define TOKEN_MAX (64 * 1024)	/* a JWT; far above any header limit */
#define LIFE_MAX (366 * 86400)	/* seconds; no token is good for longer */
#define RENEW_EARLY 60		/* seconds before the token ends */
#define RENEW_EARLY_MS(life) \
	((life) > 10 * RENEW_EARLY ? RENEW_EARLY * 1000LL : (life) * 100LL)

struct domo {
	struct http *http;
	char *base;		/* URL without a slash at its end */
	char *login;		/* "Authorization: Basic ..." */
	char *bearer;		/* "Authorization: bearer ..."; NULL: none */
	long long renew_at;	/* io_now_ms() when to get a new one */
	int64_t idle_timeout, tries;
	bool gzip;
	int reader;		/* > 0: domo_watch() */
	struct buf why;
};

const char *
domo_why(const struct domo *d)
{
	return d->why.data;
}

const char *
domo_url(const struct domo *d)
{
	return d->base;
}

enum domo_result
domo_fail(struct domo *d, enum domo_result result, const char *fmt, ...)
{
	char text[WHY_MAX];
	va_list ap;

	/* Not straight into `why`: it may be an argument. */
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_reset(&d->why);
	buf_adds(&d->why, text);
	return result;
}

struct retry
domo_schedule(const struct domo *d)
{
	struct retry r = {.tries = (int)d->tries, .base = 1.0, .cap = 60.0};

	return r;
}

void
domo_forget(struct domo *d)
{
	mem_wipe_str(d->bearer);
	d->bearer = NULL;
}

/* "Authorization: Basic base64(id:secret)". */
static char *
basic(const char *id, const char *secret)
{
	char *pair = mem_fmt("%s:%s", id, secret), *code, *line;
	size_t n = strlen(pair);

	code = mem_alloc((n + 2) / 3 * 4 + 1);
	EVP_EncodeBlock((unsigned char *)code, (unsigned char *)pair, (int)n);
	line = mem_fmt("Authorization: Basic %s", code);
	mem_wipe_str(pair);
	mem_wipe_str(code);
	return line;
}

static int
read_idle_timeout(struct cfg *c, int64_t *out)
{
	const char *s;

	if (cfg_get(c, "domo_idle_timeout", &s) != 0)
		return -1;
	if (s != NULL && num_seconds(s, 1, 86400, out) != 0)
		return msg_error("cannot use '%s' as 'domo_idle_timeout': not "
		    "a time from 1s to 1d", s);
	return 0;
}

int
domo_open(struct cfg *c, struct domo **out)
{
	const char *url, *host, *id, *secret, *cacert;
	struct domo *d;
	int64_t idle = 300, tries = 6;
	bool gzip = true;
	size_t n;

	if (cfg_need(c, "domo_api_url", &url) != 0 ||
	    cfg_need(c, "domo_client_id", &id) != 0 ||
	    cfg_need(c, "domo_client_secret", &secret) != 0 ||
	    cfg_get(c, "domo_cacert", &cacert) != 0 ||
	    cfg_int(c, "domo_tries", 1, 100, &tries) != 0 ||
	    cfg_bool(c, "domo_gzip", &gzip) != 0 ||
	    read_idle_timeout(c, &idle) != 0)
		return -1;
	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
		return msg_error("cannot use '%s' as 'domo_api_url': it does "
		    "not begin with https://", url);
	host = strstr(url, "://") + 3;
	n = strcspn(host, "/?#");
	if (n == 0)
		return msg_error("cannot use '%s' as 'domo_api_url': there is "
		    "no host in it", url);
	/* It stands in messages. */
	if (memchr(host, '@', n) != NULL)
		return msg_error("cannot use 'domo_api_url': there is an @ in "
		    "its host, but a user or a password has no place there; "
		    "set domo_client_id and domo_client_secret");
	if (cacert != NULL && access(cacert, R_OK) != 0)
		return msg_errno("cannot read '%s', the file of 'domo_cacert'",
		    cacert);
	d = mem_zero(1, sizeof(*d));
	d->http = http_new(cacert);
	for (n = strlen(url); n > 0 && url[n - 1] == '/'; n--)
		;
	d->base = mem_ndup(url, n);
	d->login = basic(id, secret);
	d->idle_timeout = idle;
	d->tries = tries;
	d->gzip = gzip;
	buf_init(&d->why, WHY_MAX);
	*out = d;
	return 0;
}

void
domo_watch(struct domo *d, int reader)
{
	d->reader = reader;
}

void
domo_free(struct domo *d)
{
	if (d == NULL)
		return;
	http_free(d->http);
	free(d->base);
	mem_wipe_str(d->login);
	mem_wipe_str(d->bearer);
	buf_release(&d->why);
	free(d);
}

/* Set why from a reply that is not what was asked for. */
static enum domo_result
refused(struct domo *d, struct http_reply *r, const char *prefix,
    const char *hint)
{
	char *text = domo_refusal_text(r, r->body.data, r->body.len);
	enum domo_result res = domo_refusal_passes(r->status) ?
	    DOMO_AGAIN : DOMO_FAILED;

	domo_fail(d, res, "%s%s%s", prefix, text,
	    res == DOMO_FAILED ? hint : "");
	free(text);
	return res;
}

/* JSON that stops short, which HTTP can not tell if the answer had neither a
 * length nor chunks. */
static bool
is_cut(const struct http_reply *r)
{
	const char *p = r->body.data + strspn(r->body.data, " \t\r\n");
	json_error_t e;
	json_t *j = json_loadb(r->body.data, r->body.len, 0, &e);

	json_decref(j);
	return j == NULL && (*p == '\0' || *p == '{' || *p == '[') &&
	    (size_t)e.position >= r->body.len;
}

/* A reply that should be JSON. An error can come as 200: then status becomes
 * what it stands for. */
static enum domo_result
look_at_json(struct domo *d, struct http_reply *r)
{
	int status;

	if (r->status != 200)
		return DOMO_OK;
	if (is_cut(r))
		return domo_fail(d, DOMO_AGAIN, "the answer is cut (%s)",
		    d->base);
	if (domo_refusal_is_page(r->body.data))
		return refused(d, r, "", DOMO_REFUSAL_PAGE_HINT);
	status = domo_refusal_status(r->body.data, r->body.len);
	if (status >= 400)
		r->status = status;
	return DOMO_OK;
}

/* One exchange as http_do() has it, its failure in words. */
static enum domo_result
exchange(struct domo *d, const struct domo_request *q, const char *auth,
    const char *type, struct http_reply *r, long *after)
{
	char *url = mem_fmt("%s%s", d->base, q->path);
	char *accept = mem_fmt("Accept: %s",
	    q->accept != NULL ? q->accept : "application/json");
	const char *header[] = {auth, accept, type, NULL};
	struct http_request h = {.method = q->method, .url = url,
		.header = header, .body = q->json,
		.body_len = q->json != NULL ? strlen(q->json) : 0,
		.has_body = q->json != NULL, .sink = q->sink,
		.sink_arg = q->sink_arg, .gunzip = d->gzip,
		.idle_timeout = (long)d->idle_timeout, .reader = d->reader};
	enum domo_result res = DOMO_OK;

	*after = -1;
	msg_debug("%s %s", q->method, url);
	switch (http_do(d->http, &h, r)) {
	case HTTP_OK:
		*after = http_retry_after(r);
		if (q->sink == NULL)
			res = look_at_json(d, r);
		break;
	case HTTP_STOPPED:
		break;
	case HTTP_UNREAD:
		res = domo_fail(d, DOMO_FAILED,
		    "nobody reads the output any more");
		break;
	case HTTP_AGAIN:
		res = domo_fail(d, DOMO_AGAIN, "%s (%s)", r->error, d->base);
		break;
	case HTTP_FAILED:
		res = domo_fail(d, DOMO_FAILED, "%s (%s)", r->error, d->base);
		break;
	}
	free(url);
	free(accept);
	return res;
}

/* Take the token out of the login's answer. */
static enum domo_result
take_token(struct domo *d, struct http_reply *r)
{
	json_t *j = json_loadb(r->body.data, r->body.len, 0, NULL);
	const char *token = json_string_value(json_object_get(j,
	    "access_token"));
	json_int_t life = json_integer_value(json_object_get(j, "expires_in"));

	if (token == NULL || *token == '\0' || strlen(token) > TOKEN_MAX ||
	    strpbrk(token, "\r\n") != NULL) {
		/* Of JSON a message is told; there may be a token in any
		 * other text. */
		if (j == NULL)
			buf_reset(&r->body);
		json_decref(j);
		return refused(d, r, "the login's answer holds no token: ",
		    "; is domo_api_url right?");
	}
	mem_wipe_str(d->bearer);
	d->bearer = mem_fmt("Authorization: bearer %s", token);
	OPENSSL_cleanse((char *)(uintptr_t)token, strlen(token));
	json_decref(j);
	if (life <= 0 || life > LIFE_MAX)
		life = 300;	/* not told: Domo's usual hour is not promised */
	d->renew_at = io_now_ms() + life * 1000 - RENEW_EARLY_MS(life);
	return DOMO_OK;
}

static enum domo_result
login(struct domo *d, struct http_reply *r, long *after)
{
	static const struct domo_request q = {.method = "POST",
		.path = "/oauth/token",
		.json = "grant_type=client_credentials&scope=data"};
	enum domo_result res;

	domo_forget(d);
	res = exchange(d, &q, d->login,
	    "Content-Type: application/x-www-form-urlencoded", r, after);
	if (res != DOMO_OK)
		return res;
	if (r->status == 401 || r->status == 403 || r->status == 400)
		return refused(d, r, "the login was refused: ",
		    "; check domo_client_id and domo_client_secret, and "
		    "that the client has the scope Data");
	if (r->status != 200)
		return refused(d, r, "the login failed: ",
		    "; is domo_api_url right?");
	return take_token(d, r);
}

/* Was the token refused? 406 is what Domo's server makes of a 401 that it
 * can not write as CSV (domo-java-sdk, issues 10, 11, 15). */
static bool
token_refused(const struct http_reply *r)
{
	return r->status == 401 || r->status == 406;
}

enum domo_result
domo_try(struct domo *d, const struct domo_request *q, struct http_reply *r,
    long *after)
{
	enum domo_result res;
	int refusals = 0;

	for (;;) {
		if (d->bearer == NULL || io_now_ms() >= d->renew_at) {
			res = login(d, r, after);
			if (res != DOMO_OK)
				return res;
		}
		res = exchange(d, q, d->bearer, q->json != NULL ?
		    "Content-Type: application/json" : NULL, r, after);
		if (res != DOMO_OK || r->status == 200)
			return res;
		if (!token_refused(r))
			return refused(d, r, "", r->status == 404 ?
			    "; is the id right, and may this client see it?" :
			    "");
		domo_forget(d);
		if (++refusals > 1)
			return refused(d, r, "a new token was refused: ", "");
	}
}

enum domo_result
domo_ask(struct domo *d, const struct domo_request *q, struct http_reply *r)
{
	struct retry schedule = domo_schedule(d);
	enum domo_result res;
	long after;

	do {
		res = domo_try(d, q, r, &after);
		if (res == DOMO_AGAIN)
			msg_info("%s", domo_why(d));
	} while (res == DOMO_AGAIN && retry_wait(&schedule, after));
	return res;
}
