/*
 * Numbers that people write: whole text, bounds checked, no surprises.
 */
#ifndef RSW_NUM_H
#define RSW_NUM_H

#include <stdbool.h>
#include <stdint.h>

/* A decimal number from min to max. 0, or -1 (silent; *out unchanged). */
int num_parse(const char *s, int64_t min, int64_t max, int64_t *out);

/* The same with a unit: k, M, G, T (powers of 1024; "64M", "1G"). */
int num_size(const char *s, int64_t min, int64_t max, int64_t *out);

/* A time: "90", "90s", "5m", "2h", "1d"; the result is in seconds. */
int num_seconds(const char *s, int64_t min, int64_t max, int64_t *out);

/* yes/no, true/false, on/off, 1/0. 0, or -1. */
int num_bool(const char *s, bool *out);

#endif
