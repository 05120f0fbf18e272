/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pmap_twins.c - page tables that somebody listens to change entry by
 * entry, others table by table: both are the same after every operation */
#include <stdlib.h>
#include <string.h>

#include "hw/pmap.h"
#include "hw/pte_code.h"
#include "kvtest.h"

enum { STEPS = 500, BLOCKS = 6 };

static uint64_t state, seed;

static uint64_t
draw(uint64_t n)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (state >> 33) % n;
}

static void
listen(void *arg, kv_pa_t table, unsigned index, uint64_t old, uint64_t entry)
{
	unsigned *heard = arg;

	(void)table;
	(void)index;
	ck_assert_uint_ne(old, entry);
	++*heard;
}

struct list {
	struct kv_leaf *leaves;
	size_t count, room;
};

static int
note(void *arg, const struct kv_leaf *leaf)
{
	struct list *l = arg;

	if (l->count == l->room) {
		l->room = 2 * l->room + 64;
		l->leaves = realloc(l->leaves, l->room * sizeof(*l->leaves));
	}
	l->leaves[l->count++] = *leaf;
	return 0;
}

static void
compare(struct kv_pmap *const *twin, struct list *lists, unsigned step)
{
	const struct kv_pmap_stats a = kv_pmap_stats(twin[0]);
	const struct kv_pmap_stats b = kv_pmap_stats(twin[1]);
	struct kv_diag diag = {.text = ""};

	for (unsigned i = 0; i < 2; i++) {
		lists[i].count = 0;
		kv_pmap_walk(twin[i], 0, KV_ADDR_MAX, note, &lists[i]);
		ck_assert_msg(kv_pmap_check(twin[i], &diag) == 0,
		    "seed %llu, step %u: I%u: %s", (unsigned long long)seed,
		    step, diag.invariant, diag.text);
	}
	ck_assert_msg(memcmp(&a, &b, sizeof(a)) == 0,
	    "seed %llu, step %u: figures", (unsigned long long)seed, step);
	ck_assert_uint_eq(lists[0].count, lists[1].count);
	for (size_t i = 0; i < lists[0].count; i++) {
		const struct kv_leaf *x = &lists[0].leaves[i];
		const struct kv_leaf *y = &lists[1].leaves[i];

		ck_assert_msg(x->va == y->va && x->pa == y->pa &&
				  x->level == y->level && x->attr == y->attr,
		    "seed %llu, step %u: leaf %zu", (unsigned long long)seed,
		    step, i);
	}
}

/* One operation on both.  => the errors are the same */
static bool
act(struct kv_pmap *const *twin, const struct kv_pte_format *f, kv_va_t base)
{
	const uint64_t page = UINT64_C(1) << f->page_shift;
	const uint64_t super = page << f->pt_shift, n = super / page;
	const uint64_t first = draw(BLOCKS * n), pages = 1 + draw(2 * n);
	const uint64_t block = draw(BLOCKS), what = draw(8);
	const unsigned attr = KV_PTE_A | (draw(2) == 0 ? KV_PTE_W : 0);
	uint64_t done[2] = {0};
	int error[2];

	for (unsigned i = 0; i < 2; i++)
		switch (what) {
		case 0:
		case 1:
			error[i] = kv_pmap_enter_leaf(twin[i],
			    base + block * super, block * super, 1, 1, attr);
			break;
		case 2:
			error[i] =
			    kv_pmap_extend_leaf(twin[i], base + block * super,
				block * super, 1, false, attr);
			break;
		case 3:
			error[i] = kv_pmap_enter(twin[i], base + first * page,
			    first * page, attr, 0);
			break;
		case 4:
			error[i] = kv_pmap_remove(
			    twin[i], base + block * super, super, &done[i]);
			break;
		case 5:
			error[i] = kv_pmap_remove(twin[i], base + first * page,
			    pages * page, &done[i]);
			break;
		case 6:
			error[i] = kv_pmap_protect(twin[i], base + first * page,
			    pages * page, attr, &done[i]);
			break;
		default:
			error[i] =
			    kv_pmap_promote(twin[i], base + block * super);
		}
	return error[0] == error[1] && done[0] == done[1];
}

START_TEST(test_twins)
{
	static const unsigned keeps[] = {0, ~0u, ~1u, ~1u};
	size_t rows;
	const struct kv_pte_format *f = kv_pte_table(&rows) + _i / 4;
	struct kv_pmap_config cfg = {
	    .format = f, .keep = keeps[_i % 4], .repromote = _i % 4 == 3};
	struct list lists[2] = {{0}};
	struct kv_pmap *twin[2];
	unsigned heard = 0;
	kv_va_t base;
	const char *wanted = getenv("KV_SEED");

	state = seed = wanted != NULL ? strtoull(wanted, NULL, 0) : 1;
	cfg.low_half = true;
	ck_assert_int_eq(kv_pmap_create(&cfg, &twin[0]), 0);
	cfg.store = listen;
	cfg.store_arg = &heard;
	ck_assert_int_eq(kv_pmap_create(&cfg, &twin[1]), 0);
	/* across the border of two tables above */
	base = (UINT64_C(1) << kv_pte_shift(f, 2)) -
	       ((kv_va_t)BLOCKS / 2 << kv_pte_shift(f, 1));
	for (unsigned step = 0; step < STEPS; step++) {
		ck_assert_msg(act(twin, f, base), "seed %llu, step %u",
		    (unsigned long long)seed, step);
		if (step % 16 == 0)
			compare(twin, lists, step);
	}
	compare(twin, lists, STEPS);
	ck_assert_uint_ne(heard, 0);
	kv_pmap_destroy(twin[0]);
	kv_pmap_destroy(twin[1]);
	free(lists[0].leaves);
	free(lists[1].leaves);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pmap_twins");
	TCase *tc = tcase_create("all");
	size_t rows;

	(void)kv_pte_table(&rows);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_twins, 0, 4 * (int)rows);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
