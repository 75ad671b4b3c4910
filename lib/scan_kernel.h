/*
 * The body of a kernel, included once by each scan_KERNEL.c, which defines
 *
 *	KERNEL		what each function begins with (inline, target)
 *	KERNEL_TARGET	the target alone
 *	KERNEL_NAME	"sse2"
 *	KERNEL_OBJECT	scan_sse2
 *	LANES		32-bit words in a vector
 *	between16(p, low, high)	a mask of 16 bytes: which are from low[i] to
 *			high[i]
 *
 * and either a register `vec`, of which VECS make 64 bytes, with what
 * scan_vec.h asks for, or what that makes of it:
 *
 *	v64		64 bytes, and on them
 *	v64_load(p), v64_store(p, v)	at any address
 *	v64_eq(v, c)	a mask: bit i is set if byte i is c
 *	v64_eq2(v, c, d)	c or d
 *	v64_ge(v, c)	c or more; c >= 0x80
 *	v64_swap(v, c, d)	c replaced by d
 *	v64_rare(v, n)	whether any is NUL, CR, a needle, 0x80 or more
 *	needles_of(c, d)	two needles; if .all is set, each v64 counts as
 *			rare
 *
 * What it does better than scan_vec.h it defines before, with OWN_...
 *
 * scan_fast.h tells the idea.
 */
#include "scan_vec.h"

/* The lead bytes of UTF-8 in the 64 bytes before, see utf8(). */
struct lead {
	uint64_t c2, e0, f0, is_e0, is_ed, is_f0, is_f4;
};

/* What most blocks of 64 bytes do not have: see rare(). */
struct rare {
	char first[2];		/* bytes with which null strings begin */
	bool all;		/* see needles_of() */
	bool pending;		/* that, or one of the next is not 0 */
	uint64_t cr;		/* 1: the last byte was a CR outside quotes */
	struct lead lead;
	uint64_t special;	/* found: more special fields */
	uint64_t bad;		/* what is out of order */
	bool any_cr;		/* CRs outside quotes since it was cleared */
};

/* What is found in 64 bytes. */
struct found {
	uint64_t start, end, special, lf;
};

/* What the 64 bytes before mean for these. */
struct edge {
	uint64_t in;		/* all ones: they ended inside quotes */
	uint64_t start;		/* 1: a field begins here */
	uint64_t quote;		/* 1: the last byte was a closing quote */
};

/*
 * Bytes from 0x80 on. Each lead byte asks for continuation bytes behind it:
 * one from C2 on, two from E0, three from F0; the bytes that are asked for
 * and those that are continuation bytes must be the same. After four lead
 * bytes the first of them has a narrower range (no overlong forms, no
 * surrogates, nothing above U+10FFFF). Returns what is wrong.
 */
KERNEL uint64_t
utf8(v64 v, struct lead *e)
{
	uint64_t c0 = v64_ge(v, 0xc0), a0 = v64_ge(v, 0xa0);
	uint64_t x90 = v64_ge(v, 0x90), asked, bad;
	struct lead n = {
		.c2 = v64_ge(v, 0xc2), .e0 = v64_ge(v, 0xe0),
		.f0 = v64_ge(v, 0xf0), .is_e0 = v64_eq(v, 0xe0),
		.is_ed = v64_eq(v, 0xed), .is_f0 = v64_eq(v, 0xf0),
		.is_f4 = v64_eq(v, 0xf4)
	};

	asked = (n.c2 << 1 | e->c2 >> 63) | (n.e0 << 2 | e->e0 >> 62) |
	    (n.f0 << 3 | e->f0 >> 61);
	bad = asked ^ (v64_ge(v, 0x80) & ~c0);
	bad |= (c0 & ~n.c2) | v64_ge(v, 0xf5);
	bad |= (n.is_e0 << 1 | e->is_e0 >> 63) & ~a0;
	bad |= (n.is_ed << 1 | e->is_ed >> 63) & a0;
	bad |= (n.is_f0 << 1 | e->is_f0 >> 63) & ~x90;
	bad |= (n.is_f4 << 1 | e->is_f4 >> 63) & x90;
	*e = n;
	return bad;
}

