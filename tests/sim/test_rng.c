/* SPDX-License-Identifier: BSD-2-Clause */
/* test_rng.c - the generator and the hash, by their definitions */
#include <stdlib.h>

#include "kvtest.h"
#include "run/rng.h"

/* 12345 * 6364136223846793005 + 1442695040888963407 mod 2^64, by hand in
 * halves: the product's high part is dropped. */
START_TEST(test_first_step)
{
	struct kv_rng rng = {12345};
	uint64_t a = UINT64_C(6364136223846793005), low, high, want;

	low = (a & 0xffffffff) * 12345;
	high = ((a >> 32) * 12345 + (low >> 32)) & 0xffffffff;
	want =
	    (high << 32 | (low & 0xffffffff)) + UINT64_C(1442695040888963407);
	ck_assert_uint_eq(kv_rng_next(&rng), (uint32_t)(want >> 33));
	ck_assert_uint_eq(rng.state, want);
}
END_TEST

/* The multiplier is 1 mod 4 and the increment odd: state 0 -> increment. */
START_TEST(test_zero_state)
{
	struct kv_rng rng = {0};

	ck_assert_uint_eq(
	    kv_rng_next(&rng), (uint32_t)(UINT64_C(1442695040888963407) >> 33));
}
END_TEST

/* A hash of nothing mixed is the basis; one step by the definition. */
START_TEST(test_fnv)
{
	uint64_t h = UINT64_C(14695981039346656037), value = 0x0123456789abcdef;
	const unsigned char bytes[] = {
	    0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01};
	size_t i;

	ck_assert_uint_eq(KV_FNV_BASIS, h);
	for (i = 0; i < sizeof(bytes); i++)
		h = (h ^ bytes[i]) * UINT64_C(1099511628211);
	ck_assert_uint_eq(kv_fnv_mix(KV_FNV_BASIS, value), h);
}
END_TEST

/* Streams of other names or seeds differ; the same one repeats. */
START_TEST(test_streams)
{
	struct kv_rng a = kv_rng_stream(1, "dispose");
	struct kv_rng b = kv_rng_stream(1, "dispose");
	struct kv_rng c = kv_rng_stream(1, "disposf");
	struct kv_rng d = kv_rng_stream(2, "dispose");

	ck_assert_uint_eq(a.state, b.state);
	ck_assert_uint_ne(a.state, c.state);
	ck_assert_uint_ne(a.state, d.state);
}
END_TEST

/* Every index below count turns up; none beyond it. */
START_TEST(test_below)
{
	struct kv_rng rng = kv_rng_stream(12345, "test");
	unsigned seen[7] = {0};
	int i;

	for (i = 0; i < 7000; i++) {
		size_t x = kv_rng_below(&rng, 7);

		ck_assert_uint_lt(x, 7);
		seen[x]++;
	}
	/* 1000 expected each; 200 away is seven standard deviations. */
	for (i = 0; i < 7; i++)
		ck_assert_msg(seen[i] > 800 && seen[i] < 1200,
		    "index %d came %u times", i, seen[i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rng");
	TCase *t = tcase_create("rng");

	tcase_add_test(t, test_first_step);
	tcase_add_test(t, test_zero_state);
	tcase_add_test(t, test_fnv);
	tcase_add_test(t, test_streams);
	tcase_add_test(t, test_below);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
