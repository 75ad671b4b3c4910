/*
 * The scanner against two other parsers: a simple one below that goes byte
 * by byte, and libcsv; each kernel, and none. On all small strings over a
 * hostile alphabet, put where kernels see them, and on random files, at
 * every split point. RSW_DIFF_ROUNDS makes more random blocks.
 */
#include "config.h"

#include <csv.h>
#include <stdint.h>
#include <stdlib.h>

#include "buf.h"
#include "msg.h"
#include "scan.h"
#include "scan_fast.h"
#include "tap.h"

#define COLS 3
#define KERNELS 8	/* at most, and none */

static struct scan_opt opt = {
	.delim = ',', .quote = '"', .null_string = "\\N"
};
static long checked;

/* What a scan should find. */
struct want {
	enum scan_fault fault;
	size_t row, offset, col;
	size_t nulls[COLS], empty[COLS], width[COLS];
	struct buf out;
	struct buf flat;	/* fields as libcsv sees them, see flatten() */
};

/* --- the simple parser: one state, one byte at a time --- */

enum state { BEGIN, BARE, QUOTED, CLOSED };

struct field {
	size_t start, n;
	bool quoted, null;
	char text[600];
	size_t text_at[600];	/* where each byte of it came from */
};

/* Whether s[i..] is one whole character, by its number. */
static size_t
character(const char *s, size_t i, size_t n)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c = (unsigned char)s[i];
	uint32_t u;
	size_t k, len;

	if (c < 0x80)
		return 1;
	len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc0 || c > 0xf7 || i + len > n)
		return 0;
	u = c & (0xffU >> (len + 1));
	for (k = 1; k < len; k++) {
		c = (unsigned char)s[i + k];
		if (c < 0x80 || c > 0xbf)
			return 0;
		u = u << 6 | (c & 0x3f);
	}
	return u >= least[len] && u <= 0x10ffff && !(u >= 0xd800 && u < 0xe000)
	    ? len : 0;
}

static void
write_field(struct buf *out, const struct field *f, size_t ncols)
{
	bool need = ncols == 1 && (f->n == 0 ||
	    (f->n == 2 && memcmp(f->text, "\\.", 2) == 0));
	size_t i;

	if (f->null) {
		buf_adds(out, opt.null_string);
		return;
	}
	for (i = 0; i < f->n; i++)
		need = need || strchr("\",\n\r", f->text[i]) != NULL;
	if (need)
		buf_addc(out, '"');
	for (i = 0; i < f->n; i++) {
		if (f->text[i] == '"')
			buf_addc(out, '"');
		buf_addc(out, f->text[i]);
	}
	if (need)
		buf_addc(out, '"');
}

static void
flatten(struct buf *b, const char *s, size_t n, bool null)
{
	buf_addc(b, null ? '0' : '=');
	buf_add(b, s, n);
	buf_addc(b, '\x1f');
}

/* A row whose form is good: its contents. */
static bool
check_row(struct want *w, struct field *f, size_t ncols)
{
	size_t c, i, len;

	for (c = 0; c < ncols; c++, f++) {
		w->col = c;
		for (i = 0; i < f->n; i += len) {
			w->offset = f->text_at[i];
			w->fault = f->text[i] == '\0' ? SCAN_NUL : SCAN_UTF8;
			len = character(f->text, i, f->n);
			if (f->text[i] == '\0' || len == 0)
				return false;
		}
		w->offset = f->start;
		w->fault = SCAN_NULL_STRING;
		f->null = !f->quoted && (f->n == 0 || (opt.null_in != NULL &&
		    f->n == strlen(opt.null_in) &&
		    memcmp(f->text, opt.null_in, f->n) == 0));
		if (!f->null && f->n == strlen(opt.null_string) &&
		    memcmp(f->text, opt.null_string, f->n) == 0)
			return false;
		w->nulls[c] += f->null;
		w->empty[c] += !f->null && f->n == 0;
		if (!f->null && f->n > w->width[c])
			w->width[c] = f->n;
		if (c > 0)
			buf_addc(&w->out, ',');
		write_field(&w->out, f, ncols);
	}
	buf_addc(&w->out, '\n');
	w->fault = SCAN_FINE;
	return true;
}

static struct field *
begin_field(struct field *f, size_t col, size_t at)
{
	f += col < COLS ? col : COLS;
	f->start = at;
	f->n = 0;
	f->quoted = false;
	return f;
}

