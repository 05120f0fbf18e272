/* SPDX-License-Identifier: BSD-2-Clause */
/* test_mmu_kvm_faults.c - faults of machines, and edits that make them */
#include "mmurig.h"

/* ---- Faults ---------------------------------------------------------- */

/* 4 + 1 pages a stack, frames dense: each guard faults, nothing else. */
START_TEST(test_guards)
{
	enum { STACKS = 300, NPAGES = 4, KPAGES = 5 };
	static kv_va_t list[STACKS * KPAGES];
	static const enum kv_access order[] = {
	    KV_ACCESS_READ, KV_ACCESS_WRITE, KV_ACCESS_EXEC};
	static const unsigned errors[] = {0, KV_FAULT_W, KV_FAULT_I};
	size_t i, k;

	open_machine(_i);
	for (i = 0; i < STACKS; i++)
		map(BASE + (i * KPAGES + 1) * PAGE, i * NPAGES * PAGE, NPAGES,
		    RW | KV_PTE_X);
	commit();
	for (i = 0; i < STACKS * KPAGES; i++)
		list[i] = BASE + i * PAGE + i * 8 % PAGE;
	for (k = 0; k < 3; k++) {
		ck_assert_uint_eq(
		    touch(order[k], list, STACKS * KPAGES), STACKS);
		for (i = 0; i < STACKS; i++)
			check_fault(i, i * KPAGES, list[i * KPAGES], errors[k]);
	}
	for (i = 0; i < STACKS * KPAGES; i++) {
		struct kv_leaf l;
		int error = ops->translate(mmu, list[i], &l);

		ck_assert_int_eq(error, i % KPAGES == 0 ? ENOENT : 0);
		if (error == 0)
			ck_assert_uint_eq(l.pa, (i - i / KPAGES - 1) * PAGE);
	}
	ops->close(mmu);
}
END_TEST

/* Any byte of a page, the last ones, too. */
START_TEST(test_bytes)
{
	kv_va_t va;

	open_machine(_i);
	map(BASE, 0, 1, RW | KV_PTE_X);
	commit();
	for (va = BASE; va < BASE + PAGE; va += 41) {
		ck_assert_uint_eq(touch_one(KV_ACCESS_READ, va), 0);
		ck_assert_uint_eq(touch_one(KV_ACCESS_WRITE, va), 0);
		ck_assert_uint_eq(touch_one(KV_ACCESS_EXEC, va), 0);
	}
	for (va = BASE + PAGE - 9; va < BASE + PAGE + 9; va++) {
		ck_assert_uint_eq(
		    touch_one(KV_ACCESS_WRITE, va), va >= BASE + PAGE);
		if (va >= BASE + PAGE)
			check_fault(0, 0, va, KV_FAULT_W);
	}
	ops->close(mmu);
}
END_TEST

START_TEST(test_protection)
{
	static const struct {
		unsigned attr;
		unsigned error[3]; /* of read, write, exec; 0: none */
	} rows[] = {{0, {0, KV_FAULT_P | KV_FAULT_W, KV_FAULT_P | KV_FAULT_I}},
	    {KV_PTE_W, {0, 0, KV_FAULT_P | KV_FAULT_I}},
	    {KV_PTE_X, {0, KV_FAULT_P | KV_FAULT_W, 0}},
	    {KV_PTE_W | KV_PTE_X, {0, 0, 0}},
	    {KV_PTE_G | KV_PTE_U,
		{0, KV_FAULT_P | KV_FAULT_W, KV_FAULT_P | KV_FAULT_I}}};
	enum { NROWS = sizeof(rows) / sizeof(rows[0]) };
	unsigned before, after, access;

	open_machine(_i);
	for (before = 0; before < NROWS; before++)
		for (after = 0; after < NROWS; after++) {
			kv_va_t va = BASE + (before * NROWS + after) * PAGE;

			map(va, va - BASE, 1, rows[before].attr);
			commit();
			touch_one(KV_ACCESS_READ, va);
			touch_one(KV_ACCESS_WRITE, va);
			ok(ops->protect(mmu, va, PAGE, rows[after].attr));
			commit();
			for (access = 0; access < 3; access++) {
				unsigned error = rows[after].error[access];

				if (error != 0)
					faults_with(access, va, error);
				else
					ck_assert_uint_eq(
					    touch_one(access, va), 0);
			}
			ck_assert_uint_eq(leaf(va).attr & (KV_PTE_W | KV_PTE_X),
			    rows[after].attr & (KV_PTE_W | KV_PTE_X));
			/* U and G are those that it was mapped with. */
			ck_assert_uint_eq(leaf(va).attr & (KV_PTE_U | KV_PTE_G),
			    rows[before].attr & (KV_PTE_U | KV_PTE_G));
		}
	ops->close(mmu);
}
END_TEST

