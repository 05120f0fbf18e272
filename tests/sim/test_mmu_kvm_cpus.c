/* SPDX-License-Identifier: BSD-2-Clause */
/* test_mmu_kvm_cpus.c - machines with several vCPUs */
#include "mmurig.h"

/* ---- Several vCPUs --------------------------------------------------- */

/* Every page in either direction, so that each vCPU has the other's half. */
static size_t
touch_halves(enum kv_access access, size_t npages)
{
	kv_va_t *list = calloc(npages, sizeof(*list));
	size_t i, n;

	for (i = 0; i < npages; i++)
		list[i] = BASE + i * PAGE + i * 24 % PAGE;
	n = touch(access, list, npages);
	for (i = 0; i < npages; i++)
		list[i] = BASE + (npages - 1 - i) * PAGE;
	n += touch(access, list, npages);
	free(list);
	return n;
}

/* What one vCPU changes none of them has from before. */
START_TEST(test_shootdown)
{
	enum { N = 200, ROUNDS = 3 };
	unsigned round;

	open_machine(_i);
	for (round = 0; round < ROUNDS; round++) {
		map(BASE, round * BIG, N, RW | KV_PTE_X);
		commit();
		ck_assert_uint_eq(touch_halves(KV_ACCESS_WRITE, N), 0);
		ck_assert_uint_eq(harvest(0, UINT64_MAX, true, 0).modified, N);
		ck_assert_uint_eq(harvest(0, UINT64_MAX, true, 0).accessed, 0);
		ck_assert_uint_eq(touch_pages(KV_ACCESS_READ, BASE, N), 0);
		ck_assert_uint_eq(harvest(0, UINT64_MAX, false, 0).accessed, N);
		ok(ops->protect(mmu, BASE, N * PAGE, 0));
		commit();
		ck_assert_uint_eq(touch_halves(KV_ACCESS_WRITE, N), 2 * N);
		ck_assert_uint_eq(touch_halves(KV_ACCESS_READ, N), 0);
		ok(ops->unmap(mmu, BASE, N * PAGE));
		commit();
		ck_assert_uint_eq(touch_halves(KV_ACCESS_READ, N), 2 * N);
		check_fault(0, 0, BASE + (N - 1) * PAGE, 0);
		check_fault(N - 1, N - 1, BASE, 0);
	}
	ops->close(mmu);
}
END_TEST

/* Writes of all to one word, through two addresses of it. */
START_TEST(test_one_word)
{
	enum { N = 3000 };
	static kv_va_t list[N];
	size_t i;

	open_machine(_i);
	map(BASE, 0, 1, RW | KV_PTE_X);
	map(BASE + BIG, 0, 1, RW | KV_PTE_X);
	commit();
	for (i = 0; i < N; i++)
		list[i] = BASE + i % 2 * BIG + 64 + i % 8;
	ck_assert_uint_eq(touch(KV_ACCESS_WRITE, list, N), 0);
	ck_assert_uint_eq(touch(KV_ACCESS_EXEC, list, N), 0);
	ops->close(mmu);
}
END_TEST

int
main(void)
{
	const struct rig_test both[] = {
	    {"shootdown", test_shootdown}, {"one word", test_one_word}};

	return rig_main(both, sizeof(both) / sizeof(both[0]), NULL, 0);
}
