/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tlb.c - translation caches: flushes, staleness, coalescing
 *
 * Random work against a flat model: tests/prop/test_tlb_oracle.c.
 */
#include <string.h>

#include "tlbrig.h"

/* ---- Global pages (systems.md 2.5) ----------------------------------- */

enum discipline { NO_G, G_ALONE, G_PREVIOUS, G_ALL, TAGS };

struct run {
	const char *sequence;
	enum discipline discipline;
	uint64_t miss, hit, stale, page_flushes, full_flushes;
};

static const struct run runs[] = {{"AAAA", NO_G, 160, 0, 0, 0, 0},
    {"ABAB", NO_G, 130, 0, 0, 0, 0}, {"AABB", NO_G, 130, 0, 0, 0, 0},
    {"AAAAAAAABBBBBBBB", NO_G, 520, 0, 0, 0, 0},
    {"AAAA", G_ALONE, 40, 120, 0, 0, 0}, {"ABAB", G_ALONE, 40, 40, 50, 0, 0},
    {"AABB", G_ALONE, 40, 40, 50, 0, 0},
    {"AAAAAAAABBBBBBBB", G_ALONE, 40, 280, 200, 0, 0},
    {"AAAA", G_PREVIOUS, 40, 120, 0, 0, 0},
    {"ABAB", G_PREVIOUS, 130, 0, 0, 105, 0},
    {"AABB", G_PREVIOUS, 65, 65, 0, 40, 0},
    {"AAAAAAAABBBBBBBB", G_PREVIOUS, 65, 455, 0, 40, 0},
    {"AAAA", G_ALL, 40, 120, 0, 0, 0}, {"ABAB", G_ALL, 130, 0, 0, 0, 3},
    {"AABB", G_ALL, 65, 65, 0, 0, 1},
    {"AAAAAAAABBBBBBBB", G_ALL, 65, 455, 0, 0, 1},
    {"AAAA", TAGS, 40, 120, 0, 0, 0}, {"ABAB", TAGS, 65, 65, 0, 0, 0},
    {"AABB", TAGS, 65, 65, 0, 0, 0},
    {"AAAAAAAABBBBBBBB", TAGS, 65, 455, 0, 0, 0}};

static const unsigned arena_pages[] = {40, 25};

/* Two images whose arenas stand at one address. */
static void
new_images(struct kv_pmap *images[2], unsigned attr)
{
	for (unsigned i = 0; i < 2; i++) {
		images[i] = new_pmap("amd64");
		map(images[i], BASE, FRAMES * (i + 1), arena_pages[i], attr);
	}
}

static void
enter(struct kv_tlb *tlb, enum discipline d, int last, int next)
{
	if (d != TAGS)
		kv_tlb_flush_nonglobal(tlb);
	if (last < 0 || last == next)
		return;
	if (d == G_PREVIOUS)
		kv_tlb_flush_range(tlb, 0, BASE, arena_pages[last]);
	if (d == G_ALL)
		kv_tlb_flush_all(tlb);
}

START_TEST(test_global)
{
	const struct run *run = &runs[_i];
	bool global = run->discipline != NO_G && run->discipline != TAGS;
	struct kv_tlb *tlb = new_tlb(1, 0, 0, run->discipline == TAGS);
	struct kv_pmap *images[2];
	struct kv_tlb_stats s;
	int last = -1;

	new_images(images, global ? KV_PTE_X | KV_PTE_G : KV_PTE_X);
	for (const char *c = run->sequence; *c != '\0'; c++) {
		int next = *c - 'A';

		enter(tlb, run->discipline, last, next);
		for (unsigned page = 0; page < arena_pages[next]; page++)
			kv_tlb_touch(tlb, images[next], (unsigned)next,
			    BASE + page * PAGE, false, NULL);
		last = next;
	}
	s = kv_tlb_stats(tlb);
	ck_assert_uint_eq(s.misses, run->miss);
	ck_assert_uint_eq(s.hits, run->hit);
	ck_assert_uint_eq(s.stale, run->stale);
	ck_assert_uint_eq(s.stale_frame, run->stale);
	ck_assert_uint_eq(s.page_flushes, run->page_flushes);
	ck_assert_uint_eq(s.full_flushes, run->full_flushes);
	ck_assert_uint_eq(s.faults, 0);
	check(tlb);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(images[0]);
	kv_pmap_destroy(images[1]);
}
END_TEST

