/*
 * The signer against AWS's four published vectors for S3 ("Signature
 * Calculations for the Authorization Header"), and what they do not touch.
 */
#include "config.h"

#include <stdlib.h>

#include "mem.h"
#include "sigv4.h"
#include "tap.h"

#define EMPTY \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define NOW 1369353600	/* 2013-05-24T00:00:00Z */

static const struct sigv4_key key = {
	"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	"us-east-1", "s3"
};

static void
signs(const struct sigv4_request *r, const char *names, const char *sig,
    const char *what)
{
	char *got = sigv4_sign(r, &key, NOW);
	char *want = mem_fmt("AWS4-HMAC-SHA256 Credential="
	    "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
	    "SignedHeaders=%s, Signature=%s", names, sig);

	is(got, want, what);
	free(got);
	free(want);
}

static void
published_get(void)
{
	static const struct sigv4_pair get[] = {
		{"Host", "examplebucket.s3.amazonaws.com"},
		{"Range", "bytes=0-9"},
		{"x-amz-content-sha256", EMPTY},
		{"x-amz-date", "20130524T000000Z"},
	};
	static const struct sigv4_pair life[] = {
		{"x-amz-date", "20130524T000000Z"},
		{"X-Amz-Content-Sha256", EMPTY},
		{"HOST", "  examplebucket.s3.amazonaws.com "},
	};
	static const struct sigv4_pair list[] = {
		{"prefix", "J"}, {"max-keys", "2"}
	};
	static const struct sigv4_pair lifecycle = {"lifecycle", NULL};
	char *q;

	signs(&(struct sigv4_request){"GET", "/test.txt", "", get, 4, EMPTY},
	    "host;range;x-amz-content-sha256;x-amz-date",
	    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
	    "GET of an object");
	q = sigv4_query(&lifecycle, 1);
	signs(&(struct sigv4_request){"GET", "/", q, life, 3, EMPTY},
	    "host;x-amz-content-sha256;x-amz-date",
	    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
	    "GET ?lifecycle: no value, headers in any order and case");
	free(q);
	q = sigv4_query(list, 2);
	is(q, "max-keys=2&prefix=J", "a query is sorted");
	signs(&(struct sigv4_request){"GET", "/", q, life, 3, EMPTY},
	    "host;x-amz-content-sha256;x-amz-date",
	    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
	    "GET of a list");
	free(q);
}

static void
published_put(void)
{
	char hash[65];
	const struct sigv4_pair put[] = {
		{"Host", "examplebucket.s3.amazonaws.com"},
		{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
		{"x-amz-date", "20130524T000000Z"},
		{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
		{"x-amz-content-sha256", hash},
	};

	sigv4_sha256("Welcome to Amazon S3.", 21, hash);
	is(hash, "44ce7dd67c959e0d3524ffac1771dfbb"
	    "a87d2b6b4b4e99e42034a8b803f8b072", "SHA-256 of a body");
	signs(&(struct sigv4_request){"PUT", "/test%24file.text", "", put, 5,
	    hash}, "date;host;x-amz-content-sha256;x-amz-date;"
	    "x-amz-storage-class",
	    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
	    "PUT of an object");
}

static void
queries(void)
{
	static const struct sigv4_pair odd[] = {
		{"b", "a+b /=&"}, {"a", "2"}, {"a", "1"}, {"\303\244", "~-._"},
		{"a-b", ""}, {"A", "x"},
	};
	char *q = sigv4_query(odd, 6);

	is(q, "%C3%A4=~-._&A=x&a=1&a=2&a-b=&b=a%2Bb%20%2F%3D%26",
	    "a query is encoded and sorted as encoded");
	free(q);
	q = sigv4_query(NULL, 0);
	is(q, "", "no query");
	free(q);
}

/* The signature of one request, to compare. */
static char *
of(const char *name, const char *value, const char *name2, const char *value2)
{
	const struct sigv4_pair h[] = {{name, value}, {name2, value2}};

	return sigv4_sign(&(struct sigv4_request){"GET", "/", "", h, 2, EMPTY},
	    &key, NOW);
}

static void
headers(void)
{
	char *a = of("x-amz-meta-a", "1  2", "x-amz-meta-a-b", "3");
	char *b = of("X-Amz-Meta-A-B", " 3\t", "X-Amz-Meta-A", "1 2 ");
	char *c = of("x-amz-meta-a", "12", "x-amz-meta-a-b", "3");

	is(a, b, "names with a common beginning; case and blanks are folded");
	ok(strcmp(a, c) != 0, "another value is another signature");
	ok(strstr(a, "SignedHeaders=x-amz-meta-a;x-amz-meta-a-b,") != NULL,
	    "the shorter name comes first");
	free(a);
	free(b);
	free(c);
}

int
main(void)
{
	char date[17];

	published_get();
	published_put();
	queries();
	headers();
	sigv4_date(NOW + 86399, date);
	is(date, "20130524T235959Z", "a date");
	return done();
}
