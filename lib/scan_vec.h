/*
 * What kernels have in common, for scan_kernel.h alone: 64 bytes made of
 * VECS registers, if the machine has none so wide, and parts that are the
 * same everywhere. A kernel with registers defines
 *
 *	vec, VECS	a register, and how many of them make 64 bytes
 *	vec_load(p), vec_store(p, v)	at any address
 *	vec_all(c)	c in each byte
 *	vec_eq(v, w), vec_ge(v, w)	true in each byte that is equal, or not
 *			less, without sign
 *	vec_low(v)	true where it is 0, or 0x80 or more
 *	vec_or(v, w)	of two such answers
 *	vec_any(v)	whether one is true in v
 *	vec_mask(v)	VECS of them as a mask
 *	vec_swap(v, c, x)	x exclusive or'd to each byte that is c
 */
#ifdef VECS

typedef struct {
	vec q[VECS];
} v64;

KERNEL v64
v64_load(const char *p)
{
	v64 v;
	int i;

#pragma GCC unroll 8
	for (i = 0; i < VECS; i++)
		v.q[i] = vec_load(p + i * (64 / VECS));
	return v;
}

KERNEL void
v64_store(char *p, v64 v)
{
	int i;

#pragma GCC unroll 8
	for (i = 0; i < VECS; i++)
		vec_store(p + i * (64 / VECS), v.q[i]);
}

KERNEL uint64_t
v64_eq(v64 v, unsigned char c)
{
	vec x = vec_all(c);
	int i;

#pragma GCC unroll 8
	for (i = 0; i < VECS; i++)
		v.q[i] = vec_eq(v.q[i], x);
	return vec_mask(v.q);
}

KERNEL uint64_t
v64_eq2(v64 v, unsigned char c, unsigned char d)
{
	vec x = vec_all(c), y = vec_all(d);
	int i;

#pragma GCC unroll 8
	for (i = 0; i < VECS; i++)
		v.q[i] = vec_or(vec_eq(v.q[i], x), vec_eq(v.q[i], y));
	return vec_mask(v.q);
}

KERNEL uint64_t
v64_ge(v64 v, unsigned char c)
{
	vec x = vec_all(c);
	int i;

#pragma GCC unroll 8
	for (i = 0; i < VECS; i++)
		v.q[i] = vec_ge(v.q[i], x);
	return vec_mask(v.q);
}

KERNEL v64
v64_swap(v64 v, unsigned char c, unsigned char d)
{
	vec x = vec_all(c), y = vec_all(c ^ d);
	int i;

#pragma GCC unroll 8
	for (i = 0; i < VECS; i++)
		v.q[i] = vec_swap(v.q[i], x, y);
	return v;
}

#ifndef OWN_RARE
typedef struct {
	vec c, d;
	bool all;
} needles;

KERNEL needles
needles_of(char c, char d)
{
	needles n = {vec_all((unsigned char)c), vec_all((unsigned char)d),
		false};

	return n;
}

KERNEL vec
vec_rare(vec v, needles n)
{
	return vec_or(vec_or(vec_low(v), vec_eq(v, vec_all('\r'))),
	    vec_or(vec_eq(v, n.c), vec_eq(v, n.d)));
}
#endif

KERNEL bool
v64_rare(v64 v, needles n)
{
	vec any = vec_rare(v.q[0], n);
	int i;

#pragma GCC unroll 8
	for (i = 1; i < VECS; i++)
		any = vec_or(any, vec_rare(v.q[i], n));
	return vec_any(any);
}
#endif

/* Bit i: whether bits 0 to i of m are odd in number. */
#ifndef OWN_PARITY
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
#endif

/* Bits of m that are set. Not by __builtin_popcountll(): without the
 * instruction it is a call. */
#ifndef OWN_COUNT
KERNEL uint64_t
count(uint64_t m)
{
	m -= m >> 1 & 0x5555555555555555ULL;
	m = (m & 0x3333333333333333ULL) + (m >> 2 & 0x3333333333333333ULL);
	m = (m + (m >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return m * 0x0101010101010101ULL >> 56;
}
#endif

/* Write from + i for each bit i of m, in order; up to 64 entries, whatever m
 * has. */
#ifndef OWN_PLACES
#ifndef OWN_PLACE
KERNEL uint64_t
place(uint32_t *at, uint64_t m, uint32_t from)
{
	/* Past the last one it does not matter what. */
	*at = from + (uint32_t)__builtin_ctzll(m | 1ULL << 63);
	return m & (m - 1);
}
#endif

KERNEL void
places(uint32_t *at, uint64_t m, uint32_t from)
{
	do {
		m = place(at + 1, place(at, m, from), from);
		m = place(at + 3, place(at + 2, m, from), from);
		m = place(at + 5, place(at + 4, m, from), from);
		m = place(at + 7, place(at + 6, m, from), from);
		at += 8;
	} while (__builtin_expect(m != 0, 0));
}
#endif

/* The widest field of each of LANES columns in n rows. The lanes behind the
 * last column hold no sense, and do no harm. */
typedef int32_t lanes __attribute__((vector_size(4 * LANES)));

KERNEL void
widest(uint32_t *most, const uint32_t *end, size_t n, size_t ncols)
{
	lanes m, x, before, more;
	size_t r;

	memset(&m, 0, sizeof(m));
	for (r = 0; r < n; r++, end += ncols) {
		memcpy(&x, end, sizeof(x));
		memcpy(&before, end - 1, sizeof(before));
		x += ~before;		/* minus it, minus 1 */
		more = x > m;
		m = (x & more) | (m & ~more);
	}
	memcpy(most, &m, sizeof(m));
}