/* F6 of systems.md 2.4: flushing as many pages as the next image has leaves
 * entries behind it, where a touch should fault. */
START_TEST(test_flush_of_the_next)
{
	struct kv_tlb *tlb = new_tlb(1, 0, 0, false);
	struct kv_pmap *images[2];
	enum kv_tlb_stale stale = KV_STALE_PERMISSIVE;

	new_images(images, KV_PTE_X | KV_PTE_G);
	for (unsigned page = 0; page < arena_pages[0]; page++)
		rd(tlb, images[0], page);
	kv_tlb_flush_nonglobal(tlb);
	kv_tlb_flush_range(tlb, 0, BASE, arena_pages[1]);
	for (unsigned page = 0; page < arena_pages[1]; page++)
		ck_assert_int_eq(rd(tlb, images[1], page), KV_TLB_MISS);
	for (unsigned page = arena_pages[1]; page < arena_pages[0]; page++) {
		ck_assert_int_eq(kv_tlb_touch(tlb, images[1], 0,
				     BASE + page * PAGE, false, &stale),
		    KV_TLB_STALE);
		ck_assert_int_eq(stale, KV_STALE_FRAME);
	}
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(images[0]);
	kv_pmap_destroy(images[1]);
}
END_TEST

/* ---- Stale entries --------------------------------------------------- */

static enum kv_tlb_stale
stale_after(unsigned before, unsigned after, kv_pa_t pa)
{
	struct kv_tlb *tlb = new_tlb(1, 0, 0, false);
	struct kv_pmap *pmap = new_pmap("amd64");
	enum kv_tlb_stale stale = (enum kv_tlb_stale)99;

	map(pmap, BASE, FRAMES, 1, before);
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_MISS);
	map(pmap, BASE, pa, 1, after);
	for (int i = 0; i < 2; i++) /* a stale touch keeps its entry */
		ck_assert_int_eq(kv_tlb_touch(tlb, pmap, 0, BASE, true, &stale),
		    KV_TLB_STALE);
	ck_assert_uint_eq(kv_tlb_stats(tlb).stale, 2);
	kv_tlb_flush_page(tlb, 0, BASE + 123);
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_MISS);
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_HIT);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(pmap);
	return stale;
}

START_TEST(test_stale_classes)
{
	const unsigned w = KV_PTE_W, x = KV_PTE_X, u = KV_PTE_U;

	ck_assert_int_eq(stale_after(w, w, 2 * FRAMES), KV_STALE_FRAME);
	ck_assert_int_eq(stale_after(w, 0, 2 * FRAMES), KV_STALE_FRAME);
	ck_assert_int_eq(stale_after(w, 0, FRAMES), KV_STALE_PERMISSIVE);
	ck_assert_int_eq(stale_after(x, 0, FRAMES), KV_STALE_PERMISSIVE);
	ck_assert_int_eq(stale_after(u, 0, FRAMES), KV_STALE_PERMISSIVE);
	ck_assert_int_eq(stale_after(w, x, FRAMES), KV_STALE_PERMISSIVE);
	ck_assert_int_eq(stale_after(0, w, FRAMES), KV_STALE_RESTRICTIVE);
	ck_assert_int_eq(stale_after(0, x, FRAMES), KV_STALE_RESTRICTIVE);
}
END_TEST