/* What byte c makes of a state in which no field ends with it. */
static enum state
step(struct want *w, enum state st, char c)
{
	bool quote = opt.quote != '\0' && c == opt.quote;

	if (st == BEGIN && quote)
		return QUOTED;
	if (st == QUOTED && quote)
		return CLOSED;
	if (st == CLOSED && !quote)
		w->fault = SCAN_AFTER_QUOTE;
	if (st == BARE && quote)
		w->fault = SCAN_QUOTE_INSIDE;
	return st == BEGIN || st == BARE ? BARE : QUOTED;
}

/* The form of one row; returns where the next begins. */
static size_t
read_row(struct want *w, const char *s, size_t n, size_t i, bool last,
    struct field *f, size_t *nf)
{
	struct field *g = begin_field(f, 0, i);
	enum state st = BEGIN, before;
	size_t col = 0;
	bool cr;

	for (;; i++) {
		char c = i < n ? s[i] : '\0';

		cr = c == '\r' && i + 1 < n && s[i + 1] == '\n';
		w->col = col < COLS ? col : COLS;
		w->offset = i;
		if (i == n && st == QUOTED) {
			w->offset = g->start;
			w->fault = SCAN_OPEN_QUOTE;
			return n;
		}
		if (st != QUOTED && (i == n || c == '\n' || cr ||
		    c == opt.delim)) {
			flatten(&w->flat, g->text, g->n, st == BEGIN);
			if (i == n || c != opt.delim)
				break;
			g = begin_field(f, ++col, i + 1);
			st = BEGIN;
			continue;
		}
		before = st;
		st = step(w, st, c);
		if (w->fault != SCAN_FINE)
			return n;
		if (st == BARE || (st == QUOTED && before != BEGIN)) {
			g->text_at[g->n] = i;
			g->text[g->n++] = c;
		}
		g->quoted = st == QUOTED || st == CLOSED;
	}
	*nf = col + 1;
	w->fault = i < n || last ? SCAN_FINE : SCAN_NO_NEWLINE;
	buf_addc(&w->flat, '\x1e');
	return i + cr + (i < n);
}

static void
simple(struct want *w, const char *s, size_t n, size_t ncols, bool last)
{
	struct field f[COLS + 1];
	size_t i = 0, next, nf;

	buf_reset(&w->out);
	buf_reset(&w->flat);
	memset(w->nulls, 0, sizeof(w->nulls));
	memset(w->empty, 0, sizeof(w->empty));
	memset(w->width, 0, sizeof(w->width));
	w->fault = SCAN_FINE;
	for (w->row = 1; i < n; w->row++, i = next) {
		next = read_row(w, s, n, i, last, f, &nf);
		if (w->fault != SCAN_FINE) {
			if (w->fault == SCAN_NO_NEWLINE || w->col > ncols)
				w->col = ncols;
			return;
		}
		if (nf != ncols) {
			w->fault = SCAN_RAGGED;
			w->offset = i;
			w->col = ncols;
			return;
		}
		if (!check_row(w, f, ncols))
			return;
	}
}

/* --- libcsv --- */

struct oracle {
	struct buf flat;
	size_t fields;
	int before;
};

static int
no_space(unsigned char c)
{
	(void)c;
	return 0;
}

static void
on_field(void *p, size_t n, void *arg)
{
	struct oracle *o = arg;

	flatten(&o->flat, p == NULL ? "" : p, n, p == NULL);
	o->fields++;
	o->before = 0;
}

static void
on_row(int c, void *arg)
{
	struct oracle *o = arg;

	if (o->fields == 0) {
		if (c == '\n' && o->before == '\r') {
			o->before = 0;
			return;
		}
		flatten(&o->flat, "", 0, true);
	}
	buf_addc(&o->flat, '\x1e');
	o->fields = 0;
	o->before = c;
}

