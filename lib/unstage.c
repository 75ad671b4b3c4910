/*
 * Staged CSV back, field by field. Staged CSV is always comma, double quote
 * and LF, so a field ends where it is easy to see.
 */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "unstage.h"

/* A field has at most 65535 bytes, each of which may be a doubled quote;
 * manifests of others may list anything, which ends here. */
#define FIELD_MAX (16 * 1024 * 1024)

void
unstage_init(struct unstage *u, const char *null_string,
    const char *null_out)
{
	memset(u, 0, sizeof(*u));
	u->null_string = null_string;
	u->null_out = null_out;
	buf_init(&u->rest, FIELD_MAX);
}

void
unstage_release(struct unstage *u)
{
	buf_release(&u->rest);
}

/* Where the field at p ends: at its comma or newline. NULL: not in here. */
static const char *
field_end(const char *p, const char *end)
{
	if (*p != '"') {
		while (p < end && *p != ',' && *p != '\n')
			p++;
		return p < end ? p : NULL;
	}
	for (p++; p < end; p += 2) {
		p = memchr(p, '"', (size_t)(end - p));
		if (p == NULL || p + 1 == end)
			return NULL;
		if (p[1] != '"')
			return p + 1;
	}
	return NULL;
}

/* A whole field of n bytes, and the comma or newline behind it. */
static int
add_field(struct unstage *u, const char *p, size_t n, struct buf *out)
{
	size_t null = strlen(u->null_string);
	const char *text = NULL;

	if (p[n] != ',' && p[n] != '\n')	/* text behind a quote */
		return -1;
	if (n == null && memcmp(p, u->null_string, n) == 0)
		text = u->null_out;
	else if (n == 0)
		text = "\"\"";
	if (text != NULL) {
		if (buf_adds(out, text) != 0 || buf_addc(out, p[n]) != 0)
			return -1;
	} else if (*p != '"' && n == strlen(u->null_out) &&
	    memcmp(p, u->null_out, n) == 0) {
		/* A text that looks like NULL, and is none. */
		if (buf_addc(out, '"') != 0 || buf_add(out, p, n) != 0 ||
		    buf_addc(out, '"') != 0 || buf_addc(out, p[n]) != 0)
			return -1;
	} else if (buf_add(out, p, n + 1) != 0) {
		return -1;
	}
	u->rows += p[n] == '\n';
	return 0;
}

/* All whole fields of [p, end); what is left is kept for the next time. */
static int
add_fields(struct unstage *u, const char *p, const char *end,
    struct buf *out)
{
	const char *e;

	while (p < end && (e = field_end(p, end)) != NULL) {
		if (add_field(u, p, (size_t)(e - p), out) != 0)
			return -1;
		p = e + 1;
	}
	return buf_add(&u->rest, p, (size_t)(end - p));
}

int
unstage_add(struct unstage *u, const char *p, size_t n, struct buf *out)
{
	const char *end = p + n, *e;
	size_t len;

	/* Finish the field that was not whole. Usually its end is near. */
	while (u->rest.len > 0 && p < end) {
		for (e = p; e < end && *e != ',' && *e != '\n'; e++)
			;
		e += e < end;
		if (buf_add(&u->rest, p, (size_t)(e - p)) != 0)
			return -1;
		p = e;
		e = field_end(u->rest.data, u->rest.data + u->rest.len);
		if (e == NULL)
			continue;
		len = (size_t)(e - u->rest.data);
		if (add_field(u, u->rest.data, len, out) != 0)
			return -1;
		buf_reset(&u->rest);
	}
	return p < end ? add_fields(u, p, end, out) : 0;
}

int
unstage_end(const struct unstage *u)
{
	return u->rest.len == 0 ? 0 : -1;
}
