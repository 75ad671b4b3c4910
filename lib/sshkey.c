/*
 * Private keys: the text made good, the key loaded, its faults told, and
 * signatures. OpenSSH's own form is read by oskey.c.
 */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "msg.h"
#include "oskey.h"
#include "sshkey.h"
#include "sshstr.h"

/* An RSA key of 16,384 bits has 13 kB of PEM. */
#define KEY_TEXT_MAX (64 * 1024)
/* A public key of 16,384 bits; a signature of the same. */
#define BLOB_MAX (8 * 1024)

#define BEGIN "-----BEGIN "
#define END "-----END "
#define OPENSSH_LABEL "OPENSSH PRIVATE KEY"

int
sshkey_is_text(const char *s)
{
	return strstr(s, "-----BEGIN") != NULL || strstr(s, "---- BEGIN") ||
	    strncmp(s, "PuTTY-User-Key-File", 19) == 0 ||
	    strncmp(s, "ssh-rsa ", 8) == 0 ||
	    strncmp(s, "ssh-ed25519 ", 12) == 0 ||
	    strncmp(s, "ecdsa-sha2-", 11) == 0 ||
	    strchr(s, '\n') != NULL || strstr(s, "\\n") != NULL;
}

/* Literal \n and \r and carriage returns as newlines, quotes away. */
static char *
clean_text(const char *text, size_t len)
{
	char *s = mem_alloc(len + 1), *to = s;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 1 < len &&
		    (text[i + 1] == 'n' || text[i + 1] == 'r')) {
			*to++ = '\n';
			i++;
		} else if (text[i] == '\r' || text[i] == '\0') {
			*to++ = '\n';
		} else if (text[i] != '"' && text[i] != '\'') {
			*to++ = text[i];
		}
	}
	*to = '\0';
	return s;
}

static bool
starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* What the text is when it is no private key in PEM form. */
static int
say_no_key(const char *s, const char *name)
{
	s += strspn(s, " \t\n");
	if (*s == '\0')
		return msg_error("cannot use the private key '%s': it is "
		    "empty", name);
	if (starts(s, "PuTTY-User-Key-File"))
		return msg_error("cannot use the private key '%s': it is in "
		    "PuTTY's form; run: puttygen KEY.ppk -O private-openssh "
		    "-o KEY", name);
	if (starts(s, "ssh-") || starts(s, "ecdsa-sha2-") ||
	    starts(s, "---- BEGIN SSH2 PUBLIC"))
		return msg_error("cannot use the private key '%s': it is a "
		    "public key; the private one is in the file without "
		    "'.pub'", name);
	if (starts(s, "MII") || starts(s, "b3BlbnNzaC1rZXk"))
		return msg_error("cannot use the private key '%s': the lines "
		    "-----BEGIN ...----- and -----END ...----- are missing; "
		    "give the whole file", name);
	return msg_error("cannot use the private key '%s': it is not a key "
	    "(there is no line -----BEGIN ... PRIVATE KEY-----)", name);
}

static int
check_label(const char *label, const char *name)
{
	if (starts(label, "DSA "))
		return msg_error("cannot use the private key '%s': it is a DSA "
		    "key, which no current server accepts; make another: "
		    "ssh-keygen -t ed25519", name);
	if (strstr(label, "PUBLIC KEY") != NULL)
		return msg_error("cannot use the private key '%s': it is a "
		    "public key; give the private one", name);
	if (strstr(label, "PRIVATE KEY") == NULL)
		return msg_error("cannot use the private key '%s': it is a "
		    "'%s', not a private key", name, label);
	return 0;
}

/* Append the headers of an old encrypted PEM (RFC 1421), on lines of their
 * own however they came. Returns where they end. */
static const char *
copy_headers(const char *p, const char *end, struct buf *pem)
{
	static const char *const names[] = {"Proc-Type:", "DEK-Info:"};
	bool any = false;
	size_t i, n;

	for (i = 0; i < 2; i++) {
		p += strspn(p, " \t\n");
		if (p >= end || !starts(p, names[i]))
			continue;
		n = strlen(names[i]);
		buf_add(pem, p, n);
		p += n;
		p += strspn(p, " \t");
		n = strcspn(p, " \t\n");
		if (n > (size_t)(end - p))
			n = (size_t)(end - p);
		buf_addf(pem, " %.*s\n", (int)n, p);
		p += n;
		any = true;
	}
	if (any)
		buf_addc(pem, '\n');
	return p;
}

