/*
 * AWS Signature Version 4. By hand, because libcurl's own signer refuses
 * valid requests in every version of 7.88 to 8.21 that was tried.
 */
#include "config.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "http.h"
#include "mem.h"
#include "sigv4.h"

/* A request's head: servers take some 8 to 64 kB of it. */
#define HEAD_MAX (1024 * 1024)

static void
hex(const unsigned char *p, size_t n, char *out)
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[2 * n] = '\0';
}

void
sigv4_sha256(const void *p, size_t n, char out[65])
{
	unsigned char d[SHA256_DIGEST_LENGTH];

	SHA256(p, n, d);
	hex(d, sizeof(d), out);
}

void
sigv4_date(time_t now, char out[17])
{
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(out, 17, "%Y%m%dT%H%M%SZ", &tm);
}

/* Appending fails only past HEAD_MAX, and then nothing can be signed. */
static void
must(int rc)
{
	if (rc != 0)
		abort();
}

/* Pairs whose strings are our own, sorted by name, then by value. */
static int
compare(const void *a, const void *b)
{
	const struct sigv4_pair *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : strcmp(x->value, y->value);
}

static void
free_pairs(struct sigv4_pair *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free((void *)(uintptr_t)p[i].name);
		mem_wipe_str((char *)(uintptr_t)p[i].value);
	}
	free(p);
}

char *
sigv4_query(const struct sigv4_pair *pair, size_t n)
{
	struct sigv4_pair *p = mem_zero(n + 1, sizeof(*p));
	struct buf out;
	size_t i;

	for (i = 0; i < n; i++) {
		p[i].name = http_escape(pair[i].name, false);
		p[i].value = http_escape(pair[i].value != NULL ?
		    pair[i].value : "", false);
	}
	qsort(p, n, sizeof(*p), compare);
	buf_init(&out, HEAD_MAX);
	for (i = 0; i < n; i++)
		must(buf_addf(&out, "%s%s=%s", i > 0 ? "&" : "", p[i].name,
		    p[i].value));
	free_pairs(p, n);
	return buf_take(&out);
}

/* A header's value as it is signed: trimmed, runs of blanks as one. */
static char *
fold(const char *s)
{
	char *out = mem_alloc(strlen(s) + 1), *o = out;

	for (; *s != '\0'; s++) {
		if (*s != ' ' && *s != '\t')
			*o++ = *s;
		else if (o > out && o[-1] != ' ')
			*o++ = ' ';
	}
	if (o > out && o[-1] == ' ')
		o--;
	*o = '\0';
	return out;
}

static char *
lower(const char *s)
{
	char *out = mem_dup(s), *p;

	for (p = out; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return out;
}

/* Append "name:value\n" of each header to `lines` and the names, joined by
 * semicolons, to `names`. */
static void
add_headers(const struct sigv4_request *r, struct buf *lines,
    struct buf *names)
{
	struct sigv4_pair *p = mem_zero(r->nheader + 1, sizeof(*p));
	size_t i;

	for (i = 0; i < r->nheader; i++) {
		p[i].name = lower(r->header[i].name);
		p[i].value = fold(r->header[i].value);
	}
	qsort(p, r->nheader, sizeof(*p), compare);
	for (i = 0; i < r->nheader; i++) {
		must(buf_addf(lines, "%s:%s\n", p[i].name, p[i].value));
		must(buf_addf(names, "%s%s", i > 0 ? ";" : "", p[i].name));
	}
	free_pairs(p, r->nheader);
}

static void
hmac(unsigned char out[32], const void *key, size_t len, const char *text)
{
	unsigned int n = 32;

	HMAC(EVP_sha256(), key, (int)len, (const unsigned char *)text,
	    strlen(text), out, &n);
}

static void
signature(const struct sigv4_key *k, const char *date, const char *text,
    char out[65])
{
	char *first = mem_fmt("AWS4%s", k->secret_key);
	unsigned char key[32], next[32];

	hmac(key, first, strlen(first), date);
	hmac(next, key, sizeof(key), k->region);
	hmac(key, next, sizeof(next), k->service);
	hmac(next, key, sizeof(key), "aws4_request");
	hmac(key, next, sizeof(next), text);
	hex(key, sizeof(key), out);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(next, sizeof(next));
	mem_wipe_str(first);
}

char *
sigv4_sign(const struct sigv4_request *r, const struct sigv4_key *k,
    time_t now)
{
	struct buf canon, names;
	char when[17], date[9], hash[65], sig[65];
	char *scope, *text, *value;

	buf_init(&canon, HEAD_MAX);
	buf_init(&names, HEAD_MAX);
	must(buf_addf(&canon, "%s\n%s\n%s\n", r->method, r->path, r->query));
	add_headers(r, &canon, &names);
	must(buf_addf(&canon, "\n%s\n%s", names.data, r->payload));
	sigv4_sha256(canon.data, canon.len, hash);

	sigv4_date(now, when);
	memcpy(date, when, 8);
	date[8] = '\0';
	scope = mem_fmt("%s/%s/%s/aws4_request", date, k->region, k->service);
	text = mem_fmt("AWS4-HMAC-SHA256\n%s\n%s\n%s", when, scope, hash);
	signature(k, date, text, sig);
	value = mem_fmt("AWS4-HMAC-SHA256 Credential=%s/%s, "
	    "SignedHeaders=%s, Signature=%s", k->access_key, scope,
	    names.data, sig);
	free(text);
	free(scope);
	buf_wipe(&canon);	/* it has the session token */
	buf_release(&names);
	return value;
}
