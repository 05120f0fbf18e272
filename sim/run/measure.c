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
#include "run/world.h"

/* AMD Zen coalesces the translations of 16 KiB (freebsd.md 5). */
#define COALESCE_SIZE (UINT64_C(16) << 10)

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, NAME_SIZE = 128 };

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

/* ---- Sorting --------------------------------------------------------- */

struct keyed {
	uint64_t key;
	size_t index;
};

/* One stable pass by the digit at shift, from a to b. */
static void
sort_pass(const struct keyed *a, struct keyed *b, size_t count, unsigned shift)
{
	size_t place[DIGITS] = {0}, sum = 0, i;

	for (i = 0; i < count; i++)
		place[a[i].key >> shift & (DIGITS - 1)]++;
	for (i = 0; i < DIGITS; i++) {
		size_t n = place[i];

		place[i] = sum;
		sum += n;
	}
	for (i = 0; i < count; i++)
		b[place[a[i].key >> shift & (DIGITS - 1)]++] = a[i];
}

/* Sort by key; digits in which all keys agree cost nothing.
 * => a or spare: where the result is */
static struct keyed *
sort(struct keyed *a, struct keyed *spare, size_t count)
{
	uint64_t differ = 0;
	struct keyed *swap;
	unsigned shift;
	size_t i;

	for (i = 1; i < count; i++)
		differ |= a[i].key ^ a[0].key;
	for (shift = 0; shift < 64; shift += DIGIT_BITS) {
		if ((differ >> shift & (DIGITS - 1)) == 0)
			continue;
		sort_pass(a, spare, count, shift);
		swap = a;
		a = spare;
		spare = swap;
	}
	return a;
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
	/* translation runs, the last one open */
	uint64_t va, pfn; /* page numbers behind its end */
	size_t nruns, capacity;
	uint64_t *runs; /* lengths, pages */
};

static void
run_add(struct pass *p, uint64_t va, kv_pfn_t pfn)
{
	if (p->nruns != 0 && va == p->va && pfn == p->pfn) {
		p->runs[p->nruns - 1]++;
	} else {
		if (p->nruns == p->capacity) {
			p->capacity = p->capacity == 0 ? 64 : 2 * p->capacity;
			p->runs = kv_mem_resize(
			    p->runs, p->capacity, sizeof(*p->runs));
		}
		p->runs[p->nruns++] = 1;
	}
	p->va = va + 1;
	p->pfn = pfn + 1;
}

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
		run_add(p, (s->ks >> shift) + i, pfns[i]);
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
	struct keyed *a = kv_mem_resize(NULL, count, sizeof(*a));
	struct keyed *b = kv_mem_resize(NULL, count, sizeof(*b)), *order;

	for (i = 0; i < count; i++)
		a[i] = (struct keyed){p->w->stacks[i].ks, i};
	order = sort(a, b, count);
	for (i = 0; i < count; i++)
		stack_add(p, &p->w->stacks[order[i].index]);
	free(a);
	free(b);
}

/* Longest first, in place. */
static void
runs_sort(struct pass *p)
{
	struct keyed *a = kv_mem_resize(NULL, p->nruns, sizeof(*a));
	struct keyed *b = kv_mem_resize(NULL, p->nruns, sizeof(*b)), *order;
	size_t i;

	for (i = 0; i < p->nruns; i++)
		a[i] = (struct keyed){~p->runs[i], i};
	order = sort(a, b, p->nruns);
	for (i = 0; i < p->nruns; i++)
		p->runs[i] = ~order[i].key;
	free(a);
	free(b);
}

/* A run that covers more than all pages' share ends the count. */
static uint64_t
runs_needed(const struct pass *p, uint64_t pages, unsigned percent)
{
	uint64_t covered = 0, n = 0;

	while (n < p->nruns && covered * 100 < pages * percent)
		covered += p->runs[n++];
	return n;
}

static double
runs_cover(const struct pass *p, uint64_t pages, size_t longest)
{
	uint64_t covered = 0;
	size_t i;

	for (i = 0; i < longest && i < p->nruns; i++)
		covered += p->runs[i];
	return 100 * ratio(covered, pages);
}

