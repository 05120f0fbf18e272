/* SPDX-License-Identifier: BSD-2-Clause */
/* test_tlb_array.c - sets and ways, and arrays one behind the other */
#include "tlbrig.h"

/* Two sets of two ways: even pages compete with even ones, the least recently
 * used goes. */
START_TEST(test_lru)
{
	struct kv_tlb *tlb = new_tlb(2, 2, 0, false);
	struct kv_pmap *pmap = new_pmap("amd64");

	map(pmap, BASE, FRAMES, 8, KV_PTE_W);
	rd(tlb, pmap, 0);
	rd(tlb, pmap, 2);
	rd(tlb, pmap, 1);
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_HIT);
	ck_assert_int_eq(rd(tlb, pmap, 4), KV_TLB_MISS); /* 2 goes */
	ck_assert_int_eq(rd(tlb, pmap, 1), KV_TLB_HIT);
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_HIT);
	ck_assert_int_eq(rd(tlb, pmap, 2), KV_TLB_MISS); /* 4 goes */
	ck_assert_int_eq(rd(tlb, pmap, 4), KV_TLB_MISS);
	ck_assert_uint_eq(kv_tlb_stats(tlb).evictions, 3);
	ck_assert_uint_eq(kv_tlb_stats(tlb).entries, 3);
	check(tlb);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(pmap);
}
END_TEST

/* A first level of two entries before a second of eight. */
START_TEST(test_two_levels)
{
	struct kv_tlb_config cfg = {
	    .arrays = {{.sets = 1, .ways = 2, .levels = 1},
		{.sets = 1, .ways = 8, .levels = 1}},
	    .narrays = 2};
	struct kv_pmap *pmap = new_pmap("amd64");
	struct kv_tlb *tlb;
	struct kv_tlb_stats s;

	ck_assert_int_eq(kv_tlb_create(&cfg, &tlb), 0);
	map(pmap, BASE, FRAMES, 4, KV_PTE_W);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(rd(tlb, pmap, i), KV_TLB_MISS);
	ck_assert_int_eq(rd(tlb, pmap, 3), KV_TLB_HIT); /* first */
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_HIT); /* second */
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_HIT); /* now first */
	s = kv_tlb_stats(tlb);
	ck_assert_uint_eq(s.misses, 4);
	ck_assert_uint_eq(s.array[0].hits, 2);
	ck_assert_uint_eq(s.array[1].hits, 1);
	ck_assert_uint_eq(s.array[0].entries, 2);
	ck_assert_uint_eq(s.array[1].entries, 4);
	ck_assert_uint_eq(s.entries, 4);
	ck_assert_uint_eq(s.reach, 4 * PAGE);
	check(tlb);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(pmap);
}
END_TEST

/* A size that no array holds is walked for every time. */
START_TEST(test_size_not_held)
{
	struct kv_tlb_config cfg = {
	    .arrays = {{.sets = 1, .ways = 0, .levels = 1}}, .narrays = 1};
	struct kv_pmap *pmap = new_pmap("amd64");
	struct kv_tlb *tlb;

	ck_assert_int_eq(kv_tlb_create(&cfg, &tlb), 0);
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(pmap, BASE, FRAMES, 1, 1, KV_PTE_W), 0);
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_MISS);
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_MISS);
	ck_assert_uint_eq(kv_tlb_stats(tlb).entries, 0);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(pmap);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tlb_array");
	TCase *tc = tcase_create("core");

	tcase_add_test(tc, test_lru);
	tcase_add_test(tc, test_two_levels);
	tcase_add_test(tc, test_size_not_held);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