/* The base64 without any white space, in lines of 64. */
static int
copy_base64(const char *p, const char *end, struct buf *pem, const char *name)
{
	size_t n = 0;

	for (; p < end; p++) {
		if (strchr(" \t\n", *p) != NULL)
			continue;
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
		    "wxyz0123456789+/=", *p) == NULL)
			return msg_error("cannot use the private key '%s': it "
			    "is damaged (a '%c' stands between BEGIN and END)",
			    name, *p);
		buf_addc(pem, *p);
		if (++n % 64 == 0)
			buf_addc(pem, '\n');
	}
	if (n == 0)
		return msg_error("cannot use the private key '%s': there is "
		    "nothing between its BEGIN and END lines", name);
	if (n % 64 != 0)
		buf_addc(pem, '\n');
	return 0;
}

/* Find BEGIN of the private key: an EC PARAMETERS block, a certificate or
 * words may stand before it. */
static const char *
find_begin(const char *text)
{
	const char *at, *first = strstr(text, BEGIN), *dashes;

	for (at = first; at != NULL; at = strstr(at + 1, BEGIN)) {
		dashes = strstr(at + strlen(BEGIN), "-----");
		if (dashes != NULL && dashes - at > 11 &&
		    memcmp(dashes - 11, "PRIVATE KEY", 11) == 0)
			return at;
	}
	return first;
}

static int
normalise(const char *clean, const char *name, char **label, struct buf *pem)
{
	const char *at = find_begin(clean), *dashes, *end;

	if (at == NULL)
		return say_no_key(clean, name);
	at += strlen(BEGIN);
	dashes = strstr(at, "-----");
	if (dashes == NULL || dashes - at > 64)
		return msg_error("cannot use the private key '%s': its BEGIN "
		    "line is damaged", name);
	*label = mem_ndup(at, (size_t)(dashes - at));
	if (check_label(*label, name) != 0)
		return -1;
	at = dashes + 5;
	end = strstr(at, END);
	if (end == NULL)
		return msg_error("cannot use the private key '%s': it is cut "
		    "off (there is no line %s%s-----)", name, END, *label);
	buf_addf(pem, BEGIN "%s-----\n", *label);
	at = copy_headers(at, end, pem);
	if (copy_base64(at, end, pem, name) != 0)
		return -1;
	buf_addf(pem, END "%s-----\n", *label);
	return 0;
}

int
sshkey_normalise(const char *text, size_t len, const char *name,
    char **label, char **pem)
{
	struct buf b;
	char *clean;
	int rc;

	*label = *pem = NULL;
	if (len > KEY_TEXT_MAX)
		return msg_error("cannot use the private key '%s': it has more "
		    "than %d bytes", name, KEY_TEXT_MAX);
	clean = clean_text(text, len);
	/* Room for the lines' ends too. */
	buf_init(&b, 2 * KEY_TEXT_MAX);
	rc = normalise(clean, name, label, &b);
	mem_wipe_str(clean);
	if (rc == 0) {
		*pem = buf_take(&b);
		return 0;
	}
	buf_wipe(&b);
	free(*label);
	*label = NULL;
	return -1;
}

/* For OpenSSL; it must never be NULL there, or OpenSSL asks the terminal. */
struct asked {
	const char *passphrase;
	bool asked;
};

static int
passphrase_cb(char *to, int size, int writing, void *arg)
{
	struct asked *a = arg;
	size_t n;

	(void)writing;
	a->asked = true;
	if (a->passphrase == NULL || (n = strlen(a->passphrase)) > (size_t)size)
		return -1;
	memcpy(to, a->passphrase, n);
	return (int)n;
}

