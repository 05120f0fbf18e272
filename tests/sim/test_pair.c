/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pair.c - two simple machines agree; one that lies is found out */
#include "kvtest.h"
#include "run/pair.h"
#include "sim/fakemmu.h"

#define PAGE UINT64_C(4096)
#define MIB (UINT64_C(1) << 20)
#define BASE UINT64_C(0xfffffe0000000000)

static const struct kv_pte_format format = {
    .page_shift = FAKE_SHIFT, .pt_shift = FAKE_TABLE};

static struct fake twin, real;
static struct kv_pair *pair;
static struct kv_leafmap next;

static void
setup(void)
{
	fake_init(&twin, "model", BASE);
	fake_init(&real, "real", BASE);
	kv_pair_create(&format, &twin.mmu, &real.mmu, &pair);
	next = (struct kv_leafmap){
	    .page_shift = FAKE_SHIFT, .pt_shift = FAKE_TABLE};
}

static void
teardown(void)
{
	kv_pair_destroy(pair);
	ck_assert(twin.closed && real.closed);
	kv_leafmap_fini(&next);
}

static void
want(uint64_t page, kv_pa_t pa, unsigned level, size_t n, unsigned attr)
{
	ck_assert_int_eq(
	    kv_leafmap_add(&next, BASE + page * PAGE, pa, level, n, attr), 0);
}

static void
sync(void)
{
	ck_assert_int_eq(kv_pair_sync(pair, &next), 0);
}

/* A stack of 4 pages above a guard page, twice; one page is read-only. */
static void
stacks(void)
{
	want(1, 0, 0, 4, KV_PTE_W | KV_PTE_G);
	want(6, 4 * PAGE, 0, 4, KV_PTE_W | KV_PTE_G);
	want(11, 8 * PAGE, 0, 1, KV_PTE_G);
}

static int
probe(enum kv_access access, uint64_t page, uint64_t offset)
{
	kv_va_t va = BASE + page * PAGE + offset;

	return kv_pair_probe(
	    pair, access, va, kv_pair_expect(pair, access, va));
}

/* Everything that one can ask, of all pages of stacks(). */
static int
exercise(void)
{
	int error = kv_pair_sync(pair, &next);
	uint64_t i;

	for (i = 0; i < 14 && error == 0; i++)
		error = probe(KV_ACCESS_READ, i, 8 * i);
	for (i = 0; i < 14 && error == 0; i++)
		if (i != 2)
			error = probe(KV_ACCESS_WRITE, i, 16 * i + 8);
	for (i = 0; i < 14 && error == 0; i++)
		error = probe(KV_ACCESS_EXEC, i, 0);
	for (i = 0; i < 14 && error == 0; i++)
		error = kv_pair_look(pair, BASE + i * PAGE + 8, true);
	if (error == 0)
		error = kv_pair_look_all(pair);
	if (error == 0)
		error = kv_pair_overflow(pair, BASE + 6 * PAGE + 64, 128);
	if (error == 0)
		error = kv_pair_overflow(pair, BASE + 10 * PAGE, 64);
	if (error == 0)
		error = kv_pair_look_leaves(pair, true);
	return error;
}

START_TEST(test_agree)
{
	struct kv_pair_stats s;

	stacks();
	ck_assert_int_eq(exercise(), 0);
	s = kv_pair_stats(pair);
	ck_assert_uint_eq(s.edits, 3);
	ck_assert_uint_eq(s.touches, 14 + 13 + 14);
	/* of 14 pages 9 are mapped, 8 of them writable, none executable */
	ck_assert_uint_eq(s.faults, 5 + 6 + 14);
	ck_assert_uint_eq(s.overflows, 2);
	ck_assert_uint_eq(s.witnesses, 14);
	ck_assert_uint_eq(kv_pair_dispute(pair)->invariant, 0);
	/* A by the read alone in page 2, and M by nobody */
	ck_assert_uint_eq(twin.pages[2].attr, KV_PTE_W | KV_PTE_G | KV_PTE_A);
}
END_TEST

