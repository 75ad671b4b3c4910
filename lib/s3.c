/*
 * S3's operations on objects, each as one or a few requests. How a request
 * is signed and repeated is s3req.c's.
 */
#include "config.h"

#include <openssl/evp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg.h"
#include "mem.h"
#include "msg.h"
#include "num.h"
#include "s3req.h"
#include "xml.h"

/* 1,000 keys of at most 1,024 bytes, each byte as "&#xHH;" at worst. */
#define DELETE_BODY_MAX (8 * 1024 * 1024)

/* scheme://host[:port][/base], without what has no place in it. */
static int
set_endpoint(struct s3 *s, const char *url)
{
	bool tls = strncmp(url, "https://", 8) == 0;
	const char *p, *host_end;
	size_t n;

	if (!tls && strncmp(url, "http://", 7) != 0)
		return -1;
	s->scheme = mem_dup(tls ? "https" : "http");
	p = url + (tls ? 8 : 7);
	n = strcspn(p, "/");
	host_end = p + n;
	if (n == 0 || strcspn(url, "?#@ \\\"") != strlen(url))
		return -1;
	/* libcurl leaves a default port out of the Host header. */
	if (tls && n > 4 && strncmp(host_end - 4, ":443", 4) == 0)
		n -= 4;
	if (!tls && n > 3 && strncmp(host_end - 3, ":80", 3) == 0)
		n -= 3;
	s->host = mem_ndup(p, n);
	n = strlen(host_end);
	while (n > 0 && host_end[n - 1] == '/')
		n--;
	s->base = mem_ndup(host_end, n);
	return 0;
}

/* A key whose value must be one of these words (NULL at the end). The
 * word's place in *at, which stays when the key is not set. */
static int
get_word(struct cfg *cfg, const char *key, const char *const *words, int *at)
{
	const char *v;
	char *origin, *list;
	int i;

	if (cfg_get(cfg, key, &v) != 0)
		return -1;
	if (v == NULL)
		return 0;
	for (i = 0; words[i] != NULL; i++) {
		if (strcmp(v, words[i]) == 0) {
			*at = i;
			return 0;
		}
	}
	origin = cfg_origin(cfg, key);
	list = mem_dup(words[0]);
	for (i = 1; words[i] != NULL; i++) {
		char *more = mem_fmt("%s or %s", list, words[i]);

		free(list);
		list = more;
	}
	msg_error("cannot use '%s' as '%s' (%s): it is one of %s", v, key,
	    origin, list);
	free(origin);
	free(list);
	return -1;
}

static int
get_copy(struct cfg *cfg, const char *key, char **out)
{
	const char *v;

	if (cfg_get(cfg, key, &v) != 0)
		return -1;
	*out = mem_dup(v);
	return 0;
}

/* Nothing that is sent in a header may break it. */
static int
check_header(const char *what, const char *v)
{
	if (v != NULL && v[strcspn(v, "\r\n\t ")] != '\0')
		return msg_error("cannot use '%s': it has a blank or a "
		    "newline in it", what);
	return 0;
}

static int
get_encryption(struct cfg *cfg, struct s3 *s)
{
	static const char *const kinds[] = {"AES256", "aws:kms",
		"aws:kms:dsse", NULL};
	int at = -1;

	if (get_word(cfg, "s3_encryption", kinds, &at) != 0 ||
	    get_copy(cfg, "s3_kms_key", &s->kms_key) != 0)
		return -1;
	if (s->kms_key != NULL && at < 1)
		return msg_error("cannot use 's3_kms_key' without "
		    "s3_encryption = aws:kms");
	s->encryption = at >= 0 ? mem_dup(kinds[at]) : NULL;
	return check_header("s3_kms_key", s->kms_key);
}

static int
get_settings(struct cfg *cfg, struct s3 *s)
{
	static const char *const styles[] = {"auto", "path", "virtual", NULL};
	static const char *const payloads[] = {"signed", "unsigned", NULL};
	const char *url;
	int64_t tries = 10;
	int style = S3REQ_AUTO, payload = 0;

	if (cfg_get(cfg, "s3_endpoint_url", &url) != 0)
		return -1;
	if (url != NULL && set_endpoint(s, url) != 0)
		return msg_error("cannot use '%s' as 's3_endpoint_url': it "
		    "is http[s]://HOST[:PORT]", url);
	if (get_word(cfg, "s3_addressing", styles, &style) != 0 ||
	    get_word(cfg, "s3_payload", payloads, &payload) != 0 ||
	    get_copy(cfg, "s3_cacert", &s->cacert) != 0 ||
	    get_copy(cfg, "s3_acl", &s->acl) != 0 ||
	    get_copy(cfg, "s3_bucket_owner", &s->owner) != 0 ||
	    cfg_int(cfg, "s3_attempts", 1, 100, &tries) != 0)
		return -1;
	/* Often set for the whole machine: an account's own outranks it. */
	if (s->cacert == NULL)
		s->cacert = mem_dup(aws_env("AWS_CA_BUNDLE"));
	s->style = style;
	s->unsigned_payload = payload == 1;
	s->tries = (int)tries;
	return check_header("s3_acl", s->acl) != 0 ||
	    check_header("s3_bucket_owner", s->owner) != 0 ? -1 : 0;
}

