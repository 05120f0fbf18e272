/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pmap_edit.c - ranges that cut superpages and groups; a source that
 * refuses */
#include "pmaprig.h"

enum { W = KV_PTE_W, X = KV_PTE_X, G = KV_PTE_G, A = KV_PTE_A, M = KV_PTE_M };

static struct rig rig;
static kv_va_t va;
static uint64_t page, super;

static void
start(const char *format)
{
	rig_start(&rig, kv_pte_find(format));
	va = rig_kva(&rig);
	page = rig_page(&rig);
	super = rig_super(&rig);
}

static void
setup(void)
{
	start("amd64");
}

static void
teardown(void)
{
	rig_stop(&rig);
}

static struct kv_pmap_stats
stats(void)
{
	return kv_pmap_stats(rig.pmap);
}

/* ---- Superpages -----------------------------------------------------------
 */

START_TEST(test_remove_cuts)
{
	uint64_t done = 0;

	ck_assert_int_eq(kv_pmap_enter_leaf(rig.pmap, va, 0, 1, 3, W | G), 0);
	ck_assert_int_eq(kv_pmap_remove(rig.pmap, va + super - page,
			     super + 2 * page, &done),
	    0);
	ck_assert_uint_eq(done, super + 2 * page);
	ck_assert_uint_eq(stats().demotions, 2);
	ck_assert_uint_eq(stats().leaves[1], 0);
	ck_assert_uint_eq(stats().leaves[0], 511 + 511);
	ck_assert_uint_eq(stats().spoilers, 2);
	ck_assert(rig_hole(&rig, va + super - 1));
	ck_assert(rig_hole(&rig, va + 2 * super + page - 1));
	ck_assert_uint_eq(
	    rig_leaf(&rig, va + super - page - 1).pa, super - 2 * page);
	ck_assert_uint_eq(
	    rig_leaf(&rig, va + 2 * super + page).pa, 2 * super + page);
	ck_assert_uint_eq(rig_leaf(&rig, va).attr, W | G);
	/* whole ones go without a demotion, and their tables with them */
	ck_assert_int_eq(kv_pmap_remove(rig.pmap, va, 3 * super, &done), 0);
	ck_assert_uint_eq(stats().demotions, 2);
	ck_assert_uint_eq(stats().pt_pages, 1);
}
END_TEST

/* One page out of 1 GiB: two levels of tables. */
START_TEST(test_remove_page_of_gib)
{
	ck_assert_int_eq(kv_pmap_enter_leaf(rig.pmap, va, 0, 2, 1, W), 0);
	ck_assert_int_eq(
	    kv_pmap_remove(rig.pmap, va + 5 * super + page, page, NULL), 0);
	ck_assert_uint_eq(stats().demotions, 2);
	ck_assert_uint_eq(stats().leaves[1], 511);
	ck_assert_uint_eq(stats().leaves[0], 511);
	ck_assert_uint_eq(rig_leaf(&rig, va + 5 * super).pa, 5 * super);
}
END_TEST

START_TEST(test_protect)
{
	uint64_t done = 0;

	ck_assert_int_eq(kv_pmap_enter_leaf(rig.pmap, va, 0, 1, 1, W | G), 0);
	ck_assert_int_eq(
	    kv_pmap_qenter_run(rig.pmap, va + super, super, 2, W | G | A | M),
	    0);
	/* it has them already: no demotion */
	ck_assert_int_eq(
	    kv_pmap_protect(rig.pmap, va + page, page, W, &done), 0);
	ck_assert_uint_eq(done, page);
	ck_assert_uint_eq(stats().demotions, 0);
	/* holes are passed over; what is not W or X stays */
	ck_assert_int_eq(
	    kv_pmap_protect(rig.pmap, va + super - page, 9 * page, X, &done),
	    0);
	ck_assert_uint_eq(done, 9 * page);
	ck_assert_uint_eq(stats().demotions, 1);
	ck_assert_uint_eq(rig_leaf(&rig, va).attr, W | G);
	ck_assert_uint_eq(rig_leaf(&rig, va + super - page).attr, X | G);
	ck_assert_uint_eq(rig_leaf(&rig, va + super).attr, X | G | A | M);
	ck_assert_int_eq(
	    kv_pmap_protect(rig.pmap, va + 1, page, X, &done), EINVAL);
	ck_assert_uint_eq(done, 0);
	ck_assert_int_eq(kv_pmap_protect(rig.pmap, va, 0, X, &done), 0);
}
END_TEST

