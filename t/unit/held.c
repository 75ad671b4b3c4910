/*
 * held: at every moment the output ends inside a record, whatever the pieces
 * are, and at the end it is whole. unformula: pieces of any size give the
 * same.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "held.h"
#include "scramble.h"
#include "tap.h"
#include "unformula.h"

struct tube {
	int fd[2];
	struct buf got;
};

static void
tube_open(struct tube *t)
{
	if (pipe2(t->fd, O_NONBLOCK) != 0)
		abort();
	fcntl(t->fd[1], F_SETPIPE_SZ, 1024 * 1024);
	buf_init(&t->got, 16 * 1024 * 1024);
}

static void
tube_take(struct tube *t)
{
	char block[4096];
	ssize_t n;

	while ((n = read(t->fd[0], block, sizeof(block))) > 0)
		buf_add(&t->got, block, (size_t)n);
}

static void
tube_close(struct tube *t)
{
	close(t->fd[0]);
	close(t->fd[1]);
	buf_release(&t->got);
}

static bool
looks_complete(const struct tube *t)
{
	return t->got.len > 0 && t->got.data[t->got.len - 1] == '\n';
}

static void
test_pieces(void)
{
	char text[20000];
	struct held h;
	struct tube t;
	size_t at, k;
	int i, complete = 0, wrong = 0;

	for (i = 0; i < 200; i++) {
		scramble(text, sizeof(text));
		text[sizeof(text) - 1] = roll(2) == 0 ? '\n' : 'z';
		tube_open(&t);
		held_init(&h, t.fd[1]);
		for (at = 0; at < sizeof(text); at += k) {
			k = roll(2) == 0 ? roll(4) : roll(9000);
			if (k > sizeof(text) - at)
				k = sizeof(text) - at;
			if (held_write(&h, text + at, k) != 0)
				abort();
			tube_take(&t);
			complete += looks_complete(&t);
		}
		wrong += held_release(&h) != 0;
		tube_take(&t);
		wrong += memcmp(t.got.data, text, sizeof(text)) != 0 ||
		    !looks_complete(&t) || t.got.len !=
		    sizeof(text) + (text[sizeof(text) - 1] == 'z');
		held_free(&h);
		tube_close(&t);
	}
	is_int(complete, 0, "held: never a newline at the end");
	is_int(wrong, 0, "held: whole after the release, with one newline");
}

/* What a write may be: at most PIPE_BUF bytes, the last no newline. */
static void
test_writes(void)
{
	char text[PIPE_BUF * 3];
	struct held h;
	struct tube t;
	ssize_t n;
	int i, bad = 0, packets = 0;

	for (i = 0; i < 50; i++) {
		scramble(text, sizeof(text));
		buf_init(&t.got, 1);
		/* A pipe that keeps every write apart. */
		if (pipe2(t.fd, O_NONBLOCK | O_DIRECT) != 0)
			abort();
		held_init(&h, t.fd[1]);
		if (held_write(&h, text, sizeof(text)) != 0)
			abort();
		while ((n = read(t.fd[0], text, sizeof(text))) > 0) {
			packets++;
			bad += n > PIPE_BUF || text[n - 1] == '\n';
		}
		held_free(&h);
		tube_close(&t);
	}
	ok(packets >= 150, "held: writes were seen");
	is_int(bad, 0, "held: every write alone keeps the promise");
}

/* n newlines in a row, outside quotes or inside. */
static void
test_run(size_t n, bool quoted)
{
	const char *open = quoted ? "a\n\"" : "a\nx", *close = quoted ?
	    "\"\n" : "y\n";
	char *all = malloc(n), name[80];
	size_t newlines = 0, i;
	int complete = 0;
	struct held h;
	struct tube t;

	if (all == NULL)
		abort();
	memset(all, '\n', n);
	tube_open(&t);
	held_init(&h, t.fd[1]);
	held_write(&h, open, strlen(open));
	for (i = 0; i < n; i += 1000) {
		held_write(&h, all, n - i < 1000 ? n - i : 1000);
		tube_take(&t);
		complete += looks_complete(&t);
	}
	held_write(&h, close, strlen(close));
	tube_take(&t);
	complete += looks_complete(&t);
	held_release(&h);
	tube_take(&t);
	for (i = 0; i < t.got.len; i++)
		newlines += t.got.data[i] == '\n';
	snprintf(name, sizeof(name), "held: %zu newlines %s quotes", n,
	    quoted ? "in" : "outside");
	ok(newlines == n + 2 && (quoted || complete == 0) &&
	    (quoted ? t.got.len == n + 5 : t.got.len >= n + 5), name);
	held_free(&h);
	tube_close(&t);
	free(all);
}

static void
test_errors(void)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct held h;

	held_init(&h, fd);
	ok(held_write(&h, "a,b\n", 4) == -1, "held: a full disk is noticed");
	held_free(&h);
	held_init(&h, fd);
	ok(held_release(&h) == -1, "held: at the release too");
	held_free(&h);
	close(fd);
}

static void
test_unformula(void)
{
	static const char in[] = "a,'b\n'=1,'-,\"'+1,x\"\n'','@\n'x,'1,\"''-\"\n"
	    "x'=1,\"a\n'=\",'\n\"\"\"'=\"\n'-";
	static const char want[] = "a,'b\n=1,-,\"+1,x\"\n'',@\n'x,'1,\"''-\"\n"
	    "x'=1,\"a\n'=\",'\n\"\"\"'=\"\n-";
	struct unformula u;
	char out[2 * sizeof(in)];
	size_t k, at, n, piece;
	int bad = 0;

	for (piece = 1; piece < sizeof(in); piece++) {
		memset(&u, 0, sizeof(u));
		for (at = n = 0; at < sizeof(in) - 1; at += k) {
			k = sizeof(in) - 1 - at < piece ? sizeof(in) - 1 - at :
			    piece;
			n += unformula_feed(&u, in + at, k, out + n);
		}
		n += unformula_end(&u, out + n);
		bad += n != sizeof(want) - 1 || memcmp(out, want, n) != 0 ||
		    u.taken != 5;
	}
	is_int(bad, 0, "unformula: only what stands before a formula goes");
	memset(&u, 0, sizeof(u));
	n = unformula_feed(&u, "a,'", 3, out);
	n += unformula_end(&u, out + n);
	ok(n == 3 && memcmp(out, "a,'", 3) == 0, "unformula: a ' at the end");
}

int
main(void)
{
	test_pieces();
	test_writes();
	test_run(10, false);
	test_run(10, true);
	test_run(3 * PIPE_BUF, false);
	test_run(3 * PIPE_BUF + 1, false);
	test_run(3 * PIPE_BUF, true);
	test_errors();
	test_unformula();
	return done();
}
