/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lazy.c - ranges that are mapped when they are touched, page by page
 *
 * The model knows of each page whether a range has it, with which rights, and
 * whether it is mapped by now.  A touch maps the pages of the same range in the
 * same block; where the range has all of it they are one leaf.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kvtest.h"
#include "run/lazy.h"

enum { BLOCKS = 6, PAGES = 512, ALL = BLOCKS * PAGES, OPS = 300, SEEDS = 30 };

static const kv_va_t base = UINT64_C(8) << 30;
static const uint64_t page = 4096;

static struct page {
	bool has, mapped;
	unsigned attr, piece; /* piece: which range */
} pages[ALL];
static unsigned pieces;
static struct kv_lazy lazy;
static struct kv_space space;
static uint64_t x;

static unsigned
rnd(unsigned n)
{
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned)(x >> 33) % n;
}

static kv_va_t
va_of(unsigned i)
{
	return base + i * page;
}

/* From here on it is another range. */
static void
cut(unsigned at)
{
	if (at == 0 || at >= ALL || !pages[at].has || !pages[at - 1].has ||
	    pages[at].piece != pages[at - 1].piece)
		return;
	pieces++;
	for (unsigned i = at, old = pages[at].piece;
	     i < ALL && pages[i].has && pages[i].piece == old; i++)
		pages[i].piece = pieces;
}

static void
add(unsigned first, unsigned n, unsigned attr)
{
	const struct kv_lazy_range range = {.space = 3,
	    .level = 1,
	    .attr = attr,
	    .va = va_of(first),
	    .size = n * page,
	    .pa = va_of(first)};
	bool meets = false;

	for (unsigned i = first; i < first + n; i++)
		meets |= pages[i].has;
	ck_assert_int_eq(
	    kv_lazy_meets(&lazy, 3, va_of(first), n * page), meets);
	ck_assert(!kv_lazy_meets(&lazy, 4, va_of(first), n * page));
	if (meets)
		return;
	kv_lazy_add(&lazy, &range);
	pieces++;
	for (unsigned i = first; i < first + n; i++)
		pages[i] = (struct page){true, false, attr, pieces};
}

static void
edit(unsigned first, unsigned n, bool unmap, unsigned attr)
{
	uint64_t done;

	cut(first);
	cut(first + n);
	for (unsigned i = first; i < first + n; i++) {
		if (unmap)
			pages[i] = (struct page){0};
		else
			pages[i].attr = attr;
	}
	if (unmap) {
		kv_lazy_unmap(&lazy, 3, va_of(first), n * page);
		ck_assert_int_eq(
		    kv_pmap_remove(space.pmap, va_of(first), n * page, &done),
		    0);
	} else {
		kv_lazy_protect(&lazy, 3, va_of(first), n * page, attr);
		ck_assert_int_eq(kv_pmap_protect(space.pmap, va_of(first),
				     n * page, attr, &done),
		    0);
	}
}

static void
touch(unsigned at)
{
	const uint64_t faults = lazy.faults;
	const unsigned block = at - at % PAGES;
	const bool wanted = pages[at].has && !pages[at].mapped;
	unsigned n = 0;
	struct kv_leaf leaf;

	ck_assert_int_eq(kv_lazy_touch(&lazy, &space, 3, va_of(at)), 0);
	ck_assert_int_eq(kv_lazy_touch(&lazy, &space, 4, va_of(at)), 0);
	ck_assert_uint_eq(lazy.faults - faults, wanted);
	if (!wanted)
		return;
	for (unsigned i = block; i < block + PAGES; i++)
		if (pages[i].has && pages[i].piece == pages[at].piece) {
			pages[i].mapped = true;
			n++;
		}
	ck_assert_int_eq(kv_pmap_extract(space.pmap, va_of(at), &leaf), 0);
	ck_assert_uint_eq(leaf.level, n == PAGES);
}

static int
take(void *arg, const struct kv_leaf *leaf)
{
	const unsigned first = (unsigned)((leaf->va - base) / page);
	const unsigned n = leaf->level == 0 ? 1 : PAGES;
	unsigned *seen = arg;

	ck_assert_uint_eq(leaf->pa, leaf->va);
	for (unsigned i = first; i < first + n; i++) {
		ck_assert(pages[i].mapped);
		ck_assert_uint_eq(
		    leaf->attr & (KV_PTE_W | KV_PTE_X), pages[i].attr);
	}
	*seen += n;
	return 0;
}

