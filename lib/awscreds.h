/*
 * Credentials as AWS's services write them.
 */
#ifndef RSW_AWSCREDS_H
#define RSW_AWSCREDS_H

#include <stddef.h>

#include "aws.h"
#include "fate.h"

/* Take them out of an answer: JSON of a machine's endpoint or of a
 * credential_process, XML of STS. `from` is their source, in words. FATE_OK,
 * or FATE_FAILED having said that there are none. */
enum fate awscreds_json(const char *text, size_t len, const char *from,
    struct aws_creds *);
enum fate awscreds_xml(const char *text, const char *from,
    struct aws_creds *);

#endif
