/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_mmu_twins.c - the model's machine against a pmap that gets the same
 *
 * The machine walks a memory that a queue of entries was written to, and keeps
 * accessed and modified bits there; the twin is a pmap that is edited at once
 * and told of each access.  Random edits, several to a commit, touches, and
 * harvests that clear; after each commit and each round of touches every leaf
 * must agree, and every fault with what the twin's leaf allows.
 *
 * KV_SEED=N runs one seed of every format; otherwise seeds 1 to SEEDS.
 */
#include <stdio.h>
#include <stdlib.h>

#include "hw/mmu.h"
#include "hw/pte_code.h"
#include "kvtest.h"

enum { SEEDS = KV_TEST_CASES(4), ROUNDS = 100, SUPERS = 3, TOUCHES = 40 };
enum { W = KV_PTE_W, X = KV_PTE_X, G = KV_PTE_G, AM = KV_PTE_A | KV_PTE_M };

static const struct kv_pte_format *f;
static struct kv_mmu *mmu;
static struct kv_pmap *twin;
static uint64_t x, page, super;
static kv_va_t base;

static uint64_t
rnd(uint64_t below)
{
	x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (x >> 33) % below;
}

static kv_va_t
any_va(void)
{
	return base + rnd(SUPERS * super / page) * page;
}

/* ---- Edits ----------------------------------------------------------------
 */

static void
map(kv_va_t va)
{
	static const unsigned attrs[] = {W, W | G, X, 0, W, W | X};
	const unsigned level = rnd(2) == 0, attr = attrs[rnd(6)];
	const uint64_t unit = level != 0 ? super : page;
	const kv_va_t first = va & ~(unit - 1);
	const uint64_t room = (base + SUPERS * super - first) / unit;
	const uint64_t most = level != 0 ? 2 : super / page;
	const size_t n = (size_t)(1 + rnd(room < most ? room : most));
	const kv_pa_t pa = first - base + 8 * super;

	ck_assert_int_eq(mmu->ops->map(mmu, first, pa, level, n, attr),
	    kv_pmap_enter_leaf(twin, first, pa, level, n, attr));
}

/* A page, a part, or whole superpages, so that there is room for others. */
static void
any_range(kv_va_t *va, uint64_t *size)
{
	const uint64_t how = rnd(4);
	uint64_t room;

	*va = any_va();
	if (how == 0)
		*va &= ~(super - 1);
	room = base + SUPERS * super - *va;
	*size = how == 0   ? (1 + rnd(2)) * super
		: how == 1 ? (1 + rnd(super / page)) * page
			   : page;
	*size = *size < room ? *size : room;
}

static void
edit(void)
{
	const unsigned attr = (unsigned)rnd(4) & (W | X);
	uint64_t size;
	kv_va_t va;

	any_range(&va, &size);
	switch (rnd(6)) {
	case 0:
		ck_assert_int_eq(mmu->ops->unmap(mmu, va, size),
		    kv_pmap_remove(twin, va, size, NULL));
		break;
	case 1:
		ck_assert_int_eq(mmu->ops->protect(mmu, va, size, attr),
		    kv_pmap_protect(twin, va, size, attr, NULL));
		break;
	case 2:
		ck_assert_int_eq(
		    mmu->ops->promote(mmu, va), kv_pmap_promote(twin, va));
		break;
	case 3:
		ck_assert_int_eq(
		    mmu->ops->demote(mmu, va), kv_pmap_demote(twin, va));
		break;
	default:
		map(va);
	}
}

/* ---- Accesses -------------------------------------------------------------
 */

/* What the twin says of an access: the error, or -1 for none. */
static int
expected(kv_va_t va, enum kv_access access)
{
	const int wanted = access == KV_ACCESS_WRITE  ? KV_FAULT_W
			   : access == KV_ACCESS_EXEC ? KV_FAULT_I
						      : 0;
	const unsigned need = access == KV_ACCESS_WRITE	 ? W
			      : access == KV_ACCESS_EXEC ? X
							 : 0;
	struct kv_leaf leaf;

	if (kv_pmap_extract(twin, va, &leaf) != 0)
		return wanted;
	return (leaf.attr & need) == need ? -1 : wanted | KV_FAULT_P;
}

static void
touch(kv_va_t va)
{
	const enum kv_access access = (enum kv_access)rnd(3);
	const int want = expected(va, access);
	struct kv_fault fault;
	size_t n;

	ck_assert_int_eq(
	    mmu->ops->touch(mmu, access, &va, 1, &fault, 1, &n), 0);
	ck_assert_uint_eq(n, want >= 0);
	if (want >= 0)
		ck_assert_int_eq((int)fault.error, want);
	else
		kv_pmap_access(twin, va, access == KV_ACCESS_WRITE);
}