/* Look again at 64 bytes with anything rare in them. `bad` are bytes in the
 * wrong place behind a closing quote, among them CRs, which may be there. */
static __attribute__((noinline)) KERNEL_TARGET void
rare(struct rare *r, const char *p, uint64_t in, uint64_t start, uint64_t bad)
{
	v64 v = v64_load(p);
	uint64_t cr = v64_eq(v, '\r') & ~in;

	r->special = start & (cr | v64_eq(v, (unsigned char)r->first[0]) |
	    v64_eq(v, (unsigned char)r->first[1]));
	bad &= ~cr;
	/* A CR is before an LF. */
	bad |= (cr << 1 | r->cr) & ~v64_eq(v, '\n');
	bad |= v64_eq(v, 0);
	r->bad = bad | utf8(v, &r->lead);
	r->cr = cr >> 63;
	r->any_cr = r->any_cr || cr != 0;
	r->pending = r->all || (r->cr | r->lead.c2 >> 63 | r->lead.e0 >> 62 |
	    r->lead.f0 >> 61) != 0;
}

/* Look at 64 bytes; false if anything is out of order. */
KERNEL bool
look64(const char *p, struct scan_form form, needles n, struct edge *e,
    struct rare *r, struct found *f)
{
	v64 v = v64_load(p);
	uint64_t quote = v64_eq(v, (unsigned char)form.quote);
	uint64_t lf = v64_eq(v, (unsigned char)form.lf);
	uint64_t in, open, closed, behind, bad;

	if (!form.same && form.quote == '\0')
		quote = 0;
	in = parity(quote) ^ e->in;
	open = quote & in;
	closed = quote & ~in;
	f->end = (v64_eq(v, (unsigned char)form.delim) | lf) & ~in;
	f->lf = lf & ~in;
	f->start = f->end << 1 | e->start;
	behind = closed << 1 | e->quote;
	f->special = f->start & (quote | f->end);
	/* What is no more than text, and would be more in the output. */
	if (!form.same)
		f->special |= v64_eq2(v, ',', '"') & ~(f->end | in);
	/* A closing quote is before the end of a field, or the first of two;
	 * an opening one begins a field, or is the second of two. */
	bad = behind & ~(f->end | open);
	if (__builtin_expect(v64_rare(v, n) || r->pending, 0)) {
		rare(r, p, in, f->start, bad);
		bad = r->bad;
		f->special |= r->special;
	}
	bad |= open & ~(f->start | behind);
	e->in = (uint64_t)((int64_t)in >> 63);
	e->start = f->end >> 63;
	e->quote = closed >> 63;
	return bad == 0;
}

/*
 * A window at work. Places are bytes from base; the record that begins at
 * `start` is the first whose fields are indexed.
 */
struct work {
	struct scan *s;
	const char *base;
	uint32_t start, done;	/* indexed up to here */
	uint32_t *end;
	struct scan_special *special;
	size_t nend, nspecial;
	size_t nlf;		/* how many of the ends are an LF */
	struct edge edge;
	struct rare rare;
};

/* Index up to `to`, in steps of 64; false if it had to stop before. */
KERNEL bool
index_window(struct work *w, uint32_t to, struct scan_form form)
{
	struct scan_special *special = w->special + w->nspecial;
	uint32_t *end = w->end + w->nend, at;
	const char *base = w->base;
	struct edge e = w->edge;
	size_t nlf = w->nlf;
	needles nd = needles_of(w->rare.first[0], w->rare.first[1]);
	struct found f;

	w->rare.all = nd.all;
	w->rare.pending = w->rare.pending || nd.all;
	for (at = w->done; at < to; at += 64) {
		if (!look64(base + at, form, nd, &e, &w->rare, &f))
			break;
		nlf += count(f.lf);
		special->special = f.special;
		special->end = f.end;
		special->before = end;
		special += f.special != 0;
		places(end, f.end, at);
		end += count(f.end);
	}
	w->edge = e;
	w->nend = (size_t)(end - w->end);
	w->nspecial = (size_t)(special - w->special);
	w->nlf = nlf;
	w->done = at;
	return at == to;
}

