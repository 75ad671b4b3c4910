/*
 * The kernel for x86-64 with AVX2: two registers of 32 bytes.
 */
#include "config.h"

#include <string.h>

#include "scan_fast.h"

#ifdef __x86_64__
#define KERNEL_TARGET __attribute__((target("avx2,pclmul,bmi,bmi2,popcnt")))
#define KERNEL static inline __attribute__((always_inline)) KERNEL_TARGET
#define KERNEL_NAME "avx2"
#define KERNEL_OBJECT scan_avx2
#define LANES 8
#define OWN_COUNT
#include "scan_x86.h"

typedef __m256i vec;
#define VECS 2

KERNEL vec
vec_load(const char *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

KERNEL void
vec_store(char *p, vec v)
{
	_mm256_storeu_si256((__m256i *)(void *)p, v);
}

KERNEL vec
vec_all(unsigned char c)
{
	return _mm256_set1_epi8((char)c);
}

KERNEL vec
vec_eq(vec v, vec w)
{
	return _mm256_cmpeq_epi8(v, w);
}

KERNEL vec
vec_ge(vec v, vec w)
{
	return _mm256_cmpeq_epi8(_mm256_max_epu8(v, w), v);
}

KERNEL vec
vec_or(vec v, vec w)
{
	return _mm256_or_si256(v, w);
}

KERNEL bool
vec_any(vec v)
{
	return _mm256_movemask_epi8(v) != 0;
}

KERNEL uint64_t
vec_mask(const vec *v)
{
	return (uint32_t)_mm256_movemask_epi8(v[0]) |
	    (uint64_t)(uint32_t)_mm256_movemask_epi8(v[1]) << 32;
}

KERNEL vec
vec_swap(vec v, vec c, vec x)
{
	return _mm256_xor_si256(v, _mm256_and_si256(vec_eq(v, c), x));
}

/* The lower four bits of a byte choose the one rare byte that has the same,
 * if there is one; from 0x80 on they choose 0, but the high bit tells. */
#define OWN_RARE
typedef struct {
	vec table;
	bool all;		/* two had the same place */
} needles;

KERNEL needles
needles_of(char c, char d)
{
	char t[32] = {0}, rare[3] = {'\r', c, d}, *at;
	needles n = {.all = false};
	int i;

	for (i = 0; i < 3; i++) {
		at = &t[rare[i] & 0xf];
		n.all = n.all || (*at != rare[i] &&
		    (*at != 0 || at == t) && rare[i] > 0);
		*at = *at == 0 ? rare[i] : *at;
	}
	t[0] = 0;
	memcpy(t + 16, t, 16);
	n.table = vec_load(t);
	return n;
}

KERNEL vec
vec_rare(vec v, needles n)
{
	return vec_or(v, vec_eq(v, _mm256_shuffle_epi8(n.table, v)));
}

#include "scan_kernel.h"
#endif