enum fate
s3_open(struct cfg *cfg, struct s3 **out)
{
	struct s3 *s = mem_zero(1, sizeof(*s));
	enum fate fate;

	s->cfg = cfg;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->turn, NULL);
	if (get_settings(cfg, s) != 0 || get_encryption(cfg, s) != 0) {
		s3_free(s);
		return FATE_CONFIG;
	}
	fate = aws_region(cfg, &s->region);
	if (fate == FATE_OK)
		fate = aws_creds_get(cfg, &s->creds);
	if (fate == FATE_OK && (check_header("region", s->region) != 0 ||
	    check_header("aws_access_key", s->creds.access_key) != 0 ||
	    check_header("aws_session_token", s->creds.session_token) != 0))
		fate = FATE_CONFIG;
	if (fate != FATE_OK) {
		s3_free(s);
		return fate;
	}
	msg_debug("AWS credentials: %s; region %s", s->creds.source,
	    s->region);
	*out = s;
	return FATE_OK;
}

void
s3_free(struct s3 *s)
{
	if (s == NULL)
		return;
	aws_creds_release(&s->creds);
	free(s->scheme);
	free(s->host);
	free(s->base);
	free(s->cacert);
	free(s->encryption);
	free(s->kms_key);
	free(s->acl);
	free(s->owner);
	free(s->region);
	pthread_cond_destroy(&s->turn);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct http *
s3_http(struct s3 *s)
{
	return http_new(s->cacert);
}

void
s3_stop_when(struct s3 *s, const atomic_bool *stop)
{
	s->stop = stop;
}

void
s3_parallel(struct s3 *s, int n)
{
	s->limit = s->most = n;
}

const char *
s3_region(struct s3 *s)
{
	return s->region;
}

const char *
s3_source(struct s3 *s)
{
	return s->creds.source;
}

unsigned long
s3_slowed(struct s3 *s)
{
	unsigned long n;

	pthread_mutex_lock(&s->lock);
	n = s->slowed;
	pthread_mutex_unlock(&s->lock);
	return n;
}

enum fate
s3_put(struct s3 *s, struct http *h, struct s3_object *o)
{
	struct s3req q = {.verb = "put", .method = "PUT",
	    .bucket = o->bucket, .key = o->key, .body = o->body,
	    .len = o->len, .has_body = true};
	struct http_reply r;
	enum fate fate;

	if ((int64_t)o->len > S3_PUT_MAX) {
		msg_error("cannot put 's3://%s/%s': %zu bytes are more than "
		    "one object may have", o->bucket, o->key, o->len);
		return FATE_FAILED;
	}
	s3req_object(s, &q, o);
	http_reply_init(&r);
	fate = s3req_do(s, h, &q, &r);
	o->unsure = fate != FATE_OK && q.unsure;
	http_reply_release(&r);
	return fate;
}

enum fate
s3_head(struct s3 *s, struct http *h, const char *bucket, const char *key,
    int64_t *size)
{
	struct s3req q = {.verb = "look at", .method = "HEAD",
	    .bucket = bucket, .key = key, .missing_ok = true,
	    .denied_ok = true};
	struct http_reply r;
	const char *v;
	enum fate fate;

	s3req_owner(s, &q);
	http_reply_init(&r);
	fate = s3req_do(s, h, &q, &r);
	if (fate == FATE_OK) {
		*size = r.status == 404 ? -1 : -2;
		v = http_header(&r, "Content-Length");
		if (r.status < 300 && (v == NULL ||
		    num_parse(v, 0, INT64_MAX, size) != 0))
			*size = -2;
	}
	http_reply_release(&r);
	return fate;
}

enum fate
s3_get(struct s3 *s, struct http *h, const char *bucket, const char *key,
    s3_sink *sink, void *arg, uint64_t *size)
{
	struct s3req q = {.verb = "get", .method = "GET", .bucket = bucket,
	    .key = key, .sink = sink, .sink_arg = arg};
	struct http_reply r;
	enum fate fate;

	s3req_owner(s, &q);
	http_reply_init(&r);
	fate = s3req_do(s, h, &q, &r);
	http_reply_release(&r);
	*size = q.got;
	return fate;
}

/* Text for XML; a key may hold any character. */
static int
add_text(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (strchr("&<>\"'", *s) != NULL || (unsigned char)*s < 0x20) {
			if (buf_addf(b, "&#x%x;", (unsigned)*s) != 0)
				return -1;
		} else if (buf_addc(b, *s) != 0) {
			return -1;
		}
	}
	return 0;
}

/* The answer is 200 even if single keys could not be deleted. */
static enum fate
check_deleted(const char *bucket, const char *xml)
{
	const char *at = xml;
	char *one, *code, *message, *key;
	const char *in;
	size_t failed = 0;

	while ((one = xml_text(&at, "Error")) != NULL) {
		in = one;
		key = xml_text(&in, "Key");
		in = one;
		code = xml_text(&in, "Code");
		in = one;
		message = xml_text(&in, "Message");
		if (code == NULL || strcmp(code, "NoSuchKey") != 0)
			if (failed++ == 0)
				msg_error("cannot delete 's3://%s/%s': "
				    "%s: %s", bucket, key != NULL ? key : "",
				    code != NULL ? code : "no reason",
				    message != NULL ? message : "");
		free(key);
		free(code);
		free(message);
		free(one);
	}
	return failed == 0 ? FATE_OK : FATE_FAILED;
}

