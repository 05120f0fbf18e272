/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xlat.c - translation runs: how few entries would map what is mapped
 *
 * Entries are counted by length, not listed: cutting a run of 2^28 pages at
 * every second page makes one row, so that no family costs more than one sort
 * of the runs.
 */
#include "run/xlat.h"

#include <stdbool.h>
#include <stdlib.h>

#include "out/mem.h"
#include "run/sort.h"

enum { ANCHOR_ORDER_MAX = 16 };

/* ---- Runs ------------------------------------------------------------ */

static bool
continues(const struct kv_xlat_run *a, const struct kv_xlat_run *b, bool pa_too)
{
	return b->vpn == a->vpn + a->npages && b->attr == a->attr &&
	       (!pa_too || b->pfn == a->pfn + a->npages);
}

void
kv_xlat_add(struct kv_xlat *x, const struct kv_xlat_run *run)
{
	if (run->npages == 0)
		return;
	if (x->count != 0 && continues(&x->list[x->count - 1], run, true)) {
		x->list[x->count - 1].npages += run->npages;
		return;
	}
	if (x->count == x->capacity) {
		x->capacity = x->capacity == 0 ? 64 : 2 * x->capacity;
		x->list = kv_mem_resize(x->list, x->capacity, sizeof(*x->list));
	}
	x->list[x->count++] = *run;
}

void
kv_xlat_fini(struct kv_xlat *x)
{
	kv_mem_free(x->list);
	*x = (struct kv_xlat){0};
}

uint64_t
kv_xlat_coalescable(const struct kv_xlat *x, uint64_t n)
{
	uint64_t pages = 0, head, left;
	size_t i;

	for (i = 0; i < x->count; i++) {
		const struct kv_xlat_run *r = &x->list[i];

		if (((r->vpn ^ r->pfn) & (n - 1)) != 0)
			continue;
		head = -r->vpn & (n - 1); /* up to the first boundary */
		left = r->npages > head ? r->npages - head : 0;
		pages += left - left % n;
	}
	return pages;
}

/* ---- Lengths --------------------------------------------------------- */

/* Rows in any order, which lengths_order then puts in order. */
struct rows {
	struct kv_length *list;
	size_t count, capacity;
};

static void
row_add(struct rows *r, uint64_t npages, uint64_t count)
{
	if (npages == 0 || count == 0)
		return;
	if (r->count == r->capacity) {
		r->capacity = r->capacity == 0 ? 64 : 2 * r->capacity;
		r->list = kv_mem_resize(r->list, r->capacity, sizeof(*r->list));
	}
	r->list[r->count++] = (struct kv_length){npages, count};
}

/* Longest first, one row a length. */
static void
lengths_order(struct rows *r, struct kv_lengths *l)
{
	struct kv_keyed *a = kv_mem_resize(NULL, r->count, sizeof(*a));
	size_t i;

	*l = (struct kv_lengths){
	    .list = kv_mem_resize(NULL, r->count, sizeof(*l->list))};
	for (i = 0; i < r->count; i++)
		a[i] = (struct kv_keyed){~r->list[i].npages, i};
	kv_keyed_sort(a, r->count);
	for (i = 0; i < r->count; i++) {
		const struct kv_length *row = &r->list[a[i].index];

		if (l->n != 0 && l->list[l->n - 1].npages == row->npages)
			l->list[l->n - 1].count += row->count;
		else
			l->list[l->n++] = *row;
		l->runs += row->count;
		l->pages += row->npages * row->count;
	}
	kv_mem_free(a);
	kv_mem_free(r->list);
}

static void
rows_range(const struct kv_xlat *x, struct rows *r)
{
	size_t i;

	for (i = 0; i < x->count; i++)
		row_add(r, x->list[i].npages, 1);
}

static void
rows_virtual(const struct kv_xlat *x, struct rows *r)
{
	uint64_t npages = 0;
	size_t i;

	for (i = 0; i < x->count; i++) {
		if (i != 0 && !continues(&x->list[i - 1], &x->list[i], false)) {
			row_add(r, npages, 1);
			npages = 0;
		}
		npages += x->list[i].npages;
	}
	row_add(r, npages, 1);
}

/* Pages of a run ahead of its first anchor. */
static uint64_t
anchor_head(const struct kv_xlat_run *run, unsigned order)
{
	uint64_t head = -run->vpn & ((UINT64_C(1) << order) - 1);

	return head < run->npages ? head : run->npages;
}

