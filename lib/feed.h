/*
 * Input for s3-stage: a descriptor's bytes as pieces of whole CSV records,
 * gathered into objects of even size, out of a bounded pool of memory. One
 * thread reads; any thread gives pieces back. What the records hold is for
 * scan.
 */
#ifndef RSW_FEED_H
#define RSW_FEED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fate.h"
#include "scan.h"

struct feed;
struct feed_slab;

struct feed_opt {
	int fd;
	const struct scan_opt *scan;	/* must outlive the feed */
	size_t object;		/* bytes of input an object has, about */
	int slices;		/* the number of objects is a multiple of it,
				 * but for small inputs */
	int busy;		/* objects that others hold at a time */
	bool no_header;		/* the first record is a row already */
	const atomic_bool *stop;	/* ends all waiting; and then `wake` */
	int wake;		/* becomes readable */
};

/* Whole records; or, as the very last piece, what no record end follows. */
struct feed_piece {
	const char *p;
	size_t n;
	uint64_t offset;	/* of p in the input */
	bool unfinished;	/* no newline behind the last record */
	bool too_long;		/* ... because it passed SCAN_ROW_MAX */
	struct feed_slab *slab;	/* private */
};

struct feed_object {
	size_t index;		/* from 0 */
	struct feed_piece *piece;
	size_t npieces;
	size_t bytes;
};

struct feed *feed_new(const struct feed_opt *);
void feed_free(struct feed *);

/*
 * First: the header. FATE_OK and the names (NULL at the end; free each and
 * the list); FATE_FAILED having said why; FATE_STOPPED. Without a header the
 * names are the values of the first row.
 */
enum fate feed_header(struct feed *, char ***names, size_t *ncols);

/* The next object, NULL at the end; freed with feed_object_free(). FATE_OK,
 * FATE_FAILED (the input cannot be read; said), FATE_STOPPED. */
enum fate feed_next(struct feed *, struct feed_object **out);

/* A piece's bytes are not needed any more. From any thread. */
void feed_done(struct feed *, struct feed_piece *);

/* Frees the list, not the pieces' bytes. */
void feed_object_free(struct feed_object *);

/* Bytes read so far. From any thread. */
uint64_t feed_bytes(struct feed *);

#endif
