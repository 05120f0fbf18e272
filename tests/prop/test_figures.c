/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_figures.c - every formula of metrics.md against a brute-force twin
 *
 * The twins know pages alone: they lay free blocks and mappings out page by
 * page and count.  KV_SEED replaces the seed of the first case.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvtest.h"
#include "run/frag.h"
#include "run/free_map.h"
#include "run/rng.h"
#include "run/usage.h"
#include "run/xlat.h"

enum { CASES = KV_TEST_CASES(300), ORDERS = 11, VPAGES = 1200, INSTANTS = 200 };

static struct kv_rng rng;

static void
start(int i)
{
	const char *seed = getenv("KV_SEED");
	uint64_t first = seed != NULL ? strtoull(seed, NULL, 0) : 12345;

	rng = kv_rng_stream(first + (uint64_t)i, "figures");
	printf("seed %llu\n", (unsigned long long)first + (unsigned)i);
}

static uint64_t
below(uint64_t n)
{
	return kv_rng_below(&rng, (size_t)n);
}

/* a/b to within rounding */
static bool
near(double a, double b)
{
	double d = a > b ? a - b : b - a, size = b < 0 ? -b : b;

	return d <= 1e-9 * (size > 1 ? size : 1);
}

/* ---- Free blocks ------------------------------------------------------ */

/* One entry a free block: its pages. */
struct heap {
	uint64_t size[4096];
	size_t count;
};

static void
heap_draw(struct heap *h, uint64_t *blocks)
{
	unsigned order;
	uint64_t n;

	h->count = 0;
	for (order = 0; order < ORDERS; order++) {
		n = below(3) == 0 ? 0 : below(order == 0 ? 2000 : 100);
		blocks[order] = n;
		while (n-- != 0)
			h->size[h->count++] = UINT64_C(1) << order;
	}
}

static uint64_t
heap_pages(const struct heap *h)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < h->count; i++)
		sum += h->size[i];
	return sum;
}

/* Requests of npages that succeed, one after the other. */
static uint64_t
heap_takes(const struct heap *h, uint64_t npages)
{
	uint64_t sum = 0, left;
	size_t i;

	for (i = 0; i < h->count; i++)
		for (left = h->size[i]; left >= npages; left -= npages)
			sum++;
	return sum;
}

/* 1000 - (add + 1000 pages / npages) / count, long division by subtraction
 * where the real thing shifts and divides */
static int64_t
heap_index(const struct heap *h, uint64_t npages, uint64_t add)
{
	uint64_t thousands = 0, left = heap_pages(h) * 1000, quotient = 0;

	while (left >= npages) {
		uint64_t step = npages;

		while (step * 2 <= left)
			step *= 2;
		left -= step;
		thousands += step / npages;
	}
	for (left = thousands + add; left >= h->count; left -= h->count)
		quotient++;
	return 1000 - (int64_t)quotient;
}

START_TEST(test_free_blocks)
{
	uint64_t blocks[ORDERS], pages, takes, npages;
	struct heap h;
	unsigned order;

	start(_i);
	heap_draw(&h, blocks);
	pages = heap_pages(&h);
	ck_assert_uint_eq(kv_frag_pages(blocks, ORDERS), pages);
	ck_assert_uint_eq(kv_frag_blocks(blocks, ORDERS), h.count);
	if (h.count == 0)
		return;
	for (order = 0; order < ORDERS; order++) {
		npages = UINT64_C(1) << order;
		takes = heap_takes(&h, npages);
		ck_assert_uint_eq(kv_frag_usable(blocks, ORDERS, order), takes);
		ck_assert_uint_eq(kv_frag_unusable(blocks, ORDERS, order),
		    (pages - takes * npages) * 1000 / pages);
		ck_assert_uint_eq(kv_frag_percent(blocks, ORDERS, order),
		    (pages - takes * npages) * 100 / pages);
		ck_assert_int_eq(kv_frag_index(blocks, ORDERS, order),
		    takes != 0 ? -1000 : heap_index(&h, npages, 1000));
		ck_assert_int_eq(kv_frag_fmfi(blocks, ORDERS, order),
		    heap_index(&h, npages, 0));
	}
}
END_TEST

/* ---- Mappings --------------------------------------------------------- */

struct page {
	bool mapped;
	uint64_t pfn;
	unsigned attr;
};

/* A window of VA at first; what is mapped there, page by page. */
struct space {
	uint64_t first;
	struct page page[VPAGES];
	uint64_t mapped;
};

static void
space_draw(struct space *s, struct kv_xlat *x)
{
	uint64_t v = 0, offset[3], n, i;

	memset(s, 0, sizeof(*s));
	s->first = below(1 << 20);
	for (i = 0; i < 3; i++)
		offset[i] = below(2) != 0 ? 512 * below(100) : below(100000);
	while (v < VPAGES) {
		struct kv_xlat_run run = {
		    .vpn = s->first + v, .attr = (unsigned)(below(10) == 0)};

		run.pfn = run.vpn +
			  (below(3) != 0 ? offset[below(3)] : below(100000));
		n = 1 + below(below(4) == 0 ? 600 : 12);
		if (n > VPAGES - v)
			n = VPAGES - v;
		run.npages = n;
		kv_xlat_add(x, &run);
		for (i = 0; i < n; i++, v++)
			s->page[v] = (struct page){true, run.pfn + i, run.attr};
		s->mapped += n;
		v += below(3); /* a guard or two, or none */
	}
}

