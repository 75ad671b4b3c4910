/*
 * AWS credentials and region: the order of the chain. What S3 does with a key
 * is s3.c's.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "aws.h"
#include "awscreds.h"
#include "awsfile.h"
#include "awsmeta.h"
#include "awssts.h"
#include "buf.h"
#include "cfg.h"
#include "command.h"
#include "mem.h"
#include "msg.h"

#define PROCESS_MAX (64 * 1024)	/* some 2 kB of JSON */
#define CHAIN_MAX 5		/* profiles that refer to another one */

void
aws_creds_release(struct aws_creds *c)
{
	mem_wipe_str(c->access_key);
	mem_wipe_str(c->secret_key);
	mem_wipe_str(c->session_token);
	free(c->source);
	memset(c, 0, sizeof(*c));
}

const char *
aws_env(const char *name)
{
	const char *v = getenv(name);

	return v != NULL && *v != '\0' ? v : NULL;
}

/* A pod's identity (EKS): a token in a file, which stands for a role. */
static enum fate
from_web_identity(struct cfg *cfg, struct aws_creds *c)
{
	struct awssts_role role = {.arn = aws_env("AWS_ROLE_ARN"),
	    .session = aws_env("AWS_ROLE_SESSION_NAME"),
	    .token_file = aws_env("AWS_WEB_IDENTITY_TOKEN_FILE")};
	char *region;
	enum fate f;

	if (role.arn == NULL) {
		msg_error("cannot use AWS_WEB_IDENTITY_TOKEN_FILE: "
		    "AWS_ROLE_ARN is not set");
		return FATE_CONFIG;
	}
	f = aws_region(cfg, &region);
	if (f == FATE_OK)
		f = awssts_assume(region, &role, NULL, c);
	free(region);
	return f;
}

/*
 * Profiles. What a profile lacks is no fault here: then it has no keys.
 */

static enum fate
from_process(const char *profile, const char *command, struct aws_creds *c)
{
	char *what = mem_fmt("credential_process of profile '%s'", profile);
	struct buf b;
	enum fate f = FATE_FAILED;

	buf_init(&b, PROCESS_MAX);
	if (command_output(what, command, &b) == 0)
		f = awscreds_json(b.data, b.len, what, c);
	buf_wipe(&b);
	free(what);
	return f;
}

/* What this program cannot do by itself, `aws` can. */
static enum fate
need_aws(const char *profile, const char *what)
{
	msg_error("cannot use the AWS profile '%s': it needs %s; log in by "
	    "'aws sso login' or as you do, and use a profile with "
	    "credential_process = aws configure export-credentials --profile "
	    "%s --format process", profile, what, profile);
	return FATE_CONFIG;
}

static enum fate from_profile(struct cfg *, const struct awsfile *,
    const char *profile, int depth, struct aws_creds *);

/* Whose credentials sign the call for a role: another profile's, or the
 * machine's. */
static enum fate
source_of_role(struct cfg *cfg, const struct awsfile *f, const char *profile,
    int depth, struct aws_creds *by)
{
	char *source = awsfile_get(f, profile, "source_profile");
	char *machine = awsfile_get(f, profile, "credential_source");
	enum fate rc = FATE_CONFIG;

	if (depth == CHAIN_MAX)
		msg_error("cannot use the AWS profile '%s': its source_profile "
		    "leads round in a circle", profile);
	else if (source != NULL && strcmp(source, profile) == 0)
		rc = awsfile_keys(f, profile, by) == 0 ? FATE_OK : FATE_CONFIG;
	else if (source != NULL)
		rc = from_profile(cfg, f, source, depth + 1, by);
	/* With keys in the environment no profile would have been looked at. */
	else if (machine != NULL && strcmp(machine, "Environment") != 0)
		rc = awsmeta_get(by);
	else
		msg_error("cannot use the AWS profile '%s': it has a role_arn "
		    "without source_profile, credential_source or "
		    "web_identity_token_file", profile);
	if (rc == FATE_OK && (by->access_key == NULL ||
	    by->secret_key == NULL)) {
		msg_error("cannot assume the role of the AWS profile '%s': "
		    "'%s' has no keys", profile, source != NULL ? source :
		    machine);
		rc = FATE_CONFIG;
	}
	free(source);
	free(machine);
	return rc;
}

