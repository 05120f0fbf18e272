/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair.c - two machines that are told the same and must do the same
 *
 * 1  Concepts
 *   What should be mapped is a map of leaves: the allocators' word.  The twin
 *   is the model's machine, the real one maps with hardware; without it the
 *   twin is held against the allocators' word alone.  A probe is one touch of
 *   one address; what must come of it is said when it is queued.
 *
 * 2  Representation
 *   told: the leaves that both machines were told to have, with the accessed
 *   and modified bits that the touches so far must have left.  Edits between
 *   two maps are told to both, leaf after leaf.  Promotions come last, once
 *   the pages concerned were touched: no kernel promotes pages that are not
 *   accessed.
 *
 * 3  Invariants
 *   I1  Both machines take every edit, and commit it
 *   I2  A touch faults on both machines where the leaves say so, and nowhere
 *       else, with that address in CR2 and with that error (P, W, RSVD, I)
 *   I3  Every leaf stands in both machines' tables as told: address, frame,
 *       level, W and X; nothing else does
 *   I4  A leaf is accessed (A) if it was touched, and modified (M) if it was
 *       written, or if it was mapped so; else not (a processor that walks the
 *       tables itself may set A ahead of a touch)
 *   I5  A push that runs off the low end of a stack is #DF on both machines,
 *       8 bytes below it; a push that finds memory is none
 *   I6  The translation that the machine itself gives of an address is that
 *       of its tables
 *   I7  The leaves that each machine counts, by size, are those told
 *
 * 4  Cost
 *   A sync is linear in runs of leaves, a look at all linear in leaves, a probe
 *   costs what the machine takes for it (kvm.md 2).
 *
 * 5  Fidelity
 *   Which bits two machines can agree on is of kvm.md 6: probes of a real
 *   machine may run at CPL3 and add U, so U is not compared.  Only the first
 *   dispute is kept: what comes after it may be its consequence.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "run/pair_parts.h"

/* ---- Create ---------------------------------------------------------- */

void
kv_pair_create(const struct kv_pte_format *format, struct kv_mmu *twin,
    struct kv_mmu *real, struct kv_pair **pair)
{
	struct kv_pair *p = kv_mem_resize(NULL, 1, sizeof(*p));
	unsigned i;

	*p = (struct kv_pair){.mmu = {twin, real},
	    .told = {.page_shift = format->page_shift,
		.pt_shift = format->pt_shift}};
	p->queue.list = kv_mem_resize(NULL, QUEUE_MAX, sizeof(kv_va_t));
	p->queue.errors = kv_mem_resize(NULL, QUEUE_MAX, sizeof(int));
	for (i = 0; i < MACHINES; i++)
		p->queue.faults[i] =
		    kv_mem_resize(NULL, QUEUE_MAX, sizeof(struct kv_fault));
	*pair = p;
}

void
kv_pair_destroy(struct kv_pair *p)
{
	unsigned i;

	if (p == NULL)
		return;
	for (i = 0; i < MACHINES; i++) {
		if (p->mmu[i] != NULL)
			p->mmu[i]->ops->close(p->mmu[i]);
		kv_mem_free(p->queue.faults[i]);
	}
	kv_leafmap_fini(&p->told);
	kv_mem_free(p->queue.list);
	kv_mem_free(p->queue.errors);
	kv_mem_free(p->promotions);
	kv_mem_free(p->gaps);
	kv_mem_free(p);
}

/* ---- Words ----------------------------------------------------------- */