/* Does page v continue page v - 1? */
static bool
joins(const struct space *s, size_t v, bool pa_too)
{
	const struct page *a, *b = &s->page[v];

	if (v == 0)
		return false;
	a = &s->page[v - 1];
	return a->mapped && b->mapped && a->attr == b->attr &&
	       (!pa_too || b->pfn == a->pfn + 1);
}

/* Entries as a list of lengths. */
struct entries {
	uint64_t size[VPAGES];
	size_t count;
};

static void
entries_range(const struct space *s, bool pa_too, struct entries *e)
{
	size_t v;

	for (v = 0; v < VPAGES; v++)
		if (joins(s, v, pa_too))
			e->size[e->count - 1]++;
		else if (s->page[v].mapped)
			e->size[e->count++] = 1;
}

/* A page at an anchor opens an entry; others join one that an anchor opened
 * and nothing ended, or stand alone. */
static void
entries_anchor(const struct space *s, uint64_t distance, struct entries *e)
{
	bool anchored = false;
	size_t v;

	for (v = 0; v < VPAGES; v++) {
		bool anchor = (s->first + v) % distance == 0;

		if (!s->page[v].mapped) {
			anchored = false;
		} else if (!anchor && anchored && joins(s, v, true)) {
			e->size[e->count - 1]++;
		} else {
			e->size[e->count++] = 1;
			anchored = anchor;
		}
	}
}

static void
entries_spot(const struct space *s, struct entries *e)
{
	bool done[VPAGES] = {false};
	size_t v, u;

	for (v = 0; v < VPAGES; v++) {
		if (!s->page[v].mapped || done[v])
			continue;
		e->size[e->count++] = 0;
		for (u = v; u < VPAGES; u++) {
			if (!s->page[u].mapped ||
			    s->page[u].pfn - u != s->page[v].pfn - v)
				continue;
			done[u] = true;
			e->size[e->count - 1]++;
		}
	}
}

static int
longest_first(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x < *y) - (*x > *y);
}

static void
check_needed(const struct entries *e, uint64_t pages,
    const struct kv_lengths *l, unsigned percent)
{
	uint64_t sum = 0, n = 0, covered;

	while (sum * 100 < pages * percent)
		sum += e->size[n++];
	ck_assert_uint_eq(kv_lengths_needed(l, percent, &covered), n);
	ck_assert_uint_eq(covered, sum);
}

static void
check_entries(
    struct entries *e, const struct space *s, const struct kv_lengths *l)
{
	uint64_t sum = 0, k;
	double squares = 0;

	qsort(e->size, e->count, sizeof(e->size[0]), longest_first);
	ck_assert_uint_eq(l->runs, e->count);
	ck_assert_uint_eq(l->pages, s->mapped);
	check_needed(e, s->mapped, l, 80);
	check_needed(e, s->mapped, l, 90);
	check_needed(e, s->mapped, l, 99);
	for (k = 0; k < e->count; k++) {
		ck_assert_uint_eq(kv_lengths_cover(l, k), sum);
		sum += e->size[k];
		squares += (double)(e->size[k] * e->size[k]);
	}
	ck_assert_uint_eq(kv_lengths_cover(l, k), sum);
	ck_assert_uint_eq(kv_lengths_cover(l, k + 1000), sum);
	ck_assert(near(kv_lengths_weighted(l), squares / (double)s->mapped));
	for (k = 1; k < 700; k += 1 + k / 4) {
		size_t i;

		sum = 0;
		for (i = 0; i < e->count; i++)
			sum += e->size[i] <= k ? e->size[i] : 0;
		ck_assert_uint_eq(kv_lengths_upto(l, k), sum);
	}
}

/* Pages of the space in whole groups of n, each tried on its own. */
static uint64_t
coalescable(const struct space *s, uint64_t n)
{
	uint64_t pages = 0, v, i;

	for (v = 0; v + n <= VPAGES; v++) {
		if ((s->first + v) % n != 0 || !s->page[v].mapped ||
		    s->page[v].pfn % n != 0)
			continue;
		for (i = 1; i < n && joins(s, v + i, true); i++)
			;
		pages += i == n ? n : 0;
	}
	return pages;
}

