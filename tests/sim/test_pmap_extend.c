/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pmap_extend.c - leaves over what is there, and splits that lose
 * something */
#include "pmaprig.h"

enum { W = KV_PTE_W, A = KV_PTE_A };

static struct rig rig;
static kv_va_t va;
static uint64_t page, super;

static void
start(int i, unsigned keep, enum kv_pmap_split split)
{
	size_t rows;
	struct kv_pmap_config cfg = {.format = kv_pte_table(&rows) + i,
	    .source = {rig_get, rig_put, &rig},
	    .keep = keep,
	    .split = split};

	rig = (struct rig){.f = cfg.format};
	ck_assert_int_eq(kv_pmap_create(&cfg, &rig.pmap), 0);
	va = rig_kva(&rig);
	page = rig_page(&rig);
	super = rig_super(&rig);
}

static int
extend(kv_va_t at, bool over)
{
	return kv_pmap_extend_leaf(
	    rig.pmap, at, at - va + super, 1, over, W | A);
}

/* What is there stays: a leaf, a table, a table that is empty. */
START_TEST(test_stays)
{
	start(_i, ~0u, KV_PMAP_SPLIT_EXACT);
	ck_assert_int_eq(extend(va, false), 0);
	ck_assert_uint_eq(rig_leaf(&rig, va).level, 1);
	ck_assert_int_eq(extend(va, false), EEXIST);
	ck_assert_int_eq(kv_pmap_protect(rig.pmap, va, page, 0, NULL), 0);
	ck_assert_int_eq(extend(va, false), EEXIST);
	ck_assert_uint_eq(rig_leaf(&rig, va).level, 0);
	ck_assert_uint_eq(rig_leaf(&rig, va).attr, A);
	ck_assert_int_eq(kv_pmap_remove(rig.pmap, va, super, NULL), 0);
	ck_assert_int_eq(extend(va, false), EEXIST);
	ck_assert_int_eq(extend(va + page, false), EINVAL);
	ck_assert_int_eq(
	    kv_pmap_extend_leaf(rig.pmap, va, super, 0, false, A), EINVAL);
	rig_stop(&rig);
}
END_TEST

/* What is there is lost: the leaves count no more, the table never comes back.
 */
START_TEST(test_over)
{
	start(_i, 0, KV_PMAP_SPLIT_EXACT);
	ck_assert_int_eq(extend(va, true), 0);
	ck_assert_int_eq(extend(va, true), 0);
	ck_assert_uint_eq(kv_pmap_stats(rig.pmap).leaves[1], 1);
	ck_assert_int_eq(kv_pmap_protect(rig.pmap, va, page, 0, NULL), 0);
	ck_assert_uint_eq(rig.live, kv_pmap_stats(rig.pmap).pt_pages);
	ck_assert_int_eq(extend(va, true), 0);
	ck_assert_uint_eq(rig_leaf(&rig, va).level, 1);
	ck_assert_uint_eq(rig_leaf(&rig, va).attr, W | A);
	ck_assert_uint_eq(kv_pmap_stats(rig.pmap).leaves[0], 0);
	ck_assert_uint_eq(rig.live, kv_pmap_stats(rig.pmap).pt_pages + 1);
	ck_assert_int_eq(kv_pmap_check(rig.pmap, NULL), 0);
	kv_pmap_destroy(rig.pmap);
	ck_assert_uint_eq(rig.live, 1);
	for (unsigned i = 0; i < RIG_TABLES; i++)
		free(rig.table[i]);
}
END_TEST

/* No table for the leaf: nothing changed. */
START_TEST(test_refused)
{
	start(_i, 0, KV_PMAP_SPLIT_EXACT);
	for (rig.fail_at = 2; extend(va, false) != 0; rig.fail_at++) {
		ck_assert_uint_eq(rig.live, 1);
		rig.gets = 1;
		ck_assert_uint_lt(rig.fail_at, 8);
	}
	rig_stop(&rig);
}
END_TEST

/* All pages but the last are what they were; that one is as the fault says. */
START_TEST(test_lossy_split)
{
	const enum kv_pmap_split split =
	    (enum kv_pmap_split)(_i % KV_PMAP_SPLITS);
	struct kv_leaf last;

	start(_i / KV_PMAP_SPLITS, 0, split);
	ck_assert_int_eq(extend(va, false), 0);
	ck_assert_int_eq(kv_pmap_demote(rig.pmap, va), 0);
	for (uint64_t at = 0; at < super - page; at += page) {
		ck_assert_uint_eq(rig_leaf(&rig, va + at).pa, super + at);
		ck_assert_uint_eq(rig_leaf(&rig, va + at).attr, W | A);
	}
	last = rig_leaf(&rig, va + super - page);
	ck_assert_uint_eq(last.pa,
	    2 * super - page - (split == KV_PMAP_SPLIT_FRAME ? page : 0));
	ck_assert_uint_eq(
	    last.attr, split == KV_PMAP_SPLIT_RIGHT ? A : (W | A));
	rig_stop(&rig);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pmap_extend");
	TCase *tc = tcase_create("all");
	size_t rows;

	(void)kv_pte_table(&rows);
	tcase_add_loop_test(tc, test_stays, 0, (int)rows);
	tcase_add_loop_test(tc, test_over, 0, (int)rows);
	tcase_add_loop_test(tc, test_refused, 0, (int)rows);
	tcase_add_loop_test(
	    tc, test_lossy_split, 0, KV_PMAP_SPLITS * (int)rows);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
