/*
 * How s3-stage is to work, out of the configuration: the form of the CSV,
 * the compression, the numbers and sizes.
 */
#ifndef RSW_STAGEOPT_H
#define RSW_STAGEOPT_H

#include "stage.h"

struct cfg;

/* Fill what keys tell; the strings live as long as the cfg. 0, or -1 having
 * said why. */
int stageopt_read(struct cfg *, struct stage_opt *);

#endif
