/*
 * The manifest: what was staged, as JSON that COPY reads as it is. Its form
 * is that of UNLOAD ... MANIFEST VERBOSE; what only this toolkit needs stands
 * under the key rs_writeback (rs-writeback(7) shows one whole).
 *
 *  {"entries": [{"url": "s3://b/k", "mandatory": true,
 *                "meta": {"content_length": 1, "record_count": 1}}],
 *   "schema": {"elements": [
 *      {"name": "n", "type": {"base": "character varying", "max_length": 9}},
 *      {"name": "d", "type": {"base": "numeric", "precision": 9, "scale": 2}}]},
 *   "meta": {"content_length": 1, "record_count": 1},
 *   "author": {"name": "rs-writeback s3-stage", "version": "0.1.0"},
 *   "rs_writeback": {"run_id": "...", "manifest_url": "s3://...",
 *      "compression": "gzip", "null_string": "\\N",
 *      "dataset": {"id": "", "name": "", "data_time": "", "rows": 1},
 *      "columns": [{"name": "n", "nulls": 0, "empty": 0, "max_bytes": 9},
 *                  {"name": "d", "int_digits": 7, ...}]}}
 *
 * Zero rows are no object: entries is then [] and meta.record_count 0. COPY
 * would refuse such a manifest (nothing to load), so who loads it leaves the
 * COPY out and does the rest.
 */
#ifndef RSW_MANIFEST_H
#define RSW_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* A count that the manifest does not tell. */
#define MANIFEST_UNKNOWN (-1)

struct manifest_entry {
	char *url;			/* s3://BUCKET/KEY, key not encoded */
	bool mandatory;
	int64_t content_length;		/* bytes stored */
	int64_t record_count;
};

/* A column: its name in the source, and the type it needs, in the words of
 * information_schema: "character varying" (max_length, bytes), "numeric"
 * (precision, scale), "bigint", "double precision", "boolean", "date",
 * "timestamp without time zone", ... */
struct manifest_column {
	char *name;
	char *base;
	char *column;			/* its name in a table (plan.h has the
					 * rule); NULL: not worked out */
	int max_length;			/* -1: none */
	int precision, scale;		/* -1: none */
	int64_t nulls, empty, max_bytes;	/* measured, or UNKNOWN */
	int64_t int_digits;	/* of a number: the most that stand before
				 * the point; measured, or UNKNOWN */
};

struct manifest {
	struct manifest_entry *entry;
	size_t nentries;
	struct manifest_column *column;
	size_t ncolumns;		/* 0: the manifest has no schema */
	int64_t content_length, record_count;
	/* rs_writeback; NULL or UNKNOWN where it does not tell. A plain COPY
	 * manifest has none of it: compression is then NULL, not "none". */
	char *run_id, *manifest_url, *compression, *null_string;
	char *dataset_id, *dataset_name, *data_time;
	int64_t dataset_rows;
	int64_t source_bytes;		/* of the CSV that was staged */
};

/* All counts unknown, all else empty. */
void manifest_init(struct manifest *);
void manifest_release(struct manifest *);

/* Append; the strings are copied. Returns the new element, owned by the
 * manifest, valid until the next append. */
struct manifest_entry *manifest_add_entry(struct manifest *, const char *url);
struct manifest_column *manifest_add_column(struct manifest *,
    const char *name, const char *base);

/* The JSON text, one line an entry and a column, newline at the end,
 * appended to out. 0, or -1 having said why (out's cap, text not UTF-8). */
int manifest_write(const struct manifest *, struct buf *out);

/*
 * Parse a manifest; `what` names it in messages. Strict: cut or trailing
 * text, wrong types, a url that is not s3://BUCKET/KEY, totals that are not
 * the sum of the entries, no entry at all (but for 0 records) are errors;
 * unknown keys are not. Totals that are not there become the sums. 0, or -1 having said why; release in either case.
 */
int manifest_parse(const char *text, size_t len, const char *what,
    struct manifest *);

/* All of fd (standard input) as a manifest. An empty one is an error that
 * says that the stage before has failed. */
int manifest_read(int fd, const char *what, struct manifest *);

/* Split s3://BUCKET/KEY: both freed by the caller. 0, or -1 (silent). */
int manifest_split_url(const char *url, char **bucket, char **key);

#endif
