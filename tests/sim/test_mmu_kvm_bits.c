/* SPDX-License-Identifier: BSD-2-Clause */
/* test_mmu_kvm_bits.c - bits A and M of machines, and dirty logs */
#include "mmurig.h"

/* ---- Accessed and modified ------------------------------------------- */

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

/* ---- Pages that start unused ----------------------------------------- */

/* Of the stacks above, guards first: a read-only page, and one that no list
 * has. */
static bool
is_fixed(size_t page)
{
	return page % 35 == 2;
}

static bool
is_left_out(size_t page)
{
	return page % 35 == 6;
}

/* Touch the first n pages but those left out.  => the number of faults */
static size_t
touch_unused(enum kv_access access, size_t n)
{
	static kv_va_t list[USED_PAGES];
	size_t i, used = 0, nfaults, at = 0;

	for (i = 0; i < n; i++)
		if (!is_left_out(i))
			list[used++] = BASE + i * PAGE + i * 40 % PAGE;
	nfaults = touch(access, list, used);
	for (i = 0; i < used; i++) {
		size_t page = (list[i] - BASE) / PAGE;
		bool write = access == KV_ACCESS_WRITE;

		if (page % 5 == 0)
			check_fault(at++, i, list[i], write ? KV_FAULT_W : 0);
		else if (write && is_fixed(page))
			check_fault(at++, i, list[i], KV_FAULT_P | KV_FAULT_W);
	}
	ck_assert_uint_eq(at, nfaults);
	return nfaults;
}

/* Each page has A if a list has read it, M if one has written it. */
static void
check_unused(size_t nread, size_t nwritten)
{
	size_t i;

	for (i = 0; i < USED_PAGES; i++) {
		unsigned want = is_fixed(i) ? 0 : RW;

		if (i % 5 == 0)
			continue;
		if (!is_left_out(i) && i < nread)
			want |= KV_PTE_A;
		if (!is_left_out(i) && i < nwritten && !is_fixed(i))
			want |= KV_PTE_A | KV_PTE_M;
		ck_assert_uint_eq(leaf(BASE + i * PAGE).attr, want);
	}
}

/* Lists of many pages set the bits of each, and of no other; the page where a
 * PC has its local APIC is among them. */
START_TEST(test_unused)
{
	enum { HALF = USED_PAGES / 2 };
	const kv_pa_t pa = UINT64_C(0xfee00000) - (HALF / 2 + 1) * PAGE;
	size_t round, i;

	open_machine(_i);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < USED_PAGES; i++)
			if (i % 5 != 0)
				map(BASE + i * PAGE, pa + (i - round) * PAGE, 1,
				    is_fixed(i) ? 0 : RW);
		commit();
		check_unused(0, 0);
		if (round == 0) {
			touch_unused(KV_ACCESS_READ, HALF);
			ck_assert_uint_eq(resident(), 0);
			check_unused(HALF, 0);
			touch_unused(KV_ACCESS_READ, USED_PAGES);
			ck_assert_uint_eq(resident(), 0);
			check_unused(USED_PAGES, 0);
		}
		touch_unused(KV_ACCESS_WRITE, HALF);
		check_unused(round == 0 ? USED_PAGES : 0, HALF);
		touch_unused(KV_ACCESS_WRITE, USED_PAGES);
		check_unused(round == 0 ? USED_PAGES : 0, USED_PAGES);
		touch_unused(KV_ACCESS_READ, USED_PAGES);
		check_unused(USED_PAGES, USED_PAGES);
		ok(ops->unmap(mmu, BASE, USED_PAGES * PAGE));
		commit();
	}
	ops->close(mmu);
}
END_TEST

int
main(void)
{
	const struct rig_test both[] = {{"harvest", test_harvest},
	    {"dirty", test_dirty}, {"used", test_used},
	    {"used and logged", test_used_logged}, {"unused", test_unused}};

	return rig_main(both, sizeof(both) / sizeof(both[0]), NULL, 0);
}