/* Is libcsv of one mind with the simple parser about the form? */
static bool
libcsv_agrees(const struct want *w, struct oracle *o, const char *s, size_t n)
{
	struct csv_parser p;
	size_t i, got;
	bool bad;

	if (opt.quote == '\0')		/* it always has one */
		return true;
	/* To libcsv a CR alone ends a row. */
	for (i = 0; i < n; i++)
		if (s[i] == '\r' && (i + 1 == n || s[i + 1] != '\n'))
			return true;
	if (w->fault != SCAN_FINE && w->fault != SCAN_OPEN_QUOTE &&
	    w->fault != SCAN_AFTER_QUOTE && w->fault != SCAN_QUOTE_INSIDE)
		return true;
	buf_reset(&o->flat);
	o->fields = 0;
	o->before = 0;
	csv_init(&p, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL |
	    CSV_EMPTY_IS_NULL);
	csv_set_space_func(&p, no_space);
	csv_set_delim(&p, (unsigned char)opt.delim);
	csv_set_quote(&p, (unsigned char)opt.quote);
	got = csv_parse(&p, s, n, on_field, on_row, o);
	bad = got != n || csv_fini(&p, on_field, on_row, o) != 0;
	csv_free(&p);
	if (bad || w->fault != SCAN_FINE)
		return bad == (w->fault != SCAN_FINE);
	return o->flat.len == w->flat.len &&
	    memcmp(o->flat.data, w->flat.data, w->flat.len) == 0;
}

/* --- comparing --- */

static void
show(const char *what, const char *s, size_t n)
{
	size_t i;

	printf("# %s:", what);
	for (i = 0; i < n && i < 400; i++)
		if (s[i] > ' ' && s[i] < 0x7f)
			putchar(s[i]);
		else
			printf("<%02x>", (unsigned char)s[i]);
	putchar('\n');
}

static bool
same_prof(const struct scan_prof *a, const struct scan_prof *b)
{
	if (a->nulls != b->nulls || a->empty != b->empty ||
	    a->values != b->values || a->max_bytes != b->max_bytes ||
	    a->kind != b->kind)
		return false;
	return a->kind < SCAN_INT || a->kind > SCAN_DOUBLE ||
	    (a->max_int_digits == b->max_int_digits &&
	    a->max_frac_digits == b->max_frac_digits && a->wide == b->wide);
}

/* A scanner for none, for each kernel, and for few columns: made anew only
 * if options or columns change. */
static struct maker {
	struct scan s;
	struct scan_opt opt;
	struct buf out;
	size_t room;
} maker[KERNELS][COLS + 1];

static struct maker *
maker_of(int kernel, size_t ncols)
{
	return &maker[kernel][ncols > COLS ? 0 : ncols];
}

static int
scan_as(struct maker *m, const struct scan_kernel *k, const char *p, size_t n,
    size_t ncols, bool last)
{
	size_t room;

	if (m->s.ncols != ncols || memcmp(&m->opt, &opt, sizeof(opt)) != 0) {
		if (m->s.ncols != 0)
			scan_release(&m->s);
		scan_fast_force(k);
		m->opt = opt;
		scan_init(&m->s, &opt, ncols);
	} else {
		scan_reset(&m->s);
	}
	/* Large blocks: not one byte more than what scan_out_max() says. */
	room = n < 1000 ? 10000 : scan_out_max(&m->s, n);
	if (m->room != room) {
		m->room = room;
		buf_release(&m->out);
		buf_init(&m->out, room);
	}
	buf_reset(&m->out);
	return scan_block(&m->s, p, n, last, &m->out);
}

static bool
same_scan(const struct scan *a, int ra, const struct buf *oa,
    const struct scan *b, int rb, const struct buf *ob)
{
	size_t c;

	if (ra != rb)
		return false;
	if (ra != 0)
		return a->fault == b->fault && a->fault_row == b->fault_row &&
		    a->fault_offset == b->fault_offset &&
		    a->fault_col == b->fault_col &&
		    a->fault_fields == b->fault_fields &&
		    a->fault_start == b->fault_start &&
		    a->fault_len == b->fault_len;
	for (c = 0; c < a->ncols; c++)
		if (!same_prof(&a->prof[c], &b->prof[c]))
			return false;
	return a->rows == b->rows && a->replaced == b->replaced &&
	    a->truncated == b->truncated && oa->len == ob->len &&
	    memcmp(oa->data, ob->data, oa->len) == 0;
}

/* Every kernel does with these bytes what scan_row() alone does: the result
 * of that is left in maker_of(0, ncols), its return value in *ret. */