/* More faults than any one run of a guest, and than there is room for. */
START_TEST(test_many_faults)
{
	enum { N = (1 << 14) + 9, CAP = 10, SOME = 100 };
	kv_va_t *list = malloc(N * sizeof(*list));
	size_t i, nfaults = 0;

	open_machine(_i);
	map(BASE, 0, 1, RW);
	commit();
	for (i = 0; i < N; i++)
		list[i] = BASE + i * PAGE;
	memset(faults, 0xff, sizeof(faults));
	ok(ops->touch(mmu, KV_ACCESS_WRITE, list, N, faults, CAP, &nfaults));
	ck_assert_uint_eq(nfaults, N - 1);
	for (i = 0; i < CAP; i++)
		check_fault(i, i + 1, list[i + 1], KV_FAULT_W);
	ck_assert_uint_eq(faults[CAP].index, SIZE_MAX);
	ok(ops->touch(mmu, KV_ACCESS_READ, list, SOME, NULL, 0, &nfaults));
	ck_assert_uint_eq(nfaults, SOME - 1);
	/* The last two of a long list alone. */
	for (i = 0; i < N - 2; i++)
		list[i] = BASE;
	ck_assert_uint_eq(touch(KV_ACCESS_WRITE, list, N), 2);
	check_fault(0, N - 2, BASE + (N - 2) * PAGE, KV_FAULT_W);
	check_fault(1, N - 1, BASE + (N - 1) * PAGE, KV_FAULT_W);
	ck_assert_uint_eq(touch(KV_ACCESS_READ, list, 0), 0);
	free(list);
	ops->close(mmu);
}
END_TEST

START_TEST(test_not_canonical)
{
	static const kv_va_t list[] = {UINT64_C(0x800000000000),
	    UINT64_C(0xffff7fffffffffff), UINT64_C(0x1000000000000)};
	enum kv_access access;
	size_t i;

	open_machine(_i);
	for (access = KV_ACCESS_READ; access <= KV_ACCESS_EXEC; access++) {
		ck_assert_uint_eq(touch(access, list, 3), 3);
		for (i = 0; i < 3; i++) {
			ck_assert_uint_eq(faults[i].index, i);
			ck_assert_uint_eq(faults[i].va, list[i]);
			ck_assert_uint_eq(faults[i].vector, 13);
			ck_assert_uint_eq(faults[i].error, 0);
		}
	}
	ck_assert_int_eq(ops->map(mmu, list[0], 0, 0, 1, RW), EINVAL);
	ops->close(mmu);
}
END_TEST

/* ---- Edits ----------------------------------------------------------- */

START_TEST(test_refused)
{
	open_machine(_i);
	map(BASE, 0, 1, RW);
	ck_assert_int_eq(ops->map(mmu, BASE, 0, 0, 1, RW), EEXIST);
	ck_assert_int_eq(ops->map(mmu, BASE + 1, 0, 0, 1, RW), EINVAL);
	ck_assert_int_eq(ops->map(mmu, BASE + PAGE, 1, 0, 1, RW), EINVAL);
	ck_assert_int_eq(ops->map(mmu, BASE + BIG, PAGE, 1, 1, RW), EINVAL);
	ck_assert_int_eq(ops->map(mmu, BASE + BIG, 0, 3, 1, RW), EINVAL);
	ck_assert_int_eq(ops->map(mmu, BASE + BIG, 0, 9, 1, RW), EINVAL);
	ck_assert_int_eq(ops->map(mmu, BASE, 0, 0, SIZE_MAX, RW), EINVAL);
	ck_assert_int_eq(ops->unmap(mmu, BASE + 1, PAGE), EINVAL);
	ok(ops->unmap(mmu, BASE + PAGE, PAGE));
	ck_assert_int_eq(ops->demote(mmu, BASE), ENOENT);
	ck_assert_int_eq(ops->promote(mmu, BASE + BIG), ENOENT);
	commit();
	commit();
	ck_assert_uint_eq(touch_one(KV_ACCESS_WRITE, BASE), 0);
	ops->close(mmu);
}
END_TEST

/* What is queued is not there yet. */
START_TEST(test_queue)
{
	open_machine(_i);
	map(BASE, 0, 1, RW);
	faults_with(KV_ACCESS_READ, BASE, 0);
	commit();
	ck_assert_uint_eq(touch_one(KV_ACCESS_READ, BASE), 0);
	ok(ops->unmap(mmu, BASE, PAGE));
	ck_assert_uint_eq(touch_one(KV_ACCESS_READ, BASE), 0);
	commit();
	faults_with(KV_ACCESS_READ, BASE, 0);
	ops->close(mmu);
}
END_TEST

