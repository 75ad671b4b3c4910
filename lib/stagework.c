/*
 * Staging's workers: segments checked, rewritten and compressed into parts,
 * whose chunks are handed to the senders.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "stagerun.h"

/* The rewritten form of one piece, at worst. */
#define OUT_MAX ((size_t)70 * SCAN_ROW_MAX)

/* What may be compressed and not sent yet while all workers work, in
 * segments. */
#define UNSENT 2

void
stagework_init(struct stagework *w, struct stage *s)
{
	w->s = s;
	scan_init(&w->scan, &s->opt.scan, s->ncols);
	buf_init(&w->out, OUT_MAX);
}

void
stagework_release(struct stagework *w)
{
	scan_release(&w->scan);
	buf_release(&w->out);
}

static void
take_excerpt(const struct scan *c, const struct feed_piece *p,
    struct stage_where *w)
{
	size_t from = c->fault_start, len = c->fault_len, n;

	/* In a long field, the place is of more use than its begin. */
	if (c->fault_offset > from + STAGE_EXCERPT / 2 &&
	    c->fault_offset < from + len) {
		len -= c->fault_offset - STAGE_EXCERPT / 2 - from;
		from = c->fault_offset - STAGE_EXCERPT / 2;
	}
	if (from > p->n)
		from = p->n;
	if (len > p->n - from)
		len = p->n - from;
	n = len < STAGE_EXCERPT ? len : STAGE_EXCERPT;
	memcpy(w->excerpt, p->p + from, n);
	w->excerpt[n] = '\0';
	/* A NUL would end it, and a newline is no part of the row. */
	while (n > 0 && strchr("\r\n", w->excerpt[n - 1]) != NULL)
		w->excerpt[--n] = '\0';
	if (n == STAGE_EXCERPT)
		memcpy(w->excerpt + n, "...", 4);
}

static void
note_fault(struct stagework *w, const struct feed_piece *p, uint64_t rows)
{
	const struct scan *c = &w->scan;

	w->where.fault = p->too_long && (c->fault == SCAN_NO_NEWLINE ||
	    c->fault == SCAN_OPEN_QUOTE) ? SCAN_ROW_LONG : c->fault;
	w->where.row = rows + c->fault_row;
	w->where.offset = p->offset + c->fault_offset;
	w->where.col = c->fault_col;
	w->where.fields = c->fault_fields;
	take_excerpt(c, p, &w->where);
}

static struct buf *
get_body(struct stage *s)
{
	struct buf *b = NULL;

	pthread_mutex_lock(&s->lock);
	if (s->nspare > 0)
		b = s->spare[--s->nspare];
	pthread_mutex_unlock(&s->lock);
	if (b == NULL) {
		b = mem_alloc(sizeof(*b));
		buf_init(b, (size_t)S3_PUT_MAX);
		/* So that it need not be copied as it grows. What is not
		 * written to takes no memory. */
		buf_reserve(b, s->segment + s->segment / 8);
	}
	buf_reset(b);
	return b;
}

void
stage_put_body(struct stage *s, struct buf *b)
{
	pthread_mutex_lock(&s->lock);
	s->spare = mem_resize(s->spare, (size_t)s->nspare + 1,
	    sizeof(struct buf *));
	s->spare[s->nspare++] = b;
	pthread_mutex_unlock(&s->lock);
}

/* A part's first segment. */
static void
begin_part(struct stage *s, struct stage_part *p)
{
	pthread_mutex_lock(&s->lock);
	if (s->nidle > 0)
		p->codec = s->idle[--s->nidle];
	pthread_mutex_unlock(&s->lock);
	if (p->codec == NULL)
		p->codec = codec_new(s->opt.codec, s->opt.level);
	p->body = get_body(s);
}

/* Hand over what is compressed of a part; `whole`: it was the last. */
static void
hand_over(struct stage *s, struct stage_part *p, bool whole)
{
	struct buf *body = p->body;

	p->body = NULL;
	pthread_mutex_lock(&s->lock);
	while (s->nready == STAGE_WAITING && s->fault_at == SIZE_MAX)
		pthread_cond_wait(&s->changed, &s->lock);
	p->bytes += body->len;
	p->whole = whole;
	if (s->fault_at == SIZE_MAX) {
		s->ready[s->nready++] = (struct stage_chunk){p, body,
			p->chunks++};
		s->unsent += body->len;
		body = NULL;
	}
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (body != NULL)
		stage_put_body(s, body);
}

static int
end_part(struct stage *s, struct stage_part *p)
{
	if (codec_end(p->codec, p->body) != 0)
		return -1;
	pthread_mutex_lock(&s->lock);
	s->idle = mem_resize(s->idle, (size_t)s->nidle + 1,
	    sizeof(struct codec *));
	s->idle[s->nidle++] = p->codec;
	p->codec = NULL;
	pthread_mutex_unlock(&s->lock);
	hand_over(s, p, true);
	return 0;
}

/* Check and compress one segment. 0, or -1 with where set, or with its fault
 * SCAN_FINE when something else was wrong (said). */
