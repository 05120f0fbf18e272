/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pmap_promote.c - when superpages and groups form, and when not */
#include "pmaprig.h"

enum { W = KV_PTE_W, G = KV_PTE_G, A = KV_PTE_A, M = KV_PTE_M };

static struct rig rig;
static kv_va_t va;
static kv_pa_t pa;

static void
start(const struct kv_pte_format *f)
{
	rig_start(&rig, f);
	va = rig_kva(&rig);
	pa = 4 * rig_super(&rig);
}

static void
start_row(int i)
{
	size_t count;

	start(kv_pte_table(&count) + i);
}

static struct kv_pmap_stats
stats(void)
{
	return kv_pmap_stats(rig.pmap);
}

/* ---- Superpages -----------------------------------------------------------
 */

/* The last page of a reservation makes it full: one leaf; and back. */
START_TEST(test_round_trip)
{
	unsigned n;

	start_row(_i);
	n = rig_pages(&rig);
	rig_enter(&rig, va, pa, n, W | G, rig_full(&rig));
	ck_assert_uint_eq(stats().promotions, 1);
	ck_assert_uint_eq(stats().p_failures, 0);
	ck_assert_uint_eq(stats().leaves[0], 0);
	ck_assert_uint_eq(stats().leaves[1], 1);
	ck_assert_uint_eq(stats().pt_level[0], 0);
	ck_assert_uint_eq(stats().grouped, 0);
	for (unsigned i = 0; i < n; i += 37) {
		const struct kv_leaf leaf =
		    rig_leaf(&rig, va + i * rig_page(&rig));

		ck_assert_uint_eq(leaf.va, va);
		ck_assert_uint_eq(leaf.pa, pa);
		ck_assert_uint_eq(leaf.level, 1);
		ck_assert_uint_eq(leaf.attr, W | G | A);
	}
	rig_check(&rig);
	ck_assert_int_eq(kv_pmap_demote(rig.pmap, va + 5), 0);
	ck_assert_uint_eq(stats().demotions, 1);
	ck_assert_uint_eq(stats().leaves[0], n);
	for (unsigned i = 0; i < n; i++) {
		const struct kv_leaf leaf =
		    rig_leaf(&rig, va + i * rig_page(&rig));

		ck_assert_uint_eq(leaf.pa, pa + i * rig_page(&rig));
		ck_assert_uint_eq(leaf.level, 0);
		ck_assert_uint_eq(leaf.attr, W | G | A);
	}
	ck_assert_int_eq(kv_pmap_promote(rig.pmap, va), 0);
	ck_assert_uint_eq(stats().promotions, 2);
	rig_stop(&rig);
}
END_TEST

/* qenter fills the table with all that promotion asks for: nothing forms. */
START_TEST(test_qenter_never)
{
	start_row(_i);
	ck_assert_int_eq(
	    kv_pmap_qenter_run(rig.pmap, va, pa, rig_pages(&rig), W | G | A),
	    0);
	ck_assert_uint_eq(stats().leaves[0], rig_pages(&rig));
	ck_assert_uint_eq(stats().grouped, 0);
	ck_assert_uint_eq(stats().promotions + stats().group_promotions, 0);
	ck_assert_uint_eq(stats().p_failures + stats().group_p_failures, 0);
	rig_stop(&rig);
}
END_TEST

/* Each cause, by one page that is not like the others. */
START_TEST(test_causes)
{
	static const enum kv_pmap_cause causes[] = {KV_PMAP_HOLE,
	    KV_PMAP_FRAMES, KV_PMAP_FRAMES, KV_PMAP_ATTRIBUTE, KV_PMAP_ACCESSED,
	    KV_PMAP_ACCESSED, KV_PMAP_ACCESSED, KV_PMAP_HOLE};
	const unsigned format = (unsigned)_i / 8, how = (unsigned)_i % 8;
	kv_va_t odd;
	unsigned n;

	start_row((int)format);
	n = rig_pages(&rig);
	odd = va + (n - 3) * rig_page(&rig);
	if (how == 2) /* consecutive, but not from an aligned frame */
		pa += rig_page(&rig);
	ck_assert_int_eq(
	    kv_pmap_qenter_run(rig.pmap, va, pa, n, W | (how == 5 ? 0 : A)), 0);
	pa += (n - 3) * rig_page(&rig);
	if (how == 0 || how == 7)
		kv_pmap_qremove(rig.pmap, odd, 1);
	if (how == 1 || how == 7)
		kv_pmap_qenter_run(rig.pmap, va, pa + rig_page(&rig), 1, W | A);
	if (how == 3)
		kv_pmap_qenter_run(rig.pmap, odd, pa, 1, A);
	if (how == 4)
		kv_pmap_clear(rig.pmap, odd, A);
	if (how == 6)
		kv_pmap_access(rig.pmap, odd, true);
	ck_assert_int_eq(kv_pmap_promote(rig.pmap, va), EAGAIN);
	ck_assert_uint_eq(stats().p_failures, 1);
	ck_assert_uint_eq(stats().causes[causes[how]], 1);
	ck_assert_uint_eq(stats().promotions, 0);
	rig_stop(&rig);
}
END_TEST