/* Pages that start used: told to both, expected of both, and kept. */
START_TEST(test_used)
{
	static const unsigned attr = KV_PTE_W | KV_PTE_G;
	size_t i;

	stacks();
	for (i = 2; i < 7; i++)
		next.state[i] = KV_LEAF_A | KV_LEAF_M;
	next.state[8] = KV_LEAF_A;
	sync();
	ck_assert_uint_eq(kv_pair_stats(pair).edits, 3);
	for (i = 1; i < 10; i++)
		if (i != 5)
			ck_assert_uint_eq(real.pages[i].attr,
			    i >= 3 && i < 9 ? attr | KV_PTE_A | KV_PTE_M
					    : attr);
	ck_assert_uint_eq(real.pages[8].pa, 6 * PAGE);
	ck_assert_uint_eq(twin.pages[11].attr, KV_PTE_G | KV_PTE_A);
	ck_assert_int_eq(kv_pair_look_all(pair), 0);
	/* the same again is no news, whatever it says they start with */
	stacks();
	sync();
	ck_assert_uint_eq(kv_pair_stats(pair).edits, 3);
	ck_assert_int_eq(kv_pair_look_all(pair), 0);
	real.pages[4].attr &= ~(unsigned)KV_PTE_A;
	ck_assert_int_eq(kv_pair_look_all(pair), EFAULT);
	ck_assert_uint_eq(kv_pair_dispute(pair)->invariant, 4);
	ck_assert_uint_eq(kv_pair_dispute(pair)->va, BASE + 4 * PAGE);
}
END_TEST

/* What lie is found where, by which invariant. */
static const struct {
	enum fake_lie lie;
	uint64_t page;
	unsigned invariant;
	uint64_t va; /* offset in that page */
} lies[] = {{FAKE_REFUSES, 1, 1, 0}, {FAKE_COMMIT_FAILS, 1, 1, 0},
    {FAKE_NO_FAULT, 5, 2, 40}, {FAKE_WRONG_ERROR, 5, 2, 40},
    {FAKE_WRONG_CR2, 5, 2, 40}, {FAKE_EXTRA_FAULT, 3, 2, 24},
    {FAKE_TOUCH_FAILS, 0, 2, 0}, {FAKE_WRONG_FRAME, 9, 3, 0},
    {FAKE_READ_ONLY, 9, 3, 0}, {FAKE_LOST, 9, 3, 8}, {FAKE_EXTRA, 10, 3, 0},
    {FAKE_EXTRA, 12, 3, 0}, {FAKE_NO_ACCESSED, 7, 4, 0},
    {FAKE_NO_MODIFIED, 7, 4, 0}, {FAKE_MODIFIED_BY_READ, 2, 4, 0},
    {FAKE_NO_DF, 5, 5, 4088}, {FAKE_DF_CR2, 5, 5, 4088},
    {FAKE_DF_VECTOR, 5, 5, 4088}, {FAKE_WITNESS, 1, 6, 8},
    {FAKE_COUNT, 1, 7, 0}};
enum { NLIES = sizeof(lies) / sizeof(lies[0]) };

/* Either machine may be the one that errs. */
START_TEST(test_lies)
{
	struct fake *liar = _i % 2 == 0 ? &real : &twin;
	const struct kv_dispute *d;

	liar->lie = lies[_i / 2].lie;
	liar->at = BASE + lies[_i / 2].page * PAGE;
	stacks();
	ck_assert_int_eq(exercise(), EFAULT);
	d = kv_pair_dispute(pair);
	ck_assert_uint_eq(d->invariant, lies[_i / 2].invariant);
	ck_assert_msg(d->va == liar->at + lies[_i / 2].va, "lie %d: %#lx: %s",
	    liar->lie, (unsigned long)d->va, d->text);
	ck_assert_ptr_nonnull(strstr(d->text, liar->mmu.caps.kind));
	/* One dispute is enough. */
	stacks();
	ck_assert_int_eq(kv_pair_sync(pair, &next), EFAULT);
	ck_assert_int_eq(kv_pair_look_all(pair), EFAULT);
	ck_assert_int_eq(probe(KV_ACCESS_READ, 1, 0), EFAULT);
	ck_assert_int_eq(d->invariant, (int)lies[_i / 2].invariant);
}
END_TEST

