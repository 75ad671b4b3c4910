/*
 * What a reply of Domo's that is not the one asked for says, in one line.
 */
#include "config.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "domo_refusal.h"
#include "mem.h"

#define TEXT_MAX 600	/* of a message, in bytes; a page is longer */

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"},
	{404, "Not Found"}, {406, "Not Acceptable"}, {408, "Request Timeout"},
	{413, "Payload Too Large"}, {429, "Too Many Requests"},
	{500, "Internal Server Error"}, {502, "Bad Gateway"},
	{503, "Service Unavailable"}, {504, "Gateway Timeout"},
};

static const char *
reason(int status)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return NULL;
}

bool
domo_refusal_passes(int status)
{
	return status == 408 || status == 429 ||
	    (status >= 500 && status <= 599);
}

/* Text as one line: blanks and line ends run together, at most TEXT_MAX. */
static void
add_line(struct buf *out, const char *p, size_t n)
{
	size_t i, start = out->len;

	for (i = 0; i < n && out->len - start < TEXT_MAX; i++) {
		if (!isspace((unsigned char)p[i]))
			buf_addc(out, p[i]);
		else if (out->len > start && out->data[out->len - 1] != ' ')
			buf_addc(out, ' ');
	}
	while (out->len > start && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	if (i < n)
		buf_adds(out, "...");
}

static const char *
word(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s != NULL && *s != '\0' ? s : NULL;
}

int
domo_refusal_status(const char *body, size_t len)
{
	json_t *j = json_loadb(body, len, 0, NULL);
	json_int_t n = json_integer_value(json_object_get(j, "status"));
	const char *oauth = word(j, "error");

	if (oauth != NULL && strcmp(oauth, "invalid_token") == 0)
		n = 401;
	json_decref(j);
	return n >= 100 && n <= 599 ? (int)n : 0;
}

/* A JSON error, after its status' usual reason: 0, or -1 if it is none. */
static int
add_json(struct buf *out, const char *why, const char *body, size_t len)
{
	json_t *j = json_loadb(body, len, 0, NULL);
	const char *message, *toe;

	if (!json_is_object(j)) {
		json_decref(j);
		return -1;
	}
	message = word(j, "message");
	if (message == NULL)
		message = word(j, "error_description");
	if (message == NULL)
		message = word(j, "error");
	if (message == NULL)
		message = word(j, "statusReason");
	/* The reason again says nothing new. */
	if (message != NULL && (why == NULL || strcmp(message, why) != 0)) {
		buf_adds(out, ": ");
		add_line(out, message, strlen(message));
	}
	toe = word(j, "toe");
	if (toe != NULL)
		buf_addf(out, " (toe %s)", toe);
	json_decref(j);
	return 0;
}

bool
domo_refusal_is_page(const char *body)
{
	return body[strspn(body, " \t\r\n")] == '<';
}

/* A web page: its title. 0, or -1 if it is none. */
static int
add_page(struct buf *out, const char *body)
{
	const char *p, *end;

	if (!domo_refusal_is_page(body))
		return -1;
	p = strcasestr(body, "<title>");
	end = p != NULL ? strcasestr(p, "</title>") : NULL;
	if (end == NULL) {
		buf_adds(out, ", with a web page");
		return 0;
	}
	buf_adds(out, ", with a web page titled '");
	p += strlen("<title>");
	add_line(out, p, (size_t)(end - p));
	buf_addc(out, '\'');
	return 0;
}

/* No body: the reason may stand in the header that asks for a login. */
static void
add_challenge(struct buf *out, struct http_reply *r)
{
	const char *v = http_header(r, "WWW-Authenticate");
	const char *key = "error_description=\"", *p, *end;

	p = v != NULL ? strstr(v, key) : NULL;
	if (p == NULL)
		return;
	p += strlen(key);
	end = strchr(p, '"');
	buf_adds(out, ": ");
	add_line(out, p, end != NULL ? (size_t)(end - p) : strlen(p));
}

char *
domo_refusal_text(struct http_reply *r, const char *body, size_t len)
{
	const char *why = reason(r->status);
	long after = http_retry_after(r);
	struct buf out;

	/* The parts are cut to TEXT_MAX; a toe has some 25 bytes. */
	buf_init(&out, 8192);
	buf_addf(&out, "Domo says %d%s%s", r->status, why != NULL ? " " : "",
	    why != NULL ? why : "");
	if (add_json(&out, why, body, len) != 0 &&
	    add_page(&out, body) != 0) {
		if (len > 0) {
			buf_adds(&out, ": ");
			add_line(&out, body, len);
		} else {
			add_challenge(&out, r);
		}
	}
	if (after > 0)
		buf_addf(&out, "; it wants us to wait %ld s", after);
	return buf_take(&out);
}
