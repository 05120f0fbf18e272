/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pmap_keep.c - tables that stay when they are empty, or that edits
 * promote; every format */
#include "pmaprig.h"

enum { W = KV_PTE_W, A = KV_PTE_A, ALL = ~0 };

static struct rig rig;
static kv_va_t va;
static uint64_t page, super;

static void
start(const struct kv_pte_format *f, unsigned keep, bool repromote)
{
	struct kv_pmap_config cfg = {.format = f,
	    .source = {rig_get, rig_put, &rig},
	    .store = rig_store,
	    .store_arg = &rig,
	    .keep = keep,
	    .repromote = repromote};

	rig = (struct rig){.f = f};
	ck_assert_int_eq(kv_pmap_create(&cfg, &rig.pmap), 0);
	va = rig_kva(&rig);
	page = rig_page(&rig);
	super = rig_super(&rig);
}

static const struct kv_pte_format *
format(int i)
{
	size_t rows;

	return kv_pte_table(&rows) + i;
}

static struct kv_pmap_stats
stats(void)
{
	return kv_pmap_stats(rig.pmap);
}

/* A table that was made is there for ever, and is used again. */
START_TEST(test_kept)
{
	start(format(_i), (unsigned)ALL, false);
	ck_assert_int_eq(kv_pmap_grow(rig.pmap, va, page, 1), 0);
	ck_assert_uint_eq(rig.live, rig.f->levels - 1);
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(rig.pmap, va, super, 1, 1, W | A), 0);
	ck_assert_uint_eq(rig.live, rig.f->levels - 1);
	ck_assert_int_eq(
	    kv_pmap_protect(rig.pmap, va + page, page, 0, NULL), 0);
	ck_assert_int_eq(kv_pmap_remove(rig.pmap, va, super, NULL), 0);
	ck_assert_uint_eq(rig.live, rig.f->levels);
	ck_assert_uint_eq(stats().leaves[0], 0);
	/* the same leaf again: base pages, without a draw */
	rig.fail_at = rig.gets + 1;
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(rig.pmap, va, super, 1, 1, W | A), 0);
	ck_assert_uint_eq(stats().leaves[0], rig_pages(&rig));
	ck_assert_uint_eq(stats().leaves[1], 0);
	ck_assert_uint_eq(stats().mappings, 1);
	ck_assert_uint_eq(rig_leaf(&rig, va + 7 * page).pa, super + 7 * page);
	ck_assert_uint_eq(rig_leaf(&rig, va).attr, W | A);
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(rig.pmap, va, super, 1, 1, W | A), EEXIST);
	rig_check(&rig);
	/* what is protected as a whole is not put together again */
	ck_assert_int_eq(kv_pmap_protect(rig.pmap, va, super, 0, NULL), 0);
	ck_assert_uint_eq(stats().leaves[0], rig_pages(&rig));
	ck_assert_uint_eq(stats().demotions, 1);
	rig_stop(&rig);
}
END_TEST

/* Only the lowest tables go. */
START_TEST(test_upper_kept)
{
	start(format(_i), ~1u, false);
	rig_enter(&rig, va, 0, 2, W, 0);
	ck_assert_uint_eq(rig.live, rig.f->levels);
	ck_assert_int_eq(kv_pmap_remove(rig.pmap, va, page, NULL), 0);
	ck_assert_uint_eq(rig.live, rig.f->levels);
	ck_assert_int_eq(kv_pmap_remove(rig.pmap, va + page, page, NULL), 0);
	ck_assert_uint_eq(rig.live, rig.f->levels - 1);
	rig_stop(&rig);
}
END_TEST

