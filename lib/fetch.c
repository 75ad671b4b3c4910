/*
 * The objects of a manifest as one stream: thread k of n fetches the objects
 * k, k + n, ... into a queue of its own, and the caller's thread empties the
 * queues in turn.
 */
#include "config.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "fetch.h"
#include "mem.h"
#include "msg.h"

#define QUEUE_MAX (8 * 1024 * 1024)	/* bytes ahead, a thread */

/* What comes out of an object; n 0 is its end. */
struct block {
	struct block *next;
	size_t n;
	char data[];
};

struct fetch {
	struct s3 *s3;
	const struct manifest *m;
	int ahead;
	atomic_bool *halt;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum fate fate;
};

struct reader {
	struct fetch *f;
	pthread_t thread;
	size_t first;
	struct codec_in *codec;		/* of the object in work */
	struct block *head, **tail;	/* the queue */
	size_t bytes;
};

static void
fail(struct fetch *f, enum fate fate)
{
	pthread_mutex_lock(&f->lock);
	if (f->fate == FATE_OK)
		f->fate = fate;
	atomic_store(f->halt, true);
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

/* Queue n bytes, when there is room. -1: all is to end. */
static int
enqueue(void *arg, const char *p, size_t n)
{
	struct reader *r = arg;
	struct fetch *f = r->f;
	struct block *b = mem_alloc(sizeof(*b) + n);

	b->next = NULL;
	b->n = n;
	if (n > 0)
		memcpy(b->data, p, n);
	pthread_mutex_lock(&f->lock);
	while (r->bytes > QUEUE_MAX && !atomic_load(f->halt))
		pthread_cond_wait(&f->changed, &f->lock);
	if (atomic_load(f->halt)) {
		pthread_mutex_unlock(&f->lock);
		free(b);
		return -1;
	}
	*r->tail = b;
	r->tail = &b->next;
	r->bytes += n;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	return 0;
}

static int
decompress(void *arg, const char *p, size_t n)
{
	struct reader *r = arg;

	return codec_in_add(r->codec, p, n);
}

/* How an object is compressed: as the manifest tells, else by its name. */
static int
codec_of(const struct manifest *m, const char *url, enum codec_kind *kind)
{
	size_t n = strlen(url);

	if (m->compression != NULL) {
		if (codec_parse(m->compression, kind) == 0)
			return 0;
		return msg_error("cannot decompress '%s': '%s' is not known",
		    url, m->compression);
	}
	*kind = CODEC_NONE;
	if (n > 3 && strcmp(url + n - 3, ".gz") == 0)
		*kind = CODEC_GZIP;
	else if (n > 4 && strcmp(url + n - 4, ".zst") == 0)
		*kind = CODEC_ZSTD;
	return 0;
}

static enum fate
read_entry(struct reader *r, struct http *h, const struct manifest_entry *e)
{
	char *bucket, *key;
	enum codec_kind kind;
	enum fate fate;
	uint64_t size = 0;

	if (codec_of(r->f->m, e->url, &kind) != 0 ||
	    manifest_split_url(e->url, &bucket, &key) != 0)
		return FATE_FAILED;
	r->codec = codec_in_new(kind, e->url, enqueue, r);
	fate = s3_get(r->f->s3, h, bucket, key, decompress, r, &size);
	if (fate == FATE_OK && e->content_length != MANIFEST_UNKNOWN &&
	    (uint64_t)e->content_length != size) {
		msg_error("cannot trust '%s': it has %llu bytes, but the "
		    "manifest says %lld", e->url, (unsigned long long)size,
		    (long long)e->content_length);
		fate = FATE_FAILED;
	}
	if (fate == FATE_OK && (codec_in_end(r->codec) != 0 ||
	    enqueue(r, NULL, 0) != 0))
		fate = FATE_FAILED;
	codec_in_free(r->codec);
	free(bucket);
	free(key);
	return fate;
}

static void *
read_entries(void *arg)
{
	struct reader *r = arg;
	struct fetch *f = r->f;
	struct http *h = s3_http(f->s3);
	enum fate fate = FATE_OK;
	size_t i;

	for (i = r->first; i < f->m->nentries && fate == FATE_OK;
	    i += (size_t)f->ahead)
		fate = read_entry(r, h, &f->m->entry[i]);
	http_free(h);
	if (fate != FATE_OK)
		fail(f, fate);
	return NULL;
}

/* The next block of a queue; NULL when all is to end. */
static struct block *
dequeue(struct reader *r)
{
	struct fetch *f = r->f;
	struct block *b;

	pthread_mutex_lock(&f->lock);
	while (r->head == NULL && !atomic_load(f->halt))
		pthread_cond_wait(&f->changed, &f->lock);
	b = atomic_load(f->halt) ? NULL : r->head;
	if (b != NULL) {
		r->head = b->next;
		if (r->head == NULL)
			r->tail = &r->head;
		r->bytes -= b->n;
		pthread_cond_broadcast(&f->changed);
	}
	pthread_mutex_unlock(&f->lock);
	return b;
}

/* Hand on all entries in order. */
static void
hand_on(struct fetch *f, struct reader *r, fetch_sink *sink, void *arg)
{
	struct block *b;
	size_t i, n;

	for (i = 0; i < f->m->nentries; i++) {
		do {
			b = dequeue(&r[i % (size_t)f->ahead]);
			if (b == NULL)
				return;
			n = b->n;
			if (sink(arg, i, b->data, n) != 0)
				fail(f, FATE_FAILED);
			free(b);
		} while (n > 0);
	}
}

enum fate
fetch_run(struct s3 *s3, const struct manifest *m, int ahead,
    atomic_bool *halt, fetch_sink *sink, void *arg)
{
	struct fetch f = {.s3 = s3, .m = m, .ahead = ahead, .halt = halt};
	struct reader *r = mem_zero((size_t)ahead, sizeof(*r));
	struct block *b;
	int i, started;

	pthread_mutex_init(&f.lock, NULL);
	pthread_cond_init(&f.changed, NULL);
	s3_stop_when(s3, halt);
	for (started = 0; started < ahead; started++) {
		r[started].f = &f;
		r[started].first = (size_t)started;
		r[started].tail = &r[started].head;
		if (pthread_create(&r[started].thread, NULL, read_entries,
		    &r[started]) != 0)
			break;
	}
	if (started < ahead) {
		msg_error("cannot start a thread; try fewer with --ahead");
		fail(&f, FATE_FAILED);
	}
	hand_on(&f, r, sink, arg);
	for (i = 0; i < started; i++) {
		pthread_join(r[i].thread, NULL);
		while ((b = r[i].head) != NULL) {
			r[i].head = b->next;
			free(b);
		}
	}
	free(r);
	pthread_cond_destroy(&f.changed);
	pthread_mutex_destroy(&f.lock);
	return f.fate;
}