static enum fate
delete_batch(struct s3 *s, struct http *h, const char *bucket,
    const char *const *key, size_t n)
{
	static const struct sigv4_pair query = {"delete", NULL};
	struct s3req q = {.verb = "delete objects of", .method = "POST",
	    .bucket = bucket, .query = &query, .nquery = 1,
	    .has_body = true};
	unsigned char md5[EVP_MAX_MD_SIZE];
	char sum[EVP_MAX_MD_SIZE * 2];
	struct http_reply r;
	struct buf b;
	enum fate fate = FATE_FAILED;
	size_t i, len;
	int rc;

	buf_init(&b, DELETE_BODY_MAX);
	http_reply_init(&r);
	rc = buf_adds(&b, "<Delete><Quiet>true</Quiet>");
	for (i = 0; i < n && rc == 0; i++)
		rc = buf_adds(&b, "<Object><Key>") != 0 ||
		    add_text(&b, key[i]) != 0 ||
		    buf_adds(&b, "</Key></Object>") != 0;
	if (rc != 0 || buf_adds(&b, "</Delete>") != 0) {
		msg_error("cannot delete objects of 's3://%s': their keys "
		    "are too long", bucket);
		goto out;
	}
	EVP_Q_digest(NULL, "MD5", NULL, b.data, b.len, md5, &len);
	EVP_EncodeBlock((unsigned char *)sum, md5, (int)len);
	s3req_header(&q, "Content-MD5", sum);
	s3req_header(&q, "Content-Type", "application/xml");
	s3req_owner(s, &q);
	q.body = b.data;
	q.len = b.len;
	fate = s3req_do(s, h, &q, &r);
	if (fate == FATE_OK)
		fate = check_deleted(bucket, r.body.data);
out:
	http_reply_release(&r);
	buf_release(&b);
	return fate;
}

enum fate
s3_delete(struct s3 *s, struct http *h, const char *bucket,
    const char *const *key, size_t n)
{
	enum fate fate = FATE_OK, one;
	size_t i, k;

	for (i = 0; i < n; i += k) {
		k = n - i < S3_DELETE_MAX ? n - i : S3_DELETE_MAX;
		one = delete_batch(s, h, bucket, key + i, k);
		if (one != FATE_OK)
			fate = one;
		if (one == FATE_STOPPED)
			break;
	}
	return fate;
}

/* "%41" as "A", in place: S3 encodes keys in lists if it is asked to,
 * because XML cannot hold all of them. */
static void
unescape(char *s)
{
	char *o = s, hex[3] = "", *end;
	long c;

	for (; *s != '\0'; s++) {
		if (*s == '%' && s[1] != '\0' && s[2] != '\0') {
			memcpy(hex, s + 1, 2);
			c = strtol(hex, &end, 16);
			if (*end == '\0' && c > 0) {
				*o++ = (char)c;
				s += 2;
				continue;
			}
		}
		*o++ = *s == '+' ? ' ' : *s;
	}
	*o = '\0';
}

/* One page's keys. */
static int
each_key(const char *xml, s3_each *each, void *arg)
{
	char *one, *key, *text;
	const char *in;
	int64_t size;
	int rc = 0;

	while (rc == 0 && (one = xml_text(&xml, "Contents")) != NULL) {
		in = one;
		key = xml_text(&in, "Key");
		in = one;
		text = xml_text(&in, "Size");
		size = -1;
		if (text != NULL)
			num_parse(text, 0, INT64_MAX, &size);
		if (key != NULL) {
			unescape(key);
			rc = each(arg, key, size);
		}
		free(key);
		free(text);
		free(one);
	}
	return rc;
}

enum fate
s3_list(struct s3 *s, struct http *h, const char *bucket, const char *prefix,
    s3_each *each, void *arg)
{
	struct sigv4_pair query[4] = {{"list-type", "2"},
		{"encoding-type", "url"}, {"prefix", prefix},
		{"continuation-token", NULL}};
	struct http_reply r;
	const char *at;
	char *token = NULL;
	enum fate fate;

	http_reply_init(&r);
	do {
		struct s3req q = {.verb = "list", .method = "GET",
		    .bucket = bucket, .query = query,
		    .nquery = token != NULL ? 4 : 3};

		query[3].value = token;
		s3req_owner(s, &q);
		fate = s3req_do(s, h, &q, &r);
		free(token);
		token = NULL;
		if (fate != FATE_OK)
			break;
		if (each_key(r.body.data, each, arg) != 0) {
			fate = FATE_FAILED;
			break;
		}
		at = r.body.data;
		token = xml_text(&at, "NextContinuationToken");
	} while (token != NULL);
	http_reply_release(&r);
	return fate;
}
