/* SPDX-License-Identifier: BSD-2-Clause */
/* bitmap.h - runs of bits in an array of 64-bit words, bit 0 lowest */
#ifndef KV_BITMAP_H
#define KV_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

/* Bits [bit, bit + n) of one word; bit + n <= 64, n > 0. */
static inline uint64_t
kv_bits_mask(unsigned bit, unsigned n)
{
	return (UINT64_MAX >> (64 - n)) << bit;
}

/* How many bits from bit on, at most n, lie in bit's word. */
static inline unsigned
kv_bits_step(unsigned bit, unsigned n)
{
	unsigned room = 64 - bit % 64;

	return n < room ? n : room;
}

static inline bool
kv_bit_test(const uint64_t *map, unsigned bit)
{
	return (map[bit / 64] >> bit % 64 & 1) != 0;
}

/* Set (clear) bits [bit, bit + n). */
static inline void
kv_bits_set(uint64_t *map, unsigned bit, unsigned n)
{
	for (unsigned step; n != 0; bit += step, n -= step) {
		step = kv_bits_step(bit, n);
		map[bit / 64] |= kv_bits_mask(bit % 64, step);
	}
}

static inline void
kv_bits_clear(uint64_t *map, unsigned bit, unsigned n)
{
	for (unsigned step; n != 0; bit += step, n -= step) {
		step = kv_bits_step(bit, n);
		map[bit / 64] &= ~kv_bits_mask(bit % 64, step);
	}
}

/* Are all bits of [bit, bit + n) clear (set)? */
static inline bool
kv_bits_none(const uint64_t *map, unsigned bit, unsigned n)
{
	for (unsigned step; n != 0; bit += step, n -= step) {
		step = kv_bits_step(bit, n);
		if ((map[bit / 64] & kv_bits_mask(bit % 64, step)) != 0)
			return false;
	}
	return true;
}

static inline bool
kv_bits_all(const uint64_t *map, unsigned bit, unsigned n)
{
	for (unsigned step; n != 0; bit += step, n -= step) {
		uint64_t mask;

		step = kv_bits_step(bit, n);
		mask = kv_bits_mask(bit % 64, step);
		if ((map[bit / 64] & mask) != mask)
			return false;
	}
	return true;
}

/* First bit >= from that equals value, or size; size a multiple of 64. */
static inline unsigned
kv_bits_find(const uint64_t *map, unsigned size, unsigned from, bool value)
{
	while (from < size) {
		uint64_t word = value ? map[from / 64] : ~map[from / 64];

		word >>= from % 64;
		if (word != 0)
			return from + (unsigned)__builtin_ctzll(word);
		from = (from | 63) + 1;
	}
	return size;
}

/* Last set bit < end, or end when there is none. */
static inline unsigned
kv_bits_last(const uint64_t *map, unsigned end)
{
	for (unsigned bit = end; bit != 0; bit = (bit - 1) / 64 * 64) {
		unsigned top = (bit - 1) % 64;
		uint64_t word = map[(bit - 1) / 64] << (63 - top);

		if (word != 0)
			return bit - 1 - (unsigned)__builtin_clzll(word);
	}
	return end;
}

#endif
