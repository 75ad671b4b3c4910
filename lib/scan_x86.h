/*
 * What the kernels for x86-64 have in common, from 16 bytes at a time on;
 * with OWN_COUNT also what machines with AVX2 have.
 */
#include <immintrin.h>

KERNEL uint32_t
between16(const char *p, const char *low, const char *high)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i l = _mm_loadu_si128((const __m128i *)(const void *)low);
	__m128i h = _mm_loadu_si128((const __m128i *)(const void *)high);

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(
	    _mm_min_epu8(_mm_max_epu8(v, l), h), v));
}

#ifdef OWN_COUNT
/* The carry-less product with all ones. */
#define OWN_PARITY
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

#define OWN_PLACE
KERNEL uint64_t
place(uint32_t *at, uint64_t m, uint32_t from)
{
	uint64_t i;

	__asm__("tzcnt %1, %0" : "=r"(i) : "r"(m) : "cc");
	*at = from + (uint32_t)i;
	return _blsr_u64(m);
}
#endif