static EVP_PKEY *
read_pem(const char *pem, struct asked *a)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key;

	if (bio == NULL)
		return NULL;
	ERR_clear_error();
	key = PEM_read_bio_PrivateKey(bio, NULL, passphrase_cb, a);
	BIO_free(bio);
	return key;
}

/* Does OpenSSL's error list hold "unsupported" anything? Empties the list. */
static bool
unsupported_error(void)
{
	bool found = false;
	unsigned long e;
	const char *s;

	while ((e = ERR_get_error()) != 0) {
		s = ERR_reason_error_string(e);
		if (s != NULL && (strstr(s, "unsupported") != NULL ||
		    strstr(s, "unknown") != NULL))
			found = true;
	}
	return found;
}

static enum sshkey_result
load_pem(const char *pem, const char *passphrase, const char *name,
    EVP_PKEY **out)
{
	struct asked a = {passphrase, false};
	OSSL_PROVIDER *legacy = NULL;
	bool unsupported;

	*out = read_pem(pem, &a);
	if (*out == NULL && (!a.asked || passphrase != NULL)) {
		/* Single DES and its like live in a provider that is not
		 * loaded as a rule. */
		legacy = OSSL_PROVIDER_try_load(NULL, "legacy", 1);
		*out = read_pem(pem, &a);
	}
	unsupported = unsupported_error();
	if (legacy != NULL)
		OSSL_PROVIDER_unload(legacy);
	if (*out != NULL)
		return SSHKEY_OK;
	if (a.asked && passphrase == NULL)
		return SSHKEY_ENCRYPTED;
	if (unsupported)
		msg_error("cannot use the private key '%s': it is encrypted or "
		    "written in a way that OpenSSL does not know%s", name,
		    a.asked ? ", or the passphrase is wrong" : "");
	else if (a.asked)
		msg_error("cannot decrypt the private key '%s': the passphrase "
		    "is wrong", name);
	else
		msg_error("cannot use the private key '%s': it is damaged",
		    name);
	return SSHKEY_BAD;
}

static enum sshkey_result
load_openssh(const char *pem, const char *passphrase, const char *name,
    EVP_PKEY **out)
{
	unsigned char *raw = NULL;
	char *label = NULL, *header = NULL;
	long n = 0;
	BIO *bio = BIO_new_mem_buf(pem, -1);
	enum oskey_result r = OSKEY_DAMAGED;

	if (bio != NULL && PEM_read_bio(bio, &label, &header, &raw, &n) > 0)
		r = oskey_read(raw, (size_t)n, passphrase, out);
	ERR_clear_error();
	OPENSSL_free(label);
	OPENSSL_free(header);
	OPENSSL_clear_free(raw, (size_t)n);
	BIO_free(bio);
	switch (r) {
	case OSKEY_OK:
		return SSHKEY_OK;
	case OSKEY_ENCRYPTED:
		return SSHKEY_ENCRYPTED;
	case OSKEY_PASSPHRASE:
		msg_error("cannot decrypt the private key '%s': the passphrase "
		    "is wrong", name);
		break;
	case OSKEY_CIPHER:
		msg_error("cannot decrypt the private key '%s': its cipher is "
		    "not known here; run: ssh-keygen -p -Z aes256-ctr -f KEY",
		    name);
		break;
	case OSKEY_DSA:
		check_label("DSA ", name);
		break;
	case OSKEY_HARDWARE:
		msg_error("cannot use the private key '%s': it needs a hardware "
		    "key; use --transport openssh", name);
		break;
	case OSKEY_TYPE:
		msg_error("cannot use the private key '%s': its type is not "
		    "RSA, ECDSA or ed25519", name);
		break;
	case OSKEY_DAMAGED:
		msg_error("cannot use the private key '%s': it is damaged",
		    name);
		break;
	}
	return SSHKEY_BAD;
}

static int
blob_rsa(struct sshkey *k)
{
	BIGNUM *e = NULL, *n = NULL;
	int rc = -1;

	k->type = "ssh-rsa";
	if (EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_E, &e) > 0 &&
	    EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_N, &n) > 0 &&
	    sshstr_puts(&k->blob, k->type) == 0 &&
	    sshstr_put_bn(&k->blob, e) == 0 && sshstr_put_bn(&k->blob, n) == 0)
		rc = 0;
	BN_free(e);
	BN_free(n);
	return rc;
}

