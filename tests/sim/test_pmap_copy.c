/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pmap_copy.c - all tables at once: what the hardware would read after */
#include <errno.h>

#include "pmaprig.h"

static struct rig from, to;
static kv_pa_t told; /* where the original of the next table is */

/* The copy's tables are where their originals are. */
static int
get_there(void *arg, unsigned level, kv_pa_t *pa)
{
	struct rig *r = arg;
	uint64_t **table = &r->table[told >> r->f->page_shift];

	ck_assert_uint_lt(level, r->f->levels);
	if (++r->gets == r->fail_at)
		return ENOSPC;
	ck_assert_ptr_null(*table);
	*table = calloc(1, rig_table_size(r));
	r->live++;
	*pa = told;
	return 0;
}

static void
next(void *arg, kv_pa_t pa)
{
	ck_assert_ptr_eq(arg, &told);
	told = pa;
}

/* Superpages, contiguous groups where the format has them, pages, far and near.
 */
static void
start(size_t format)
{
	size_t count;
	const struct kv_pte_format *f = &kv_pte_table(&count)[format];
	struct kv_pmap_config cfg = {.format = f,
	    .source = {get_there, rig_put, &to},
	    .store = rig_store,
	    .store_arg = &to};
	kv_va_t va;

	ck_assert_uint_lt(format, count);
	rig_start(&from, f);
	va = rig_kva(&from);
	rig_enter(&from, va, 0, rig_pages(&from), KV_PTE_W, rig_full(&from));
	rig_enter(&from, va + rig_super(&from), rig_super(&from),
	    rig_pages(&from) / 2, KV_PTE_W, rig_full(&from) - 1);
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(from.pmap, va + 4 * rig_super(&from),
		rig_super(&from), 1, 2, KV_PTE_X),
	    0);
	rig_enter(&from, va + 700 * rig_super(&from), 0, 1, KV_PTE_X, 0);
	to = (struct rig){.f = f};
	told = kv_pmap_root(from.pmap);
	ck_assert_int_eq(kv_pmap_create(&cfg, &to.pmap), 0);
}

static void
stop(void)
{
	rig_stop(&to);
	rig_stop(&from);
}

/* Bit by bit, and counted alike; an edit of one is none of the other. */
START_TEST(copied)
{
	struct kv_pmap_stats a, b;

	start((size_t)_i);
	ck_assert_int_eq(kv_pmap_copy(to.pmap, from.pmap, next, &told), 0);
	ck_assert_uint_eq(rig_print(&to), rig_print(&from));
	ck_assert_uint_eq(rig_print_leaves(&to), rig_print_leaves(&from));
	rig_check(&to);
	a = kv_pmap_stats(from.pmap);
	b = kv_pmap_stats(to.pmap);
	ck_assert_mem_eq(a.leaves, b.leaves, sizeof(a.leaves));
	ck_assert_mem_eq(a.pt_level, b.pt_level, sizeof(a.pt_level));
	ck_assert_uint_eq(a.grouped, b.grouped);
	ck_assert_uint_eq(a.spoilers, b.spoilers);
	ck_assert_uint_eq(b.promotions, 0);
	ck_assert_int_eq(
	    kv_pmap_remove(from.pmap, rig_kva(&from), rig_super(&from), NULL),
	    0);
	ck_assert_uint_ne(rig_print_leaves(&to), rig_print_leaves(&from));
	ck_assert_uint_eq(kv_pmap_stats(to.pmap).leaves[1], b.leaves[1]);
	/* Only an empty one becomes a copy. */
	ck_assert_int_eq(kv_pmap_copy(to.pmap, from.pmap, next, &told), EINVAL);
	stop();
}
END_TEST

/* Every draw fails in turn: then nothing is there but the root. */
START_TEST(no_table)
{
	unsigned n, draws;

	start((size_t)_i);
	draws = from.live;
	for (n = 2; n <= draws; n++) {
		to.gets = 1; /* the root */
		to.fail_at = n;
		ck_assert_int_eq(
		    kv_pmap_copy(to.pmap, from.pmap, next, &told), ENOSPC);
		ck_assert_uint_eq(to.live, 1);
		ck_assert_uint_eq(rig_print_leaves(&to), 0);
		rig_check(&to);
	}
	to.gets = 1;
	ck_assert_uint_gt(draws, 2);
	to.fail_at = n;
	ck_assert_int_eq(kv_pmap_copy(to.pmap, from.pmap, next, &told), 0);
	stop();
}
END_TEST

/* Emptied, it is as it was at first, and can be filled again. */
START_TEST(emptied)
{
	struct kv_pmap_stats s;
	uint64_t before;

	start((size_t)_i);
	before = rig_print(&to);
	ck_assert_int_eq(kv_pmap_copy(to.pmap, from.pmap, next, &told), 0);
	kv_pmap_empty(to.pmap);
	ck_assert_uint_eq(to.live, 1);
	ck_assert_uint_eq(rig_print(&to), before);
	s = kv_pmap_stats(to.pmap);
	ck_assert_uint_eq(s.grouped + s.spoilers, 0);
	for (unsigned l = 0; l < from.f->levels; l++)
		ck_assert_uint_eq(s.leaves[l], 0);
	rig_check(&to);
	kv_pmap_empty(to.pmap);
	ck_assert_int_eq(kv_pmap_copy(to.pmap, from.pmap, next, &told), 0);
	ck_assert_uint_eq(rig_print(&to), rig_print(&from));
	stop();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pmap_copy");
	TCase *tc = tcase_create("all");
	size_t formats;

	(void)kv_pte_table(&formats);
	tcase_add_loop_test(tc, copied, 0, (int)formats);
	tcase_add_loop_test(tc, no_table, 0, (int)formats);
	tcase_add_loop_test(tc, emptied, 0, (int)formats);
	suite_add_tcase(s, tc);
	return kv_test_main(s);
}
