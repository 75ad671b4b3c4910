/*
 * The temporary credentials of a role, from AWS's Security Token Service.
 */
#ifndef RSW_AWSSTS_H
#define RSW_AWSSTS_H

#include "aws.h"
#include "fate.h"

struct awssts_role {
	const char *arn;
	const char *session;		/* its name in AWS's logs; or NULL */
	const char *external_id;	/* or NULL */
	const char *token_file;		/* of web identity, read at each call;
					 * NULL: the call is signed */
};

/* Assume the role, with the token of the file or signed by these credentials.
 * FATE_OK, or having said why. */
enum fate awssts_assume(const char *region, const struct awssts_role *,
    const struct aws_creds *by, struct aws_creds *out);

#endif