/* A table that protect leaves uniform is a superpage again. */
START_TEST(test_repromote)
{
	start(format(_i), ~1u, true);
	ck_assert_int_eq(kv_pmap_enter_leaf(rig.pmap, va, 0, 1, 3, W | A), 0);
	ck_assert_int_eq(
	    kv_pmap_protect(rig.pmap, va + super - page, 2 * page, 0, NULL), 0);
	ck_assert_uint_eq(stats().demotions, 2);
	ck_assert_uint_eq(stats().leaves[1], 1);
	ck_assert_uint_eq(stats().p_failures, 2);
	ck_assert_uint_eq(stats().causes[KV_PMAP_ATTRIBUTE], 2);
	ck_assert_int_eq(
	    kv_pmap_protect(rig.pmap, va + super, page, W, NULL), 0);
	ck_assert_uint_eq(stats().leaves[1], 2);
	ck_assert_uint_eq(stats().promotions, 1);
	/* not where a page is missing */
	ck_assert_int_eq(kv_pmap_remove(rig.pmap, va, page, NULL), 0);
	ck_assert_int_eq(
	    kv_pmap_protect(rig.pmap, va + super - page, page, W, NULL), 0);
	ck_assert_uint_eq(stats().leaves[1], 2);
	/* whole tables in the middle as well */
	ck_assert_int_eq(kv_pmap_remove(rig.pmap, va, super, NULL), 0);
	ck_assert_int_eq(
	    kv_pmap_protect(rig.pmap, va + super, 2 * super, 0, NULL), 0);
	ck_assert_int_eq(
	    kv_pmap_protect(rig.pmap, va + 2 * super - page, 2 * page, W, NULL),
	    0);
	ck_assert_uint_eq(stats().leaves[1], 0);
	ck_assert_int_eq(
	    kv_pmap_protect(rig.pmap, va + super, 2 * super, W, NULL), 0);
	ck_assert_uint_eq(stats().leaves[1], 2);
	ck_assert_uint_eq(rig.live, rig.f->levels - 1);
	rig_stop(&rig);
}
END_TEST

enum { GROW, LEAVES, PAGES, PROTECT, REMOVE, WHATS };

static int
act(int what, uint64_t *done)
{
	switch (what) {
	case GROW:
		return kv_pmap_grow(rig.pmap, va, 3 * super, 0);
	case LEAVES:
		return kv_pmap_enter_leaf(
		    rig.pmap, va + 4 * super, 0, 1, 2, W | A);
	case PAGES:
		return kv_pmap_enter(rig.pmap, va + 4 * super, 0, W, 0);
	case PROTECT:
		return kv_pmap_protect(
		    rig.pmap, va + super - page, super + 2 * page, 0, done);
	default:
		return kv_pmap_remove(
		    rig.pmap, va + super - page, super + 2 * page, done);
	}
}

/* The n-th draw is refused, for every n: what is mapped is as before, or so as
 * far as *done says; again without a refusal it works, and no table was lost.
 */
START_TEST(test_refused)
{
	const int what = _i % WHATS;
	const struct kv_pte_format *f = format(_i / WHATS);
	unsigned drawn = 0;
	int error;
	unsigned n = 0;

	do {
		uint64_t done = 0, before;

		n++;
		start(f, (unsigned)ALL, false);
		if (what == PROTECT || what == REMOVE)
			ck_assert_int_eq(
			    kv_pmap_enter_leaf(rig.pmap, va, 0, 1, 3, W | A),
			    0);
		before = rig_print_leaves(&rig);
		rig.gets = 0;
		rig.fail_at = n;
		error = act(what, &done);
		rig_check(&rig);
		if (error != 0) {
			ck_assert_int_eq(error, ENOSPC);
			if (done == 0)
				ck_assert_uint_eq(
				    rig_print_leaves(&rig), before);
			else /* the first page, and the whole one behind it */
				ck_assert_uint_eq(done, page + super);
			ck_assert_int_eq(act(what, &done), 0);
			drawn = rig.live;
		} else if (drawn != 0)
			ck_assert_uint_eq(rig.live, drawn);
		rig_stop(&rig);
	} while (error != 0);
	ck_assert_uint_ge(n, 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pmap_keep");
	TCase *tc = tcase_create("all");
	size_t rows;

	(void)kv_pte_table(&rows);
	tcase_add_loop_test(tc, test_kept, 0, (int)rows);
	tcase_add_loop_test(tc, test_upper_kept, 0, (int)rows);
	tcase_add_loop_test(tc, test_repromote, 0, (int)rows);
	tcase_add_loop_test(tc, test_refused, 0, WHATS * (int)rows);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
