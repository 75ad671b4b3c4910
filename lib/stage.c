/*
 * Staging: one thread reads (the caller's), some check and compress, some
 * store. A segment goes from feed to a worker, and what it becomes to a
 * sender; each place where it can wait is bounded, so that a slow S3 slows
 * the reader.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "header.h"
#include "io.h"
#include "mem.h"
#include "msg.h"
#include "stagerun.h"

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

void
stage_name(struct stage *s, size_t i, const char *name)
{
	if (!s->opt.no_header)
		return;
	free(s->name[i]);
	s->name[i] = mem_dup(name);
}

int
stage_check_header(const struct stage *s)
{
	char *doubt = s->opt.no_header ? NULL :
	    header_doubt(s->name, s->ncols);

	if (doubt == NULL)
		return 0;
	msg_error("cannot stage 'standard input': its first row is no header: "
	    "%s; put the names of the columns before it, or give "
	    "--no-header; if it is one, tell them by --types too", doubt);
	free(doubt);
	return -1;
}

void
stage_types(struct stage *s, const struct scan_type *types)
{
	s->opt.scan.types = types;
}

/* How the input is divided: see stagerun.h. */
static void
choose_segments(struct stage *s)
{
	size_t slices = (size_t)s->opt.slices, jobs = (size_t)s->opt.jobs;

	s->per = (s->opt.object + STAGE_SEGMENT / 2) / STAGE_SEGMENT;
	s->open = (jobs + slices - 1) / slices * slices;
	if (s->per <= 1)
		s->per = s->open = 1;
	s->segment = s->opt.object / s->per;
}

enum fate
stage_open(const struct stage_opt *o, int fd, struct stage **out)
{
	struct stage *s = mem_zero(1, sizeof(*s));
	struct feed_opt f = {.fd = fd, .scan = &s->opt.scan,
	    .slices = o->slices, .busy = o->jobs, .stop = o->halt,
	    .wake = o->wake[0], .no_header = o->no_header};
	enum fate fate;
	char name[32];
	size_t i;

	s->opt = *o;
	choose_segments(s);
	f.object = s->segment;
	s->fault_at = SIZE_MAX;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->begin, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->feed = feed_new(&f);
	fate = feed_header(s->feed, &s->name, &s->ncols);
	if (fate != FATE_OK) {
		stage_free(s);
		return fate;
	}
	for (i = 0; i < s->ncols; i++) {
		snprintf(name, sizeof(name), "col%zu", i + 1);
		stage_name(s, i, name);
	}
	scan_init(&s->total, &s->opt.scan, s->ncols);
	*out = s;
	return FATE_OK;
}

static void
free_body(struct buf *b)
{
	if (b == NULL)
		return;
	buf_release(b);
	free(b);
}

static void
free_part(struct stage_part *p)
{
	size_t i;

	for (i = 0; i < p->netag; i++)
		free(p->etag[i]);
	free(p->etag);
	free(p->upload);
	codec_free(p->codec);
	free_body(p->body);
	free(p->key);
	free(p);
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
		free_part(s->part[i]);
	for (i = 0; i < (size_t)s->nspare; i++)
		free_body(s->spare[i]);
	for (i = 0; i < (size_t)s->nidle; i++)
		codec_free(s->idle[i]);
	free(s->idle);
	free(s->spare);
	free(s->part);
	free(s->rows_of);
	free(s->extra);
	if (s->total.prof != NULL)
		scan_release(&s->total);
	feed_free(s->feed);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->begin);
	free(s);
}

