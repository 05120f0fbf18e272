/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * measure.c - all figures of a world
 *
 * One pass over the live stacks in order of address, after one radix sort, so
 * that a million stacks take about as long to measure as to create.  The
 * definitions are those of spec metrics.md; the names those of metrics.def.
 */
#include <stdlib.h>
#include <string.h>

#include "out/emit.h"
#include "out/mem.h"
#include "run/frag.h"
#include "run/free_map.h"
#include "run/measure_domains.h"
#include "run/measure_free.h"
#include "run/measure_map.h"
#include "run/measure_pool.h"
#include "run/measure_space.h"
#include "run/measure_tlb.h"
#include "run/sort.h"
#include "run/world.h"

/* AMD Zen coalesces the translations of 16 KiB (freebsd.md 5). */
#define COALESCE_SIZE (UINT64_C(16) << 10)

static void
put(struct kv_metrics *m, const char *name, uint64_t value)
{
	kv_metrics_put_uint(m, KV_METRIC_COUNT, name, value);
}

static double
ratio(uint64_t a, uint64_t b)
{
	return b == 0 ? 0 : (double)a / (double)b;
}

/* ---- Caches ---------------------------------------------------------- */

static void
measure_caches(const struct kv_world *w, struct kv_metrics *m)
{
	struct kv_zone_stats stacks = {0}, pages = {0};

	if (w->stack_cache != NULL)
		stacks = kv_zone_stats(w->stack_cache);
	if (w->page_cache != NULL)
		pages = kv_pagecache_stats(w->page_cache);
	put(m, "kstack.cached", stacks.cached);
	if (w->stack_cache != NULL)
		kv_metrics_put_uint(m, KV_METRIC_BYTES, "kstack.cached_bytes",
		    stacks.cached * w->item_size);
	put(m, "kstack.cache_hits", stacks.hits);
	put(m, "kstack.cache_misses", stacks.misses);
	put(m, "kstack.cache_dropped", stacks.released);
	put(m, "kstack.cache_remote", stacks.cross);
	put(m, "phys.cached", pages.cached);
	put(m, "phys.cache_hits", pages.hits);
	put(m, "phys.cache_misses", pages.misses);
	put(m, "phys.lowmem", w->lowmem);
}

/* ---- Stacks and translation runs ------------------------------------- */

/* What one pass over the stacks collects. */
struct pass {
	const struct kv_world *w;
	uint64_t contiguous, pa16k, va16k, both; /* stacks */
	uint64_t guards;			 /* guard pages with a page */
	uint64_t slots;	 /* bytes of slots outside chunks */
	uint64_t leaves; /* page-table pages that map stacks */
	uint64_t leaf;	 /* the last of them: va >> leaf_shift */
	unsigned leaf_shift;
	struct kv_xlat xlat;
};

static void
leaf_add(struct pass *p, kv_va_t va)
{
	if (p->leaves != 0 && va >> p->leaf_shift == p->leaf)
		return;
	p->leaf = va >> p->leaf_shift;
	p->leaves++;
}

static void
stack_add(struct pass *p, const struct kv_stack *s)
{
	const struct kv_world_spec *spec = &p->w->spec;
	unsigned shift = spec->machine->page_shift;
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
	bool contiguous = true, va16k, pa16k;
	uint32_t i;

	p->guards += kv_world_guard_pages(p->w, s);
	if (spec->scheme == KV_KSTACK_OLD || s->npages != spec->npages)
		p->slots += (uint64_t)(s->npages + spec->gpages) << shift;
	leaf_add(p, s->ks);
	leaf_add(p, s->ks + ((uint64_t)(s->npages - 1) << shift));
	va16k = s->ks % COALESCE_SIZE == 0;
	p->va16k += va16k;
	if (kv_stack_pages(p->w->kstack, s, pfns) != 0)
		return; /* kv_world_check says so */
	for (i = 0; i < s->npages; i++) {
		kv_xlat_add(
		    &p->xlat, &(struct kv_xlat_run){.vpn = (s->ks >> shift) + i,
				  .pfn = pfns[i],
				  .npages = 1});
		contiguous = contiguous && pfns[i] == pfns[0] + i;
	}
	pa16k = contiguous && (pfns[0] << shift) % COALESCE_SIZE == 0;
	p->contiguous += contiguous;
	p->pa16k += pa16k;
	p->both += pa16k && va16k;
}

