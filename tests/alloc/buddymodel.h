/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddymodel.h - a slow model of physical memory, page by page, for tests
 *
 * Written from the numbered facts of spec phys.md and sharing nothing with
 * alloc/ but struct kv_machine: arrays over all pages, searches from end to
 * end, one page at a time.
 */
#ifndef KV_TEST_BUDDYMODEL_H
#define KV_TEST_BUDDYMODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/machine.h"

/* Whoever has small machines needs less. */
#ifndef KV_MODEL_PAGES
#define KV_MODEL_PAGES (1 << 16)
#define KV_MODEL_PINDEXES (1 << 13)
#endif

enum {
	MODEL_PAGES = KV_MODEL_PAGES, /* of memory */
	MODEL_DOMAINS = 2,
	MODEL_OBJECTS = 4,
	MODEL_PINDEXES = KV_MODEL_PINDEXES,
	MODEL_ORDERS = 16
};

/* A list of numbers, head first. */
struct model_list {
	int *v;
	int n;
};

struct model_object {
	bool colored, anon;
	uint64_t size;
	unsigned color;
	int frame[MODEL_PINDEXES]; /* -1: absent */
	struct model_list newest;  /* slots of its reservations */
};

struct model_reserv {
	bool active, queued;
	int object, first, popcnt;
	uint64_t lasttick;
	bool pop[MODEL_PINDEXES];
};

struct model {
	const struct kv_machine *m;
	int n;			  /* pages of a reservation */
	int segment[MODEL_PAGES]; /* -1: no memory */
	unsigned char domain[MODEL_PAGES], list[MODEL_PAGES];
	unsigned char pool[MODEL_PAGES];
	bool cut[MODEL_PAGES];		/* a range of memory begins here */
	signed char order[MODEL_PAGES]; /* of the free block it heads; -1 */
	unsigned nlists, ndomains;
	struct model_list queue[MODEL_DOMAINS][3][2][MODEL_ORDERS];
	struct model_list partial[MODEL_DOMAINS]; /* slots */
	long free[MODEL_DOMAINS], limit[MODEL_DOMAINS];
	struct model_reserv *slot; /* one each n pages */
	struct model_object object[MODEL_OBJECTS];
	uint64_t now, broken, freed, reclaimed;
};

/* ---- Lists ------------------------------------------------------------- */

static inline void
model_put(struct model_list *l, int value, bool tail)
{
	l->v = realloc(l->v, (size_t)(l->n + 1) * sizeof(*l->v));
	if (!tail)
		memmove(l->v + 1, l->v, (size_t)l->n * sizeof(*l->v));
	l->v[tail ? l->n : 0] = value;
	l->n++;
}

static inline void
model_drop(struct model_list *l, int value)
{
	int i = 0;

	while (l->v[i] != value)
		i++;
	memmove(l->v + i, l->v + i + 1, (size_t)(l->n - i - 1) * sizeof(*l->v));
	l->n--;
}

/* ---- Blocks (facts 1-14) --------------------------------------------------
 */

static inline struct model_list *
model_queue(struct model *md, int page, int pool, int order)
{
	return &md->queue[md->domain[page]][md->list[page]][pool][order];
}

static inline void
model_insert(struct model *md, int page, int order, int pool, bool tail)
{
	memset(md->pool + page, pool, (size_t)1 << order);
	md->order[page] = (signed char)order;
	model_put(model_queue(md, page, pool, order), page, tail);
}

static inline void
model_remove(struct model *md, int page)
{
	int order = md->order[page];

	model_drop(model_queue(md, page, md->pool[page], order), page);
	md->order[page] = -1;
}

/* Naturally aligned blocks, ascending; pool -1: that of each block's head. */
static inline void
model_enqueue(struct model *md, int page, int end, int pool, bool tail)
{
	while (page < end) {
		int o = (int)md->m->max_order;

		while (page % (1 << o) != 0 || page + (1 << o) > end)
			o--;
		model_insert(
		    md, page, o, pool < 0 ? md->pool[page] : pool, tail);
		page += 1 << o;
	}
}

static inline void
model_split(struct model *md, int page, int from, int order)
{
	while (from-- > order)
		model_insert(
		    md, page + (1 << from), from, md->pool[page], true);
}

/* Fact 7.  => page or -1 */
static inline int
model_take(struct model *md, unsigned domain, int pool, int order)
{
	int max = (int)md->m->max_order;

	for (unsigned l = 0; l < md->nlists; l++) {
		int page = -1, from = 0;

		for (int o = order; page < 0 && o <= max; o++)
			if (md->queue[domain][l][pool][o].n != 0) {
				page = md->queue[domain][l][pool][o].v[0];
				from = o;
			}
		for (int o = max; page < 0 && o >= order; o--)
			for (int p = 0; page < 0 && p < 2; p++)
				if (md->queue[domain][l][p][o].n != 0) {
					page = md->queue[domain][l][p][o].v[0];
					from = o;
				}
		if (page < 0)
			continue;
		model_remove(md, page);
		memset(md->pool + page, pool, (size_t)1 << from);
		model_split(md, page, from, order);
		return page;
	}
	return -1;
}

