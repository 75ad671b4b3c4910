/*
 * More sections for the configuration file.
 */
#ifndef RSW_CFGADD_H
#define RSW_CFGADD_H

#include "buf.h"

#define CFGADD_MAX (4 * 1024 * 1024)	/* what cfg.c reads */

/* Append the sections to the file, which is replaced in one step, with mode
 * 0600; what is there stays as it is, byte by byte. Nothing is written that
 * the programs could not read. 0, or -1 having said why. */
int cfgadd(const char *path, const struct buf *sections);

#endif
