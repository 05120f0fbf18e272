/* SPDX-License-Identifier: BSD-2-Clause */
/* test_mmu_model.c - faults, accessed and dirty, the queue, planted faults */
#include <stdlib.h>

#include "hw/mmu.h"
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

static struct kv_mmu *mmu;
static const struct kv_mmu_ops *ops;

static void
start(const char *format)
{
	const struct kv_mmu_config cfg = {.format = kv_pte_find(format)};

	ck_assert_int_eq(kv_mmu_model_open(&cfg, &mmu), 0);
	ops = mmu->ops;
}

static void
setup(void)
{
	start("amd64");
}

static void
teardown(void)
{
	ops->close(mmu);
}

static void
map(kv_va_t va, kv_pa_t pa, unsigned level, size_t n, unsigned attr)
{
	ck_assert_int_eq(ops->map(mmu, va, pa, level, n, attr), 0);
	ck_assert_int_eq(ops->commit(mmu), 0);
}

/* Touch one address.  => whether it faults, then with that error */
static bool
faults(enum kv_access access, kv_va_t va, struct kv_fault *fault)
{
	size_t n = 99;

	ck_assert_int_eq(ops->touch(mmu, access, &va, 1, fault, 1, &n), 0);
	ck_assert_uint_le(n, 1);
	ck_assert(n == 0 || (fault->va == va && fault->index == 0));
	return n == 1;
}

static void
ck_assert_fault(enum kv_access access, kv_va_t va, unsigned error)
{
	struct kv_fault fault;

	ck_assert(faults(access, va, &fault));
	ck_assert_uint_eq(fault.vector, 14);
	ck_assert_uint_eq(fault.error, error);
}

static void
ck_assert_fine(enum kv_access access, kv_va_t va)
{
	struct kv_fault fault;

	ck_assert(!faults(access, va, &fault));
}

static unsigned
attr_of(kv_va_t va)
{
	struct kv_leaf leaf;

	ck_assert_int_eq(ops->translate(mmu, va, &leaf), 0);
	return leaf.attr;
}

/* ---- Faults ---------------------------------------------------------------
 */

/* P: something was there; W and I: what was tried. */
START_TEST(test_errors)
{
	map(KVA, 0, 0, 1, G);
	map(KVA + PAGE, PAGE, 0, 1, W);
	map(KVA + 2 * PAGE, 2 * PAGE, 0, 1, X);
	ck_assert_fine(KV_ACCESS_READ, KVA);
	ck_assert_fault(KV_ACCESS_WRITE, KVA + 8, KV_FAULT_P | KV_FAULT_W);
	ck_assert_fault(KV_ACCESS_EXEC, KVA, KV_FAULT_P | KV_FAULT_I);
	ck_assert_fine(KV_ACCESS_WRITE, KVA + 2 * PAGE - 1);
	ck_assert_fault(KV_ACCESS_EXEC, KVA + PAGE, KV_FAULT_P | KV_FAULT_I);
	ck_assert_fine(KV_ACCESS_EXEC, KVA + 2 * PAGE);
	ck_assert_fault(KV_ACCESS_READ, KVA + 3 * PAGE, 0);
	ck_assert_fault(KV_ACCESS_WRITE, KVA - 1, KV_FAULT_W);
	ck_assert_fault(KV_ACCESS_EXEC, 0, KV_FAULT_I);
}
END_TEST

/* Reserved bits: bit 13 of a 2 MiB leaf, 29 of one of 1 GiB; PS in a PML4E
 * cannot be planted into a leaf.  Bit 12 is PAT and no fault. */