/* Fact 9. */
static inline void
model_give(struct model *md, int page, int order)
{
	int pool = md->pool[page];

	while (order < (int)md->m->max_order) {
		int buddy = page ^ (1 << order);

		if (buddy >= MODEL_PAGES ||
		    md->segment[buddy] != md->segment[page] ||
		    md->order[buddy] != order)
			break;
		model_remove(md, buddy);
		page = page < buddy ? page : buddy;
		order++;
	}
	model_insert(md, page, order, pool, true);
}

/* The free block that holds a page, or -1. */
static inline int
model_holder(const struct model *md, int page)
{
	for (int o = 0; o <= (int)md->m->max_order; o++)
		if (md->order[page >> o << o] == o)
			return page >> o << o;
	return -1;
}

/* Fact 10. */
static inline void
model_free_run(struct model *md, int start, int end)
{
	int most = 31 - __builtin_clz((unsigned)(start ^ end));
	int first = start, last = end;

	md->free[md->domain[start]] += end - start;
	if (most > (int)md->m->max_order)
		most = (int)md->m->max_order;
	if (start != 0 && __builtin_ctz((unsigned)start) < most)
		first += start & -start;
	if (__builtin_ctz((unsigned)end) < most)
		last -= end & -end;
	model_enqueue(md, first, last, -1, true);
	if (first != start)
		model_give(md, start, __builtin_ctz((unsigned)start));
	if (last != end)
		model_give(md, last, __builtin_ctz((unsigned)end));
}

/* Fact 11.  => how many */
static inline int
model_batch(struct model *md, int pool, int wanted, unsigned domain, int *v)
{
	int got = 0, max = (int)md->m->max_order;

	if (md->free[domain] - md->limit[domain] < wanted)
		return -1;
	for (unsigned l = 0; l < md->nlists; l++)
		for (int step = 0; step < 3 * (max + 1); step++) {
			/* own pool up, then both pools from the top down */
			int o = step <= max ? step : max - (step - max - 1) / 2;
			int p = step <= max ? pool : (step - max - 1) % 2;
			struct model_list *q = &md->queue[domain][l][p][o];

			while (got < wanted && q->n != 0) {
				int page = q->v[0], end = page + (1 << o);

				model_remove(md, page);
				memset(md->pool + page, pool, (size_t)1 << o);
				while (page < end && got < wanted)
					v[got++] = page++;
				model_enqueue(md, page, end, pool, true);
			}
		}
	md->free[domain] -= got;
	return got;
}

struct model_want {
	int n;
	uint64_t low, high, align, boundary;
};

static inline bool
model_suits(const struct model *md, const struct model_want *w, int page)
{
	uint64_t pa = (uint64_t)page << md->m->page_shift;
	uint64_t end = pa + ((uint64_t)w->n << md->m->page_shift);

	return pa >= w->low && end <= w->high && pa % w->align == 0 &&
	       (w->boundary == 0 ||
		   pa / w->boundary == (end - 1) / w->boundary);
}

/* Is a free block of the largest order at page, in the segment? */
static inline bool
model_largest(const struct model *md, int page, int segment)
{
	return page >= 0 && page < MODEL_PAGES &&
	       md->segment[page] == segment &&
	       md->order[page] == (int)md->m->max_order;
}

static inline int
model_find(
    struct model *md, const struct model_want *w, unsigned domain, unsigned l)
{
	int max = (int)md->m->max_order, block = 1 << max, least = 0;

	while (1 << least < w->n)
		least++;
	for (int o = least < max ? least : max; o <= max; o++)
		for (int p = 0; p < 2; p++)
			for (int i = 0; i < md->queue[domain][l][p][o].n; i++) {
				int page = md->queue[domain][l][p][o].v[i];
				int seg = md->segment[page], end = page;

				if (least <= max) {
					if (model_suits(md, w, page))
						return page;
					continue;
				}
				if (model_largest(md, page - block, seg))
					continue;
				while (model_largest(md, end, seg))
					end += block;
				for (; page + w->n <= end; page += block)
					if (model_suits(md, w, page))
						return page;
			}
	return -1;
}