static bool
kernels_agree(const char *p, size_t n, size_t ncols, bool last, int *ret)
{
	const struct scan_kernel *const *k = scan_fast_all();
	struct maker *exact = maker_of(0, ncols), *m;
	bool good = true;
	int r, i;

	*ret = scan_as(exact, &scan_fast_none, p, n, ncols, last);
	for (i = 1; good && *k != NULL; k++, i++) {
		m = maker_of(i, ncols);
		r = scan_as(m, *k, p, n, ncols, last);
		good = same_scan(&exact->s, *ret, &exact->out, &m->s, r,
		    &m->out);
		if (!good)
			printf("# kernel %s: %d, fault %d row %d at %d; exact: "
			    "%d, %d, %d, %d\n", (*k)->name, r,
			    (int)m->s.fault, (int)m->s.fault_row,
			    (int)m->s.fault_offset, *ret, (int)exact->s.fault,
			    (int)exact->s.fault_row,
			    (int)exact->s.fault_offset);
	}
	if (!good)
		show("input", p, n);
	checked++;
	return good;
}

static bool
as_wanted(const struct want *w, const struct maker *m, int ret)
{
	const struct scan *s = &m->s;
	const struct buf *out = &m->out;
	size_t c;

	if (w->fault != SCAN_FINE || ret != 0)
		return s->fault == w->fault && s->fault_row == w->row &&
		    s->fault_offset == w->offset && s->fault_col == w->col;
	for (c = 0; c < s->ncols; c++)
		if (s->prof[c].nulls != w->nulls[c] ||
		    s->prof[c].empty != w->empty[c] ||
		    s->prof[c].max_bytes != w->width[c])
			return false;
	return out->len == w->out.len &&
	    memcmp(out->data, w->out.data, w->out.len) == 0;
}

static struct want want;
static struct oracle oracle;

/* One small input: three parsers and all kernels. */
static bool
agree(const char *p, size_t n, size_t ncols, bool last)
{
	const struct maker *m = maker_of(0, ncols);
	const struct scan *exact = &m->s;
	int ret;

	simple(&want, p, n, ncols, last);
	if (!kernels_agree(p, n, ncols, last, &ret))
		return false;
	if (!as_wanted(&want, m, ret)) {
		printf("# scan: fault %d row %d at %d col %d; wanted %d, %d, %d,"
		    " %d\n", (int)exact->fault, (int)exact->fault_row,
		    (int)exact->fault_offset, (int)exact->fault_col,
		    (int)want.fault, (int)want.row, (int)want.offset,
		    (int)want.col);
		show("input", p, n);
		show("scan", m->out.data, m->out.len);
		show("want", want.out.data, want.out.len);
		return false;
	}
	if (libcsv_agrees(&want, &oracle, p, n))
		return true;
	show("libcsv differs", p, n);
	return false;
}

/* --- all small strings --- */

/*
 * `s` alone, and between good rows long enough that kernels see it, at a
 * place in their 64 bytes that moves on from one string to the next.
 */
static bool
placed(const char *s, size_t n, size_t ncols, unsigned turn)
{
	char row[] = {'p', opt.delim, 'q', opt.delim, 'r', '\n'}, block[600];
	size_t len = 0, front = 64 + turn % 64, unit = 2 * ncols;

	if (!agree(s, n, ncols, turn % 2 == 0))
		return false;
	row[unit - 1] = '\n';
	while (len + unit < front) {
		memcpy(block + len, row, unit);
		len += unit;
	}
	/* The last of them is as much longer as needed. */
	len -= unit;
	while (len + unit < front)
		block[len++] = 'x';
	memcpy(block + len, row, unit);
	len += unit;
	memcpy(block + len, s, n);
	len += n;
	block[len++] = '\n';
	while (len < front + 330) {
		memcpy(block + len, row, unit);
		len += unit;
	}
	return agree(block, len, ncols, false);
}

static bool
all_strings(const char *const *letter, unsigned letters, unsigned length,
    bool every_ncols)
{
	unsigned long total = 1, i, v;
	unsigned k, turn = 0;
	size_t n, c, len;
	char s[64];

	for (k = 0; k < length; k++)
		total *= letters;
	for (i = 0; i < total; i++) {
		for (k = 0, v = i, n = 0; k < length; k++, v /= letters) {
			/* A NUL is the letter "". */
			len = strlen(letter[v % letters]);
			memcpy(s + n, letter[v % letters], len + (len == 0));
			n += len + (len == 0);
		}
		for (c = 1; c <= COLS; c++) {
			if (!every_ncols && c != 1 + i % COLS)
				continue;
			if (!placed(s, n, c, turn++ * 7))
				return false;
		}
	}
	return true;
}