/* An entry for a page that is gone answers; without one the walk does. */
START_TEST(test_unmapped)
{
	struct kv_tlb *tlb = new_tlb(1, 0, 0, false);
	struct kv_pmap *pmap = new_pmap("amd64");
	struct kv_tlb_stats s;

	map(pmap, BASE, FRAMES, 1, KV_PTE_W);
	rd(tlb, pmap, 0);
	unmap(pmap, BASE, 1);
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_STALE);
	kv_tlb_flush_page(tlb, 0, BASE);
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_FAULT);
	ck_assert_int_eq(
	    kv_tlb_touch(tlb, pmap, 0, UINT64_C(1) << 60, false, NULL),
	    KV_TLB_FAULT);
	s = kv_tlb_stats(tlb);
	ck_assert_uint_eq(s.misses, 3);
	ck_assert_uint_eq(s.faults, 2);
	ck_assert_uint_eq(s.entries, 0);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(pmap);
}
END_TEST

/* A page flushed is not the superpage demoted: its other pages stay cached. */
START_TEST(test_stale_superpage)
{
	struct kv_tlb *tlb = new_tlb(1, 0, 0, false);
	struct kv_pmap *pmap = new_pmap("amd64");
	uint64_t done;

	ck_assert_int_eq(
	    kv_pmap_enter_leaf(pmap, BASE, FRAMES, 1, 1, KV_PTE_W), 0);
	ck_assert_int_eq(rd(tlb, pmap, 7), KV_TLB_MISS);
	ck_assert_uint_eq(kv_tlb_stats(tlb).reach, UINT64_C(2) << 20);
	ck_assert_int_eq(kv_pmap_demote(pmap, BASE), 0);
	ck_assert_int_eq(rd(tlb, pmap, 8), KV_TLB_HIT); /* it says the same */
	ck_assert_int_eq(kv_pmap_remove(pmap, BASE, PAGE, &done), 0);
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_STALE);
	ck_assert_int_eq(rd(tlb, pmap, 511), KV_TLB_HIT);
	kv_tlb_flush_page(tlb, 0, BASE + 300 * PAGE);
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_FAULT);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(pmap);
}
END_TEST

/* ---- Tags, ranges ---------------------------------------------------- */

/* Tags keep spaces apart, a global entry is of all; flushes by tag. */
START_TEST(test_tags)
{
	struct kv_tlb *tlb = new_tlb(4, 0, 0, true);
	struct kv_pmap *pmap = new_pmap("amd64");

	map(pmap, BASE, FRAMES, 1, KV_PTE_W);
	map(pmap, BASE + PAGE, FRAMES + PAGE, 1, KV_PTE_W | KV_PTE_G);
	for (unsigned tag = 1; tag <= 2; tag++) {
		kv_tlb_touch(tlb, pmap, tag, BASE, false, NULL);
		kv_tlb_touch(tlb, pmap, tag, BASE + PAGE, false, NULL);
	}
	ck_assert_uint_eq(kv_tlb_stats(tlb).misses, 3);
	kv_tlb_flush_tag(tlb, 1);
	ck_assert_uint_eq(kv_tlb_stats(tlb).entries, 2);
	kv_tlb_flush_page(tlb, 1, BASE); /* of space 1: nothing there */
	ck_assert_uint_eq(kv_tlb_stats(tlb).entries, 2);
	kv_tlb_flush_page(tlb, 1, BASE + PAGE);
	ck_assert_uint_eq(kv_tlb_stats(tlb).entries, 1);
	ck_assert_uint_eq(kv_tlb_stats(tlb).page_flushes, 2);
	ck_assert_uint_eq(kv_tlb_stats(tlb).tag_flushes, 1);
	check(tlb);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(pmap);
}
END_TEST

