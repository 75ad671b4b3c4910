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
	    !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("popcnt"))
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

/* Kernels copy runs of the input, so it must be in the form of the output;
 * and they compare null strings as one word of 8 bytes. */
static bool
suits(const struct scan_opt *o, size_t ncols)
{
	const char *in = o->null_in == NULL ? o->null_string : o->null_in;

	if (o->delim != ',' || o->quote != '"' || o->null_string[0] == '\0' ||
	    in[0] == '\0' || strlen(o->null_string) > 8 || strlen(in) > 8)
		return false;
	/* A backslash and a point, alone in their row, need quotes; it must
	 * be one of the first bytes that are looked for. */
	return ncols > 1 || o->null_string[0] == '\\' || in[0] == '\\' ||
	    o->null_in == NULL;
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
	size_t bytes = SCAN_FAST_RECORD + SCAN_FAST_WINDOW + 256;

	f->col = mem_zero(ncols, sizeof(*f->col));
	scan_fast_reset(f, o, ncols);
	if (!suits(o, ncols) || scan_fast()->rows == NULL)
		return f;
	f->kernel = scan_fast();
	f->end = mem_alloc(bytes * sizeof(*f->end));
	f->special = mem_zero(bytes / 64 + 1, sizeof(*f->special));
	f->most = mem_zero(ncols + 16, sizeof(*f->most));
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

/* A value without its quotes; `text` says that quotes are doubled in it, or
 * that it holds bytes that only text has. */
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

	if (n == 0 || (n == f->in_len && memcmp(start, f->in, n) == 0))
		return true;
	if (*start != '"')
		return value(s, c, start, n, n);
	if (n == 2)
		return true;
	start++;
	n -= 2;
	for (i = 0; i < n; i++)
		doubled += start[i] == '"';
	if (n - doubled / 2 <= s->prof[c].max_bytes)
		f->col[c].quoted = true;
	/* With doubled quotes it is text, also before they are undone. */
	return value(s, c, start, n, n - doubled / 2);
}
