/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pmap.c - page tables: raw entries, ranges, tables, failures */
#include <stdlib.h>

#include "hw/pmap.h"
#include "kvtest.h"

enum {
	PAGE = 4096,
	W = KV_PTE_W,
	X = KV_PTE_X,
	G = KV_PTE_G,
	A = KV_PTE_A,
	M = KV_PTE_M
};
#define KVA UINT64_C(0xfffffe0000000000)
#define MIB2 UINT64_C(0x200000)

/* ---- A machine's memory under test -------------------------------------- */

/* Tables by physical page, as the hardware would read them. */
static uint64_t memory[64][512];
static unsigned live, gets, fail_at; /* fail_at: the n-th get fails, from 1 */
static bool taken[64];

static int
get(void *arg, unsigned level, kv_pa_t *pa)
{
	unsigned page = 0;

	(void)arg;
	ck_assert_uint_lt(level, KV_PTE_LEVELS_MAX);
	if (++gets == fail_at)
		return ENOSPC;
	while (taken[page])
		page++;
	taken[page] = true;
	live++;
	for (unsigned i = 0; i < 512; i++)
		memory[page][i] = 0;
	*pa = page * (kv_pa_t)PAGE;
	return 0;
}

static void
put(void *arg, unsigned level, kv_pa_t pa)
{
	(void)arg;
	(void)level;
	ck_assert(taken[pa / PAGE]);
	taken[pa / PAGE] = false;
	live--;
}

static void
store(void *arg, kv_pa_t table, unsigned index, uint64_t old, uint64_t entry)
{
	(void)arg;
	ck_assert_uint_eq(memory[table / PAGE][index], old);
	memory[table / PAGE][index] = entry;
}

static struct kv_pmap *pmap;

static void
setup(void)
{
	struct kv_pmap_config cfg = {.format = kv_pte_find("amd64"),
	    .source = {get, put, NULL},
	    .store = store};

	ck_assert_int_eq(kv_pmap_create(&cfg, &pmap), 0);
}

static void
teardown(void)
{
	struct kv_diag diag;

	ck_assert_msg(kv_pmap_check(pmap, &diag) == 0, "I%u: %s",
	    diag.invariant, diag.text);
	kv_pmap_destroy(pmap);
	ck_assert_uint_eq(live, 0);
}

static struct kv_pmap_stats
stats(void)
{
	return kv_pmap_stats(pmap);
}

/* The leaf at va is that. */
static void
ck_assert_leaf(
    kv_va_t va, kv_va_t start, kv_pa_t pa, unsigned level, unsigned attr)
{
	struct kv_leaf leaf;

	ck_assert_int_eq(kv_pmap_extract(pmap, va, &leaf), 0);
	ck_assert_uint_eq(leaf.va, start);
	ck_assert_uint_eq(leaf.pa, pa);
	ck_assert_uint_eq(leaf.level, level);
	ck_assert_uint_eq(leaf.attr, attr);
}

static void
ck_assert_hole(kv_va_t va)
{
	struct kv_leaf leaf;

	ck_assert_int_eq(kv_pmap_extract(pmap, va, &leaf), ENOENT);
}

/* ---- Enter and remove ---------------------------------------------------- */

/* A page at 0xfffffe0000605000: indexes 508, 0, 3, 5; every entry on the way,
 * found as a processor finds it. */
START_TEST(test_raw_entries)
{
	const unsigned index[] = {508, 0, 3, 5};
	kv_pa_t table = kv_pmap_root(pmap);

	ck_assert_int_eq(
	    kv_pmap_qenter_run(pmap, KVA + 0x605000, 0x123456000, 1, W | G), 0);
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t entry = memory[table / PAGE][index[i]];

		ck_assert_uint_eq(entry & 0xfff, 0x27); /* A U W P */
		table = entry & ~UINT64_C(0xfff);
	}
	ck_assert_uint_eq(
	    memory[table / PAGE][index[3]], UINT64_C(0x8000000123456103));
	ck_assert_uint_eq(stats().pt_pages, 4);
	ck_assert_leaf(KVA + 0x605abc, KVA + 0x605000, 0x123456000, 0, W | G);
	ck_assert_hole(KVA + 0x604fff);
	ck_assert_hole(KVA + 0x606000);
}
END_TEST