static enum fate
from_role(struct cfg *cfg, const struct awsfile *f, const char *profile,
    const char *arn, int depth, struct aws_creds *c)
{
	char *session = awsfile_get(f, profile, "role_session_name");
	char *external = awsfile_get(f, profile, "external_id");
	char *token = awsfile_get(f, profile, "web_identity_token_file");
	char *mfa = awsfile_get(f, profile, "mfa_serial"), *region = NULL;
	struct awssts_role role = {.arn = arn, .session = session,
	    .external_id = external, .token_file = token};
	struct aws_creds by;
	enum fate rc = FATE_OK;

	memset(&by, 0, sizeof(by));
	if (mfa != NULL)
		rc = need_aws(profile, "a code of an MFA device");
	else if (token == NULL)
		rc = source_of_role(cfg, f, profile, depth, &by);
	if (rc == FATE_OK)
		rc = aws_region(cfg, &region);
	if (rc == FATE_OK)
		rc = awssts_assume(region, &role, &by, c);
	aws_creds_release(&by);
	free(session);
	free(external);
	free(token);
	free(mfa);
	free(region);
	return rc;
}

static enum fate
from_profile(struct cfg *cfg, const struct awsfile *f, const char *profile,
    int depth, struct aws_creds *c)
{
	char *role = awsfile_get(f, profile, "role_arn");
	char *process = awsfile_get(f, profile, "credential_process");
	char *session = awsfile_get(f, profile, "sso_session");
	char *start = awsfile_get(f, profile, "sso_start_url");
	enum fate rc = FATE_OK;

	if (role != NULL)
		rc = from_role(cfg, f, profile, role, depth, c);
	else if (awsfile_keys(f, profile, c) != 0)
		rc = FATE_CONFIG;
	else if (c->access_key != NULL)
		c->source = mem_fmt("profile '%s'", profile);
	else if (process != NULL)
		rc = from_process(profile, process, c);
	else if (session != NULL || start != NULL)
		rc = need_aws(profile, "a login by a browser (SSO)");
	free(role);
	free(process);
	free(session);
	free(start);
	return rc;
}

/* The profile that is named, or the default one. */
static enum fate
from_files(struct cfg *cfg, const char *named, struct aws_creds *c)
{
	struct awsfile f;
	enum fate rc = FATE_CONFIG;

	if (awsfile_read(&f) != 0)
		;
	else if (named != NULL && !awsfile_has(&f, named))
		msg_error("cannot find the AWS profile '%s': neither "
		    "~/.aws/credentials nor ~/.aws/config has it", named);
	else
		rc = from_profile(cfg, &f, named != NULL ? named : "default",
		    0, c);
	awsfile_release(&f);
	return rc;
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
	/* A profile that was named is not passed over. */
	if (profile != NULL)
		rc = from_files(cfg, profile, c);
	else if (aws_env("AWS_WEB_IDENTITY_TOKEN_FILE") != NULL)
		rc = from_web_identity(cfg, c);
	else
		rc = from_files(cfg, NULL, c);
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
	struct awsfile f;
	int rc;

	*out = NULL;
	if (cfg_get(cfg, "region", &value) != 0)
		return FATE_CONFIG;
	*out = mem_dup(value);
	if (value != NULL)
		return FATE_OK;
	if (cfg_get(cfg, "aws_profile", &value) != 0)
		return FATE_CONFIG;
	rc = awsfile_read(&f);
	if (rc == 0)
		*out = awsfile_get(&f, value != NULL ? value : "default",
		    "region");
	awsfile_release(&f);
	if (rc == 0 && *out == NULL)
		*out = mem_dup("us-east-1");
	return rc == 0 ? FATE_OK : FATE_CONFIG;
}
