/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_leafmap_edits.c - edits between random maps, applied page by page
 *
 * Two random maps over a few tables; the edits are applied to an array with one
 * entry a base page, each with its preconditions (what is mapped is not mapped
 * again, only what is there goes, a promotion fits), and must lead from one to
 * the other.  Pages whose leaf stays as it is must not be touched, and what is
 * known of them must stay known.
 */
#include <stdlib.h>
#include <string.h>

#include "kvtest.h"
#include "run/leafmap.h"
#include "run/rng.h"

/* Tables of 4: leaves of 1, 4 and 16 pages, in 8 of the largest. */
enum { SHIFT = 12, TABLE = 2, LEVELS = 3, PAGES = 128, BASE = 1 << 20 };

struct page {
	bool mapped;
	kv_pa_t pa;
	unsigned level, attr;
	uint8_t state;
};

static struct page pages[2][PAGES]; /* as the maps say */
static struct page now[PAGES];	    /* as the edits leave it */
static unsigned round_of;

static void
draw_leaf(struct kv_leafmap *m, struct page *list, unsigned at, unsigned level,
    kv_pa_t pa, unsigned attr)
{
	unsigned n = 1u << (level * TABLE), i;

	ck_assert_int_eq(kv_leafmap_add(m, BASE + ((kv_va_t)at << SHIFT), pa,
			     level, 1, attr),
	    0);
	for (i = 0; i < n; i++)
		list[at + i] = (struct page){true, pa + ((kv_pa_t)i << SHIFT),
		    level, attr, (uint8_t)(m->nleaves % 4)};
	m->state[m->nleaves - 1] = (uint8_t)(m->nleaves % 4);
}

/* Frames often continue, so that promotions are possible. */
static void
draw_map(struct kv_rng *rng, struct kv_leafmap *m, struct page *list)
{
	static const unsigned attrs[] = {
	    KV_PTE_W, KV_PTE_W, KV_PTE_W, 0, KV_PTE_W | KV_PTE_G};
	unsigned attr = KV_PTE_W, at = 0;
	kv_pa_t shift = 0;

	while (at < PAGES) {
		unsigned level = kv_rng_next(rng) % LEVELS;
		unsigned n;

		while (level > 0 && at % (1u << (level * TABLE)) != 0)
			level--;
		n = 1u << (level * TABLE);
		if (kv_rng_next(rng) % 8 == 0)
			attr = attrs[kv_rng_next(rng) % 5];
		if (kv_rng_next(rng) % 16 == 0)
			shift ^= 16 << SHIFT;
		if (kv_rng_next(rng) % 5 != 0)
			draw_leaf(m, list, at, level,
			    ((kv_pa_t)at << SHIFT) ^ shift, attr);
		at += n;
	}
}

static struct page *
page_at(kv_va_t va)
{
	ck_assert_uint_ge(va, BASE);
	ck_assert_uint_lt((va - BASE) >> SHIFT, PAGES);
	return &now[(va - BASE) >> SHIFT];
}

/* One leaf of an edit, which begins at page p. */
static void
apply_leaf(const struct kv_edit *e, struct page *p, kv_pa_t pa)
{
	unsigned n = 1u << (e->level * TABLE), part = n >> TABLE, i;

	for (i = 0; i < n; i++) {
		struct page *x = &p[i];

		switch (e->kind) {
		case KV_EDIT_MAP:
			ck_assert(!x->mapped);
			*x = (struct page){true, pa + ((kv_pa_t)i << SHIFT),
			    e->level, e->attr, 0};
			break;
		case KV_EDIT_UNMAP:
			ck_assert(x->mapped);
			ck_assert_uint_eq(x->level, e->level);
			x->mapped = false;
			break;
		case KV_EDIT_PROTECT:
			ck_assert(x->mapped && x->attr != e->attr);
			ck_assert_uint_eq(x->level, e->level);
			x->attr = e->attr;
			x->state |= KV_LEAF_UNSURE;
			break;
		case KV_EDIT_PROMOTE:
			ck_assert(x->mapped && x->attr == e->attr);
			ck_assert_uint_eq(x->level, e->level - 1);
			ck_assert_uint_eq(x->pa, pa + ((kv_pa_t)i << SHIFT));
			x->level++;
			if (i % part == 0)
				p[0].state |= x->state;
			break;
		case KV_EDIT_DEMOTE:
			ck_assert(x->mapped);
			ck_assert_uint_eq(x->level, e->level);
			x->level--;
			x->state = p[0].state;
			break;
		}
	}
}

