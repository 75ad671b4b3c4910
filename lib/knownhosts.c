/*
 * known_hosts files. libssh2's own reader stops at a line it cannot read,
 * takes revoked keys, and knows no patterns, so this one is ours. Asking the
 * user about an unknown key is hostkey.c's work.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "knownhosts.h"
#include "mem.h"
#include "msg.h"
#include "sshstr.h"

/* Some sites hand out files with every host they have. */
#define FILE_MAX_BYTES (16 * 1024 * 1024)
#define HOST_MAX_BYTES 300

enum marker {PLAIN, REVOKED};

struct entry {
	enum marker marker;
	char *names;		/* the list, or |1|salt|hash */
	unsigned char *blob;
	size_t len;
	const char *path;
	int line;
};

struct knownhosts {
	struct entry *entry;
	size_t n;
	char **path;		/* of each file read */
	size_t npaths;
};

struct knownhosts *
knownhosts_new(void)
{
	return mem_zero(1, sizeof(struct knownhosts));
}

void
knownhosts_free(struct knownhosts *k)
{
	size_t i;

	if (k == NULL)
		return;
	for (i = 0; i < k->n; i++) {
		free(k->entry[i].names);
		free(k->entry[i].blob);
	}
	for (i = 0; i < k->npaths; i++)
		free(k->path[i]);
	free(k->entry);
	free(k->path);
	free(k);
}

/* base64 of n characters. The bytes, freed by the caller, or NULL. */
static unsigned char *
unbase64(const char *s, size_t n, size_t *len)
{
	unsigned char *out;
	size_t pad = 0;
	int got;

	if (n == 0 || n % 4 != 0 || n > INT32_MAX)
		return NULL;
	out = mem_alloc(n / 4 * 3 + 1);
	got = EVP_DecodeBlock(out, (const unsigned char *)s, (int)n);
	while (pad < 2 && s[n - 1 - pad] == '=')
		pad++;
	if (got < (int)pad) {
		free(out);
		return NULL;
	}
	*len = (size_t)got - pad;
	return out;
}

/* The next word of a line; false at its end. Moves *p behind it. */
static bool
word(const char **p, const char *end, const char **w, size_t *n)
{
	while (*p < end && (**p == ' ' || **p == '\t'))
		(*p)++;
	*w = *p;
	while (*p < end && **p != ' ' && **p != '\t')
		(*p)++;
	*n = (size_t)(*p - *w);
	return *n > 0;
}

/* One line: [@marker] names type key [comment]. */
static void
parse_line(struct knownhosts *k, const char *path, int line, const char *p,
    const char *end)
{
	struct entry e = {PLAIN, NULL, NULL, 0, path, line};
	struct sshstr in, type;
	const char *names, *t, *key;
	size_t nn, tn, kn;

	if (!word(&p, end, &names, &nn) || *names == '#')
		return;
	if (*names == '@') {
		/* An authority signs keys; libssh2 knows no such keys. */
		if (nn != 8 || memcmp(names, "@revoked", 8) != 0)
			return;
		e.marker = REVOKED;
		if (!word(&p, end, &names, &nn))
			return;
	}
	if (!word(&p, end, &t, &tn) || !word(&p, end, &key, &kn))
		return;
	e.blob = unbase64(key, kn, &e.len);
	in = (struct sshstr){e.blob, e.len};
	if (e.blob == NULL || !sshstr_get(&in, &type) || type.n != tn ||
	    memcmp(type.p, t, tn) != 0) {
		msg_debug("'%s' line %d is not understood, and skipped", path,
		    line);
		free(e.blob);
		return;
	}
	e.names = mem_ndup(names, nn);
	k->entry = mem_resize(k->entry, k->n + 1, sizeof(e));
	k->entry[k->n++] = e;
}

void
knownhosts_parse(struct knownhosts *k, const char *path, const char *text,
    size_t len)
{
	const char *p = text, *end = text + len, *nl, *stop;
	int line;

	k->path = mem_resize(k->path, k->npaths + 1, sizeof(*k->path));
	path = k->path[k->npaths++] = mem_dup(path);
	for (line = 1; p < end; line++, p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		stop = nl;
		while (stop > p && stop[-1] == '\r')
			stop--;
		parse_line(k, path, line, p, stop);
	}
}

int
knownhosts_read(struct knownhosts *k, const char *path, bool needed)
{
	struct buf b;
	int rc;

	if (!needed && access(path, F_OK) != 0 &&
	    (errno == ENOENT || errno == ENOTDIR))
		return 0;
	buf_init(&b, FILE_MAX_BYTES);
	rc = io_slurp_file(path, &b, false);
	if (rc == 0)
		knownhosts_parse(k, path, b.data, b.len);
	buf_release(&b);
	return rc;
}

/* '*' and '?' as the shell has them; names are case-blind. */
static bool
glob(const char *pat, size_t n, const char *s)
{
	for (; n > 0; pat++, n--, s++) {
		if (*pat == '*') {
			for (; *s != '\0'; s++)
				if (glob(pat + 1, n - 1, s))
					return true;
			return glob(pat + 1, n - 1, s);
		}
		if (*s == '\0' || (*pat != '?' &&
		    strncasecmp(pat, s, 1) != 0))
			return false;
	}
	return *s == '\0';
}

