/*
 * Who we are to AWS and where: credentials by the chain that its own tools
 * use, and the region. What is signed with them is sigv4's and s3's work.
 */
#ifndef RSW_AWS_H
#define RSW_AWS_H

#include "fate.h"

struct cfg;

struct aws_creds {
	char *access_key, *secret_key;
	char *session_token;	/* NULL: none */
	char *source;		/* in words, for messages */
};

/*
 * The first of:
 * - the keys aws_access_key, aws_secret_key and aws_session_token of one level
 *   of the configuration, all from the same one, unless a profile is named at
 *   a higher level;
 * - the profile that is named (the key aws_profile) in the shared files: its
 *   role, its keys, its credential_process;
 * - the token of $AWS_WEB_IDENTITY_TOKEN_FILE, for the role $AWS_ROLE_ARN;
 * - the profile "default", as above;
 * - what the container's or the instance's endpoint gives.
 * FATE_OK, or having said why; release in either case.
 */
enum fate aws_creds_get(struct cfg *, struct aws_creds *);

/* Wipes; a zeroed struct is fine and is what it leaves. */
void aws_creds_release(struct aws_creds *);

/* A variable of the environment; NULL also if it is empty. */
const char *aws_env(const char *name);

/* The key region, else the profile's, else us-east-1; freed by the caller.
 * FATE_OK, or having said why. */
enum fate aws_region(struct cfg *, char **out);

#endif
