/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_kstack_faults.c - creations that faults stop, swapping, and back-out
 *
 * That each fault is caught is what the scenarios r101 to r124 show; here is
 * what the modules answer, and that a stopped creation leaves nothing.
 */
#include <string.h>

#include "alloc/kv.h"
#include "kvtest.h"

#define MIB (UINT64_C(1) << 20)
#define PAGE UINT64_C(0x1000)

struct rig {
	struct kv_host host;
	struct kv_phys *phys;
	struct kv_reserv *rv;
	struct kv_kstack *ks;
};

/* Two domains of 2 MiB: 512 pages each. */
static void
rig_open(struct rig *rig, enum kv_kstack_scheme scheme, unsigned gpages,
    unsigned faults)
{
	static const struct kv_phys_range ranges[] = {
	    {16 * MIB, 18 * MIB, 0}, {18 * MIB, 20 * MIB, 1}};
	struct kv_phys_config pc = {.machine = kv_machine_find("amd64"),
	    .ranges = ranges,
	    .nranges = 2,
	    .ndomains = 2,
	    .host = &rig->host};
	struct kv_reserv_config rc = {.host = &rig->host};
	struct kv_kstack_config kc = {.machine = pc.machine,
	    .host = &rig->host,
	    .scheme = scheme,
	    .npages = 4,
	    .gpages = gpages,
	    .ndomains = 2,
	    .iterator = KV_DOMAINSET_NEW,
	    .faults = faults};

	*rig = (struct rig){0};
	kv_host_libc(&rig->host);
	ck_assert_int_eq(kv_phys_create(&pc, &rig->phys), 0);
	rc.phys = kc.phys = rig->phys;
	ck_assert_int_eq(kv_reserv_create(&rc, &rig->rv), 0);
	kc.reserv = rig->rv;
	ck_assert_int_eq(kv_kstack_create(&kc, &rig->ks), 0);
}

static void
rig_close(struct rig *rig)
{
	kv_kstack_destroy(rig->ks);
	kv_reserv_destroy(rig->rv);
	kv_phys_destroy(rig->phys);
	ck_assert_uint_eq(rig->host.bytes, 0);
}

static void
rig_check(const struct rig *rig)
{
	struct kv_diag diag = {.module = "?", .text = "no memory to check"};

	ck_assert_msg(kv_kstack_check(rig->ks, &diag) == 0, "%s I%u: %s",
	    diag.module, diag.invariant, diag.text);
}

static uint64_t
free_pages(const struct rig *rig)
{
	return kv_phys_stats(rig->phys).free_pages;
}

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

	rig_open(&rig, KV_KSTACK_NEW, 3, KV_KSTACK_ONE_GUARD);
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

	rig_open(&rig, KV_KSTACK_NEW, 1, KV_KSTACK_ONE_GUARD);
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

	rig_open(&rig, KV_KSTACK_NEW, 2, KV_KSTACK_GUARD_ABOVE);
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

	rig_open(&rig, KV_KSTACK_NEW, 1, KV_KSTACK_BACK_SLOT);
	ck_assert_int_eq(kv_stack_create(rig.ks, 6, 0, &s), 0);
	is_stopped(&rig, 0, EFAULT, 2);
	rig_close(&rig);
	rig_open(&rig, KV_KSTACK_NEW, 1, KV_KSTACK_ALIGN_ALL);
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

	rig_open(&rig, KV_KSTACK_NEW, 1,
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

	rig_open(&rig, KV_KSTACK_NEW, 1,
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

	rig_open(&rig, KV_KSTACK_NEW, 1, KV_KSTACK_SHARED_POLICY);
	for (unsigned n = 0; n < 8; n++) {
		ck_assert_int_eq(kv_stack_create(rig.ks, 0, asked[n], &s), 0);
		ck_assert_uint_eq(s.domain, got[n]);
	}
	rig_check(&rig);
	rig_close(&rig);
}
END_TEST

/* ---- Swapping ---------------------------------------------------------- */

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

	rig_open(&rig, _i == 0 ? KV_KSTACK_OLD : KV_KSTACK_NEW, 1, 0);
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

	rig_open(&rig, KV_KSTACK_NEW, 1, 0);
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

	rig_open(&rig, KV_KSTACK_NEW, 1,
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

	rig_open(&rig, KV_KSTACK_NEW, 1, KV_KSTACK_SWAPOUT_DEFAULT);
	spawn_some(&rig, s);
	ck_assert_int_eq(kv_stack_swapout(rig.ks, &s[0], &diag), ENOENT);
	ck_assert_uint_eq(diag.invariant, 3);
	ck_assert(!kv_stack_is_out(rig.ks, &s[0]));
	rig_check(&rig);
	rig_close(&rig);
	rig_open(&rig, KV_KSTACK_NEW, 1, KV_KSTACK_SWAPIN_LINEAR);
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
	t = tcase_create("swapping");
	tcase_add_loop_test(t, out_and_in, 0, 2);
	tcase_add_test(t, swap_without_metadata);
	tcase_add_loop_test(t, swapin_without_pages, 0, 2);
	tcase_add_test(t, swap_faults);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
