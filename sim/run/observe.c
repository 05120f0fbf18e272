/* SPDX-License-Identifier: BSD-2-Clause */
/* observe.c - looking at a world: at one moment, over time, run by run */
#include "run/observe.h"

#include <stdlib.h>

#include "out/mem.h"
#include "run/measure_space.h"

/* ---- A moment --------------------------------------------------------- */

static int
bin_add(void *arg, const struct kv_reserv_info *info)
{
	uint64_t *bins = arg;
	unsigned eighths = KV_MOMENT_BINS - 1;

	if (info->popcnt == info->npages)
		bins[eighths]++;
	else if (info->popcnt > 0)
		bins[(info->popcnt - 1) * eighths / info->npages]++;
	return 0;
}

void
kv_bins_take(const struct kv_world *w, uint64_t bins[KV_MOMENT_BINS])
{
	kv_reserv_walk(w->reserv, NULL, bin_add, bins);
}

void
kv_moment_take(const struct kv_world *w, struct kv_moment *m)
{
	kv_moment_fini(m);
	kv_world_measure(w, &m->metrics);
	kv_metrics_sort(&m->metrics);
	kv_bins_take(w, m->bins);
}

void
kv_moment_fini(struct kv_moment *m)
{
	kv_metrics_fini(&m->metrics);
	*m = (struct kv_moment){0};
}

/* ---- Over time -------------------------------------------------------- */

static bool
contiguous(const struct kv_world *w, const struct kv_stack *stack)
{
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];

	if (kv_stack_pages(w->kstack, stack, pfns) != 0)
		return false;
	for (uint32_t i = 1; i < stack->npages; i++)
		if (pfns[i] != pfns[0] + i)
			return false;
	return true;
}

static int
cell_add(void *arg, const struct kv_reserv_info *info)
{
	struct kv_timeline *t = arg;

	t->cells[t->ncells++] = (struct kv_cell){
	    info->pindex / info->npages, info->popcnt, info->npages};
	return 0;
}

/* The stacks of each domain, as a further row of the timeline. */
static void
add_stacks(const struct kv_world *w, struct kv_timeline *t)
{
	struct kv_domain_stacks row[KV_PHYS_DOMAINS];
	size_t n = w->spec.ndomains, i;

	if (n == 1)
		return;
	kv_domain_stacks(w, row);
	t->stacks =
	    kv_mem_resize(t->stacks, (t->nsamples + 1) * n, sizeof(*t->stacks));
	for (i = 0; i < n; i++)
		t->stacks[t->nsamples * n + i] = row[i];
}

void
kv_timeline_add(
    const struct kv_world *w, size_t op, double seconds, struct kv_timeline *t)
{
	struct kv_reserv_stats stats = kv_reserv_stats(w->reserv);
	struct kv_phys_stats phys = kv_phys_stats(w->phys);
	struct kv_spaces_sum sum = kv_spaces_sum(w->spaces, w->nspaces);
	struct kv_sample s = {
	    .op = op,
	    .seconds = seconds,
	    .live = w->nstacks,
	    .unused_pages = stats.unused_pages,
	    .free_pages = phys.free_pages,
	    .pages = phys.pages,
	    .mapped = sum.mapped,
	    .promoted = sum.promoted,
	    .pt_bytes = sum.pt_bytes,
	    .frees = w->frees,
	    .cell = t->ncells,
	};

	add_stacks(w, t);
	for (size_t i = 0; i < w->nstacks; i++)
		s.contiguous += contiguous(w, &w->stacks[i]);
	for (unsigned order = 0; order < KV_PHYS_ORDERS; order++)
		s.blocks[order] = phys.blocks[order];
	t->cells = kv_mem_resize(t->cells,
	    t->ncells + stats.full + stats.partial, sizeof(*t->cells));
	if (w->kstack != NULL)
		kv_reserv_walk(
		    w->reserv, kv_kstack_object(w->kstack), cell_add, t);
	t->samples =
	    kv_mem_resize(t->samples, t->nsamples + 1, sizeof(*t->samples));
	t->samples[t->nsamples++] = s;
}

void
kv_timeline_fini(struct kv_timeline *t)
{
	kv_mem_free(t->samples);
	kv_mem_free(t->cells);
	kv_mem_free(t->stacks);
	*t = (struct kv_timeline){0};
}

/* ---- Runs ------------------------------------------------------------- */

struct page {
	uint64_t vpn; /* virtual page number */
	kv_pfn_t pfn;
};

struct pages {
	const struct kv_world *w;
	struct page *list;
	size_t count, capacity;
};

static int
pages_add(void *arg, const struct kv_stack *stack)
{
	struct pages *p = arg;
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
	unsigned shift = p->w->spec.machine->page_shift;

	if (kv_stack_pages(p->w->kstack, stack, pfns) != 0)
		return 0;
	if (p->capacity - p->count < stack->npages) {
		p->capacity = 2 * p->capacity + stack->npages;
		p->list = kv_mem_resize(p->list, p->capacity, sizeof(*p->list));
	}
	for (uint32_t i = 0; i < stack->npages; i++)
		p->list[p->count++] =
		    (struct page){(stack->ks >> shift) + i, pfns[i]};
	return 0;
}

/* All pages of live stacks, in order of address. */
static struct pages
pages_collect(const struct kv_world *w)
{
	struct pages p = {.w = w};

	kv_kstack_walk(w->kstack, pages_add, &p);
	return p;
}

static int
by_pfn(const void *a, const void *b)
{
	const struct page *x = a, *y = b;

	return (x->pfn > y->pfn) - (x->pfn < y->pfn);
}

static int
by_length(const void *a, const void *b)
{
	const struct kv_run_pages *x = a, *y = b;

	return (x->length > y->length) - (x->length < y->length);
}

/* One entry for each length instead of one for each run. */
static void
runs_merge(struct kv_runs *runs)
{
	size_t n = 0;

	if (runs->count > 0)
		qsort(runs->list, runs->count, sizeof(*runs->list), by_length);
	for (size_t i = 0; i < runs->count; i++)
		if (n > 0 && runs->list[n - 1].length == runs->list[i].length)
			runs->list[n - 1].pages += runs->list[i].pages;
		else
			runs->list[n++] = runs->list[i];
	runs->count = n;
}

static void
runs_find(const struct pages *p, bool va_too, struct kv_runs *runs)
{
	size_t start = 0;

	runs->list = kv_mem_resize(runs->list, p->count, sizeof(*runs->list));
	runs->count = 0;
	for (size_t i = 1; i <= p->count; i++) {
		if (i < p->count && p->list[i].pfn == p->list[i - 1].pfn + 1 &&
		    (!va_too || p->list[i].vpn == p->list[i - 1].vpn + 1))
			continue;
		runs->list[runs->count++] =
		    (struct kv_run_pages){i - start, i - start};
		start = i;
	}
	runs_merge(runs);
}

void
kv_runs_of_map(const struct kv_world *w, struct kv_runs *runs)
{
	struct pages p = pages_collect(w);

	runs_find(&p, true, runs);
	kv_mem_free(p.list);
}

void
kv_runs_of_frames(const struct kv_world *w, struct kv_runs *runs)
{
	struct pages p = pages_collect(w);

	if (p.count > 0)
		qsort(p.list, p.count, sizeof(*p.list), by_pfn);
	runs_find(&p, false, runs);
	kv_mem_free(p.list);
}

void
kv_runs_fini(struct kv_runs *runs)
{
	kv_mem_free(runs->list);
	*runs = (struct kv_runs){0};
}
