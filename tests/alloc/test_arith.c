/* SPDX-License-Identifier: BSD-2-Clause */
/* test_arith.c - arithmetic against the same in 128 bits, bit by bit */
#include <stdint.h>

#include "alloc/arith.h"
#include "kvtest.h"

/* ck_assert tells its parent of every call, too slow for millions. */
#define MUST_EQ(a, b) MUST((a) == (b))
#define MUST(cond) ((cond) ? (void)0 : ck_abort_msg("%s", #cond))

__extension__ typedef unsigned __int128 u128;

/*
 * Every number whose set bits are [lo, hi], give or take two: 0, the powers of
 * two, the masks, both ends of the range, and what is next to each of them.
 */
enum { NEAR = 5, EDGES = 64 * 65 / 2 * NEAR };
static uint64_t edge[EDGES];
static unsigned nedges;

static void
edges_init(void)
{
	nedges = 0;
	for (unsigned hi = 0; hi < 64; hi++)
		for (unsigned lo = 0; lo <= hi; lo++)
			for (uint64_t d = 0; d < NEAR; d++)
				edge[nedges++] =
				    (UINT64_MAX >> (63 - hi) >> lo << lo) + d -
				    NEAR / 2;
}

/* A few hundred of them, spread, for the pairs. */
enum { STRIDE = 29 };

static unsigned
bits_set(uint64_t x)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 64; i++)
		n += (unsigned)(x >> i) & 1;
	return n;
}

START_TEST(pow2_has_one_bit)
{
	for (unsigned i = 0; i < nedges; i++)
		MUST_EQ(kv_is_pow2(edge[i]), bits_set(edge[i]) == 1);
	MUST(!kv_is_pow2(0));
	MUST(kv_is_pow2(1));
	MUST(kv_is_pow2(UINT64_C(1) << 63));
	MUST(!kv_is_pow2(UINT64_MAX));
}
END_TEST

START_TEST(log2_brackets_its_argument)
{
	for (unsigned i = 0; i < nedges; i++) {
		uint64_t x = edge[i];

		if (x == 0)
			continue;
		MUST((u128)1 << kv_log2(x) <= x);
		MUST((u128)1 << (kv_log2(x) + 1) > x);
		MUST((u128)1 << kv_log2_ceil(x) >= x);
		if (kv_log2_ceil(x) > 0)
			MUST((u128)1 << (kv_log2_ceil(x) - 1) < x);
	}
	MUST_EQ(kv_log2(1), 0);
	MUST_EQ(kv_log2(40), 5);
	MUST_EQ(kv_log2(UINT64_MAX), 63);
	MUST_EQ(kv_log2_ceil(1), 0);
	MUST_EQ(kv_log2_ceil(40), 6);
	MUST_EQ(kv_log2_ceil(UINT64_MAX), 64);
}
END_TEST

START_TEST(align_is_the_nearest_multiple)
{
	uint64_t align = UINT64_C(1) << _i;

	for (unsigned i = 0; i < nedges; i++) {
		uint64_t x = edge[i];
		uint64_t down = x / align * align;
		u128 up = ((u128)x + align - 1) / align * align;

		MUST_EQ(kv_align_down(x, align), down);
		MUST_EQ(kv_align_up(x, align), (uint64_t)up);
	}
}
END_TEST

START_TEST(add_and_mul_refuse_what_does_not_fit)
{
	for (unsigned i = 0; i < nedges; i += STRIDE)
		for (unsigned j = 0; j < nedges; j += STRIDE) {
			uint64_t a = edge[i], b = edge[j];
			u128 sum = (u128)a + b, product = (u128)a * b;
			uint64_t got = ~(uint64_t)sum;

			MUST_EQ(kv_add(a, b, &got), sum >> 64 == 0);
			MUST_EQ(got,
			    sum >> 64 == 0 ? (uint64_t)sum : ~(uint64_t)sum);
			got = ~(uint64_t)product;
			MUST_EQ(kv_mul(a, b, &got), product >> 64 == 0);
			MUST_EQ(got, product >> 64 == 0 ? (uint64_t)product
							: ~(uint64_t)product);
		}
}
END_TEST

START_TEST(round_up_takes_any_step)
{
	for (unsigned i = 0; i < nedges; i += STRIDE)
		for (unsigned j = 0; j < nedges; j += STRIDE) {
			uint64_t x = edge[i], step = edge[j], got = 12345;
			u128 up;

			if (step == 0)
				continue;
			up = ((u128)x + step - 1) / step * step;
			MUST_EQ(kv_round_up(x, step, &got), up >> 64 == 0);
			MUST_EQ(got, up >> 64 == 0 ? (uint64_t)up : 12345);
		}
}
END_TEST

/* Small numbers, and the same moved to the top of the address space, where
 * the ends reach 2^64: compared with a byte-by-byte picture. */
START_TEST(overlap_shares_a_byte)
{
	enum { SPACE = 8 };
	uint64_t origin = _i == 0 ? 0 : UINT64_MAX - SPACE + 1;

	for (unsigned a = 0; a < SPACE; a++)
		for (unsigned an = 0; an <= SPACE - a; an++)
			for (unsigned b = 0; b < SPACE; b++)
				for (unsigned bn = 0; bn <= SPACE - b; bn++) {
					unsigned am = ((1u << an) - 1) << a;
					unsigned bm = ((1u << bn) - 1) << b;

					MUST_EQ(kv_overlap(origin + a, an,
						    origin + b, bn),
					    (am & bm) != 0);
				}
}
END_TEST

START_TEST(overlap_is_exact_at_any_size)
{
	for (unsigned i = 0; i < nedges; i += STRIDE)
		for (unsigned j = 0; j < nedges; j += STRIDE) {
			uint64_t a = edge[i], b = edge[j];
			uint64_t an = edge[(i * 7 + j) % nedges];
			uint64_t bn = edge[(j * 5 + i) % nedges];
			u128 aend = (u128)a + an, bend = (u128)b + bn;
			u128 lo = a > b ? a : b, hi = aend < bend ? aend : bend;

			MUST_EQ(kv_overlap(a, an, b, bn), lo < hi);
			MUST_EQ(kv_overlap(b, bn, a, an), lo < hi);
		}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("arith");
	TCase *tc = tcase_create("core");

	edges_init();
	tcase_add_test(tc, pow2_has_one_bit);
	tcase_add_test(tc, log2_brackets_its_argument);
	tcase_add_loop_test(tc, align_is_the_nearest_multiple, 0, 64);
	tcase_add_test(tc, add_and_mul_refuse_what_does_not_fit);
	tcase_add_test(tc, round_up_takes_any_step);
	tcase_add_loop_test(tc, overlap_shares_a_byte, 0, 2);
	tcase_add_test(tc, overlap_is_exact_at_any_size);
	suite_add_tcase(s, tc);
	return kv_test_main(s);
}
