/* SPDX-License-Identifier: BSD-2-Clause */
/* test_mmu_kvm.c - what only a real machine has or has not */
#include "mmurig.h"

/* ---- The real one ---------------------------------------------------- */

/* The second witness agrees, and leaves no trace. */
START_TEST(test_witness)
{
	kv_pa_t pa = 1;
	size_t i;

	open_machine(KVM);
	map(BASE, 9 * PAGE, 40, RW);
	ok(ops->map(mmu, BASE + BIG, BIG, 1, 1, RW));
	commit();
	for (i = 0; i < 40; i++) {
		ok(ops->witness(mmu, BASE + i * PAGE + i, &pa));
		ck_assert_uint_eq(pa, (9 + i) * PAGE + i);
		ck_assert_uint_eq(leaf(BASE + i * PAGE).attr & AM, 0);
		ok(ops->witness(mmu, BASE + BIG + i * PAGE, &pa));
		ck_assert_uint_eq(pa, BIG + i * PAGE);
	}
	ck_assert_int_eq(ops->witness(mmu, BASE - PAGE, &pa), ENOENT);
	ck_assert_uint_eq(touch_pages(KV_ACCESS_READ, BASE, 40), 0);
	ok(ops->witness(mmu, BASE, &pa));
	ck_assert_uint_eq(leaf(BASE).attr & AM, KV_PTE_A);
	ops->close(mmu);
}
END_TEST

/* What the guest needs for itself, and what this KVM cannot do. */
START_TEST(test_forbidden)
{
	static const kv_va_t window = UINT64_C(128) << 39;
	static const kv_va_t lowest = UINT64_C(0xffff800000000000);
	static const char *const others[] = {
	    "arm64-4k", "arm64-64k", "riscv-sv39", "amd64-la57"};
	struct kv_mmu_config cfg = {0};
	struct kv_mmu *other;
	const char *reason;
	size_t i, n;

	open_machine(KVM);
	ck_assert_int_eq(ops->map(mmu, window, 0, 0, 1, RW), EINVAL);
	ck_assert_ptr_nonnull(mmu->reason);
	ck_assert_int_eq(
	    ops->touch(mmu, KV_ACCESS_READ, &window, 1, NULL, 0, &n), EINVAL);
	ck_assert_int_eq(ops->map(mmu, window - PAGE, 0, 0, 2, RW), EINVAL);
	ck_assert_int_eq(
	    ops->map(mmu, BASE, UINT64_MAX - BIG + 1, 0, 1, RW), EINVAL);
	if (mmu->caps.bad_slot_256) {
		mmu->reason = NULL;
		ck_assert_int_eq(ops->map(mmu, lowest, 0, 0, 1, RW), EINVAL);
		ck_assert_ptr_nonnull(mmu->reason);
	} else {
		map(lowest, 0, 1, RW);
		commit();
		ck_assert_uint_eq(touch_one(KV_ACCESS_WRITE, lowest), 0);
	}
	for (i = 0; i < 4; i++) {
		int expected = i == 3 && mmu->caps.la57 ? 0 : EOPNOTSUPP;

		cfg.format = kv_pte_find(others[i]);
		reason = NULL;
		ck_assert_int_eq(
		    kv_mmu_kvm_open(&cfg, &other, &reason), expected);
		if (expected == 0)
			other->ops->close(other);
		else
			ck_assert_ptr_nonnull(reason);
	}
	ops->close(mmu);
}
END_TEST