START_TEST(test_reserved)
{
	map(KVA, 0, 1, 2, 0);
	map(KVA + (UINT64_C(1) << 30), 0, 2, 1, W);
	ck_assert_int_eq(kv_mmu_model_flip(mmu, KVA, 1 << 13), 0);
	ck_assert_fault(KV_ACCESS_READ, KVA, KV_FAULT_P | KV_FAULT_RSVD);
	ck_assert_fault(
	    KV_ACCESS_WRITE, KVA, KV_FAULT_P | KV_FAULT_RSVD | KV_FAULT_W);
	ck_assert_fault(
	    KV_ACCESS_EXEC, KVA, KV_FAULT_P | KV_FAULT_RSVD | KV_FAULT_I);
	ck_assert_int_eq(kv_mmu_model_flip(mmu, KVA + MIB2, 1 << 12), 0);
	ck_assert_fine(KV_ACCESS_READ, KVA + MIB2);
	ck_assert_int_eq(
	    kv_mmu_model_flip(mmu, KVA + (UINT64_C(1) << 30), 1 << 29), 0);
	ck_assert_fault(KV_ACCESS_READ, KVA + (UINT64_C(1) << 30) + PAGE,
	    KV_FAULT_P | KV_FAULT_RSVD);
}
END_TEST

START_TEST(test_not_canonical)
{
	struct kv_fault fault;

	ck_assert(faults(KV_ACCESS_WRITE, UINT64_C(0x800000000000), &fault));
	ck_assert_uint_eq(fault.vector, 13);
	ck_assert_uint_eq(fault.error, 0);
}
END_TEST

