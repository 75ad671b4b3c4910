/*
 * Compression as a stream, by three libraries with one face.
 */
#include "config.h"

#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "codec.h"
#include "mem.h"
#include "msg.h"

/* What is put out at a time at least: the libraries' own block sizes. */
#define ROOM (256 * 1024)

struct codec {
	enum codec_kind kind;
	int level;
	bool open;		/* an object was begun */
	z_stream z;
	bool isal;
#ifdef HAVE_ISAL
	struct isal_zstream i;
	uint8_t *level_buf;
#endif
	ZSTD_CCtx *zstd;
};

struct codec_in {
	enum codec_kind kind;
	const char *what;
	codec_sink *sink;
	void *arg;
	z_stream z;
	ZSTD_DCtx *zstd;
	bool inside;		/* a member or frame is not whole yet */
	bool any;
	char *room;
};

static const struct {
	const char *name, *suffix;
	int max, usual;
} kinds[] = {
	[CODEC_NONE] = {"none", "", 0, 0},
#ifdef HAVE_ISAL
	[CODEC_GZIP] = {"gzip", ".gz", 9, 2},
#else
	[CODEC_GZIP] = {"gzip", ".gz", 9, 1},
#endif
	[CODEC_ZSTD] = {"zstd", ".zst", 19, 1},
};

const char *
codec_name(enum codec_kind k)
{
	return kinds[k].name;
}

const char *
codec_suffix(enum codec_kind k)
{
	return kinds[k].suffix;
}

/* contrib/bench, 300 MB of CSV, CPU seconds of all of s3-stage: gzip by ISA-L
 * 1.34, zstd 1.86; 122 and 117 MB stored. zlib's gzip is three times zstd. */
enum codec_kind
codec_default(void)
{
#ifdef HAVE_ISAL
	return CODEC_GZIP;
#else
	return CODEC_ZSTD;
#endif
}

int
codec_level_max(enum codec_kind k)
{
	return kinds[k].max;
}

int
codec_parse(const char *name, enum codec_kind *out)
{
	int k;

	for (k = CODEC_NONE; k <= CODEC_ZSTD; k++) {
		if (strcmp(name, kinds[k].name) == 0) {
			*out = (enum codec_kind)k;
			return 0;
		}
	}
	return -1;
}

#ifdef HAVE_ISAL
static void
isal_new(struct codec *c)
{
	static const uint32_t sizes[] = {0, ISAL_DEF_LVL1_DEFAULT,
		ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};

	c->isal = true;
	c->level_buf = mem_alloc(sizes[c->level]);
	isal_deflate_init(&c->i);
	c->i.level = (uint32_t)c->level;
	c->i.level_buf = c->level_buf;
	c->i.level_buf_size = sizes[c->level];
	c->i.gzip_flag = IGZIP_GZIP;
}

static int
isal_add(struct codec *c, const void *p, size_t n, bool end, struct buf *out)
{
	size_t part;
	int rc;

	do {	/* its counters have 32 bits */
		part = n < INT_MAX ? n : INT_MAX;
		c->i.next_in = (uint8_t *)(uintptr_t)p;
		c->i.avail_in = (uint32_t)part;
		c->i.end_of_stream = end && part == n;
		p = (const char *)p + part;
		n -= part;
		do {
			if (buf_reserve(out, ROOM) != 0)
				return -1;
			c->i.next_out = (uint8_t *)out->data + out->len;
			c->i.avail_out = ROOM;
			rc = isal_deflate(&c->i);
			out->len += ROOM - c->i.avail_out;
			if (rc != COMP_OK)
				abort();	/* a mistake in this file */
		} while (c->i.avail_out == 0 || c->i.avail_in > 0);
	} while (n > 0);
	if (end) {
		isal_deflate_reset(&c->i);
		/* It forgets that the next object needs a header too. */
		c->i.gzip_flag = IGZIP_GZIP;
	}
	return 0;
}
#endif

static int
zlib_add(struct codec *c, const void *p, size_t n, bool end, struct buf *out)
{
	size_t part;

	do {
		part = n < INT_MAX ? n : INT_MAX;
		c->z.next_in = (Bytef *)(uintptr_t)p;
		c->z.avail_in = (uInt)part;
		p = (const char *)p + part;
		n -= part;
		do {
			if (buf_reserve(out, ROOM) != 0)
				return -1;
			c->z.next_out = (Bytef *)out->data + out->len;
			c->z.avail_out = ROOM;
			deflate(&c->z, end && n == 0 ? Z_FINISH : Z_NO_FLUSH);
			out->len += ROOM - c->z.avail_out;
		} while (c->z.avail_out == 0);
	} while (n > 0);
	if (end)
		deflateReset(&c->z);
	return 0;
}

