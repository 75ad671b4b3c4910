/*
 * One value, byte by byte: its form, whether it fits a declared type, the
 * characters of its text. No locale, no allocation.
 */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "scan_value.h"

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
digits(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && digit(s[i]))
		i++;
	return i;
}

/* A number taken apart; offsets into its text. */
struct number {
	bool sign, plus, exponent;
	size_t ip, in;		/* digits before the point: where, how many */
	size_t fp, fn;		/* behind it */
	bool point;
	long exp;		/* capped at +-9999 */
};

/* [+-]?[0-9]*(.[0-9]*)?([eE][+-]?[0-9]+)? with a digit before the e. */
static bool
number(const char *s, size_t n, struct number *v)
{
	size_t i = 0, k, j;
	bool minus;

	memset(v, 0, sizeof(*v));
	if (n > 0 && (s[0] == '-' || s[0] == '+')) {
		v->sign = true;
		v->plus = s[i++] == '+';
	}
	v->ip = i;
	v->in = digits(s + i, n - i);
	i += v->in;
	if (i < n && s[i] == '.') {
		v->point = true;
		v->fp = ++i;
		v->fn = digits(s + i, n - i);
		i += v->fn;
	}
	if (v->in + v->fn == 0)
		return false;
	if (i < n && (s[i] == 'e' || s[i] == 'E')) {
		v->exponent = true;
		i++;
		minus = i < n && s[i] == '-';
		if (i < n && (s[i] == '-' || s[i] == '+'))
			i++;
		if ((k = digits(s + i, n - i)) == 0)
			return false;
		for (j = 0; j < k; j++)
			if (v->exp <= 999)
				v->exp = v->exp * 10 + (s[i + j] - '0');
		if (minus)
			v->exp = -v->exp;
		i += k;
	}
	return i == n;
}

/* A double has such an exponent: for sure, or with `edge` perhaps. */
static bool
in_double(const struct number *v, bool edge)
{
	long e = v->exp + (v->in > 400 ? 400 : (long)v->in);

	return edge ? e <= 309 && v->exp >= -330 : e <= 308 && v->exp >= -290;
}

/* Digits from the first to the last that is not 0. */
static size_t
significant(const char *s, const struct number *v)
{
	size_t i, first = 0, last = 0, at = 0;

	for (i = 0; i < v->in + v->fn; i++) {
		char c = i < v->in ? s[v->ip + i] : s[v->fp + i - v->in];

		at++;
		if (c == '0')
			continue;
		if (first == 0)
			first = at;
		last = at;
	}
	return first == 0 ? 1 : last - first + 1;
}

/* Digits as a number from min to max; the sign is before them. */
static bool
in_range(const char *s, size_t n, bool minus, int64_t min, int64_t max)
{
	int64_t v = 0;
	size_t i;
	int d;

	for (i = 0; i < n; i++) {
		d = s[i] - '0';
		if (__builtin_mul_overflow(v, 10, &v) ||
		    (minus ? __builtin_sub_overflow(v, d, &v) :
		    __builtin_add_overflow(v, d, &v)))
			return false;
	}
	return v >= min && v <= max;
}

/* A whole number; leading zeros do not count. */
static bool
fits_int(const struct scan_type *t, const char *s, size_t n,
    struct scan_value *r)
{
	struct number v;
	size_t lead = 0;

	if (!number(s, n, &v) || v.point || v.exponent ||
	    !in_range(s + v.ip, v.in, v.sign && !v.plus, t->min, t->max))
		return false;
	while (lead + 1 < v.in && s[v.ip + lead] == '0')
		lead++;
	r->int_digits = (int)(v.in - lead);
	return true;
}

static int
clip(size_t n)
{
	return n > SCAN_FIELD_MAX ? SCAN_FIELD_MAX : (int)n;
}

static struct scan_value
look_number(const char *s, size_t n)
{
	struct scan_value r = {SCAN_TEXT, 0, 0, false};
	struct number v;

	if (!number(s, n, &v) || v.plus || v.in == 0 ||
	    (v.point && v.fn == 0) || (v.in > 1 && s[v.ip] == '0'))
		return r;
	if (v.exponent && !in_double(&v, false))
		return r;
	r.kind = v.exponent ? SCAN_DOUBLE : SCAN_DECIMAL;
	if (!v.exponent && !v.point &&
	    in_range(s + v.ip, v.in, v.sign, INT64_MIN, INT64_MAX))
		r.kind = SCAN_INT;
	r.int_digits = clip(v.in);
	r.frac_digits = clip(v.fn);
	r.wide = v.in + v.fn > 17 && significant(s, &v) > 17;
	return r;
}

