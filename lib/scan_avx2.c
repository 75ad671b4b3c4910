/*
 * The kernel for x86-64 with AVX2: two registers of 32 bytes.
 */
#include "config.h"

#include "scan_fast.h"

#ifdef __x86_64__
#include <immintrin.h>

#define KERNEL_TARGET __attribute__((target("avx2,pclmul,bmi,popcnt")))
#define KERNEL static inline __attribute__((always_inline)) KERNEL_TARGET
#define KERNEL_NAME "avx2"
#define KERNEL_OBJECT scan_avx2

typedef struct {
	__m256i lo, hi;
} v64;

KERNEL v64
v64_load(const char *p)
{
	v64 v = {
		_mm256_loadu_si256((const __m256i *)(const void *)p),
		_mm256_loadu_si256((const __m256i *)(const void *)(p + 32))
	};

	return v;
}

KERNEL void
v64_store(char *p, v64 v)
{
	_mm256_storeu_si256((__m256i *)(void *)p, v.lo);
	_mm256_storeu_si256((__m256i *)(void *)(p + 32), v.hi);
}

KERNEL uint64_t
mask(__m256i lo, __m256i hi)
{
	return (uint32_t)_mm256_movemask_epi8(lo) |
	    (uint64_t)(uint32_t)_mm256_movemask_epi8(hi) << 32;
}

KERNEL uint64_t
v64_eq(v64 v, unsigned char c)
{
	__m256i x = _mm256_set1_epi8((char)c);

	return mask(_mm256_cmpeq_epi8(v.lo, x), _mm256_cmpeq_epi8(v.hi, x));
}

KERNEL uint64_t
v64_ge(v64 v, unsigned char c)
{
	__m256i x = _mm256_set1_epi8((char)c);

	if (c == 0x80)
		return mask(v.lo, v.hi);
	return mask(_mm256_cmpeq_epi8(_mm256_max_epu8(v.lo, x), v.lo),
	    _mm256_cmpeq_epi8(_mm256_max_epu8(v.hi, x), v.hi));
}

KERNEL uint64_t
v64_eq2(v64 v, unsigned char c, unsigned char d)
{
	__m256i x = _mm256_set1_epi8((char)c), y = _mm256_set1_epi8((char)d);

	return mask(_mm256_or_si256(_mm256_cmpeq_epi8(v.lo, x),
	    _mm256_cmpeq_epi8(v.lo, y)),
	    _mm256_or_si256(_mm256_cmpeq_epi8(v.hi, x),
	    _mm256_cmpeq_epi8(v.hi, y)));
}

typedef struct {
	__m256i c, d;
} needles;

KERNEL needles
needles_of(char c, char d)
{
	needles n = {_mm256_set1_epi8(c), _mm256_set1_epi8(d)};

	return n;
}

/* Less than 10 with a sign: also all from 0x80 on. */
KERNEL __m256i
rare32(__m256i v, needles n)
{
	return _mm256_or_si256(
	    _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(10), v),
	    _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\r'))),
	    _mm256_or_si256(_mm256_cmpeq_epi8(v, n.c),
	    _mm256_cmpeq_epi8(v, n.d)));
}

KERNEL bool
v64_rare(v64 v, needles n)
{
	return _mm256_movemask_epi8(_mm256_or_si256(rare32(v.lo, n),
	    rare32(v.hi, n))) != 0;
}

/* The carry-less product with all ones. */
KERNEL uint64_t
parity(uint64_t m)
{
	return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(
	    _mm_cvtsi64_si128((long long)m), _mm_set1_epi8((char)0xff), 0));
}

/* By hand: gcc clears the register before, for the sake of old machines. */
KERNEL uint64_t
count(uint64_t m)
{
	uint64_t n;

	__asm__("popcnt %1, %0" : "=r"(n) : "r"(m) : "cc");
	return n;
}

KERNEL uint64_t
place(uint32_t *at, uint64_t m, uint32_t from)
{
	uint64_t i;

	__asm__("tzcnt %1, %0" : "=r"(i) : "r"(m) : "cc");
	*at = from + (uint32_t)i;
	return _blsr_u64(m);
}

KERNEL void
places(uint32_t *at, uint64_t m, uint32_t from)
{
	do {
		m = place(at, m, from);
		m = place(at + 1, m, from);
		m = place(at + 2, m, from);
		m = place(at + 3, m, from);
		m = place(at + 4, m, from);
		m = place(at + 5, m, from);
		m = place(at + 6, m, from);
		m = place(at + 7, m, from);
		at += 8;
	} while (__builtin_expect(m != 0, 0));
}

KERNEL uint32_t
digits16(const char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);

	v = _mm_sub_epi8(v, _mm_set1_epi8('0'));
	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(
	    _mm_min_epu8(v, _mm_set1_epi8(9)), v));
}

KERNEL uint32_t
between16(const char *p, const char *low, const char *high)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i l = _mm_loadu_si128((const __m128i *)(const void *)low);
	__m128i h = _mm_loadu_si128((const __m128i *)(const void *)high);

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(
	    _mm_min_epu8(_mm_max_epu8(v, l), h), v));
}

/* The lanes behind the last column hold no sense, and do no harm. */
#define LANES 8

KERNEL void
widest(uint32_t *most, const uint32_t *end, size_t n, size_t ncols)
{
	__m256i m = _mm256_set1_epi32(1);
	size_t r;

	for (r = 0; r < n; r++, end += ncols)
		m = _mm256_max_epu32(m, _mm256_sub_epi32(
		    _mm256_loadu_si256((const __m256i *)(const void *)end),
		    _mm256_loadu_si256((const __m256i *)(const void *)
		    (end - 1))));
	_mm256_storeu_si256((__m256i *)(void *)most,
	    _mm256_sub_epi32(m, _mm256_set1_epi32(1)));
}

#include "scan_kernel.h"
#endif