void
kv_pair_say(struct kv_pair *p, const char *fmt, ...)
{
	size_t used = strlen(p->dispute.text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(
	    p->dispute.text + used, sizeof(p->dispute.text) - used, fmt, args);
	va_end(args);
}

void
kv_pair_object(struct kv_pair *p, unsigned invariant, kv_va_t va)
{
	p->dispute = (struct kv_dispute){.invariant = invariant, .va = va};
}

int
kv_pair_fail(struct kv_pair *p, enum machine i, unsigned invariant, kv_va_t va,
    const char *what, int error)
{
	kv_pair_object(p, invariant, va);
	kv_pair_say(p, "%s: %s fails: %s", p->mmu[i]->caps.kind, what,
	    p->mmu[i]->reason != NULL ? p->mmu[i]->reason : strerror(error));
	return EFAULT;
}

/* ---- Sync ------------------------------------------------------------ */

static int
tell(struct kv_mmu *mmu, const struct kv_edit *e)
{
	switch (e->kind) {
	case KV_EDIT_MAP:
		return mmu->ops->map(
		    mmu, e->va, e->pa, e->level, e->n, e->attr);
	case KV_EDIT_UNMAP:
		return mmu->ops->unmap(mmu, e->va, e->size);
	case KV_EDIT_PROTECT:
		return mmu->ops->protect(mmu, e->va, e->size, e->attr);
	case KV_EDIT_PROMOTE:
		return mmu->ops->promote(mmu, e->va);
	case KV_EDIT_DEMOTE:
		return mmu->ops->demote(mmu, e->va);
	}
	return EINVAL;
}

static int
tell_both(struct kv_pair *p, const struct kv_edit *e)
{
	static const char *const words[] = {[KV_EDIT_MAP] = "to map",
	    [KV_EDIT_UNMAP] = "to unmap",
	    [KV_EDIT_PROTECT] = "to protect",
	    [KV_EDIT_PROMOTE] = "to promote",
	    [KV_EDIT_DEMOTE] = "to demote"};
	int error;
	enum machine i;

	for (i = TWIN; i < MACHINES; i++)
		if (p->mmu[i] != NULL && (error = tell(p->mmu[i], e)) != 0)
			return kv_pair_fail(
			    p, i, 1, e->va, words[e->kind], error);
	return 0;
}

static int
commit(struct kv_pair *p, kv_va_t va)
{
	enum machine i;
	int error;

	for (i = TWIN; i < MACHINES; i++)
		if (p->mmu[i] != NULL &&
		    (error = p->mmu[i]->ops->commit(p->mmu[i])) != 0)
			return kv_pair_fail(
			    p, i, 1, va, "to commit edits", error);
	return 0;
}

static void
note_gap(struct kv_pair *p, const struct kv_edit *e)
{
	if (p->ngaps == p->gap_capacity) {
		p->gap_capacity =
		    p->gap_capacity == 0 ? 64 : 2 * p->gap_capacity;
		p->gaps =
		    kv_mem_resize(p->gaps, p->gap_capacity, sizeof(*p->gaps));
	}
	p->gaps[p->ngaps++] = (struct gap){e->va, e->size};
}

static void
put_off(struct kv_pair *p, const struct kv_edit *e)
{
	if (p->npromotions == p->promotion_capacity) {
		p->promotion_capacity =
		    p->promotion_capacity == 0 ? 64 : 2 * p->promotion_capacity;
		p->promotions = kv_mem_resize(p->promotions,
		    p->promotion_capacity, sizeof(*p->promotions));
	}
	p->promotions[p->npromotions++] = *e;
}

/* Leaves that start alike at a time, with A and M or without. */
static int
map_alike(struct kv_pair *p, const struct kv_edit *e)
{
	uint64_t size = kv_leaf_size(&p->told, e->level);
	size_t i, n;
	int error = 0;

	for (i = 0; i < e->n && error == 0; i += n) {
		struct kv_edit part = *e;

		for (n = 1; i + n < e->n && e->state[i + n] == e->state[i];)
			n++;
		part.va += i * size;
		part.pa += i * size;
		part.n = n;
		part.size = n * size;
		part.attr |= (e->state[i] & KV_LEAF_A) != 0 ? KV_PTE_A : 0u;
		part.attr |= (e->state[i] & KV_LEAF_M) != 0 ? KV_PTE_M : 0u;
		if ((part.attr & KV_PTE_A) == 0)
			p->stats.unused += n;
		error = tell_both(p, &part);
	}
	return error;
}

static int
edit(void *arg, const struct kv_edit *e)
{
	struct kv_pair *p = arg;

	p->stats.edits++;
	if (e->kind == KV_EDIT_PROMOTE) {
		put_off(p, e);
		return 0;
	}
	if (e->kind == KV_EDIT_UNMAP)
		note_gap(p, e);
	return e->kind == KV_EDIT_MAP ? map_alike(p, e) : tell_both(p, e);
}

/* Touch the pages of each, then tell. */
static int
promote(struct kv_pair *p)
{
	uint64_t page = UINT64_C(1) << p->told.page_shift, offset;
	int error = 0;
	size_t i;

	for (i = 0; i < p->npromotions; i++) {
		const struct kv_edit *e = &p->promotions[i];
		enum kv_access access = (e->attr & KV_PTE_W) != 0
					    ? KV_ACCESS_WRITE
					    : KV_ACCESS_READ;

		for (offset = 0; offset < e->size && error == 0; offset += page)
			error = kv_pair_probe(
			    p, access, e->va + offset, KV_PROBE_FINE);
	}
	if (error == 0)
		error = kv_pair_flush(p);
	for (i = 0; i < p->npromotions && error == 0; i++)
		error = tell_both(p, &p->promotions[i]);
	if (error == 0 && p->npromotions != 0)
		error = commit(p, p->promotions[0].va);
	p->npromotions = 0;
	return error;
}

int
kv_pair_sync(struct kv_pair *p, struct kv_leafmap *leaves)
{
	kv_va_t va = leaves->nruns != 0 ? leaves->runs[0].va : 0;
	int error;

	if (p->dispute.invariant != 0)
		return EFAULT;
	p->ngaps = 0;
	p->is_counted = false;
	error = kv_leafmap_edits(&p->told, leaves, edit, p);
	if (error == 0)
		error = commit(p, va);
	kv_leafmap_fini(&p->told);
	p->told = *leaves;
	p->hint = 0;
	*leaves = (struct kv_leafmap){
	    .page_shift = p->told.page_shift, .pt_shift = p->told.pt_shift};
	return error == 0 ? promote(p) : error;
}

int
kv_pair_gaps(const struct kv_pair *p, kv_pair_gap_fn *cb, void *arg)
{
	uint64_t page = UINT64_C(1) << p->told.page_shift, offset;
	size_t hint = 0, index, i;
	int result = 0;

	for (i = 0; i < p->ngaps; i++) {
		const struct gap *g = &p->gaps[i];

		for (offset = 0; offset < g->size && result == 0;
		     offset += page)
			if (kv_leafmap_find(&p->told, g->va + offset, &hint,
				&index) == NULL)
				result = cb(arg, g->va + offset);
	}
	return result;
}

/* ---- Inspect --------------------------------------------------------- */

const struct kv_mmu_leaves *
kv_pair_counted(const struct kv_pair *p)
{
	return p->is_counted ? &p->counted : NULL;
}

const struct kv_leafmap *
kv_pair_leaves(const struct kv_pair *p)
{
	return &p->told;
}

struct kv_pair_stats
kv_pair_stats(const struct kv_pair *p)
{
	return p->stats;
}

const struct kv_dispute *
kv_pair_dispute(const struct kv_pair *p)
{
	return &p->dispute;
}

struct kv_mmu *
kv_pair_real(const struct kv_pair *p)
{
	return p->mmu[REAL];
}

struct kv_mmu *
kv_pair_twin(const struct kv_pair *p)
{
	return p->mmu[TWIN];
}

const struct kv_leaf_run *
kv_pair_find(const struct kv_pair *p, kv_va_t va, size_t *index)
{
	size_t hint = p->hint;

	return kv_leafmap_find(&p->told, va, &hint, index);
}