static int
apply(void *arg, const struct kv_edit *e)
{
	uint64_t size = UINT64_C(1) << (SHIFT + e->level * TABLE);
	size_t i;

	(void)arg;
	ck_assert_uint_eq(e->size, e->n * size);
	for (i = 0; i < e->n; i++)
		apply_leaf(e, page_at(e->va + i * size), e->pa + i * size);
	return 0;
}

/* The state of a leaf stands with its first page. */
static bool
is_first(const struct page *list, unsigned i)
{
	return i % (1u << (list[i].level * TABLE)) == 0;
}

static void
compare(const struct kv_leafmap *to)
{
	size_t hint = 0, index;
	unsigned i;

	for (i = 0; i < PAGES; i++) {
		const struct page *x = &now[i], *want = &pages[1][i];
		const struct kv_leaf_run *run = kv_leafmap_find(
		    to, BASE + ((kv_va_t)i << SHIFT) + 8, &hint, &index);

		ck_assert_msg(x->mapped == want->mapped, "round %u, page %u",
		    round_of, i);
		ck_assert_int_eq(run != NULL, want->mapped);
		if (!want->mapped)
			continue;
		ck_assert_uint_eq(x->pa, want->pa);
		ck_assert_uint_eq(x->level, want->level);
		ck_assert_uint_eq(x->attr, want->attr);
		if (is_first(now, i))
			ck_assert_uint_eq(
			    to->state[run->first + index], x->state);
	}
}

START_TEST(test_edits)
{
	struct kv_rng rng = {(uint64_t)_i + 1};

	for (round_of = 0; round_of < 400; round_of++) {
		struct kv_leafmap maps[2] = {
		    {.page_shift = SHIFT, .pt_shift = TABLE},
		    {.page_shift = SHIFT, .pt_shift = TABLE}};

		memset(pages, 0, sizeof(pages));
		draw_map(&rng, &maps[0], pages[0]);
		draw_map(&rng, &maps[1], pages[1]);
		memset(maps[1].state, 0, maps[1].nleaves);
		memcpy(now, pages[0], sizeof(now));
		ck_assert_int_eq(
		    kv_leafmap_edits(&maps[0], &maps[1], apply, NULL), 0);
		compare(&maps[1]);
		kv_leafmap_fini(&maps[0]);
		kv_leafmap_fini(&maps[1]);
	}
}
END_TEST

static int
refuse(void *arg, const struct kv_edit *e)
{
	(void)arg;
	(void)e;
	ck_abort_msg("an edit between equal maps");
	return 0;
}

/* From a map to itself there is nothing to do, and all stays known. */
START_TEST(test_same)
{
	struct kv_rng rng = {(uint64_t)_i + 1};
	struct kv_leafmap m = {.page_shift = SHIFT, .pt_shift = TABLE},
			  same = {.page_shift = SHIFT, .pt_shift = TABLE};
	struct kv_rng again = rng;

	draw_map(&rng, &m, pages[0]);
	draw_map(&again, &same, pages[1]);
	memset(same.state, 0, same.nleaves);
	ck_assert_int_eq(kv_leafmap_edits(&m, &same, refuse, NULL), 0);
	ck_assert_mem_eq(m.state, same.state, m.nleaves);
	kv_leafmap_fini(&m);
	kv_leafmap_fini(&same);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("leafmap edits");
	TCase *t = tcase_create("random");

	tcase_add_loop_test(t, test_edits, 0, 10);
	tcase_add_loop_test(t, test_same, 0, 10);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
