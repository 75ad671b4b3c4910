/*
 * The answer to a query as CSV, a byte at a time: a lexer, a stack of open
 * brackets, and what the tokens mean at the place where they stand.
 */
#include "config.h"

#include <string.h>

#include "jsonrows.h"

#define TOKEN_BYTES (16 * 1024 * 1024)	/* a cell; Redshift takes 64 kB */
#define FLUSH_BYTES (64 * 1024)		/* of CSV, before it is passed on */

enum {EXPECT_VALUE, EXPECT_VALUE_OR_END, EXPECT_KEY, EXPECT_KEY_OR_END,
	EXPECT_COLON, EXPECT_COMMA, EXPECT_NOTHING};
enum {LEX_NONE, LEX_STRING, LEX_WORD};

void
jsonrows_init(struct jsonrows *j, size_t ncols,
    int (*write)(void *arg, const char *p, size_t n), void *arg)
{
	memset(j, 0, sizeof(*j));
	j->ncols = ncols;
	j->num_rows = -1;
	j->write = write;
	j->arg = arg;
	buf_init(&j->columns, 4 * 1024 * 1024);	/* 1,600 names of any length */
	/* One token more than the flush limit, every byte of it a quote. */
	buf_init(&j->out, FLUSH_BYTES + 2 * TOKEN_BYTES + 4);
	buf_init(&j->token, TOKEN_BYTES);
	buf_init(&j->key, TOKEN_BYTES);
}

void
jsonrows_release(struct jsonrows *j)
{
	buf_release(&j->columns);
	buf_release(&j->out);
	buf_release(&j->token);
	buf_release(&j->key);
}

const char *
jsonrows_fault(const struct jsonrows *j)
{
	return j->fault;
}

static int
fault(struct jsonrows *j, const char *text)
{
	if (j->fault == NULL)
		j->fault = text;
	return -1;
}

static int
flush(struct jsonrows *j)
{
	if (j->out.len > 0 && j->write(j->arg, j->out.data, j->out.len) != 0)
		return -1;
	buf_reset(&j->out);
	return 0;
}

static bool
under(const struct jsonrows *j, const char *key)
{
	return j->stack[0] == '{' && strcmp(j->key.data, key) == 0;
}

static void
put_text(struct jsonrows *j)
{
	const char *p = j->token.data;
	size_t n = j->token.len, i;

	for (i = 0; i < n && p[i] != ',' && p[i] != '"' && p[i] != '\n' &&
	    p[i] != '\r'; i++)
		;
	if (n > 0 && i == n) {
		buf_add(&j->out, p, n);
		return;
	}
	buf_addc(&j->out, '"');
	for (i = 0; i < n; i++) {
		if (p[i] == '"')
			buf_addc(&j->out, '"');
		buf_addc(&j->out, p[i]);
	}
	buf_addc(&j->out, '"');
}

static int
cell(struct jsonrows *j, bool text)
{
	if (j->cells++ > 0)
		buf_addc(&j->out, ',');
	if (text)
		put_text(j);
	else if (strcmp(j->token.data, "null") != 0)
		buf_add(&j->out, j->token.data, j->token.len);
	return j->out.len < FLUSH_BYTES ? 0 : flush(j);
}

/* numRows; more than 18 digits can not be. */
static void
read_num_rows(struct jsonrows *j)
{
	size_t i;

	j->num_rows = 0;
	for (i = 0; i < j->token.len && i < 18; i++)
		if (j->token.data[i] >= '0' && j->token.data[i] <= '9')
			j->num_rows = j->num_rows * 10 +
			    (j->token.data[i] - '0');
}

/* A string, number or word that is a value. */
static int
on_scalar(struct jsonrows *j, bool text)
{
	if (j->depth == 3 && under(j, "rows"))
		return cell(j, text);
	if (j->depth == 2 && under(j, "rows"))
		return fault(j, "a row is not a list");
	if (j->depth == 2 && under(j, "columns") && text) {
		if (buf_add(&j->columns, j->token.data, j->token.len + 1) != 0)
			return fault(j, "the column names are too long");
		j->ncolumns++;
	} else if (j->depth == 1 && under(j, "numRows") && !text) {
		read_num_rows(j);
	}
	return 0;
}

