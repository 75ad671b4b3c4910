/*
 * The text between two tags, with its references decoded.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "xml.h"

/* Put a character for an XML reference "&amp;" at p; its length, or 0. */
static size_t
reference(const char *p, char *out)
{
	static const struct {const char *text; char c;} refs[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'},
		{"&quot;", '"'}, {"&apos;", '\''}
	};
	size_t i;
	char *end;
	long n;

	for (i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
		if (strncmp(p, refs[i].text, strlen(refs[i].text)) == 0) {
			*out = refs[i].c;
			return strlen(refs[i].text);
		}
	}
	if (p[1] != '#')
		return 0;
	n = p[2] == 'x' ? strtol(p + 3, &end, 16) : strtol(p + 2, &end, 10);
	if (*end != ';' || n < 1 || n > 127)
		return 0;
	*out = (char)n;
	return (size_t)(end - p) + 1;
}

char *
xml_text(const char **at, const char *tag)
{
	char *open = mem_fmt("<%s>", tag), *close = mem_fmt("</%s>", tag);
	const char *p = strstr(*at, open), *end = NULL;
	char *out = NULL, *o;
	size_t n;

	if (p != NULL) {
		p += strlen(open);
		end = strstr(p, close);
	}
	if (end != NULL) {
		*at = end + strlen(close);
		o = out = mem_alloc((size_t)(end - p) + 1);
		while (p < end) {
			n = *p == '&' ? reference(p, o) : 0;
			if (n == 0) {
				*o = *p;
				n = 1;
			}
			o++;
			p += n;
		}
		*o = '\0';
	}
	free(open);
	free(close);
	return out;
}
