/*
 * The codecs: what goes in comes out, by our reader and by gunzip and zstd;
 * what is cut or damaged is noticed.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec.h"
#include "mem.h"
#include "tap.h"

static char *data;
static const size_t len = 1000000;

static int
collect(void *arg, const char *p, size_t n)
{
	return buf_add(arg, p, n);
}

/* Some repetition, some noise. */
static void
make_data(void)
{
	unsigned int x = 12345;
	size_t i;

	data = mem_alloc(len);
	for (i = 0; i < len; i++) {
		x = x * 1103515245 + 12345;
		data[i] = (x >> 16) % 7 == 0 ? (char)(x >> 24) :
		    "a,b,c\n"[i % 6];
	}
}

static void
compress(struct codec *c, size_t n, size_t step, struct buf *out)
{
	size_t i, k;

	for (i = 0; i < n; i += k) {
		k = n - i < step ? n - i : step;
		if (codec_add(c, data + i, k, out) != 0)
			exit(99);
	}
	if (codec_end(c, out) != 0)
		exit(99);
}

/* 0 if p decompresses to the first `want` bytes of data. */
static int
read_back(enum codec_kind kind, const char *p, size_t n, size_t step,
    size_t want)
{
	struct buf got;
	struct codec_in *in;
	size_t i, k;
	int rc = 0;

	buf_init(&got, 2 * len);
	in = codec_in_new(kind, "x", collect, &got);
	for (i = 0; i < n && rc == 0; i += k) {
		k = n - i < step ? n - i : step;
		rc = codec_in_add(in, p + i, k);
	}
	if (rc == 0)
		rc = codec_in_end(in);
	if (rc == 0 && (got.len != want || memcmp(got.data, data, want) != 0))
		rc = 1;
	codec_in_free(in);
	buf_release(&got);
	return rc;
}

/* The same by a program of the system. */
static int
by_program(const char *command, const struct buf *b)
{
	char in[] = "/tmp/rsw-codec.XXXXXX", line[256];
	int fd = mkstemp(in), rc;
	struct buf got;
	size_t n;
	FILE *f;

	if (fd < 0 || write(fd, b->data, b->len) != (ssize_t)b->len)
		exit(99);
	close(fd);
	snprintf(line, sizeof(line), "%s <%s", command, in);
	f = popen(line, "r");
	buf_init(&got, 2 * len);
	while ((n = fread(line, 1, sizeof(line), f)) > 0)
		buf_add(&got, line, n);
	rc = pclose(f);
	unlink(in);
	if (rc == 0 && (got.len != len || memcmp(got.data, data, len) != 0))
		rc = 1;
	buf_release(&got);
	return rc;
}

static void
named(bool good, enum codec_kind kind, int level, const char *what)
{
	char *s = mem_fmt("%s level %d: %s", codec_name(kind), level, what);

	ok(good, s);
	free(s);
}

static void
damaged(enum codec_kind kind, int level, struct buf *b)
{
	size_t i, noticed = 0, n = 0;

	named(read_back(kind, b->data, 0, 1, 0) != 0, kind, level,
	    "nothing at all is noticed");
	for (i = 1; i < b->len; i += b->len / 25, n++)
		noticed += read_back(kind, b->data, i, 1 << 16, len) != 0;
	named(noticed == n, kind, level, "a cut is noticed");
	for (i = 12, n = noticed = 0; i < b->len; i += b->len / 25, n++) {
		b->data[i] ^= 16;
		noticed += read_back(kind, b->data, b->len, 1 << 16, len) != 0;
		b->data[i] ^= 16;
	}
	named(noticed == n, kind, level, "a wrong bit is noticed");
}

static void
test(enum codec_kind kind, int level)
{
	struct codec *c = codec_new(kind, level);
	struct buf b, again;

	buf_init(&b, 2 * len);
	buf_init(&again, 2 * len);
	compress(c, len, len, &b);
	named(read_back(kind, b.data, b.len, b.len, len) == 0, kind, level,
	    "round trip");
	named(read_back(kind, b.data, b.len, 1000, len) == 0, kind, level,
	    "round trip in pieces");
	if (kind == CODEC_NONE)
		goto out;
	named(b.len < len, kind, level, "it is smaller");
	compress(c, len, 4099, &again);
	named(read_back(kind, again.data, again.len, 4099, len) == 0, kind,
	    level, "a second object, made in pieces");
	buf_reset(&again);
	compress(c, 0, 1, &again);
	named(read_back(kind, again.data, again.len, 1, 0) == 0, kind, level,
	    "an empty object");
	named(by_program(kind == CODEC_GZIP ? "gzip -dc" : "zstd -dcq", &b)
	    == 0, kind, level, "the usual program reads it");
	damaged(kind, level, &b);
out:
	codec_free(c);
	buf_release(&b);
	buf_release(&again);
}

int
main(void)
{
	enum codec_kind k;

	/* Hundreds of messages about damage are of no use. */
	if (freopen("/dev/null", "w", stderr) == NULL)
		return 99;
	make_data();
	test(CODEC_NONE, CODEC_LEVEL_DEFAULT);
	test(CODEC_GZIP, CODEC_LEVEL_DEFAULT);
	test(CODEC_GZIP, 1);
	test(CODEC_GZIP, 3);
	test(CODEC_GZIP, 6);
	test(CODEC_ZSTD, CODEC_LEVEL_DEFAULT);
	test(CODEC_ZSTD, 3);
	ok(codec_parse("zstd", &k) == 0 && k == CODEC_ZSTD, "a name");
	ok(codec_parse("lzop", &k) != 0, "a name of none");
	free(data);
	return done();
}