static void
pass_run(struct pass *p)
{
	size_t count = p->w->nstacks, i;
	struct kv_keyed *a = kv_mem_resize(NULL, count, sizeof(*a));

	for (i = 0; i < count; i++)
		a[i] = (struct kv_keyed){p->w->stacks[i].ks, i};
	kv_keyed_sort(a, count);
	for (i = 0; i < count; i++)
		stack_add(p, &p->w->stacks[a[i].index]);
	kv_mem_free(a);
}

/* ---- Chunks and their pattern ---------------------------------------- */

struct chunks {
	struct kv_kstack_chunk *list; /* by pindex */
	size_t count, capacity;
};

static int
chunk_add(void *arg, const struct kv_kstack_chunk *chunk)
{
	struct chunks *c = arg;

	if (c->count == c->capacity) {
		c->capacity = c->capacity == 0 ? 64 : 2 * c->capacity;
		c->list = kv_mem_resize(c->list, c->capacity, sizeof(*c->list));
	}
	c->list[c->count++] = *chunk;
	return 0;
}

struct reservs {
	struct kv_reserv_info *list; /* by pindex */
	size_t count, capacity;
};

static int
reserv_add(void *arg, const struct kv_reserv_info *info)
{
	struct reservs *r = arg;

	if (r->count == r->capacity) {
		r->capacity = r->capacity == 0 ? 64 : 2 * r->capacity;
		r->list = kv_mem_resize(r->list, r->capacity, sizeof(*r->list));
	}
	r->list[r->count++] = *info;
	return 0;
}

/* Letter of the pages [start, end) of a reservation, as if no others were in
 * use.  own has room for its map. */
static char
letter(const struct kv_reserv_info *info, uint64_t start, uint64_t end,
    uint64_t *own)
{
	unsigned word, bit;

	for (word = 0; word < info->npages / 64; word++) {
		own[word] = 0;
		for (bit = 0; bit < 64; bit++)
			if (word * 64 + bit >= start && word * 64 + bit < end)
				own[word] |= info->popmap[word] & UINT64_C(1)
								      << bit;
	}
	return kv_reserv_letter(own, info->npages);
}

/* The word of pindices [start, end): reservations from *first on. */
static void
word_add(struct kv_buf *b, const struct reservs *r, size_t *first,
    uint64_t start, uint64_t end, uint64_t *own)
{
	size_t before = b->size, i;

	while (*first < r->count &&
	       r->list[*first].pindex + r->list[*first].npages <= start)
		(*first)++;
	for (i = *first; i < r->count && r->list[i].pindex < end; i++) {
		const struct kv_reserv_info *info = &r->list[i];
		uint64_t from = start > info->pindex ? start - info->pindex : 0;
		uint64_t to = end - info->pindex;
		char c = letter(
		    info, from, to < info->npages ? to : info->npages, own);

		kv_buf_add(b, &c, 1);
	}
	if (b->size == before)
		kv_buf_add(b, "-", 1);
}

/*
 * A letter for each reservation that a chunk's pindices meet, judged by the
 * chunk's own pages in it; "-" for a chunk that meets none.  Linear scheme: one
 * word over all reservations.
 */
static void
measure_pattern(
    const struct kv_world *w, const struct chunks *c, struct kv_metrics *m)
{
	struct reservs r = {0};
	struct kv_buf b = {0};
	unsigned words = (1u << w->spec.machine->reserv_order) / 64;
	uint64_t *own = kv_mem_resize(NULL, words, sizeof(*own));
	size_t first = 0, i;

	kv_reserv_walk(w->reserv, kv_kstack_object(w->kstack), reserv_add, &r);
	if (w->spec.scheme == KV_KSTACK_OLD && w->nstacks != 0)
		word_add(&b, &r, &first, 0, UINT64_MAX, own);
	for (i = 0; i < c->count; i++) {
		const struct kv_kstack_chunk *chunk = &c->list[i];

		if (i != 0)
			kv_buf_add(&b, " ", 1);
		word_add(&b, &r, &first, chunk->pindex,
		    chunk->pindex + chunk->npindex, own);
	}
	kv_metrics_put_text(m, "kstack.pattern", b.size == 0 ? "" : b.data);
	kv_buf_fini(&b);
	kv_mem_free(r.list);
	kv_mem_free(own);
}

