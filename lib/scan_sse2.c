/*
 * The kernel for every x86-64: four registers of 16 bytes.
 */
#include "config.h"

#include "scan_fast.h"

#ifdef __x86_64__
#include <emmintrin.h>

#define KERNEL_TARGET
#define KERNEL static inline __attribute__((always_inline))
#define KERNEL_NAME "sse2"
#define KERNEL_OBJECT scan_sse2

typedef struct {
	__m128i q[4];
} v64;

KERNEL v64
v64_load(const char *p)
{
	const __m128i *q = (const __m128i *)(const void *)p;
	v64 v = {{
		_mm_loadu_si128(q), _mm_loadu_si128(q + 1),
		_mm_loadu_si128(q + 2), _mm_loadu_si128(q + 3)
	}};

	return v;
}

KERNEL void
v64_store(char *p, v64 v)
{
	__m128i *q = (__m128i *)(void *)p;

	_mm_storeu_si128(q, v.q[0]);
	_mm_storeu_si128(q + 1, v.q[1]);
	_mm_storeu_si128(q + 2, v.q[2]);
	_mm_storeu_si128(q + 3, v.q[3]);
}

KERNEL uint64_t
mask(__m128i a, __m128i b, __m128i c, __m128i d)
{
	return (uint64_t)_mm_movemask_epi8(a) |
	    (uint64_t)_mm_movemask_epi8(b) << 16 |
	    (uint64_t)_mm_movemask_epi8(c) << 32 |
	    (uint64_t)_mm_movemask_epi8(d) << 48;
}

KERNEL uint64_t
v64_eq(v64 v, unsigned char c)
{
	__m128i x = _mm_set1_epi8((char)c);

	return mask(_mm_cmpeq_epi8(v.q[0], x), _mm_cmpeq_epi8(v.q[1], x),
	    _mm_cmpeq_epi8(v.q[2], x), _mm_cmpeq_epi8(v.q[3], x));
}

KERNEL uint64_t
v64_ge(v64 v, unsigned char c)
{
	__m128i x = _mm_set1_epi8((char)c);

	if (c == 0x80)
		return mask(v.q[0], v.q[1], v.q[2], v.q[3]);
	return mask(_mm_cmpeq_epi8(_mm_max_epu8(v.q[0], x), v.q[0]),
	    _mm_cmpeq_epi8(_mm_max_epu8(v.q[1], x), v.q[1]),
	    _mm_cmpeq_epi8(_mm_max_epu8(v.q[2], x), v.q[2]),
	    _mm_cmpeq_epi8(_mm_max_epu8(v.q[3], x), v.q[3]));
}

KERNEL uint64_t
v64_eq2(v64 v, unsigned char c, unsigned char d)
{
	__m128i x = _mm_set1_epi8((char)c), y = _mm_set1_epi8((char)d);
	int i;

	for (i = 0; i < 4; i++)
		v.q[i] = _mm_or_si128(_mm_cmpeq_epi8(v.q[i], x),
		    _mm_cmpeq_epi8(v.q[i], y));
	return mask(v.q[0], v.q[1], v.q[2], v.q[3]);
}

typedef struct {
	__m128i c, d;
} needles;

KERNEL needles
needles_of(char c, char d)
{
	needles n = {_mm_set1_epi8(c), _mm_set1_epi8(d)};

	return n;
}

/* Less than 10 with a sign: also all from 0x80 on. */
KERNEL __m128i
rare16(__m128i v, __m128i c, __m128i d)
{
	return _mm_or_si128(
	    _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(10)),
	    _mm_cmpeq_epi8(v, _mm_set1_epi8('\r'))),
	    _mm_or_si128(_mm_cmpeq_epi8(v, c), _mm_cmpeq_epi8(v, d)));
}

KERNEL bool
v64_rare(v64 v, needles n)
{
	return _mm_movemask_epi8(_mm_or_si128(
	    _mm_or_si128(rare16(v.q[0], n.c, n.d), rare16(v.q[1], n.c, n.d)),
	    _mm_or_si128(rare16(v.q[2], n.c, n.d), rare16(v.q[3], n.c, n.d)))) != 0;
}

KERNEL uint64_t
parity(uint64_t m)
{
	m ^= m << 1;
	m ^= m << 2;
	m ^= m << 4;
	m ^= m << 8;
	m ^= m << 16;
	return m ^ m << 32;
}

/* Not by __builtin_popcountll(): without the instruction it is a call. */
KERNEL uint64_t
count(uint64_t m)
{
	m -= m >> 1 & 0x5555555555555555ULL;
	m = (m & 0x3333333333333333ULL) + (m >> 2 & 0x3333333333333333ULL);
	m = (m + (m >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return m * 0x0101010101010101ULL >> 56;
}

KERNEL void
places(uint32_t *at, uint64_t m, uint32_t from)
{
	int i;

	do {
		for (i = 0; i < 8; i++) {
			/* Past the last one it does not matter what. */
			*at++ = from +
			    (uint32_t)__builtin_ctzll(m | 1ULL << 63);
			m &= m - 1;
		}
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
#define LANES 4

KERNEL void
widest(uint32_t *most, const uint32_t *end, size_t n, size_t ncols)
{
	__m128i m = _mm_set1_epi32(1), x, more;
	size_t r;

	for (r = 0; r < n; r++, end += ncols) {
		x = _mm_sub_epi32(
		    _mm_loadu_si128((const __m128i *)(const void *)end),
		    _mm_loadu_si128((const __m128i *)(const void *)(end - 1)));
		more = _mm_cmpgt_epi32(x, m);
		m = _mm_or_si128(_mm_and_si128(more, x),
		    _mm_andnot_si128(more, m));
	}
	_mm_storeu_si128((__m128i *)(void *)most,
	    _mm_sub_epi32(m, _mm_set1_epi32(1)));
}

#include "scan_kernel.h"
#endif
