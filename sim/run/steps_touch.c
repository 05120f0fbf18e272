/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steps_touch.c - steps on the translation cache
 *
 * What every touch is judged by, whatever the scenario expects:
 *   V7  A touch that hits the TLB agrees with the page tables: the same frame,
 *       and no right that they do not give.  So does every entry for the
 *       range of a step that failed midway, when it is over.
 * An entry that allows less costs one spurious fault and is counted alone.
 */
#include <stdlib.h>

#include "out/limit.h"
#include "out/mem.h"
#include "run/runner_parts.h"
#include "run/sort.h"

static const uint64_t touches_max = 1000000000, pages_max = 1 << 24;

/* ---- Flushes --------------------------------------------------------- */

static void
flush_range(struct kv_runner *r, unsigned space, kv_va_t va, uint64_t npages)
{
	const struct kv_tlb_range *range = r->run->sc->tlb_range;
	struct kv_cpus *cpus = r->run->cpus;

	if (r->run->sc->generation) {
		kv_cpus_flush_all(cpus);
		return;
	}
	r->range_fits =
	    range != NULL && kv_tlb_range_op(range, npages, &r->range_op) == 0;
	if (range != NULL && !r->range_fits) {
		kv_cpus_flush_all(cpus);
		return;
	}
	if (range != NULL) {
		r->range_ops++;
		r->range_extra += r->range_op.npages - npages;
		npages = r->range_op.npages;
	}
	kv_cpus_flush_range(cpus, space, va, npages);
}

/* Join the range to what waits: both are one that reaches from the first to
 * the last page, or everything, if that is too long. */
static void
gather(struct kv_runner *r, unsigned space, kv_va_t va, uint64_t npages)
{
	const struct kv_gather_spec *g = r->run->sc->gather;
	const unsigned shift = r->run->sc->machine->page_shift;
	struct kv_pending *p = &r->pending;
	const kv_va_t last = va + ((npages - 1) << shift);

	if (p->npages != 0 &&
	    (g->first_only || kv_runner_planted(r, KV_PLANT_ELFUSE_F9)))
		return;
	if (p->npages == 0) {
		*p = (struct kv_pending){space, va, last, npages, false};
	} else {
		p->first = va < p->first ? va : p->first;
		p->last = last > p->last ? last : p->last;
		p->npages = ((p->last - p->first) >> shift) + 1;
	}
	p->all |= p->space != space || p->npages > g->pages;
}

static void
flush_pending(struct kv_runner *r)
{
	const struct kv_pending p = r->pending;

	r->pending = (struct kv_pending){0};
	if (p.all)
		kv_cpus_flush_all(r->run->cpus);
	else if (p.npages != 0)
		flush_range(r, p.space, p.first, p.npages);
}

void
kv_runner_flush(
    struct kv_runner *r, unsigned space, kv_va_t va, uint64_t npages)
{
	if (r->run->cpus == NULL || npages == 0)
		return;
	if (r->run->sc->gather != NULL)
		gather(r, space, va, npages);
	else
		flush_range(r, space, va, npages);
}

void
kv_range_ops_measure(const struct kv_runner *r, struct kv_metrics *m)
{
	if (r->run->sc->tlb_range == NULL)
		return;
	kv_metrics_put_uint(
	    m, KV_METRIC_COUNT, "flush.range_ops", r->range_ops);
	kv_metrics_put_uint(
	    m, KV_METRIC_COUNT, "flush.extra_pages", r->range_extra);
	if (!r->range_fits)
		return;
	kv_metrics_put_uint(
	    m, KV_METRIC_COUNT, "flush.scale", r->range_op.scale);
	kv_metrics_put_uint(m, KV_METRIC_COUNT, "flush.num", r->range_op.num);
	kv_metrics_put_uint(
	    m, KV_METRIC_COUNT, "flush.pages", r->range_op.npages);
}

