/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_capture.c - our figures for the state of a real kernel */
#include "run/measure_capture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "out/mem.h"
#include "run/frag.h"
#include "run/measure_free.h"
#include "run/measure_map.h"

enum { NAME_SIZE = 200 };

static struct kv_metrics *
zone_add(struct kv_captured *r, const char *name)
{
	r->zones = kv_mem_resize(r->zones, r->count + 1, sizeof(*r->zones));
	r->zones[r->count] =
	    (struct kv_captured_zone){.name = kv_mem_text(name)};
	return &r->zones[r->count++].metrics;
}

static void
put(struct kv_metrics *m, const char *name, uint64_t value)
{
	kv_metrics_put_uint(m, KV_METRIC_COUNT, name, value);
}

/* ---- Free memory ----------------------------------------------------- */

/* Whether free blocks lie side by side is not known, nor what is not free. */
static void
measure_blocks(const uint64_t *blocks, unsigned norders,
    const struct kv_machine *machine, struct kv_metrics *m)
{
	struct kv_free_memory f = {.blocks = blocks,
	    .norders = norders,
	    .huge_order = machine->pt_shift,
	    .free_huge = kv_frag_usable(blocks, norders, machine->pt_shift)};

	kv_measure_free(&f, m);
}

/* The lists [from, to) of one domain, together. */
static void
measure_domain(const struct kv_capture *c, size_t from, size_t to,
    const struct kv_machine *machine, struct kv_captured *r)
{
	uint64_t blocks[KV_CAPTURE_ORDERS] = {0};
	unsigned norders = 0, order;
	char name[NAME_SIZE];
	size_t i;

	for (i = from; i < to; i++) {
		const struct kv_capture_zone *z = &c->zones[i];

		norders = z->norders > norders ? z->norders : norders;
		for (order = 0; order < z->norders; order++)
			blocks[order] += z->blocks[order];
	}
	snprintf(name, sizeof(name), "domain%u", c->zones[from].domain);
	measure_blocks(blocks, norders, machine, zone_add(r, name));
}

static void
measure_zones(const struct kv_capture *c, const struct kv_machine *machine,
    struct kv_captured *r)
{
	size_t from = 0, i;

	for (i = 0; i < c->nzones; i++) {
		const struct kv_capture_zone *z = &c->zones[i];
		bool last = i + 1 == c->nzones || z[1].domain != z->domain;

		if (c->kind == KV_CAPTURE_BUDDYINFO || !last || i != from)
			measure_blocks(z->blocks, z->norders, machine,
			    zone_add(r, z->name));
		if (c->kind != KV_CAPTURE_BUDDYINFO && last)
			measure_domain(c, from, i + 1, machine, r);
		from = last ? i + 1 : from;
	}
}

static void
measure_queues(const struct kv_capture *c, const struct kv_machine *machine,
    struct kv_captured *r)
{
	uint64_t page = kv_machine_page_size(machine);
	bool levels = false;
	char name[NAME_SIZE];
	size_t i;

	for (i = 0; i < c->nqueues; i++)
		levels = levels || c->queues[i].level != -1;
	for (i = 0; i < c->nqueues; i++) {
		const struct kv_capture_queue *q = &c->queues[i];
		struct kv_metrics *m;

		snprintf(name, sizeof(name),
		    levels ? "domain%u.level%d" : "domain%u", q->domain,
		    q->level);
		m = zone_add(r, name);
		put(m, "reserv.partial", q->count);
		put(m, "reserv.unused_pages", q->unused_bytes / page);
	}
}

/* ---- Mappings -------------------------------------------------------- */

/* Windows of one page-table page, in order, by what is missing in them. */
struct holes {
	unsigned shift; /* log2 pages of a window */
	uint64_t window, missing, spoilt;
};

static void
missing_add(struct holes *h, uint64_t window, uint64_t npages)
{
	if (window != h->window) {
		h->spoilt += h->missing == 1;
		h->missing = 0;
	}
	h->window = window;
	h->missing += npages;
}

/* Nothing is mapped at pages [from, to). */
static void
gap_add(struct holes *h, uint64_t from, uint64_t to)
{
	uint64_t last = (to - 1) >> h->shift, first = from >> h->shift;

	if (from >= to)
		return;
	if (first == last) {
		missing_add(h, first, to - from);
		return;
	}
	missing_add(h, first, ((first + 1) << h->shift) - from);
	missing_add(h, last, to - (last << h->shift));
}

/* Superpages that fail by exactly one page; ranges [from, to). */
static uint64_t
spoiler_holes(const struct kv_capture_map *from,
    const struct kv_capture_map *to, const struct kv_machine *machine)
{
	struct holes h = {.shift = machine->pt_shift};
	uint64_t window = UINT64_C(1) << h.shift;
	uint64_t end = from->start >> machine->page_shift;

	end -= end % window;
	h.window = end >> h.shift;
	for (; from < to; from++) {
		gap_add(&h, end, from->start >> machine->page_shift);
		end = from->end >> machine->page_shift;
	}
	gap_add(&h, end, (end + window - 1) / window * window);
	missing_add(&h, UINT64_MAX, 0);
	return h.spoilt;
}

