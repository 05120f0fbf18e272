/* SPDX-License-Identifier: BSD-2-Clause */
/* range_judge.c - leaves of a range before and after a step (V5, V8) */
#include <stdlib.h>
#include <string.h>

#include "hw/pte_code.h"
#include "out/mem.h"
#include "run/runner_parts.h"

/* What a page keeps when leaves are split or joined. */
static const unsigned rights = KV_PTE_W | KV_PTE_X | KV_PTE_U | KV_PTE_G;

/* ---- Ranges of equal pages --------------------------------------------- */

/* Append; consecutive pages with equal rights are one run. */
static void
run_add(struct kv_page_runs *l, const struct kv_page_run *x)
{
	struct kv_page_run *last =
	    l->count == 0 ? NULL : &l->list[l->count - 1];

	if (last != NULL && last->va + last->size == x->va &&
	    last->pa + last->size == x->pa && last->attr == x->attr) {
		last->size += x->size;
		return;
	}
	if (l->count == l->capacity) {
		l->capacity = 2 * l->capacity + 16;
		l->list = kv_mem_resize(l->list, l->capacity, sizeof(*l->list));
	}
	l->list[l->count++] = *x;
}

struct collector {
	const struct kv_pte_format *format;
	struct kv_page_runs *runs;
};

static int
leaf_note(void *arg, const struct kv_leaf *leaf)
{
	struct collector *c = arg;
	const struct kv_page_run x = {.va = leaf->va,
	    .pa = leaf->pa,
	    .size = UINT64_C(1) << kv_pte_shift(c->format, leaf->level),
	    .attr = leaf->attr & rights};

	run_add(c->runs, &x);
	return 0;
}

static void
collect(const struct kv_pmap *pmap, kv_va_t start, kv_va_t end,
    struct kv_page_runs *runs)
{
	struct collector c = {kv_pmap_format(pmap), runs};

	runs->count = 0;
	kv_pmap_walk(pmap, start, end, leaf_note, &c);
}

/* ---- Before ------------------------------------------------------------ */

bool
kv_range_is_judged(const struct kv_runner *r)
{
	const struct kv_scenario *sc = r->run->sc;
	const char *id;
	size_t i;

	for (i = 0; i < sc->nexpect; i++) {
		id = sc->expect[i].violation;
		if (id != NULL &&
		    (strcmp(id, "V5") == 0 || strcmp(id, "V8") == 0))
			return true;
	}
	return r->run->cfg.audit >= 2;
}

/* The largest leaf that maps va decides how far a split reaches. */
static kv_va_t
block_of(const struct kv_pmap *pmap, kv_va_t va, uint64_t *size)
{
	const struct kv_pte_format *f = kv_pmap_format(pmap);
	struct kv_leaf leaf = {.level = 0};
	unsigned level = 1;

	if (kv_pmap_extract(pmap, va, &leaf) == 0 && leaf.level > level)
		level = leaf.level;
	*size = UINT64_C(1) << kv_pte_shift(f, level);
	return kv_align_down(va, *size);
}

void
kv_range_before(struct kv_runner *r, const struct kv_map_step *s, kv_va_t va,
    struct kv_range_watch *w)
{
	const struct kv_pmap *pmap = r->run->world->spaces[s->space].pmap;
	uint64_t size, reach;

	w->size = s->npages << r->run->sc->machine->page_shift;
	w->va = va;
	w->start = block_of(pmap, va, &size);
	/* promote and demote name an address, no range */
	reach = w->size != 0 ? w->size : 1;
	w->end = block_of(pmap, va + (reach - 1), &size) + size;
	if (w->end < w->start)
		w->end = UINT64_MAX;
	collect(pmap, w->start, w->end, &w->before);
}

/* ---- After ------------------------------------------------------------- */

/* What the part of a run within [start, end) should be now. */
static void
part_add(struct kv_range_watch *w, const struct kv_page_run *x, kv_va_t start,
    kv_va_t end, unsigned attr)
{
	struct kv_page_run part = *x;

	if (start < x->va)
		start = x->va;
	if (end > x->va + x->size)
		end = x->va + x->size;
	if (start >= end)
		return;
	part.va = start;
	part.pa = x->pa + (start - x->va);
	part.size = end - start;
	part.attr = attr;
	run_add(&w->wanted, &part);
}

static void
want(struct kv_range_watch *w, int what, unsigned attr, uint64_t done)
{
	const unsigned given = KV_PTE_W | KV_PTE_X;
	const struct kv_page_run *x;
	kv_va_t end = w->va + done;
	size_t i;

	w->wanted.count = 0;
	for (i = 0; i < w->before.count; i++) {
		x = &w->before.list[i];
		part_add(w, x, w->start, w->va, x->attr);
		if (what == KV_MAP_FAIL_PROTECT)
			part_add(w, x, w->va, end,
			    (x->attr & ~given) | (attr & given));
		part_add(w, x, end, w->end, x->attr);
	}
}

/* => where the lists differ first, in *va */
static bool
differ(const struct kv_page_runs *a, const struct kv_page_runs *b, kv_va_t *va)
{
	size_t i = 0, n = a->count < b->count ? a->count : b->count;

	while (i < n && a->list[i].va == b->list[i].va &&
	       a->list[i].pa == b->list[i].pa &&
	       a->list[i].size == b->list[i].size &&
	       a->list[i].attr == b->list[i].attr)
		i++;
	if (i == a->count && i == b->count)
		return false;
	if (i == b->count || (i < a->count && a->list[i].va < b->list[i].va))
		*va = a->list[i].va;
	else
		*va = b->list[i].va;
	return true;
}

/* Was anything mapped in the range itself? */
static bool
replaces(const struct kv_range_watch *w)
{
	size_t i;

	for (i = 0; i < w->before.count; i++)
		if (kv_overlap(w->before.list[i].va, w->before.list[i].size,
			w->va, w->size))
			return true;
	return false;
}

void
kv_range_after(struct kv_runner *r, const struct kv_map_step *s,
    struct kv_range_watch *w, int what, int error, uint64_t done)
{
	const struct kv_pmap *pmap = r->run->world->spaces[s->space].pmap;
	kv_va_t va = 0;

	if (what == KV_MAP_FAIL_MAP && (error == 0 || replaces(w)))
		return;
	if (what != KV_MAP_FAIL_UNMAP && what != KV_MAP_FAIL_PROTECT)
		done = 0;
	else if (error == 0)
		done = w->size;
	want(w, what, s->attr, done);
	collect(pmap, w->start, w->end, &w->after);
	if (!differ(&w->wanted, &w->after, &va))
		return;
	if (error != 0)
		kv_run_violate_id(r->run, "V8", va,
		    "a step failed, and changed more than it says");
	else
		kv_run_violate_id(r->run, "V5", va,
		    "a page lost its frame or rights when its leaf was split "
		    "or joined");
}

void
kv_range_watch_fini(struct kv_range_watch *w)
{
	kv_mem_free(w->before.list);
	kv_mem_free(w->wanted.list);
	kv_mem_free(w->after.list);
}
