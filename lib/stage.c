/*
 * Staging: one thread reads (the caller's), some check and compress, some
 * upload. An object goes from feed to a worker to an uploader; each place
 * where it can wait is bounded, so that a slow S3 slows the reader.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "feed.h"
#include "header.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "stage.h"

/* The rewritten form of one piece, at worst. */
#define OUT_MAX ((size_t)70 * SCAN_ROW_MAX)

/* Finished objects that wait for an uploader. */
#define WAITING 1

/* Of a value, in a message. */
#define EXCERPT 40

/* A fault in the data, kept until it is known to be the first one: rows can
 * only be counted when all before are checked. */
struct where {
	enum scan_fault fault;
	uint64_t row;		/* in the object, from 1 */
	uint64_t offset;	/* in the input */
	size_t col, fields;
	char excerpt[EXCERPT + 4];
};

struct part {
	char *key;
	uint64_t rows, bytes;	/* bytes stored */
	bool begun;		/* an upload was begun */
	struct buf *body;	/* until it is stored */
};

struct stage {
	struct stage_opt opt;
	struct feed *feed;
	char **name;
	size_t ncols;
	struct scan total;	/* after stage_run() */
	char *extra;		/* key of stage_put() */

	pthread_mutex_t lock;	/* guards what follows */
	pthread_cond_t changed;
	struct part *part;	/* moves when it grows */
	size_t nparts, size;
	struct feed_object *next;	/* for a worker */
	struct part_list {
		size_t index[WAITING];
		int n;
	} ready;		/* for an uploader */
	struct buf **spare;	/* bodies to use again */
	int nspare;
	int workers;		/* that still run */
	int uploaders;
	int in_flight;		/* uploads */
	bool no_more;		/* input */
	size_t checked;		/* parts, by HEAD */
	uint64_t rows, stored;
	bool warned;
	/* the first fault in the order of the input; none: SIZE_MAX */
	size_t fault_at;
	struct where fault;
	enum fate fate;
};

const char *
stage_column(const struct stage *s, size_t i)
{
	return s->name[i];
}

size_t
stage_columns(const struct stage *s)
{
	return s->ncols;
}

const struct scan *
stage_profile(const struct stage *s)
{
	return &s->total;
}

uint64_t
stage_bytes_in(const struct stage *s)
{
	return feed_bytes(s->feed);
}

int
stage_check_header(const struct stage *s)
{
	char *doubt = header_doubt(s->name, s->ncols);

	if (doubt == NULL)
		return 0;
	msg_error("cannot stage 'standard input': its first row is no header: "
	    "%s; put the names of the columns before it, or, if it is one, "
	    "tell them by --types too", doubt);
	free(doubt);
	return -1;
}

void
stage_types(struct stage *s, const struct scan_type *types)
{
	s->opt.scan.types = types;
}

enum fate
stage_open(const struct stage_opt *o, int fd, struct stage **out)
{
	struct stage *s = mem_zero(1, sizeof(*s));
	struct feed_opt f = {.fd = fd, .scan = &s->opt.scan,
	    .object = o->object, .slices = o->slices, .busy = o->jobs,
	    .stop = o->halt, .wake = o->wake[0]};
	enum fate fate;

	s->opt = *o;
	s->fault_at = SIZE_MAX;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->feed = feed_new(&f);
	fate = feed_header(s->feed, &s->name, &s->ncols);
	if (fate != FATE_OK) {
		stage_free(s);
		return fate;
	}
	scan_init(&s->total, &s->opt.scan, s->ncols);
	*out = s;
	return FATE_OK;
}

void
stage_free(struct stage *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; s->name != NULL && s->name[i] != NULL; i++)
		free(s->name[i]);
	free(s->name);
	for (i = 0; i < s->nparts; i++)
		free(s->part[i].key);
	for (i = 0; i < (size_t)s->nspare; i++) {
		buf_release(s->spare[i]);
		free(s->spare[i]);
	}
	free(s->spare);
	free(s->part);
	free(s->extra);
	if (s->total.prof != NULL)
		scan_release(&s->total);
	feed_free(s->feed);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Something went wrong at this object: in its data (`where`), or something
 * that was said already. The first one in the order of the input counts. */
static void
set_fault(struct stage *s, size_t at, const struct where *where,
    enum fate fate)
{
	pthread_mutex_lock(&s->lock);
	if (at < s->fault_at) {
		s->fault = where != NULL ? *where :
		    (struct where){.fault = SCAN_FINE};
		s->fault_at = at;
		s->fate = fate;
	}
	atomic_store(s->opt.halt, true);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	/* The reader may wait for input that never comes. */
	if (write(s->opt.wake[1], "", 1) < 0)
		msg_debug("cannot wake the reader");
}