/* log2 pages of the leaves of a column. */
static unsigned
leaf_order(const struct kv_capture *c, const struct kv_machine *machine,
    unsigned column)
{
	if (column < 2)
		return (2 - column) * machine->pt_shift;
	return column + 1 < c->nleaves ? machine->contig_order : 0;
}

/* Pages under leaves of a superpage and more, and under all. */
static void
leaves_sum(const struct kv_capture *c, const struct kv_machine *machine,
    const struct kv_capture_map *map, uint64_t *promoted, uint64_t *all)
{
	unsigned column;

	*promoted = *all = 0;
	for (column = 0; column < c->nleaves; column++) {
		uint64_t pages = map->leaves[column]
				 << leaf_order(c, machine, column);

		*all += pages;
		*promoted += column < 2 ? pages : 0;
	}
}

static void
measure_leaves(const struct kv_capture *c, const struct kv_machine *machine,
    const struct kv_capture_map *from, const struct kv_capture_map *to,
    struct kv_captured *r, struct kv_metrics *m)
{
	uint64_t sums[KV_CAPTURE_LEVELS] = {0}, promoted = 0, pages = 0;
	unsigned column;
	char name[NAME_SIZE];

	for (; from < to; from++) {
		uint64_t huge, all;

		leaves_sum(c, machine, from, &huge, &all);
		r->uneven +=
		    all != (from->end - from->start) >> machine->page_shift;
		promoted += huge;
		pages += all;
		for (column = 0; column < c->nleaves; column++)
			sums[column] += from->leaves[column];
	}
	for (column = 0; column < c->nleaves; column++) {
		snprintf(name, sizeof(name), "pmap.leaves.o%u",
		    leaf_order(c, machine, column));
		put(m, name, sums[column]);
	}
	kv_metrics_put_ratio(m, "pmap.promoted_fraction",
	    pages == 0 ? 0 : (double)promoted / (double)pages);
}

static void
measure_section(const struct kv_capture *c, const struct kv_machine *machine,
    size_t section, struct kv_captured *r)
{
	const struct kv_capture_map *map = c->maps, *end = map + c->nmaps, *to;
	unsigned shift = machine->page_shift;
	struct kv_xlat x = {0};
	struct kv_metrics *m;

	while (map < end && map->section != section)
		map++;
	if (map == end)
		return; /* nothing is mapped there */
	m = zone_add(r, c->sections.list[section]);
	for (to = map; to < end && to->section == section; to++)
		kv_xlat_add(&x, &(struct kv_xlat_run){.vpn = to->start >> shift,
				    .npages = (to->end - to->start) >> shift,
				    .attr = to->attr});
	kv_measure_virtual(&x, m);
	measure_leaves(c, machine, map, to, r, m);
	put(m, "pmap.spoiler_holes", spoiler_holes(map, to, machine));
	kv_xlat_fini(&x);
}

/* ---- Arenas ---------------------------------------------------------- */

static void
measure_arena(const struct kv_capture *c, size_t i, struct kv_metrics *m)
{
	const struct kv_capture_arena *a = &c->arenas[i];
	const struct {
		const char *name;
		enum kv_metric_kind kind;
		uint64_t value;
	} rows[] = {{"vmem.%s.size", KV_METRIC_BYTES, a->total},
	    {"vmem.%s.inuse", KV_METRIC_BYTES, a->inuse},
	    {"vmem.%s.alloc", KV_METRIC_COUNT, a->succeed},
	    {"vmem.%s.fail", KV_METRIC_COUNT, a->fail}};
	char name[NAME_SIZE];
	size_t k;

	for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		snprintf(name, sizeof(name), rows[k].name, a->name);
		kv_metrics_put_uint(m, rows[k].kind, name, rows[k].value);
	}
	snprintf(name, sizeof(name), "vmem.%s.source", a->name);
	kv_metrics_put_text(
	    m, name, a->source < 0 ? "" : c->arenas[a->source].name);
}

/* ---- All ------------------------------------------------------------- */

void
kv_capture_measure(const struct kv_capture *c, const struct kv_machine *machine,
    struct kv_captured *result)
{
	struct kv_metrics *m;
	size_t i;

	*result = (struct kv_captured){0};
	measure_zones(c, machine, result);
	measure_queues(c, machine, result);
	for (i = 0; i < c->sections.count; i++)
		measure_section(c, machine, i, result);
	if (c->narenas != 0) {
		m = zone_add(result, "all");
		for (i = 0; i < c->narenas; i++)
			measure_arena(c, i, m);
	}
	for (i = 0; i < result->count; i++)
		kv_metrics_sort(&result->zones[i].metrics);
}

void
kv_captured_fini(struct kv_captured *r)
{
	size_t i;

	for (i = 0; i < r->count; i++) {
		kv_mem_free(r->zones[i].name);
		kv_metrics_fini(&r->zones[i].metrics);
	}
	kv_mem_free(r->zones);
	*r = (struct kv_captured){0};
}
