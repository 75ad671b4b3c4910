/*
 * Staging's senders: chunks stored, each as an object, or, if a part has
 * more than one, by a multipart upload; and when all are, looked at.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "msg.h"
#include "stagerun.h"

bool
stage_faulty(struct stage *s)
{
	bool b;

	pthread_mutex_lock(&s->lock);
	b = s->fault_at != SIZE_MAX;
	pthread_mutex_unlock(&s->lock);
	return b;
}

/* The next chunk; false: there will be none any more. */
static bool
take_ready(struct stage *s, struct stage_chunk *c)
{
	bool got;

	pthread_mutex_lock(&s->lock);
	while (s->nready == 0 && s->workers > 0 && s->fault_at == SIZE_MAX)
		pthread_cond_wait(&s->changed, &s->lock);
	got = s->nready > 0;
	if (got) {
		*c = s->ready[0];
		s->nready--;
		memmove(s->ready, s->ready + 1,
		    (size_t)s->nready * sizeof(s->ready[0]));
		s->in_flight++;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return got;
}

static struct s3_object
object_of(const struct stage *s, const struct stage_part *p)
{
	static const char *const types[] = {
		[CODEC_NONE] = "text/csv", [CODEC_GZIP] = "application/gzip",
		[CODEC_ZSTD] = "application/zstd",
	};
	struct s3_object o = {.bucket = s->opt.bucket, .key = p->key,
	    .tags = s->opt.tags, .type = types[s->opt.codec]};

	return o;
}

/* A part of one chunk: an object, whole or not at all. */
static enum fate
send_whole(struct stage *s, struct http *h, const struct stage_chunk *c)
{
	struct s3_object o = object_of(s, c->part);
	enum fate fate;

	o.body = c->body->data;
	o.len = c->body->len;
	c->part->begun = true;
	fate = s3_put(s->opt.s3, h, &o);
	if (fate != FATE_OK && !o.unsure)
		c->part->begun = false;		/* refused */
	return fate;
}

static enum fate
send_chunk(struct stage *s, struct http *h, const struct stage_chunk *c)
{
	struct stage_part *p = c->part;
	struct s3_object o = object_of(s, p);
	enum fate fate = FATE_OK;
	char *etag;

	pthread_mutex_lock(&s->begin);
	if (p->upload == NULL)
		fate = s3_multi_begin(s->opt.s3, h, &o, &p->upload);
	pthread_mutex_unlock(&s->begin);
	if (fate != FATE_OK)
		return fate;
	o.body = c->body->data;
	o.len = c->body->len;
	fate = s3_multi_part(s->opt.s3, h, &o, p->upload, c->number + 1,
	    &etag);
	if (fate != FATE_OK)
		return fate;
	pthread_mutex_lock(&s->lock);
	if (c->number >= p->netag) {
		p->etag = mem_resize(p->etag, c->number + 1,
		    sizeof(*p->etag));
		while (p->netag <= c->number)
			p->etag[p->netag++] = NULL;
	}
	p->etag[c->number] = etag;
	pthread_mutex_unlock(&s->lock);
	return FATE_OK;
}

/* All chunks are stored: now it is an object. */
static enum fate
end_upload(struct stage *s, struct http *h, struct stage_part *p)
{
	struct s3_object o = object_of(s, p);
	enum fate fate;

	p->begun = true;
	fate = s3_multi_end(s->opt.s3, h, &o, p->upload,
	    (const char *const *)p->etag, p->netag);
	if (fate == FATE_OK) {
		free(p->upload);	/* there is nothing to be ended */
		p->upload = NULL;
	}
	return fate;
}

/* One chunk is stored; whether its part is an upload to be ended now. */
static bool
chunk_stored(struct stage *s, const struct stage_chunk *c)
{
	struct stage_part *p = c->part;
	bool last;

	pthread_mutex_lock(&s->lock);
	p->stored++;
	s->stored += c->body->len;
	last = p->whole && p->stored == p->chunks && p->chunks > 1;
	pthread_mutex_unlock(&s->lock);
	return last;
}

static enum fate
send(struct stage *s, struct http *h, const struct stage_chunk *c)
{
	bool alone;
	enum fate fate;

	if (stage_faulty(s))
		return FATE_STOPPED;
	pthread_mutex_lock(&s->lock);
	alone = c->number == 0 && c->part->whole && c->part->chunks == 1;
	pthread_mutex_unlock(&s->lock);
	if (s->opt.dry_run)
		fate = FATE_OK;
	else if (alone)
		fate = send_whole(s, h, c);
	else
		fate = send_chunk(s, h, c);
	if (fate == FATE_OK && chunk_stored(s, c) && !s->opt.dry_run)
		fate = end_upload(s, h, c->part);
	return fate;
}

/* Is the part there, and as large as it should be? */
static enum fate
check_part(struct stage *s, struct http *h, const struct stage_part *p)
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

/* When all is sent: look at every part. */
static void
check_parts(struct stage *s, struct http *h)
{
	enum fate fate = FATE_OK;
	struct stage_part *p;

	while (fate == FATE_OK && !s->opt.dry_run) {
		p = NULL;
		pthread_mutex_lock(&s->lock);
		while (s->in_flight > 0 && s->fault_at == SIZE_MAX)
			pthread_cond_wait(&s->changed, &s->lock);
		if (s->fault_at == SIZE_MAX && s->checked < s->nparts)
			p = s->part[s->checked++];
		pthread_mutex_unlock(&s->lock);
		if (p == NULL)
			return;
		fate = check_part(s, h, p);
	}
	if (fate != FATE_STOPPED)
		stage_fault(s, 0, NULL, fate);
}

void *
stagesend_run(void *arg)
{
	struct stage *s = arg;
	struct http *h = s3_http(s->opt.s3);
	struct stage_chunk c;
	enum fate fate;

	while (take_ready(s, &c)) {
		fate = send(s, h, &c);
		/* Stopped: by a fault that is known already. */
		if (fate != FATE_OK && fate != FATE_STOPPED)
			stage_fault(s, 0, NULL, fate);
		pthread_mutex_lock(&s->lock);
		s->in_flight--;
		s->unsent -= c.body->len;
		pthread_cond_broadcast(&s->changed);
		pthread_mutex_unlock(&s->lock);
		stage_put_body(s, c.body);
	}
	check_parts(s, h);
	http_free(h);
	pthread_mutex_lock(&s->lock);
	s->senders--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}
