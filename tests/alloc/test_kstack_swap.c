/* SPDX-License-Identifier: BSD-2-Clause */
/* test_kstack_swap.c - stacks that are swapped out and in, and faults there */
#include "kstackrig.h"

enum { STACKS = 20 };

static void
spawn_some(struct rig *rig, struct kv_stack s[STACKS])
{
	for (unsigned n = 0; n < STACKS; n++)
		ck_assert_int_eq(
		    kv_stack_create(rig->ks, n % 3 == 0 ? 6 : 0, n % 2, &s[n]),
		    0);
	rig_check(rig);
}

/* Out and in: the pages go and come, KVA and pindexes stay. */
START_TEST(out_and_in)
{
	struct kv_stack s[STACKS];
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
	struct kv_diag diag = {0};
	uint64_t pages;
	struct rig rig;

	rig_small(&rig, _i == 0 ? KV_KSTACK_OLD : KV_KSTACK_NEW, 1, 0);
	spawn_some(&rig, s);
	pages = free_pages(&rig);
	for (unsigned n = 5; n < 15; n++) {
		pages += s[n].npages;
		ck_assert_int_eq(kv_stack_swapout(rig.ks, &s[n], &diag), 0);
		ck_assert(kv_stack_is_out(rig.ks, &s[n]));
		ck_assert_int_eq(kv_stack_pages(rig.ks, &s[n], pfns), ENOENT);
		rig_check(&rig);
	}
	ck_assert_uint_eq(free_pages(&rig), pages);
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).out, 10);
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).live, STACKS);
	for (unsigned n = 5; n < 12; n++) {
		pages -= s[n].npages;
		ck_assert_int_eq(kv_stack_swapin(rig.ks, &s[n], &diag), 0);
		ck_assert_int_eq(kv_stack_swapin(rig.ks, &s[n], &diag), 0);
		ck_assert_int_eq(kv_stack_pages(rig.ks, &s[n], pfns), 0);
		rig_check(&rig);
	}
	ck_assert_uint_eq(free_pages(&rig), pages);
	for (unsigned n = 0; n < STACKS; n++)
		ck_assert_int_eq(kv_stack_dispose(rig.ks, &s[n], &diag), 0);
	rig_check(&rig);
	ck_assert_uint_eq(free_pages(&rig), 1024);
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).out, 0);
	rig_close(&rig);
}
END_TEST

/* Whichever allocation of metadata fails, nothing has changed. */
START_TEST(swap_without_metadata)
{
	struct kv_stack s[STACKS];
	struct kv_diag diag = {0};
	struct rig rig;
	uint64_t pages;
	int error = ENOMEM;

	rig_small(&rig, KV_KSTACK_NEW, 1, 0);
	spawn_some(&rig, s);
	pages = free_pages(&rig);
	for (uint64_t n = 1; error == ENOMEM; n++) {
		kv_host_fail_at(&rig.host, n);
		error = kv_stack_swapout(rig.ks, &s[1], &diag);
		kv_host_fail_at(&rig.host, 0);
		if (error == ENOMEM)
			ck_assert_uint_eq(free_pages(&rig), pages);
		rig_check(&rig);
	}
	ck_assert_int_eq(error, 0);
	for (uint64_t n = 1; n == 1 || error == ENOMEM; n++) {
		kv_host_fail_at(&rig.host, n);
		error = kv_stack_swapin(rig.ks, &s[1], &diag);
		kv_host_fail_at(&rig.host, 0);
		rig_check(&rig);
	}
	ck_assert_int_eq(error, 0);
	ck_assert_uint_eq(free_pages(&rig), pages);
	rig_close(&rig);
}
END_TEST