/* How many of the indexed rows have as many fields as they should. */
static KERNEL_TARGET size_t
whole_rows(const struct work *w)
{
	size_t ncols = w->s->ncols, rows = w->nend / ncols, r, c;
	const uint32_t *end = w->end;

	for (r = 0; r < rows; r++)
		if (w->base[end[r * ncols + ncols - 1]] != '\n')
			break;
	/* If these are all LFs that there are, none is inside a row. */
	if (r == rows && w->nlf == rows)
		return rows;
	for (r = 0; r < rows; r++)
		for (c = 0; c < ncols; c++)
			if ((w->base[end[r * ncols + c]] == '\n') !=
			    (c == ncols - 1))
				return r;
	return rows;
}

/* A value as the loops see it. */
struct value {
	const char *p;
	uint32_t n;
};

/* Whether a loop minds quotes around values, and CRs behind them. Without
 * it is right too, only slower: then such values do not pass. */
enum care {
	CARE_NONE, CARE_QUOTE, CARE_CR
};

KERNEL struct value
value_of(const struct work *w, const uint32_t *at, enum care care)
{
	uint32_t start = at[-1] + 1, end = *at, quoted;
	struct value v;

	if (care == CARE_CR)
		end -= end > start && w->base[end - 1] == '\r';
	v.p = w->base + start;
	v.n = end - start;
	if (care != CARE_NONE) {
		quoted = *v.p == w->s->fast->form.quote;
		v.p += quoted;
		v.n -= 2 * quoted;
	}
	return v;
}

/* The tests of the loops: true only if the value surely has the form. */

struct digits {
	int in, fr;	/* most that were seen */
};

/* Up to 16 bytes. */
KERNEL bool
is_number(struct value v, bool point, struct digits *most)
{
	uint32_t all = (2U << ((v.n - 1) & 31)) - 1, minus = *v.p == '-', other;
	uint32_t in = v.n - minus, fr = 0, at;

	/* What is no digit: nothing, or a point between some. */
	other = ~between16(v.p, "0000000000000000", "9999999999999999") &
	    all & ~minus;
	if (point && other != 0) {
		at = (uint32_t)__builtin_ctz(other);
		in = at - minus;
		fr = v.n - at - 1;
		other &= other - 1;
		if (v.p[at] != '.' || fr == 0)
			return false;
	}
	if (v.n - 1 > 15 || other != 0 || in == 0 ||
	    (in > 1 && v.p[minus] == '0'))
		return false;
	most->in = (int)in > most->in ? (int)in : most->in;
	most->fr = (int)fr > most->fr ? (int)fr : most->fr;
	return true;
}

KERNEL unsigned
two(const char *v)
{
	return (unsigned)(v[0] - '0') * 10 + (unsigned)(v[1] - '0');
}

/* A month and a day that it has, but not the 29th of February. */
KERNEL bool
is_day(const char *v)
{
	static const unsigned char days[20] = {
		0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};

	return two(v + 8) - 1 < days[two(v + 5)];
}

/* Years from 1000 on. */
KERNEL bool
is_date(struct value v)
{
	static const char low[16] = "1000-00-00", high[16] = "9999-19-39";

	return v.n == 10 && (between16(v.p, low, high) & 0x3ff) == 0x3ff &&
	    is_day(v.p);
}