START_TEST(test_mappings)
{
	static struct space s;
	struct kv_xlat x = {0};
	struct kv_lengths l;
	unsigned family, order, best = 1;
	uint64_t n, least = UINT64_MAX;

	start(_i);
	space_draw(&s, &x);
	for (n = 1; n <= 512; n *= 2)
		ck_assert_uint_eq(
		    kv_xlat_coalescable(&x, n), coalescable(&s, n));
	for (order = 1; order <= 16; order++) {
		struct entries e = {.count = 0};

		entries_anchor(&s, UINT64_C(1) << order, &e);
		if (e.count < least) {
			least = e.count;
			best = order;
		}
		kv_xlat_lengths(&x, KV_XLAT_ANCHOR, order, &l);
		check_entries(&e, &s, &l);
		kv_lengths_fini(&l);
	}
	ck_assert_uint_eq(kv_xlat_anchor(&x), best);
	for (family = 0; family < KV_XLAT_FAMILIES; family++) {
		struct entries e = {.count = 0};

		if (family == KV_XLAT_ANCHOR)
			continue;
		if (family == KV_XLAT_SPOT)
			entries_spot(&s, &e);
		else
			entries_range(&s, family == KV_XLAT_RANGE, &e);
		kv_xlat_lengths(&x, (enum kv_xlat_family)family, 0, &l);
		check_entries(&e, &s, &l);
		kv_lengths_fini(&l);
	}
	kv_xlat_fini(&x);
}
END_TEST

/* ---- Free map --------------------------------------------------------- */

static void
check_map(const struct kv_phys *phys, const struct kv_free_map *map,
    kv_pfn_t start_pfn, kv_pfn_t end)
{
	uint64_t npages = UINT64_C(1) << map->order, whole = 0, run = 0;
	uint64_t largest = 0, here = 0;
	struct kv_phys_block block;
	kv_pfn_t pfn;

	for (pfn = start_pfn; pfn < end; pfn++) {
		bool is_free =
		    kv_phys_whatis(phys, pfn, &block) == KV_PHYS_FREE;

		here += is_free;
		run = is_free ? run + 1 : 0;
		largest = run > largest ? run : largest;
		if ((pfn + 1) % npages != 0 && pfn + 1 != end)
			continue;
		ck_assert_uint_eq(
		    map->pages[(pfn >> map->order) - map->first], here);
		whole += here == npages;
		here = 0;
	}
	ck_assert_uint_eq(map->whole, whole);
	ck_assert_uint_eq(map->largest, largest);
}

START_TEST(test_free_map)
{
	const struct kv_machine *machine = kv_machine_find("amd64");
	unsigned shift = machine->page_shift;
	struct kv_phys_range ranges[] = {
	    {(0x1000 + below(4) * 128) << shift, (kv_pa_t)0x3100 << shift, 0},
	    {(kv_pa_t)0x3180 << shift, (0x4000 + below(700)) << shift, 0}};
	struct kv_free_map map = {.order = 9};
	struct kv_phys_config cfg = {
	    .machine = machine, .ranges = ranges, .nranges = 2, .ndomains = 1};
	struct kv_host host;
	struct kv_phys *phys;
	kv_pfn_t taken[600];
	unsigned order[600];
	size_t n = 0, i;

	start(_i);
	kv_host_default(&host);
	cfg.host = &host;
	ck_assert_int_eq(kv_phys_create(&cfg, &phys), 0);
	for (i = 0; i < 600; i++) {
		order[n] = (unsigned)below(8);
		if (kv_phys_alloc(
			phys, KV_PHYS_DEFAULT, order[n], 0, &taken[n]) == 0)
			n++;
	}
	for (i = 0; i < n; i++)
		if (below(2) == 0)
			ck_assert_int_eq(
			    kv_phys_free(phys, taken[i], order[i], NULL), 0);
	kv_free_map_take(phys, &map);
	check_map(phys, &map, ranges[0].start >> shift, ranges[1].end >> shift);
	kv_free_map_fini(&map);
	kv_phys_destroy(phys);
	kv_host_fini(&host);
}
END_TEST

/* ---- Used over live --------------------------------------------------- */

START_TEST(test_usage)
{
	uint64_t live[INSTANTS], used[INSTANTS];
	size_t i, n = 0, at_live = INSTANTS, at_used = INSTANTS;
	struct kv_usage u = {0};
	struct kv_usage_ratios r;
	double sum = 0;

	start(_i);
	for (i = 0; i < INSTANTS; i++) {
		live[i] = below(5) == 0 ? 0 : below(1000);
		used[i] = live[i] + below(500);
		kv_usage_add(&u, live[i], used[i]);
	}
	for (i = INSTANTS; i-- != 0;) {
		if (live[i] == 0)
			continue;
		n++;
		sum += (double)used[i] / (double)live[i];
		if (at_live == INSTANTS || live[i] >= live[at_live])
			at_live = i;
		if (at_used == INSTANTS || used[i] >= used[at_used])
			at_used = i;
	}
	r = kv_usage_ratios(&u);
	ck_assert_uint_eq(u.instants, n);
	ck_assert(near(r.average, sum / (double)n));
	ck_assert(
	    near(r.at_max_live, (double)used[at_live] / (double)live[at_live]));
	ck_assert(
	    near(r.at_max_used, (double)used[at_used] / (double)live[at_used]));
	ck_assert(near(r.max_used_over_max_live,
	    (double)used[at_used] / (double)live[at_live]));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("figures");
	TCase *t = tcase_create("figures");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, test_free_blocks, 0, CASES);
	tcase_add_loop_test(t, test_mappings, 0, CASES);
	tcase_add_loop_test(t, test_free_map, 0, 20);
	tcase_add_loop_test(t, test_usage, 0, CASES);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
