/* SPDX-License-Identifier: BSD-2-Clause */
/* test_kstack.c - kernel stacks: sizes, owners, return, shortage, failure */
#include <string.h>

#include "kstackrig.h"

static const struct make plain = {
    KV_KSTACK_NEW, 4, 1, 1, 0, 128, false, 0, 0, 0};

/* ---- Other sizes, owners, bad stacks ---------------------------------------
 */

static int
stack_count(void *arg, const struct kv_stack *stack)
{
	kv_va_t *last = arg;

	ck_assert_uint_gt(stack->ks, *last);
	*last = stack->ks;
	return 0;
}

START_TEST(other_sizes)
{
	struct make make = plain;
	struct kv_stack s[4];
	kv_va_t last = 0;
	struct rig rig;

	make.scheme = (enum kv_kstack_scheme)_i;
	rig_open(&rig, &make);
	ck_assert_int_eq(kv_stack_create(rig.ks, 1, 0, &s[0]), 0);
	ck_assert_int_eq(kv_stack_create(rig.ks, 2, 0, &s[1]), 0);
	ck_assert_int_eq(kv_stack_create(rig.ks, 1000, 0, &s[2]), 0);
	ck_assert_int_eq(kv_stack_create(rig.ks, 4, 0, &s[3]), 0);
	ck_assert_uint_eq(s[0].npages, 4);
	ck_assert_uint_eq(s[1].npages, 2);
	ck_assert_uint_eq(s[2].npages, 32);
	ck_assert_uint_eq(s[3].npages, 4);
	rig_check(&rig);
	/* other sizes: linear, in an object of their own but in the old one */
	ck_assert_uint_eq(s[1].pindex, (s[1].ks - rig.origin) / PAGE);
	ck_assert_uint_eq(kv_object_resident(kv_kstack_object(rig.ks)),
	    make.scheme == KV_KSTACK_OLD ? 42 : 8);
	if (make.scheme == KV_KSTACK_OLD)
		ck_assert_ptr_null(kv_kstack_alt_object(rig.ks));
	else
		ck_assert_uint_eq(
		    kv_object_resident(kv_kstack_alt_object(rig.ks)), 34);
	ck_assert_int_eq(kv_kstack_walk(rig.ks, stack_count, &last), 0);
	ck_assert_uint_ne(last, 0);
	for (unsigned i = 0; i < 4; i++)
		dispose(&rig, &s[i]);
	is_drained(&rig);
	rig_close(&rig);
}
END_TEST

/* A dispose with another owner is the kernel's "bt != NULL" (freebsd-F4). */
START_TEST(wrong_owner)
{
	static const struct make make = {
	    KV_KSTACK_NEW, 4, 1, 2, 0, 64, false, 0, 0, 0};
	struct kv_diag diag = {0};
	struct kv_stack s, wrong;
	struct rig rig;

	rig_open(&rig, &make);
	wrong = s = spawn(&rig, 1);
	wrong.domain = 2;
	ck_assert_int_eq(kv_stack_dispose(rig.ks, &wrong, &diag), EINVAL);
	wrong = s;
	wrong.ks -= PAGE; /* the guard */
	ck_assert_int_eq(kv_stack_dispose(rig.ks, &wrong, &diag), EINVAL);
	ck_assert_uint_eq(diag.invariant, 2);
	wrong.ks = rig.origin - PAGE;
	ck_assert_int_eq(kv_stack_dispose(rig.ks, &wrong, &diag), EINVAL);
	wrong.ks = s.ks + 5 * PAGE; /* a slot without a stack */
	ck_assert_int_eq(kv_stack_dispose(rig.ks, &wrong, &diag), ENOENT);
	rig_check(&rig);
	wrong = s;
	wrong.domain = 0;
	ck_assert_int_eq(kv_stack_dispose(rig.ks, &wrong, &diag), ENOENT);
	ck_assert_ptr_nonnull(strstr(diag.text, "bt != NULL"));
	rig_close(&rig);
}
END_TEST