static void
agree(void)
{
	unsigned seen = 0, mapped = 0;

	kv_pmap_walk(space.pmap, 0, UINT64_MAX, take, &seen);
	for (unsigned i = 0; i < ALL; i++)
		mapped += pages[i].mapped;
	ck_assert_uint_eq(seen, mapped);
}

START_TEST(as_the_model)
{
	const struct kv_space_config cfg = {
	    .name = "s", .format = kv_pte_find("arm64-4k"), .user = true};

	x = (uint64_t)_i + 1;
	memset(pages, 0, sizeof(pages));
	ck_assert_int_eq(kv_space_init(&space, &cfg), 0);
	for (unsigned i = 0; i < OPS; i++) {
		unsigned first = rnd(ALL), n = 1 + rnd(rnd(2) ? 4 : 1500);
		unsigned attr = rnd(4) & (KV_PTE_W | KV_PTE_X);

		if (rnd(3) == 0)
			first -= first % PAGES, n = PAGES * (1 + n / PAGES);
		if (n > ALL - first)
			n = ALL - first;
		switch (rnd(5)) {
		case 0:
			edit(first, n, true, 0);
			break;
		case 1:
			edit(first, n, false, attr);
			break;
		case 2:
			add(first, n, attr);
			break;
		default:
			touch(first);
			break;
		}
		if (i % 16 == 0)
			agree();
	}
	agree();
	kv_space_fini(&space);
	kv_lazy_fini(&lazy);
}
END_TEST

/* A child has what its parent has, until either loses it. */
START_TEST(copied)
{
	const struct kv_lazy_range range = {
	    .space = 1, .level = 1, .va = base, .size = 4 * page};

	kv_lazy_add(&lazy, &range);
	kv_lazy_copy(&lazy, 2, 1);
	kv_lazy_unmap(&lazy, 1, base, page);
	ck_assert(!kv_lazy_meets(&lazy, 1, base, page));
	ck_assert(kv_lazy_meets(&lazy, 1, base, 2 * page));
	ck_assert(kv_lazy_meets(&lazy, 2, base, page));
	kv_lazy_drop(&lazy, 2);
	ck_assert(!kv_lazy_meets(&lazy, 2, base, 4 * page));
	ck_assert(kv_lazy_meets(&lazy, 1, base + page, page));
	kv_lazy_fini(&lazy);
}
END_TEST

/* No table for a block that the range has in part: nothing is mapped. */
START_TEST(no_table)
{
	const struct kv_lazy_range range = {.space = 0,
	    .level = 1,
	    .va = base,
	    .size = PAGES * page + page,
	    .pa = base};
	const struct kv_space_config cfg = {
	    .name = "s", .format = kv_pte_find("arm64-4k"), .user = true};
	struct kv_space_config with = cfg;
	struct kv_ptpool_config three = {
	    .name = "p", .page_shift = 12, .capacity = 3};
	struct kv_host host;
	struct kv_ptpool *pool;
	struct kv_leaf leaf;

	kv_host_libc(&host);
	three.host = &host;
	ck_assert_int_eq(kv_ptpool_create(&three, &pool), 0);
	with.pool = pool;
	ck_assert_int_eq(kv_space_init(&space, &with), 0);
	kv_lazy_add(&lazy, &range);
	ck_assert_int_eq(kv_lazy_touch(&lazy, &space, 0, base + page), 0);
	ck_assert_int_eq(
	    kv_lazy_touch(&lazy, &space, 0, base + PAGES * page), ENOMEM);
	ck_assert_int_eq(
	    kv_pmap_extract(space.pmap, base + PAGES * page, &leaf), ENOENT);
	ck_assert_int_eq(kv_pmap_extract(space.pmap, base, &leaf), 0);
	ck_assert_uint_eq(leaf.level, 1);
	ck_assert_uint_eq(lazy.failed, 1);
	kv_space_fini(&space);
	kv_ptpool_destroy(pool);
	kv_lazy_fini(&lazy);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lazy");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, as_the_model, 0, SEEDS);
	tcase_add_test(tc, copied);
	tcase_add_test(tc, no_table);
	suite_add_tcase(s, tc);
	return kv_test_main(s);
}