int
kv_step_flush(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_flush_step *s = step->flush;
	kv_va_t va = 0;

	if (kv_runner_late(r, &s->va, &va) == EINVAL)
		return EINVAL;
	kv_runner_begin(r, step->kind);
	kv_cpus_reach(
	    r->run->cpus, s->local ? KV_SHOOTDOWN_LOCAL : KV_SHOOTDOWN_ALL);
	switch (s->what) {
	case KV_FLUSH_RANGE:
		kv_runner_flush(r, s->space, va, s->npages);
		break;
	case KV_FLUSH_TAG:
		kv_cpus_flush_tag(r->run->cpus, s->space);
		break;
	case KV_FLUSH_NONGLOBAL:
		kv_cpus_flush_nonglobal(r->run->cpus);
		break;
	case KV_FLUSH_PENDING:
		flush_pending(r);
		break;
	case KV_FLUSH_ALL:
		kv_cpus_flush_all(r->run->cpus);
		break;
	}
	kv_cpus_reach_end(r->run->cpus);
	kv_runner_end(r, false);
	return 0;
}

/* ---- What a step touches --------------------------------------------- */

struct pages {
	kv_va_t *list;
	uint64_t count;
};

/* Few enough pages, all stacks together?  A range is checked when it is read.
 */
static bool
count_stacks(const struct kv_world *w, uint64_t times)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < w->nstacks; i++)
		pages += w->stacks[i].npages;
	return pages <= pages_max && times <= touches_max &&
	       pages * times <= touches_max;
}

/* Pages of all stacks, in order of address. */
static void
collect_stacks(const struct kv_world *w, struct pages *p)
{
	struct kv_keyed *order =
	    kv_mem_resize(NULL, w->nstacks, sizeof(*order));
	uint64_t page = kv_machine_page_size(w->spec.machine);
	size_t i;

	for (i = 0; i < w->nstacks; i++) {
		order[i] = (struct kv_keyed){w->stacks[i].ks, i};
		p->count += w->stacks[i].npages;
	}
	kv_keyed_sort(order, w->nstacks);
	p->list = kv_mem_resize(NULL, p->count, sizeof(*p->list));
	p->count = 0;
	for (i = 0; i < w->nstacks; i++) {
		const struct kv_stack *s = &w->stacks[order[i].index];

		for (unsigned k = 0; k < s->npages; k++)
			p->list[p->count++] = s->ks + k * page;
	}
	kv_mem_free(order);
}

static void
collect_range(const struct kv_touch_step *s, kv_va_t va, struct pages *p)
{
	uint64_t i;

	p->count = (s->size - 1) / s->stride + 1;
	p->list = kv_mem_resize(NULL, p->count, sizeof(*p->list));
	for (i = 0; i < p->count; i++)
		p->list[i] = va + i * s->stride;
}

static void
shuffle(struct kv_rng *rng, struct pages *p)
{
	for (uint64_t i = p->count; i > 1; i--) {
		size_t k = kv_rng_below(rng, i);
		kv_va_t va = p->list[i - 1];

		p->list[i - 1] = p->list[k];
		p->list[k] = va;
	}
}

/* ---- Touches --------------------------------------------------------- */

static bool
is_guard(const struct kv_world *w, kv_va_t va)
{
	struct kv_stack stack;

	return w->kstack != NULL &&
	       kv_kstack_whatis(w->kstack, va, &stack) == KV_KSTACK_GUARD;
}

/* A stale entry is V7's, unless it merely allows less. */
static void
judge(struct kv_runner *r, kv_va_t va, enum kv_tlb_stale stale)
{
	static const char *const texts[] = {
	    [KV_STALE_FRAME] = "stale TLB entry: another frame, or none",
	    [KV_STALE_PERMISSIVE] = "stale TLB entry: it allows more"};
	struct kv_diag diag = {.module = "V", .invariant = 7, .address = va};

	if (stale == KV_STALE_RESTRICTIVE)
		return;
	diag.text = texts[stale];
	kv_run_violate(r->run, &diag);
}