/* YYYY-MM-DD[T ]HH:MM:SS[.f to .ffffff] */
KERNEL bool
is_timestamp(struct value v)
{
	static const char low[2][17] = {"1000-00-00 00:00", "00:00:00.000000"},
	    high[2][17] = {"9999-19-39T29:59", "29:59:59.999999"};
	uint32_t all;

	if (v.n - 19 > 7 || v.n == 20)
		return false;
	all = (1U << (v.n - 11)) - 1;
	return between16(v.p, low[0], high[0]) == 0xffff &&
	    (between16(v.p + 11, low[1], high[1]) & all) == all &&
	    (v.p[10] == 'T' || v.p[10] == ' ') && two(v.p + 11) < 24 &&
	    is_day(v.p);
}

/* The first n bytes of a word in memory; n is 1 to 8. */
KERNEL uint64_t
first_bytes(size_t n)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return ~0ULL << ((64 - 8 * n) & 63);
#else
	return ~0ULL >> ((64 - 8 * n) & 63);
#endif
}

KERNEL bool
is_bool(struct value v)
{
	static const char word[2][9] = {"true    ", "false   "};
	uint64_t w, want;

	/* Letters differ from their capitals by this bit alone; no other
	 * byte becomes one of these letters by it but the capital. */
	memcpy(&w, v.p, 8);
	memcpy(&want, word[v.n & 1], 8);
	w |= 0x2020202020202020ULL;
	return v.n - 4 < 2 && ((w ^ want) & first_bytes(v.n)) == 0;
}

/*
 * One loop: rows r to n of column c, up to the first value that does not
 * pass; returns its row. `look` and `care` are constants at every call.
 */
KERNEL size_t
column_loop(const struct work *w, size_t c, size_t r, size_t n,
    enum scan_look look, enum care care)
{
	size_t ncols = w->s->ncols;
	const uint32_t *end = w->end + r * ncols + c;
	struct scan_prof *prof = &w->s->prof[c];
	struct digits most = {prof->max_int_digits, prof->max_frac_digits};
	struct value v;
	bool fine = true;

	for (; r < n; r++, end += ncols) {
		v = value_of(w, end, care);
		if (look == SCAN_LOOK_INT)
			fine = is_number(v, false, &most);
		else if (look == SCAN_LOOK_DECIMAL)
			fine = is_number(v, true, &most);
		else if (look == SCAN_LOOK_DATE)
			fine = is_date(v);
		else if (look == SCAN_LOOK_TIMESTAMP)
			fine = is_timestamp(v);
		else
			fine = is_bool(v);
		/* Nothing has every form. */
		if (!fine && v.n != 0)
			break;
	}
	prof->max_int_digits = most.in;
	prof->max_frac_digits = most.fr;
	return r;
}

KERNEL size_t
column_by_look(const struct work *w, size_t c, size_t r, size_t n,
    enum care care)
{
	switch (w->s->fast->col[c].look) {
	case SCAN_LOOK_TEXT:
		return n;
	case SCAN_LOOK_INT:
		return column_loop(w, c, r, n, SCAN_LOOK_INT, care);
	case SCAN_LOOK_DECIMAL:
		return column_loop(w, c, r, n, SCAN_LOOK_DECIMAL, care);
	case SCAN_LOOK_DATE:
		return column_loop(w, c, r, n, SCAN_LOOK_DATE, care);
	case SCAN_LOOK_TIMESTAMP:
		return column_loop(w, c, r, n, SCAN_LOOK_TIMESTAMP, care);
	case SCAN_LOOK_BOOL:
		return column_loop(w, c, r, n, SCAN_LOOK_BOOL, care);
	default:
		return r;
	}
}

KERNEL enum care
care_for(const struct work *w, size_t c)
{
	if (w->rare.any_cr && c + 1 == w->s->ncols)
		return CARE_CR;
	return w->s->fast->col[c].quoted ? CARE_QUOTE : CARE_NONE;
}

