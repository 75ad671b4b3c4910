/*
 * Output that never looks complete before it is proven so. A pipe takes a
 * write of at most PIPE_BUF bytes whole or not at all (POSIX); so a write has
 * no more than that, and its last byte is not a newline.
 */
#include "config.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "held.h"
#include "io.h"
#include "mem.h"

/* For files and devices, where a reader looks only after the end. */
#define BLOCK_BYTES (64 * 1024)

void
held_init(struct held *h, int fd)
{
	struct stat st;

	memset(h, 0, sizeof(*h));
	h->fd = fd;
	h->max = BLOCK_BYTES;
	if (fstat(fd, &st) != 0 || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
		h->max = PIPE_BUF;
	h->block = mem_alloc(h->max);
}

void
held_free(struct held *h)
{
	free(h->block);
	h->block = NULL;
}

/* Write held newlines until at most `keep` are left: a block or one less. */
static int
drain(struct held *h, uint64_t keep)
{
	size_t n;

	while (h->newlines > keep) {
		n = h->max;
		memset(h->block, '\n', n);
		/* Inside quotes the record is open as it is, and a CR would
		 * be data. Outside, this block's last newline is written by
		 * the next block, behind the CR. */
		if (!h->rows.in_quotes)
			h->block[--n] = '\r';
		if (io_write_full(h->fd, h->block, h->max) != 0)
			return -1;
		h->newlines -= n;
	}
	return 0;
}

/* Write the held newlines and k bytes that do not end in one. */
static int
put(struct held *h, const char *p, size_t k)
{
	if (h->newlines == 0)
		return io_write_full(h->fd, p, k);
	memset(h->block, '\n', (size_t)h->newlines);
	memcpy(h->block + h->newlines, p, k);
	if (io_write_full(h->fd, h->block, (size_t)h->newlines + k) != 0)
		return -1;
	h->newlines = 0;
	return 0;
}

int
held_write(struct held *h, const char *p, size_t n)
{
	size_t k, end;

	h->bytes += n;
	while (n > 0) {
		if (drain(h, h->max - 1) != 0)
			return -1;
		k = h->max - (size_t)h->newlines;
		if (k > n)
			k = n;
		for (end = k; end > 0 && p[end - 1] == '\n'; end--)
			;
		if (end > 0 && put(h, p, end) != 0)
			return -1;
		rows_feed(&h->rows, p, k);
		h->newlines += k - end;
		p += k;
		n -= k;
	}
	return 0;
}

int
held_release(struct held *h)
{
	if (drain(h, h->max) != 0)
		return -1;
	if (h->newlines == 0)
		h->newlines = 1;
	memset(h->block, '\n', (size_t)h->newlines);
	if (io_write_full(h->fd, h->block, (size_t)h->newlines) != 0)
		return -1;
	h->newlines = 0;
	return 0;
}