/* What the entries of a range are held against. */
struct leftover {
	struct kv_runner *r;
	unsigned space;
	kv_va_t first, last;
};

/* An entry of the range, or of more: does it say what the tables say? */
static int
leftover_note(void *arg, const struct kv_tlb_entry *entry)
{
	const struct leftover *l = arg;
	const struct kv_pmap *pmap = l->r->run->world->spaces[l->space].pmap;
	const kv_va_t end = entry->va + (entry->size - 1);
	const kv_va_t va = entry->va > l->first ? entry->va : l->first;
	struct kv_leaf leaf;

	if (va > end || va > l->last ||
	    ((entry->attr & KV_PTE_G) == 0 && entry->tag != l->space))
		return 0;
	if (kv_pmap_extract(pmap, va, &leaf) != 0 ||
	    leaf.pa + (va - leaf.va) != entry->pa + (va - entry->va))
		judge(l->r, va, KV_STALE_FRAME);
	else if ((entry->attr & ~leaf.attr & (KV_PTE_W | KV_PTE_X)) != 0)
		judge(l->r, va, KV_STALE_PERMISSIVE);
	return 0;
}

void
kv_runner_judge_flushed(
    struct kv_runner *r, unsigned space, kv_va_t va, uint64_t npages)
{
	const unsigned shift = r->run->sc->machine->page_shift;
	struct leftover l = {.r = r, .space = space, .first = va};

	if (r->run->cpus == NULL || npages == 0)
		return;
	l.last = va + ((npages << shift) - 1);
	(void)kv_cpus_walk(r->run->cpus, leftover_note, &l);
}

void
kv_runner_touch(struct kv_runner *r, unsigned space, kv_va_t va, bool write)
{
	struct kv_pmap *pmap = r->run->world->spaces[space].pmap;
	enum kv_tlb_stale stale = KV_STALE_FRAME;

	if (r->lazy.count != 0)
		(void)kv_lazy_touch(
		    &r->lazy, &r->run->world->spaces[space], space, va);
	if (!kv_runner_fault(r, space, va, write))
		return;
	switch (
	    kv_tlb_touch(r->run->cpus->tlb, pmap, space, va, write, &stale)) {
	case KV_TLB_STALE:
		judge(r, va, stale);
		break;
	case KV_TLB_FAULT:
		r->guard_hits += space == 0 && is_guard(r->run->world, va);
		break;
	case KV_TLB_HIT:
	case KV_TLB_MISS:
		if (write)
			kv_runner_wrote(r, space, va);
		break;
	}
}

static void
pass(struct kv_runner *r, const struct kv_touch_step *s, const struct pages *p)
{
	for (uint64_t i = 0; i < p->count; i++)
		kv_runner_touch(r, s->space, p->list[i], s->write);
}

int
kv_step_touch(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_touch_step *s = step->touch;
	struct pages p = {0};
	kv_va_t va = 0;
	int error = kv_runner_late(r, &s->va, &va);

	if (error == EINVAL)
		return EINVAL;
	if (s->stacks && !count_stacks(r->run->world, step->count))
		return kv_runner_refuse(r, &step->place,
		    "these are more than 16777216 pages, or 1000000000 "
		    "touches");
	if (s->stacks)
		collect_stacks(r->run->world, &p);
	else if (error == 0)
		collect_range(s, va, &p);
	if (p.count > touches_max / step->count) {
		kv_mem_free(p.list);
		return kv_runner_refuse(
		    r, &step->place, "these are more than 1000000000 touches");
	}
	for (uint64_t i = 0; i < step->count; i++) {
		kv_runner_begin(r, step->kind);
		kv_runner_need(r, s->space);
		kv_limit_through(p.count);
		if (s->order == KV_TOUCH_RANDOM)
			shuffle(&r->touch, &p);
		if (s->stacks || s->by_kernel || error != 0 ||
		    !kv_runner_refused(r, s->space, va, s->size))
			pass(r, s, &p);
		kv_runner_end(r, false);
	}
	kv_mem_free(p.list);
	return 0;
}
