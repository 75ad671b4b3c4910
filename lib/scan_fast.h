/*
 * The fast path, inside: how it is chosen, what a kernel is, and what it
 * asks of the slow side. Private to scan*.c and their tests.
 *
 * A kernel takes a window of some KiB at a time, in three passes:
 *
 *  1. Index. 64 bytes at a time are compared with each byte that means
 *     something; the answers are bit masks, and masks answer for all 64 at
 *     once: which bytes are in quotes (the running parity of the quotes),
 *     where fields end, whether anything is out of order. Kept are the ends
 *     of all fields, and the numbers of those that are special: empty, in
 *     quotes, or beginning like the null string.
 *  2. Measure, column by column: a loop for each form that a column can
 *     have, that only asks whether the value has that form and is not the
 *     widest so far; what it does not pass is looked at closely.
 *  3. Write: what lies between two special fields is copied as it is.
 *
 * A kernel decides no hard question: at anything odd it stops before that
 * record and scan_row() says what it is. Only what can be done twice happens
 * in passes 1 and 2.
 */
#ifndef RSW_SCAN_FAST_H
#define RSW_SCAN_FAST_H

#include "scan.h"

struct scan_kernel {
	const char *name;
	/*
	 * Take records from p[at] on, as long as they are in order; returns
	 * where the next one begins that it did not take. Always leaves the
	 * last 128 bytes of the block, so that it can read behind a field.
	 */
	size_t (*rows)(struct scan *, const char *p, size_t n, size_t at,
	    struct buf *out);
	/* scan_cut(), for a quote that is not '\0'. */
	size_t (*cut)(struct scan_cut *, char quote, const char *p, size_t n);
};

extern const struct scan_kernel scan_plain, scan_sse2, scan_avx2, scan_avx512,
    scan_neon;

/* Those that this machine can run, fastest first, NULL at the end. The last
 * is plain C. */
const struct scan_kernel *const *scan_fast_all(void);

/* The one in use: the first of these. Tests choose another: it holds for
 * each scan_init() and scan_cut() from then on; NULL takes the first again. */
const struct scan_kernel *scan_fast(void);
void scan_fast_force(const struct scan_kernel *);

/* Only scan_row(), no kernel: for tests. */
extern const struct scan_kernel scan_fast_none;

/* Which loop measures a column: the form that its values had so far. */
enum scan_look {
	SCAN_LOOK_TEXT,		/* nothing to see any more but the width */
	SCAN_LOOK_INT, SCAN_LOOK_DECIMAL, SCAN_LOOK_DATE, SCAN_LOOK_TIMESTAMP,
	SCAN_LOOK_BOOL,
	SCAN_LOOK_SLOW		/* each value by scan_fast_value() */
};

struct scan_col {
	uint32_t limit;		/* widest value that the kernel may take */
	unsigned char look;	/* enum scan_look */
	bool no_empty;		/* "" is NULL: declared, and not as text */
	bool quoted;		/* values are often in quotes without need */
};

/* Special fields that begin within the same 64 bytes. */
struct scan_special {
	uint64_t special;	/* where */
	uint64_t end;		/* where any field ends */
	ptrdiff_t number;	/* fields that have ended before */
};

/*
 * Bytes that are indexed before they are measured: index and bytes stay in
 * the fastest cache. If a record has not ended after SCAN_FAST_RECORD bytes
 * it is left to scan_row(); so no limit of a row or a field can be passed.
 * Behind something odd the windows begin small.
 */
#define SCAN_FAST_WINDOW 16384
#define SCAN_FAST_WINDOW_MIN 1024
#define SCAN_FAST_RECORD 32768

/* What the kernels of one struct scan use. */
struct scan_fast {
	const struct scan_kernel *kernel;	/* NULL: none may be used */
	struct scan_col *col;
	uint32_t *end;		/* of fields; one more entry before the first */
	struct scan_special *special;
	uint32_t *most;		/* a column: bytes, with their quotes */
	uint32_t window;
	char first[2];		/* of the null string, and of null_in */
	size_t null_len, in_len;
	char null[8], in[8];
};

struct scan_fast *scan_fast_new(const struct scan_opt *, size_t ncols);
void scan_fast_free(struct scan_fast *);
void scan_fast_reset(struct scan_fast *, const struct scan_opt *,
    size_t ncols);

/*
 * Look closely at the field base[start .. end) of column c, which is in
 * order and may be NULL or in quotes, put it into the profile (not its
 * counts) and choose the loop for the next one. False if scan_row() must
 * see to it.
 */
bool scan_fast_value(struct scan *, size_t c, const char *start,
    const char *end);

#endif