/* The kernel's pmap tries even where the table cannot be full. */
START_TEST(test_considered)
{
	start(kv_pte_find("amd64"));
	rig_enter(&rig, va, pa, 3, W, 1);
	ck_assert_uint_eq(stats().causes[KV_PMAP_HOLE], 1);
	rig_enter(&rig, va, pa, 3, W, 0);
	ck_assert_uint_eq(stats().p_failures, 1);
	rig_stop(&rig);
}
END_TEST

/* 512 leaves of 2 MiB become one of 1 GiB, and go down two levels. */
START_TEST(test_gib)
{
	const uint64_t gib = UINT64_C(1) << 30;

	start(kv_pte_find("amd64"));
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(rig.pmap, va, gib, 1, 512, W | A), 0);
	ck_assert_uint_eq(stats().mappings, 512);
	ck_assert_int_eq(kv_pmap_promote(rig.pmap, va + gib - 1), 0);
	ck_assert_uint_eq(stats().leaves[2], 1);
	ck_assert_uint_eq(rig_leaf(&rig, va + 5).level, 2);
	ck_assert_int_eq(kv_pmap_demote(rig.pmap, va), 0);
	ck_assert_int_eq(kv_pmap_demote(rig.pmap, va + gib - 1), 0);
	ck_assert_uint_eq(stats().leaves[1], 511);
	ck_assert_uint_eq(stats().leaves[0], 512);
	ck_assert_uint_eq(
	    rig_leaf(&rig, va + gib - 1).pa, 2 * gib - rig_page(&rig));
	/* a table among the leaves is no leaf */
	ck_assert_int_eq(kv_pmap_promote(rig.pmap, va), EAGAIN);
	ck_assert_uint_eq(stats().causes[KV_PMAP_HOLE], 1);
	rig_stop(&rig);
}
END_TEST

START_TEST(test_nothing)
{
	start(kv_pte_find("arm64-16k"));
	ck_assert_int_eq(kv_pmap_promote(rig.pmap, va), ENOENT);
	ck_assert_int_eq(kv_pmap_demote(rig.pmap, va), ENOENT);
	ck_assert_int_eq(kv_pmap_promote(rig.pmap, 0), EINVAL);
	ck_assert_int_eq(kv_pmap_demote(rig.pmap, 0), EINVAL);
	rig_enter(&rig, va, pa, 1, W, 0);
	ck_assert_int_eq(kv_pmap_demote(rig.pmap, va), ENOENT);
	/* no blocks of 64 GiB with this granule */
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(rig.pmap, va + rig_super(&rig), pa, 1, 1, W), 0);
	ck_assert_int_eq(
	    kv_pmap_promote(rig.pmap, va + rig_super(&rig)), EINVAL);
	ck_assert_uint_eq(stats().p_failures, 0);
	rig_stop(&rig);
}
END_TEST

/* ---- Groups ---------------------------------------------------------------
 */

static const struct {
	const char *format;
	unsigned pages, blocks; /* of a group; 0 = none */
	unsigned psind;		/* of a page of a full sub-block */
} groups[] = {{"arm64-4k", 16, 16, 1}, {"arm64-16k", 128, 32, 1},
    {"arm64-64k", 32, 32, 0}, {"riscv-sv39", 16, 0, 0},
    {"riscv-sv48", 16, 0, 0}};

/* The second group of a table: a full sub-block, no attempt at a superpage
 * where a sub-block is less than the reservation. */
START_TEST(test_group)
{
	unsigned n = groups[_i].pages;
	kv_va_t at;

	start(kv_pte_find(groups[_i].format));
	at = va + n * rig_page(&rig);
	rig_enter(&rig, at, pa, n, W, 1);
	ck_assert_uint_eq(stats().group_promotions, 1);
	ck_assert_uint_eq(stats().grouped, n);
	ck_assert_uint_eq(stats().p_failures, groups[_i].psind != 0 ? 0 : 1);
	for (unsigned i = 0; i < n; i++) {
		const struct kv_leaf leaf =
		    rig_leaf(&rig, at + i * rig_page(&rig));

		ck_assert_uint_eq(leaf.va, at + i * rig_page(&rig));
		ck_assert_uint_eq(leaf.pa, pa + i * rig_page(&rig));
		ck_assert_uint_eq(leaf.attr, W | A | KV_PTE_CONTIG);
	}
	/* the same again changes nothing */
	rig_enter(&rig, at, pa, n, W, 1);
	ck_assert_uint_eq(stats().group_promotions, 1);
	ck_assert_uint_eq(stats().group_demotions, 0);
	/* another frame in it ends it */
	rig_enter(&rig, at + rig_page(&rig), pa, 1, W, 0);
	ck_assert_uint_eq(stats().group_demotions, 1);
	ck_assert_uint_eq(stats().grouped, 0);
	ck_assert_uint_eq(rig_leaf(&rig, at).attr, W | A);
	ck_assert_uint_eq(rig_leaf(&rig, at).pa, pa);
	rig_stop(&rig);
}
END_TEST