/* A run over the boundary of a table; then other frames over its middle. */
START_TEST(test_qenter)
{
	static const kv_pfn_t other[] = {7, 3, 5};
	const kv_va_t va = KVA + MIB2 - 2 * PAGE;

	ck_assert_int_eq(kv_pmap_qenter_run(pmap, va, 0x10000, 4, W), 0);
	ck_assert_int_eq(kv_pmap_qenter(pmap, va + PAGE, other, 2, X), 0);
	ck_assert_leaf(va, va, 0x10000, 0, W);
	ck_assert_leaf(va + PAGE, va + PAGE, 7 * PAGE, 0, X);
	ck_assert_leaf(va + 2 * PAGE, va + 2 * PAGE, 3 * PAGE, 0, X);
	ck_assert_leaf(va + 3 * PAGE, va + 3 * PAGE, 0x13000, 0, W);
	ck_assert_uint_eq(stats().leaves[0], 4);
	ck_assert_uint_eq(stats().pt_level[0], 2);
}
END_TEST

/* The same frame and permissions again: A and M that were set stay. */
START_TEST(test_qenter_again)
{
	ck_assert_int_eq(kv_pmap_qenter_run(pmap, KVA, 0x10000, 1, W), 0);
	ck_assert_int_eq(kv_pmap_access(pmap, KVA, true), 0);
	ck_assert_int_eq(kv_pmap_qenter_run(pmap, KVA, 0x10000, 1, W), 0);
	ck_assert_leaf(KVA, KVA, 0x10000, 0, W | A | M);
	ck_assert_int_eq(kv_pmap_qenter_run(pmap, KVA, 0x11000, 1, W), 0);
	ck_assert_leaf(KVA, KVA, 0x11000, 0, W);
}
END_TEST

/* qremove keeps tables and does not mind holes; remove gives tables back. */
START_TEST(test_remove)
{
	uint64_t done = 0;

	ck_assert_int_eq(kv_pmap_qenter_run(pmap, KVA, 0, 4, W), 0);
	ck_assert_int_eq(kv_pmap_qremove(pmap, KVA - 2 * MIB2, 2048), 0);
	ck_assert_uint_eq(stats().leaves[0], 0);
	ck_assert_uint_eq(stats().pt_pages, 4);
	ck_assert_int_eq(kv_pmap_qenter_run(pmap, KVA, 0, 4, W), 0);
	ck_assert_int_eq(kv_pmap_remove(pmap, KVA + PAGE, 2 * PAGE, &done), 0);
	ck_assert_uint_eq(done, 2 * PAGE);
	ck_assert_uint_eq(stats().leaves[0], 2);
	ck_assert_uint_eq(stats().pt_pages, 4);
	ck_assert_int_eq(kv_pmap_remove(pmap, KVA, MIB2 / 2, NULL), 0);
	ck_assert_uint_eq(stats().leaves[0], 0);
	ck_assert_uint_eq(stats().pt_pages, 1);
}
END_TEST

START_TEST(test_invalid)
{
	static const struct {
		kv_va_t va;
		kv_pa_t pa;
		size_t n;
	} bad[] = {{KVA + 1, 0, 1}, {KVA, 1, 1},
	    {UINT64_C(0x800000000000), 0, 1}, /* not canonical */
	    {UINT64_C(0x7ffffffff000), 0, 2}, /* into the hole */
	    {UINT64_C(0x7ffffffff000), 0, ((size_t)1 << 52) - 1}, /* over it */
	    {UINT64_C(0xfffffffffffff000), 0, 2}, /* past the end */
	    {KVA, 0, SIZE_MAX}, {KVA, UINT64_C(1) << 52, 1}};
	const kv_pfn_t high = UINT64_C(1) << 52;

	ck_assert_int_eq(
	    kv_pmap_qenter_run(pmap, bad[_i].va, bad[_i].pa, bad[_i].n, W),
	    EINVAL);
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(pmap, bad[_i].va, bad[_i].pa, 0, bad[_i].n, W),
	    EINVAL);
	if (bad[_i].pa == 0) {
		ck_assert_int_eq(
		    kv_pmap_qremove(pmap, bad[_i].va, bad[_i].n), EINVAL);
	} else {
		ck_assert_int_eq(
		    kv_pmap_enter(pmap, bad[_i].va, bad[_i].pa, W, 0), EINVAL);
	}
	ck_assert_int_eq(kv_pmap_qenter(pmap, KVA, &high, 1, W), EINVAL);
	ck_assert_uint_eq(stats().leaves[0], 0);
}
END_TEST