static int
blob_ec(struct sshkey *k)
{
	static const struct {
		const char *group, *type;
	} curves[] = {
		{"prime256v1", "ecdsa-sha2-nistp256"},
		{"secp384r1", "ecdsa-sha2-nistp384"},
		{"secp521r1", "ecdsa-sha2-nistp521"},
	};
	unsigned char point[200];
	char group[40];
	size_t n, i;

	if (EVP_PKEY_get_group_name(k->pkey, group, sizeof(group), &n) <= 0)
		return -1;
	for (i = 0; i < 3 && strcmp(curves[i].group, group) != 0; i++)
		;
	if (i == 3 || EVP_PKEY_set_utf8_string_param(k->pkey,
	    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") <= 0 ||
	    EVP_PKEY_get_octet_string_param(k->pkey, OSSL_PKEY_PARAM_PUB_KEY,
	    point, sizeof(point), &n) <= 0)
		return -1;
	k->type = curves[i].type;
	if (sshstr_puts(&k->blob, k->type) != 0 ||
	    sshstr_puts(&k->blob, k->type + strlen("ecdsa-sha2-")) != 0)
		return -1;
	return sshstr_put(&k->blob, point, n);
}

static int
blob_ed25519(struct sshkey *k)
{
	unsigned char pub[32];
	size_t n = sizeof(pub);

	k->type = "ssh-ed25519";
	if (EVP_PKEY_get_raw_public_key(k->pkey, pub, &n) <= 0 ||
	    sshstr_puts(&k->blob, k->type) != 0)
		return -1;
	return sshstr_put(&k->blob, pub, n);
}

static int
make_blob(struct sshkey *k, const char *name)
{
	int rc = -1;

	switch (EVP_PKEY_get_base_id(k->pkey)) {
	case EVP_PKEY_RSA:
		/* OpenSSH refuses less since 2017, and it is breakable. */
		if (EVP_PKEY_get_bits(k->pkey) < 1024)
			return msg_error("cannot use the private key '%s': %d "
			    "bits are too few for RSA", name,
			    EVP_PKEY_get_bits(k->pkey));
		rc = blob_rsa(k);
		break;
	case EVP_PKEY_EC:
		rc = blob_ec(k);
		break;
	case EVP_PKEY_ED25519:
		rc = blob_ed25519(k);
		break;
	case EVP_PKEY_DSA:
		return check_label("DSA ", name);
	default:
		break;
	}
	if (rc != 0)
		return msg_error("cannot use the private key '%s': its type is "
		    "not RSA, ECDSA (nistp256, 384, 521) or ed25519", name);
	return 0;
}

enum sshkey_result
sshkey_load(const char *text, size_t len, const char *passphrase,
    const char *name, struct sshkey *out)
{
	char *label, *pem;
	enum sshkey_result r;

	memset(out, 0, sizeof(*out));
	if (sshkey_normalise(text, len, name, &label, &pem) != 0)
		return SSHKEY_BAD;
	if (strcmp(label, OPENSSH_LABEL) == 0)
		r = load_openssh(pem, passphrase, name, &out->pkey);
	else
		r = load_pem(pem, passphrase, name, &out->pkey);
	free(label);
	mem_wipe_str(pem);
	if (r != SSHKEY_OK)
		return r;
	buf_init(&out->blob, BLOB_MAX);
	if (make_blob(out, name) == 0)
		return SSHKEY_OK;
	sshkey_release(out);
	return SSHKEY_BAD;
}

void
sshkey_release(struct sshkey *k)
{
	EVP_PKEY_free(k->pkey);
	buf_release(&k->blob);
	memset(k, 0, sizeof(*k));
}

/* OpenSSL's ECDSA signature is DER; SSH's is two numbers (RFC 5656). */
static int
ecdsa_form(const unsigned char *der, size_t n, struct buf *sig)
{
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &der, (long)n);
	int rc = -1;

	if (s != NULL && sshstr_put_bn(sig, ECDSA_SIG_get0_r(s)) == 0 &&
	    sshstr_put_bn(sig, ECDSA_SIG_get0_s(s)) == 0)
		rc = 0;
	ECDSA_SIG_free(s);
	return rc;
}