/* Without another machine the twin is held against what it was told. */
START_TEST(test_alone)
{
	kv_pair_destroy(pair);
	kv_pair_create(&format, &twin.mmu, NULL, &pair);
	stacks();
	ck_assert_int_eq(exercise(), 0);
	ck_assert_uint_eq(kv_pair_stats(pair).witnesses, 0);
	twin.pages[3].mapped = false;
	ck_assert_int_eq(kv_pair_look_all(pair), EFAULT);
	ck_assert_uint_eq(kv_pair_dispute(pair)->va, BASE + 3 * PAGE);
	ck_assert_str_eq(kv_pair_dispute(pair)->text,
	    "expected 0x2000 by a leaf of level 0, W, A, M; model: nothing "
	    "mapped");
	real.closed = true;
}
END_TEST

static kv_va_t gaps[16];
static size_t ngaps;

static int
note_gap(void *arg, kv_va_t va)
{
	(void)arg;
	gaps[ngaps++] = va;
	return 0;
}

/* One stack goes; another comes in its place with other frames, shorter. */
START_TEST(test_remap)
{
	stacks();
	ck_assert_int_eq(exercise(), 0);
	want(1, 64 * PAGE, 0, 2, KV_PTE_W | KV_PTE_G);
	want(6, 4 * PAGE, 0, 4, KV_PTE_W | KV_PTE_G);
	sync();
	ngaps = 0;
	ck_assert_int_eq(kv_pair_gaps(pair, note_gap, NULL), 0);
	ck_assert_uint_eq(ngaps, 3);
	ck_assert_uint_eq(gaps[0], BASE + 3 * PAGE);
	ck_assert_uint_eq(gaps[2], BASE + 11 * PAGE);
	ck_assert_uint_eq(real.pages[2].pa, 65 * PAGE);
	/* the new pages are not accessed, the old ones stay so */
	ck_assert_int_eq(kv_pair_look_all(pair), 0);
	ck_assert_uint_eq(real.pages[2].attr, KV_PTE_W | KV_PTE_G);
	ck_assert_int_eq(probe(KV_ACCESS_WRITE, 3, 8), 0);
	ck_assert_int_eq(probe(KV_ACCESS_WRITE, 2, 8), 0);
	ck_assert_int_eq(kv_pair_look_all(pair), 0);
}
END_TEST

/* A machine that forgets to unmap: seen by the touch, not only the tables. */
START_TEST(test_stale)
{
	stacks();
	ck_assert_int_eq(exercise(), 0);
	real.lie = FAKE_UNMAP_IGNORED;
	real.at = BASE + 8 * PAGE;
	want(1, 0, 0, 4, KV_PTE_W | KV_PTE_G);
	sync();
	ck_assert_int_eq(probe(KV_ACCESS_WRITE, 8, 0), 0);
	ck_assert_int_eq(kv_pair_flush(pair), EFAULT);
	ck_assert_uint_eq(kv_pair_dispute(pair)->invariant, 2);
	ck_assert_str_eq(kv_pair_dispute(pair)->text,
	    "a write must end in a fault (not present, write); model: a fault "
	    "(not present, write); real: no fault");
}
END_TEST

