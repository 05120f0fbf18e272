/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_pmap_oracle.c - page tables against a sorted array of pages
 *
 * The oracle knows no tables: an array of (va, pa, attributes) in order of va,
 * each page with the word that it is part of a superpage or of a group.  It
 * decides by itself, from freebsd.md 5 alone, what forms, what is taken apart
 * and what an operation answers.  After every few operations all pages of the
 * window must agree, and the pmap must find its own invariants.
 *
 * KV_SEED=N runs one seed of every format; otherwise seeds 1 to SEEDS.
 */
#include <stdio.h>

#include "pmaprig.h"

enum { SEEDS = KV_TEST_CASES(4), OPS = 200, SUPERS = 3, EVERY = 4 };
enum { W = KV_PTE_W, X = KV_PTE_X, U = KV_PTE_U, A = KV_PTE_A, M = KV_PTE_M };

struct page {
	kv_va_t va;
	kv_pa_t pa;
	unsigned attr; /* without CONTIG */
	bool super, group;
};

static struct rig rig;
static struct page *pages; /* in order of va */
static size_t npages;
static uint64_t x, page, super, group; /* sizes in bytes; group 0: none */
static kv_va_t base;

static uint64_t
rnd(uint64_t below)
{
	x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (x >> 33) % below;
}

/* ---- The array ------------------------------------------------------------
 */

