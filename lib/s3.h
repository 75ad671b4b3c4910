/*
 * S3: objects put, read, looked at, listed and deleted. Every call signs,
 * tries again where that can help, corrects its clock and its region once,
 * and says what failed. One struct s3 for all threads; each thread has its
 * own struct http.
 */
#ifndef RSW_S3_H
#define RSW_S3_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fate.h"
#include "http.h"

#define S3_DELETE_MAX 1000	/* keys in one request: S3's limit */
#define S3_PUT_MAX (5LL * 1024 * 1024 * 1024)	/* bytes in one PUT */

struct cfg;
struct s3;

/* Credentials, region, endpoint and the s3_* keys. The cfg must outlive it,
 * and is asked again when credentials expire. No request is made yet. */
enum fate s3_open(struct cfg *, struct s3 **out);
void s3_free(struct s3 *);

/* A connection for one thread; freed with http_free(). */
struct http *s3_http(struct s3 *);

/* When *stop becomes true, pauses and transfers end soon, and every call
 * returns FATE_STOPPED without a word. It must outlive the s3. */
void s3_stop_when(struct s3 *, const atomic_bool *stop);

/* At most so many PUTs at a time; "slow down" from S3 makes it fewer, and
 * success more again. Default: no bound. */
void s3_parallel(struct s3 *, int n);

/* The region where the bucket was found by the last request, which need not be
 * the configured one; and where the credentials are from. Owned by the s3. */
const char *s3_region(struct s3 *);
const char *s3_source(struct s3 *);

/* PUTs that S3 has asked to slow down, so far. */
unsigned long s3_slowed(struct s3 *);

/* A body of at most S3_PUT_MAX, whole or not at all. `tags` is a query
 * ("a=1&b=2", encoded) or NULL. */
struct s3_object {
	const char *bucket, *key;
	const void *body;
	size_t len;
	const char *type;	/* Content-Type */
	const char *tags;
	bool unsure;		/* set: it failed, and may yet be there */
};
enum fate s3_put(struct s3 *, struct http *, struct s3_object *);

/*
 * The same object in parts of 5 MiB or more (the last may be smaller), which
 * can be sent in any order, side by side: begin gives an id (freed by the
 * caller), each part, by its number from 1, an etag (freed by the caller),
 * and end makes an object of all, in order. Until then, and after abort,
 * there is none. Aborting what is no more is no error.
 */
enum fate s3_multi_begin(struct s3 *, struct http *, const struct s3_object *,
    char **id);
enum fate s3_multi_part(struct s3 *, struct http *, const struct s3_object *,
    const char *id, size_t number, char **etag);
enum fate s3_multi_end(struct s3 *, struct http *, const struct s3_object *,
    const char *id, const char *const *etag, size_t n);
enum fate s3_multi_abort(struct s3 *, struct http *, const char *bucket,
    const char *key, const char *id);

/* The object's size, -1 if there is none (that is FATE_OK). Without the
 * right to know, *size is -2, and nothing is said. */
enum fate s3_head(struct s3 *, struct http *, const char *bucket,
    const char *key, int64_t *size);

/*
 * The object's bytes to a sink, which gives 0, or -1 having said why (then
 * FATE_FAILED). A cut transfer goes on where it was; an object that changes
 * meanwhile is an error. *size is the object's.
 */
typedef int s3_sink(void *arg, const char *p, size_t n);
enum fate s3_get(struct s3 *, struct http *, const char *bucket,
    const char *key, s3_sink *, void *arg, uint64_t *size);

/* Delete keys, in batches. One that is not there counts as deleted. */
enum fate s3_delete(struct s3 *, struct http *, const char *bucket,
    const char *const *key, size_t n);

/* The keys that begin with `prefix`, in order; `each` gives 0, or -1 having
 * said why. */
typedef int s3_each(void *arg, const char *key, int64_t size);
enum fate s3_list(struct s3 *, struct http *, const char *bucket,
    const char *prefix, s3_each *each, void *arg);

#endif