static void
small(void)
{
	static const char *const hostile[] = {
		"a", ",", "\"", "\n", "\r", "\\", "N", "\xc3", "\xa9", "",
		"\xe2\x82", "\xed\xa0"
	};
	static const char *const form[] = {"a", ",", "\"", "\n", "\r"};
	static const char *const quoting[] = {"a", ",", "\"", "\n"};
	static const char *const utf8[] = {
		"\x7f", "\x80", "\x8f", "\x90", "\x9f", "\xa0", "\xbf", "\xc1",
		"\xc2", "\xdf", "\xe0", "\xe1", "\xed", "\xef", "\xf0", "\xf1",
		"\xf4", "\xf5", "\xff"
	};
	static const char *const utf8_4[] = {
		"a", "\x80", "\x8f", "\x90", "\xbf", "\xf0", "\xf1", "\xf4"
	};
	unsigned n;
	bool good = true;

	for (n = 0; good && n <= 3; n++)
		good = all_strings(hostile, 12, n, true);
	ok(good && all_strings(hostile, 12, 4, false),
	    "all strings over a hostile alphabet");
	for (n = 4; good && n <= 6; n++)
		good = all_strings(form, 5, n, n == 4);
	ok(good, "all strings of quotes, delimiters and line ends");
	ok(all_strings(quoting, 4, 7, false) && all_strings(quoting, 4, 8,
	    false), "longer ones without CR");
	ok(all_strings(utf8, 19, 3, false) && all_strings(utf8_4, 8, 4, true),
	    "all borders of UTF-8");
	opt.null_in = "a";
	opt.null_string = "N";
	ok(all_strings(hostile, 12, 3, true), "with other null strings");
	opt.null_in = NULL;
	opt.null_string = "\\N";
	printf("# %ld inputs\n", checked);
}

static void
form(char delim, char quote, const char *null_string, const char *null_in)
{
	opt.delim = delim;
	opt.quote = quote;
	opt.null_string = null_string;
	opt.null_in = null_in;
}

/* Other delimiters, quotes and null strings; what has a meaning in the output
 * alone is among the letters. */
static void
other_forms(void)
{
	static const char *const tabs[] = {
		"a", "\t", "\"", "\n", "\r", ",", "\\", "N", "\xc3\xa9"
	};
	static const char *const ticks[] = {
		"a", ";", "'", "\n", "\r", ",", "\"", "N"
	};
	bool good = true;
	unsigned n;

	form('\t', '"', "\\N", NULL);
	for (n = 1; good && n <= 5; n++)
		good = all_strings(tabs, n < 5 ? 9 : 5, n, n < 4);
	ok(good, "tabs and double quotes");
	form('\t', '\0', "\\N", "N");
	for (n = 1; good && n <= 5; n++)
		good = all_strings(tabs, n < 5 ? 9 : 5, n, n < 4);
	ok(good, "tabs and no quotes");
	form(';', '\'', "aN", "");
	for (n = 1; good && n <= 5; n++)
		good = all_strings(ticks, n < 5 ? 8 : 6, n, n < 4);
	ok(good, "semicolons and single quotes");
	form(',', '\'', "", "'a'");
	for (n = 1; good && n <= 4; n++)
		good = all_strings(ticks, 8, n, n < 4);
	ok(good, "commas and single quotes, an empty null string");
	form('x', '\0', "-", "aa");
	for (n = 1; good && n <= 4; n++)
		good = all_strings(ticks, 8, n, n < 4);
	ok(good, "a letter for a delimiter, a null string that shares its "
	    "place in a table");
	form(',', '"', "\\N", NULL);
	printf("# %ld inputs\n", checked);
}

/* --- values --- */

static const char *const pool[] = {
	"", "\"\"", "0", "-7", "12345", "-9999999999999999",
	"12345678901234567", "1.5", "-0.25", "123456789012.345", "007", "-",
	"00.5", "1.", ".5", "1e5", "2024-02-28", "2024-02-29", "2024-01-31",
	"2023-02-29", "0999-01-01", "2024-13-01", "1999-12-01T10:20:30",
	"2024-01-31 23:59:59.123456", "2024-01-31T23:59:59.1",
	"2024-01-31T24:00:00", "2024-01-31T23:59:59.", "2024-01-31T23:59",
	"2024-01-31T23:59:59Z", "true", "FALSE", "truE", "text",
	"\"quoted\"", "\"a,b\"", "\"a\"\"b\"", "\"x\ny\"", "\"x\r\ny\"",
	"\"12\"", "\"2024-01-31\"", "\xc3\xa9t\xc3\xa9",
	"\xe6\x9d\xb1\xe4\xba\xac", "\xf0\x9f\x9a\x80", "\\.", "\"\\.\"",
	"NULL", "\\", " x "
};
enum { POOL = sizeof(pool) / sizeof(pool[0]) };