/* Five levels of tables, where the CPU has them. */
START_TEST(test_la57)
{
	struct kv_mmu_config cfg = {.format = kv_pte_find("amd64-la57")};
	struct kv_mmu *five;
	const char *reason = "";
	bool hit = false;
	struct kv_fault f;

	open_machine(KVM);
	if (mmu->caps.la57) {
		kv_va_t va = UINT64_C(0xff80000000000000) + 3 * (kv_va_t)BIG;

		ck_assert_int_eq(kv_mmu_kvm_open(&cfg, &five, &reason), 0);
		ops->close(mmu);
		use(five);
		map(va, 0, 700, RW);
		commit();
		ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, va, 700), 0);
		faults_with(KV_ACCESS_READ, va - PAGE, 0);
		ok(ops->unmap(mmu, va, 2 * PAGE));
		commit();
		ck_assert_uint_eq(touch_pages(KV_ACCESS_READ, va, 700), 2);
		ok(ops->overflow(mmu, va + 3 * PAGE, 2 * PAGE, &hit, &f));
		ck_assert(hit);
		ck_assert_uint_eq(f.va, va + 2 * PAGE - 8);
	}
	ops->close(mmu);
}
END_TEST

/* Memory of the host: none before it is touched, what was touched after. */
START_TEST(test_host)
{
	enum { N = 500 };
	struct kv_mmu_host h;

	open_machine(KVM);
	map(BASE, 0, N, RW);
	map(BASE + BIG, UINT64_C(5) << 30, N, RW);
	commit();
	ok(ops->host(mmu, &h));
	ck_assert_uint_eq(h.resident, 0);
	ck_assert_uint_eq(h.huge, 0);
	ck_assert_uint_eq(h.contiguous_runs, 0);
	ck_assert_uint_eq(touch_pages(KV_ACCESS_READ, BASE, N), 0);
	ok(ops->host(mmu, &h));
	ck_assert_uint_eq(h.resident, 0);
	ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, BASE, N), 0);
	ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, BASE + BIG, 2), 0);
	ok(ops->host(mmu, &h));
	ck_assert_uint_eq(h.resident, (N + 2) * PAGE);
	ck_assert_uint_eq(h.huge, 0);
	ck_assert_uint_le(h.contiguous_runs, N + 2);
	if (ops->collapse(mmu, 0, BIG) == 0) {
		ok(ops->host(mmu, &h));
		ck_assert_uint_eq(h.resident, BIG + 2 * PAGE);
		ck_assert_uint_eq(h.huge, BIG);
		/* One run, and one or two for the pages far above. */
		ck_assert_uint_le(h.contiguous_runs, 3);
		ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, BASE, N), 0);
	}
	ops->close(mmu);
}
END_TEST

/* Time is over in the middle of a list; the machine can still be used. */
START_TEST(test_timeout)
{
	enum { N = 1 << 15, ATTEMPTS = 1000 };
	struct kv_mmu_config cfg = {
	    .format = kv_pte_find("amd64"), .timeout_ms = 1};
	kv_va_t *list = malloc(N * sizeof(*list));
	struct kv_mmu *made;
	const char *reason = "";
	size_t i, n = 77;
	int error;

	ck_assert_int_eq(kv_mmu_kvm_open(&cfg, &made, &reason), 0);
	use(made);
	map(BASE, 0, 1, RW);
	commit();
	for (i = 0; i < N; i++)
		list[i] = BASE + (i + 1) * PAGE;
	ck_assert_int_eq(
	    ops->touch(mmu, KV_ACCESS_READ, list, N, faults, FAULTS, &n),
	    ETIMEDOUT);
	ck_assert_ptr_nonnull(mmu->reason);
	ck_assert_uint_eq(n, 77);
	/* A busy host may need more than one attempt for one page. */
	list[0] = BASE;
	for (i = 0, error = ETIMEDOUT; i < ATTEMPTS && error != 0; i++)
		error = ops->touch(
		    mmu, KV_ACCESS_WRITE, list, 1, faults, FAULTS, &n);
	ck_assert_int_eq(error, 0);
	ck_assert_uint_eq(n, 0);
	free(list);
	ops->close(mmu);
}
END_TEST

int
main(void)
{
	const struct rig_test real[] = {{"witness", test_witness},
	    {"forbidden", test_forbidden}, {"la57", test_la57},
	    {"host", test_host}, {"timeout", test_timeout}};

	return rig_main(NULL, 0, real, sizeof(real) / sizeof(real[0]));
}