static void
rows_anchor(const struct kv_xlat *x, unsigned order, struct rows *r)
{
	uint64_t distance = UINT64_C(1) << order, whole = 0, ones = 0;
	size_t i;

	for (i = 0; i < x->count; i++) {
		uint64_t head = anchor_head(&x->list[i], order);
		uint64_t rest = x->list[i].npages - head;

		ones += head;
		whole += rest >> order;
		row_add(r, rest & (distance - 1), 1);
	}
	row_add(r, distance, whole);
	row_add(r, 1, ones);
}

static void
rows_spot(const struct kv_xlat *x, struct rows *r)
{
	struct kv_keyed *a = kv_mem_resize(NULL, x->count, sizeof(*a));
	uint64_t npages = 0;
	size_t i;

	for (i = 0; i < x->count; i++)
		a[i] = (struct kv_keyed){x->list[i].vpn - x->list[i].pfn, i};
	kv_keyed_sort(a, x->count);
	for (i = 0; i < x->count; i++) {
		if (i != 0 && a[i].key != a[i - 1].key) {
			row_add(r, npages, 1);
			npages = 0;
		}
		npages += x->list[a[i].index].npages;
	}
	row_add(r, npages, 1);
	kv_mem_free(a);
}

void
kv_xlat_lengths(const struct kv_xlat *x, enum kv_xlat_family family,
    unsigned anchor_order, struct kv_lengths *l)
{
	struct rows r = {0};

	switch (family) {
	case KV_XLAT_RANGE:
		rows_range(x, &r);
		break;
	case KV_XLAT_VIRTUAL:
		rows_virtual(x, &r);
		break;
	case KV_XLAT_ANCHOR:
		rows_anchor(x, anchor_order, &r);
		break;
	case KV_XLAT_SPOT:
		rows_spot(x, &r);
		break;
	}
	lengths_order(&r, l);
}

unsigned
kv_xlat_anchor(const struct kv_xlat *x)
{
	uint64_t least = UINT64_MAX;
	unsigned best = 1, order;
	size_t i;

	for (order = 1; order <= ANCHOR_ORDER_MAX; order++) {
		uint64_t distance = UINT64_C(1) << order, entries = 0;

		for (i = 0; i < x->count; i++) {
			uint64_t head = anchor_head(&x->list[i], order);
			uint64_t rest = x->list[i].npages - head;

			entries += head + (rest + distance - 1) / distance;
		}
		if (entries < least) {
			least = entries;
			best = order;
		}
	}
	return best;
}

void
kv_lengths_fini(struct kv_lengths *l)
{
	kv_mem_free(l->list);
	*l = (struct kv_lengths){0};
}

/* ---- Figures --------------------------------------------------------- */

/* ceil(pages * percent / 100) without overflow */
static uint64_t
share(uint64_t pages, unsigned percent)
{
	return pages / 100 * percent + (pages % 100 * percent + 99) / 100;
}

uint64_t
kv_lengths_needed(
    const struct kv_lengths *l, unsigned percent, uint64_t *covered)
{
	uint64_t want = share(l->pages, percent), runs = 0, take;
	size_t i;

	*covered = 0;
	for (i = 0; i < l->n && *covered < want; i++) {
		const struct kv_length *row = &l->list[i];

		take = (want - *covered + row->npages - 1) / row->npages;
		if (take > row->count)
			take = row->count;
		runs += take;
		*covered += take * row->npages;
	}
	return runs;
}

uint64_t
kv_lengths_cover(const struct kv_lengths *l, uint64_t k)
{
	uint64_t pages = 0, take;
	size_t i;

	for (i = 0; i < l->n && k != 0; i++) {
		take = l->list[i].count < k ? l->list[i].count : k;
		pages += take * l->list[i].npages;
		k -= take;
	}
	return pages;
}

uint64_t
kv_lengths_upto(const struct kv_lengths *l, uint64_t npages)
{
	uint64_t pages = 0;
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->list[i].npages <= npages)
			pages += l->list[i].npages * l->list[i].count;
	return pages;
}

double
kv_lengths_weighted(const struct kv_lengths *l)
{
	double squares = 0;
	size_t i;

	for (i = 0; i < l->n; i++)
		squares += (double)l->list[i].npages *
			   (double)l->list[i].npages * (double)l->list[i].count;
	return l->pages == 0 ? 0 : squares / (double)l->pages;
}
