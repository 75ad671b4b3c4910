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
 *     quotes, beginning like the null string, or with a comma or a double
 *     quote that means nothing in the input.
 *  2. Measure, column by column: a loop for each form that a column can
 *     have, that only asks whether the value has that form and is not the
 *     widest so far; what it does not pass is looked at closely.
 *  3. Write: what lies between two special fields is copied as it is, but
 *     for delimiters, which become commas.
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
	 * Take records from p on, as long as they are in order; returns how
	 * many bytes they are. Always leaves the last 128 bytes, so that it
	 * can read behind a field.
	 */
	size_t (*rows)(struct scan *, const char *p, size_t n,
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

/* Special fields that are within the same 64 bytes. */
struct scan_special {
	uint64_t special;	/* a bit in each, seldom more */
	uint64_t end;		/* where any field ends */
	uint32_t *before;	/* behind the fields that have ended before */
};

/*
 * Bytes that are indexed before they are measured: index and bytes stay in
 * the fastest cache. If a record has not ended after SCAN_FAST_RECORD bytes
 * (or less, if it could grow to more than SCAN_ROW_MAX) it is left to
 * scan_row(); so no limit of a row or a field can be passed. Behind something
 * odd the windows begin small. With more columns no kernel is used.
 */
#define SCAN_FAST_WINDOW 16384
#define SCAN_FAST_WINDOW_MIN 1024
#define SCAN_FAST_RECORD (512 * 1024)
#define SCAN_FAST_COLUMNS 4096
#define SCAN_FAST_NULL 64	/* bytes of a null string */

/* So many last bytes are copied, that a kernel can read behind them. */
#define SCAN_FAST_TAIL 4096

/* The form of the input, in memory: of what the compiler knows, it would
 * make a vector anew in each round of a loop. */
struct scan_form {
	char delim, quote, lf;
	bool same;		/* as that of the output */
};

/* What the kernels of one struct scan use. */
struct scan_fast {
	const struct scan_kernel *kernel;	/* NULL: none may be used */
	struct scan_col *col;
	uint32_t *end;		/* of fields; one more entry before the first */
	struct scan_special *special;
	uint32_t *most;		/* a column: bytes, with their quotes */
	uint32_t window, record;
	struct scan_form form;
	char first[2];		/* of the null string, and of null_in */
	size_t null_len, in_len;
	char null[SCAN_FAST_NULL], in[SCAN_FAST_NULL];
	char tail[SCAN_FAST_TAIL + 256];
};

/* Records from p on that are in order, by the kernel; how many bytes. */
size_t scan_fast_rows(struct scan *, const char *p, size_t n, struct buf *out);

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

/*
 * Write the field [start, end) of column c, which is in order and no NULL by
 * its form, at *out, which moves on; up to 3 bytes for each byte of it. It
 * may turn out to be NULL or empty, and is counted so. False if scan_row()
 * must see to it.
 */
bool scan_fast_put(struct scan *, size_t c, const char *start,
    const char *end, char **out);

#endif