static void
take_excerpt(const struct scan *c, const struct feed_piece *p,
    struct where *w)
{
	size_t from = c->fault_start, len = c->fault_len, n;

	/* In a long field, the place is of more use than its begin. */
	if (c->fault_offset > from + EXCERPT / 2 &&
	    c->fault_offset < from + len) {
		len -= c->fault_offset - EXCERPT / 2 - from;
		from = c->fault_offset - EXCERPT / 2;
	}
	if (from > p->n)
		from = p->n;
	if (len > p->n - from)
		len = p->n - from;
	n = len < EXCERPT ? len : EXCERPT;
	memcpy(w->excerpt, p->p + from, n);
	w->excerpt[n] = '\0';
	/* A NUL would end it, and a newline is no part of the row. */
	while (n > 0 && strchr("\r\n", w->excerpt[n - 1]) != NULL)
		w->excerpt[--n] = '\0';
	if (n == EXCERPT)
		memcpy(w->excerpt + n, "...", 4);
}

static char *
fault_text(const struct stage *s, const struct where *w, uint64_t before)
{
	char *column = w->col >= s->ncols ? mem_dup("") :
	    *s->name[w->col] == '\0' ? mem_fmt(", column %zu", w->col + 1) :
	    mem_fmt(", column '%s'", s->name[w->col]);
	char *more = w->fault == SCAN_RAGGED ? mem_fmt(" (%zu, not %zu)",
	    w->fields, s->ncols) : mem_dup("");
	char *text = mem_fmt("row %llu (the header not counted), byte %llu"
	    "%s: %s%s%s%s%s", (unsigned long long)(before + w->row),
	    (unsigned long long)w->offset, column, scan_fault_text(w->fault),
	    more, *w->excerpt != '\0' ? ": '" : "", w->excerpt,
	    *w->excerpt != '\0' ? "'" : "");

	free(column);
	free(more);
	return text;
}

/* A worker's own. */
struct worker {
	struct stage *s;
	pthread_t thread;
	struct scan scan;
	struct codec *codec;
	struct buf out;
	struct where where;
};

/* Check and compress one object into the body. 0, or -1 with where set, or
 * with its fault SCAN_FINE when something else was wrong (said). */
static int
work_on(struct worker *w, struct feed_object *o, struct buf *body,
    uint64_t *rows)
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
			w->where.fault = p->too_long &&
			    (w->scan.fault == SCAN_NO_NEWLINE ||
			    w->scan.fault == SCAN_OPEN_QUOTE) ?
			    SCAN_ROW_LONG : w->scan.fault;
			w->where.row = base - first + w->scan.fault_row;
			w->where.offset = p->offset + w->scan.fault_offset;
			w->where.col = w->scan.fault_col;
			w->where.fields = w->scan.fault_fields;
			take_excerpt(&w->scan, p, &w->where);
		}
		feed_done(s->feed, p);
		if (rc == 0)
			rc = codec_add(w->codec, w->out.data, w->out.len,
			    body);
	}
	if (rc == 0)
		rc = codec_end(w->codec, body);
	*rows = w->scan.rows - first;
	return rc;
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
		buf_reserve(b, s->opt.object + s->opt.object / 8);
	}
	buf_reset(b);
	return b;
}

static void
put_body(struct stage *s, struct buf *b)
{
	pthread_mutex_lock(&s->lock);
	s->spare = mem_resize(s->spare, (size_t)s->nspare + 1,
	    sizeof(struct buf *));
	s->spare[s->nspare++] = b;
	pthread_mutex_unlock(&s->lock);
}

static void
discard(struct stage *s, struct feed_object *o)
{
	size_t i;

	for (i = 0; i < o->npieces; i++)
		feed_done(s->feed, &o->piece[i]);
	feed_object_free(o);
}

/* The next object for a worker; NULL: there is none any more. */
static struct feed_object *
take_object(struct stage *s)
{
	struct feed_object *o;
	bool late;

	for (;;) {
		pthread_mutex_lock(&s->lock);
		while (s->next == NULL && !s->no_more)
			pthread_cond_wait(&s->changed, &s->lock);
		o = s->next;
		s->next = NULL;
		late = o != NULL && o->index > s->fault_at;
		pthread_cond_broadcast(&s->changed);
		pthread_mutex_unlock(&s->lock);
		/* Behind a fault nothing counts. */
		if (!late)
			return o;
		discard(s, o);
	}
}