static int
by_pindex(const void *a, const void *b)
{
	const struct kv_kstack_chunk *x = a, *y = b;

	return (x->pindex > y->pindex) - (x->pindex < y->pindex);
}

/* => bytes that the chunks took from the domain arenas */
static uint64_t
measure_chunks(const struct kv_world *w, struct kv_metrics *m)
{
	struct chunks c = {0};
	uint64_t bytes = 0;
	size_t i;

	kv_kstack_walk_chunks(w->kstack, chunk_add, &c);
	if (c.count != 0)
		qsort(c.list, c.count, sizeof(*c.list), by_pindex);
	for (i = 0; i < c.count; i++)
		bytes += c.list[i].parent_size;
	put(m, "kstack.chunks", c.count);
	measure_pattern(w, &c, m);
	kv_mem_free(c.list);
	return bytes;
}

/* ---- The rest -------------------------------------------------------- */

static void
measure_stacks(const struct kv_world *w, struct kv_metrics *m)
{
	struct kv_kstack_stats stats = kv_kstack_stats(w->kstack);
	const struct kv_machine *machine = w->spec.machine;
	struct pass p = {
	    .w = w, .leaf_shift = machine->page_shift + machine->pt_shift};
	uint64_t chunks = measure_chunks(w, m);

	pass_run(&p);
	put(m, "guard.mapped", p.guards);
	put(m, "kstack.live", w->nstacks);
	if (w->swaps)
		put(m, "kstack.swapped", kv_kstack_stats(w->kstack).out);
	put(m, "kstack.created", stats.created);
	put(m, "kstack.failed", w->failed);
	put(m, "kstack.phys_contiguous", p.contiguous);
	put(m, "kstack.pa16k_aligned", p.pa16k);
	put(m, "kstack.va16k_aligned", p.va16k);
	put(m, "kstack.coalescable_16k", p.both);
	put(m, "kstack.arena_imports", stats.imports);
	put(m, "kstack.arena_releases", stats.releases);
	put(m, "kstack.wrong_domain", stats.wrong_domain);
	kv_metrics_put_uint(
	    m, KV_METRIC_BYTES, "kstack.kva_bytes", chunks + p.slots);
	kv_metrics_put_ratio(m, "kstack.pt_bytes_per_stack",
	    ratio(p.leaves << machine->page_shift, w->nstacks));
	kv_measure_map(&p.xlat, m);
	put(m, "kstack.pt_pages", p.leaves);
	kv_xlat_fini(&p.xlat);
}

static void
measure_reserv(const struct kv_world *w, struct kv_metrics *m)
{
	struct kv_reserv_stats s = kv_reserv_stats(w->reserv);

	put(m, "reserv.full", s.full);
	put(m, "reserv.partial", s.partial);
	put(m, "reserv.populated", s.populated);
	put(m, "reserv.unused_pages", s.unused_pages);
	put(m, "reserv.broken", s.broken);
	put(m, "reserv.freed", s.freed);
	put(m, "reserv.reclaimed", s.reclaimed);
	/* (populated + unused) / populated - 1 */
	kv_metrics_put_ratio(
	    m, "reserv.over_reservation", ratio(s.unused_pages, s.populated));
}

/* The highest score of a domain, each a node of one zone. */
static uint64_t
compaction_score(const struct kv_phys *phys)
{
	const struct kv_machine *machine = kv_phys_machine(phys);
	uint64_t best = 0, present[KV_PHYS_DOMAINS] = {0};
	struct kv_phys_seg seg;
	unsigned d;
	size_t i;

	for (i = 0; kv_phys_seg(phys, i, &seg) == 0; i++)
		present[seg.domain] +=
		    (seg.end - seg.start) >> machine->page_shift;
	for (d = 0; d < kv_phys_domains(phys); d++) {
		uint64_t blocks[KV_PHYS_ORDERS], score;

		kv_world_blocks(phys, d, blocks);
		score = kv_frag_score(blocks, machine->max_order + 1,
		    machine->pt_shift, present[d]);
		best = score > best ? score : best;
	}
	return best;
}

