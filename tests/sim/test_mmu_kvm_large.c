/* SPDX-License-Identifier: BSD-2-Clause */
/* test_mmu_kvm_large.c - large leaves of machines */
#include "mmurig.h"

/* ---- Large leaves ---------------------------------------------------- */

START_TEST(test_large)
{
	enum { N = 3 };
	size_t i;

	open_machine(_i);
	ok(ops->map(mmu, BASE, 4 * (kv_pa_t)BIG, 1, N, RW));
	commit();
	ck_assert_uint_eq(touch_pages(KV_ACCESS_READ, BASE, N * ENTRIES), 0);
	ck_assert_uint_eq(leaf(BASE + BIG).attr & AM, KV_PTE_A);
	ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, BASE + BIG, ENTRIES), 0);
	for (i = 0; i < N; i++) {
		struct kv_leaf l = leaf(BASE + i * BIG + PAGE);

		ck_assert_uint_eq(l.va, BASE + i * BIG);
		ck_assert_uint_eq(l.pa, (4 + i) * BIG);
		ck_assert_uint_eq(l.level, 1);
		ck_assert_uint_eq(l.attr & AM, i == 1 ? AM : KV_PTE_A);
	}
	faults_with(KV_ACCESS_WRITE, BASE + N * BIG, KV_FAULT_W);
	/* A hole in the second: its pieces keep A and M. */
	ok(ops->unmap(mmu, BASE + BIG + 5 * PAGE, PAGE));
	commit();
	ck_assert_uint_eq(touch_pages(KV_ACCESS_READ, BASE + BIG, ENTRIES), 1);
	ck_assert_uint_eq(faults[0].index, 5);
	ck_assert_uint_eq(leaf(BASE + BIG).level, 0);
	ck_assert_uint_eq(leaf(BASE + BIG).attr & AM, AM);
	/* Read-only pages in the third, which was only read. */
	ok(ops->protect(mmu, BASE + 2 * BIG, 7 * PAGE, 0));
	commit();
	ck_assert_uint_eq(
	    touch_pages(KV_ACCESS_WRITE, BASE + 2 * BIG, ENTRIES), 7);
	ck_assert_uint_eq(leaf(BASE + 2 * BIG).attr & AM, KV_PTE_A);
	ck_assert_uint_eq(leaf(BASE + 2 * BIG + 7 * PAGE).attr & AM, AM);
	ops->close(mmu);
}
END_TEST

START_TEST(test_gb)
{
	kv_pa_t pa = UINT64_C(1) << 30;

	open_machine(_i);
	if (mmu->caps.gb_pages) {
		ok(ops->map(mmu, BASE, pa, 2, 1, RW));
		commit();
		ck_assert_uint_eq(
		    touch_pages(KV_ACCESS_WRITE, BASE + 9 * BIG, 600), 0);
		ck_assert_uint_eq(leaf(BASE + 9 * BIG).level, 2);
		ck_assert_uint_eq(leaf(BASE + 9 * BIG).pa, pa);
	}
	ops->close(mmu);
}
END_TEST

/* Accessed alike, then one leaf, then pages again. */
START_TEST(test_promotion)
{
	enum { N = 4 };
	size_t i;

	open_machine(_i);
	map(BASE, (kv_pa_t)BIG, N * ENTRIES, RW);
	commit();
	ck_assert_int_eq(ops->promote(mmu, BASE), EAGAIN);
	ck_assert_uint_eq(
	    touch_pages(KV_ACCESS_WRITE, BASE, N * ENTRIES - 1), 0);
	for (i = 0; i < N - 1; i++)
		ok(ops->promote(mmu, BASE + i * BIG));
	/* The last page of the last one was not accessed. */
	ck_assert_int_eq(ops->promote(mmu, BASE + i * BIG), EAGAIN);
	commit();
	for (i = 0; i < N; i++) {
		ck_assert_uint_eq(leaf(BASE + i * BIG).level, i + 1 < N);
		ck_assert_uint_eq(leaf(BASE + i * BIG).attr & AM, AM);
	}
	ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, BASE, N * ENTRIES), 0);
	/* The tables that went were full; whoever gets one finds it empty. */
	for (i = 0; i < N - 1; i++)
		map(BASE + (100 + i) * BIG, i * PAGE, 1, RW);
	commit();
	for (i = 0; i < N - 1; i++)
		ck_assert_uint_eq(touch_pages(KV_ACCESS_READ,
				      BASE + (100 + i) * BIG, ENTRIES),
		    ENTRIES - 1);
	for (i = 0; i < N - 1; i++)
		ok(ops->demote(mmu, BASE + i * BIG));
	commit();
	for (i = 0; i < N * ENTRIES; i++) {
		struct kv_leaf l = leaf(BASE + i * PAGE);

		ck_assert_uint_eq(l.level, 0);
		ck_assert_uint_eq(l.pa, BIG + i * PAGE);
		ck_assert_uint_eq(l.attr & AM, AM);
	}
	ck_assert_uint_eq(touch_pages(KV_ACCESS_READ, BASE, N * ENTRIES), 0);
	ops->close(mmu);
}
END_TEST

/* Leaves as the machine counts them: none large, N, none. */
START_TEST(test_round_trip)
{
	enum { N = 8 };
	struct kv_mmu_leaves l;
	size_t i, round;
	int error;

	use(machine(_i, true));
	map(BASE, (kv_pa_t)BIG, N * ENTRIES, RW);
	commit();
	ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, BASE, N * ENTRIES), 0);
	error = _i != MODEL ? ops->collapse(mmu, BIG, (uint64_t)N * BIG) : 0;
	if (error == EOPNOTSUPP || !mmu->caps.stats) {
		ops->close(mmu);
		return; /* a host without huge pages */
	}
	ok(error);
	for (round = 0; round < 2; round++) {
		ok(ops->leaves(mmu, &l));
		if (mmu->caps.leaf_guest) {
			ck_assert_uint_eq(l.level[0], N * ENTRIES);
			ck_assert_uint_eq(l.level[1], 0);
		} else
			ck_assert_uint_eq(l.level[1], N);
		for (i = 0; i < N; i++)
			ok(ops->promote(mmu, BASE + i * BIG));
		commit();
		ck_assert_uint_eq(
		    touch_pages(KV_ACCESS_READ, BASE, N * ENTRIES), 0);
		ok(ops->leaves(mmu, &l));
		ck_assert_uint_eq(l.level[1], N);
		ck_assert_uint_eq(l.level[0], 0);
		for (i = 0; i < N; i++)
			ok(ops->demote(mmu, BASE + i * BIG));
		commit();
		ck_assert_uint_eq(
		    touch_pages(KV_ACCESS_READ, BASE, N * ENTRIES), 0);
	}
	ops->close(mmu);
}
END_TEST

int
main(void)
{
	const struct rig_test both[] = {{"large", test_large}, {"gb", test_gb},
	    {"promotion", test_promotion}, {"round trip", test_round_trip}};

	return rig_main(both, sizeof(both) / sizeof(both[0]), NULL, 0);
}