/* Every page of one superpage: what promotion asks for. */
static void
touch_super(kv_va_t va)
{
	va &= ~(super - 1);
	for (uint64_t i = 0; i < super; i += page) {
		const kv_va_t at = va + i;
		struct kv_fault fault;
		size_t n;

		mmu->ops->touch(mmu, KV_ACCESS_READ, &at, 1, &fault, 1, &n);
		ck_assert_int_eq(
		    kv_pmap_access(twin, at, false), n == 0 ? 0 : ENOENT);
	}
}

/* ---- Agreement ------------------------------------------------------------
 */

struct list {
	struct kv_leaf *leaf;
	size_t n;
};

static int
keep(void *arg, const struct kv_leaf *leaf)
{
	struct list *l = arg;

	l->leaf[l->n++] = *leaf;
	return 0;
}

static int
forget(void *arg, const struct kv_leaf *leaf)
{
	(void)arg;
	ck_assert_int_eq(kv_pmap_clear(twin, leaf->va, AM), 0);
	return 0;
}

static void
compare(struct list *ours, struct list *theirs, bool clear)
{
	ours->n = theirs->n = 0;
	kv_pmap_walk(twin, 0, UINT64_MAX, keep, theirs);
	ck_assert_int_eq(
	    mmu->ops->harvest(mmu, 0, UINT64_MAX, clear, keep, ours), 0);
	ck_assert_uint_eq(ours->n, theirs->n);
	for (size_t i = 0; i < ours->n; i++) {
		ck_assert_uint_eq(ours->leaf[i].va, theirs->leaf[i].va);
		ck_assert_uint_eq(ours->leaf[i].pa, theirs->leaf[i].pa);
		ck_assert_uint_eq(ours->leaf[i].level, theirs->leaf[i].level);
		ck_assert_uint_eq(ours->leaf[i].attr, theirs->leaf[i].attr);
	}
	for (size_t i = 0; clear && i < ours->n; i++)
		forget(NULL, &ours->leaf[i]);
}

static void
start(unsigned seed)
{
	const struct kv_mmu_config mc = {.format = f};
	const struct kv_pmap_config pc = {.format = f};

	fprintf(stderr, "%s seed %u\n", f->name, seed);
	x = seed;
	page = UINT64_C(1) << f->page_shift;
	super = UINT64_C(1) << kv_pte_shift(f, 1);
	base = kv_pte_va(f, false, UINT64_C(1) << (f->va_bits - 1));
	ck_assert_int_eq(kv_mmu_model_open(&mc, &mmu), 0);
	ck_assert_int_eq(kv_pmap_create(&pc, &twin), 0);
}

START_TEST(test_twins)
{
	const char *wanted = getenv("KV_SEED");
	const unsigned seed = wanted != NULL
				  ? (unsigned)strtoul(wanted, NULL, 10)
				  : 1 + (unsigned)_i % SEEDS;
	struct list ours, theirs;
	size_t rows;

	f = kv_pte_table(&rows) + _i / SEEDS;
	start(seed);
	ours.leaf = calloc(SUPERS * super / page, sizeof(struct kv_leaf));
	theirs.leaf = calloc(SUPERS * super / page, sizeof(struct kv_leaf));
	for (unsigned r = 0; r < ((unsigned)ROUNDS << 9) >> f->pt_shift; r++) {
		for (uint64_t n = 1 + rnd(4); n != 0; n--)
			edit();
		ck_assert_int_eq(mmu->ops->commit(mmu), 0);
		compare(&ours, &theirs, false);
		for (unsigned i = 0; i < TOUCHES; i++)
			touch(any_va() + rnd(page));
		if (rnd(3) == 0)
			touch_super(any_va());
		compare(&ours, &theirs, rnd(4) == 0);
	}
	ck_assert_int_eq(kv_pmap_check(twin, NULL), 0);
	free(ours.leaf);
	free(theirs.leaf);
	kv_pmap_destroy(twin);
	mmu->ops->close(mmu);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mmu_twins");
	TCase *tcase = tcase_create("mmu_twins");
	size_t rows;

	(void)kv_pte_table(&rows);
	tcase_add_loop_test(tcase, test_twins, 0, SEEDS * (int)rows);
	suite_add_tcase(suite, tcase);
	return kv_test_main(suite);
}
