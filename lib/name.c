/*
 * Names as Redshift has them: folded, cut, checked, quoted, taken apart.
 * Which name a table or a column gets is for others to decide.
 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "msg.h"
#include "name.h"

/* A name in quotes, every byte doubled, is far below this. */
#define TEXT_MAX (64 * 1024)

char *
name_fold(const char *name, size_t max)
{
	size_t n = strlen(name);
	char *s, *p;

	if (n > max) {
		n = max;
		/* Back to where a character begins. */
		while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
			n--;
	}
	s = mem_ndup(name, n);
	for (p = s; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return s;
}

static bool
plain(const char *s)
{
	if (!((*s >= 'a' && *s <= 'z') || *s == '_'))
		return false;
	for (s++; *s != '\0'; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') ||
		    *s == '_' || *s == '$'))
			return false;
	return true;
}

static void
add_quoted(struct buf *b, const char *s)
{
	buf_addc(b, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"')
			buf_addc(b, '"');
		buf_addc(b, *s);
	}
	buf_addc(b, '"');
}

static void
add_part(struct buf *b, const char *s)
{
	if (plain(s))
		buf_adds(b, s);
	else
		add_quoted(b, s);
}

char *
name_format(const char *schema, const char *table)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	if (schema != NULL) {
		add_part(&b, schema);
		buf_addc(&b, '.');
	}
	add_part(&b, table);
	return buf_take(&b);
}

char *
name_quote(const char *name)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	add_quoted(&b, name);
	return buf_take(&b);
}

/* One part, from *at on; NULL (silent) if there is none. */
static char *
take_part(const char **at)
{
	const char *p = *at;
	bool closed = false;
	struct buf b;
	size_t n;

	if (*p != '"') {
		n = strcspn(p, ".\" \t\r\n");
		*at = p + n;
		return n > 0 ? mem_ndup(p, n) : NULL;
	}
	buf_init(&b, TEXT_MAX);
	for (p++; *p != '\0'; p++) {
		/* A quote ends the part, two stand for one. */
		if (*p == '"' && *++p != '"') {
			closed = true;
			break;
		}
		if (buf_addc(&b, *p) != 0)
			break;
	}
	if (!closed || b.len == 0) {
		buf_release(&b);
		return NULL;
	}
	*at = p;
	return buf_take(&b);
}

int
name_parse(const char *text, char **schema, char **table)
{
	const char *at = text;
	char *first, *second = NULL;

	*schema = *table = NULL;
	first = take_part(&at);
	if (first != NULL && *at == '.') {
		at++;
		second = take_part(&at);
		if (second == NULL) {
			free(first);
			first = NULL;
		}
	}
	if (first == NULL || *at != '\0') {
		free(first);
		free(second);
		return msg_error("cannot use '%s' as a table's name: it is "
		    "written TABLE or SCHEMA.TABLE, and a part with dots, "
		    "blanks or quotes stands in double quotes", text);
	}
	*schema = second != NULL ? first : NULL;
	*table = second != NULL ? second : first;
	return 0;
}

/* The length of the valid UTF-8 sequence at p (NUL-terminated), else 0. */
static size_t
utf8_len(const unsigned char *p)
{
	size_t n, i;

	if (p[0] < 0x80)
		return 1;
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

int
name_check(const char *name, const char *what)
{
	const unsigned char *p = (const unsigned char *)name;
	size_t n;

	if (*p == '\0')
		return msg_error("cannot use an empty %s", what);
	for (; *p != '\0'; p += n) {
		if ((n = utf8_len(p)) == 0)
			return msg_error("cannot use '%s' as %s: it is not "
			    "valid UTF-8", name, what);
		if (*p < 0x20 || *p == 0x7f)
			return msg_error("cannot use '%s' as %s: it holds a "
			    "control character", name, what);
	}
	return 0;
}
