/*
 * The objects of a manifest as one stream of bytes: fetched side by side,
 * decompressed, handed on in the manifest's order. What the bytes mean is
 * the caller's business.
 */
#ifndef RSW_FETCH_H
#define RSW_FETCH_H

#include <stdatomic.h>
#include <stddef.h>

#include "fate.h"
#include "manifest.h"
#include "s3.h"

/* In the caller's thread. n is 0 at the end of the entry. 0, or -1 having
 * said why. */
typedef int fetch_sink(void *arg, size_t entry, const char *p, size_t n);

/* `ahead` objects are fetched at a time. FATE_OK, or having said why. The
 * sizes that the manifest tells are checked. *halt is set after a failure. */
enum fate fetch_run(struct s3 *, const struct manifest *, int ahead,
    atomic_bool *halt, fetch_sink *, void *arg);

#endif