/* Rows r to n of column c, up to the first value that does not pass. */
KERNEL size_t
column(const struct work *w, size_t c, size_t r, size_t n)
{
	switch (care_for(w, c)) {
	case CARE_CR:
		return column_by_look(w, c, r, n, CARE_CR);
	case CARE_QUOTE:
		return column_by_look(w, c, r, n, CARE_QUOTE);
	default:
		return column_by_look(w, c, r, n, CARE_NONE);
	}
}

/* The first value that may be wider than any before; `most` is the widest
 * field as it stands in the window. */
static KERNEL_TARGET size_t
wider(const struct work *w, size_t c, size_t r, size_t n, uint32_t most)
{
	const uint32_t *end = w->end + r * w->s->ncols + c;
	uint64_t max = w->s->prof[c].max_bytes;
	enum care care = care_for(w, c);

	if (most <= max)
		return n;
	for (; r < n && value_of(w, end, care).n <= max; r++)
		end += w->s->ncols;
	return r;
}

/* Measure n rows; returns how many are in order. */
static KERNEL_TARGET size_t
measure(const struct work *w, size_t n)
{
	uint32_t *most = w->s->fast->most;
	size_t c, r, wide, ncols = w->s->ncols;
	const uint32_t *at;
	const char *end;

	for (c = 0; c < ncols; c += LANES)
		widest(most + c, w->end + c, n, ncols);
	for (c = 0; c < ncols; c++)
		for (r = wide = 0; r < n; r++) {
			if (wide <= r)
				wide = wider(w, c, r, n, most[c]);
			r = column(w, c, r, wide);
			if (r == n)
				break;
			at = w->end + r * ncols + c;
			end = w->base + *at;
			end -= *at > at[-1] + 1 && end[-1] == '\r';
			if (!scan_fast_value(w->s, c,
			    w->base + (uint32_t)(at[-1] + 1), end))
				n = r;
			else if (r == wide)
				wide = 0;
		}
	return n;
}

/* Where the output stands. */
struct output {
	char *out;		/* written up to here */
	const char *from;	/* from here on still to be copied */
	struct scan_form form;	/* delimiters in that become commas */
};

/* Copy what needed no change, up to p. Writes up to 63 bytes too many. */
KERNEL void
flush(struct output *o, const char *p)
{
	const char *from = o->from;
	size_t n = (size_t)(p - from), i;
	char *out = o->out;
	v64 v;

	for (i = 0; i < n; i += 64) {
		v = v64_load(from + i);
		if (!o->form.same)
			v = v64_swap(v, (unsigned char)o->form.delim, ',');
		v64_store(out + i, v);
	}
	o->out = out + n;
}

/* Whether any of the n bytes in quotes is one that needs them. */
KERNEL bool
needs_quotes(const char *p, size_t n)
{
	uint64_t m;
	size_t i;
	v64 v;

	for (i = 0; i < n; i += 64) {
		v = v64_load(p + i);
		m = v64_eq2(v, ',', '"') | v64_eq2(v, '\n', '\r');
		if (n - i < 64)
			m &= (1ULL << (n - i)) - 1;
		if (m != 0)
			return true;
	}
	return false;
}

KERNEL bool
equal(const char *p, size_t n, const char *word, size_t len)
{
	return n == len && memcmp(p, word, n) == 0;
}

