/*
 * The fast path: which kernel, and the parts that need not be fast.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "scan_fast.h"
#include "scan_value.h"

const struct scan_kernel scan_fast_none = {"none", NULL, NULL};

/* Set by tests before they start any thread. */
static const struct scan_kernel *forced;

const struct scan_kernel *const *
scan_fast_all(void)
{
#if defined(__x86_64__)
	static const struct scan_kernel *const all[] = {
		&scan_avx512, &scan_avx2, &scan_sse2, &scan_plain, NULL
	};

	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") ||
	    !__builtin_cpu_supports("pclmul") ||
	    !__builtin_cpu_supports("bmi") ||
	    !__builtin_cpu_supports("bmi2") ||
	    !__builtin_cpu_supports("popcnt"))
		return all + 2;
	return all + !(__builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vbmi2"));
#elif defined(__aarch64__)
	static const struct scan_kernel *const all[] = {
		&scan_neon, &scan_plain, NULL
	};

	return all;
#else
	static const struct scan_kernel *const all[] = {&scan_plain, NULL};

	return all;
#endif
}

const struct scan_kernel *
scan_fast(void)
{
	return forced != NULL ? forced : scan_fast_all()[0];
}

void
scan_fast_force(const struct scan_kernel *k)
{
	forced = k;
}

static enum scan_look
look_for(enum scan_kind kind, const struct scan_type *t)
{
	switch (kind) {
	case SCAN_INT:
		/* The loop takes 16 digits at most. */
		return t == NULL || (t->min <= -9999999999999999 &&
		    t->max >= 9999999999999999) ? SCAN_LOOK_INT :
		    SCAN_LOOK_SLOW;
	case SCAN_DECIMAL:
		return t == NULL || t->precision == 0 ? SCAN_LOOK_DECIMAL :
		    SCAN_LOOK_SLOW;
	case SCAN_DATE:
		return SCAN_LOOK_DATE;
	case SCAN_TIMESTAMP:
		return SCAN_LOOK_TIMESTAMP;
	case SCAN_BOOL:
		return SCAN_LOOK_BOOL;
	case SCAN_TEXT:
		return t == NULL || !t->ascii ? SCAN_LOOK_TEXT :
		    SCAN_LOOK_SLOW;
	case SCAN_NONE:
	case SCAN_DOUBLE:
	case SCAN_ZONED:
		break;
	}
	return SCAN_LOOK_SLOW;
}

static struct scan_col
column(const struct scan_type *t)
{
	struct scan_col c = {
		.limit = SCAN_FIELD_MAX,
		.look = (unsigned char)look_for(t == NULL ? SCAN_NONE :
		    t->kind, t)
	};

	if (t != NULL && t->kind == SCAN_TEXT && t->max_length != 0)
		c.limit = (uint32_t)t->max_length;
	c.no_empty = t != NULL && t->kind != SCAN_NONE && t->kind != SCAN_TEXT;
	return c;
}

/* Whether a kernel may be used. */
static bool
suits(const struct scan_opt *o, size_t ncols)
{
	const char *in = o->null_in == NULL ? "" : o->null_in;

	if (ncols > SCAN_FAST_COLUMNS ||
	    strlen(o->null_string) > SCAN_FAST_NULL ||
	    strlen(in) > SCAN_FAST_NULL)
		return false;
	/* A backslash and a point, alone in their row, need quotes; it must
	 * be one of the first bytes that are looked for. */
	return ncols > 1 || o->null_string[0] == '\\' || in[0] == '\\' ||
	    o->null_in == NULL;
}

/* No row may become longer than SCAN_ROW_MAX, when each byte is an empty
 * field. */
static uint32_t
longest(const struct scan_opt *o)
{
	size_t most = SCAN_ROW_MAX / (strlen(o->null_string) + 3) -
	    2 * SCAN_FAST_WINDOW;

	return (uint32_t)(most < SCAN_FAST_RECORD ? most : SCAN_FAST_RECORD);
}

void
scan_fast_reset(struct scan_fast *f, const struct scan_opt *o, size_t ncols)
{
	size_t i;

	for (i = 0; i < ncols; i++)
		f->col[i] = column(o->types == NULL ? NULL : &o->types[i]);
	f->window = SCAN_FAST_WINDOW;
}