/* Ranges that end at 2^64 or have no end. */
START_TEST(test_flush_edges)
{
	struct kv_tlb *tlb = new_tlb(1, 0, 0, false);
	struct kv_pmap *pmap = new_pmap("amd64");
	kv_va_t top = (kv_va_t)0 - 2 * PAGE;

	kv_tlb_flush_range(tlb, 0, 0, 3); /* before any touch */
	map(pmap, top, FRAMES, 2, KV_PTE_W);
	kv_tlb_touch(tlb, pmap, 0, top, false, NULL);
	kv_tlb_touch(tlb, pmap, 0, top + PAGE, false, NULL);
	kv_tlb_flush_range(tlb, 0, top, 0);
	ck_assert_uint_eq(kv_tlb_stats(tlb).entries, 2);
	kv_tlb_flush_range(tlb, 0, top + PAGE, 1);
	ck_assert_uint_eq(kv_tlb_stats(tlb).entries, 1);
	kv_tlb_touch(tlb, pmap, 0, top + PAGE, false, NULL);
	kv_tlb_flush_range(tlb, 0, top + 1, UINT64_MAX - 9);
	ck_assert_uint_eq(kv_tlb_stats(tlb).entries, 0);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(pmap);
}
END_TEST

/* ---- Coalescing ------------------------------------------------------ */

/* The fourth page of 16 KiB finds the others accessed: one entry. */
START_TEST(test_coalesce)
{
	struct kv_tlb *tlb = new_tlb(1, 0, 2, false);
	struct kv_pmap *pmap = new_pmap("amd64");

	map(pmap, BASE, FRAMES, 4, KV_PTE_W);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(rd(tlb, pmap, i), KV_TLB_MISS);
	ck_assert_uint_eq(kv_tlb_stats(tlb).entries, 3);
	ck_assert_int_eq(rd(tlb, pmap, 3), KV_TLB_MISS);
	ck_assert_uint_eq(kv_tlb_stats(tlb).entries, 1);
	ck_assert_uint_eq(kv_tlb_stats(tlb).reach, 4 * PAGE);
	ck_assert_uint_eq(kv_tlb_stats(tlb).coalesced, 1);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(rd(tlb, pmap, i), KV_TLB_HIT);
	/* one page is flushed: the entry goes; A is set everywhere by now */
	kv_tlb_flush_page(tlb, 0, BASE + PAGE);
	ck_assert_int_eq(rd(tlb, pmap, 3), KV_TLB_MISS);
	ck_assert_int_eq(rd(tlb, pmap, 0), KV_TLB_HIT);
	check(tlb);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(pmap);
}
END_TEST

/* What keeps four accessed pages apart; each a different reason. */
START_TEST(test_no_coalesce)
{
	static const struct {
		unsigned va, pa, n, odd_pa, odd_attr;
	} cases[] = {{1, 1, 3, 0, 0}, /* a page is missing */
	    {0, 1, 4, 0, 0},	      /* VA and PA not alike modulo 16 KiB */
	    {2, 2, 4, 0, 0},	      /* over two groups */
	    {0, 0, 4, 8, 0},	      /* the last frame is elsewhere */
	    {0, 0, 4, 0, KV_PTE_G}};  /* the last page differs */
	struct kv_tlb *tlb = new_tlb(1, 0, 2, false);
	struct kv_pmap *pmap = new_pmap("amd64");
	unsigned va = cases[_i].va, last = va + cases[_i].n - 1, i;
	kv_pa_t pa = FRAMES + cases[_i].pa * PAGE;

	map(pmap, BASE + va * PAGE, pa, cases[_i].n, KV_PTE_W | KV_PTE_A);
	if (cases[_i].odd_pa != 0 || cases[_i].odd_attr != 0)
		map(pmap, BASE + last * PAGE,
		    pa + (last - va + cases[_i].odd_pa) * PAGE, 1,
		    KV_PTE_W | KV_PTE_A | cases[_i].odd_attr);
	for (i = va; i <= last; i++)
		ck_assert_int_eq(rd(tlb, pmap, i), KV_TLB_MISS);
	ck_assert_uint_eq(kv_tlb_stats(tlb).coalesced, 0);
	ck_assert_uint_eq(kv_tlb_stats(tlb).entries, cases[_i].n);
	check(tlb);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(pmap);
}
END_TEST

