/*
 * csvgen [-c] [-u] [-q] SIZE [SEED]: realistic CSV of about SIZE bytes
 * ("100M") on standard output, the same for the same seed: ids, UUIDs,
 * names, e-mails, dates, timestamps, decimals, codes, flags and free text,
 * half of it quoted, with newlines and doubled quotes; some NULLs. About 234
 * bytes, two quotes and a quarter of a quoted newline a row.
 * -c: CRLF; -q: every field quoted; -u: most text is not ASCII.
 */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "msg.h"
#include "num.h"

#define ROW_ROOM 4096

static uint64_t state;
static bool cflag, qflag, uflag;

/* xorshift64* */
static uint64_t
rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL >> 16;
}

static unsigned
below(unsigned n)
{
	return (unsigned)(rnd() % n);
}

static char *
put(char *p, const char *s)
{
	size_t n = strlen(s);

	memcpy(p, s, n);
	return p + n;
}

static char *
digits(char *p, uint64_t v, int n)
{
	int i;

	for (i = n - 1; i >= 0; i--) {
		p[i] = (char)('0' + v % 10);
		v /= 10;
	}
	return p + n;
}

static char *
number(char *p, uint64_t v)
{
	uint64_t t;
	int n = 1;

	for (t = v; t >= 10; t /= 10)
		n++;
	return digits(p, v, n);
}

static char *
hex(char *p, int n)
{
	uint64_t r = rnd();

	while (n-- > 0) {
		*p++ = "0123456789abcdef"[r & 15];
		r >>= 4;
	}
	return p;
}

static char *
uuid(char *p)
{
	static const int part[] = {8, 4, 4, 4, 12};
	int i;

	for (i = 0; i < 5; i++) {
		if (i > 0)
			*p++ = '-';
		p = hex(p, part[i]);
	}
	return p;
}

static const char *const latin[] = {
	"amber", "basket", "candle", "delta", "engine", "forest", "garden",
	"harbor", "island", "jacket", "kettle", "ladder", "meadow", "needle",
	"orange", "pepper", "quarry", "ribbon", "saddle", "timber", "urban",
	"velvet", "window", "yellow", "zephyr", "the", "of", "and", "to", "in",
	"a", "is"
};
static const char *const other[] = {
	"\xc3\xa9t\xc3\xa9", "gr\xc3\xbcn", "\xe6\x9d\xb1\xe4\xba\xac",
	"\xd0\xbc\xd0\xb8\xd1\x80", "\xed\x95\x9c\xea\xb5\xad", "\xf0\x9f\x9a\x80",
	"na\xc3\xafve", "\xce\xb1\xce\xb2\xce\xb3"
};

static const char *
word(void)
{
	return uflag && below(4) != 0 ? other[below(8)] : latin[below(32)];
}

static char *
name(char *p)
{
	char *first = p;

	p = put(p, word());
	if (*first >= 'a' && *first <= 'z')
		*first = (char)(*first - 32);
	return p;
}

static char *
date(char *p)
{
	p = digits(p, 2015 + below(11), 4);
	*p++ = '-';
	p = digits(p, 1 + below(12), 2);
	*p++ = '-';
	return digits(p, 1 + below(28), 2);
}

static char *
timestamp(char *p)
{
	p = date(p);
	*p++ = 'T';
	p = digits(p, below(24), 2);
	*p++ = ':';
	p = digits(p, below(60), 2);
	*p++ = ':';
	return digits(p, below(60), 2);
}

static char *
text(char *p, bool quoted)
{
	unsigned i, n = 6 + below(14);

	for (i = 0; i < n; i++) {
		if (i > 0)
			*p++ = ' ';
		p = put(p, word());
		if (!quoted)
			continue;
		if (i == 2)
			*p++ = ',';
		if (i == 3 && (n & 1))
			*p++ = '\n';
		if (i == 4 && (n & 2)) {
			p = put(p, " \"\"");
			p = put(p, word());
			p = put(p, "\"\"");
		}
	}
	return p;
}