static int
two(const char *s)
{
	return (s[0] - '0') * 10 + s[1] - '0';
}

/* YYYY-MM-DD; the caller has seen that there are 10 bytes. */
static bool
date(const char *s)
{
	static const int days[] = {
		31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	int y, m, d;

	if (digits(s, 4) != 4 || s[4] != '-' || digits(s + 5, 2) != 2 ||
	    s[7] != '-' || digits(s + 8, 2) != 2)
		return false;
	y = two(s) * 100 + two(s + 2);
	m = two(s + 5);
	d = two(s + 8);
	if (y < 1 || m < 1 || m > 12 || d < 1 || d > days[m - 1])
		return false;
	return m != 2 || d < 29 ||
	    (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
}

/* HH:MM[:SS[.f to .ffffff]]: the bytes it takes, 0 if it is none. */
static size_t
time_of_day(const char *s, size_t n)
{
	size_t k;

	if (n < 5 || digits(s, 2) != 2 || s[2] != ':' ||
	    digits(s + 3, 2) != 2 || two(s) > 23 || two(s + 3) > 59)
		return 0;
	if (n < 6 || s[5] != ':')
		return 5;
	if (n < 8 || digits(s + 6, 2) != 2 || two(s + 6) > 59)
		return 0;
	if (n < 9 || s[8] != '.')
		return 8;
	k = digits(s + 9, n - 9);
	return k >= 1 && k <= 6 ? 9 + k : 0;
}

/* Z, +HH, +HHMM or +HH:MM, or the same with a minus. */
static bool
zone(const char *s, size_t n)
{
	if (n == 1)
		return s[0] == 'Z';
	if ((s[0] != '+' && s[0] != '-') || n < 3 || digits(s + 1, 2) != 2 ||
	    two(s + 1) > 15)
		return false;
	if (n == 3)
		return true;
	if (s[3] == ':') {
		s++;
		n--;
	}
	return n == 5 && digits(s + 3, 2) == 2 && two(s + 3) < 60;
}

static enum scan_kind
look_time(const char *s, size_t n)
{
	size_t k;

	if (n < 10 || !date(s))
		return SCAN_TEXT;
	if (n == 10)
		return SCAN_DATE;
	if (s[10] != 'T' && s[10] != ' ')
		return SCAN_TEXT;
	k = time_of_day(s + 11, n - 11);
	if (k == 0)
		return SCAN_TEXT;
	s += 11 + k;
	n -= 11 + k;
	if (n == 0)
		return SCAN_TIMESTAMP;
	return zone(s, n) ? SCAN_ZONED : SCAN_TEXT;
}

static bool
is_word(const char *s, size_t n, const char *word)
{
	return n == strlen(word) && strncasecmp(s, word, n) == 0;
}

struct scan_value
scan_value_look(const char *s, size_t n)
{
	struct scan_value r = {SCAN_TEXT, 0, 0, false};

	if (digit(s[0]) || s[0] == '-') {
		r = look_number(s, n);
		if (r.kind == SCAN_TEXT)
			r.kind = look_time(s, n);
	} else if (is_word(s, n, "true") || is_word(s, n, "false")) {
		r.kind = SCAN_BOOL;
	}
	return r;
}

enum scan_kind
scan_value_join(enum scan_kind a, enum scan_kind b)
{
	if (a == b || b == SCAN_NONE)
		return a;
	if (a == SCAN_NONE)
		return b;
	if (a >= SCAN_INT && a <= SCAN_DOUBLE && b >= SCAN_INT &&
	    b <= SCAN_DOUBLE)
		return a > b ? a : b;
	if ((a == SCAN_DATE && b == SCAN_TIMESTAMP) ||
	    (a == SCAN_TIMESTAMP && b == SCAN_DATE))
		return SCAN_TIMESTAMP;
	return SCAN_TEXT;
}

void
scan_value_add(struct scan_prof *p, const struct scan_value *v)
{
	p->kind = scan_value_join(p->kind, v->kind);
	if (v->int_digits > p->max_int_digits)
		p->max_int_digits = v->int_digits;
	if (v->frac_digits > p->max_frac_digits)
		p->max_frac_digits = v->frac_digits;
	p->wide = p->wide || v->wide;
}

static bool
fits_decimal(const struct scan_type *t, const char *s, size_t n,
    struct scan_value *r)
{
	struct number v;
	size_t lead = 0, need;

	if (!number(s, n, &v) || v.exponent)
		return false;
	while (lead < v.in && s[v.ip + lead] == '0')
		lead++;
	need = v.in - lead;
	if (t->precision != 0) {
		while (v.fn > (size_t)t->scale && s[v.fp + v.fn - 1] == '0')
			v.fn--;
		if (v.fn > (size_t)t->scale ||
		    need > (size_t)(t->precision - t->scale))
			return false;
	} else if (need + v.fn > 38) {
		return false;
	}
	r->kind = SCAN_DECIMAL;
	r->int_digits = need == 0 ? 1 : (int)need;
	r->frac_digits = (int)v.fn;
	return true;
}

static bool
fits_double(const char *s, size_t n, struct scan_value *r)
{
	struct number v;

	r->kind = SCAN_DOUBLE;
	if (number(s, n, &v))
		return in_double(&v, true);
	if (n > 0 && (s[0] == '-' || s[0] == '+')) {
		s++;
		n--;
	}
	return is_word(s, n, "nan") || is_word(s, n, "inf") ||
	    is_word(s, n, "infinity");
}

/* A timestamp for a column without zone: a zone must say UTC. */
static bool
fits_timestamp(const char *s, size_t n)
{
	enum scan_kind k = look_time(s, n);
	size_t i;

	if (k != SCAN_ZONED)
		return k == SCAN_DATE || k == SCAN_TIMESTAMP;
	for (i = n - 1; s[i] != '+' && s[i] != '-' && s[i] != 'Z'; i--)
		if (s[i] != '0' && s[i] != ':')
			return false;
	return true;
}

static bool
fits_bool(const char *s, size_t n)
{
	static const char *const word[] = {
		"true", "false", "t", "f", "yes", "no", "y", "n", "1", "0"
	};
	size_t i;

	for (i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		if (is_word(s, n, word[i]))
			return true;
	return false;
}

static bool
fits_text(const struct scan_type *t, const char *s, size_t n)
{
	size_t i;

	if (t->ascii)
		for (i = 0; i < n; i++)
			if ((unsigned char)s[i] >= 0x80)
				return false;
	return true;
}

bool
scan_value_fits(const struct scan_type *t, const char *s, size_t n,
    struct scan_value *r)
{
	memset(r, 0, sizeof(*r));
	r->kind = t->kind;
	switch (t->kind) {
	case SCAN_INT:
		return fits_int(t, s, n, r);
	case SCAN_DECIMAL:
		return fits_decimal(t, s, n, r);
	case SCAN_DOUBLE:
		return fits_double(s, n, r);
	case SCAN_DATE:
		return look_time(s, n) == SCAN_DATE;
	case SCAN_TIMESTAMP:
		return fits_timestamp(s, n);
	case SCAN_ZONED:
		return look_time(s, n) != SCAN_TEXT;
	case SCAN_BOOL:
		return fits_bool(s, n);
	case SCAN_TEXT:
		return fits_text(t, s, n);
	case SCAN_NONE:
		break;
	}
	return true;
}

int
scan_value_utf8(const char *p, size_t n)
{
	const unsigned char *s = (const unsigned char *)p;
	unsigned lo = 0x80, hi = 0xbf;	/* of the second byte */
	int want, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return -1;
	want = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		lo = 0xa0;	/* else overlong */
	else if (s[0] == 0xed)
		hi = 0x9f;	/* else a surrogate */
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f;	/* else above U+10FFFF */
	for (i = 1; i < want; i++) {
		if ((size_t)i >= n || s[i] < lo || s[i] > hi)
			return -i;
		lo = 0x80;
		hi = 0xbf;
	}
	return want;
}