/* A write sets M behind a clean entry; one of four PTEs stays clean. */
START_TEST(test_modified)
{
	struct kv_tlb *tlb = new_tlb(1, 0, 2, false);
	struct kv_pmap *pmap = new_pmap("amd64");
	struct kv_leaf leaf;

	map(pmap, BASE, FRAMES, 4, KV_PTE_W | KV_PTE_A);
	map(pmap, BASE + 4 * PAGE, FRAMES, 1, KV_PTE_A);
	rd(tlb, pmap, 0);
	for (unsigned i = 0; i < 2; i++) {
		kv_va_t va = BASE + i * PAGE;

		ck_assert_int_eq(
		    kv_tlb_touch(tlb, pmap, 0, va, true, NULL), KV_TLB_HIT);
		ck_assert_int_eq(kv_pmap_extract(pmap, va, &leaf), 0);
		ck_assert_uint_ne(leaf.attr & KV_PTE_M, 0);
	}
	ck_assert_int_eq(kv_pmap_extract(pmap, BASE + 2 * PAGE, &leaf), 0);
	ck_assert_uint_eq(leaf.attr & KV_PTE_M, 0);
	/* a write to a read-only page sets none */
	kv_tlb_touch(tlb, pmap, 0, BASE + 4 * PAGE, true, NULL);
	ck_assert_int_eq(kv_pmap_extract(pmap, BASE + 4 * PAGE, &leaf), 0);
	ck_assert_uint_eq(leaf.attr & KV_PTE_M, 0);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(pmap);
}
END_TEST

/* A contiguous group is one entry where the array knows groups, else one for
 * each of its pages. */
START_TEST(test_groups)
{
	struct kv_pmap *pmap = new_pmap("arm64-4k");
	struct kv_tlb_config cfg = {
	    .arrays = {{.sets = 4, .ways = 4, .levels = 1},
		{.sets = 4, .ways = 8, .levels = 1, .groups = 1}},
	    .narrays = 2};
	struct kv_tlb *tlb;
	struct kv_tlb_stats s;
	struct kv_leaf leaf;

	ck_assert_int_eq(kv_tlb_create(&cfg, &tlb), 0);
	for (unsigned i = 0; i < 16; i++)
		ck_assert_int_eq(kv_pmap_enter(pmap, BASE + i * PAGE,
				     FRAMES + i * PAGE, KV_PTE_W | KV_PTE_A, 1),
		    0);
	ck_assert_int_eq(kv_pmap_extract(pmap, BASE, &leaf), 0);
	ck_assert_uint_ne(leaf.attr & KV_PTE_CONTIG, 0);
	ck_assert_int_eq(rd(tlb, pmap, 5), KV_TLB_MISS);
	for (unsigned i = 0; i < 16; i++)
		ck_assert_int_eq(rd(tlb, pmap, i), KV_TLB_HIT);
	s = kv_tlb_stats(tlb);
	ck_assert_uint_eq(s.array[0].entries, 16);
	ck_assert_uint_eq(s.array[1].entries, 1);
	ck_assert_uint_eq(s.entries, 1);
	ck_assert_uint_eq(s.reach, 16 * PAGE);
	check(tlb);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(pmap);
}
END_TEST

/* ---- Create ---------------------------------------------------------- */

START_TEST(test_presets)
{
	size_t n, i, k;
	const struct kv_tlb_config *table = kv_tlb_table(&n);

	for (i = 0; i < n; i++) {
		struct kv_tlb *tlb;

		ck_assert_int_eq(kv_tlb_create(&table[i], &tlb), 0);
		ck_assert_str_eq(kv_tlb_config(tlb)->name, table[i].name);
		kv_tlb_destroy(tlb);
		ck_assert_uint_gt(strlen(table[i].about), 20);
		ck_assert_ptr_eq(kv_tlb_find(table[i].name), &table[i]);
		for (k = 0; k < table[i].narrays; k++) {
			ck_assert_ptr_nonnull(table[i].arrays[k].name);
			ck_assert_uint_ne(table[i].arrays[k].levels, 0);
		}
	}
	ck_assert_uint_gt(n, 3);
	ck_assert_ptr_null(kv_tlb_find("vax"));
}
END_TEST