/* A base page cannot take a superpage's place, nor the other way round. */
START_TEST(test_busy)
{
	const kv_pfn_t pfn = 9;

	ck_assert_int_eq(kv_pmap_enter_leaf(rig.pmap, va, 0, 1, 1, W), 0);
	ck_assert_int_eq(
	    kv_pmap_qenter(rig.pmap, va + page, &pfn, 1, W), EBUSY);
	ck_assert_int_eq(kv_pmap_enter(rig.pmap, va + page, 0, W, 1), EBUSY);
	ck_assert_int_eq(kv_pmap_qremove(rig.pmap, va + page, 1), EBUSY);
	ck_assert_int_eq(
	    kv_pmap_qenter_run(rig.pmap, va + 2 * super, 0, 1, W), 0);
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(rig.pmap, va + super, 0, 1, 2, W), EEXIST);
	ck_assert(rig_hole(&rig, va + super));
	/* an empty table is in nobody's way */
	ck_assert_int_eq(kv_pmap_qremove(rig.pmap, va + 2 * super, 1), 0);
	ck_assert_uint_eq(stats().pt_level[0], 1);
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(rig.pmap, va + super, super, 1, 2, W), 0);
	ck_assert_uint_eq(stats().pt_level[0], 0);
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(rig.pmap, va + page, 0, 1, 1, W), EINVAL);
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(rig.pmap, va, page, 1, 1, W), EINVAL);
	ck_assert_int_eq(kv_pmap_enter_leaf(rig.pmap, va, 0, 3, 1, W), EINVAL);
	ck_assert_int_eq(kv_pmap_enter_leaf(rig.pmap, va, 0, 9, 1, W), EINVAL);
}
END_TEST

/* ---- Groups ---------------------------------------------------------------
 */

/* Cut at the front, at the back, not at all; entries stay what they were. */
START_TEST(test_group_cut)
{
	static const char *formats[] = {"arm64-4k", "riscv-sv39"};

	start(formats[_i]);
	for (unsigned g = 0; g < 4; g++)
		rig_enter(&rig, va + 16 * g * page, 16 * g * page, 16, W, 1);
	ck_assert_uint_eq(stats().grouped, 64);
	/* the back of the first, all of the second, the front of the third */
	ck_assert_int_eq(
	    kv_pmap_remove(rig.pmap, va + 15 * page, 18 * page, NULL), 0);
	ck_assert_uint_eq(stats().group_demotions, 2);
	ck_assert_uint_eq(stats().grouped, 16);
	ck_assert_uint_eq(rig_leaf(&rig, va + 14 * page).pa, 14 * page);
	ck_assert_uint_eq(rig_leaf(&rig, va + 14 * page).attr, W | A);
	ck_assert_uint_eq(rig_leaf(&rig, va + 33 * page).pa, 33 * page);
	/* a whole one changes as one */
	ck_assert_int_eq(
	    kv_pmap_protect(rig.pmap, va + 48 * page, 16 * page, 0, NULL), 0);
	ck_assert_uint_eq(
	    rig_leaf(&rig, va + 50 * page).attr, A | KV_PTE_CONTIG);
	ck_assert_uint_eq(stats().grouped, 16);
	/* what has the permissions already cuts nothing */
	ck_assert_int_eq(
	    kv_pmap_protect(rig.pmap, va + 49 * page, page, 0, NULL), 0);
	ck_assert_uint_eq(stats().grouped, 16);
	ck_assert_int_eq(kv_pmap_qremove(rig.pmap, va + 49 * page, 1), 0);
	ck_assert_uint_eq(stats().group_demotions, 3);
	ck_assert_uint_eq(rig_leaf(&rig, va + 50 * page).pa, 50 * page);
	rig_stop(&rig);
}
END_TEST

/* Where M is the write permission, it goes with W. */
START_TEST(test_modified_is_write)
{
	start("arm64-4k");
	ck_assert_int_eq(kv_pmap_qenter_run(rig.pmap, va, 0, 1, W | A), 0);
	kv_pmap_access(rig.pmap, va, true);
	ck_assert_uint_eq(rig_leaf(&rig, va).attr, W | A | M);
	ck_assert_int_eq(kv_pmap_protect(rig.pmap, va, page, 0, NULL), 0);
	ck_assert_uint_eq(rig_leaf(&rig, va).attr, A);
	ck_assert_int_eq(kv_pmap_access(rig.pmap, va, true), 0);
	ck_assert_uint_eq(rig_leaf(&rig, va).attr, A);
	ck_assert_int_eq(kv_pmap_clear(rig.pmap, va, A), 0);
	ck_assert_uint_eq(rig_leaf(&rig, va).attr, 0);
	ck_assert_int_eq(kv_pmap_access(rig.pmap, va + page, true), ENOENT);
	rig_stop(&rig);
}
END_TEST

