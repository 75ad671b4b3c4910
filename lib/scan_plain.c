/*
 * The kernel in plain C: eight words of 8 bytes, each byte a lane of its
 * own. Carries never leave a lane, because the highest bit is kept apart; it
 * alone tells what is true.
 */
#include "config.h"

#include <string.h>

#include "scan_fast.h"

#define KERNEL_TARGET
#define KERNEL static inline __attribute__((always_inline))
#define KERNEL_NAME "plain"
#define KERNEL_OBJECT scan_plain
#define LANES 1

typedef uint64_t vec;
#define VECS 8

KERNEL vec
vec_all(unsigned char c)
{
	return 0x0101010101010101ULL * c;
}
#define HIGH vec_all(0x80)

/* The first byte in the lowest lane. */
KERNEL vec
vec_load(const char *p)
{
	vec v;

	memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

KERNEL void
vec_store(char *p, vec v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	memcpy(p, &v, 8);
}

KERNEL vec
vec_eq(vec v, vec w)
{
	v ^= w;
	return ~(((v & ~HIGH) + ~HIGH) | v | ~HIGH);
}

/* Only for w from 0x80 on. */
KERNEL vec
vec_ge(vec v, vec w)
{
	return ((v & ~HIGH) + (vec_all(0x80) - (w & ~HIGH))) & v;
}

KERNEL vec
vec_low(vec v)
{
	return ~((v & ~HIGH) + ~HIGH) | v;
}

KERNEL vec
vec_or(vec v, vec w)
{
	return v | w;
}

KERNEL bool
vec_any(vec v)
{
	return (v & HIGH) != 0;
}

KERNEL uint64_t
vec_mask(const vec *v)
{
	uint64_t m = 0;
	int i;

	/* The high bits of the lanes side by side. */
#pragma GCC unroll 8
	for (i = 0; i < 8; i++)
		m |= ((v[i] & HIGH) >> 7) * 0x0102040810204080ULL >> 56
		    << (8 * i);
	return m;
}

KERNEL vec
vec_swap(vec v, vec c, vec x)
{
	return v ^ (vec_eq(v, c) >> 7) * (x & 0xff);
}

KERNEL uint32_t
between16(const char *p, const char *low, const char *high)
{
	uint32_t m = 0;
	int i;

#pragma GCC unroll 16
	for (i = 0; i < 16; i++)
		m |= (uint32_t)(p[i] >= low[i] && p[i] <= high[i]) << i;
	return m;
}

#include "scan_kernel.h"