/* Both ends of the address space can be mapped. */
START_TEST(test_ends)
{
	static const kv_va_t ends[] = {
	    0, 0x7ffffffff000, 0xffff800000000000, 0xfffffffffffff000};

	for (unsigned i = 0; i < 4; i++) {
		ck_assert_int_eq(
		    kv_pmap_qenter_run(pmap, ends[i], i * PAGE, 1, W), 0);
		ck_assert_leaf(ends[i], ends[i], i * PAGE, 0, W);
	}
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(kv_pmap_remove(pmap, ends[i], PAGE, NULL), 0);
	ck_assert_uint_eq(stats().pt_pages, 1);
}
END_TEST

struct seen {
	kv_va_t va[8];
	unsigned n, stop;
};

static int
see(void *arg, const struct kv_leaf *leaf)
{
	struct seen *s = arg;

	s->va[s->n++] = leaf->va;
	return s->n == s->stop ? 42 : 0;
}

/* In order of address over both halves; a leaf that the range meets counts. */
START_TEST(test_walk)
{
	struct seen all = {.n = 0}, some = {.n = 0}, two = {.stop = 2};

	ck_assert_int_eq(kv_pmap_qenter_run(pmap, KVA, 0, 2, W), 0);
	ck_assert_int_eq(kv_pmap_qenter_run(pmap, 5 * PAGE, 0, 1, W), 0);
	ck_assert_int_eq(kv_pmap_enter_leaf(pmap, KVA + MIB2, 0, 1, 1, W), 0);
	ck_assert_int_eq(kv_pmap_walk(pmap, 0, UINT64_MAX, see, &all), 0);
	ck_assert_uint_eq(all.n, 4);
	ck_assert_uint_eq(all.va[0], 5 * PAGE);
	ck_assert_uint_eq(all.va[1], KVA);
	ck_assert_uint_eq(all.va[2], KVA + PAGE);
	ck_assert_uint_eq(all.va[3], KVA + MIB2);
	kv_pmap_walk(pmap, KVA + 2 * PAGE - 1, KVA + MIB2 + 1, see, &some);
	ck_assert_uint_eq(some.n, 2);
	kv_pmap_walk(pmap, KVA + PAGE, KVA + PAGE, see, &some);
	kv_pmap_walk(pmap, KVA + 2 * PAGE, KVA + MIB2, see, &some);
	ck_assert_uint_eq(some.n, 2);
	ck_assert_int_eq(kv_pmap_walk(pmap, 0, UINT64_MAX, see, &two), 42);
	ck_assert_uint_eq(two.n, 2);
}
END_TEST

/* metrics.md 2: page-table bytes a stack and the share of entries in use, by
 * stack and guard; 512 stacks fill whole tables. */
START_TEST(test_closed_forms)
{
	static const struct {
		unsigned npages, gpages, bytes, per_mille;
	} rows[] = {{4, 1, 40, 800}, {4, 2, 48, 666}, {4, 3, 56, 571},
	    {4, 4, 64, 500}, {8, 1, 72, 888}};
	const unsigned kpages = rows[_i].npages + rows[_i].gpages;

	for (unsigned s = 0; s < 512; s++)
		ck_assert_int_eq(
		    kv_pmap_qenter_run(pmap,
			KVA + ((kv_va_t)s * kpages + rows[_i].gpages) * PAGE,
			(kv_pa_t)s * rows[_i].npages * PAGE, rows[_i].npages,
			W | G),
		    0);
	ck_assert_uint_eq(stats().pt_level[0] * PAGE, rows[_i].bytes * 512);
	ck_assert_uint_eq(
	    stats().leaves[0] * 1000 / (stats().pt_level[0] * 512),
	    rows[_i].per_mille);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pmap");
	TCase *tcase = tcase_create("enter");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_raw_entries);
	tcase_add_test(tcase, test_qenter);
	tcase_add_test(tcase, test_qenter_again);
	tcase_add_test(tcase, test_remove);
	tcase_add_loop_test(tcase, test_invalid, 0, 8);
	tcase_add_test(tcase, test_ends);
	tcase_add_test(tcase, test_walk);
	tcase_add_loop_test(tcase, test_closed_forms, 0, 5);
	suite_add_tcase(suite, tcase);
	return kv_test_main(suite);
}
