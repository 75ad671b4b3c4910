/*
 * The kernel for every x86-64: four registers of 16 bytes.
 */
#include "config.h"

#include <string.h>

#include "scan_fast.h"

#ifdef __x86_64__
#define KERNEL_TARGET
#define KERNEL static inline __attribute__((always_inline))
#define KERNEL_NAME "sse2"
#define KERNEL_OBJECT scan_sse2
#define LANES 4
#include "scan_x86.h"

typedef __m128i vec;
#define VECS 4

KERNEL vec
vec_load(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

KERNEL void
vec_store(char *p, vec v)
{
	_mm_storeu_si128((__m128i *)(void *)p, v);
}

KERNEL vec
vec_all(unsigned char c)
{
	return _mm_set1_epi8((char)c);
}

KERNEL vec
vec_eq(vec v, vec w)
{
	return _mm_cmpeq_epi8(v, w);
}

KERNEL vec
vec_ge(vec v, vec w)
{
	return _mm_cmpeq_epi8(_mm_max_epu8(v, w), v);
}

/* Less than 1, with a sign. */
KERNEL vec
vec_low(vec v)
{
	return _mm_cmplt_epi8(v, vec_all(1));
}

KERNEL vec
vec_or(vec v, vec w)
{
	return _mm_or_si128(v, w);
}

KERNEL bool
vec_any(vec v)
{
	return _mm_movemask_epi8(v) != 0;
}

KERNEL uint64_t
vec_mask(const vec *v)
{
	return (uint64_t)_mm_movemask_epi8(v[0]) |
	    (uint64_t)_mm_movemask_epi8(v[1]) << 16 |
	    (uint64_t)_mm_movemask_epi8(v[2]) << 32 |
	    (uint64_t)_mm_movemask_epi8(v[3]) << 48;
}

KERNEL vec
vec_swap(vec v, vec c, vec x)
{
	return _mm_xor_si128(v, _mm_and_si128(vec_eq(v, c), x));
}

#include "scan_kernel.h"
#endif