/* 512 pages become a leaf, which becomes 512 pages, of which some go. */
START_TEST(test_promotion)
{
	want(512, 2 * MIB, 0, 512, KV_PTE_W);
	sync();
	ck_assert_int_eq(kv_pair_look_all(pair), 0);
	want(512, 2 * MIB, 1, 1, KV_PTE_W);
	sync();
	ck_assert_uint_eq(real.pages[700].level, 1);
	ck_assert_uint_eq(kv_pair_stats(pair).touches, 512);
	ck_assert_int_eq(kv_pair_look_all(pair), 0);
	ck_assert_int_eq(kv_pair_look_leaves(pair, true), 0);
	want(512, 2 * MIB, 0, 300, KV_PTE_W);
	sync();
	ck_assert_uint_eq(real.pages[700].level, 0);
	ck_assert(!real.pages[812].mapped && real.pages[811].mapped);
	ck_assert_int_eq(kv_pair_look_all(pair), 0);
	/* map, promote, demote, unmap */
	ck_assert_uint_eq(kv_pair_stats(pair).edits, 4);
}
END_TEST

/* After a change of W both may say what they like of A and M, if the same. */
START_TEST(test_protect)
{
	stacks();
	ck_assert_int_eq(exercise(), 0);
	want(1, 0, 0, 4, KV_PTE_G);
	sync();
	twin.pages[2].attr &= ~(unsigned)KV_PTE_A;
	real.pages[2].attr &= ~(unsigned)KV_PTE_A;
	ck_assert_int_eq(probe(KV_ACCESS_WRITE, 1, 0), 0);
	ck_assert_int_eq(kv_pair_look_all(pair), 0);
	real.pages[2].attr |= KV_PTE_A;
	ck_assert_int_eq(kv_pair_look_all(pair), EFAULT);
	ck_assert_uint_eq(kv_pair_dispute(pair)->invariant, 4);
}
END_TEST

/* Processors may walk ahead of a touch, and then set A; never M.  Shadow paging
 * sees real touches only. */
START_TEST(test_ahead)
{
	stacks();
	sync();
	real.pages[1].attr |= KV_PTE_A;
	real.mmu.caps.paging = "nested";
	ck_assert_int_eq(kv_pair_look_all(pair), 0);
	ck_assert_int_eq(kv_pair_look(pair, BASE + PAGE, true), 0);
	real.mmu.caps.paging = "shadow";
	ck_assert_int_eq(kv_pair_look_all(pair), EFAULT);
	ck_assert_uint_eq(kv_pair_dispute(pair)->invariant, 4);
}
END_TEST

/* More touches than a queue holds; kinds in turn. */
START_TEST(test_long)
{
	uint64_t i;

	stacks();
	sync();
	for (i = 0; i < 200000; i++)
		ck_assert_int_eq(
		    probe(i % 100000 == 5 ? KV_ACCESS_READ : KV_ACCESS_WRITE,
			i % 14, i % 512 * 8),
		    0);
	ck_assert_int_eq(kv_pair_flush(pair), 0);
	ck_assert_uint_eq(kv_pair_stats(pair).touches, 200000);
}
END_TEST

/* Nothing mapped is fine as well. */
START_TEST(test_nothing)
{
	sync();
	ck_assert_int_eq(probe(KV_ACCESS_READ, 1, 0), 0);
	ck_assert_int_eq(kv_pair_look(pair, BASE, true), 0);
	ck_assert_int_eq(kv_pair_look_all(pair), 0);
	ck_assert_int_eq(kv_pair_look_leaves(pair, true), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pair");
	TCase *t = tcase_create("pair");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_agree);
	tcase_add_test(t, test_used);
	tcase_add_loop_test(t, test_lies, 0, 2 * NLIES);
	tcase_add_test(t, test_alone);
	tcase_add_test(t, test_remap);
	tcase_add_test(t, test_stale);
	tcase_add_test(t, test_promotion);
	tcase_add_test(t, test_protect);
	tcase_add_test(t, test_ahead);
	tcase_add_test(t, test_long);
	tcase_add_test(t, test_nothing);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
