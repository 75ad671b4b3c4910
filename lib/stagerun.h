/*
 * Staging, inside: what its threads share. stage.c reads and keeps the
 * order, stagework.c checks and compresses, stagesend.c stores.
 *
 * The input comes in segments (feed's objects), each for one worker. A part
 * is an object on S3. Small parts are made of one segment each; of large
 * ones some are open at a time, and get the segments in turn, so that they
 * grow side by side and none has to be in memory as a whole: it goes to S3
 * in chunks, as a multipart upload.
 */
#ifndef RSW_STAGERUN_H
#define RSW_STAGERUN_H

#include <pthread.h>

#include "feed.h"
#include "stage.h"

#define STAGE_SEGMENT ((size_t)16 * 1024 * 1024)	/* of the input */
#define STAGE_CHUNK ((size_t)8 * 1024 * 1024)	/* S3 takes 5 MiB or more */

/* Chunks that wait for a sender. */
#define STAGE_WAITING 1

/* Of a value, in a message. */
#define STAGE_EXCERPT 40

/* A fault in the data, kept until it is known to be the first one: rows can
 * only be counted when all before are checked. */
struct stage_where {
	enum scan_fault fault;
	uint64_t row;		/* in the segment, from 1 */
	uint64_t offset;	/* in the input */
	size_t col, fields;
	char excerpt[STAGE_EXCERPT + 4];
};

struct stage_part {
	char *key;
	uint64_t rows, bytes;	/* bytes compressed */
	bool begun;		/* something of it may be stored */
	/* while it is made, by the worker whose turn it is: */
	struct codec *codec;	/* NULL: not begun yet, or done */
	struct buf *body;	/* compressed, and not handed over yet */
	size_t turn;		/* of its segments, the one that is next */
	size_t chunks;		/* handed over */
	bool whole;		/* there will be no more */
	/* while it is stored: */
	char *upload;		/* id of a multipart upload */
	char **etag;		/* of its chunks */
	size_t netag, stored;
};

struct stage_chunk {
	struct stage_part *part;
	struct buf *body;
	size_t number;		/* in the part, from 0 */
};

struct stage {
	struct stage_opt opt;
	struct feed *feed;
	char **name;
	size_t ncols;
	struct scan total;	/* after stage_run() */
	char *extra;		/* key of stage_put() */
	size_t segment;		/* bytes of input, about */
	size_t open, per;	/* parts at a time; segments of a part */

	pthread_mutex_t lock;	/* guards what follows */
	pthread_cond_t changed;
	struct stage_part **part;
	size_t nparts;
	uint64_t *rows_of;	/* each segment */
	size_t nsegments, size;
	struct feed_object *next;	/* for a worker */
	struct stage_chunk ready[STAGE_WAITING];	/* for a sender */
	int nready;
	struct buf **spare;	/* bodies to use again */
	int nspare;
	struct codec **idle;	/* and codecs */
	int nidle;
	int workers, senders;	/* that still run */
	int busy;		/* workers that have a segment */
	int in_flight;		/* chunks */
	size_t unsent;		/* bytes in chunks */
	bool no_more;		/* input */
	size_t finished, checked;	/* parts */
	uint64_t rows, stored;
	bool warned;
	/* the first fault in the order of the input; none: SIZE_MAX */
	size_t fault_at;
	struct stage_where fault;
	enum fate fate;

	pthread_mutex_t begin;	/* held to begin a multipart upload */
};

/* Something went wrong at this segment: in its data (`where`), or something
 * that was said already. The first one in the order of the input counts. */
void stage_fault(struct stage *, size_t at, const struct stage_where *,
    enum fate);
bool stage_faulty(struct stage *);

/* The part that a segment belongs to, and its place there. */
size_t stage_part_of(const struct stage *, size_t segment, size_t *turn);

/* A body that is not needed any more. */
void stage_put_body(struct stage *, struct buf *);

/* A worker's own, and its thread. */
struct stagework {
	struct stage *s;
	pthread_t thread;
	struct scan scan;
	struct buf out;
	struct stage_where where;
};
void stagework_init(struct stagework *, struct stage *);
void stagework_release(struct stagework *);
void *stagework_run(void *worker);

/* A segment that no worker will have. */
void stagework_discard(struct stage *, struct feed_object *);

/* A sender's thread; it takes a struct stage. */
void *stagesend_run(void *stage);

#endif