/* `value` among many of `usual`, in both columns of two and alone. */
static bool
among(struct buf *b, const char *usual, const char *value, size_t n)
{
	size_t ncols;
	bool good = true;
	int i, ret;

	for (ncols = 1; good && ncols <= 2; ncols++) {
		buf_reset(b);
		for (i = 0; i < 40; i++) {
			if (ncols == 2)
				buf_addf(b, "%s,", usual);
			buf_add(b, i == 20 ? value : usual,
			    i == 20 ? n : strlen(usual));
			buf_adds(b, i % 3 == 0 ? "\n" : "\r\n");
		}
		for (i = 0; i < 100; i++)
			buf_adds(b, ncols == 1 ? "\n" : ",\n");
		good = kernels_agree(b->data, b->len, ncols, false, &ret);
	}
	return good;
}

/* Each value where all others are like another one, and each that differs
 * in one byte from one; as they are and with types declared. */
static void
values(void)
{
	static const char byte[] = "09.-:TtZe+,\"\r x\xc3";
	struct scan_type types[2];
	char edited[64];
	struct buf b;
	size_t i, j, k, n;
	bool good = true;

	buf_init(&b, 65536);
	for (k = 0; good && k <= 12; k++) {
		memset(types, 0, sizeof(types));
		opt.types = k == 0 ? NULL : types;
		types[0].kind = types[1].kind = (enum scan_kind)(k % 9);
		types[0].max = types[1].max = INT64_MAX;
		types[1].min = k < 9 ? INT64_MIN : 0;
		types[1].precision = k < 9 ? 0 : 9;
		types[1].scale = k < 9 ? 0 : 3;
		types[1].max_length = k < 9 ? 0 : 6;
		types[1].ascii = k >= 9;
		for (i = 0; good && i < POOL; i++)
			for (j = 0; good && j < POOL; j++)
				good = among(&b, pool[i], pool[j],
				    strlen(pool[j]));
	}
	ok(good, "each value among others of another form");
	opt.types = NULL;
	for (i = 2; good && i < POOL; i++)
		for (j = 0, n = strlen(pool[i]); good && j < n; j++)
			for (k = 0; good && byte[k] != '\0'; k++) {
				memcpy(edited, pool[i], n);
				edited[j] = byte[k];
				good = among(&b, pool[i], edited, n);
			}
	ok(good, "each value with one byte changed");
	buf_release(&b);
}

/* A CR and its LF on the two sides of every border: rows of 64 bytes. */
static void
borders(void)
{
	static const char row[] = "aaaaaaaaaaaaaaaaaaaa,bbbbbbbbbbbbbbbbbbbb,"
	    "cccccccccccccccccccc";
	struct buf b;
	bool good = true;
	size_t pad;
	int ret;

	buf_init(&b, 65536);
	for (pad = 1; good && pad <= 64; pad++) {
		buf_reset(&b);
		buf_addf(&b, "%.*s,,\r\n", (int)pad, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		while (b.len < 40000)
			buf_addf(&b, "%s\r\n", row);
		good = kernels_agree(b.data, b.len, 3, false, &ret) &&
		    ret == 0;
	}
	ok(good && sizeof(row) - 1 + 2 == 64,
	    "CRLF across the borders of windows");
	buf_release(&b);
}

/* --- large random ones --- */

static uint64_t seed = 88172645463325252ULL;

static unsigned
below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 11) % n;
}

static void
random_field(struct buf *b, unsigned kind, unsigned hostile)
{
	static const char *const usual[6] = {
		"text", "12345", "1.5", "2024-02-28", "1999-12-01T10:20:30",
		"true"
	};
	unsigned n;

	if (below(100) < hostile) {
		buf_adds(b, pool[below(POOL)]);
	} else if (kind == 6) {
		for (n = below(200); n > 0; n--)
			buf_addc(b, (char)('a' + below(26)));
	} else {
		buf_adds(b, usual[kind]);
	}
}

