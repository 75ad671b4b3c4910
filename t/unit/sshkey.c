/*
 * lib/sshkey.c, lib/kexinit.c, lib/sshstr.c: what is made of a pasted key;
 * what a server says first; SSH's byte forms. Keys that load and sign:
 * t/201-ssh-keys.t.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "kexinit.h"
#include "mem.h"
#include "sshkey.h"
#include "sshstr.h"
#include "tap.h"

#define B "-----BEGIN RSA PRIVATE KEY-----"
#define E "-----END RSA PRIVATE KEY-----"
#define L64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define GOOD B "\n" L64 "\nAA==\n" E "\n"

static void
becomes(const char *text, const char *want, const char *what)
{
	char *label, *pem;

	if (sshkey_normalise(text, strlen(text), "k", &label, &pem) == 0)
		is(pem, want, what);
	else
		is("refused", want, what);
	free(label);
	mem_wipe_str(pem);
}

static void
normalise(void)
{
	static const char headers[] = B "\nProc-Type: 4,ENCRYPTED\n"
	    "DEK-Info: AES-128-CBC,00112233\n\n" L64 "\n" E "\n";

	becomes(GOOD, GOOD, "a good key stays");
	becomes(B "\r\n" L64 "\r\nAA==\r\n" E "\r\n", GOOD, "CRLF");
	becomes(B "\r" L64 "\rAA==\r" E, GOOD, "CR alone");
	becomes("\n\n  " B "\n\t" L64 "\n  AA==\n " E, GOOD, "indented");
	becomes(B " " L64 " AA== " E, GOOD, "on one line");
	becomes(B L64 "AA==" E, GOOD, "without any blank");
	becomes(B "\\n" L64 "\\nAA==\\n" E "\\n", GOOD, "literal \\n");
	becomes(B "\\r\\n" L64 "\\r\\nAA==\\r\\n" E, GOOD, "literal \\r\\n");
	becomes("\"" B "\n" L64 "\nAA==\n" E "\"\n", GOOD, "in quotes");
	becomes("some words\n" GOOD "more", GOOD, "words around it");
	becomes("-----BEGIN EC PARAMETERS-----\nBggq\n"
	    "-----END EC PARAMETERS-----\n" GOOD, GOOD, "parameters before it");
	becomes("-----BEGIN CERTIFICATE-----\nBggq\n"
	    "-----END CERTIFICATE-----\n" GOOD, GOOD, "a certificate before it");
	becomes(headers, headers, "headers stay");
	becomes(B " Proc-Type: 4,ENCRYPTED DEK-Info: AES-128-CBC,00112233 "
	    L64 " " E, headers, "headers on one line");
	becomes(B "\n  Proc-Type: 4,ENCRYPTED\r\n  DEK-Info: "
	    "AES-128-CBC,00112233\r\n\r\n  " L64 "\r\n" E, headers,
	    "headers, indented, CRLF");
	becomes("", "refused", "nothing");
	becomes(B, "refused", "BEGIN alone");
	becomes(B "\n" L64 "\n", "refused", "no END");
	becomes(B "\n" E "\n", "refused", "nothing between");
	becomes(B "\n" L64 "\n-----END EC PRIVATE KEY", "-----BEGIN RSA PRIVATE "
	    "KEY-----\n" L64 "\n" E "\n", "END of another kind is made good");
	becomes(B "\n*\n" E "\n", "refused", "not base64");
	becomes("-----BEGIN ", "refused", "half a BEGIN");
	becomes("-----BEGIN X-----BEGIN RSA PRIVATE KEY-----", "refused",
	    "two BEGINs");
}

/* A server's first bytes: the version, then KEXINIT with these lists. */
static void
hello(struct buf *b, const char *before, const char *hostkeys)
{
	struct buf p;
	int i;

	buf_init(&p, 4096);
	buf_add(&p, "\4\24cookiecookiecook", 18);
	sshstr_puts(&p, "kex-a,kex-b");
	sshstr_puts(&p, hostkeys);
	for (i = 0; i < 2; i++)
		sshstr_puts(&p, "aes256-ctr");
	for (i = 0; i < 2; i++)
		sshstr_puts(&p, "hmac-sha2-256");
	buf_init(b, 8192);
	buf_adds(b, before);
	sshstr_put(b, p.data, p.len);
	buf_release(&p);
}

static void
kexinit(void)
{
	struct kexinit k;
	struct buf b;
	size_t n, parsed = 0;

	hello(&b, "welcome\r\nSSH-2.0-X_1\r\n", "ssh-rsa,ssh-ed25519");
	ok(kexinit_parse(b.data, b.len, &k), "lists");
	ok(sshstr_is(k.version, "SSH-2.0-X_1"), "the version");
	ok(sshstr_is(k.kex, "kex-a,kex-b"), "kex");
	ok(sshstr_is(k.hostkey, "ssh-rsa,ssh-ed25519"), "host keys");
	ok(sshstr_is(k.cipher, "aes256-ctr"), "ciphers");
	ok(sshstr_is(k.mac, "hmac-sha2-256"), "MACs");
	ok(kexinit_common(k.hostkey, "ssh-dss,ssh-ed25519"), "common");
	ok(!kexinit_common(k.hostkey, "ssh-ed2551,ssh-rsa2,"), "not common");
	ok(!kexinit_common(k.hostkey, ""), "nothing to have in common");
	for (n = 0; n < b.len; n++)
		parsed += kexinit_parse(b.data, n, &k);
	is_int((long long)parsed, 0, "no prefix of it is taken");
	buf_release(&b);
	hello(&b, "HTTP/1.0 400\r\n\r\n", "x");
	ok(!kexinit_parse(b.data, b.len, &k) && k.version.n == 0,
	    "no SSH server");
	buf_release(&b);
}

static void
strings(void)
{
	struct sshstr in = {(const unsigned char *)"\0\0\0\3abc\0\0\0\4abc",
		14}, s;
	struct buf b;
	BIGNUM *v = BN_new();
	uint32_t u;

	ok(sshstr_get(&in, &s) && sshstr_is(s, "abc"), "a string");
	ok(!sshstr_get(&in, &s) && in.n == 7, "a cut one; nothing moved");
	ok(sshstr_u32(&in, &u) && u == 4 && in.n == 3, "a number");
	ok(!sshstr_u32(&in, &u), "a cut one");
	buf_init(&b, 100);
	BN_set_word(v, 0x80);
	sshstr_put_bn(&b, v);
	ok(b.len == 6 && memcmp(b.data, "\0\0\0\2\0\200", 6) == 0,
	    "a number whose first bit is set gets a zero");
	buf_reset(&b);
	BN_set_word(v, 0x7f01);
	sshstr_put_bn(&b, v);
	ok(b.len == 6 && memcmp(b.data, "\0\0\0\2\177\1", 6) == 0,
	    "another does not");
	buf_reset(&b);
	BN_zero(v);
	sshstr_put_bn(&b, v);
	ok(b.len == 4 && memcmp(b.data, "\0\0\0\0", 4) == 0, "zero");
	buf_release(&b);
	BN_free(v);
}

int
main(void)
{
	freopen("/dev/null", "w", stderr);
	normalise();
	kexinit();
	strings();
	return done();
}