START_TEST(test_unmap)
{
	enum { N = 3000 };
	size_t i, n = 0;

	open_machine(_i);
	map(BASE, 0, N, RW | KV_PTE_G);
	commit();
	ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, BASE, N), 0);
	for (i = 0; i < N; i += 3)
		ok(ops->unmap(mmu, BASE + i * PAGE, PAGE));
	commit();
	ck_assert_uint_eq(touch_pages(KV_ACCESS_READ, BASE, N), N / 3);
	for (i = 0; i < N; i += 3)
		ck_assert_uint_eq(faults[n++].index, i);
	ok(ops->unmap(mmu, BASE, N * PAGE));
	commit();
	ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, BASE, N), N);
	/* Tables that were in use come back empty. */
	map(BASE + 5 * PAGE, 7 * PAGE, 1, RW);
	commit();
	ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, BASE, N), N - 1);
	ck_assert_uint_eq(leaf(BASE + 5 * PAGE).pa, 7 * PAGE);
	ops->close(mmu);
}
END_TEST

/* A frame gives way to another, in one commit and in two. */
START_TEST(test_remap)
{
	enum { N = 600 };
	unsigned round;
	size_t i;

	open_machine(_i);
	map(BASE, 0, N, RW);
	commit();
	for (round = 1; round < 6; round++) {
		ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, BASE, N), 0);
		ok(ops->unmap(mmu, BASE, N * PAGE));
		if (round % 2 == 0)
			commit();
		for (i = 0; i < N; i++)
			map(BASE + i * PAGE,
			    ((i + round) % N + round * N) * PAGE, 1, RW);
		commit();
		for (i = 0; i < N; i++) {
			struct kv_leaf l = leaf(BASE + i * PAGE);

			ck_assert_uint_eq(
			    l.pa, ((i + round) % N + round * N) * PAGE);
			ck_assert_uint_eq(l.attr & AM, 0);
		}
	}
	/* The same frame again: A and M start anew. */
	ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, BASE, N), 0);
	ok(ops->unmap(mmu, BASE, PAGE));
	map(BASE, ((5 % N) + 5 * N) * PAGE, 1, RW);
	commit();
	ck_assert_uint_eq(leaf(BASE).attr & AM, 0);
	ck_assert_uint_eq(leaf(BASE + PAGE).attr & AM, AM);
	ops->close(mmu);
}
END_TEST

/* ---- Overflow -------------------------------------------------------- */

START_TEST(test_overflow)
{
	enum { NPAGES = 2 };
	kv_va_t low = BASE + 3 * PAGE, top = low + NPAGES * PAGE;
	struct kv_fault f = {.index = 77};
	bool hit = true;

	open_machine(_i);
	map(low, 0, NPAGES, RW);
	map(low - 2 * PAGE, BIG, 1, RW);
	commit();
	ok(ops->overflow(mmu, top, 0, &hit, &f));
	ck_assert(!hit);
	ok(ops->overflow(mmu, top, NPAGES * PAGE, &hit, &f));
	ck_assert(!hit);
	ck_assert_uint_eq(leaf(low).attr & AM, AM);
	ck_assert_uint_eq(f.index, 77);
	ok(ops->overflow(mmu, top, NPAGES * PAGE + 8, &hit, &f));
	ck_assert(hit);
	ck_assert_uint_eq(f.vector, 8);
	ck_assert_uint_eq(f.va, low - 8);
	ck_assert_uint_eq(f.index, 0);
	ok(ops->overflow(mmu, low + 40, PAGE, &hit, &f));
	ck_assert(hit);
	ck_assert_uint_eq(f.va, low - 8);
	/* Right into it, however the top is aligned. */
	ok(ops->overflow(mmu, low - 24, PAGE, &hit, &f));
	ck_assert(hit);
	ck_assert_uint_eq(f.va, low - 32);
	ck_assert_int_eq(ops->overflow(mmu, top + 1, 8, &hit, &f), EINVAL);
	ck_assert_int_eq(ops->overflow(mmu, top, 1, &hit, &f), EINVAL);
	/* A stack that must not be written. */
	ok(ops->protect(mmu, low, PAGE, 0));
	commit();
	ok(ops->overflow(mmu, top, 2 * PAGE, &hit, &f));
	ck_assert(hit);
	ck_assert_uint_eq(f.va, low + PAGE - 8);
	ck_assert_uint_eq(touch_one(KV_ACCESS_WRITE, top - 8), 0);
	ops->close(mmu);
}
END_TEST

int
main(void)
{
	const struct rig_test both[] = {{"guards", test_guards},
	    {"bytes", test_bytes}, {"protection", test_protection},
	    {"many faults", test_many_faults},
	    {"not canonical", test_not_canonical}, {"refused", test_refused},
	    {"queue", test_queue}, {"unmap", test_unmap}, {"remap", test_remap},
	    {"overflow", test_overflow}};

	return rig_main(both, sizeof(both) / sizeof(both[0]), NULL, 0);
}
