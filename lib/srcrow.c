/*
 * Finding records by line numbers in a stream. A record may have several
 * lines, when newlines stand inside quotes; it is found by each of them.
 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cfg.h"
#include "fetch.h"
#include "mem.h"
#include "s3.h"
#include "srcrow.h"

/* A row is at most 4 MB for COPY; one that is longer is refused too. */
#define RECORD_MAX ((size_t)16 * 1024 * 1024)
#define URL_SHOWN 256		/* bytes that the error views keep */

struct search {
	struct srcrow *row;	/* the next one that is wanted */
	size_t left;
	const struct manifest *m;
	size_t entry;		/* of the stream, (size_t)-1: none yet */
	int64_t first, line;	/* lines of the record that is open */
	bool in_quotes;
	struct buf record;
};

static bool
is_of(const struct srcrow *r, const char *url)
{
	return strcmp(r->url, url) == 0 || (strlen(r->url) >= URL_SHOWN &&
	    strncmp(r->url, url, URL_SHOWN) == 0);
}

/* A record has ended: is it one of those? */
static void
end_record(struct search *s)
{
	const char *url = s->m->entry[s->entry].url;

	while (s->left > 0 && is_of(s->row, url) && s->row->line <= s->line) {
		if (s->row->line >= s->first)
			s->row->text = mem_ndup(s->record.data, s->record.len);
		s->row++;
		s->left--;
	}
	buf_reset(&s->record);
	s->line++;
	s->first = s->line;
}

/* Is a line of the open record, or one behind it, wanted? */
static bool
wanted(const struct search *s)
{
	return s->left > 0 && is_of(s->row, s->m->entry[s->entry].url);
}

static int
feed(void *arg, size_t entry, const char *p, size_t n)
{
	struct search *s = arg;
	size_t i;

	if (entry != s->entry) {
		s->entry = entry;
		s->first = s->line = 1;
		s->in_quotes = false;
		buf_reset(&s->record);
	}
	if (n == 0) {	/* what of this object was not found */
		if (s->record.len > 0)
			end_record(s);
		while (wanted(s)) {
			s->row++;
			s->left--;
		}
		return 0;
	}
	for (i = 0; i < n && wanted(s); i++) {
		s->in_quotes ^= p[i] == '"';
		if (p[i] == '\n' && !s->in_quotes) {
			end_record(s);
			continue;
		}
		if (p[i] == '\n')
			s->line++;
		/* An open quote that never ends would take all of it. */
		if (buf_addc(&s->record, p[i]) != 0)
			buf_reset(&s->record);
	}
	return 0;
}

enum fate
srcrow_fetch(struct cfg *c, const struct manifest *m, struct srcrow *row,
    size_t n)
{
	static atomic_bool halt;
	struct search s = {.row = row, .left = n, .entry = (size_t)-1};
	struct manifest some;
	enum fate fate;
	struct s3 *s3;
	size_t i, k;

	manifest_init(&some);
	some.compression = mem_dup(m->compression);
	for (k = 0; k < n; k++)
		for (i = 0; i < m->nentries && (k == 0 || strcmp(row[k].url,
		    row[k - 1].url) != 0); i++)
			if (is_of(&row[k], m->entry[i].url))
				manifest_add_entry(&some, m->entry[i].url);
	s.m = &some;
	buf_init(&s.record, RECORD_MAX);
	fate = s3_open(c, &s3);
	if (fate == FATE_OK) {
		fate = fetch_run(s3, &some, 2, &halt, feed, &s);
		s3_free(s3);
	}
	buf_release(&s.record);
	manifest_release(&some);
	return fate;
}