/* Fact 12; the free count is the caller's.  => page or -1 */
static inline int
model_take_contig(struct model *md, const struct model_want *w, unsigned domain)
{
	unsigned searched = 99;

	for (int top = MODEL_PAGES - 1; top >= 0;) {
		int end = top, page, start, last;
		uint64_t low, high;

		if (md->segment[top] < 0) {
			top--;
			continue;
		}
		while (top >= 0 && md->segment[top] == md->segment[end])
			top--;
		if (md->domain[end] != domain || md->list[end] == searched)
			continue;
		low = (uint64_t)(top + 1) << md->m->page_shift;
		high = (uint64_t)(end + 1) << md->m->page_shift;
		low = low > w->low ? low : w->low;
		high = high < w->high ? high : w->high;
		if (low >= high ||
		    (high - low) >> md->m->page_shift < (uint64_t)w->n)
			continue;
		searched = md->list[end];
		page = model_find(md, w, domain, searched);
		if (page < 0)
			continue;
		start = page;
		for (last = page; last < start + w->n;) {
			int size = 1 << md->order[last];

			model_remove(md, last);
			memset(md->pool + last, 0, (size_t)size);
			last += size;
		}
		model_enqueue(md, start + w->n, last, 0, false);
		return start;
	}
	return -1;
}

/* Fact 13. */
static inline bool
model_unfree(struct model *md, int page)
{
	int head = model_holder(md, page), order, pool;

	if (head < 0)
		return false;
	order = md->order[head];
	pool = md->pool[head];
	model_remove(md, head);
	while (order-- > 0) {
		int upper = head + (1 << order);

		model_insert(
		    md, page >= upper ? head : upper, order, pool, false);
		if (page >= upper)
			head = upper;
	}
	md->free[md->domain[page]]--;
	return true;
}

static inline bool
model_charge(struct model *md, unsigned domain, long n)
{
	if (md->free[domain] < md->limit[domain] + n)
		return false;
	md->free[domain] -= n;
	return true;
}

/* ---- Machine --------------------------------------------------------------
 */

/* Set page's segment from what its neighbours and the lists say (2, 3). */
static inline void
model_boot(struct model *md, unsigned ndomains)
{
	uint64_t high = 0, above = 0;
	int seg = -1;

	for (int p = 0; p < MODEL_PAGES; p++) {
		uint64_t pa = (uint64_t)p << md->m->page_shift;

		if (md->segment[p] < 0)
			continue;
		high += pa >= md->m->lowmem_end;
		above += pa >= md->m->dma32_end;
	}
	md->ndomains = ndomains;
	for (int p = 0; p < MODEL_PAGES; p++) {
		uint64_t pa = (uint64_t)p << md->m->page_shift;
		bool dma32 =
		    md->m->dma32_end != 0 && above > md->m->dma32_pages;

		if (md->segment[p] < 0)
			continue;
		if (pa < md->m->lowmem_end)
			md->list[p] = (unsigned char)((high != 0) + dma32);
		else
			md->list[p] = dma32 && pa < md->m->dma32_end;
		if (md->list[p] + 1u > md->nlists)
			md->nlists = md->list[p] + 1u;
		if (p == 0 || md->segment[p - 1] < 0 ||
		    md->list[p] != md->list[p - 1] ||
		    md->domain[p] != md->domain[p - 1])
			seg++;
		md->segment[p] = seg;
		md->free[md->domain[p]]++;
	}
	for (int p = 0, end; p < MODEL_PAGES; p = end) {
		for (end = p + 1; end < MODEL_PAGES && !md->cut[end] &&
				  md->segment[end] == md->segment[p];
		     end++)
			;
		if (md->segment[p] >= 0)
			model_enqueue(md, p, end, 0, true);
	}
}

/* A machine without memory: set domain[], cut[] and segment[] >= 0, then boot.
 */
static inline struct model *
model_new(const struct kv_machine *m)
{
	struct model *md = calloc(1, sizeof(*md));

	md->m = m;
	md->n = 1 << m->reserv_order;
	md->now = 1;
	md->slot = calloc((size_t)(MODEL_PAGES / md->n), sizeof(*md->slot));
	memset(md->segment, -1, sizeof(md->segment));
	memset(md->order, -1, sizeof(md->order));
	for (int o = 0; o < MODEL_OBJECTS; o++)
		memset(md->object[o].frame, -1, sizeof(md->object[o].frame));
	return md;
}

static inline void
model_delete(struct model *md)
{
	for (size_t i = 0; i < sizeof(md->queue) / sizeof(struct model_list);
	     i++)
		free((&md->queue[0][0][0][0])[i].v);
	for (int d = 0; d < MODEL_DOMAINS; d++)
		free(md->partial[d].v);
	for (int o = 0; o < MODEL_OBJECTS; o++)
		free(md->object[o].newest.v);
	free(md->slot);
	free(md);
}

#endif