struct scan_fast *
scan_fast_new(const struct scan_opt *o, size_t ncols)
{
	struct scan_fast *f = mem_zero(1, sizeof(*f));
	size_t bytes = SCAN_FAST_RECORD + 2 * SCAN_FAST_WINDOW + 256;

	f->col = mem_zero(ncols, sizeof(*f->col));
	scan_fast_reset(f, o, ncols);
	if (!suits(o, ncols) || scan_fast()->rows == NULL)
		return f;
	f->kernel = scan_fast();
	f->end = mem_alloc(bytes * sizeof(*f->end));
	f->special = mem_zero(bytes / 64 + 1, sizeof(*f->special));
	f->most = mem_zero(ncols + 16, sizeof(*f->most));
	f->record = longest(o);
	f->form = (struct scan_form){o->delim, o->quote, '\n',
	    o->delim == ',' && o->quote == '"'};
	f->null_len = strlen(o->null_string);
	memcpy(f->null, o->null_string, f->null_len);
	f->first[0] = f->first[1] = f->null[0];
	f->in_len = SIZE_MAX;
	if (o->null_in != NULL) {
		f->in_len = strlen(o->null_in);
		memcpy(f->in, o->null_in, f->in_len);
		f->first[1] = f->in[0];
	} else if (ncols == 1) {
		f->first[1] = '\\';
	}
	return f;
}

void
scan_fast_free(struct scan_fast *f)
{
	if (f == NULL)
		return;
	free(f->col);
	free(f->end);
	free(f->special);
	free(f->most);
	free(f);
}

/* A letter that means nothing. */
static char
letter(const struct scan_opt *o)
{
	char c = 'x';

	while (c == o->delim || c == o->quote)
		c++;
	return c;
}

size_t
scan_fast_rows(struct scan *s, const char *p, size_t n, struct buf *out)
{
	struct scan_fast *f = s->fast;
	size_t done;

	if (f->kernel == NULL)
		return 0;
	done = f->kernel->rows(s, p, n, out);
	p += done;
	n -= done;
	if (n == 0 || n > SCAN_FAST_TAIL)
		return done;
	/* As if one more record began behind it. */
	memcpy(f->tail, p, n);
	memset(f->tail + n, letter(s->opt), 256);
	return done + f->kernel->rows(s, f->tail, n + 256, out);
}

/* A value without its quotes, of `width` bytes when doubled ones are one. */
static bool
value(struct scan *s, size_t c, const char *v, size_t n, size_t width)
{
	const struct scan_type *t = NULL;
	struct scan_col *col = &s->fast->col[c];
	struct scan_prof *prof = &s->prof[c];
	struct scan_value form;

	if (s->opt->types != NULL && s->opt->types[c].kind != SCAN_NONE)
		t = &s->opt->types[c];
	if (width > prof->max_bytes) {
		if (width > col->limit)
			return false;
		prof->max_bytes = width;
	}
	if (col->look == SCAN_LOOK_TEXT)
		return true;
	if (t == NULL) {
		form = scan_value_look(v, n);
		scan_value_add(prof, &form);
		col->look = (unsigned char)look_for(prof->kind, NULL);
		return true;
	}
	if (!scan_value_fits(t, v, n, &form))
		return false;
	scan_value_add(prof, &form);
	return true;
}

bool
scan_fast_value(struct scan *s, size_t c, const char *start, const char *end)
{
	size_t n = (size_t)(end - start), doubled = 0, i;
	const struct scan_fast *f = s->fast;
	char quote = s->opt->quote;

	if (n == 0 || (*start != quote && n == f->in_len &&
	    memcmp(start, f->in, n) == 0))
		return true;
	if (*start != quote)
		return value(s, c, start, n, n);
	if (n == 2)
		return true;
	start++;
	n -= 2;
	for (i = 0; i < n; i++)
		doubled += start[i] == quote;
	if (n - doubled / 2 <= s->prof[c].max_bytes)
		f->col[c].quoted = true;
	/* With doubled quotes it is text, also before they are undone. */
	return value(s, c, start, n, n - doubled / 2);
}

/* Whether a value needs quotes in the output, see scan_row.c's put(). */
static bool
needs_quotes(const char *p, size_t n, size_t ncols)
{
	size_t i;

	if (ncols == 1 && (n == 0 || (n == 2 && memcmp(p, "\\.", 2) == 0)))
		return true;
	for (i = 0; i < n; i++)
		if (p[i] == ',' || p[i] == '"' || p[i] == '\n' || p[i] == '\r')
			return true;
	return false;
}

bool
scan_fast_put(struct scan *s, size_t c, const char *start, const char *end,
    char **out)
{
	const struct scan_fast *f = s->fast;
	char quote = s->opt->quote, *o = *out, *value;
	bool quoted = *start == quote, odd;

	start += quoted;
	end -= quoted;
	if (quoted && start == end && f->col[c].no_empty) {
		s->prof[c].nulls++;
		memcpy(o, f->null, f->null_len);
		*out = o + f->null_len;
		return true;
	}
	odd = needs_quotes(start, (size_t)(end - start), s->ncols);
	if (odd)
		*o++ = '"';
	for (value = o; start < end; start++) {
		if (quoted && *start == quote)
			start++;	/* the first of two */
		if (*start == '"')
			*o++ = '"';
		*o++ = *start;
	}
	if ((size_t)(o - value) == f->null_len &&
	    memcmp(value, f->null, f->null_len) == 0)
		return false;
	s->prof[c].empty += o == value;
	if (odd)
		*o++ = '"';
	*out = o;
	return true;
}
