/* SPDX-License-Identifier: BSD-2-Clause */
/* test_mmu_kvm.c - what a machine does, of the model's and of a real one */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvtest.h"
#include "hw/mmu.h"

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

static bool have_kvm;

/* The machine under test, and what its last touch found. */
static struct kv_mmu *mmu;
static const struct kv_mmu_ops *ops;
static struct kv_fault faults[FAULTS];

static struct kv_mmu *
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

static void
use(struct kv_mmu *made)
{
	mmu = made;
	ops = made->ops;
}

static void
open_machine(int which)
{
	use(machine(which, false));
}

static void
ok(int error)
{
	ck_assert_msg(error == 0, "%s: %s: %s", mmu->caps.kind, strerror(error),
	    mmu->reason != NULL ? mmu->reason : "");
}

static void
map(kv_va_t va, kv_pa_t pa, size_t npages, unsigned attr)
{
	ok(ops->map(mmu, va, pa, 0, npages, attr));
}

static void
commit(void)
{
	ok(ops->commit(mmu));
}

/* => the number of faults; the first FAULTS are in faults */
static size_t
touch(enum kv_access access, const kv_va_t *list, size_t n)
{
	size_t nfaults = SIZE_MAX;

	ok(ops->touch(mmu, access, list, n, faults, FAULTS, &nfaults));
	return nfaults;
}

static size_t
touch_one(enum kv_access access, kv_va_t va)
{
	return touch(access, &va, 1);
}

/* Each page of [va, va + npages), somewhere in the page. */
static size_t
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

static void
check_fault(size_t i, size_t index, kv_va_t va, unsigned error)
{
	ck_assert_uint_eq(faults[i].index, index);
	ck_assert_uint_eq(faults[i].va, va);
	ck_assert_uint_eq(faults[i].error & KV_FAULT_COMPARED, error);
	ck_assert_uint_eq(faults[i].vector, 14);
}

/* The one fault of one touch. */
static void
faults_with(enum kv_access access, kv_va_t va, unsigned error)
{
	ck_assert_uint_eq(touch_one(access, va), 1);
	check_fault(0, 0, va, error);
}

static struct kv_leaf
leaf(kv_va_t va)
{
	struct kv_leaf l;

	ok(ops->translate(mmu, va, &l));
	return l;
}

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

/* ---- Accessed and modified ------------------------------------------- */

struct tally {
	size_t leaves, accessed, modified, most;
	kv_va_t next;
};

static int
tally(void *arg, const struct kv_leaf *l)
{
	struct tally *t = arg;

	ck_assert_uint_ge(l->va, t->next);
	t->next = l->va + 1;
	t->accessed += (l->attr & KV_PTE_A) != 0;
	t->modified += (l->attr & KV_PTE_M) != 0;
	return ++t->leaves == t->most;
}

static struct tally
harvest(kv_va_t start, kv_va_t end, bool clear, size_t most)
{
	struct tally t = {.most = most};

	ck_assert_int_eq(ops->harvest(mmu, start, end, clear, tally, &t),
	    most != 0 && t.leaves == most);
	return t;
}

START_TEST(test_harvest)
{
	enum { N = 900, R = 500, W = 300 };
	struct tally t;
	unsigned round;

	open_machine(_i);
	map(BASE, 0, N, RW);
	commit();
	t = harvest(0, UINT64_MAX, true, 0);
	ck_assert_uint_eq(t.leaves, N);
	ck_assert_uint_eq(t.accessed, 0);
	for (round = 0; round < 3; round++) {
		ck_assert_uint_eq(touch_pages(KV_ACCESS_READ, BASE, R), 0);
		ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, BASE, W), 0);
		t = harvest(BASE, BASE + N * PAGE, false, 0);
		ck_assert_uint_eq(t.accessed, R);
		ck_assert_uint_eq(t.modified, W);
		/* Half of them; nothing is lost by looking at it. */
		t = harvest(BASE, BASE + 100 * PAGE, true, 50);
		ck_assert_uint_eq(t.leaves, 50);
		t = harvest(BASE, BASE + N * PAGE, false, 0);
		ck_assert_uint_eq(t.accessed, R - 50);
		t = harvest(BASE, BASE + N * PAGE, true, 0);
		ck_assert_uint_eq(t.leaves, N);
		ck_assert_uint_eq(t.modified, W - 50);
		t = harvest(BASE, BASE + N * PAGE, false, 0);
		ck_assert_uint_eq(t.accessed, 0);
		ck_assert_uint_eq(t.modified, 0);
	}
	/* What was cleared stays so over edits. */
	ok(ops->protect(mmu, BASE, N * PAGE, KV_PTE_W | KV_PTE_X));
	commit();
	ck_assert_uint_eq(harvest(BASE, BASE + N * PAGE, false, 0).accessed, 0);
	ck_assert_int_eq(ops->promote(mmu, BASE), EAGAIN);
	ops->close(mmu);
}
END_TEST