/* Index of the first page at or above va. */
static size_t
at(kv_va_t va)
{
	size_t low = 0, high = npages;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (pages[middle].va < va)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct page *
find(kv_va_t va)
{
	const size_t i = at(va);

	return i < npages && pages[i].va == va ? &pages[i] : NULL;
}

static bool
is_super(kv_va_t va)
{
	const struct page *p = find(va);

	return p != NULL && p->super;
}

static void
drop(kv_va_t start, uint64_t size)
{
	const size_t i = at(start), j = at(start + size);

	memmove(&pages[i], &pages[j], (npages - j) * sizeof(*pages));
	npages -= j - i;
}

static struct page *
insert(kv_va_t va)
{
	const size_t i = at(va);

	memmove(&pages[i + 1], &pages[i], (npages - i) * sizeof(*pages));
	npages++;
	pages[i] = (struct page){.va = va};
	return &pages[i];
}

/* Attributes as the format can say them. */
static unsigned
sayable(unsigned attr)
{
	if (rig.f->modified_is_write && (attr & W) == 0)
		attr &= ~(unsigned)M;
	return attr;
}

/* ---- What forms, what is taken apart ----------------------------------------
 */

/* The pages of the aligned range of that size around va are no group, or no
 * superpage, any more. */
static void
apart(kv_va_t va, uint64_t size)
{
	va &= ~(size - 1);
	for (size_t i = at(va); i < npages && pages[i].va < va + size; i++)
		pages[i].super = pages[i].group = false;
}

/* Could the aligned range of that size around va be one? */
static bool
uniform(kv_va_t va, uint64_t size)
{
	const struct page *p;

	va &= ~(size - 1);
	p = find(va);
	if (p == NULL || (p->pa & (size - 1)) != 0 || (p->attr & A) == 0)
		return false;
	for (uint64_t i = 0; i < size / page; i++)
		if (&p[i] >= pages + npages || p[i].super ||
		    p[i].va != va + i * page || p[i].pa != p->pa + i * page ||
		    p[i].attr != p->attr)
			return false;
	return true;
}

static void
join(kv_va_t va, uint64_t size)
{
	struct page *p = find(va & ~(size - 1));

	for (uint64_t i = 0; i < size / page; i++) {
		p[i].super = size == super;
		p[i].group = size != super;
	}
}

/* [va, va + size) will change: superpages and groups that it cuts go. */
static void
cut(kv_va_t va, uint64_t size)
{
	const kv_va_t ends[] = {va, va + size - 1};

	for (unsigned e = 0; e < 2; e++) {
		const struct page *p = find(ends[e] & ~(page - 1));
		uint64_t whole;

		if (p == NULL || (!p->super && !p->group))
			continue;
		whole = p->super ? super : group;
		if ((ends[e] & ~(whole - 1)) < va ||
		    (ends[e] | (whole - 1)) > va + size - 1)
			apart(ends[e], whole);
	}
}

/* ---- Operations -------------------------------------------------------------
 */

/* Put one page; again: A and M of attr join those that were set. */
static void
put(kv_va_t va, kv_pa_t pa, unsigned attr, bool again)
{
	struct page *p = find(va);
	const unsigned am = A | M;

	attr = sayable(attr);
	if (p != NULL && p->pa == pa && ((p->attr ^ attr) & ~am) == 0) {
		if (again)
			p->attr |= attr & am;
		return;
	}
	if (p != NULL && p->group)
		apart(va, group);
	if (p == NULL)
		p = insert(va);
	*p = (struct page){va, pa, attr, false, false};
}

static kv_va_t
any_va(void)
{
	return base + rnd(SUPERS * super / page) * page;
}

/* A length that is often a page, a group or a superpage. */
static uint64_t
any_size(kv_va_t va)
{
	const uint64_t usual[] = {
	    page, 4 * page, group != 0 ? group : 16 * page, super};
	const uint64_t room = base + SUPERS * super - va;
	const uint64_t size =
	    rnd(3) == 0 ? (1 + rnd(super / page)) * page : usual[rnd(4)];

	return size < room ? size : room;
}

/* Mostly what makes frames consecutive and aligned together with va. */
static kv_pa_t
any_pa(kv_va_t va)
{
	return (va - base) + 8 * super * (1 + rnd(2)) +
	       (rnd(8) == 0 ? page * (1 + rnd(3)) : 0);
}

static unsigned
any_attr(void)
{
	static const unsigned few[] = {W | A, W | A, W | A, W, A, W | A | M,
	    X | A, U | A, X | U | A, A | M};

	return few[rnd(sizeof(few) / sizeof(few[0]))];
}

static void
op_qenter(kv_va_t va, uint64_t size)
{
	const kv_pa_t pa = any_pa(va);
	const unsigned attr = any_attr();
	int want = 0;

	for (uint64_t i = 0; i < size && want == 0; i += page) {
		if (is_super(va + i))
			want = EBUSY;
		else
			put(va + i, pa + i, attr, false);
	}
	ck_assert_int_eq(
	    kv_pmap_qenter_run(rig.pmap, va, pa, size / page, attr), want);
}

static void
op_enter(kv_va_t va)
{
	const kv_pa_t pa = any_pa(va);
	const unsigned attr = any_attr(), psind = (unsigned)rnd(3);
	int want = EBUSY;

	if (!is_super(va)) {
		want = 0;
		put(va, pa, attr, true);
		if (psind >= 1 && group != 0 && !find(va)->group &&
		    uniform(va, group))
			join(va, group);
		if (psind >= rig_full(&rig) && uniform(va, super))
			join(va, super);
	}
	ck_assert_int_eq(kv_pmap_enter(rig.pmap, va, pa, attr, psind), want);
}

static void
op_qremove(kv_va_t va, uint64_t size)
{
	int want = 0;

	for (uint64_t i = 0; i < size && want == 0; i += page) {
		const struct page *p = find(va + i);

		if (p == NULL)
			continue;
		want = p->super ? EBUSY : 0;
		if (p->super)
			break;
		/* as long as a whole group is asked for, it is not cut */
		if (p->group)
			cut(va + i, size - i);
		drop(va + i, page);
	}
	ck_assert_int_eq(kv_pmap_qremove(rig.pmap, va, size / page), want);
}

static void
op_remove(kv_va_t va, uint64_t size)
{
	uint64_t done = 0;

	cut(va, size);
	drop(va, size);
	ck_assert_int_eq(kv_pmap_remove(rig.pmap, va, size, &done), 0);
	ck_assert_uint_eq(done, size);
}

static void
op_protect(kv_va_t va, uint64_t size)
{
	const unsigned wx = W | X, attr = any_attr() & wx;
	const kv_va_t ends[] = {va, va + size - page};

	for (unsigned e = 0; e < 2; e++) {
		const struct page *p = find(ends[e]);

		/* nothing is taken apart that has the permissions already */
		if (p != NULL && (p->attr & wx) != attr &&
		    (p->super || p->group)) {
			const uint64_t whole = p->super ? super : group;
			const kv_va_t first = ends[e] & ~(whole - 1);

			if (first < va || first + whole > va + size)
				apart(first, whole);
		}
	}
	for (size_t i = at(va); i < npages && pages[i].va < va + size; i++)
		pages[i].attr = sayable((pages[i].attr & ~wx) | attr);
	ck_assert_int_eq(kv_pmap_protect(rig.pmap, va, size, attr, NULL), 0);
}

static void
op_promote(kv_va_t va)
{
	const kv_va_t first = va & ~(super - 1);
	const size_t i = at(first);
	const bool there = i < npages && pages[i].va < first + super;
	const bool can = uniform(va, super);
	const int error = kv_pmap_promote(rig.pmap, va);

	if (there && !is_super(va))
		ck_assert_int_eq(error, can ? 0 : EAGAIN);
	else
		ck_assert_int_ne(error, 0);
	if (can)
		join(va, super);
}

static void
op_demote(kv_va_t va)
{
	const int want = is_super(va) ? 0 : ENOENT;

	if (want == 0)
		apart(va, super);
	ck_assert_int_eq(kv_pmap_demote(rig.pmap, va), want);
}

/* A and M go on or off for what one leaf maps. */
static void
op_access(kv_va_t va, bool on)
{
	const uint64_t whole = is_super(va) ? super : page;
	const bool write = rnd(2) != 0;
	const unsigned bits = write ? A | M : A;
	const int want = find(va) != NULL ? 0 : ENOENT;

	for (size_t i = at(va & ~(whole - 1));
	     i < npages && pages[i].va < (va & ~(whole - 1)) + whole; i++) {
		struct page *p = &pages[i];

		if (!on)
			p->attr &= ~bits;
		else
			p->attr |= (p->attr & W) != 0 ? bits : bits & A;
	}
	ck_assert_int_eq(on ? kv_pmap_access(rig.pmap, va, write)
			    : kv_pmap_clear(rig.pmap, va, bits),
	    want);
}

static void
op_leaf(kv_va_t va)
{
	const kv_va_t first = va & ~(super - 1);
	const unsigned attr = any_attr();
	const kv_pa_t pa = 4 * super * rnd(3);
	const size_t i = at(first);
	const int want = i < npages && pages[i].va < first + super ? EEXIST : 0;

	for (uint64_t k = 0; want == 0 && k < super; k += page)
		*insert(first + k) = (struct page){
		    first + k, pa + k, sayable(attr), true, false};
	ck_assert_int_eq(
	    kv_pmap_enter_leaf(rig.pmap, first, pa, 1, 1, attr), want);
}

/* A whole superpage of pages like those of any_pa: something to promote. */
static void
op_fill(kv_va_t va)
{
	const kv_va_t first = va & ~(super - 1);
	const kv_pa_t pa = (first - base) + 8 * super;

	if (is_super(va))
		return;
	for (uint64_t i = 0; i < super; i += page)
		put(first + i, pa + i, W | A, false);
	ck_assert_int_eq(
	    kv_pmap_qenter_run(rig.pmap, first, pa, super / page, W | A), 0);
}

static void
step(void)
{
	const kv_va_t va = any_va();
	const uint64_t size = any_size(va);

	switch (rnd(13)) {
	case 0:
		op_qenter(va, size);
		break;
	case 1:
		op_qremove(va, size);
		break;
	case 2:
		op_remove(va, size);
		break;
	case 3:
		op_protect(va, size);
		break;
	case 4:
		op_promote(va);
		break;
	case 5:
		op_demote(va);
		break;
	case 6:
		op_access(va, rnd(2) != 0);
		break;
	case 7:
		op_leaf(va);
		break;
	case 8:
		op_fill(va);
		break;
	default:
		op_enter(va);
	}
}

/* ---- Agreement --------------------------------------------------------------
 */

struct cursor {
	size_t next;
	uint64_t supers, groups;
};

static int
agree(void *arg, const struct kv_leaf *leaf)
{
	struct cursor *c = arg;
	const uint64_t size = UINT64_C(1) << kv_pte_shift(rig.f, leaf->level);

	for (uint64_t i = 0; i < size; i += page, c->next++) {
		const struct page *p = &pages[c->next];

		ck_assert_uint_lt(c->next, npages);
		ck_assert_uint_eq(leaf->va + i, p->va);
		ck_assert_uint_eq(leaf->pa + i, p->pa);
		ck_assert_uint_eq(leaf->level, p->super);
		ck_assert_uint_eq(leaf->attr,
		    p->attr | (p->group ? (unsigned)KV_PTE_CONTIG : 0));
		c->groups += p->group;
	}
	c->supers += leaf->level;
	return 0;
}

static void
compare(void)
{
	struct cursor c = {0};
	const struct kv_pmap_stats stats = kv_pmap_stats(rig.pmap);

	kv_pmap_walk(rig.pmap, 0, UINT64_MAX, agree, &c);
	ck_assert_uint_eq(c.next, npages);
	ck_assert_uint_eq(stats.leaves[1], c.supers);
	ck_assert_uint_eq(stats.grouped, c.groups);
	rig_check(&rig);
	for (unsigned i = 0; i < 8; i++) {
		const kv_va_t va = any_va();

		ck_assert_int_eq(rig_hole(&rig, va), find(va) == NULL);
	}
}

/* Some space at either end of the upper half, or in the middle of it. */
static void
place(void)
{
	const uint64_t half = UINT64_C(1) << (rig.f->va_bits - 1);
	const uint64_t places[] = {
	    half, 2 * half - 4 * super, half + half / 2 - 2 * super};

	base = kv_pte_va(rig.f, false, places[rnd(3)]);
}

START_TEST(test_oracle)
{
	const char *wanted = getenv("KV_SEED");
	const unsigned seed = wanted != NULL
				  ? (unsigned)strtoul(wanted, NULL, 10)
				  : 1 + (unsigned)_i % SEEDS;
	size_t rows;
	const struct kv_pte_format *f = kv_pte_table(&rows) + _i / SEEDS;
	unsigned ops;

	x = seed;
	rig_start(&rig, f);
	page = rig_page(&rig);
	super = rig_super(&rig);
	group = kv_pte_group(f, 0) == 0 ? 0 : page << kv_pte_group(f, 0);
	ops = OPS * 512 / rig_pages(&rig);
	pages = calloc(SUPERS * super / page + 1, sizeof(*pages));
	npages = 0;
	place();
	for (unsigned i = 0; i < ops; i++) {
		/* what a failing test prints last */
		if (i == 0)
			fprintf(stderr, "%s seed %u\n", f->name, seed);
		step();
		if (i % EVERY == 0)
			compare();
	}
	compare();
	rig_stop(&rig);
	free(pages);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pmap_oracle");
	TCase *tcase = tcase_create("pmap_oracle");
	size_t rows;

	(void)kv_pte_table(&rows);
	tcase_add_loop_test(tcase, test_oracle, 0, SEEDS * (int)rows);
	suite_add_tcase(suite, tcase);
	return kv_test_main(suite);
}
