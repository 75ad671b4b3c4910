/*
 * The two shared files of the AWS tools, ~/.aws/credentials and
 * ~/.aws/config: profiles and their keys.
 */
#ifndef RSW_AWSFILE_H
#define RSW_AWSFILE_H

#include <stdbool.h>

#include "aws.h"
#include "buf.h"

struct awsfile {
	struct buf credentials, config;
};

/* Read both; one that is not there is empty. 0, or -1 having said why;
 * release in either case. */
int awsfile_read(struct awsfile *);
void awsfile_release(struct awsfile *);

bool awsfile_has(const struct awsfile *, const char *profile);

/* The value of a key of the profile, NULL if it has none; freed by
 * mem_wipe_str(). The credentials file counts first. */
char *awsfile_get(const struct awsfile *, const char *profile,
    const char *key);

/* The profile's keys, all from the same file; c->access_key stays NULL if it
 * has none. 0, or -1 having said why. */
int awsfile_keys(const struct awsfile *, const char *profile,
    struct aws_creds *c);

#endif