/* ---- The source refuses ----------------------------------------------------
 */

enum what { QENTER, ENTER, LEAVES, DEMOTE, REMOVE, PROTECT, WHATS };

static int
act(enum what what, uint64_t *done)
{
	const uint64_t range = super + 2 * page;

	*done = 0;
	switch (what) {
	case QENTER: /* three tables, of which the middle one is there */
		return kv_pmap_qenter_run(
		    rig.pmap, va + 9 * super - page, 0, rig_pages(&rig) + 2, W);
	case ENTER:
		return kv_pmap_enter(rig.pmap, va + 20 * super, 0, W, 1);
	case LEAVES: /* over the edge of two tables of level 1 */
		return kv_pmap_enter_leaf(
		    rig.pmap, va + (rig_pages(&rig) - 2) * super, 0, 1, 4, W);
	case DEMOTE:
		return kv_pmap_demote(rig.pmap, va);
	case REMOVE:
		return kv_pmap_remove(rig.pmap, va + super - page, range, done);
	default:
		return kv_pmap_protect(
		    rig.pmap, va + super - page, range, 0, done);
	}
}

/* Three superpages; and far from them a page, whose table remains. */
static void
prepare(const struct kv_pte_format *f)
{
	start(f->name);
	ck_assert_int_eq(kv_pmap_enter_leaf(rig.pmap, va, 0, 1, 3, W | G), 0);
	ck_assert_int_eq(
	    kv_pmap_qenter_run(rig.pmap, va + 9 * super, 0, 1, W), 0);
	ck_assert_int_eq(kv_pmap_qremove(rig.pmap, va + 9 * super, 1), 0);
}

/* Of an operation that says how far it came, the rest is untouched and, asked
 * for again, completes. */
static void
ck_assert_prefix(enum what what, uint64_t done)
{
	const kv_va_t at = va + super - page;

	if (what == QENTER) /* any prefix: the whole is as if done at once */
		return;
	for (uint64_t i = 0; i < super + 2 * page; i += page) {
		const bool reached = i < done;

		if (what == REMOVE)
			ck_assert_int_eq(rig_hole(&rig, at + i), reached);
		else
			ck_assert_uint_eq(
			    rig_leaf(&rig, at + i).attr, reached ? G : W | G);
	}
}

START_TEST(test_refused)
{
	size_t rows;
	const struct kv_pte_format *f =
	    kv_pte_table(&rows) + (unsigned)_i / WHATS;
	const enum what what = (enum what)((unsigned)_i % WHATS);
	uint64_t done, want;
	unsigned n = 0;
	int error;

	prepare(f);
	ck_assert_int_eq(act(what, &done), 0);
	want = rig_print_leaves(&rig);
	rig_stop(&rig);
	do {
		uint64_t before;

		prepare(f);
		before = rig_print(&rig);
		rig.gets = 0;
		rig.fail_at = ++n;
		error = act(what, &done);
		rig_check(&rig);
		ck_assert(error == 0 || error == ENOSPC);
		if (error != 0 &&
		    (what == ENTER || what == LEAVES || what == DEMOTE))
			ck_assert_uint_eq(rig_print(&rig), before);
		else if (error != 0)
			ck_assert_prefix(what, done);
		if (error != 0)
			ck_assert_int_eq(act(what, &done), 0);
		ck_assert_uint_eq(rig_print_leaves(&rig), want);
		rig_stop(&rig);
	} while (error != 0);
	ck_assert_uint_ge(n, 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pmap_edit");
	TCase *tcase = tcase_create("amd64");
	TCase *all = tcase_create("all");
	size_t rows;

	(void)kv_pte_table(&rows);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_remove_cuts);
	tcase_add_test(tcase, test_remove_page_of_gib);
	tcase_add_test(tcase, test_protect);
	tcase_add_test(tcase, test_busy);
	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(all, test_group_cut, 0, 2);
	tcase_add_test(all, test_modified_is_write);
	tcase_add_loop_test(all, test_refused, 0, WHATS * (int)rows);
	suite_add_tcase(suite, all);
	return kv_test_main(suite);
}