/* A comma-separated list; "!name" takes a host out whatever else matches. */
static bool
match_list(const char *list, const char *host)
{
	bool found = false, not;
	size_t n;

	for (; *list != '\0'; list += n, list += *list == ',') {
		n = strcspn(list, ",");
		not = *list == '!';
		if (!glob(list + not, n - not, host))
			continue;
		if (not)
			return false;
		found = true;
	}
	return found;
}

/* |1|salt|HMAC-SHA1(salt, host), both in base64. */
static bool
match_hash(const char *names, const char *host)
{
	unsigned char mac[EVP_MAX_MD_SIZE], *salt, *want = NULL;
	const char *bar = strchr(names + 3, '|');
	size_t slen, wlen;
	unsigned n = 0;
	bool same = false;

	if (bar == NULL)
		return false;
	salt = unbase64(names + 3, (size_t)(bar - names - 3), &slen);
	if (salt != NULL)
		want = unbase64(bar + 1, strlen(bar + 1), &wlen);
	if (want != NULL && slen <= INT32_MAX && HMAC(EVP_sha1(), salt,
	    (int)slen, (const unsigned char *)host, strlen(host), mac, &n))
		same = n == wlen && memcmp(mac, want, n) == 0;
	free(salt);
	free(want);
	return same;
}

/* The host as it stands in the file, in lower case; freed by the caller. */
static char *
file_name(const char *host, int port)
{
	char *s = port == 22 ? mem_dup(host) : mem_fmt("[%s]:%d", host, port);
	char *p;

	for (p = s; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return s;
}

static bool
about(const struct entry *e, const char *name)
{
	if (strncmp(e->names, "|1|", 3) == 0)
		return match_hash(e->names, name);
	return match_list(e->names, name);
}

enum knownhosts_result
knownhosts_check(const struct knownhosts *k, const char *host, int port,
    const void *blob, size_t len, const char **path, int *line)
{
	enum knownhosts_result r = KNOWNHOSTS_UNKNOWN;
	char *name = file_name(host, port);
	const struct entry *e;
	size_t i;
	bool same;

	*path = NULL;
	*line = 0;
	for (i = 0; i < k->n && r != KNOWNHOSTS_REVOKED; i++) {
		e = &k->entry[i];
		same = e->len == len && memcmp(e->blob, blob, len) == 0;
		if ((e->marker == REVOKED && !same) || !about(e, name))
			continue;
		/* A match outranks another key, a revocation everything. */
		if (r == KNOWNHOSTS_MATCH && e->marker != REVOKED)
			continue;
		if (r == KNOWNHOSTS_CHANGED && !same)
			continue;
		r = e->marker == REVOKED ? KNOWNHOSTS_REVOKED :
		    same ? KNOWNHOSTS_MATCH : KNOWNHOSTS_CHANGED;
		*path = e->path;
		*line = e->line;
	}
	free(name);
	return r;
}

bool
knownhosts_has(const struct knownhosts *k, const char *host, int port,
    const char *type)
{
	char *name = file_name(host, port);
	struct sshstr in, t;
	bool found = false;
	size_t i;

	for (i = 0; i < k->n && !found; i++) {
		in = (struct sshstr){k->entry[i].blob, k->entry[i].len};
		found = k->entry[i].marker == PLAIN && sshstr_get(&in, &t) &&
		    sshstr_is(t, type) && about(&k->entry[i], name);
	}
	free(name);
	return found;
}

static void
make_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;

	if (slash == NULL || slash == path)
		return;
	dir = mem_ndup(path, (size_t)(slash - path));
	mkdir(dir, 0700);	/* a failure shows at open() */
	free(dir);
}

/* Does the file lack its last newline? */
static bool
open_ended(int fd)
{
	char last;

	return lseek(fd, -1, SEEK_END) >= 0 && read(fd, &last, 1) == 1 &&
	    last != '\n';
}

int
knownhosts_add(const char *path, const char *host, int port,
    const void *blob, size_t len)
{
	struct sshstr in = {blob, len}, type;
	char *name, *line, *b64;
	int fd, rc = 0;

	if (!sshstr_get(&in, &type))
		return msg_error("cannot add a host key to '%s': it is "
		    "damaged", path);
	make_directory(path);
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return msg_errno("cannot write '%s'", path);
	b64 = mem_alloc(len / 3 * 4 + 5);
	EVP_EncodeBlock((unsigned char *)b64, blob, (int)len);
	name = file_name(host, port);
	line = mem_fmt("%s%s %.*s %s\n", open_ended(fd) ? "\n" : "", name,
	    (int)type.n, (const char *)type.p, b64);
	if (io_write_full(fd, line, strlen(line)) != 0)
		rc = msg_errno("cannot write '%s'", path);
	if (close(fd) != 0 && rc == 0)
		rc = msg_errno("cannot write '%s'", path);
	free(line);
	free(name);
	free(b64);
	return rc;
}