START_TEST(second_dispose)
{
	struct kv_diag diag = {0};
	struct kv_stack s, other;
	struct rig rig;

	rig_open(&rig, &plain);
	s = spawn(&rig, 0);
	other = spawn(&rig, 0);
	dispose(&rig, &s);
	ck_assert_int_eq(kv_stack_dispose(rig.ks, &s, &diag), ENOENT);
	rig_check(&rig);
	dispose(&rig, &other);
	is_drained(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(whatis)
{
	struct kv_stack s, big, found;
	struct rig rig;

	rig_open(&rig, &plain);
	s = spawn(&rig, 0);
	ck_assert_int_eq(kv_stack_create(rig.ks, 8, 0, &big), 0);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(kv_kstack_whatis(rig.ks,
				     s.ks - PAGE + i * PAGE + 17, &found),
		    i == 0 ? KV_KSTACK_GUARD : KV_KSTACK_DATA);
		ck_assert_uint_eq(found.ks, s.ks);
		ck_assert_uint_eq(found.pindex, s.pindex);
	}
	ck_assert_int_eq(
	    kv_kstack_whatis(rig.ks, s.ks + 4 * PAGE, &found), KV_KSTACK_IDLE);
	ck_assert_int_eq(
	    kv_kstack_whatis(rig.ks, big.ks - 1, &found), KV_KSTACK_GUARD);
	ck_assert_uint_eq(found.npages, 8);
	ck_assert_int_eq(
	    kv_kstack_whatis(rig.ks, big.ks + 8 * PAGE - 1, &found),
	    KV_KSTACK_DATA);
	ck_assert_int_eq(
	    kv_kstack_whatis(rig.ks, 0, &found), KV_KSTACK_NOTHING);
	rig_close(&rig);
}
END_TEST

/* ---- Shortage ---------------------------------------------------------------
 */

/* 64 MB are 4096 stacks; what failed leaves nothing behind. */
START_TEST(memory_runs_out)
{
	static struct kv_stack s[4200];
	struct make make = plain;
	struct kv_vmem_stats before, after;
	unsigned n = 0;
	struct rig rig;

	make.scheme = (enum kv_kstack_scheme)_i;
	make.megabytes = 64;
	rig_open(&rig, &make);
	while (n < 4200 && kv_stack_create(rig.ks, 0, 0, &s[n]) == 0)
		n++;
	ck_assert_uint_eq(n, 4096);
	rig_check(&rig);
	before = kv_vmem_stats(kv_kstack_arena(rig.ks, 0));
	ck_assert_int_eq(kv_stack_create(rig.ks, 0, 0, &s[n]), ENOMEM);
	after = kv_vmem_stats(kv_kstack_arena(rig.ks, 0));
	ck_assert_uint_eq(before.inuse, after.inuse);
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).live, 4096);
	ck_assert_uint_eq(kv_kstack_stats(rig.ks).failed, 2);
	rig_check(&rig);
	while (n > 0)
		dispose(&rig, &s[--n]);
	is_drained(&rig);
	rig_close(&rig);
}
END_TEST

/* The wanted domain is full: the other one gives KVA and pages. */
START_TEST(domains_fall_back)
{
	static const struct make make = {
	    KV_KSTACK_NORES, 4, 1, 2, 0, 4, false, 0, 0, 0};
	static struct kv_stack s[600];
	unsigned n = 0, of[2] = {0};
	struct rig rig;

	rig_open(&rig, &make);
	while (n < 600 && kv_stack_create(rig.ks, 0, 1, &s[n]) == 0)
		of[s[n++].domain]++;
	ck_assert_uint_eq(n, 512);
	ck_assert_uint_eq(of[1], 256);
	ck_assert_uint_eq(of[0], 256);
	ck_assert_uint_eq(s[0].domain, 1);
	ck_assert_uint_eq(s[511].domain, 0);
	rig_check(&rig);
	while (n > 0)
		dispose(&rig, &s[--n]);
	is_drained(&rig);
	ck_assert_int_eq(kv_stack_create(rig.ks, 0, 2, &s[0]), EINVAL);
	rig_close(&rig);
}
END_TEST

/* Who has room, in the order of freebsd.md 3.6; 3: nobody.  low: for last. */
static unsigned
wanted(const struct make *make, unsigned first, uint64_t *pointer,
    const unsigned room[3], unsigned low)
{
	bool new = make->iterator == KV_DOMAINSET_NEW;
	bool turns = make->domains == KV_DOMAINSET_ROUND_ROBIN;

	for (unsigned pass = 0; pass < 2; pass++) {
		if (pass == 1 && new &&low == 3)
			break;
		for (unsigned seen = 0; seen < 3; seen++) {
			unsigned d = first;

			if (turns || seen != 0) {
				do {
					*pointer += !new;
					d = (unsigned)(*pointer % 3);
					*pointer += new;
				} while (!turns && d == first);
			}
			if (pass == 0 ? d == low : new &&d != low)
				continue;
			if (room[d] != 0)
				return d;
		}
	}
	return 3;
}

