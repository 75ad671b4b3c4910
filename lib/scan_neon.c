/*
 * The kernel for 64-bit ARM: four registers of 16 bytes.
 */
#include "config.h"

#include "scan_fast.h"

#ifdef __aarch64__
#include <arm_neon.h>

#define KERNEL_TARGET
#define KERNEL static inline __attribute__((always_inline))
#define KERNEL_NAME "neon"
#define KERNEL_OBJECT scan_neon

typedef struct {
	uint8x16_t q[4];
} v64;

KERNEL v64
v64_load(const char *p)
{
	const uint8_t *q = (const uint8_t *)p;
	v64 v = {{
		vld1q_u8(q), vld1q_u8(q + 16), vld1q_u8(q + 32),
		vld1q_u8(q + 48)
	}};

	return v;
}

KERNEL void
v64_store(char *p, v64 v)
{
	uint8_t *q = (uint8_t *)p;

	vst1q_u8(q, v.q[0]);
	vst1q_u8(q + 16, v.q[1]);
	vst1q_u8(q + 32, v.q[2]);
	vst1q_u8(q + 48, v.q[3]);
}

/* Each true byte keeps the bit of its place in a group of eight; three
 * rounds of adding neighbours put the groups side by side. */
KERNEL uint64_t
mask(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
	const uint8x16_t bit = {
		1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128
	};

	a = vpaddq_u8(vandq_u8(a, bit), vandq_u8(b, bit));
	c = vpaddq_u8(vandq_u8(c, bit), vandq_u8(d, bit));
	a = vpaddq_u8(a, c);
	a = vpaddq_u8(a, a);
	return vgetq_lane_u64(vreinterpretq_u64_u8(a), 0);
}

KERNEL uint64_t
v64_eq(v64 v, unsigned char c)
{
	uint8x16_t x = vdupq_n_u8(c);

	return mask(vceqq_u8(v.q[0], x), vceqq_u8(v.q[1], x),
	    vceqq_u8(v.q[2], x), vceqq_u8(v.q[3], x));
}

KERNEL uint64_t
v64_ge(v64 v, unsigned char c)
{
	uint8x16_t x = vdupq_n_u8(c);

	return mask(vcgeq_u8(v.q[0], x), vcgeq_u8(v.q[1], x),
	    vcgeq_u8(v.q[2], x), vcgeq_u8(v.q[3], x));
}

KERNEL uint64_t
v64_eq2(v64 v, unsigned char c, unsigned char d)
{
	uint8x16_t x = vdupq_n_u8(c), y = vdupq_n_u8(d);
	int i;

	for (i = 0; i < 4; i++)
		v.q[i] = vorrq_u8(vceqq_u8(v.q[i], x), vceqq_u8(v.q[i], y));
	return mask(v.q[0], v.q[1], v.q[2], v.q[3]);
}

typedef struct {
	uint8x16_t c, d;
} needles;

KERNEL needles
needles_of(char c, char d)
{
	needles n = {vdupq_n_u8((uint8_t)c), vdupq_n_u8((uint8_t)d)};

	return n;
}

/* Less than 10 with a sign: also all from 0x80 on. */
KERNEL uint8x16_t
rare16(uint8x16_t v, uint8x16_t c, uint8x16_t d)
{
	return vorrq_u8(vorrq_u8(
	    vcltq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(10)),
	    vceqq_u8(v, vdupq_n_u8('\r'))),
	    vorrq_u8(vceqq_u8(v, c), vceqq_u8(v, d)));
}

KERNEL bool
v64_rare(v64 v, needles n)
{
	return vmaxvq_u8(vorrq_u8(
	    vorrq_u8(rare16(v.q[0], n.c, n.d), rare16(v.q[1], n.c, n.d)),
	    vorrq_u8(rare16(v.q[2], n.c, n.d), rare16(v.q[3], n.c, n.d)))) != 0;
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

KERNEL uint64_t
count(uint64_t m)
{
	return (uint64_t)__builtin_popcountll(m);
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
	uint8x16_t v = vsubq_u8(vld1q_u8((const uint8_t *)p), vdupq_n_u8('0'));
	uint8x16_t zero = vdupq_n_u8(0);

	return (uint32_t)mask(vcleq_u8(v, vdupq_n_u8(9)), zero, zero, zero);
}

KERNEL uint32_t
between16(const char *p, const char *low, const char *high)
{
	uint8x16_t v = vld1q_u8((const uint8_t *)p), zero = vdupq_n_u8(0);

	return (uint32_t)mask(vandq_u8(
	    vcgeq_u8(v, vld1q_u8((const uint8_t *)low)),
	    vcleq_u8(v, vld1q_u8((const uint8_t *)high))), zero, zero, zero);
}

/* The lanes behind the last column hold no sense, and do no harm. */
#define LANES 4

KERNEL void
widest(uint32_t *most, const uint32_t *end, size_t n, size_t ncols)
{
	uint32x4_t m = vdupq_n_u32(1);
	size_t r;

	for (r = 0; r < n; r++, end += ncols)
		m = vmaxq_u32(m, vsubq_u32(vld1q_u32(end),
		    vld1q_u32(end - 1)));
	vst1q_u32(most, vsubq_u32(m, vdupq_n_u32(1)));
}

#include "scan_kernel.h"
#endif