static void
measure_runs(struct pass *p, struct kv_metrics *m)
{
	static const unsigned percents[] = {80, 90, 99};
	static const unsigned longest[] = {32, 64, 128, 256};
	uint64_t pages = 0;
	double squares = 0;
	char name[NAME_SIZE];
	size_t i;

	runs_sort(p);
	for (i = 0; i < p->nruns; i++) {
		pages += p->runs[i];
		squares += (double)p->runs[i] * (double)p->runs[i];
	}
	put(m, "map.pages", pages);
	put(m, "map.runs", p->nruns);
	kv_metrics_put_ratio(m, "map.mean_run", ratio(pages, p->nruns));
	kv_metrics_put_ratio(
	    m, "map.weighted_run", pages == 0 ? 0 : squares / (double)pages);
	for (i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		snprintf(name, sizeof(name), "map.n%u", percents[i]);
		put(m, name, runs_needed(p, pages, percents[i]));
	}
	for (i = 0; i < sizeof(longest) / sizeof(longest[0]); i++) {
		snprintf(name, sizeof(name), "map.cover%u", longest[i]);
		kv_metrics_put_ratio(m, name, runs_cover(p, pages, longest[i]));
	}
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
	free(r.list);
	free(own);
}

static int
by_pindex(const void *a, const void *b)
{
	const struct kv_kstack_chunk *x = a, *y = b;

	return (x->pindex > y->pindex) - (x->pindex < y->pindex);
}

/* => bytes of the chunks, the slot that each gives up included */
static uint64_t
measure_chunks(const struct kv_world *w, struct kv_metrics *m)
{
	uint64_t slot = (uint64_t)(w->spec.npages + w->spec.gpages)
			<< w->spec.machine->page_shift;
	struct chunks c = {0};
	uint64_t bytes = 0;
	size_t i;

	kv_kstack_walk_chunks(w->kstack, chunk_add, &c);
	if (c.count != 0)
		qsort(c.list, c.count, sizeof(*c.list), by_pindex);
	for (i = 0; i < c.count; i++)
		bytes += c.list[i].size + slot;
	put(m, "kstack.chunks", c.count);
	measure_pattern(w, &c, m);
	free(c.list);
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
	put(m, "kstack.created", stats.created);
	put(m, "kstack.failed", w->failed);
	put(m, "kstack.phys_contiguous", p.contiguous);
	put(m, "kstack.pa16k_aligned", p.pa16k);
	put(m, "kstack.va16k_aligned", p.va16k);
	put(m, "kstack.coalescable_16k", p.both);
	put(m, "kstack.arena_imports", stats.imports);
	put(m, "kstack.arena_releases", stats.releases);
	put(m, "kstack.wrong_domain", stats.wrong_domain);
	/* No scheme of this version caches stacks. */
	put(m, "kstack.cache_hits", 0);
	put(m, "kstack.cache_misses", 0);
	kv_metrics_put_uint(
	    m, KV_METRIC_BYTES, "kstack.kva_bytes", chunks + p.slots);
	kv_metrics_put_ratio(m, "kstack.pt_bytes_per_stack",
	    ratio(p.leaves << machine->page_shift, w->nstacks));
	measure_runs(&p, m);
	free(p.runs);
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

static void
measure_phys(const struct kv_world *w, struct kv_metrics *m)
{
	struct kv_phys_stats s = kv_phys_stats(w->phys);
	unsigned norders = w->spec.machine->max_order + 1, order;
	char name[NAME_SIZE];

	put(m, "phys.pages", s.pages);
	put(m, "phys.free_pages", s.free_pages);
	for (order = 0; order < norders; order++) {
		snprintf(name, sizeof(name), "phys.frag_index.o%u", order);
		kv_metrics_put_int(
		    m, name, kv_frag_index(s.blocks, norders, order));
		snprintf(name, sizeof(name), "phys.fmfi.o%u", order);
		kv_metrics_put_int(
		    m, name, kv_frag_fmfi(s.blocks, norders, order));
		snprintf(name, sizeof(name), "phys.unusable_index.o%u", order);
		put(m, name, kv_frag_unusable(s.blocks, norders, order));
	}
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
	    {"busy", KV_METRIC_COUNT, s.nbusy},
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

	measure_stacks(w, m);
	measure_reserv(w, m);
	measure_phys(w, m);
	for (i = 0; (vm = kv_kstack_arena(w->kstack, i)) != NULL; i++)
		kv_world_measure_arena(vm, m);
	if (w->spec.hash)
		kv_metrics_put_uint(m, KV_METRIC_HEX, "trace.fnv", w->fnv);
}
