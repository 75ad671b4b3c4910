/*
 * Compression as a stream: gzip (by ISA-L where it was there at build time,
 * else by zlib), zstd, or none. One writer makes one whole gzip member or
 * zstd frame, which gunzip, zstd -d and COPY read.
 */
#ifndef RSW_CODEC_H
#define RSW_CODEC_H

#include <stddef.h>

#include "buf.h"

enum codec_kind {CODEC_NONE, CODEC_GZIP, CODEC_ZSTD};

/* "none", "gzip", "zstd"; and of an object's name: "", ".gz", ".zst". */
const char *codec_name(enum codec_kind);
const char *codec_suffix(enum codec_kind);

/* The faster of the two that COPY reads, as this build has them. */
enum codec_kind codec_default(void);

/* The kind of a name. 0, or -1 (silent). */
int codec_parse(const char *name, enum codec_kind *);

/* The levels that there are, and the one for speed. gzip: 1 to 9, of which
 * ISA-L knows 1 to 3 (higher ones are zlib's). */
#define CODEC_LEVEL_DEFAULT (-1)
int codec_level_max(enum codec_kind);

/* A writer; used again for the next object after codec_end(). Never NULL. */
struct codec;
struct codec *codec_new(enum codec_kind, int level);
void codec_free(struct codec *);

/* Compress n bytes, append what comes out to `out`; the end of an object. 0,
 * or -1 having said why (out's cap). */
int codec_add(struct codec *, const void *p, size_t n, struct buf *out);
int codec_end(struct codec *, struct buf *out);

/* A reader: what comes out goes to the sink, which gives 0, or -1 having
 * said why. Several members or frames in a row are fine. `what` names the
 * object in messages; it must outlive the reader. */
typedef int codec_sink(void *arg, const char *p, size_t n);
struct codec_in;
struct codec_in *codec_in_new(enum codec_kind, const char *what,
    codec_sink *, void *arg);
void codec_in_free(struct codec_in *);

/* Feed bytes; at the end codec_in_end() tells whether the last member or
 * frame is whole. 0, or -1 having said why. */
int codec_in_add(struct codec_in *, const char *p, size_t n);
int codec_in_end(struct codec_in *);

#endif