/* Frames that start in the middle of a group, a hole: none forms. */
START_TEST(test_no_group)
{
	unsigned n = groups[_i].pages;

	start(kv_pte_find(groups[_i].format));
	rig_enter(&rig, va, pa + rig_page(&rig), n, W, 1);
	ck_assert_uint_eq(stats().group_p_failures, 1);
	rig_enter(
	    &rig, va + (n + 1) * rig_page(&rig), pa + rig_page(&rig), 1, W, 1);
	ck_assert_uint_eq(stats().group_p_failures, 2);
	ck_assert_uint_eq(stats().grouped, 0);
	rig_stop(&rig);
}
END_TEST

/* Blocks promoted one after the other make a group one level up. */
START_TEST(test_block_group)
{
	unsigned n = groups[_i].blocks;

	start(kv_pte_find(groups[_i].format));
	pa = n * rig_super(&rig);
	ck_assert_int_eq(
	    kv_pmap_qenter_run(rig.pmap, va, pa, n * rig_pages(&rig), W | A),
	    0);
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(
		    kv_pmap_promote(rig.pmap, va + i * rig_super(&rig)), 0);
	ck_assert_uint_eq(stats().group_promotions, 1);
	ck_assert_uint_eq(stats().group_p_failures, n - 1);
	ck_assert_uint_eq(stats().grouped, 0); /* base leaves alone */
	ck_assert_uint_eq(rig_leaf(&rig, va).attr, W | A | KV_PTE_CONTIG);
	rig_check(&rig);
	ck_assert_int_eq(kv_pmap_demote(rig.pmap, va + rig_super(&rig)), 0);
	ck_assert_uint_eq(stats().group_demotions, 1);
	ck_assert_uint_eq(rig_leaf(&rig, va).attr, W | A);
	ck_assert_uint_eq(
	    rig_leaf(&rig, va + rig_super(&rig)).pa, pa + rig_super(&rig));
	rig_stop(&rig);
}
END_TEST

/* Groups stand in no superpage's way. */
START_TEST(test_groups_promote)
{
	unsigned n = groups[_i].pages;

	start(kv_pte_find(groups[_i].format));
	for (unsigned i = 0; i < rig_pages(&rig); i += n)
		rig_enter(&rig, va + i * rig_page(&rig),
		    pa + i * rig_page(&rig), n, W,
		    i + n == rig_pages(&rig) ? rig_full(&rig)
					     : groups[_i].psind);
	ck_assert_uint_eq(stats().promotions, 1);
	ck_assert_uint_eq(stats().grouped, 0);
	ck_assert_uint_eq(rig_leaf(&rig, va).attr, W | A);
	rig_stop(&rig);
}
END_TEST

/* ---- Spoiler holes --------------------------------------------------------
 */

/* metrics.md 12: aligned ranges with exactly one page missing. */
START_TEST(test_spoilers)
{
	unsigned n;

	start_row(_i);
	n = rig_pages(&rig);
	kv_pmap_qenter_run(rig.pmap, va, pa, n - 1, W);
	ck_assert_uint_eq(stats().spoilers, 1);
	kv_pmap_qenter_run(rig.pmap, va + (n - 1) * rig_page(&rig), pa, 1, W);
	ck_assert_uint_eq(stats().spoilers, 0);
	kv_pmap_qremove(rig.pmap, va + 7 * rig_page(&rig), 1);
	ck_assert_uint_eq(stats().spoilers, 1);
	kv_pmap_qremove(rig.pmap, va + 9 * rig_page(&rig), 1);
	ck_assert_uint_eq(stats().spoilers, 0);
	rig_stop(&rig);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pmap_promote");
	TCase *tcase = tcase_create("pmap_promote");
	size_t rows;

	(void)kv_pte_table(&rows);
	tcase_add_loop_test(tcase, test_round_trip, 0, (int)rows);
	tcase_add_loop_test(tcase, test_qenter_never, 0, (int)rows);
	tcase_add_loop_test(tcase, test_causes, 0, 8 * (int)rows);
	tcase_add_test(tcase, test_considered);
	tcase_add_test(tcase, test_gib);
	tcase_add_test(tcase, test_nothing);
	tcase_add_loop_test(tcase, test_group, 0, 5);
	tcase_add_loop_test(tcase, test_no_group, 0, 5);
	tcase_add_loop_test(tcase, test_block_group, 0, 3);
	tcase_add_loop_test(tcase, test_groups_promote, 0, 5);
	tcase_add_loop_test(tcase, test_spoilers, 0, (int)rows);
	suite_add_tcase(suite, tcase);
	return kv_test_main(suite);
}
