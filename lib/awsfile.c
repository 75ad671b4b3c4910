/*
 * The shared files of the AWS tools: a dialect of INI of its own.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "awsfile.h"
#include "io.h"
#include "mem.h"
#include "msg.h"

#define FILE_MAX (4 * 1024 * 1024)	/* hundreds of profiles */

/* One of the two shared files. In ~/.aws/config a section is called
 * [profile NAME], but for [default]. */
struct shared {
	const char *env, *path;		/* the path is below HOME */
	bool prefixed;
};
static const struct shared credentials = {
	"AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", false
};
static const struct shared config = {
	"AWS_CONFIG_FILE", ".aws/config", true
};

/* NULL if there is neither the variable nor a HOME. */
static char *
shared_path(const struct shared *f)
{
	const char *p = aws_env(f->env);

	if (p != NULL)
		return mem_dup(p);
	p = aws_env("HOME");
	return p != NULL ? mem_fmt("%s/%s", p, f->path) : NULL;
}

/* The text between the blanks at both ends of [p, end). */
static size_t
trim(const char **p, const char *end)
{
	while (*p < end && strchr(" \t\r", **p) != NULL)
		(*p)++;
	while (end > *p && strchr(" \t\r", end[-1]) != NULL)
		end--;
	return (size_t)(end - *p);
}

/* Is the line [p, p + n) the head of our section? */
static bool
is_section(const char *p, size_t n, const char *profile, bool prefixed)
{
	const char *close = memchr(p, ']', n);

	p++;
	if (close == NULL)
		return false;
	n = trim(&p, close);
	if (prefixed && n > 8 && strncmp(p, "profile", 7) == 0 &&
	    strchr(" \t", p[7]) != NULL) {
		p += 8;
		n = trim(&p, close);
	} else if (prefixed && strcmp(profile, "default") != 0) {
		return false;
	}
	return n == strlen(profile) && memcmp(p, profile, n) == 0;
}

/*
 * The value of `key` in the profile's section, NULL if it is not there. With
 * key NULL: not NULL if there is the section. Freed by the caller. Lines
 * that begin with a blank belong to a nested block, and not to us.
 */
static char *
find_value(const char *text, const char *profile, bool prefixed,
    const char *key)
{
	const char *p = text, *end, *eq, *name;
	char *found = NULL;
	bool ours = false;
	size_t n;

	for (; *p != '\0'; p = *end == '\n' ? end + 1 : end) {
		end = p + strcspn(p, "\n");
		if (*p == '[') {
			ours = is_section(p, (size_t)(end - p), profile,
			    prefixed);
			if (ours && key == NULL)
				return mem_dup("");
		}
		if (!ours || key == NULL || strchr("[#; \t\r\n", *p) != NULL)
			continue;
		eq = memchr(p, '=', (size_t)(end - p));
		if (eq == NULL)
			continue;
		name = p;
		n = trim(&name, eq);
		if (n != strlen(key) || memcmp(name, key, n) != 0)
			continue;
		name = eq + 1;
		n = trim(&name, end);
		mem_wipe_str(found);	/* the last one counts */
		found = mem_ndup(name, n);
	}
	return found;
}

static int
read_one(const struct shared *f, struct buf *text)
{
	char *path = shared_path(f);
	int rc = 0;

	buf_init(text, FILE_MAX);
	if (path != NULL && access(path, F_OK) == 0)
		rc = io_slurp_file(path, text, false);
	free(path);
	return rc;
}

int
awsfile_read(struct awsfile *f)
{
	int first = read_one(&credentials, &f->credentials);
	int second = read_one(&config, &f->config);

	return first != 0 || second != 0 ? -1 : 0;
}

void
awsfile_release(struct awsfile *f)
{
	buf_wipe(&f->credentials);
	buf_wipe(&f->config);
}

bool
awsfile_has(const struct awsfile *f, const char *profile)
{
	char *first = find_value(f->credentials.data, profile, false, NULL);
	char *second = find_value(f->config.data, profile, true, NULL);
	bool has = first != NULL || second != NULL;

	free(first);
	free(second);
	return has;
}

char *
awsfile_get(const struct awsfile *f, const char *profile, const char *key)
{
	char *v = find_value(f->credentials.data, profile, false, key);

	return v != NULL ? v :
	    find_value(f->config.data, profile, true, key);
}

int
awsfile_keys(const struct awsfile *f, const char *profile,
    struct aws_creds *c)
{
	const char *text = f->credentials.data;
	bool prefixed = false;

	c->access_key = find_value(text, profile, prefixed,
	    "aws_access_key_id");
	if (c->access_key == NULL) {
		text = f->config.data;
		prefixed = true;
		c->access_key = find_value(text, profile, prefixed,
		    "aws_access_key_id");
	}
	if (c->access_key == NULL)
		return 0;
	c->secret_key = find_value(text, profile, prefixed,
	    "aws_secret_access_key");
	c->session_token = find_value(text, profile, prefixed,
	    "aws_session_token");
	if (c->secret_key == NULL)
		return msg_error("cannot use the AWS profile '%s': it has an "
		    "aws_access_key_id without aws_secret_access_key",
		    profile);
	return 0;
}
