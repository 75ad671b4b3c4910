/*
 * Is the first record of an export its header?
 */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "domo_head.h"
#include "table.h"

static void
trim(const char **p, size_t *n)
{
	while (*n > 0 && **p == ' ') {
		(*p)++;
		(*n)--;
	}
	while (*n > 0 && (*p)[*n - 1] == ' ')
		(*n)--;
}

static bool
same_name(const char *p, size_t n, const char *name)
{
	size_t len = strlen(name);

	trim(&p, &n);
	trim(&name, &len);
	return n == len && strncasecmp(p, name, n) == 0;
}

/* The field at *at, unquoted, into out; *at goes behind its comma. */
static void
next_field(const char **at, const char *end, struct buf *out)
{
	const char *p = *at;
	bool in_quotes = false;

	buf_reset(out);
	for (; p < end && (in_quotes || *p != ','); p++) {
		if (*p != '"') {
			buf_addc(out, *p);
		} else if (in_quotes && p + 1 < end && p[1] == '"') {
			buf_addc(out, *p++);
		} else {
			in_quotes = !in_quotes;
		}
	}
	*at = p < end ? p + 1 : NULL;
}

bool
domo_head_matches(const char *p, size_t n,
    const struct domo_meta_column *column, size_t ncolumns)
{
	const char *at = p, *end = p + n;
	bool same = true;
	struct buf name;
	size_t i;

	if (ncolumns == 0)
		return n > 0 && *p != '<' && *p != '{';
	if (end > p && end[-1] == '\n')
		end--;
	if (end > p && end[-1] == '\r')
		end--;
	buf_init(&name, n + 1);
	for (i = 0; same && i < ncolumns; i++) {
		if (at == NULL) {
			same = false;
			break;
		}
		next_field(&at, end, &name);
		same = same_name(name.data, name.len, column[i].name);
	}
	buf_release(&name);
	return same && at == NULL;
}

int
domo_head_put(struct buf *out, const struct domo_meta_column *column,
    size_t ncolumns)
{
	size_t i;

	for (i = 0; i < ncolumns; i++)
		if ((i > 0 && buf_addc(out, ',') != 0) ||
		    table_put(out, column[i].name) != 0)
			return -1;
	return buf_addc(out, '\n');
}