void
stage_fault(struct stage *s, size_t at, const struct stage_where *where,
    enum fate fate)
{
	pthread_mutex_lock(&s->lock);
	if (at < s->fault_at) {
		s->fault = where != NULL ? *where :
		    (struct stage_where){.fault = SCAN_FINE};
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

static char *
fault_text(const struct stage *s, const struct stage_where *w, uint64_t before)
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

size_t
stage_part_of(const struct stage *s, size_t segment, size_t *turn)
{
	*turn = segment % (s->open * s->per) / s->open;
	return segment / (s->open * s->per) * s->open + segment % s->open;
}

/* Room for what is known of a segment, and of its part. */
static void
add_segment(struct stage *s, size_t index)
{
	struct stage_part *p;
	size_t turn;

	if (index == s->size) {
		s->size = s->size == 0 ? 64 : s->size * 2;
		s->part = mem_resize(s->part, s->size, sizeof(*s->part));
		s->rows_of = mem_resize(s->rows_of, s->size,
		    sizeof(*s->rows_of));
	}
	s->rows_of[index] = 0;
	s->nsegments = index + 1;
	if (stage_part_of(s, index, &turn) == s->nparts) {
		p = mem_zero(1, sizeof(*p));
		p->key = mem_fmt("%s/part-%05zu.csv%s", s->opt.prefix,
		    s->nparts, codec_suffix(s->opt.codec));
		s->part[s->nparts++] = p;
	}
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

/* Read all, and hand out segments. */
static void
read_all(struct stage *s, long long began, long long *shown)
{
	struct feed_object *o = NULL;
	enum fate fate;

	while ((fate = feed_next(s->feed, &o)) == FATE_OK && o != NULL) {
		show_progress(s, began, shown);
		pthread_mutex_lock(&s->lock);
		add_segment(s, o->index);
		while (s->next != NULL && !atomic_load(s->opt.halt))
			wait_changed(s);
		if (s->next == NULL) {
			s->next = o;
			o = NULL;
		}
		pthread_cond_broadcast(&s->changed);
		pthread_mutex_unlock(&s->lock);
		if (o != NULL) {
			stagework_discard(s, o);
			break;
		}
	}
	/* Stopped by a fault that is known already, or by a signal. */
	if (fate != FATE_OK || atomic_load(s->opt.halt))
		stage_fault(s, fate == FATE_FAILED ? s->nsegments : SIZE_MAX - 1,
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
	while (s->workers > 0 || s->senders > 0) {
		wait_changed(s);
		interrupted = atomic_load(s->opt.halt) &&
		    s->fault_at == SIZE_MAX;
		pthread_mutex_unlock(&s->lock);
		if (interrupted)
			stage_fault(s, SIZE_MAX - 1, NULL, FATE_STOPPED);
		show_progress(s, began, shown);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	msg_progress_end();
}

/* One more of *running; false if there is no thread to be had. */
static bool
start_thread(struct stage *s, int *running, pthread_t *t,
    void *(*run)(void *), void *arg)
{
	int rc;

	pthread_mutex_lock(&s->lock);
	++*running;
	pthread_mutex_unlock(&s->lock);
	rc = pthread_create(t, NULL, run, arg);
	if (rc == 0)
		return true;
	pthread_mutex_lock(&s->lock);
	--*running;
	pthread_mutex_unlock(&s->lock);
	errno = rc;
	msg_errno("cannot start a thread; fewer --jobs and --uploads may do");
	stage_fault(s, 0, NULL, FATE_FAILED);
	return false;
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
		before += s->rows_of[i];
	text = fault_text(s, &s->fault, before);
	msg_error("cannot stage 'standard input': %s", text);
	free(text);
}

enum fate
stage_run(struct stage *s)
{
	int jobs = s->opt.jobs, uploads = s->opt.uploads, n, m = 0;
	struct stagework *w = mem_zero((size_t)jobs, sizeof(*w));
	pthread_t *u = mem_zero((size_t)uploads, sizeof(*u));
	long long began = io_now_ms(), shown = began;

	s3_stop_when(s->opt.s3, s->opt.halt);
	s3_parallel(s->opt.s3, uploads);
	for (n = 0; n < jobs; n++) {
		stagework_init(&w[n], s);
		if (!start_thread(s, &s->workers, &w[n].thread,
		    stagework_run, &w[n])) {
			stagework_release(&w[n]);
			break;
		}
	}
	while (n == jobs && m < uploads &&
	    start_thread(s, &s->senders, &u[m], stagesend_run, s))
		m++;
	read_all(s, began, &shown);
	wait_all(s, began, &shown);
	while (m > 0)
		pthread_join(u[--m], NULL);
	while (n > 0) {
		pthread_join(w[--n].thread, NULL);
		scan_merge(&s->total, &w[n].scan);
		stagework_release(&w[n]);
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
		url = mem_fmt("s3://%s/%s", s->opt.bucket, s->part[i]->key);
		e = manifest_add_entry(m, url);
		free(url);
		e->content_length = (int64_t)s->part[i]->bytes;
		e->record_count = (int64_t)s->part[i]->rows;
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

/* End the uploads that did not become objects. */
static enum fate
abort_uploads(struct stage *s, struct http *h)
{
	enum fate fate = FATE_OK, one;
	size_t i;

	for (i = 0; i < s->nparts; i++) {
		if (s->part[i]->upload == NULL)
			continue;
		one = s3_multi_abort(s->opt.s3, h, s->opt.bucket,
		    s->part[i]->key, s->part[i]->upload);
		if (one != FATE_OK)
			fate = one;
	}
	return fate;
}

int
stage_remove(struct stage *s)
{
	const char **key = mem_zero(s->nparts + 1, sizeof(*key));
	struct http *h = s3_http(s->opt.s3);
	enum fate fate, aborted;
	size_t i, n = 0;

	s3_stop_when(s->opt.s3, NULL);
	aborted = abort_uploads(s, h);
	for (i = 0; i < s->nparts; i++)
		if (s->part[i]->begun)
			key[n++] = s->part[i]->key;
	if (s->extra != NULL)
		key[n++] = s->extra;
	fate = n == 0 ? FATE_OK :
	    s3_delete(s->opt.s3, h, s->opt.bucket, key, n);
	http_free(h);
	free(key);
	return fate == FATE_OK && aborted == FATE_OK ? 0 :
	    msg_error("objects may be left below 's3://%s/%s/'",
	    s->opt.bucket, s->opt.prefix);
}
