/*
 * Domo's public API: login, one request at a time, what a refusal says, and
 * when to try again. What is asked for is in domo_meta, domo_select
 * and domo_export.
 *
 * Nothing here speaks: the reason of the last failure is domo_why(), and the
 * program says it once, with what it was about to do.
 */
#ifndef RSW_DOMO_H
#define RSW_DOMO_H

#include <stdbool.h>
#include <stddef.h>

#include "http.h"
#include "retry.h"

struct cfg;
struct domo;

enum domo_result {
	DOMO_OK,
	DOMO_AGAIN,	/* failed for now; the same may work later */
	DOMO_FAILED
};

/* Read the domo_* keys. 0 and *out (free with domo_free), or -1 having said
 * why: that one is about the configuration. No request is made yet. */
int domo_open(struct cfg *, struct domo **out);
void domo_free(struct domo *);

/* End a request within a second or so when nobody reads this pipe any more,
 * even if the server sends nothing meanwhile. */
void domo_watch(struct domo *, int reader);

/* Where it asks: domo_api_url. */
const char *domo_url(const struct domo *);

struct domo_request {
	const char *method, *path;	/* "GET", "/v1/datasets/..." */
	const char *json;		/* body, NULL if there is none */
	const char *accept;		/* NULL: application/json */
	http_sink *sink;		/* as in http.h; NULL: reply->body */
	void *sink_arg;
};

/*
 * Log in if there is no token that is good for another minute, ask once, and
 * once more with a new token if this one was refused. DOMO_OK is a reply with
 * status 200, or one that the sink has ended (then reply->status is 200 too,
 * and the sink knows). *after is the pause that the server wants, -1 if none.
 */
enum domo_result domo_try(struct domo *, const struct domo_request *,
    struct http_reply *, long *after);

/* The same, tried again for as long as DOMO_AGAIN and the number of attempts
 * allow. Not for requests with a sink. */
enum domo_result domo_ask(struct domo *, const struct domo_request *,
    struct http_reply *);

/* Forget the token: the next call gets a new one. */
void domo_forget(struct domo *);

/* The schedule of the attempts, none done yet. */
struct retry domo_schedule(const struct domo *);

/* Why the last call failed, one line without the subject. Valid until the
 * next call. domo_fail() sets it and returns `result`. */
const char *domo_why(const struct domo *);
enum domo_result domo_fail(struct domo *, enum domo_result result,
    const char *fmt, ...) MSG_PRINTF(3, 4);

#endif