/* Half of them in quotes, and so with what needs them. */
static char *
remark(char *p)
{
	if (qflag)
		return text(p, true);
	if (below(2) == 0)
		return text(p, false);
	*p++ = '"';
	p = text(p, true);
	*p++ = '"';
	return p;
}

/* Field c of row id; *null is whether it is NULL, so never in quotes. */
static char *
field(char *p, unsigned c, uint64_t id, bool *null)
{
	static const char *const country[] = {
		"US", "DE", "FR", "GB", "JP", "BR", "IN", "CA"
	};
	static const char *const status[] = {
		"open", "closed", "pending", "returned"
	};
	static const unsigned nulls[13] = {0, 0, 0, 3, 0, 1, 1, 2, 5, 0, 0, 0, 6};
	char *q;

	*null = below(100) < nulls[c];
	if (*null)
		return p;
	switch (c) {
	case 0:
		return number(p, id);
	case 1:
		return uuid(p);
	case 2:
		p = name(p);
		*p++ = ' ';
		return name(p);
	case 3:
		p = put(p, latin[below(25)]);
		*p++ = '.';
		p = number(p, below(1000));
		return put(p, "@example.com");
	case 4:
		return put(p, country[below(8)]);
	case 5:
		return date(p);
	case 6:
		return timestamp(p);
	case 7:
		if (below(12) == 0)
			*p++ = '-';
		p = number(p, below(below(10) == 0 ? 100000 : 1000));
		*p++ = '.';
		return digits(p, below(100), 2);
	case 8:
		return number(p, below(500));
	case 9:
		q = put(p, "SK-");
		return digits(hex(q, 4), below(10000), 5);
	case 10:
		return put(p, status[below(4)]);
	case 11:
		return put(p, below(3) == 0 ? "false" : "true");
	default:
		return remark(p);
	}
}

static char *
row(char *p, uint64_t id)
{
	unsigned c;
	bool null;
	char *q;

	for (c = 0; c < 13; c++) {
		if (c > 0)
			*p++ = ',';
		q = p + (qflag ? 1 : 0);
		q = field(q, c, id, &null);
		if (qflag && !null) {
			*p = '"';
			*q++ = '"';
		} else if (qflag) {
			q = p;
		}
		p = q;
	}
	if (cflag)
		*p++ = '\r';
	*p++ = '\n';
	return p;
}

int
main(int argc, char **argv)
{
	static const char head[] = "id,uuid,name,email,country,day,changed,"
	    "amount,quantity,sku,status,active,remark";
	static char out[1 << 20];
	int64_t size = 0, done = 0, seed = 1;
	uint64_t id = 1000000;
	char *p = out;
	int opt;

	msg_init(argv[0]);
	io_start();
	while ((opt = getopt(argc, argv, "cqu")) != -1) {
		cflag = cflag || opt == 'c';
		qflag = qflag || opt == 'q';
		uflag = uflag || opt == 'u';
		if (opt == '?')
			return 2;
	}
	if (optind >= argc ||
	    num_size(argv[optind], 0, INT64_MAX / 2, &size) != 0 ||
	    (optind + 1 < argc &&
	    num_parse(argv[optind + 1], 1, INT64_MAX, &seed) != 0)) {
		msg_error("usage: csvgen [-c] [-q] [-u] SIZE [SEED]");
		return 2;
	}
	state = (uint64_t)seed * 0x9e3779b97f4a7c15ULL | 1;
	p = put(p, head);
	p = put(p, cflag ? "\r\n" : "\n");
	while (done + (p - out) < size) {
		p = row(p, id);
		id += 1 + below(7);
		if (p - out > (int)sizeof(out) - ROW_ROOM) {
			done += p - out;
			if (io_write_full(1, out, (size_t)(p - out)) != 0)
				return -msg_errno("cannot write the output");
			p = out;
		}
	}
	if (io_write_full(1, out, (size_t)(p - out)) != 0)
		return -msg_errno("cannot write the output");
	return io_finish(0);
}
