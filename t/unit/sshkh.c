/*
 * lib/knownhosts.c and lib/hostport.c: lines of known_hosts, host names and
 * ports. Whole files against a server: t/202-ssh-hostkey.t.
 */
#include "config.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "hostport.h"
#include "knownhosts.h"
#include "mem.h"
#include "tap.h"

/* Two keys of type ssh-ed25519, as blob and in base64; the letter tells. */
static unsigned char blob_a[51], blob_b[51];
static char text_a[80], text_b[80];

static void
make_key(unsigned char *blob, char *text, char c)
{
	memset(blob, c, 51);
	memcpy(blob, "\0\0\0\013ssh-ed25519\0\0\0\040", 19);
	EVP_EncodeBlock((unsigned char *)text, blob, 51);
}

/* A known_hosts text in which A and B stand for the keys. */
static struct knownhosts *
parse(const char *text)
{
	struct knownhosts *k = knownhosts_new();
	char out[4096] = "";
	size_t n = 0;

	for (; *text != '\0' && n < sizeof(out) - 100; text++) {
		if (*text == 'A' || *text == 'B')
			n += (size_t)snprintf(out + n, sizeof(out) - n,
			    "ssh-ed25519 %s", *text == 'A' ? text_a : text_b);
		else
			out[n++] = *text;
	}
	knownhosts_parse(k, "kh", out, n);
	return k;
}

/* Key A of the host against a text: match, unknown, changed, revoked, and
 * the line. */
static void
judge(const char *text, const char *host, int port, const char *want)
{
	static const char *const names[] = {"match", "unknown", "changed",
		"revoked"};
	struct knownhosts *k = parse(text);
	const char *path;
	char got[40], what[300];
	int line;
	enum knownhosts_result r;

	r = knownhosts_check(k, host, port, blob_a, sizeof(blob_a), &path,
	    &line);
	snprintf(got, sizeof(got), "%s %d", names[r], line);
	snprintf(what, sizeof(what), "%s:%d in '%.*s'", host, port,
	    (int)strcspn(text, "\n"), text);
	is(got, want, what);
	knownhosts_free(k);
}

static void
known_hosts(void)
{
	struct knownhosts *k;

	judge("", "h", 22, "unknown 0");
	judge("h A", "h", 22, "match 1");
	judge("h A\n", "H", 22, "match 1");
	judge("H A\n", "h", 22, "match 1");
	judge("  h \t A comment and more\r\n", "h", 22, "match 1");
	judge("#h A\n", "h", 22, "unknown 0");
	judge("h B\n", "h", 22, "changed 1");
	judge("h B\nh A\n", "h", 22, "match 2");
	judge("h A\nh B\n", "h", 22, "match 1");
	judge("h A\n", "h2", 22, "unknown 0");
	judge("h A\n", "h", 23, "unknown 0");
	judge("[h]:23 A\n", "h", 23, "match 1");
	judge("[h]:23 A\n", "h", 22, "unknown 0");
	judge("x,h,y A\n", "h", 22, "match 1");
	judge("x,hh,y A\n", "h", 22, "unknown 0");
	judge("*.example.com A\n", "b.example.com", 22, "match 1");
	judge("*.example.com A\n", "example.com", 22, "unknown 0");
	judge("b?.x A\n", "b1.x", 22, "match 1");
	judge("b?.x A\n", "b.x", 22, "unknown 0");
	judge("*,!bad A\n", "good", 22, "match 1");
	judge("*,!bad A\n", "bad", 22, "unknown 0");
	judge("!* A\n", "h", 22, "unknown 0");
	judge("**a*a*a*b A\n", "aaaaaaaaaaaaaaaaaaaaaaaaa", 22, "unknown 0");
	judge("@revoked h A\n", "h", 22, "revoked 1");
	judge("h A\n@revoked h A\n", "h", 22, "revoked 2");
	judge("@revoked * A\nh A\n", "h", 22, "revoked 1");
	judge("@revoked * B\nh A\n", "h", 22, "match 2");
	judge("@revoked h B\n", "h", 22, "unknown 0");
	judge("@cert-authority h A\n", "h", 22, "unknown 0");
	judge("@other h A\n", "h", 22, "unknown 0");
	judge("h\nh ssh-ed25519\nh A\n", "h", 22, "match 3");
	judge("h ssh-ed25519 !!!!\nh A\n", "h", 22, "match 2");
	judge("h ssh-ed25519 QUJD\n", "h", 22, "unknown 0");
	judge("h ssh-ed25519 ====\nh A\n", "h", 22, "match 2");
	/* HMAC-SHA1 with a salt of 20 bytes 'a' */
	judge("|1|YWFhYWFhYWFhYWFhYWFhYWFhYWE=|V7a3tgc613UpJiKi2sSfoZEs3N8= A\n", "h", 22,
	    "match 1");
	judge("|1|YWFhYWFhYWFhYWFhYWFhYWFhYWE=|V7a3tgc613UpJiKi2sSfoZEs3N8= A\n", "no", 22,
	    "unknown 0");
	judge("|1|YWFhYWFhYWFhYWFhYWFhYWFhYWE=|QNGxO7+RvZlS3o6Sy3J6k/EnQgg= A\n", "h", 23,
	    "match 1");
	judge("|1|YWFh| A\n|1|| A\n|1| A\nh A\n", "h", 22, "match 4");

	k = parse("h A\n@revoked h2 A\n");
	ok(knownhosts_has(k, "h", 22, "ssh-ed25519"), "the type is known");
	ok(!knownhosts_has(k, "h", 22, "ssh-rsa"), "another is not");
	ok(!knownhosts_has(k, "h2", 22, "ssh-ed25519"),
	    "a revoked key is no known type");
	knownhosts_free(k);
	knownhosts_free(NULL);
}