/* Field k, which is special, of column c; false if it is the null string. */
KERNEL bool
put_special(const struct work *w, size_t k, size_t c, struct output *o)
{
	uint32_t from = w->end[(ptrdiff_t)k - 1] + 1, to = w->end[k];
	const struct scan_fast *f = w->s->fast;
	struct scan_prof *prof = &w->s->prof[c];
	const char *start = w->base + from, *end;

	to -= to > from && w->base[to - 1] == '\r';
	end = w->base + to;
	if (from == to || (*start != o->form.quote &&
	    equal(start, to - from, f->in, f->in_len))) {
		prof->nulls++;
		flush(o, start);
		v64_store(o->out, v64_load(f->null));
		o->out += f->null_len;
		o->from = end;
		return true;
	}
	if (!o->form.same) {
		flush(o, start);
		o->from = end;
		return scan_fast_put(w->s, c, start, end, &o->out);
	}
	if (*start == '"' && to - from > 2) {
		if (needs_quotes(start + 1, to - from - 2) ||
		    (w->s->ncols == 1 && equal(start, 4, "\"\\.\"", 4)))
			return true;
		if (equal(start + 1, to - from - 2, f->null, f->null_len))
			return false;
		flush(o, start);
		o->from = start + 1;
		flush(o, end - 1);
		o->from = end;
	} else if (*start == '"' || (w->s->ncols == 1 &&
	    equal(start, to - from, "\\.", 2))) {
		flush(o, start);
		o->from = end;
		return scan_fast_put(w->s, c, start, end, &o->out);
	} else if (equal(start, to - from, f->null, f->null_len)) {
		return false;
	}
	return true;
}

/* The special fields in turn: `mask` is what is left of special[i]. */
struct turn {
	size_t i;
	uint64_t mask;
	ptrdiff_t last;		/* a field can be found twice */
};

/* The next one below `limit`; false if there is none. */
KERNEL bool
next_special(const struct work *w, struct turn *t, ptrdiff_t limit,
    size_t *number)
{
	const struct scan_special *s;
	ptrdiff_t k;

	while (t->i < w->nspecial) {
		if (t->mask == 0) {
			t->i++;
			t->mask = w->special[t->i].special;
			continue;
		}
		s = &w->special[t->i];
		k = s->before - w->end +
		    (ptrdiff_t)count(s->end & ((t->mask & -t->mask) - 1));
		if (k >= limit)
			return false;
		t->mask &= t->mask - 1;
		if (k > t->last) {
			t->last = k;
			*number = (size_t)k;
			return true;
		}
	}
	return false;
}

/* Write n rows without their CRs; returns how many are in order. */
KERNEL size_t
write_rows(const struct work *w, size_t n, struct output *out, struct turn *t,
    struct scan_form form)
{
	size_t ncols = w->s->ncols, k, r, row;
	uint64_t inverse = ((uint64_t)1 << 32) / ncols + 1;
	struct output o = {out->out, out->from, form};
	uint32_t end;

	for (r = 0; r < n && w->rare.any_cr; r++) {
		while (next_special(w, t, (ptrdiff_t)((r + 1) * ncols), &k))
			if (!put_special(w, k, k - r * ncols, &o))
				return r;
		end = w->end[(r + 1) * ncols - 1];
		if (end > 0 && w->base[end - 1] == '\r') {
			flush(&o, w->base + end - 1);
			o.from = w->base + end;
		}
	}
	while (next_special(w, t, (ptrdiff_t)(n * ncols), &k)) {
		row = (size_t)(k * inverse >> 32);
		if (!put_special(w, k, k - row * ncols, &o))
			return row;
	}
	out->out = o.out;
	out->from = o.from;
	return n;
}

/* The first n rows are done: what is left begins the next window. */
KERNEL void
forget(struct work *w, size_t n, const struct turn *t)
{
	size_t used = n * w->s->ncols, i, j;
	uint32_t shift;

	if (n > 0)
		w->start = w->end[used - 1] + 1;
	shift = w->start & ~63U;
	if (n == 0 && shift == 0)
		return;		/* a record of more than a window */
	for (i = t->i, j = 0; i < w->nspecial; i++, j++) {
		w->special[j] = w->special[i];
		w->special[j].before -= used;
		if (i == t->i)
			w->special[j].special = t->mask;
	}
	w->nspecial = j;
	w->nend -= used;
	w->nlf -= n;
	for (i = 0; i < w->nend; i++)
		w->end[i] = w->end[used + i] - shift;
	w->rare.any_cr = w->rare.cr != 0;
	w->base += shift;
	w->start -= shift;
	w->done -= shift;
	w->end[-1] = w->start - 1;
}