static void
random_rows(struct buf *b, size_t ncols, size_t rows, bool wide)
{
	unsigned hostile = below(3) == 0 ? 60 : below(12), crlf = below(5);
	unsigned kind[40], n;
	size_t r, c;

	buf_reset(b);
	for (c = 0; c < ncols; c++)
		kind[c] = below(7);
	for (r = 0; r < rows; r++) {
		for (c = 0; c < ncols; c++) {
			if (c > 0)
				buf_addc(b, opt.delim);
			random_field(b, kind[c], hostile);
			if (wide && r > 0 && below(4000) == 0)
				for (n = below(40000); n > 0; n--)
					buf_addc(b, 'L');
		}
		if (crlf == 0 || (crlf == 1 && below(9) == 0))
			buf_addc(b, '\r');
		buf_addc(b, '\n');
	}
	if (below(3) == 0)
		b->data[below((unsigned)b->len)] = (char)below(256);
	if (below(8) == 0)
		b->len -= 1;
}

static void
random_types(struct scan_type *t, size_t ncols)
{
	size_t c;

	memset(t, 0, ncols * sizeof(*t));
	for (c = 0; c < ncols; c++) {
		t[c].kind = below(3) == 0 ? (enum scan_kind)below(9) :
		    below(2) == 0 ? SCAN_TEXT : SCAN_NONE;
		t[c].min = below(2) == 0 ? INT64_MIN : 0;
		t[c].max = below(2) == 0 ? INT64_MAX : 99999;
		t[c].max_length = (int)below(3) * 8;
		t[c].ascii = below(4) == 0;
		t[c].precision = below(2) == 0 ? 0 : 9;
		t[c].scale = t[c].precision == 0 ? 0 : 3;
	}
}

static void
large(void)
{
	static const struct {
		char delim, quote;
		const char *null_string, *null_in;
	} forms[] = {
		{',', '"', "\\N", NULL}, {',', '"', "\\N", "NULL"},
		{'\t', '"', "\\N", NULL}, {'\t', '\0', "NULL", "text"},
		{';', '\'', "nothing at all, in many bytes", "12345"},
		{',', '"', "-", "\xc3\xa9t\xc3\xa9"},
	};
	const char *more = getenv("RSW_DIFF_ROUNDS");
	long rounds = more == NULL ? 400 : atol(more), i, fine = 0;
	struct scan_type types[40];
	struct buf b;
	bool good = true;
	int ret;

	buf_init(&b, 64 * 1024 * 1024);
	for (i = 0; good && i < rounds; i++) {
		size_t ncols = 1 + below(below(4) == 0 ? 40 : 6);
		unsigned f = below(3) == 0 ? below(6) : 0;

		form(forms[f].delim, forms[f].quote, forms[f].null_string,
		    forms[f].null_in);
		random_rows(&b, ncols, below(i % 8 == 0 ? 3000 : 90) + 1,
		    true);
		random_types(types, ncols);
		opt.types = below(2) == 0 ? types : NULL;
		opt.truncate = below(3) == 0;
		opt.replace_utf8 = below(3) == 0;
		good = kernels_agree(b.data, b.len, ncols, below(2) == 0,
		    &ret);
		fine += ret == 0;
	}
	opt.types = NULL;
	opt.truncate = opt.replace_utf8 = false;
	form(',', '"', "\\N", NULL);
	ok(good, "random blocks: every kernel does what none does");
	printf("# %ld rounds, %ld without a fault\n", rounds, fine);
	ok(fine > rounds / 5 && fine < rounds, "some are good, some not");
	buf_release(&b);
}

/* Rows of more than a window, and of more than kernels take: good ones, and
 * with a fault in the last of them. */
static void
long_rows(void)
{
	struct buf b;
	bool good = true;
	size_t width, i, k;
	int ret;

	buf_init(&b, 64 * 1024 * 1024);
	for (width = 1000; good && width <= 2000000; width *= 3) {
		buf_reset(&b);
		for (k = 0; k < 5; k++)
			for (i = 0; i < 40; i++)
				buf_addf(&b, "%.*d%s%c", (int)(width / 40), 7,
				    i % 7 == 0 ? "\xc3\xa9" : "",
				    i < 39 ? ',' : '\n');
		good = kernels_agree(b.data, b.len, 40, false, &ret) &&
		    ret == 0;
		b.data[b.len - 9] = '"';
		good = good && kernels_agree(b.data, b.len, 40, false, &ret) &&
		    ret != 0;
	}
	ok(good, "long rows");
	buf_release(&b);
}