START_TEST(test_refused)
{
	struct kv_tlb_config good = {
	    .arrays = {{.sets = 4, .ways = 4, .levels = 1}}, .narrays = 1};
	struct kv_tlb_config bad[5] = {good, good, good, good, good};
	struct kv_tlb *tlb = NULL;

	bad[0].narrays = 0;
	bad[1].narrays = KV_TLB_ARRAYS_MAX + 1;
	bad[2].arrays[0].sets = 3;
	bad[3].arrays[0].sets = 0;
	bad[4].coalesce = KV_TLB_COALESCE_MAX + 1;
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(kv_tlb_create(&bad[i], &tlb), EINVAL);
		ck_assert_ptr_null(tlb);
	}
}
END_TEST

/* ---- Check ----------------------------------------------------------- */

/* What the check must find, one fault each; two pages in two sets. */
static void
spoil(struct kv_tlb *tlb, int how)
{
	struct kv_tlba *a = &tlb->arrays[0];
	struct kv_tlbe *e = &a->entries[0];
	int set;

	switch (how) {
	case 0: /* I1: sets swapped */
		set = a->sets[0];
		a->sets[0] = a->sets[1];
		a->sets[1] = set;
		break;
	case 1: /* I2 */
		a->cfg.ways = 1;
		break;
	case 2: /* I2 */
		a->count++;
		break;
	case 3: /* I3: the entry of page 2 becomes one of page 0 */
		a->entries[2].va = e->va;
		break;
	case 4: /* I4 */
		e->pa += 8;
		break;
	case 5: /* I4 */
		a->cfg.levels = 2;
		break;
	case 6: /* I5 */
		tlb->stats.hits++;
		break;
	default: /* I5 */
		tlb->stats.stale++;
	}
}

START_TEST(test_check)
{
	static const unsigned number[] = {1, 2, 2, 3, 4, 4, 5, 5};
	struct kv_tlb *tlb = new_tlb(2, 2, 0, false);
	struct kv_pmap *pmap = new_pmap("amd64");
	struct kv_diag diag = {.text = "?"};

	map(pmap, BASE, FRAMES, 3, KV_PTE_W);
	for (unsigned i = 0; i < 3; i++)
		rd(tlb, pmap, i);
	ck_assert_int_eq(kv_tlb_check(tlb, &diag), 0);
	spoil(tlb, _i);
	ck_assert_int_eq(kv_tlb_check(tlb, &diag), EFAULT);
	ck_assert_str_eq(diag.module, "tlb");
	ck_assert_uint_eq(diag.invariant, number[_i]);
	kv_tlb_destroy(tlb);
	kv_pmap_destroy(pmap);
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof((list)[0]))

int
main(void)
{
	Suite *suite = suite_create("tlb");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, test_global, 0, COUNT(runs));
	tcase_add_test(tc, test_flush_of_the_next);
	tcase_add_test(tc, test_stale_classes);
	tcase_add_test(tc, test_unmapped);
	tcase_add_test(tc, test_stale_superpage);
	tcase_add_test(tc, test_tags);
	tcase_add_test(tc, test_flush_edges);
	tcase_add_test(tc, test_coalesce);
	tcase_add_loop_test(tc, test_no_coalesce, 0, 5);
	tcase_add_test(tc, test_modified);
	tcase_add_test(tc, test_groups);
	tcase_add_test(tc, test_presets);
	tcase_add_test(tc, test_refused);
	tcase_add_loop_test(tc, test_check, 0, 8);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
