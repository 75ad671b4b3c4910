/*
 * One HTTP exchange by libcurl: a request sent, a reply received whole, or
 * said why not. What a status means is the caller's business.
 */
#ifndef RSW_HTTP_H
#define RSW_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* A connection that is used again by the next request to the same host. Not
 * to be shared between threads; make one a thread. */
struct http;

/* `cacert`: a file of CA certificates to trust in place of the system's, or
 * NULL. Certificates are always verified. Never NULL. */
struct http *http_new(const char *cacert);
void http_free(struct http *);

struct http_reply {
	int status;		/* 200, 404, ...; 0 if there was no reply */
	struct buf head;	/* header lines of the final reply, CRLF ends */
	struct buf body;	/* when there was no sink, or the status was
				 * not 2xx; of an error at most 16 MiB, a longer
				 * 2xx is HTTP_FAILED */
	uint64_t received;	/* bytes of body that came, decoded */
	char error[512];	/* why there was no whole reply, one line */
	struct buf value;	/* http_header()'s last result; private */
};
void http_reply_init(struct http_reply *);
void http_reply_release(struct http_reply *);

/* The value of a header, NULL if there is none; the name in any case. It
 * lies in a buffer of the reply that the next call uses again. */
const char *http_header(struct http_reply *, const char *name);

/* Retry-After in seconds (a number or a date), -1 if there is none. */
long http_retry_after(struct http_reply *);

/*
 * Where the body of a 2xx reply goes, piece by piece. The first call comes
 * after status and headers are there, so it can look at them and refuse.
 * 0, or -1 to end the exchange (the sink has said why): HTTP_STOPPED.
 */
typedef int http_sink(void *arg, struct http_reply *, const char *p, size_t n);

struct http_request {
	const char *method;		/* "GET", "PUT", ... */
	const char *url;		/* sent as it is: no path folding */
	const char *const *header;	/* "Name: value", NULL at the end */
	const void *body;		/* sent with Content-Length */
	size_t body_len;
	bool has_body;			/* an empty body is a body too */
	http_sink *sink;		/* NULL: collect into reply->body */
	void *sink_arg;
	bool direct;			/* past any proxy */
	bool gunzip;			/* offer gzip and undo it */
	long idle_timeout;		/* seconds without a byte; 0: 300 */
	long total_timeout;		/* seconds in all; 0: none */
	long connect_timeout;		/* seconds; 0: 30 */
	const atomic_bool *stop;	/* when it becomes true, the exchange
					 * ends: HTTP_STOPPED; or NULL */
	int reader;			/* > 0: a pipe; when nobody reads it
					 * any more: HTTP_UNREAD */
};

enum http_result {
	HTTP_OK,	/* a whole reply; look at its status */
	HTTP_AGAIN,	/* the connection failed; the same may work later */
	HTTP_FAILED,	/* it cannot work: bad URL, certificate, ... */
	HTTP_STOPPED,	/* the sink or *stop ended it */
	HTTP_UNREAD	/* the reader has gone */
};

/* Redirects are not followed: signatures and tokens belong to one host.
 * The reply is reset first. Silent: reply->error says what went wrong. */
enum http_result http_do(struct http *, const struct http_request *,
    struct http_reply *);

/* s with all but A-Z a-z 0-9 - . _ ~ as %XX ('/' kept with keep_slash);
 * freed by the caller. */
char *http_escape(const char *s, bool keep_slash);

#endif