/* No page in the stack's domain: it stays out; freebsd-F9 never ends. */
START_TEST(swapin_without_pages)
{
	struct kv_stack first, s;
	struct kv_diag diag = {0};
	struct rig rig;

	rig_small(&rig, KV_KSTACK_NEW, 1,
	    _i == 0 ? 0 : (unsigned)KV_KSTACK_SWAPIN_LOOPS);
	ck_assert_int_eq(kv_stack_create(rig.ks, 0, 0, &first), 0);
	ck_assert_int_eq(kv_stack_swapout(rig.ks, &first, &diag), 0);
	for (unsigned n = 0; n < 128; n++) {
		ck_assert_int_eq(kv_stack_create(rig.ks, 0, 0, &s), 0);
		ck_assert_uint_eq(s.domain, 0);
	}
	ck_assert_int_eq(
	    kv_stack_swapin(rig.ks, &first, &diag), _i == 0 ? ENOMEM : EDEADLK);
	ck_assert_uint_eq(diag.invariant, _i == 0 ? 0 : 11);
	ck_assert(kv_stack_is_out(rig.ks, &first));
	rig_check(&rig);
	ck_assert_int_eq(kv_stack_dispose(rig.ks, &s, &diag), 0);
	ck_assert_int_eq(kv_stack_swapin(rig.ks, &first, &diag), 0);
	rig_check(&rig);
	rig_close(&rig);
}
END_TEST

/* freebsd-F16, and F7 where its linear index is taken. */
START_TEST(swap_faults)
{
	struct kv_stack s[STACKS];
	struct kv_diag diag = {0};
	struct rig rig;

	rig_small(&rig, KV_KSTACK_NEW, 1, KV_KSTACK_SWAPOUT_DEFAULT);
	spawn_some(&rig, s);
	ck_assert_int_eq(kv_stack_swapout(rig.ks, &s[0], &diag), ENOENT);
	ck_assert_uint_eq(diag.invariant, 3);
	ck_assert(!kv_stack_is_out(rig.ks, &s[0]));
	rig_check(&rig);
	rig_close(&rig);
	rig_small(&rig, KV_KSTACK_NEW, 1, KV_KSTACK_SWAPIN_LINEAR);
	for (unsigned n = 0; n < 5; n++)
		ck_assert_int_eq(kv_stack_create(rig.ks, 0, 0, &s[n]), 0);
	/* page 1 to 4; the second stack has index 4 */
	ck_assert_int_eq(kv_stack_swapout(rig.ks, &s[0], &diag), 0);
	ck_assert_int_eq(kv_stack_swapin(rig.ks, &s[0], &diag), EDEADLK);
	ck_assert_uint_eq(diag.invariant, 3);
	rig_check(&rig);
	rig_close(&rig);
}
END_TEST

/* Of the 76 stacks of domain 1 that share a reservation which domain 0 made
 * (freebsd.md 7, F21), one that is out stands on no pages, so on nobody's. */
START_TEST(out_of_another_domain)
{
	struct make make = {
	    KV_KSTACK_NEW, 4, 1, 2, 0, 256, false, 0, 0, KV_DOMAINSET_NEW};
	struct kv_stack s, sound = {0};
	struct rig rig;

	rig_open(&rig, &make);
	for (unsigned n = 0; n < 46; n++)
		ck_assert_int_eq(kv_stack_create(rig.ks, 32, 0, &s), 0);
	for (unsigned n = 0; n < 25 * 511; n++)
		sound = spawn(&rig, 0);
	for (unsigned n = 0; n < 76; n++)
		s = spawn(&rig, 1);
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).wrong_domain, 76);
	ck_assert_int_eq(kv_stack_swapout(rig.ks, &s, NULL), 0);
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).wrong_domain, 75);
	ck_assert_int_eq(kv_stack_swapout(rig.ks, &sound, NULL), 0);
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).wrong_domain, 75);
	ck_assert_int_eq(kv_stack_swapin(rig.ks, &s, NULL), 0);
	ck_assert_int_eq(kv_stack_swapin(rig.ks, &sound, NULL), 0);
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).wrong_domain, 76);
	rig_close(&rig);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kstack_swap");
	TCase *t = tcase_create("swapping");

	tcase_add_loop_test(t, out_and_in, 0, 2);
	tcase_add_test(t, swap_without_metadata);
	tcase_add_loop_test(t, swapin_without_pages, 0, 2);
	tcase_add_test(t, swap_faults);
	tcase_add_test(t, out_of_another_domain);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
