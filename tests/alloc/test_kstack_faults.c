/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_kstack_faults.c - creations that faults stop, and back-out
 *
 * That each fault is caught is what the scenarios r101 to r124 show; here is
 * what the modules answer, and that a stopped creation leaves nothing.
 */
#include "kstackrig.h"

/* The creation is stopped, and leaves nothing behind. */
static void
is_stopped(struct rig *rig, unsigned npages, int error, unsigned invariant)
{
	uint64_t pages = free_pages(rig);
	struct kv_stack s;
	struct kv_diag diag = {0};

	ck_assert_int_eq(kv_kstack_stopped(rig->ks, &diag), 0);
	ck_assert_int_eq(kv_stack_create(rig->ks, npages, 0, &s), error);
	ck_assert_int_eq(kv_kstack_stopped(rig->ks, &diag), error);
	ck_assert_str_eq(diag.module, "freebsd");
	ck_assert_uint_eq(diag.invariant, invariant);
	ck_assert_uint_eq(free_pages(rig), pages);
}

/* freebsd-F1: with three guard pages the second stack begins at page 10. */
START_TEST(one_guard)
{
	struct kv_stack s;
	struct rig rig;

	rig_small(&rig, KV_KSTACK_NEW, 3, KV_KSTACK_ONE_GUARD);
	ck_assert_int_eq(kv_stack_create(rig.ks, 0, 0, &s), 0);
	ck_assert_uint_eq(s.pindex, 3 - (3 / 5 + 1));
	is_stopped(&rig, 0, EFAULT, 2);
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).live, 1);
	rig_close(&rig);
}
END_TEST

/* With one guard page that formula is right, and with it all others. */
START_TEST(one_guard_is_right)
{
	struct kv_stack s;
	struct rig rig;

	rig_small(&rig, KV_KSTACK_NEW, 1, KV_KSTACK_ONE_GUARD);
	for (unsigned n = 0; n < 200; n++) {
		ck_assert_int_eq(kv_stack_create(rig.ks, 0, n % 2, &s), 0);
		ck_assert_uint_eq(s.pindex % 4, 0);
	}
	rig_check(&rig);
	rig_close(&rig);
}
END_TEST

/* freebsd-F2: n * s + g instead of n * s. */
START_TEST(guard_above)
{
	struct kv_diag diag = {0};
	struct kv_stack s;
	struct rig rig;

	rig_small(&rig, KV_KSTACK_NEW, 2, KV_KSTACK_GUARD_ABOVE);
	for (uint64_t n = 0; n < 5; n++) {
		ck_assert_int_eq(kv_stack_create(rig.ks, 0, 0, &s), 0);
		ck_assert_uint_eq(s.pindex, 4 * n + 2);
	}
	ck_assert_int_eq(kv_kstack_check(rig.ks, &diag), EFAULT);
	ck_assert_uint_eq(diag.invariant, 2);
	rig_close(&rig);
}
END_TEST

/* freebsd-F8, F10: stopped at once, at the first that is not aligned. */
START_TEST(assertions)
{
	struct kv_stack s;
	struct rig rig;

	rig_small(&rig, KV_KSTACK_NEW, 1, KV_KSTACK_BACK_SLOT);
	ck_assert_int_eq(kv_stack_create(rig.ks, 6, 0, &s), 0);
	is_stopped(&rig, 0, EFAULT, 2);
	rig_close(&rig);
	rig_small(&rig, KV_KSTACK_NEW, 1, KV_KSTACK_ALIGN_ALL);
	ck_assert_int_eq(kv_stack_create(rig.ks, 6, 0, &s), 0);
	is_stopped(&rig, 6, EFAULT, 1);
	rig_close(&rig);
}
END_TEST

/* freebsd-F11: 512 pages are 126 stacks, 6 pages and two more.  Case 0: all
 * goes back, and the other domain gives the stack; 1: two pages stay. */
START_TEST(partial_back_out)
{
	struct kv_stack s;
	struct kv_diag diag = {0};
	struct rig rig;

	rig_small(&rig, KV_KSTACK_NEW, 1,
	    _i == 0 ? 0 : (unsigned)KV_KSTACK_PAGES_STAY);
	ck_assert_int_eq(kv_stack_create(rig.ks, 6, 0, &s), 0);
	for (unsigned n = 0; n < 126; n++)
		ck_assert_int_eq(kv_stack_create(rig.ks, 0, 0, &s), 0);
	rig_check(&rig);
	ck_assert_uint_eq(free_pages(&rig), 512 + 2);
	ck_assert_int_eq(kv_stack_create(rig.ks, 0, 0, &s), 0);
	ck_assert_uint_eq(s.domain, 1);
	ck_assert_uint_eq(free_pages(&rig), 508 + (_i == 0 ? 2 : 0));
	ck_assert_int_eq(kv_kstack_check(rig.ks, &diag), _i == 0 ? 0 : EFAULT);
	ck_assert_uint_eq(diag.invariant, _i == 0 ? 0 : 3);
	rig_close(&rig);
}
END_TEST

/* freebsd-F4: the stack is on domain 1, its KVA domain 0's; case 1 is sound. */
START_TEST(kva_stays)
{
	struct kv_diag diag = {0};
	struct kv_stack s;
	struct rig rig;

	rig_small(&rig, KV_KSTACK_NEW, 1,
	    _i == 0 ? (unsigned)KV_KSTACK_KVA_STAYS : 0);
	for (unsigned n = 0; n < 129; n++)
		ck_assert_int_eq(kv_stack_create(rig.ks, 0, 0, &s), 0);
	ck_assert_uint_eq(s.domain, 1);
	ck_assert_int_eq(
	    kv_stack_dispose(rig.ks, &s, &diag), _i == 0 ? ENOENT : 0);
	ck_assert_uint_eq(diag.invariant, _i == 0 ? 5 : 0);
	rig_close(&rig);
}
END_TEST

/* freebsd-F12: the second of two takes the first one's domain. */
START_TEST(shared_policy)
{
	static const unsigned asked[] = {1, 0, 0, 1, 0, 0, 1, 1},
			      got[] = {1, 1, 0, 0, 0, 0, 1, 1};
	struct kv_stack s;
	struct rig rig;

	rig_small(&rig, KV_KSTACK_NEW, 1, KV_KSTACK_SHARED_POLICY);
	for (unsigned n = 0; n < 8; n++) {
		ck_assert_int_eq(kv_stack_create(rig.ks, 0, asked[n], &s), 0);
		ck_assert_uint_eq(s.domain, got[n]);
	}
	rig_check(&rig);
	rig_close(&rig);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kstack_faults");
	TCase *t = tcase_create("creations");

	tcase_add_test(t, one_guard);
	tcase_add_test(t, one_guard_is_right);
	tcase_add_test(t, guard_above);
	tcase_add_test(t, assertions);
	tcase_add_loop_test(t, partial_back_out, 0, 2);
	tcase_add_loop_test(t, kva_stays, 0, 2);
	tcase_add_test(t, shared_policy);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
