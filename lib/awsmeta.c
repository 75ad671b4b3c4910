/*
 * The two endpoints that give a machine its credentials. Requests go to them
 * directly, past any proxy: what they answer is a secret.
 */
#include "config.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "awscreds.h"
#include "awsmeta.h"
#include "buf.h"
#include "http.h"
#include "io.h"
#include "mem.h"
#include "msg.h"

#define CONTAINER_HOST "http://169.254.170.2"
#define IMDS_HOST "http://169.254.169.254"
#define ROLES "/latest/meta-data/iam/security-credentials/"
#define TOKEN_MAX (64 * 1024)	/* of a container's authorization */

/* One request; `header` may be NULL. True: status 200. */
static bool
ask(const char *method, const char *url, const char *header, long seconds,
    struct http_reply *r)
{
	const char *headers[] = {header, NULL};
	struct http_request q = {.method = method, .url = url,
	    .header = headers, .connect_timeout = seconds,
	    .total_timeout = seconds, .direct = true,
	    .has_body = strcmp(method, "PUT") == 0, .body = ""};
	struct http *h = http_new(NULL);
	enum http_result res = http_do(h, &q, r);

	http_free(h);
	return res == HTTP_OK && r->status == 200;
}

/* Plain http only to this machine and to the addresses that AWS names. */
static bool
may_ask(const char *url)
{
	static const char *const hosts[] = {"169.254.170.2",
		"169.254.170.23", "[fd00:ec2::23]", "127.0.0.1", "[::1]",
		"localhost"};
	const char *host;
	size_t i, n;

	if (strncmp(url, "https://", 8) == 0)
		return true;
	if (strncmp(url, "http://", 7) != 0)
		return false;
	host = url + 7;
	n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (n == strlen(hosts[i]) && strncmp(host, hosts[i], n) == 0)
			return true;
	return false;
}

/* "Authorization: ..." if there is one to be sent; *out NULL if not. */
static int
authorization(char **out)
{
	const char *token = aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	const char *path = aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	struct buf b;
	int rc = 0;

	*out = NULL;
	buf_init(&b, TOKEN_MAX);
	if (path != NULL)
		rc = io_slurp_file(path, &b, false);
	else if (token != NULL)
		rc = buf_adds(&b, token);
	while (b.len > 0 && (b.data[b.len - 1] == '\n' ||
	    b.data[b.len - 1] == '\r'))
		b.data[--b.len] = '\0';
	if (rc == 0 && strpbrk(b.data, "\r\n") != NULL)
		rc = msg_error("cannot use the container's authorization "
		    "token: it has more than one line");
	if (rc == 0 && b.len > 0)
		*out = mem_fmt("Authorization: %s", b.data);
	buf_wipe(&b);
	return rc;
}

static enum fate
from_container(const char *url, struct aws_creds *c)
{
	struct http_reply r;
	enum fate f = FATE_CONFIG;
	char *header = NULL;

	if (!may_ask(url)) {
		msg_error("cannot ask '%s' for AWS credentials: it is neither "
		    "https nor an address of this machine", url);
		return FATE_CONFIG;
	}
	if (authorization(&header) != 0)
		return FATE_CONFIG;
	http_reply_init(&r);
	if (ask("GET", url, header, 5, &r)) {
		f = awscreds_json(r.body.data, r.body.len, "the "
		    "container's endpoint", c);
	} else {
		msg_error("cannot get AWS credentials from '%s' (the "
		    "container's endpoint): %s", url, r.status == 0 ?
		    r.error : "it refuses; is a role attached to the task or "
		    "pod?");
		f = r.status == 0 ? FATE_AGAIN : FATE_FAILED;
	}
	OPENSSL_cleanse(r.body.data, r.body.len);
	http_reply_release(&r);
	mem_wipe_str(header);
	return f;
}

/* The name of the instance's role, or NULL (silent): no instance, no role. */
static char *
imds_role(const char *base, const char *header, struct http_reply *r)
{
	char *url = mem_fmt("%s" ROLES, base), *role = NULL;

	if (ask("GET", url, header, 2, r))
		role = mem_ndup(r->body.data, strcspn(r->body.data, "\r\n"));
	free(url);
	if (role != NULL && (*role == '\0' ||
	    strpbrk(role, "/?# ") != NULL)) {
		free(role);
		role = NULL;
	}
	return role;
}

static enum fate
from_instance(struct aws_creds *c)
{
	const char *base = aws_env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	struct http_reply r;
	enum fate f = FATE_OK;
	char *url, *header = NULL, *role = NULL;

	if (base == NULL)
		base = IMDS_HOST;
	http_reply_init(&r);
	/* Elsewhere nothing answers there: a second is all it may cost. */
	url = mem_fmt("%s/latest/api/token", base);
	if (ask("PUT", url, "X-aws-ec2-metadata-token-ttl-seconds: 21600", 1,
	    &r) && strpbrk(r.body.data, "\r\n") == NULL)
		header = mem_fmt("X-aws-ec2-metadata-token: %s", r.body.data);
	free(url);
	if (header != NULL)
		role = imds_role(base, header, &r);
	if (role != NULL) {
		url = mem_fmt("%s" ROLES "%s", base, role);
		if (ask("GET", url, header, 5, &r)) {
			f = awscreds_json(r.body.data, r.body.len,
			    "the instance's role", c);
		} else {
			msg_error("cannot get the credentials of the "
			    "instance's role '%s'", role);
			f = FATE_AGAIN;
		}
		free(url);
	}
	OPENSSL_cleanse(r.body.data, r.body.len);
	http_reply_release(&r);
	mem_wipe_str(header);
	free(role);
	return f;
}

enum fate
awsmeta_get(struct aws_creds *c)
{
	const char *full = aws_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *relative = aws_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *disabled = aws_env("AWS_EC2_METADATA_DISABLED");
	enum fate f;
	char *url;

	if (relative != NULL || full != NULL) {
		url = relative != NULL ? mem_fmt(CONTAINER_HOST "%s%s",
		    *relative == '/' ? "" : "/", relative) : mem_dup(full);
		f = from_container(url, c);
		free(url);
		return f;
	}
	if (disabled != NULL && strcasecmp(disabled, "true") == 0)
		return FATE_OK;
	return from_instance(c);
}