static int
work_on(struct stagework *w, struct feed_object *o, struct stage_part *part)
{
	struct stage *s = w->s;
	uint64_t first = w->scan.rows, base;
	struct feed_piece *p;
	size_t i;
	int rc = 0;

	w->where.fault = SCAN_FINE;
	for (i = 0; i < o->npieces; i++) {
		p = &o->piece[i];
		base = w->scan.rows;
		buf_reset(&w->out);
		if (rc == 0 && (scan_block(&w->scan, p->p, p->n,
		    p->unfinished && s->opt.no_newline && !p->too_long,
		    &w->out) != 0)) {
			rc = -1;
			note_fault(w, p, base - first);
		}
		feed_done(s->feed, p);
		/* Before more comes, so that the last one is never empty. */
		if (rc == 0 && s->per > 1 && part->body->len >= STAGE_CHUNK) {
			hand_over(s, part, false);
			part->body = get_body(s);
		}
		if (rc == 0)
			rc = codec_add(part->codec, w->out.data, w->out.len,
			    part->body);
	}
	return rc;
}

void
stagework_discard(struct stage *s, struct feed_object *o)
{
	size_t i;

	for (i = 0; i < o->npieces; i++)
		feed_done(s->feed, &o->piece[i]);
	feed_object_free(o);
}

/* Whether all that is in memory allows one more segment; the lock is held.
 * Compressed it is hardly ever larger. */
static bool
room(const struct stage *s)
{
	return s->unsent == 0 || s->fault_at != SIZE_MAX || s->unsent +
	    (size_t)(s->busy + 1) * s->segment <=
	    (size_t)(s->opt.jobs + UNSENT) * s->segment;
}

/* The next segment, when it is its part's turn; NULL: there is none any
 * more. */
static struct feed_object *
take_segment(struct stage *s, struct stage_part **part)
{
	struct feed_object *o;
	size_t turn;
	bool late;

	for (;;) {
		pthread_mutex_lock(&s->lock);
		while ((s->next == NULL || !room(s)) &&
		    !(s->next == NULL && s->no_more))
			pthread_cond_wait(&s->changed, &s->lock);
		o = s->next;
		s->next = NULL;
		s->busy += o != NULL;
		if (o != NULL)
			*part = s->part[stage_part_of(s, o->index, &turn)];
		pthread_cond_broadcast(&s->changed);
		while (o != NULL && (*part)->turn != turn &&
		    o->index < s->fault_at)
			pthread_cond_wait(&s->changed, &s->lock);
		/* Behind a fault nothing counts. */
		late = o != NULL && o->index >= s->fault_at;
		s->busy -= late;
		pthread_mutex_unlock(&s->lock);
		if (!late)
			return o;
		stagework_discard(s, o);
	}
}

/* A segment is done; whether the part is. */
static bool
segment_done(struct stage *s, struct stage_part *p, size_t index,
    uint64_t rows)
{
	bool whole;

	pthread_mutex_lock(&s->lock);
	s->rows_of[index] = rows;
	p->rows += rows;
	s->rows += rows;
	whole = p->turn + 1 == s->per;
	pthread_mutex_unlock(&s->lock);
	return whole;
}

/* The next worker may have the part. */
static void
next_turn(struct stage *s, struct stage_part *p)
{
	pthread_mutex_lock(&s->lock);
	p->turn++;
	s->busy--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* At the end of the input, when no worker has a segment: a part that could
 * have more; NULL: none any more. */
static struct stage_part *
take_open(struct stage *s)
{
	struct stage_part *p = NULL;

	pthread_mutex_lock(&s->lock);
	while (s->busy > 0 && s->fault_at == SIZE_MAX)
		pthread_cond_wait(&s->changed, &s->lock);
	while (s->fault_at == SIZE_MAX && p == NULL &&
	    s->finished < s->nparts) {
		p = s->part[s->finished++];
		if (p->codec == NULL)
			p = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return p;
}

void *
stagework_run(void *arg)
{
	struct stagework *w = arg;
	struct stage *s = w->s;
	struct stage_part *p;
	struct feed_object *o;
	uint64_t before;
	int rc = 0;

	while (rc == 0 && (o = take_segment(s, &p)) != NULL) {
		if (p->codec == NULL)
			begin_part(s, p);
		before = w->scan.rows;
		rc = work_on(w, o, p);
		if (rc == 0 && segment_done(s, p, o->index,
		    w->scan.rows - before))
			rc = end_part(s, p);
		/* All segments before it are in other hands, so after a
		 * fault this worker is not needed any more. */
		if (rc != 0)
			stage_fault(s, o->index, &w->where, FATE_FAILED);
		feed_object_free(o);
		next_turn(s, p);
	}
	while (rc == 0 && (p = take_open(s)) != NULL)
		if ((rc = end_part(s, p)) != 0)
			stage_fault(s, 0, NULL, FATE_FAILED);
	pthread_mutex_lock(&s->lock);
	s->workers--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}
