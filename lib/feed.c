/*
 * Input in pieces of whole records, out of a bounded pool of slabs. Where
 * the pieces end depends on the bytes alone, not on how they came, so that
 * the same input makes the same objects.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "feed.h"
#include "mem.h"
#include "msg.h"

#define WINDOW (64 * 1024)	/* record ends are looked for this often */
#define PIECE (256 * 1024)	/* a piece has at least so much, if it can: it
				 * and its rewritten form fit in a core's cache */
#define SLAB (SCAN_ROW_MAX + 1024 * 1024)	/* holds the longest record */
#define BOM "\xef\xbb\xbf"
#define PIPE (1024 * 1024)	/* Linux allows this to every user */

/* A smaller object would not be 1 MB when compressed, and COPY loads fewer
 * larger ones faster. */
#define OBJECT_MIN (2560 * 1024)

struct feed_slab {
	struct feed_slab *next;		/* in the list of free ones */
	int refs;			/* pieces, and one while it is filled */
	uint64_t offset;		/* of data[0] in the input */
	char data[];
};

struct feed {
	struct feed_opt opt;
	struct feed_slab *slab;		/* being filled */
	size_t len;			/* bytes in it */
	size_t scanned;			/* of them, by scan_cut */
	size_t whole;			/* of them, up to a record's end */
	size_t begin;			/* where the next piece begins */
	struct scan_cut cut;
	bool eof, heading;
	_Atomic uint64_t bytes;

	struct feed_piece *piece;	/* not handed out yet */
	size_t npieces, size;
	size_t held;			/* bytes in them */
	size_t hold, hold_slabs;	/* so much is kept back for the end */
	size_t emitted, left;		/* objects; left: at the end */

	pthread_mutex_t lock;		/* guards what follows, and refs */
	pthread_cond_t given_back;
	struct feed_slab *spare;
	int slabs, most;		/* how many there are, may be */
};

struct feed *
feed_new(const struct feed_opt *o)
{
	struct feed *f = mem_zero(1, sizeof(*f));
	size_t per = SLAB - WINDOW - PIECE;	/* what a slab holds of use */

	f->opt = *o;
	f->hold = o->object * (size_t)o->slices;
	f->hold_slabs = f->hold / per + 2;
	f->most = (int)(f->hold_slabs + (o->object / per + 2) *
	    (size_t)o->busy + 1);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->given_back, NULL);
	/* Fewer and larger reads; no harm if it is no pipe. */
	(void)fcntl(o->fd, F_SETPIPE_SZ, PIPE);
	return f;
}

