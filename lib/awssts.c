/*
 * Two calls of STS: AssumeRoleWithWebIdentity, which is not signed, for its
 * token is the proof; and AssumeRole, which is.
 */
#include "config.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "awscreds.h"
#include "awssts.h"
#include "buf.h"
#include "http.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "retry.h"
#include "sigv4.h"
#include "xml.h"

#define TOKEN_MAX (64 * 1024)	/* AWS takes 20,000 bytes */
#define TYPE "application/x-www-form-urlencoded; charset=utf-8"

/* Where to ask; freed by the caller. */
static char *
endpoint(const char *region)
{
	const char *url = aws_env("AWS_ENDPOINT_URL_STS");
	size_t n;

	if (url == NULL)
		url = aws_env("AWS_ENDPOINT_URL");
	if (url == NULL)
		return mem_fmt("https://sts.%s.amazonaws.com%s", region,
		    strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
	for (n = strlen(url); n > 0 && url[n - 1] == '/'; n--)
		;
	return mem_ndup(url, n);
}

/* The form that is sent, NULL having said why; wiped by the caller. */
static char *
form(const struct awssts_role *role)
{
	struct sigv4_pair p[6] = {{"Version", "2011-06-15"},
	    {"RoleArn", role->arn}, {"RoleSessionName",
	    role->session != NULL ? role->session : PACKAGE_NAME}};
	size_t n = 3;
	struct buf token;
	char *text = NULL;
	int rc = 0;

	buf_init(&token, TOKEN_MAX);
	if (role->token_file != NULL) {
		rc = io_slurp_file(role->token_file, &token, false);
		while (token.len > 0 && token.data[token.len - 1] == '\n')
			token.data[--token.len] = '\0';
		p[n++] = (struct sigv4_pair){"Action",
		    "AssumeRoleWithWebIdentity"};
		p[n++] = (struct sigv4_pair){"WebIdentityToken", token.data};
	} else {
		p[n++] = (struct sigv4_pair){"Action", "AssumeRole"};
		if (role->external_id != NULL)
			p[n++] = (struct sigv4_pair){"ExternalId",
			    role->external_id};
	}
	if (rc == 0)
		text = sigv4_query(p, n);
	buf_wipe(&token);
	return text;
}

struct lines {
	char *line[5];		/* "Name: value", NULL at the end */
	size_t n;
};

static void
add_line(struct lines *l, const char *name, const char *value)
{
	l->line[l->n++] = mem_fmt("%s: %s", name, value);
}

static void
lines_release(struct lines *l)
{
	while (l->n > 0)
		mem_wipe_str(l->line[--l->n]);
}

/* The headers of a signed call. */
static void
sign(const char *url, const char *body, const char *region,
    const struct aws_creds *by, struct lines *l)
{
	const char *host = strstr(url, "://");
	char hash[65], date[17], *name, *auth;
	struct sigv4_pair h[3];
	struct sigv4_request r = {.method = "POST", .path = "/", .query = "",
	    .header = h, .nheader = 2, .payload = hash};
	struct sigv4_key key = {by->access_key, by->secret_key, region,
	    "sts"};
	time_t now = time(NULL);

	host = host != NULL ? host + 3 : url;
	name = mem_ndup(host, strcspn(host, "/"));
	sigv4_date(now, date);
	sigv4_sha256(body, strlen(body), hash);
	h[0] = (struct sigv4_pair){"Host", name};
	h[1] = (struct sigv4_pair){"X-Amz-Date", date};
	add_line(l, "X-Amz-Date", date);
	if (by->session_token != NULL) {
		h[r.nheader++] = (struct sigv4_pair){"X-Amz-Security-Token",
		    by->session_token};
		add_line(l, "X-Amz-Security-Token", by->session_token);
	}
	auth = sigv4_sign(&r, &key, now);
	add_line(l, "Authorization", auth);
	free(auth);
	free(name);
}

static bool
passes(enum http_result res, const struct http_reply *r)
{
	return res == HTTP_AGAIN || (res == HTTP_OK && (r->status >= 500 ||
	    r->status == 429));
}

static enum fate
refused(const struct awssts_role *role, const char *url, enum http_result res,
    const struct http_reply *r)
{
	const char *at = r->body.data;
	char *code = xml_text(&at, "Code");
	char *message = xml_text(&at, "Message");

	if (res != HTTP_OK)
		msg_error("cannot assume the role '%s' at '%s': %s",
		    role->arn, url, r->error);
	else
		msg_error("cannot assume the role '%s': %d %s: %s; check the "
		    "role and its trust policy", role->arn, r->status,
		    code != NULL ? code : "", message != NULL ? message :
		    "STS does not say why");
	free(code);
	free(message);
	return passes(res, r) ? FATE_AGAIN : FATE_FAILED;
}

enum fate
awssts_assume(const char *region, const struct awssts_role *role,
    const struct aws_creds *by, struct aws_creds *out)
{
	struct retry retry = {.tries = 3, .base = 1, .cap = 5};
	char *base = endpoint(region), *url = mem_fmt("%s/", base);
	char *body = form(role), *from;
	struct http *h = http_new(aws_env("AWS_CA_BUNDLE"));
	struct lines l = {.n = 0};
	struct http_request q = {.method = "POST", .url = url,
	    .header = (const char *const *)l.line, .body = body,
	    .has_body = true, .total_timeout = 30};
	struct http_reply r;
	enum http_result res;
	enum fate f = FATE_CONFIG;

	http_reply_init(&r);
	if (body == NULL)
		goto out;
	q.body_len = strlen(body);
	do {
		lines_release(&l);
		memset(&l, 0, sizeof(l));
		add_line(&l, "Content-Type", TYPE);
		if (role->token_file == NULL)
			sign(url, body, region, by, &l);
		res = http_do(h, &q, &r);
	} while (passes(res, &r) && retry_wait(&retry, http_retry_after(&r)));
	from = mem_fmt("role '%s'", role->arn);
	f = res == HTTP_OK && r.status == 200 ?
	    awscreds_xml(r.body.data, from, out) :
	    refused(role, url, res, &r);
	free(from);
out:
	OPENSSL_cleanse(r.body.data, r.body.len);
	http_reply_release(&r);
	lines_release(&l);
	http_free(h);
	mem_wipe_str(body);
	free(url);
	free(base);
	return f;
}
