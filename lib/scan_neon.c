/*
 * The kernel for 64-bit ARM: four registers of 16 bytes.
 */
#include "config.h"

#include <string.h>

#include "scan_fast.h"

#ifdef __aarch64__
#include <arm_neon.h>

#define KERNEL_TARGET
#define KERNEL static inline __attribute__((always_inline))
#define KERNEL_NAME "neon"
#define KERNEL_OBJECT scan_neon
#define LANES 4

typedef uint8x16_t vec;
#define VECS 4

KERNEL vec
vec_load(const char *p)
{
	return vld1q_u8((const uint8_t *)p);
}

KERNEL void
vec_store(char *p, vec v)
{
	vst1q_u8((uint8_t *)p, v);
}

KERNEL vec
vec_all(unsigned char c)
{
	return vdupq_n_u8(c);
}

KERNEL vec
vec_eq(vec v, vec w)
{
	return vceqq_u8(v, w);
}

KERNEL vec
vec_ge(vec v, vec w)
{
	return vcgeq_u8(v, w);
}

/* Less than 1, with a sign. */
KERNEL vec
vec_low(vec v)
{
	return vcltq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(1));
}

KERNEL vec
vec_or(vec v, vec w)
{
	return vorrq_u8(v, w);
}

KERNEL bool
vec_any(vec v)
{
	return vmaxvq_u8(v) != 0;
}

/* Each true byte keeps the bit of its place in a group of eight; three
 * rounds of adding neighbours put the groups side by side. */
KERNEL uint64_t
vec_mask(const vec *v)
{
	const vec bit = {
		1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128
	};
	vec a = vpaddq_u8(vandq_u8(v[0], bit), vandq_u8(v[1], bit));
	vec c = vpaddq_u8(vandq_u8(v[2], bit), vandq_u8(v[3], bit));

	a = vpaddq_u8(a, c);
	a = vpaddq_u8(a, a);
	return vgetq_lane_u64(vreinterpretq_u64_u8(a), 0);
}

KERNEL vec
vec_swap(vec v, vec c, vec x)
{
	return veorq_u8(v, vandq_u8(vec_eq(v, c), x));
}

KERNEL uint32_t
between16(const char *p, const char *low, const char *high)
{
	vec v[4] = {vec_load(p), vec_all(0), vec_all(0), vec_all(0)};

	v[0] = vandq_u8(vec_ge(v[0], vec_load(low)),
	    vcleq_u8(v[0], vec_load(high)));
	return (uint32_t)vec_mask(v);
}

#define OWN_COUNT
KERNEL uint64_t
count(uint64_t m)
{
	return (uint64_t)__builtin_popcountll(m);
}

#include "scan_kernel.h"
#endif
