/*
 * The body of an export's or a query's answer: looked at while it comes,
 * turned into CSV where it is JSON, and passed on. What can not be an export
 * does not leave; what has come is told from what was promised at the end.
 */
#ifndef RSW_DOMO_BODY_H
#define RSW_DOMO_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "domo.h"
#include "domo_meta.h"
#include "held.h"
#include "jsonrows.h"
#include "rows.h"
#include "unformula.h"

struct domo_body {
	/* The caller's, before domo_body_start(): */
	const struct domo_meta_column *column;	/* that must come */
	size_t ncolumns;	/* 0: not known, for an export only */
	bool query;		/* JSON, else CSV */
	bool unescape;		/* take the ' before formulas away */
	bool progress;		/* show it */
	int64_t expected;	/* rows, for the progress; -1: not known */
	/* What came: */
	struct held out;	/* the CSV that has left, and its end */
	uint64_t fields;	/* of its first record */
	int64_t num_rows;	/* that a query's answer says it has, or -1 */
	int write_errno;	/* not 0: the output took no more */
	/* private */
	int place;
	struct buf head;
	struct rows head_rows;
	struct unformula unformula;
	char *piece;
	struct jsonrows json;
	const char *wrong_column;
	bool token_refused;	/* by an answer in place of an export */
	long long began, shown;
};

/* Zeroed, but for what the caller sets; then start it before each attempt. */
void domo_body_init(struct domo_body *);
void domo_body_start(struct domo_body *, int fd);
void domo_body_release(struct domo_body *);

/* For http: the argument is the body. */
int domo_body_sink(void *body, struct http_reply *, const char *p, size_t n);

/* Has nothing come at all? */
bool domo_body_is_empty(const struct domo_body *);

/* Write the header alone. 0, or -1 (write_errno). */
int domo_body_put_header(struct domo_body *);

/* There is no more. DOMO_OK if it is an export or a query's answer and its
 * end is not in the middle of one; how many rows it must have is the
 * caller's to check. */
enum domo_result domo_body_end(struct domo_body *, struct domo *,
    struct http_reply *);

#endif
