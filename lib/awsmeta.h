/*
 * AWS credentials that the machine has: from the container's or the
 * instance's own endpoint.
 */
#ifndef RSW_AWSMETA_H
#define RSW_AWSMETA_H

#include "aws.h"
#include "fate.h"

/*
 * Ask the container endpoint if its variables are set
 * (AWS_CONTAINER_CREDENTIALS_FULL_URI or ..._RELATIVE_URI), else IMDSv2
 * unless AWS_EC2_METADATA_DISABLED is true. FATE_OK with access_key NULL:
 * there is neither. A failure has said why.
 */
enum fate awsmeta_get(struct aws_creds *);

#endif