KERNEL void
start_work(struct work *w, struct scan *s, const char *base)
{
	memset(w, 0, sizeof(*w));
	w->s = s;
	w->base = base;
	w->end = s->fast->end + 1;
	w->end[-1] = (uint32_t)-1;
	w->special = s->fast->special;
	w->rare.first[0] = s->fast->first[0];
	w->rare.first[1] = s->fast->first[1];
	w->edge.start = 1;
}

KERNEL size_t
rows_of(struct scan *s, const char *p, size_t n, struct buf *out,
    struct scan_form form)
{
	uint32_t *window = &s->fast->window;
	struct output o;
	struct turn turn;
	struct work w;
	size_t want, got, room;
	bool fine = true;

	start_work(&w, s, p);
	while (fine && w.done - w.start <= s->fast->record) {
		room = n - (size_t)(w.base - p) - w.done;
		if (room < 192)
			break;
		room = (room - 128) & ~(size_t)63;
		fine = index_window(&w, w.done +
		    (uint32_t)(room < *window ? room : *window), form);
		if (buf_reserve(out, scan_out_max(s, w.done - w.start)) != 0)
			break;
		o = (struct output){out->data + out->len, w.base + w.start,
		    form};
		turn = (struct turn){0, w.special[0].special, -1};
		want = w.nend / s->ncols;
		got = write_rows(&w, measure(&w, whole_rows(&w)), &o, &turn,
		    form);
		fine = fine && got == want;
		s->rows += got;
		forget(&w, got, &turn);
		flush(&o, w.base + w.start);
		out->len = (size_t)(o.out - out->data);
		*window = !fine ? SCAN_FAST_WINDOW_MIN :
		    *window < SCAN_FAST_WINDOW ? *window * 2 : *window;
	}
	return (size_t)(w.base - p) + w.start;
}

static KERNEL_TARGET size_t
rows(struct scan *s, const char *p, size_t n, struct buf *out)
{
	struct scan_form form = s->fast->form;

	/* The loops are made twice; so this is a constant in them. */
	form.same = true;
	if (s->fast->form.same)
		return rows_of(s, p, n, out, form);
	form.same = false;
	return rows_of(s, p, n, out, form);
}

/* The end of the last record in 64 bytes, if `in` says how they end; 0 if
 * there is none. */
KERNEL size_t
last_end(v64 v, char quote, uint64_t *in)
{
	uint64_t m = v64_eq(v, (unsigned char)quote), lf;

	/* How they begin: as they end, but for the quotes between. */
	*in ^= (uint64_t)0 - (count(m) & 1);
	lf = v64_eq(v, '\n') & ~(parity(m) ^ *in);
	return lf == 0 ? 0 : 64 - (size_t)__builtin_clzll(lf);
}

/* Forward only to count quotes, then back to the last end of a record: it
 * is seldom far. */
static KERNEL_TARGET size_t
cut(struct scan_cut *c, char quote, const char *p, size_t n)
{
	uint64_t m = 0, in = c->in_quotes ? ~0ULL : 0, before;
	size_t i, end = 0, tail = 0, blocks = n / 64 * 64;

	for (i = 0; i < blocks; i += 64)
		m ^= v64_eq(v64_load(p + i), (unsigned char)quote);
	in ^= (uint64_t)0 - (count(m) & 1);
	before = in;
	for (; i < n; i++) {
		if (p[i] == quote)
			in = ~in;
		else if (p[i] == '\n' && in == 0)
			tail = i + 1;
	}
	c->in_quotes = in != 0;
	if (tail != 0)
		return tail;
	for (i = blocks; i > 0 && end == 0; i -= 64)
		end = last_end(v64_load(p + i - 64), quote, &before);
	return end == 0 ? 0 : i + end;
}

const struct scan_kernel KERNEL_OBJECT = {KERNEL_NAME, rows, cut};