/* Hand a finished object to the uploaders. */
static void
hand_over(struct stage *s, size_t index, uint64_t rows, struct buf *body)
{
	pthread_mutex_lock(&s->lock);
	s->part[index].rows = rows;
	s->part[index].bytes = body->len;
	s->part[index].body = body;
	s->rows += rows;
	while (s->ready.n == WAITING && s->fault_at == SIZE_MAX)
		pthread_cond_wait(&s->changed, &s->lock);
	if (s->fault_at == SIZE_MAX) {
		s->ready.index[s->ready.n++] = index;
		body = NULL;
	} else {
		s->part[index].body = NULL;
	}
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (body != NULL)
		put_body(s, body);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct stage *s = w->s;
	struct feed_object *o;
	struct buf *body;
	uint64_t rows;

	while ((o = take_object(s)) != NULL) {
		body = get_body(s);
		if (work_on(w, o, body, &rows) == 0) {
			hand_over(s, o->index, rows, body);
		} else {
			/* All objects before it are in other hands, so this
			 * worker is not needed any more. */
			put_body(s, body);
			set_fault(s, o->index, &w->where, FATE_FAILED);
			feed_object_free(o);
			break;
		}
		feed_object_free(o);
	}
	pthread_mutex_lock(&s->lock);
	s->workers--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* The next part to upload; false: there will be none any more. */
static bool
take_ready(struct stage *s, size_t *index, struct s3_object *o,
    struct buf **body)
{
	struct part *p;
	bool got;

	pthread_mutex_lock(&s->lock);
	while (s->ready.n == 0 && s->workers > 0 && s->fault_at == SIZE_MAX)
		pthread_cond_wait(&s->changed, &s->lock);
	got = s->ready.n > 0;
	if (got) {
		*index = s->ready.index[0];
		s->ready.n--;
		memmove(s->ready.index, s->ready.index + 1,
		    (size_t)s->ready.n * sizeof(s->ready.index[0]));
		p = &s->part[*index];
		*body = p->body;
		p->body = NULL;
		p->begun = s->fault_at == SIZE_MAX;
		o->key = p->key;
		o->body = (*body)->data;
		o->len = (*body)->len;
		s->in_flight++;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return got;
}

static bool
faulty(struct stage *s)
{
	bool b;

	pthread_mutex_lock(&s->lock);
	b = s->fault_at != SIZE_MAX;
	pthread_mutex_unlock(&s->lock);
	return b;
}

/* Is the part there, and as large as it should be? */
static enum fate
check_part(struct stage *s, struct http *h, const struct part *p)
{
	int64_t size;
	enum fate fate = s3_head(s->opt.s3, h, s->opt.bucket, p->key, &size);

	if (fate != FATE_OK)
		return fate;
	if (size == -2) {
		pthread_mutex_lock(&s->lock);
		if (!s->warned)
			msg_info("cannot look at the objects that were "
			    "stored: no right to s3:GetObject");
		s->warned = true;
		pthread_mutex_unlock(&s->lock);
		return FATE_OK;
	}
	if (size == (int64_t)p->bytes)
		return FATE_OK;
	if (size < 0)
		msg_error("cannot find 's3://%s/%s', which was just stored",
		    s->opt.bucket, p->key);
	else
		msg_error("cannot trust 's3://%s/%s': it has %lld bytes, but "
		    "%llu were stored", s->opt.bucket, p->key,
		    (long long)size, (unsigned long long)p->bytes);
	return FATE_FAILED;
}

/* When all is uploaded: look at every part. */
static void
check_parts(struct stage *s, struct http *h)
{
	enum fate fate = FATE_OK;
	struct part p;
	bool more;

	while (fate == FATE_OK && !s->opt.dry_run) {
		pthread_mutex_lock(&s->lock);
		while (s->in_flight > 0 && s->fault_at == SIZE_MAX)
			pthread_cond_wait(&s->changed, &s->lock);
		more = s->fault_at == SIZE_MAX && s->checked < s->nparts;
		if (more)
			p = s->part[s->checked++];
		pthread_mutex_unlock(&s->lock);
		if (!more)
			return;
		fate = check_part(s, h, &p);
	}
	if (fate != FATE_STOPPED)
		set_fault(s, 0, NULL, fate);
}

static void *
upload(void *arg)
{
	struct stage *s = arg;
	struct http *h = s3_http(s->opt.s3);
	struct s3_object o = {.bucket = s->opt.bucket, .tags = s->opt.tags,
	    .type = "text/csv", .unsure = false};
	enum fate fate;
	struct buf *body;
	size_t index;

	if (s->opt.codec != CODEC_NONE)
		o.type = s->opt.codec == CODEC_GZIP ? "application/gzip" :
		    "application/zstd";
	while (take_ready(s, &index, &o, &body)) {
		fate = FATE_STOPPED;
		o.unsure = false;
		if (!faulty(s)) {
			fate = s->opt.dry_run ? FATE_OK :
			    s3_put(s->opt.s3, h, &o);
			/* Stopped: by a fault that is known already. */
			if (fate != FATE_OK && fate != FATE_STOPPED)
				set_fault(s, 0, NULL, fate);
		}
		put_body(s, body);
		pthread_mutex_lock(&s->lock);
		if (fate != FATE_OK && !o.unsure)
			s->part[index].begun = false;	/* refused */
		s->in_flight--;
		if (fate == FATE_OK)
			s->stored += o.len;
		pthread_cond_broadcast(&s->changed);
		pthread_mutex_unlock(&s->lock);
	}
	check_parts(s, h);
	http_free(h);
	pthread_mutex_lock(&s->lock);
	s->uploaders--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void
show_progress(struct stage *s, long long began, long long *shown)
{
	long long now = io_now_ms();
	uint64_t in = feed_bytes(s->feed), rows, out;
	double seconds = (double)(now - began) / 1000.0;
	char left[64] = "";
	size_t n;

	if (!msg_progress_wanted() || now - *shown < 200)
		return;
	*shown = now;
	pthread_mutex_lock(&s->lock);
	rows = s->rows;
	out = s->stored;
	n = s->nparts;
	pthread_mutex_unlock(&s->lock);
	if (s->opt.rows_expected > rows && rows > 0)
		snprintf(left, sizeof(left), ", %.0f s left", seconds *
		    (double)(s->opt.rows_expected - rows) / (double)rows);
	msg_progress("%llu rows, %.1f MB in, %.1f MB stored, %zu objects, "
	    "%.1f MB/s%s", (unsigned long long)rows, (double)in / 1e6,
	    (double)out / 1e6, n, seconds > 0 ? (double)in / 1e6 / seconds :
	    0.0, left);
}

static void
add_part(struct stage *s, size_t index)
{
	if (s->nparts == s->size) {
		s->size = s->size == 0 ? 64 : s->size * 2;
		s->part = mem_resize(s->part, s->size, sizeof(*s->part));
	}
	s->part[index] = (struct part){.key = mem_fmt("%s/part-%05zu.csv%s",
	    s->opt.prefix, index, codec_suffix(s->opt.codec))};
	s->nparts++;
}

/* Wait a little for something to change; the lock is held. A signal's
 * handler cannot tell, so this looks at the flag. */
static void
wait_changed(struct stage *s)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 200 * 1000 * 1000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&s->changed, &s->lock, &ts);
}

/* Read all, and hand out objects. */
static void
read_all(struct stage *s, long long began, long long *shown)
{
	struct feed_object *o = NULL;
	enum fate fate;

	while ((fate = feed_next(s->feed, &o)) == FATE_OK && o != NULL) {
		show_progress(s, began, shown);
		pthread_mutex_lock(&s->lock);
		add_part(s, o->index);
		while (s->next != NULL && !atomic_load(s->opt.halt))
			wait_changed(s);
		if (s->next == NULL) {
			s->next = o;
			o = NULL;
		}
		pthread_cond_broadcast(&s->changed);
		pthread_mutex_unlock(&s->lock);
		if (o != NULL) {
			discard(s, o);
			break;
		}
	}
	/* Stopped by a fault that is known already, or by a signal. */
	if (fate != FATE_OK || atomic_load(s->opt.halt))
		set_fault(s, fate == FATE_FAILED ? s->nparts : SIZE_MAX - 1,
		    NULL, fate == FATE_FAILED ? fate : FATE_STOPPED);
	pthread_mutex_lock(&s->lock);
	s->no_more = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void
wait_all(struct stage *s, long long began, long long *shown)
{
	bool interrupted;

	pthread_mutex_lock(&s->lock);
	while (s->workers > 0 || s->uploaders > 0) {
		wait_changed(s);
		interrupted = atomic_load(s->opt.halt) &&
		    s->fault_at == SIZE_MAX;
		pthread_mutex_unlock(&s->lock);
		if (interrupted)
			set_fault(s, SIZE_MAX - 1, NULL, FATE_STOPPED);
		show_progress(s, began, shown);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	msg_progress_end();
}

static void
start_thread(pthread_t *t, void *(*run)(void *), void *arg)
{
	int rc = pthread_create(t, NULL, run, arg);

	if (rc != 0) {
		errno = rc;
		msg_errno("cannot start a thread");
		abort();
	}
}

/* The message about a fault in the data. */
static void
tell_fault(struct stage *s)
{
	uint64_t before = 0;
	char *text;
	size_t i;

	if (s->fault.fault == SCAN_FINE)
		return;
	for (i = 0; i < s->fault_at; i++)
		before += s->part[i].rows;
	text = fault_text(s, &s->fault, before);
	msg_error("cannot stage 'standard input': %s", text);
	free(text);
}

enum fate
stage_run(struct stage *s)
{
	int jobs = s->opt.jobs, uploads = s->opt.uploads, i;
	struct worker *w = mem_zero((size_t)jobs, sizeof(*w));
	pthread_t *u = mem_zero((size_t)uploads, sizeof(*u));
	long long began = io_now_ms(), shown = began;

	s3_stop_when(s->opt.s3, s->opt.halt);
	s3_parallel(s->opt.s3, uploads);
	s->workers = jobs;
	s->uploaders = uploads;
	for (i = 0; i < jobs; i++) {
		w[i].s = s;
		scan_init(&w[i].scan, &s->opt.scan, s->ncols);
		w[i].codec = codec_new(s->opt.codec, s->opt.level);
		buf_init(&w[i].out, OUT_MAX);
		start_thread(&w[i].thread, work, &w[i]);
	}
	for (i = 0; i < uploads; i++)
		start_thread(&u[i], upload, s);
	read_all(s, began, &shown);
	wait_all(s, began, &shown);
	for (i = 0; i < uploads; i++)
		pthread_join(u[i], NULL);
	for (i = 0; i < jobs; i++) {
		pthread_join(w[i].thread, NULL);
		scan_merge(&s->total, &w[i].scan);
		scan_release(&w[i].scan);
		codec_free(w[i].codec);
		buf_release(&w[i].out);
	}
	free(w);
	free(u);
	if (s->fault_at == SIZE_MAX)
		return FATE_OK;
	tell_fault(s);
	return s->fate;
}

void
stage_fill(const struct stage *s, struct manifest *m)
{
	struct manifest_entry *e;
	char *url;
	size_t i;

	m->content_length = m->record_count = 0;
	for (i = 0; i < s->nparts; i++) {
		url = mem_fmt("s3://%s/%s", s->opt.bucket, s->part[i].key);
		e = manifest_add_entry(m, url);
		free(url);
		e->content_length = (int64_t)s->part[i].bytes;
		e->record_count = (int64_t)s->part[i].rows;
		m->content_length += e->content_length;
		m->record_count += e->record_count;
	}
}

enum fate
stage_put(struct stage *s, const char *name, const void *p, size_t n)
{
	struct http *h = s3_http(s->opt.s3);
	struct s3_object o = {.bucket = s->opt.bucket, .body = p, .len = n,
	    .type = "application/json", .tags = s->opt.tags};
	enum fate fate;

	if (s->opt.dry_run) {
		http_free(h);
		return FATE_OK;
	}
	free(s->extra);
	s->extra = mem_fmt("%s/%s", s->opt.prefix, name);
	o.key = s->extra;
	fate = s3_put(s->opt.s3, h, &o);
	http_free(h);
	if (fate != FATE_OK && !o.unsure) {	/* refused */
		free(s->extra);
		s->extra = NULL;
	}
	return fate;
}

int
stage_remove(struct stage *s)
{
	const char **key = mem_zero(s->nparts + 1, sizeof(*key));
	struct http *h = s3_http(s->opt.s3);
	enum fate fate = FATE_OK;
	size_t i, n = 0;

	for (i = 0; i < s->nparts && !s->opt.dry_run; i++)
		if (s->part[i].begun)
			key[n++] = s->part[i].key;
	if (s->extra != NULL)
		key[n++] = s->extra;
	s3_stop_when(s->opt.s3, NULL);
	if (n > 0)
		fate = s3_delete(s->opt.s3, h, s->opt.bucket, key, n);
	http_free(h);
	free(key);
	return fate == FATE_OK ? 0 : msg_error("objects may be left below "
	    "'s3://%s/%s/'", s->opt.bucket, s->opt.prefix);
}
