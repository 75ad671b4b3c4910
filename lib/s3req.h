/*
 * One S3 request with its signature, its repetitions and its errors; for
 * s3.c, which knows what the requests mean.
 */
#ifndef RSW_S3REQ_H
#define RSW_S3REQ_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "aws.h"
#include "s3.h"
#include "sigv4.h"

#define S3REQ_HEADERS 12

struct s3 {
	struct cfg *cfg;
	char *scheme, *host, *base;	/* of a custom endpoint; else NULL */
	char *cacert;
	char *encryption, *kms_key, *acl, *owner;	/* NULL: none */
	enum {S3REQ_AUTO, S3REQ_PATH, S3REQ_VIRTUAL} style;
	bool unsigned_payload;
	int tries;
	const atomic_bool *stop;	/* NULL: never */
	atomic_bool answered;		/* there was a reply, once at least */

	pthread_mutex_t lock;		/* guards what follows */
	pthread_cond_t turn;
	struct aws_creds creds;
	char *region;
	time_t skew;			/* the server's clock minus ours */
	int limit, running, good;	/* PUTs; limit 0: no bound */
	int most;			/* what limit may grow to */
	unsigned long slowed;
};

struct s3req {
	const char *verb;		/* for messages: "put" */
	const char *method, *bucket, *key;	/* key NULL: the bucket */
	const struct sigv4_pair *query;
	size_t nquery;
	struct sigv4_pair header[S3REQ_HEADERS];
	size_t nheader;
	const void *body;
	size_t len;
	bool has_body;
	bool missing_ok;		/* 404 is an answer */
	bool denied_ok;			/* and so is 403 */
	bool late_error;		/* 200 may come before an error does */
	bool to_the_end;		/* not stopped half-way: its answer
					 * must be known */
	bool unsure;			/* set: it failed, and may still have
					 * been done */
	/* a GET that goes on where it was cut; got counts */
	s3_sink *sink;
	void *sink_arg;
	uint64_t got, size;
	char etag[160];
};

/* Add a header; the strings must live until the request is done. */
void s3req_header(struct s3req *, const char *name, const char *value);

/* Headers: whose bucket it must be; and all that a new object has. */
void s3req_owner(const struct s3 *, struct s3req *);
void s3req_object(const struct s3 *, struct s3req *,
    const struct s3_object *);

/* Do it. FATE_OK: the reply is a success, or 404 or 403 as allowed. */
enum fate s3req_do(struct s3 *, struct http *, struct s3req *,
    struct http_reply *);

#endif