int
sshkey_sign(const struct sshkey *k, const char *algorithm, const void *p,
    size_t n, struct buf *sig)
{
	static const struct {
		const char *algorithm, *type, *hash;
	} how[] = {
		{"rsa-sha2-256", "ssh-rsa", "SHA256"},
		{"rsa-sha2-512", "ssh-rsa", "SHA512"},
		{"ssh-rsa", "ssh-rsa", "SHA1"},
		{"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", "SHA256"},
		{"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", "SHA384"},
		{"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", "SHA512"},
		{"ssh-ed25519", "ssh-ed25519", NULL},
	};
	EVP_MD_CTX *ctx;
	unsigned char *raw;
	size_t i, len;
	int rc = -1;

	for (i = 0; i < sizeof(how) / sizeof(how[0]); i++)
		if (strcmp(how[i].algorithm, algorithm) == 0 &&
		    strcmp(how[i].type, k->type) == 0)
			break;
	if (i == sizeof(how) / sizeof(how[0]))
		return -1;
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		return -1;
	len = (size_t)EVP_PKEY_get_size(k->pkey);
	raw = mem_alloc(len);
	if (EVP_DigestSignInit_ex(ctx, NULL, how[i].hash, NULL, NULL, k->pkey,
	    NULL) > 0 && EVP_DigestSign(ctx, raw, &len, p, n) > 0)
		rc = strncmp(k->type, "ecdsa", 5) == 0 ?
		    ecdsa_form(raw, len, sig) : buf_add(sig, raw, len);
	free(raw);
	EVP_MD_CTX_free(ctx);
	return rc;
}

/* OpenSSH 9.2 reads ed25519 keys in its own form only. */
static int
write_ed25519(const struct sshkey *k, struct buf *out)
{
	unsigned char secret[64], text[512];
	struct buf inner, b;
	size_t n = 32, m = 32;
	int rc = -1;

	if (EVP_PKEY_get_raw_private_key(k->pkey, secret, &n) <= 0 ||
	    EVP_PKEY_get_raw_public_key(k->pkey, secret + 32, &m) <= 0)
		return -1;
	buf_init(&inner, 1024);
	buf_init(&b, 2048);
	buf_add(&inner, "\0\0\0\0\0\0\0", 8);	/* two equal numbers */
	sshstr_puts(&inner, k->type);
	sshstr_put(&inner, secret + 32, 32);
	sshstr_put(&inner, secret, 64);
	sshstr_puts(&inner, "");
	for (n = 1; inner.len % 8 != 0; n++)
		buf_addc(&inner, (char)n);
	buf_add(&b, "openssh-key-v1", 15);	/* with its NUL */
	sshstr_puts(&b, "none");
	sshstr_puts(&b, "none");
	sshstr_puts(&b, "");
	sshstr_put_u32(&b, 1);
	sshstr_put(&b, k->blob.data, k->blob.len);
	sshstr_put(&b, inner.data, inner.len);
	if (b.len <= sizeof(text) / 4 * 3 - 3) {
		EVP_EncodeBlock(text, (unsigned char *)b.data, (int)b.len);
		rc = buf_addf(out, BEGIN OPENSSH_LABEL "-----\n%s\n" END
		    OPENSSH_LABEL "-----\n", (char *)text);
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(text, sizeof(text));
	buf_wipe(&inner);
	buf_wipe(&b);
	return rc;
}

int
sshkey_write(const struct sshkey *k, struct buf *out)
{
	BIO *bio;
	char *p;
	long n;
	int rc = -1;

	if (strcmp(k->type, "ssh-ed25519") == 0)
		return write_ed25519(k, out);
	bio = BIO_new(BIO_s_secmem());
	if (bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL,
	    NULL, 0, NULL, NULL) > 0 && (n = BIO_get_mem_data(bio, &p)) > 0)
		rc = buf_add(out, p, (size_t)n);
	BIO_free(bio);
	return rc;
}
