/*
 * AWS credentials and region: the order of the chain. The shared files are
 * read here; what S3 does with a key is s3.c's.
 */
#include "config.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws.h"
#include "awsmeta.h"
#include "buf.h"
#include "cfg.h"
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

void
aws_creds_release(struct aws_creds *c)
{
	mem_wipe_str(c->access_key);
	mem_wipe_str(c->secret_key);
	mem_wipe_str(c->session_token);
	free(c->source);
	memset(c, 0, sizeof(*c));
}

/* NULL if there is neither the variable nor a HOME. */
static char *
shared_path(const struct shared *f)
{
	const char *p = getenv(f->env);

	if (p != NULL && *p != '\0')
		return mem_dup(p);
	p = getenv("HOME");
	return p != NULL && *p != '\0' ? mem_fmt("%s/%s", p, f->path) : NULL;
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

/* A file's text, empty if there is no such file. */
static int
read_shared(const struct shared *f, struct buf *text)
{
	char *path = shared_path(f);
	int rc = 0;

	if (path != NULL && access(path, F_OK) == 0)
		rc = io_slurp_file(path, text, false);
	free(path);
	return rc;
}

/* Add what the file tells of the profile. 1 if it knows it, 0 if not, -1
 * having said why. */
static int
add_profile(const struct shared *f, const char *profile, struct aws_creds *c)
{
	struct buf text;
	char *section = NULL;
	int rc = -1;

	buf_init(&text, FILE_MAX);
	if (read_shared(f, &text) != 0)
		goto out;
	section = find_value(text.data, profile, f->prefixed, NULL);
	rc = section != NULL;
	if (rc == 0 || c->access_key != NULL)
		goto out;
	c->access_key = find_value(text.data, profile, f->prefixed,
	    "aws_access_key_id");
	if (c->access_key == NULL)
		goto out;
	c->secret_key = find_value(text.data, profile, f->prefixed,
	    "aws_secret_access_key");
	c->session_token = find_value(text.data, profile, f->prefixed,
	    "aws_session_token");
out:
	free(section);
	buf_wipe(&text);
	return rc;
}

static enum fate
from_profile(const char *profile, bool named, struct aws_creds *c)
{
	int first, second;

	if ((first = add_profile(&credentials, profile, c)) < 0 ||
	    (second = add_profile(&config, profile, c)) < 0)
		return FATE_CONFIG;
	if (named && first == 0 && second == 0) {
		msg_error("cannot find the AWS profile '%s': neither "
		    "~/.aws/credentials nor ~/.aws/config has it", profile);
		return FATE_CONFIG;
	}
	if (c->access_key != NULL && c->secret_key == NULL) {
		msg_error("cannot use the AWS profile '%s': it has an "
		    "aws_access_key_id without aws_secret_access_key",
		    profile);
		return FATE_CONFIG;
	}
	if (c->access_key != NULL)
		c->source = mem_fmt("profile '%s'", profile);
	return FATE_OK;
}

/* A key's value if it is set at this level; NULL otherwise. */
static int
at_level(struct cfg *cfg, const char *key, enum cfg_level level, char **out)
{
	const char *value;

	*out = NULL;
	if (cfg_level(cfg, key) != level)
		return 0;
	if (cfg_get(cfg, key, &value) != 0)
		return -1;
	*out = mem_dup(value);
	return 0;
}

/* All of one level: a key of the environment must never be sent with the
 * token of another key. */
static enum fate
from_keys(struct cfg *cfg, enum cfg_level level, struct aws_creds *c)
{
	char *origin;

	if (at_level(cfg, "aws_access_key", level, &c->access_key) != 0 ||
	    at_level(cfg, "aws_secret_key", level, &c->secret_key) != 0 ||
	    at_level(cfg, "aws_session_token", level, &c->session_token) != 0)
		return FATE_CONFIG;
	origin = cfg_origin(cfg, c->access_key != NULL ? "aws_access_key" :
	    "aws_secret_key");
	if (c->access_key == NULL || c->secret_key == NULL) {
		msg_error("cannot use '%s' of %s: '%s' is not set there too",
		    c->access_key != NULL ? "aws_access_key" :
		    "aws_secret_key", origin, c->access_key != NULL ?
		    "aws_secret_key" : "aws_access_key");
		free(origin);
		return FATE_CONFIG;
	}
	c->source = origin;
	return FATE_OK;
}

static enum fate
none(struct cfg *cfg)
{
	const char *unused;

	/* It names the key and every place where it can be set. */
	cfg_need(cfg, "aws_access_key", &unused);
	return FATE_CONFIG;
}

enum fate
aws_creds_get(struct cfg *cfg, struct aws_creds *c)
{
	enum cfg_level keys = cfg_level(cfg, "aws_access_key");
	enum cfg_level secret = cfg_level(cfg, "aws_secret_key");
	enum cfg_level named = cfg_level(cfg, "aws_profile");
	const char *profile = NULL;
	enum fate rc;

	memset(c, 0, sizeof(*c));
	if (secret > keys)
		keys = secret;
	if (keys != CFG_UNSET && keys >= named)
		return from_keys(cfg, keys, c);
	if (cfg_get(cfg, "aws_profile", &profile) != 0)
		return FATE_CONFIG;
	rc = from_profile(profile != NULL ? profile : "default",
	    profile != NULL, c);
	/* A profile that was named is not passed over. */
	if (rc == FATE_OK && c->access_key == NULL && profile == NULL)
		rc = awsmeta_get(c);
	if (rc == FATE_OK && c->access_key == NULL)
		rc = none(cfg);
	return rc;
}

enum fate
aws_region(struct cfg *cfg, char **out)
{
	const char *value;
	struct buf text;
	int rc;

	*out = NULL;
	if (cfg_get(cfg, "region", &value) != 0)
		return FATE_CONFIG;
	*out = mem_dup(value);
	if (value != NULL)
		return FATE_OK;
	if (cfg_get(cfg, "aws_profile", &value) != 0)
		return FATE_CONFIG;
	buf_init(&text, FILE_MAX);
	rc = read_shared(&config, &text);
	if (rc == 0)
		*out = find_value(text.data, value != NULL ? value :
		    "default", true, "region");
	buf_wipe(&text);
	if (rc == 0 && *out == NULL)
		*out = mem_dup("us-east-1");
	return rc == 0 ? FATE_OK : FATE_CONFIG;
}