static void
measure_phys(const struct kv_world *w, struct kv_metrics *m)
{
	const struct kv_machine *machine = w->spec.machine;
	struct kv_phys_stats s = kv_phys_stats(w->phys);
	struct kv_free_memory f = {.blocks = s.blocks,
	    .norders = machine->max_order + 1,
	    .huge_order = machine->pt_shift,
	    .present = s.pages};
	struct kv_free_map map = {.order = machine->pt_shift};

	put(m, "phys.pages", s.pages);
	put(m, "phys.free_pages", s.free_pages);
	kv_free_map_take(w->phys, &map);
	f.largest = map.largest;
	f.free_huge = map.whole;
	kv_measure_free(&f, m);
	put(m, "phys.compaction_score", compaction_score(w->phys));
	kv_free_map_fini(&map);
}

static void
measure_usage(const struct kv_world *w, struct kv_metrics *m)
{
	struct kv_usage_ratios r = kv_usage_ratios(&w->usage);

	kv_metrics_put_ratio(m, "usage.average", r.average);
	kv_metrics_put_ratio(m, "usage.at_peak_live", r.at_max_live);
	kv_metrics_put_ratio(m, "usage.at_peak_used", r.at_max_used);
	kv_metrics_put_ratio(
	    m, "usage.peak_used_over_peak_live", r.max_used_over_max_live);
	put(m, "usage.peak_live_pages", w->usage.max_live);
	put(m, "usage.peak_used_pages", w->usage.max_used);
}

static int
static_add(void *arg, const struct kv_vmem_seg *seg)
{
	uint64_t *bytes = arg;

	if (seg->kind == KV_VMEM_STATIC)
		*bytes += seg->size;
	return 0;
}

/* Bytes from the source (illumos mem_import).  A span that joins the one
 * before it leaves no tag, so it is what no static span accounts for. */
static uint64_t
imported(const struct kv_vmem *vm, const struct kv_vmem_stats *s)
{
	uint64_t added = 0;

	if (s->import == 0)
		return 0;
	kv_vmem_walk(vm, static_add, &added);
	return s->size - added;
}

void
kv_world_measure_arena(const struct kv_vmem *vm, struct kv_metrics *m)
{
	struct kv_vmem_stats s = kv_vmem_stats(vm);
	const struct {
		const char *name;
		enum kv_metric_kind kind;
		uint64_t value;
	} rows[] = {{"size", KV_METRIC_BYTES, s.size},
	    {"inuse", KV_METRIC_BYTES, s.inuse},
	    {"maxfree", KV_METRIC_BYTES, s.maxfree},
	    {"largest_free", KV_METRIC_BYTES, kv_vmem_largest_free(vm)},
	    {"quantum", KV_METRIC_BYTES, kv_vmem_quantum(vm)},
	    {"imported", KV_METRIC_BYTES, imported(vm, &s)},
	    {"busy", KV_METRIC_COUNT, s.nbusy},
	    {"free_tags", KV_METRIC_COUNT, s.nfree},
	    {"spans", KV_METRIC_COUNT, s.nspan},
	    {"alloc", KV_METRIC_COUNT, s.alloc},
	    {"free", KV_METRIC_COUNT, s.free},
	    {"fail", KV_METRIC_COUNT, s.fail},
	    {"import", KV_METRIC_COUNT, s.import},
	    {"release", KV_METRIC_COUNT, s.release}};
	struct kv_buf name = {0};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		name.size = 0;
		kv_buf_printf(
		    &name, "vmem.%s.%s", kv_vmem_name(vm), rows[i].name);
		kv_metrics_put_uint(m, rows[i].kind, name.data, rows[i].value);
	}
	kv_buf_fini(&name);
}

void
kv_world_measure(const struct kv_world *w, struct kv_metrics *m)
{
	const struct kv_vmem *vm;
	unsigned i;

	if (w->kstack != NULL)
		measure_stacks(w, m);
	kv_measure_spaces(w->spaces, w->nspaces, m);
	kv_measure_pools(w->pools, w->npools, m);
	kv_measure_rights(w->spaces, w->nspaces, w->pools, w->npools, m);
	kv_measure_cover(w->spaces, w->nspaces, m);
	measure_reserv(w, m);
	measure_caches(w, m);
	kv_data_measure(w->data, m);
	measure_phys(w, m);
	kv_measure_domains(w, m);
	measure_usage(w, m);
	for (i = 0; (vm = kv_world_arena(w, i)) != NULL; i++)
		kv_world_measure_arena(vm, m);
	if (w->spec.hash)
		kv_metrics_put_uint(m, KV_METRIC_HEX, "trace.fnv", w->fnv);
}
