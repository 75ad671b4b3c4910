/*
 * The kernel in plain C: eight words of 8 bytes, each byte a lane of its
 * own. Carries never leave a lane, because the highest bit is kept apart.
 */
#include "config.h"

#include <string.h>

#include "scan_fast.h"

#define KERNEL_TARGET
#define KERNEL static inline __attribute__((always_inline))
#define KERNEL_NAME "plain"
#define KERNEL_OBJECT scan_plain

#define EACH(c) (0x0101010101010101ULL * (uint64_t)(c))
#define HIGH EACH(0x80)

typedef struct {
	uint64_t w[8];
} v64;

/* The first byte in the lowest lane. */
KERNEL uint64_t
lanes(const char *p)
{
	uint64_t w;

	memcpy(&w, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

KERNEL v64
v64_load(const char *p)
{
	v64 v;
	int i;

	for (i = 0; i < 8; i++)
		v.w[i] = lanes(p + 8 * i);
	return v;
}

KERNEL void
v64_store(char *p, v64 v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	int i;

	for (i = 0; i < 8; i++)
		v.w[i] = __builtin_bswap64(v.w[i]);
#endif
	memcpy(p, v.w, 64);
}

/* The high bits of the lanes side by side. */
KERNEL uint64_t
gather(uint64_t w)
{
	return ((w & HIGH) >> 7) * 0x0102040810204080ULL >> 56;
}

/* The high bit of each lane that is 0. */
KERNEL uint64_t
zeros(uint64_t w)
{
	return ~(((w & ~HIGH) + ~HIGH) | w | ~HIGH);
}

KERNEL uint64_t
v64_eq(v64 v, unsigned char c)
{
	uint64_t m = 0;
	int i;

	for (i = 0; i < 8; i++)
		m |= gather(zeros(v.w[i] ^ EACH(c))) << (8 * i);
	return m;
}

KERNEL uint64_t
v64_eq2(v64 v, unsigned char c, unsigned char d)
{
	uint64_t m = 0;
	int i;

	for (i = 0; i < 8; i++)
		m |= gather(zeros(v.w[i] ^ EACH(c)) | zeros(v.w[i] ^ EACH(d)))
		    << (8 * i);
	return m;
}

typedef struct {
	uint64_t c, d;
} needles;

KERNEL needles
needles_of(char c, char d)
{
	needles n = {EACH((unsigned char)c), EACH((unsigned char)d)};

	return n;
}

/* Below 10: no carry to the high bit when 0x76 is added. */
KERNEL bool
v64_rare(v64 v, needles n)
{
	uint64_t m = 0, w;
	int i;

	for (i = 0; i < 8; i++) {
		w = v.w[i];
		m |= ~((w & ~HIGH) + EACH(0x76)) | w;
		m |= zeros(w ^ EACH('\r')) | zeros(w ^ n.c) | zeros(w ^ n.d);
	}
	return (m & HIGH) != 0;
}

KERNEL uint64_t
v64_ge(v64 v, unsigned char c)
{
	uint64_t m = 0;
	int i;

	for (i = 0; i < 8; i++)
		m |= gather(((v.w[i] & ~HIGH) + EACH(0x100 - c)) & v.w[i])
		    << (8 * i);
	return m;
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

/* Digits: 0x30 above, and still so when 6 is added. */
KERNEL uint32_t
digits8(const char *p)
{
	uint64_t w = lanes(p);

	return (uint32_t)gather(zeros((w & EACH(0xf0)) ^ EACH(0x30)) &
	    zeros((((w & ~HIGH) + EACH(6)) & EACH(0xf0)) ^ EACH(0x30)));
}

KERNEL uint32_t
digits16(const char *p)
{
	return digits8(p) | digits8(p + 8) << 8;
}

KERNEL uint32_t
between16(const char *p, const char *low, const char *high)
{
	uint32_t m = 0;
	int i;

	for (i = 0; i < 16; i++)
		m |= (uint32_t)(p[i] >= low[i] && p[i] <= high[i]) << i;
	return m;
}

#define LANES 1

KERNEL void
widest(uint32_t *most, const uint32_t *end, size_t n, size_t ncols)
{
	uint32_t m = 1, width;
	size_t r;

	for (r = 0; r < n; r++, end += ncols) {
		width = *end - end[-1];
		m = width > m ? width : m;
	}
	*most = m - 1;
}

#include "scan_kernel.h"
