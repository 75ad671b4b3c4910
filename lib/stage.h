/*
 * Staging: input checked, rewritten, compressed and uploaded as objects, by
 * threads that work side by side; all of it, or none stays. What it makes is
 * told to a manifest; what becomes of that is the program's business.
 */
#ifndef RSW_STAGE_H
#define RSW_STAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec.h"
#include "fate.h"
#include "manifest.h"
#include "s3.h"
#include "scan.h"

struct stage;

struct stage_opt {
	struct s3 *s3;
	const char *bucket;
	const char *prefix;	/* objects are PREFIX/part-00000.csv[.gz] */
	const char *tags;	/* of every object, or NULL */
	struct scan_opt scan;
	bool dry_run;		/* do all but upload */
	bool no_newline;	/* the final newline may be missing */
	bool no_header;		/* the columns are col1, col2, ... */
	enum codec_kind codec;
	int level;
	int jobs;		/* threads that check and compress */
	int uploads;		/* PUTs at a time, at most */
	size_t object;		/* bytes of input an object has, about */
	int slices;		/* as in feed.h */
	uint64_t rows_expected;	/* for the progress line; 0: unknown */
	/* Set and written to from a signal's handler too. wake[0] becomes
	 * readable when *halt is set. */
	atomic_bool *halt;
	int wake[2];
};

/* A column of the input, once the header was read. */
const char *stage_column(const struct stage *, size_t i);
size_t stage_columns(const struct stage *);

/* Starts to read fd: the header. FATE_OK and *out, or having said why. */
enum fate stage_open(const struct stage_opt *, int fd, struct stage **out);
void stage_free(struct stage *);

/* Nobody has told what the columns are: does the header look like one? 0, or
 * -1 having said why not. */
int stage_check_header(const struct stage *);

/* Without a header: what column i is called; else nothing is done. */
void stage_name(struct stage *, size_t i, const char *name);

/* Before stage_run(): what the columns must be; must outlive the stage. */
void stage_types(struct stage *, const struct scan_type *);

/* All the input. FATE_OK: every object is stored and proven to be there;
 * else it has said why (FATE_STOPPED: silent). */
enum fate stage_run(struct stage *);

/* What was measured: valid after stage_run(). */
const struct scan *stage_profile(const struct stage *);
uint64_t stage_bytes_in(const struct stage *);

/* Add the objects and the totals to the manifest. */
void stage_fill(const struct stage *, struct manifest *);

/* Store an object beside the parts (the manifest itself). */
enum fate stage_put(struct stage *, const char *name, const void *p,
    size_t n);

/* Remove all that may have been stored, whatever happened before; the key
 * of the stage_put() too. 0, or -1 having said what may be left. */
int stage_remove(struct stage *);

#endif