static int
zstd_add(struct codec *c, const void *p, size_t n, bool end, struct buf *out)
{
	ZSTD_inBuffer in = {p, n, 0};
	ZSTD_outBuffer o;
	size_t left;

	do {
		if (buf_reserve(out, ROOM) != 0)
			return -1;
		o = (ZSTD_outBuffer){out->data + out->len, ROOM, 0};
		left = ZSTD_compressStream2(c->zstd, &o, &in,
		    end ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return msg_error("cannot compress: %s",
			    ZSTD_getErrorName(left));
		out->len += o.pos;
	} while (end ? left > 0 : in.pos < in.size);
	return 0;
}

struct codec *
codec_new(enum codec_kind kind, int level)
{
	struct codec *c = mem_zero(1, sizeof(*c));

	c->kind = kind;
	c->level = level == CODEC_LEVEL_DEFAULT ? kinds[kind].usual : level;
	if (kind == CODEC_ZSTD) {
		c->zstd = ZSTD_createCCtx();
		if (c->zstd == NULL)
			abort();
		ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel,
		    c->level);
		/* gzip has one; a frame should not be worse. */
		ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_checksumFlag, 1);
	}
	if (kind != CODEC_GZIP)
		return c;
#ifdef HAVE_ISAL
	if (c->level <= ISAL_DEF_MAX_LEVEL) {
		isal_new(c);
		return c;
	}
#endif
	/* 15 bits of window; 16 more ask for gzip's form. */
	if (deflateInit2(&c->z, c->level, Z_DEFLATED, 15 + 16, 8,
	    Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	return c;
}

void
codec_free(struct codec *c)
{
	if (c == NULL)
		return;
	if (c->kind == CODEC_GZIP && !c->isal)
		deflateEnd(&c->z);
#ifdef HAVE_ISAL
	free(c->level_buf);
#endif
	ZSTD_freeCCtx(c->zstd);
	free(c);
}

static int
put(struct codec *c, const void *p, size_t n, bool end, struct buf *out)
{
	int rc;

	switch (c->kind) {
	case CODEC_ZSTD:
		rc = zstd_add(c, p, n, end, out);
		break;
	case CODEC_GZIP:
#ifdef HAVE_ISAL
		if (c->isal) {
			rc = isal_add(c, p, n, end, out);
			break;
		}
#endif
		rc = zlib_add(c, p, n, end, out);
		break;
	default:
		rc = buf_add(out, p, n);
	}
	return rc == 0 ? 0 : msg_error("cannot compress: the object would "
	    "be larger than %zu bytes", out->max);
}

int
codec_add(struct codec *c, const void *p, size_t n, struct buf *out)
{
	return n == 0 ? 0 : put(c, p, n, false, out);
}

int
codec_end(struct codec *c, struct buf *out)
{
	return put(c, "", 0, true, out);
}

struct codec_in *
codec_in_new(enum codec_kind kind, const char *what, codec_sink *sink,
    void *arg)
{
	struct codec_in *c = mem_zero(1, sizeof(*c));

	c->kind = kind;
	c->what = what;
	c->sink = sink;
	c->arg = arg;
	c->room = mem_alloc(ROOM);
	if (kind == CODEC_GZIP && inflateInit2(&c->z, 15 + 16) != Z_OK)
		abort();
	if (kind == CODEC_ZSTD && (c->zstd = ZSTD_createDCtx()) == NULL)
		abort();
	return c;
}

void
codec_in_free(struct codec_in *c)
{
	if (c == NULL)
		return;
	if (c->kind == CODEC_GZIP)
		inflateEnd(&c->z);
	ZSTD_freeDCtx(c->zstd);
	free(c->room);
	free(c);
}

static int
gzip_in(struct codec_in *c, const char *p, size_t n)
{
	int rc;

	c->z.next_in = (Bytef *)(uintptr_t)p;
	c->z.avail_in = (uInt)n;
	do {
		if (!c->inside) {	/* the next member, if there is one */
			if (c->z.avail_in == 0)
				return 0;
			inflateReset(&c->z);
			c->inside = true;
		}
		c->z.next_out = (Bytef *)c->room;
		c->z.avail_out = ROOM;
		rc = inflate(&c->z, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return msg_error("cannot decompress '%s': %s",
			    c->what, c->z.msg != NULL ? c->z.msg :
			    "it is no gzip data");
		if (rc == Z_STREAM_END)
			c->inside = false;
		if (c->z.avail_out < ROOM && c->sink(c->arg, c->room,
		    ROOM - c->z.avail_out) != 0)
			return -1;
	} while (c->z.avail_in > 0 || c->z.avail_out == 0);
	return 0;
}

static int
zstd_in(struct codec_in *c, const char *p, size_t n)
{
	ZSTD_inBuffer in = {p, n, 0};
	ZSTD_outBuffer o;
	size_t rc;

	do {
		o = (ZSTD_outBuffer){c->room, ROOM, 0};
		rc = ZSTD_decompressStream(c->zstd, &o, &in);
		if (ZSTD_isError(rc))
			return msg_error("cannot decompress '%s': %s",
			    c->what, ZSTD_getErrorName(rc));
		c->inside = rc != 0;
		if (o.pos > 0 && c->sink(c->arg, c->room, o.pos) != 0)
			return -1;
	} while (in.pos < in.size || o.pos == ROOM);
	return 0;
}

int
codec_in_add(struct codec_in *c, const char *p, size_t n)
{
	if (n == 0)
		return 0;
	c->any = true;
	if (c->kind == CODEC_GZIP)
		return gzip_in(c, p, n);
	if (c->kind == CODEC_ZSTD)
		return zstd_in(c, p, n);
	return c->sink(c->arg, p, n);
}

int
codec_in_end(struct codec_in *c)
{
	if (c->kind != CODEC_NONE && (c->inside || !c->any))
		return msg_error("cannot decompress '%s': it ends early",
		    c->what);
	return 0;
}