void
feed_free(struct feed *f)
{
	struct feed_slab *s;

	if (f == NULL)
		return;
	while ((s = f->spare) != NULL) {
		f->spare = s->next;
		free(s);
	}
	free(f->slab);
	free(f->piece);
	pthread_cond_destroy(&f->given_back);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static bool
stopped(const struct feed *f)
{
	return atomic_load(f->opt.stop);
}

/* Let go of a slab; the lock is held. */
static void
unref(struct feed *f, struct feed_slab *s)
{
	if (--s->refs > 0)
		return;
	s->next = f->spare;
	f->spare = s;
	pthread_cond_signal(&f->given_back);
}

void
feed_done(struct feed *f, struct feed_piece *p)
{
	pthread_mutex_lock(&f->lock);
	unref(f, p->slab);
	pthread_mutex_unlock(&f->lock);
}

/* A slab of the pool, waiting for one if need be; NULL when all stops. */
static struct feed_slab *
get_slab(struct feed *f)
{
	struct feed_slab *s = NULL;
	struct timespec ts;

	pthread_mutex_lock(&f->lock);
	while (f->spare == NULL && f->slabs >= f->most && !stopped(f)) {
		/* A signal's handler can set the flag, but not signal. */
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_sec++;
		pthread_cond_timedwait(&f->given_back, &f->lock, &ts);
	}
	if (f->spare != NULL) {
		s = f->spare;
		f->spare = s->next;
	} else if (f->slabs < f->most) {
		f->slabs++;
		s = mem_alloc(sizeof(*s) + SLAB);
	}
	if (s != NULL)
		s->refs = 1;
	pthread_mutex_unlock(&f->lock);
	return s;
}

/* [begin, end) of the slab is a piece. */
static struct feed_piece *
add_piece(struct feed *f, size_t end)
{
	struct feed_piece *p;

	if (f->npieces == f->size) {
		f->size = f->size == 0 ? 64 : f->size * 2;
		f->piece = mem_resize(f->piece, f->size, sizeof(*p));
	}
	p = &f->piece[f->npieces++];
	*p = (struct feed_piece){.p = f->slab->data + f->begin,
	    .n = end - f->begin, .offset = f->slab->offset + f->begin,
	    .slab = f->slab};
	f->held += p->n;
	f->begin = end;
	pthread_mutex_lock(&f->lock);
	f->slab->refs++;
	pthread_mutex_unlock(&f->lock);
	return p;
}

/* Look for record ends in what is new, window by window; with `all` also in
 * the last, short one. */
static void
find_ends(struct feed *f, bool all)
{
	size_t n, k;

	while (f->scanned < f->len) {
		n = f->len - f->scanned;
		if (n > WINDOW)
			n = WINDOW;
		else if (n < WINDOW && !all)
			return;
		k = scan_cut(&f->cut, f->opt.scan, f->slab->data + f->scanned,
		    n);
		if (k > 0)
			f->whole = f->scanned + k;
		f->scanned += n;
		if (f->whole >= f->begin + PIECE)
			add_piece(f, f->whole);
	}
}

/* What no record end follows, at the end of the input or of patience. */
static void
add_rest(struct feed *f, bool too_long)
{
	struct feed_piece *p;

	if (f->whole > f->begin)
		add_piece(f, f->whole);
	if (f->len > f->begin) {
		p = add_piece(f, f->len);
		p->unfinished = true;
		p->too_long = too_long;
	}
	f->eof = true;
}

/* Begin a new slab with the record that the old one has only a part of. */
static enum fate
next_slab(struct feed *f)
{
	struct feed_slab *old = f->slab, *s;
	size_t rest;

	if (old != NULL) {
		find_ends(f, true);
		if (f->whole > f->begin)
			add_piece(f, f->whole);
	}
	rest = f->len - f->begin;
	if (rest > SCAN_ROW_MAX) {
		add_rest(f, true);
		return FATE_OK;
	}
	s = get_slab(f);
	if (s == NULL)
		return FATE_STOPPED;
	s->offset = 0;
	if (old != NULL) {
		memcpy(s->data, old->data + f->begin, rest);
		s->offset = old->offset + f->begin;
		pthread_mutex_lock(&f->lock);
		unref(f, old);
		pthread_mutex_unlock(&f->lock);
	}
	f->slab = s;
	f->scanned = f->len = rest;
	f->whole = f->begin = 0;
	return FATE_OK;
}

/* After a read: the pieces that are whole now. */
static void
find_pieces(struct feed *f)
{
	find_ends(f, f->eof);
	if (f->eof)
		add_rest(f, false);
}

/* Wait until there is something to read, or to stop. */
static enum fate
wait_input(struct feed *f)
{
	struct pollfd p[2] = {{.fd = f->opt.fd, .events = POLLIN},
		{.fd = f->opt.wake, .events = POLLIN}};

	while (poll(p, 2, -1) < 0) {
		if (errno != EINTR && errno != EAGAIN) {
			msg_errno("cannot wait for 'standard input'");
			return FATE_FAILED;
		}
		if (stopped(f))
			return FATE_STOPPED;
	}
	return stopped(f) ? FATE_STOPPED : FATE_OK;
}

/* Read once. At the end of the input all pieces are there, and eof is set. */
static enum fate
read_more(struct feed *f)
{
	enum fate fate;
	ssize_t r;

	if (f->slab == NULL || f->len == SLAB) {
		fate = next_slab(f);
		if (fate != FATE_OK || f->eof)
			return fate;
	}
	do {
		fate = wait_input(f);
		if (fate != FATE_OK)
			return fate;
		r = read(f->opt.fd, f->slab->data + f->len, SLAB - f->len);
	} while (r < 0 && (errno == EINTR || errno == EAGAIN));
	if (r < 0) {
		msg_errno("cannot read 'standard input'");
		return FATE_FAILED;
	}
	f->len += (size_t)r;
	f->bytes += (uint64_t)r;
	if (r == 0)
		f->eof = true;
	if (!f->heading)
		find_pieces(f);
	return FATE_OK;
}

static enum fate
no_header(const struct feed *f, enum scan_fault fault)
{
	if (f->bytes == 0)
		msg_error("cannot stage 'standard input': it is empty, without "
		    "even a header; the stage before this one has failed");
	else
		msg_error("cannot stage 'standard input': the %s: %s",
		    f->opt.no_header ? "first row" : "header",
		    scan_fault_text(fault));
	return FATE_FAILED;
}

enum fate
feed_header(struct feed *f, char ***names, size_t *ncols)
{
	enum scan_fault fault = SCAN_NO_NEWLINE;
	enum fate fate;
	size_t used;

	f->heading = true;
	do {
		fate = read_more(f);
		if (fate != FATE_OK)
			return fate;
		*names = scan_header(f->opt.scan, f->slab->data, f->len,
		    &used, ncols, &fault);
		if (*names == NULL && f->len > SCAN_ROW_MAX)
			fault = SCAN_ROW_LONG;
	} while (*names == NULL && fault == SCAN_NO_NEWLINE && !f->eof);
	f->heading = false;
	if (*names == NULL)
		return no_header(f, fault);
	if (f->opt.no_header)
		used = memcmp(f->slab->data, BOM, 3) == 0 ? 3 : 0;
	f->begin = f->whole = f->scanned = used;
	find_pieces(f);
	return FATE_OK;
}

/* The first n pieces as an object. */
static struct feed_object *
emit(struct feed *f, size_t n)
{
	struct feed_object *o = mem_zero(1, sizeof(*o));
	size_t i;

	o->index = f->emitted++;
	o->piece = mem_alloc(n * sizeof(*o->piece));
	o->npieces = n;
	memcpy(o->piece, f->piece, n * sizeof(*o->piece));
	f->npieces -= n;
	memmove(f->piece, f->piece + n, f->npieces * sizeof(*f->piece));
	for (i = 0; i < n; i++)
		o->bytes += o->piece[i].n;
	f->held -= o->bytes;
	return o;
}

/* How many pieces make about `target` bytes; at least one. */
static size_t
pieces_for(const struct feed *f, size_t target)
{
	size_t i, sum = 0;

	for (i = 0; i < f->npieces; i++) {
		if (i > 0 && sum + f->piece[i].n / 2 > target)
			break;
		sum += f->piece[i].n;
	}
	return i;
}

/* At the end: how many more objects, so that their number is a multiple of
 * the slices and their size nearest to what is wanted. */
static size_t
objects_left(const struct feed *f)
{
	size_t slices = (size_t)f->opt.slices, want = f->opt.object;
	size_t k = slices - f->emitted % slices, most;

	while (f->held / k > want && f->held / k - want >
	    (f->held / (k + slices) < want ? want - f->held / (k + slices) :
	    0))
		k += slices;
	most = f->held / (want < OBJECT_MIN ? want : OBJECT_MIN);
	if (f->emitted == 0 && k > most)
		k = most > 0 ? most : 1;
	return k;
}

/* How many slabs the pieces are in. */
static size_t
held_slabs(const struct feed *f)
{
	size_t i, n = 0;

	for (i = 0; i < f->npieces; i++)
		n += i == 0 || f->piece[i].slab != f->piece[i - 1].slab;
	return n;
}

/* Enough is held for an object to go. The slabs count only when the next one
 * is due (few long records can fill many): at any other time the pieces that
 * there are depend on how much the last read has brought. */
static bool
object_due(const struct feed *f)
{
	return f->npieces > 0 && (f->held >= f->hold ||
	    (f->len == SLAB && held_slabs(f) >= f->hold_slabs));
}

enum fate
feed_next(struct feed *f, struct feed_object **out)
{
	enum fate fate;

	*out = NULL;
	while (!f->eof) {
		if (object_due(f)) {
			*out = emit(f, pieces_for(f, f->opt.object));
			return FATE_OK;
		}
		fate = read_more(f);
		if (fate != FATE_OK)
			return fate;
	}
	if (f->npieces == 0)
		return FATE_OK;
	if (f->left == 0)
		f->left = objects_left(f);
	*out = emit(f, f->left == 1 ? f->npieces :
	    pieces_for(f, f->held / f->left));
	f->left -= f->left > 1;
	return FATE_OK;
}

void
feed_object_free(struct feed_object *o)
{
	if (o == NULL)
		return;
	free(o->piece);
	free(o);
}

uint64_t
feed_bytes(struct feed *f)
{
	return atomic_load(&f->bytes);
}
