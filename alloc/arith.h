/* SPDX-License-Identifier: BSD-2-Clause */
/* arith.h - pure arithmetic on addresses: powers of two, rounding, overflow */
#ifndef KV_ARITH_H
#define KV_ARITH_H

#include <stdbool.h>
#include <stdint.h>

/* True for 1, 2, 4, ...; false for 0. */
static inline bool
kv_is_pow2(uint64_t x)
{
	return x != 0 && (x & (x - 1)) == 0;
}

/* Index of the top set bit; x > 0.  kv_log2(1) = 0, kv_log2(40) = 5. */
static inline unsigned
kv_log2(uint64_t x)
{
	return 63u - (unsigned)__builtin_clzll(x);
}

/* Least n with 2^n >= x; x > 0. */
static inline unsigned
kv_log2_ceil(uint64_t x)
{
	return x == 1 ? 0 : kv_log2(x - 1) + 1;
}

/* Round down to a multiple of align, a power of two. */
static inline uint64_t
kv_align_down(uint64_t x, uint64_t align)
{
	return x & ~(align - 1);
}

/* Round up to a multiple of align, a power of two, modulo 2^64. */
static inline uint64_t
kv_align_up(uint64_t x, uint64_t align)
{
	return (x + (align - 1)) & ~(align - 1);
}

/* *sum = a + b; false, with *sum untouched, when that is 2^64 or more. */
static inline bool
kv_add(uint64_t a, uint64_t b, uint64_t *sum)
{
	if (a > UINT64_MAX - b)
		return false;
	*sum = a + b;
	return true;
}

/* *product = a * b; false, with *product untouched, on overflow. */
static inline bool
kv_mul(uint64_t a, uint64_t b, uint64_t *product)
{
	if (b != 0 && a > UINT64_MAX / b)
		return false;
	*product = a * b;
	return true;
}

/* Greatest common divisor; kv_gcd(a, 0) = a. */
static inline uint64_t
kv_gcd(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t rem = a % b;

		a = b;
		b = rem;
	}
	return a;
}

/* *up = x rounded up to a multiple of any step > 0; false on overflow. */
static inline bool
kv_round_up(uint64_t x, uint64_t step, uint64_t *up)
{
	uint64_t rem = x % step;

	return kv_add(x, rem == 0 ? 0 : step - rem, up);
}

/* Is a multiple of boundary, a power of two, inside [start, start + size), but
 * not at its start?  size > 0; ends are taken modulo 2^64. */
static inline bool
kv_crosses(uint64_t start, uint64_t size, uint64_t boundary)
{
	return ((start ^ (start + size - 1)) & (0 - boundary)) != 0;
}

/* Do [a, a + an) and [b, b + bn) share a byte?  Ends may be 2^64. */
static inline bool
kv_overlap(uint64_t a, uint64_t an, uint64_t b, uint64_t bn)
{
	return an != 0 && bn != 0 && (a < b ? b - a < an : a - b < bn);
}

#endif