/* Writes, page by page; the first log is thrown away. */
START_TEST(test_dirty)
{
	enum { N = 640 };
	kv_pa_t pa = 3 * PAGE;
	uint64_t bitmap[N / 64];
	unsigned round;
	size_t i;

	open_machine(_i);
	map(BASE, 0, N + 6, RW);
	commit();
	ok(ops->dirty(mmu, pa, N * PAGE, bitmap));
	ck_assert_uint_eq(touch_pages(KV_ACCESS_READ, BASE, N + 6), 0);
	ok(ops->dirty(mmu, pa, N * PAGE, bitmap));
	for (round = 0; round < 2; round++) {
		ck_assert_uint_eq(touch_pages(KV_ACCESS_READ, BASE, N), 0);
		for (i = 0; i < N; i += 7 + round)
			ck_assert_uint_eq(
			    touch_one(KV_ACCESS_WRITE, BASE + pa + i * PAGE),
			    0);
		ok(ops->dirty(mmu, pa, N / 2 * PAGE, bitmap));
		ok(ops->dirty(
		    mmu, pa + N / 2 * PAGE, N / 2 * PAGE, bitmap + N / 128));
		for (i = 0; i < N; i++)
			ck_assert_uint_eq(
			    bitmap[i / 64] >> i % 64 & 1, i % (7 + round) == 0);
	}
	ok(ops->dirty(mmu, pa, N * PAGE, bitmap));
	for (i = 0; i < N / 64; i++)
		ck_assert_uint_eq(bitmap[i], 0);
	ck_assert_int_eq(ops->dirty(mmu, 1, PAGE, bitmap), EINVAL);
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

/* ---- Both ------------------------------------------------------------ */

static uint64_t seed = 20240617;

static unsigned
draw(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(seed >> 33) % n;
}

enum { REGIONS = 3, SPACE = REGIONS * ENTRIES };

/* One edit, the same for both.  => its result */
static int
random_edit(struct kv_mmu *m, unsigned kind, unsigned page, unsigned n,
    unsigned frame, unsigned attr)
{
	kv_va_t va = BASE + (kv_va_t)page * PAGE;

	switch (kind) {
	case 0:
	case 1:
		return m->ops->map(m, va, (kv_pa_t)frame * PAGE, 0, n, attr);
	case 2:
		va -= va % BIG;
		return m->ops->map(m, va, (kv_pa_t)frame % 8 * BIG, 1, 1, attr);
	case 3:
		return m->ops->unmap(m, va, (uint64_t)n * PAGE);
	case 4:
		return m->ops->protect(m, va, (uint64_t)n * PAGE, attr);
	case 5:
		return m->ops->promote(m, va);
	default:
		return m->ops->demote(m, va);
	}
}

/* Everything that both can be asked. */
static void
compare(struct kv_mmu *const m[MACHINES], enum kv_access access)
{
	static struct kv_fault found[MACHINES][SPACE];
	static kv_va_t list[SPACE];
	struct kv_leaf l[MACHINES];
	size_t n[MACHINES], nlist = 0, i;
	int k, e[MACHINES];

	for (i = 0; i < SPACE; i++)
		if (draw(4) == 0)
			list[nlist++] = BASE + i * PAGE + draw(PAGE);
	for (k = 0; k < MACHINES; k++)
		ok(m[k]->ops->touch(
		    m[k], access, list, nlist, found[k], SPACE, &n[k]));
	for (k = 1; k < MACHINES; k++) {
		ck_assert_uint_eq(n[0], n[k]);
		for (i = 0; i < n[0]; i++) {
			ck_assert_uint_eq(found[0][i].index, found[k][i].index);
			ck_assert_uint_eq(found[0][i].va, found[k][i].va);
			ck_assert_uint_eq(found[0][i].error & KV_FAULT_COMPARED,
			    found[k][i].error & KV_FAULT_COMPARED);
			ck_assert_uint_eq(
			    found[0][i].vector, found[k][i].vector);
		}
	}
	for (i = 0; i < SPACE; i++)
		for (k = 0; k < MACHINES; k++) {
			e[k] =
			    m[k]->ops->translate(m[k], BASE + i * PAGE, &l[k]);
			ck_assert_int_eq(e[0], e[k]);
			if (e[0] != 0)
				continue;
			ck_assert_uint_eq(l[0].va, l[k].va);
			ck_assert_uint_eq(l[0].pa, l[k].pa);
			ck_assert_uint_eq(l[0].level, l[k].level);
			ck_assert_uint_eq(l[0].attr, l[k].attr);
		}
}

START_TEST(test_alike)
{
	enum { STEPS = 40 };
	static const unsigned attrs[] = {
	    0, KV_PTE_W, KV_PTE_W | KV_PTE_G, KV_PTE_W | KV_PTE_X | KV_PTE_U};
	static const unsigned start[] = {0, 0, KV_PTE_A, KV_PTE_A | KV_PTE_M};
	struct kv_mmu *m[MACHINES];
	unsigned step, edits;
	int k;

	for (k = 0; k < MACHINES; k++)
		m[k] = machine(k, false);
	use(m[KVM]);
	for (step = 0; step < STEPS; step++) {
		for (edits = draw(12); edits != 0; edits--) {
			unsigned kind = draw(7),
				 attr = attrs[draw(4)] | start[draw(4)];
			unsigned page = draw(SPACE), frame = draw(4 * SPACE);
			unsigned n = draw(4) == 0 ? ENTRIES : 1 + draw(20);
			int e[MACHINES];

			if (n == ENTRIES) /* as promotion wants it */
				page -= page % ENTRIES,
				    frame -= frame % ENTRIES;
			if (n > SPACE - page)
				n = SPACE - page;
			for (k = 0; k < MACHINES; k++)
				e[k] = random_edit(
				    m[k], kind, page, n, frame, attr);
			for (k = 1; k < MACHINES; k++)
				ck_assert_msg(e[0] == e[k],
				    "step %u, edit %u: %s and %s", step, kind,
				    strerror(e[0]), strerror(e[k]));
		}
		for (k = 0; k < MACHINES; k++)
			ok(m[k]->ops->commit(m[k]));
		compare(m, draw(3));
		for (k = 0; k < MACHINES; k++) {
			struct tally t = {0};

			if (step % 5 == 4)
				m[k]->ops->harvest(m[k], BASE,
				    BASE + 700 * PAGE, true, tally, &t);
		}
	}
	for (k = 0; k < MACHINES; k++)
		m[k]->ops->close(m[k]);
}
END_TEST

/* ---- Pages that start used ------------------------------------------- */

enum { USED_STACKS = 160, USED_PAGES = 5 * USED_STACKS };

/* How the pages of a stack start: some stacks of each kind side by side. */
static unsigned
used(size_t stack)
{
	static const unsigned kinds[] = {
	    KV_PTE_A | KV_PTE_M, KV_PTE_A | KV_PTE_M, KV_PTE_A, 0};

	return kinds[stack / 16 % 4];
}

/* Touch all pages of the stacks whose guard is page `first`, modulo 5. */
static void
touch_used(enum kv_access access, size_t first)
{
	static kv_va_t list[USED_PAGES];
	size_t i, n = 0;

	for (i = 0; i < USED_PAGES; i++)
		list[i] = BASE + i * PAGE + i * 40 % PAGE;
	ck_assert_uint_eq(touch(access, list, USED_PAGES), USED_STACKS);
	for (i = first; i < USED_PAGES; i += 5)
		check_fault(n++, i, list[i],
		    access == KV_ACCESS_WRITE ? KV_FAULT_W : 0);
}

static uint64_t
resident(void)
{
	struct kv_mmu_host host;

	ok(ops->host(mmu, &host));
	return host.resident;
}

/* A and M are as they were mapped, then as they were touched; guards fault
 * whatever the pages beside them were, and when they stand elsewhere, too. */
START_TEST(test_used)
{
	size_t round, i, k;
	uint64_t before;

	open_machine(_i);
	for (round = 0; round < 5; round++) {
		/* the page of stack i that stands at 5 * i + k */
		for (i = 0; i < USED_STACKS; i++)
			for (k = 0; k < 5; k++)
				if (k != round)
					map(BASE + (5 * i + k) * PAGE,
					    (4 * i + (k - round + 4) % 5) *
						PAGE,
					    1, RW | used(i));
		commit();
		for (i = 0; i < USED_PAGES; i++)
			if (i % 5 != round)
				ck_assert_uint_eq(leaf(BASE + i * PAGE).attr,
				    RW | used(i / 5));
		before = resident();
		touch_used(KV_ACCESS_READ, round);
		ck_assert_uint_eq(resident(), before);
		for (i = 0; i < USED_PAGES; i++)
			if (i % 5 != round)
				ck_assert_uint_eq(leaf(BASE + i * PAGE).attr,
				    RW | KV_PTE_A | used(i / 5));
		touch_used(KV_ACCESS_WRITE, round);
		touch_used(KV_ACCESS_READ, round);
		for (i = 0; i < USED_PAGES; i++)
			if (i % 5 != round)
				ck_assert_uint_eq(leaf(BASE + i * PAGE).attr,
				    RW | KV_PTE_A | KV_PTE_M);
		ok(ops->unmap(mmu, BASE, USED_PAGES * PAGE));
		commit();
	}
	ops->close(mmu);
}
END_TEST

/* What one is told of reads of pages that start modified stays in bounds. */
START_TEST(test_used_logged)
{
	enum { N = 512 };
	uint64_t bitmap[N / 64];
	size_t i, dirty = 0;

	open_machine(_i);
	map(BASE, 0, N, RW | KV_PTE_A);
	commit();
	ok(ops->dirty(mmu, 0, N * PAGE, bitmap));
	ck_assert_uint_eq(touch_pages(KV_ACCESS_READ, BASE, N), 0);
	ok(ops->dirty(mmu, 0, N * PAGE, bitmap));
	ck_assert_uint_eq(touch_pages(KV_ACCESS_WRITE, BASE, N / 2), 0);
	ok(ops->dirty(mmu, 0, N * PAGE, bitmap));
	for (i = 0; i < N; i++)
		dirty += bitmap[i / 64] >> i % 64 & 1;
	ck_assert_uint_eq(dirty, N / 2);
	ops->close(mmu);
}
END_TEST

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
	const struct {
		const char *name;
		const TTest *test;
	} both[] = {{"guards", test_guards}, {"bytes", test_bytes},
	    {"protection", test_protection}, {"many faults", test_many_faults},
	    {"not canonical", test_not_canonical}, {"refused", test_refused},
	    {"queue", test_queue}, {"unmap", test_unmap}, {"remap", test_remap},
	    {"large", test_large}, {"gb", test_gb},
	    {"promotion", test_promotion}, {"round trip", test_round_trip},
	    {"harvest", test_harvest}, {"dirty", test_dirty},
	    {"overflow", test_overflow}, {"shootdown", test_shootdown},
	    {"one word", test_one_word}, {"used", test_used},
	    {"used and logged", test_used_logged}};
	struct kv_mmu_caps caps;
	const char *reason;
	int error = kv_mmu_kvm_probe("/dev/kvm", &caps, &reason);
	Suite *s = suite_create("mmu");
	size_t i;

	have_kvm = !kv_mmu_absent(error);
	for (i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		TCase *t = tcase_create(both[i].name);

		tcase_add_loop_test(
		    t, both[i].test, MODEL, have_kvm ? MACHINES : KVM);
		suite_add_tcase(s, t);
	}
	if (have_kvm) {
		TCase *t = tcase_create("kvm");

		tcase_add_test(t, test_alike);
		tcase_add_test(t, test_witness);
		tcase_add_test(t, test_forbidden);
		tcase_add_test(t, test_la57);
		tcase_add_test(t, test_host);
		tcase_add_test(t, test_timeout);
		suite_add_tcase(s, t);
		return kv_test_main(s);
	}
	printf("no KVM: %s\n", reason);
	return kv_test_main(s) != 0 ? 1 : 77;
}
