/* SPDX-License-Identifier: BSD-2-Clause */
/* mmurig.h - a machine under test, the model's or a real one */
#ifndef KV_TEST_MMURIG_H
#define KV_TEST_MMURIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/mmu.h"
#include "kvtest.h"

enum {
	PAGE = 4096,
	ENTRIES = 512,
	BIG = ENTRIES * PAGE,
	MODEL = 0,
	KVM = 1, /* one vCPU */
	KVM_CPUS = 2,
	MACHINES = 3,
	CPUS = 3,
	FAULTS = 4096
};
#define BASE UINT64_C(0xfffffe0000000000)
#define RW (KV_PTE_W)
#define AM (KV_PTE_A | KV_PTE_M)

/* The machine under test, and what its last touch found. */
static struct kv_mmu *mmu;
static const struct kv_mmu_ops *ops;
static struct kv_fault faults[FAULTS];

static inline struct kv_mmu *
machine(int which, bool huge)
{
	struct kv_mmu_config cfg = {.format = kv_pte_find("amd64"),
	    .huge = huge,
	    .cpus = which == KVM_CPUS ? CPUS : 1};
	struct kv_mmu *made = NULL;
	const char *reason = "";
	int error = which == MODEL ? kv_mmu_model_open(&cfg, &made)
				   : kv_mmu_kvm_open(&cfg, &made, &reason);

	ck_assert_msg(error == 0, "%s: %s", strerror(error), reason);
	return made;
}

static inline void
use(struct kv_mmu *made)
{
	mmu = made;
	ops = made->ops;
}

static inline void
open_machine(int which)
{
	use(machine(which, false));
}

static inline void
ok(int error)
{
	ck_assert_msg(error == 0, "%s: %s: %s", mmu->caps.kind, strerror(error),
	    mmu->reason != NULL ? mmu->reason : "");
}

static inline void
map(kv_va_t va, kv_pa_t pa, size_t npages, unsigned attr)
{
	ok(ops->map(mmu, va, pa, 0, npages, attr));
}

static inline void
commit(void)
{
	ok(ops->commit(mmu));
}

/* => the number of faults; the first FAULTS are in faults */
static inline size_t
touch(enum kv_access access, const kv_va_t *list, size_t n)
{
	size_t nfaults = SIZE_MAX;

	ok(ops->touch(mmu, access, list, n, faults, FAULTS, &nfaults));
	return nfaults;
}

static inline size_t
touch_one(enum kv_access access, kv_va_t va)
{
	return touch(access, &va, 1);
}

/* Each page of [va, va + npages), somewhere in the page. */
static inline size_t
touch_pages(enum kv_access access, kv_va_t va, size_t npages)
{
	kv_va_t *list = malloc(npages * sizeof(*list));
	size_t i, n;

	for (i = 0; i < npages; i++)
		list[i] = va + i * PAGE + i * 24 % PAGE;
	n = touch(access, list, npages);
	free(list);
	return n;
}

static inline void
check_fault(size_t i, size_t index, kv_va_t va, unsigned error)
{
	ck_assert_uint_eq(faults[i].index, index);
	ck_assert_uint_eq(faults[i].va, va);
	ck_assert_uint_eq(faults[i].error & KV_FAULT_COMPARED, error);
	ck_assert_uint_eq(faults[i].vector, 14);
}

/* The one fault of one touch. */
static inline void
faults_with(enum kv_access access, kv_va_t va, unsigned error)
{
	ck_assert_uint_eq(touch_one(access, va), 1);
	check_fault(0, 0, va, error);
}

static inline struct kv_leaf
leaf(kv_va_t va)
{
	struct kv_leaf l;

	ok(ops->translate(mmu, va, &l));
	return l;
}

/* ---- Accessed and modified ------------------------------------------- */

struct tally {
	size_t leaves, accessed, modified, most;
	kv_va_t next;
};

static inline int
tally(void *arg, const struct kv_leaf *l)
{
	struct tally *t = arg;

	ck_assert_uint_ge(l->va, t->next);
	t->next = l->va + 1;
	t->accessed += (l->attr & KV_PTE_A) != 0;
	t->modified += (l->attr & KV_PTE_M) != 0;
	return ++t->leaves == t->most;
}

static inline struct tally
harvest(kv_va_t start, kv_va_t end, bool clear, size_t most)
{
	struct tally t = {.most = most};

	ck_assert_int_eq(ops->harvest(mmu, start, end, clear, tally, &t),
	    most != 0 && t.leaves == most);
	return t;
}

/* ---- Programs -------------------------------------------------------- */

struct rig_test {
	const char *name;
	const TTest *test;
};

/* Loop tests of every machine that there is, then tests of the real one.
 * => the result of main: 77 where there is no KVM */
static inline int
rig_main(const struct rig_test *both, size_t nboth, const struct rig_test *real,
    size_t nreal)
{
	struct kv_mmu_caps caps;
	const char *reason;
	bool absent =
	    kv_mmu_absent(kv_mmu_kvm_probe("/dev/kvm", &caps, &reason));
	Suite *s = suite_create("mmu");
	size_t i;

	for (i = 0; i < nboth + nreal; i++) {
		const struct rig_test *one =
		    i < nboth ? &both[i] : &real[i - nboth];
		TCase *t = tcase_create(one->name);

		if (i < nboth)
			tcase_add_loop_test(
			    t, one->test, MODEL, absent ? KVM : MACHINES);
		else if (!absent)
			tcase_add_test(t, one->test);
		suite_add_tcase(s, t);
	}
	if (!absent)
		return kv_test_main(s);
	printf("no KVM: %s\n", reason);
	return nboth != 0 && kv_test_main(s) != 0 ? 1 : 77;
}

#endif