static void
parses(const char *s, const char *want)
{
	struct hostport h;
	char *got = NULL;

	if (hostport_parse(s, "x", &h) == 0)
		got = mem_fmt("%s@%s:%d", h.user != NULL ? h.user : "",
		    h.host, h.port);
	is(got != NULL ? got : "error", want, s);
	free(got);
	hostport_release(&h);
}

static void
forwards(const char *s, const char *want)
{
	struct hostport h;
	char *got = NULL;
	int port;

	if (hostport_forward(s, &port, &h) == 0)
		got = mem_fmt("%d %s %d", port, h.host, h.port);
	is(got != NULL ? got : "error", want, s);
	free(got);
	hostport_release(&h);
}

static void
hosts(void)
{
	struct hostport *list;
	size_t n;

	parses("h", "@h:0");
	parses("u@h", "u@h:0");
	parses("u@h:2222", "u@h:2222");
	parses("a@b@h", "a@b@h:0");
	parses("::1", "@::1:0");
	parses("[::1]", "@::1:0");
	parses("u@[fe80::1]:22", "u@fe80::1:22");
	parses("h:", "error");
	parses("h:0", "error");
	parses("h:65536", "error");
	parses("h:22x", "error");
	parses("", "error");
	parses("@h", "error");
	parses("-oProxyCommand=x", "error");
	parses("u@-h", "error");
	parses("-l@h", "error");
	parses("h h", "error");
	parses("[::1", "error");
	parses("h\n", "error");
	forwards("db:5439", "0 db 5439");
	forwards("15439:db:5439", "15439 db 5439");
	forwards("0:db:5439", "0 db 5439");
	forwards("[::1]:5439", "0 ::1 5439");
	forwards("15439:[::1]:5439", "15439 ::1 5439");
	forwards("10.0.0.1:5439", "0 10.0.0.1 5439");
	forwards("db", "error");
	forwards("99999:db:5439", "error");
	forwards("u@db:5439", "error");
	ok(hostport_list("a, u@b:3", "x", &list, &n) == 0 && n == 2 &&
	    strcmp(list[1].host, "b") == 0 && list[1].port == 3, "a list");
	hostport_free(list, n);
	ok(hostport_list("", "x", &list, &n) == 0 && n == 0, "an empty list");
	hostport_free(list, n);
	ok(hostport_list("a,b:x", "x", &list, &n) != 0, "a wrong list");
	hostport_free(list, n);
}

int
main(void)
{
	freopen("/dev/null", "w", stderr);
	make_key(blob_a, text_a, 'a');
	make_key(blob_b, text_b, 'b');
	known_hosts();
	hosts();
	return done();
}