static int
on_open(struct jsonrows *j, char c)
{
	if (j->depth == 0 && c != '{')
		return fault(j, "it is not an object");
	if (j->depth == JSONROWS_DEPTH)
		return fault(j, "it is nested too deep");
	if (j->depth == 1 && c == '[' && under(j, "rows")) {
		if (j->has_rows)
			return fault(j, "it has rows twice");
		j->has_rows = true;
	}
	if (j->depth == 2 && under(j, "rows")) {
		if (c != '[')
			return fault(j, "a row is not a list");
		j->cells = 0;
	}
	if (j->depth == 3 && under(j, "rows"))
		return fault(j, "a cell is not a simple value");
	j->stack[j->depth++] = c;
	j->expect = c == '{' ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
	return 0;
}

static int
on_close(struct jsonrows *j, char c)
{
	bool may_end = j->expect == EXPECT_COMMA || j->expect ==
	    (c == '}' ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END);

	if (j->depth == 0 || !may_end ||
	    j->stack[j->depth - 1] != (c == '}' ? '{' : '['))
		return fault(j, "a bracket stands in a wrong place");
	j->depth--;
	j->expect = j->depth > 0 ? EXPECT_COMMA : EXPECT_NOTHING;
	if (j->depth != 2 || !under(j, "rows"))
		return 0;
	if (j->cells != j->ncols)
		return fault(j, "a row has another number of cells than there "
		    "are columns");
	j->rows++;
	buf_addc(&j->out, '\n');
	return j->out.len < FLUSH_BYTES ? 0 : flush(j);
}

/* A token is complete; it is text or a number, true, false, null. */
static int
on_token(struct jsonrows *j, bool text)
{
	j->lex = LEX_NONE;
	if (text && (j->expect == EXPECT_KEY || j->expect ==
	    EXPECT_KEY_OR_END)) {
		if (j->depth == 1) {
			buf_reset(&j->key);
			buf_add(&j->key, j->token.data, j->token.len);
		}
		j->expect = EXPECT_COLON;
		return 0;
	}
	if (j->depth == 0 || (j->expect != EXPECT_VALUE &&
	    j->expect != EXPECT_VALUE_OR_END))
		return fault(j, "a value stands in a wrong place");
	j->expect = EXPECT_COMMA;
	return on_scalar(j, text);
}

static int
on_mark(struct jsonrows *j, char c)
{
	switch (c) {
	case '{':
	case '[':
		if (j->expect != EXPECT_VALUE &&
		    j->expect != EXPECT_VALUE_OR_END)
			return fault(j, "a bracket stands in a wrong place");
		return on_open(j, c);
	case '}':
	case ']':
		return on_close(j, c);
	case ':':
		if (j->expect != EXPECT_COLON)
			return fault(j, "a colon stands in a wrong place");
		j->expect = EXPECT_VALUE;
		return 0;
	default:
		if (j->expect != EXPECT_COMMA)
			return fault(j, "a comma stands in a wrong place");
		j->expect = j->stack[j->depth - 1] == '{' ? EXPECT_KEY :
		    EXPECT_VALUE;
		return 0;
	}
}

static int
add(struct jsonrows *j, char c)
{
	return buf_addc(&j->token, c) == 0 ? 0 :
	    fault(j, "a value is longer than 16 MB");
}

/* A code point as UTF-8. */
static int
add_code(struct jsonrows *j, unsigned u)
{
	if (u < 0x80)
		return add(j, (char)u);
	if (u < 0x800) {
		if (add(j, (char)(0xc0 | u >> 6)) != 0)
			return -1;
	} else if (u < 0x10000) {
		if (add(j, (char)(0xe0 | u >> 12)) != 0 ||
		    add(j, (char)(0x80 | (u >> 6 & 0x3f))) != 0)
			return -1;
	} else if (add(j, (char)(0xf0 | u >> 18)) != 0 ||
	    add(j, (char)(0x80 | (u >> 12 & 0x3f))) != 0 ||
	    add(j, (char)(0x80 | (u >> 6 & 0x3f))) != 0) {
		return -1;
	}
	return add(j, (char)(0x80 | (u & 0x3f)));
}

