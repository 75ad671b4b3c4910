/*
 * AWS Signature Version 4, header form. Pure: no clock, no environment, no
 * network; the same arguments give the same signature.
 */
#ifndef RSW_SIGV4_H
#define RSW_SIGV4_H

#include <stddef.h>
#include <time.h>

struct sigv4_pair {
	const char *name, *value;
};

struct sigv4_request {
	const char *method;
	const char *path;	/* as sent: encoded once, begins with '/' */
	const char *query;	/* as sent, from sigv4_query(); "" if none */
	const struct sigv4_pair *header;	/* those to sign, host and all
						 * x-amz-*; any order and case */
	size_t nheader;
	const char *payload;	/* value of x-amz-content-sha256 */
};

struct sigv4_key {
	const char *access_key, *secret_key, *region, *service;
};

/* The value of the Authorization header; freed by the caller. */
char *sigv4_sign(const struct sigv4_request *, const struct sigv4_key *,
    time_t now);

/* Name-value pairs (plain; NULL is a parameter without a value) as a query,
 * encoded and sorted: what is signed is also what is sent. Freed by the
 * caller. */
char *sigv4_query(const struct sigv4_pair *, size_t n);

/* x-amz-date: 20130524T000000Z. */
void sigv4_date(time_t now, char out[17]);

/* The SHA-256 of n bytes in hexadecimal. */
void sigv4_sha256(const void *p, size_t n, char out[65]);

#endif