/* --- cutting --- */

static bool
cuts(const char *p, size_t n, size_t a, size_t b, size_t end, bool open)
{
	struct scan_cut c = {false};
	size_t got = 0, k;

	k = scan_cut(&c, &opt, p, a);
	got = k > 0 ? k : got;
	k = scan_cut(&c, &opt, p + a, b - a);
	got = k > 0 ? a + k : got;
	k = scan_cut(&c, &opt, p + b, n - b);
	got = k > 0 ? b + k : got;
	if (got == end && c.in_quotes == open)
		return true;
	printf("# split at %zu and %zu: %zu, wanted %zu\n", a, b, got, end);
	show("input", p, n);
	return false;
}

static void
cutting(void)
{
	static const char letter[] = "aaaaaaaa\"\"\n\n,\r";
	const struct scan_kernel *const *k;
	size_t n, i, a, end;
	bool good = true, open;
	char p[300];
	int round;

	for (round = 0; good && round < 60; round++) {
		n = below(sizeof(p));
		for (end = i = 0, open = false; i < n; i++) {
			p[i] = letter[below(round % 3 == 0 ? 14 : 9)];
			if (i > n / 2 && round % 3 == 1 && p[i] == 'a')
				p[i] = '\n';
			if (p[i] == '"')
				open = !open;
			else if (p[i] == '\n' && !open)
				end = i + 1;
		}
		for (k = scan_fast_all(); good && *k != NULL; k++) {
			scan_fast_force(*k);
			for (a = 0; good && a <= n; a++)
				good = cuts(p, n, a, a + (n - a) / 2, end, open);
		}
	}
	scan_fast_force(NULL);
	ok(good, "scan_cut at every split point, by every kernel");
	opt.quote = '\0';
	ok(cuts("a\"\nb\"\n\"c", 8, 1, 4, 6, false), "without quotes");
	opt.quote = '"';
}

/* These n bytes, which are in order, cut in two blocks at a record's end that
 * is found when they come as a bytes and the rest, are what they are in one. */
static bool
in_two(struct maker *m, const char *p, size_t n, size_t a)
{
	const struct maker *whole = maker_of(0, m->s.ncols);
	struct scan_cut c = {false};
	size_t first = scan_cut(&c, &opt, p, a), rest;
	int ret;

	rest = scan_cut(&c, &opt, p + a, n - a);
	scan_reset(&m->s);
	buf_reset(&m->out);
	ret = scan_block(&m->s, p, first, false, &m->out);
	if (ret == 0)
		ret = scan_block(&m->s, p + first, a + rest - first, false,
		    &m->out);
	return (rest == 0 ? first : a + rest) == n &&
	    same_scan(&whole->s, 0, &whole->out, &m->s, ret, &m->out);
}

/* Random files: three parsers, and every kernel at every split point. */
static void
splitting(void)
{
	struct buf b;
	bool good = true;
	size_t ncols, a, i;
	long round, whole = 0;
	int ret;

	buf_init(&b, 65536);
	for (round = 0; good && round < 300; round++) {
		ncols = 1 + below(COLS);
		random_rows(&b, ncols, 1 + below(30), false);
		good = agree(b.data, b.len, ncols, false) &&
		    kernels_agree(b.data, b.len, ncols, false, &ret);
		if (!good || ret != 0 || ++whole > 12)
			continue;
		for (i = 1; scan_fast_all()[i - 1] != NULL; i++)
			for (a = 0; good && a <= b.len; a++)
				good = in_two(maker_of((int)i, ncols), b.data,
				    b.len, a);
	}
	ok(good && whole > 12, "random files, at every split point");
	buf_release(&b);
}

int
main(int argc, char **argv)
{
	struct maker *m;
	size_t i;

	(void)argc;
	msg_init(argv[0]);
	buf_init(&want.out, 65536);
	buf_init(&want.flat, 65536);
	buf_init(&oracle.flat, 65536);
	small();
	values();
	other_forms();
	borders();
	long_rows();
	large();
	cutting();
	splitting();
	buf_release(&want.out);
	buf_release(&want.flat);
	buf_release(&oracle.flat);
	for (i = 0; i < KERNELS * (COLS + 1); i++) {
		m = &maker[i / (COLS + 1)][i % (COLS + 1)];
		if (m->s.ncols != 0)
			scan_release(&m->s);
		buf_release(&m->out);
	}
	return done();
}