/* \uXXXX is whole: alone, or half of a pair. */
static int
on_hex(struct jsonrows *j)
{
	unsigned u = j->hex;

	if (u >= 0xd800 && u < 0xdc00 && j->high == 0) {
		j->high = u;
		return 0;
	}
	if (j->high != 0) {
		if (u < 0xdc00 || u > 0xdfff)
			return fault(j, "half a character (a lone surrogate)");
		u = 0x10000 + ((j->high - 0xd800) << 10) + (u - 0xdc00);
		j->high = 0;
	} else if (u >= 0xdc00 && u <= 0xdfff) {
		return fault(j, "half a character (a lone surrogate)");
	}
	return add_code(j, u);
}

static int
on_hex_digit(struct jsonrows *j, char c)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;
	unsigned v;

	if (at == NULL)
		return fault(j, "a wrong \\u escape");
	v = (unsigned)(at - digits);
	j->hex = j->hex << 4 | (v > 15 ? v - 6 : v);
	return --j->hex_left > 0 ? 0 : on_hex(j);
}

static int
on_escape(struct jsonrows *j, char c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = c != '\0' ? strchr(from, c) : NULL;

	j->escaped = false;
	if (c == 'u') {
		j->hex = 0;
		j->hex_left = 4;
		return 0;
	}
	if (j->high != 0)
		return fault(j, "half a character (a lone surrogate)");
	if (at == NULL)
		return fault(j, "an unknown escape in a string");
	return add(j, to[at - from]);
}

static int
in_string(struct jsonrows *j, char c)
{
	if (j->hex_left > 0)
		return on_hex_digit(j, c);
	if (j->escaped)
		return on_escape(j, c);
	if (c == '\\') {
		j->escaped = true;
		return 0;
	}
	if (j->high != 0)
		return fault(j, "half a character (a lone surrogate)");
	if (c == '"')
		return on_token(j, true);
	if ((unsigned char)c < 0x20)
		return fault(j, "a control byte in a string");
	return add(j, c);
}

static bool
is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    c == '-' || c == '+' || c == '.' || c == 'E';
}

/* true, false, null, or the characters of a number. */
static bool
good_word(const struct jsonrows *j)
{
	const char *s = j->token.data;

	return strcmp(s, "null") == 0 || strcmp(s, "true") == 0 ||
	    strcmp(s, "false") == 0 || (strspn(s, "0123456789+-.eE") ==
	    j->token.len && strpbrk(s, "0123456789") != NULL);
}

static int
feed_byte(struct jsonrows *j, char c)
{
	if (j->lex == LEX_STRING)
		return in_string(j, c);
	if (j->lex == LEX_WORD) {
		if (is_word(c))
			return add(j, c);
		if (!good_word(j))
			return fault(j, "a value is no JSON");
		if (on_token(j, false) != 0)
			return -1;
	}
	if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
		return 0;
	if (j->expect == EXPECT_NOTHING)
		return fault(j, "text follows after its end");
	if (c == '"' || is_word(c)) {
		j->lex = c == '"' ? LEX_STRING : LEX_WORD;
		buf_reset(&j->token);
		return c == '"' ? 0 : add(j, c);
	}
	if (c == '\0' || strchr("{}[]:,", c) == NULL)
		return fault(j, "it is no JSON");
	return on_mark(j, c);
}

int
jsonrows_feed(struct jsonrows *j, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (feed_byte(j, p[i]) != 0)
			return -1;
	return 0;
}

int
jsonrows_end(struct jsonrows *j)
{
	if (j->expect != EXPECT_NOTHING)
		return fault(j, "it ends too early");
	if (!j->has_rows)
		return fault(j, "it has no rows");
	return flush(j);
}