/* Case: policy, iterator, which domain is below its minimum (3: none). */
START_TEST(domains_in_order)
{
	struct make make = {KV_KSTACK_NORES, 4, 1, 3, 0, 4, false, 0,
	    (enum kv_domainset_policy)(_i % 3),
	    (enum kv_domainset_iterator)(_i / 3 % 2)};
	unsigned room[3] = {256, 256, 256}, low = (unsigned)_i / 6, n = 0, d;
	static struct kv_stack s[800];
	uint64_t pointer = 0;
	struct rig rig;

	rig_open(&rig, &make);
	kv_phys_set_free_min(rig.phys, low, 4 * MIB / PAGE + 1);
	while ((d = wanted(&make, n % 3, &pointer, room, low)) != 3) {
		ck_assert_int_eq(kv_stack_create(rig.ks, 0, n % 3, &s[n]), 0);
		ck_assert_msg(s[n].domain == d, "stack %u: %u, not %u", n,
		    s[n].domain, d);
		room[d]--;
		n++;
	}
	ck_assert_uint_eq(n, 768);
	ck_assert_int_eq(kv_stack_create(rig.ks, 0, 1, &s[n]), ENOMEM);
	rig_check(&rig);
	while (n > 0)
		dispose(&rig, &s[--n]);
	is_drained(&rig);
	rig_close(&rig);
}
END_TEST

/* Stacks of two sizes come and go; what fails must fail whole. */
static void
churn(struct rig *rig, unsigned ndomains)
{
	enum { STACKS = 40 };
	struct kv_stack s[STACKS];
	bool have[STACKS];

	for (unsigned i = 0; i < STACKS; i++) {
		int error = kv_stack_create(
		    rig->ks, i % 7 == 6 ? 9 : 0, i % ndomains, &s[i]);

		ck_assert(error == 0 || error == ENOMEM);
		have[i] = error == 0;
	}
	for (unsigned i = 0; i < STACKS; i++)
		if (have[i])
			dispose(rig, &s[i]);
}

START_TEST(every_failure_of_metadata)
{
	struct make make = {
	    KV_KSTACK_OLD, 4, 1, 2, 0, 8, _i >= 3, 2 * MIB, 0, 0};
	uint64_t n = 1, calls;

	make.scheme = (enum kv_kstack_scheme)(_i % 3);
	do {
		struct rig rig = {0};

		kv_host_libc(&rig.host);
		kv_host_fail_at(&rig.host, n);
		if (rig_try(&rig, &make) == 0) {
			churn(&rig, 2);
			calls = rig.host.calls;
			kv_host_fail_at(&rig.host, 0);
			is_drained(&rig);
		} else {
			calls = n;
		}
		rig_close(&rig);
	} while (calls >= n++);
	ck_assert_uint_gt(n, 20);
}
END_TEST

static const struct {
	struct make make;
	int want;
} refused[] = {
    {{KV_KSTACK_NEW, 0, 1, 1, 0, 8, false, 0, 0, 0}, EINVAL},
    {{KV_KSTACK_NEW, 33, 1, 1, 0, 8, false, 0, 0, 0}, EINVAL},
    {{KV_KSTACK_NEW, 4, 508, 1, 0, 8, false, 0, 0, 0}, EINVAL},
    {{KV_KSTACK_NEW, 4, 507, 1, 0, 8, false, 0, 0, 0}, 0},
    {{KV_KSTACK_NEW, 4, 1, 1, UINT64_MAX, 8, false, 0, 0, 0}, EINVAL},
    {{KV_KSTACK_NEW, 32, 0, 1, 0, 8, false, 0, 0, 0}, 0},
    {{KV_KSTACK_FFFF, 4, 1, 1, 0, 8, true, 0, 0, 0}, EINVAL},
    {{KV_KSTACK_NEW, 4, 1, 1, 0, 8, true, 0, 0, 0}, 0},
    {{KV_KSTACK_NEW, 4, 1, 1, 0, 8, false, 3 * MIB, 0, 0}, EINVAL},
    {{KV_KSTACK_NEW, 4, 1, 1, 0, 8, false, 6 * MIB, 0, 0}, 0},
};

START_TEST(configurations)
{
	struct rig rig = {0};

	kv_host_libc(&rig.host);
	ck_assert_int_eq(rig_try(&rig, &refused[_i].make), refused[_i].want);
	if (refused[_i].want == 0) {
		struct kv_stack s = spawn(&rig, 0);

		rig_check(&rig);
		dispose(&rig, &s);
		is_drained(&rig);
	}
	rig_close(&rig);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kstack");
	TCase *t = tcase_create("stacks");

	tcase_add_loop_test(t, other_sizes, 0, 3);
	tcase_add_test(t, wrong_owner);
	tcase_add_test(t, second_dispose);
	tcase_add_test(t, whatis);
	tcase_add_loop_test(t, memory_runs_out, 0, 3);
	tcase_add_test(t, domains_fall_back);
	tcase_add_loop_test(t, domains_in_order, 0, 24);
	tcase_add_loop_test(t, every_failure_of_metadata, 0, 6);
	tcase_add_loop_test(
	    t, configurations, 0, (int)(sizeof(refused) / sizeof(refused[0])));
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