/* All faults are counted, in order; the list holds the first. */
START_TEST(test_list)
{
	const kv_va_t list[] = {KVA - 8, KVA, KVA + PAGE, KVA + 8, KVA - PAGE};
	struct kv_fault got[2] = {{0}};
	size_t n = 0;

	map(KVA, 0, 0, 1, W);
	ck_assert_int_eq(
	    ops->touch(mmu, KV_ACCESS_READ, list, 5, got, 2, &n), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(got[0].index, 0);
	ck_assert_uint_eq(got[0].va, KVA - 8);
	ck_assert_uint_eq(got[1].index, 2);
	ck_assert_uint_eq(got[1].va, KVA + PAGE);
	ck_assert_int_eq(
	    ops->touch(mmu, KV_ACCESS_READ, list, 5, NULL, 0, &n), 0);
	ck_assert_uint_eq(n, 3);
}
END_TEST

/* A stack of four pages over its guard: the first push that cannot be. */
START_TEST(test_overflow)
{
	const kv_va_t bottom = KVA + PAGE, top = bottom + 4 * PAGE;
	struct kv_fault fault = {.va = 1};
	bool hit = true;

	map(bottom, 0, 0, 4, W | G);
	ck_assert_int_eq(ops->overflow(mmu, top, 4 * PAGE, &hit, &fault), 0);
	ck_assert(!hit);
	ck_assert_uint_eq(fault.va, 1);
	ck_assert_uint_eq(attr_of(bottom), W | G | A | M);
	ck_assert_int_eq(
	    ops->overflow(mmu, top, 4 * PAGE + 8, &hit, &fault), 0);
	ck_assert(hit);
	ck_assert_uint_eq(fault.va, bottom - 8);
	ck_assert_uint_eq(fault.vector, 8);
	ck_assert_uint_eq(fault.error, 0);
	ck_assert_int_eq(ops->protect(mmu, bottom + PAGE, PAGE, 0), 0);
	ck_assert_int_eq(ops->commit(mmu), 0);
	ck_assert_int_eq(
	    ops->overflow(mmu, top - 16, 5 * PAGE, &hit, &fault), 0);
	ck_assert(hit);
	ck_assert_uint_eq(fault.va, bottom + 2 * PAGE - 8);
	ck_assert_int_eq(ops->overflow(mmu, top, 0, &hit, &fault), 0);
	ck_assert(!hit);
	ck_assert_int_eq(ops->overflow(mmu, top + 4, 8, &hit, &fault), EINVAL);
	ck_assert_int_eq(ops->overflow(mmu, top, 4, &hit, &fault), EINVAL);
}
END_TEST

/* ---- The queue ------------------------------------------------------------
 */

/* What is queued is not there; errors are told at once. */
START_TEST(test_queue)
{
	struct kv_leaf leaf;

	ck_assert_int_eq(ops->map(mmu, KVA, 0, 0, 4, W), 0);
	ck_assert_int_eq(ops->map(mmu, KVA, 0, 0, 1, W), EEXIST);
	ck_assert_int_eq(ops->map(mmu, KVA + 1, 0, 0, 1, W), EINVAL);
	ck_assert_fault(KV_ACCESS_READ, KVA, 0);
	ck_assert_int_eq(ops->translate(mmu, KVA, &leaf), ENOENT);
	ck_assert_int_eq(ops->commit(mmu), 0);
	ck_assert_fine(KV_ACCESS_READ, KVA);
	ck_assert_int_eq(ops->unmap(mmu, KVA, 2 * PAGE), 0);
	ck_assert_int_eq(ops->map(mmu, KVA, 9 * PAGE, 0, 1, 0), 0);
	ck_assert_fine(KV_ACCESS_WRITE, KVA);
	ck_assert_fine(KV_ACCESS_WRITE, KVA + PAGE);
	ck_assert_int_eq(ops->commit(mmu), 0);
	ck_assert_fault(KV_ACCESS_WRITE, KVA, KV_FAULT_P | KV_FAULT_W);
	ck_assert_fault(KV_ACCESS_WRITE, KVA + PAGE, KV_FAULT_W);
	ck_assert_int_eq(ops->translate(mmu, KVA, &leaf), 0);
	ck_assert_uint_eq(leaf.pa, 9 * PAGE);
	/* the page of a table that went comes back as another's, empty */
	ck_assert_int_eq(ops->unmap(mmu, KVA, 4 * PAGE), 0);
	ck_assert_int_eq(ops->map(mmu, KVA + 5 * MIB2, 0, 0, 1, W), 0);
	ck_assert_int_eq(ops->commit(mmu), 0);
	ck_assert_fault(KV_ACCESS_READ, KVA, 0);
	ck_assert_fine(KV_ACCESS_READ, KVA + 5 * MIB2);
	ck_assert_fault(KV_ACCESS_READ, KVA + 5 * MIB2 + PAGE, 0);
}
END_TEST

/* ---- Accessed, dirty ------------------------------------------------------
 */

struct seen {
	unsigned n, accessed, modified;
};

static int
see(void *arg, const struct kv_leaf *leaf)
{
	struct seen *s = arg;

	s->n++;
	s->accessed += (leaf->attr & A) != 0;
	s->modified += (leaf->attr & M) != 0;
	return 0;
}

START_TEST(test_harvest)
{
	struct seen before = {0}, after = {0};

	map(KVA, 0, 0, 4, W);
	map(4 * PAGE, 0, 0, 1, W);
	map(KVA + MIB2, 0, 1, 1, W);
	ck_assert_uint_eq(attr_of(KVA), W);
	ck_assert_fine(KV_ACCESS_READ, KVA);
	ck_assert_fine(KV_ACCESS_WRITE, KVA + PAGE);
	ck_assert_fine(KV_ACCESS_WRITE, KVA + MIB2 + 5 * PAGE);
	ck_assert_uint_eq(attr_of(KVA), W | A);
	ck_assert_uint_eq(attr_of(KVA + PAGE), W | A | M);
	ck_assert_int_eq(
	    ops->harvest(mmu, 0, UINT64_MAX, true, see, &before), 0);
	ck_assert_uint_eq(before.n, 6);
	ck_assert_uint_eq(before.accessed, 3);
	ck_assert_uint_eq(before.modified, 2);
	ops->harvest(mmu, KVA, KVA + 2 * MIB2, false, see, &after);
	ck_assert_uint_eq(after.n, 5);
	ck_assert_uint_eq(after.accessed + after.modified, 0);
	/* an edit does not bring back what was cleared */
	ck_assert_int_eq(ops->protect(mmu, KVA, 2 * PAGE, 0), 0);
	ck_assert_int_eq(ops->commit(mmu), 0);
	ck_assert_uint_eq(attr_of(KVA + PAGE), 0);
}
END_TEST

/* A and M survive edits that keep the frame: protect, demote, promote; also
 * when they are set between the edit and its commit. */
START_TEST(test_survive)
{
	map(KVA, 0, 1, 1, W);
	ck_assert_fine(KV_ACCESS_WRITE, KVA + 7 * PAGE);
	ck_assert_int_eq(ops->demote(mmu, KVA), 0);
	ck_assert_int_eq(ops->commit(mmu), 0);
	ck_assert_uint_eq(attr_of(KVA), W | A | M);
	ck_assert_uint_eq(attr_of(KVA + MIB2 - 1), W | A | M);
	ck_assert_int_eq(
	    ops->harvest(mmu, KVA, KVA + PAGE, true, see, &(struct seen){0}),
	    0);
	ck_assert_int_eq(ops->promote(mmu, KVA), EAGAIN); /* A differs */
	ck_assert_fine(KV_ACCESS_WRITE, KVA);
	ck_assert_int_eq(ops->promote(mmu, KVA), 0);
	ck_assert_int_eq(ops->commit(mmu), 0);
	ck_assert_uint_eq(attr_of(KVA), W | A | M);
	map(KVA + MIB2, MIB2, 0, 1, W);
	ck_assert_int_eq(ops->protect(mmu, KVA + MIB2, PAGE, 0), 0);
	ck_assert_fine(KV_ACCESS_WRITE, KVA + MIB2);
	ck_assert_int_eq(ops->commit(mmu), 0);
	ck_assert_uint_eq(attr_of(KVA + MIB2), A | M);
	/* a part of a superpage goes: the rest knows that it was written */
	ck_assert_int_eq(ops->unmap(mmu, KVA, PAGE), 0);
	ck_assert_int_eq(ops->commit(mmu), 0);
	ck_assert_uint_eq(attr_of(KVA + PAGE), W | A | M);
	ck_assert_fault(KV_ACCESS_READ, KVA, 0);
}
END_TEST

START_TEST(test_dirty_log)
{
	const kv_pa_t far = UINT64_C(5) << 40;
	uint64_t map_[2] = {UINT64_MAX, UINT64_MAX};

	map(KVA, 0, 1, 1, W);
	map(KVA + MIB2, far, 0, 2, W);
	ck_assert_fine(KV_ACCESS_WRITE, KVA + 3 * PAGE + 5);
	ck_assert_fine(KV_ACCESS_WRITE, KVA + 66 * PAGE);
	ck_assert_fine(KV_ACCESS_READ, KVA + 4 * PAGE);
	ck_assert_fine(KV_ACCESS_WRITE, KVA + MIB2 + PAGE);
	ck_assert_int_eq(ops->dirty(mmu, PAGE, 128 * PAGE, map_), 0);
	ck_assert_uint_eq(map_[0], 1 << 2);
	ck_assert_uint_eq(map_[1], 1 << 1);
	ck_assert_int_eq(ops->dirty(mmu, 0, 128 * PAGE, map_), 0);
	ck_assert_uint_eq(map_[0] | map_[1], 0);
	ck_assert_int_eq(ops->dirty(mmu, far, 64 * PAGE, map_), 0);
	ck_assert_uint_eq(map_[0], 2);
	ck_assert_int_eq(ops->dirty(mmu, 1, PAGE, map_), EINVAL);
	ck_assert_int_eq(ops->dirty(mmu, 0, PAGE + 1, map_), EINVAL);
}
END_TEST

/* ---- The rest -------------------------------------------------------------
 */

/* A planted fault is in the memory alone, and an edit writes over it. */
START_TEST(test_flip)
{
	struct kv_leaf leaf;

	map(KVA, 0, 0, 2, W);
	ck_assert_int_eq(kv_mmu_model_flip(mmu, KVA, 1 << 14), 0);
	ck_assert_int_eq(ops->translate(mmu, KVA, &leaf), 0);
	ck_assert_uint_eq(leaf.pa, 1 << 14);
	ck_assert_int_eq(kv_mmu_model_flip(mmu, KVA, 1), 0);
	ck_assert_fault(KV_ACCESS_READ, KVA, 0);
	ck_assert_int_eq(kv_mmu_model_flip(mmu, KVA, 1), ENOENT);
	ck_assert_int_eq(kv_mmu_model_flip(mmu, UINT64_C(1) << 47, 1), ENOENT);
	ck_assert_int_eq(ops->protect(mmu, KVA, PAGE, 0), 0);
	ck_assert_int_eq(ops->commit(mmu), 0);
	ck_assert_int_eq(ops->translate(mmu, KVA, &leaf), 0);
	ck_assert_uint_eq(leaf.pa, 0);
}
END_TEST

START_TEST(test_says)
{
	const struct kv_mmu_config none = {.format = NULL};
	struct kv_mmu_leaves leaves;
	struct kv_mmu_host host = {1, 1, 1};
	struct kv_mmu *other = NULL;
	kv_pa_t pa;

	ck_assert_int_eq(kv_mmu_model_open(&none, &other), EINVAL);
	ck_assert_ptr_null(other);
	ck_assert_str_eq(mmu->caps.kind, "model");
	ck_assert(mmu->caps.gb_pages);
	ck_assert(!mmu->caps.la57);
	map(KVA, 0, 1, 3, W);
	map(KVA + 8 * MIB2, 0, 0, 5, W);
	ck_assert_int_eq(ops->map(mmu, KVA + 9 * MIB2, 0, 0, 1, W), 0);
	ck_assert_int_eq(ops->leaves(mmu, &leaves), 0);
	ck_assert_uint_eq(leaves.level[0], 5);
	ck_assert_uint_eq(leaves.level[1], 3);
	ck_assert_uint_eq(leaves.level[2], 0);
	ck_assert_int_eq(ops->host(mmu, &host), 0);
	ck_assert_uint_eq(host.resident + host.huge + host.contiguous_runs, 0);
	ck_assert_int_eq(ops->witness(mmu, KVA, &pa), EOPNOTSUPP);
	ck_assert_int_eq(ops->collapse(mmu, 0, MIB2), EOPNOTSUPP);
}
END_TEST

/* Stacks over guards on every machine: the pages can be written, the guards
 * not, and each page is where it was put. */
START_TEST(test_machines)
{
	size_t count;
	const struct kv_machine *m = kv_machine_table(&count) + _i;
	const uint64_t page = kv_machine_page_size(m);

	start(m->name);
	for (unsigned s = 0; s < 1000; s++)
		ck_assert_int_eq(
		    ops->map(mmu, m->kva_start + (5 * s + 1) * page,
			4 * s * page, 0, 4, W | G),
		    0);
	ck_assert_int_eq(ops->commit(mmu), 0);
	for (unsigned s = 0; s < 5000; s++) {
		const kv_va_t va = m->kva_start + s * page;
		struct kv_leaf leaf;

		if (s % 5 == 0) {
			ck_assert_fault(KV_ACCESS_WRITE, va, KV_FAULT_W);
			continue;
		}
		ck_assert_fine(KV_ACCESS_WRITE, va);
		ck_assert_int_eq(ops->translate(mmu, va + 7, &leaf), 0);
		ck_assert_uint_eq(leaf.va, va);
		ck_assert_uint_eq(leaf.pa, (s - s / 5 - 1) * page);
		ck_assert_uint_eq(leaf.attr, W | G | A | M);
	}
	ops->close(mmu);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mmu_model");
	TCase *tcase = tcase_create("amd64");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_errors);
	tcase_add_test(tcase, test_reserved);
	tcase_add_test(tcase, test_not_canonical);
	tcase_add_test(tcase, test_list);
	tcase_add_test(tcase, test_overflow);
	tcase_add_test(tcase, test_queue);
	tcase_add_test(tcase, test_harvest);
	tcase_add_test(tcase, test_survive);
	tcase_add_test(tcase, test_dirty_log);
	tcase_add_test(tcase, test_flip);
	tcase_add_test(tcase, test_says);
	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(all, test_machines, 0, 6);
	suite_add_tcase(suite, all);
	return kv_test_main(suite);
}
