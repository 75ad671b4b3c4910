/*
 * The kernel for x86-64 with AVX-512 (BW, VBMI2): one register of 64 bytes,
 * and comparisons that give masks at once.
 */
#include "config.h"

#include <string.h>

#include "scan_fast.h"

#ifdef __x86_64__
#define KERNEL_TARGET __attribute__((target( \
	"avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,avx2,pclmul,bmi,bmi2,popcnt")))
#define KERNEL static inline __attribute__((always_inline)) KERNEL_TARGET
#define KERNEL_NAME "avx512"
#define KERNEL_OBJECT scan_avx512
#define LANES 16
#define OWN_COUNT
#include "scan_x86.h"

typedef __m512i v64;

KERNEL v64
v64_load(const char *p)
{
	return _mm512_loadu_si512(p);
}

KERNEL void
v64_store(char *p, v64 v)
{
	_mm512_storeu_si512(p, v);
}

KERNEL uint64_t
v64_eq(v64 v, unsigned char c)
{
	return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)c));
}

KERNEL uint64_t
v64_eq2(v64 v, unsigned char c, unsigned char d)
{
	return v64_eq(v, c) | v64_eq(v, d);
}

KERNEL v64
v64_swap(v64 v, unsigned char c, unsigned char d)
{
	return _mm512_mask_blend_epi8(v64_eq(v, c), v,
	    _mm512_set1_epi8((char)d));
}

KERNEL uint64_t
v64_ge(v64 v, unsigned char c)
{
	return _mm512_cmpge_epu8_mask(v, _mm512_set1_epi8((char)c));
}

/* A table of all bytes below 0x80; the others are so by their high bit. */
typedef struct {
	__m512i low, high;
	bool all;
} needles;

KERNEL needles
needles_of(char c, char d)
{
	unsigned char t[128] = {0};
	needles n = {.all = false};

	t[0] = t['\r'] = t[c & 0x7f] = t[d & 0x7f] = 0x80;
	n.low = _mm512_loadu_si512(t);
	n.high = _mm512_loadu_si512(t + 64);
	return n;
}

KERNEL bool
v64_rare(v64 v, needles n)
{
	return _mm512_movepi8_mask(_mm512_or_si512(v,
	    _mm512_permutex2var_epi8(n.low, v, n.high))) != 0;
}

#define OWN_PLACES
KERNEL void
places(uint32_t *at, uint64_t m, uint32_t from)
{
	static const unsigned char number[64] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
		18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33,
		34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49,
		50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63
	};
	__m512i set = _mm512_maskz_compress_epi8(m,
	    _mm512_loadu_si512(number)), add;

	_mm256_storeu_si256((__m256i *)(void *)at, _mm256_add_epi32(
	    _mm256_cvtepu8_epi32(_mm512_castsi512_si128(set)),
	    _mm256_set1_epi32((int)from)));
	if (__builtin_expect(count(m) <= 8, 1))
		return;
	add = _mm512_set1_epi32((int)from);
	_mm512_storeu_si512(at, _mm512_add_epi32(add,
	    _mm512_cvtepu8_epi32(_mm512_castsi512_si128(set))));
	_mm512_storeu_si512(at + 16, _mm512_add_epi32(add,
	    _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(set, 1))));
	_mm512_storeu_si512(at + 32, _mm512_add_epi32(add,
	    _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(set, 2))));
	_mm512_storeu_si512(at + 48, _mm512_add_epi32(add,
	    _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(set, 3))));
}

#include "scan_kernel.h"
#endif
