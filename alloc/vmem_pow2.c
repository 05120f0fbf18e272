/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmem_pow2.c - arenas: the dialect whose lists are powers of two
 *
 * 1 Concepts.  The arenas of vmem.c with other lists and other fits: list n has
 *   the free segments of [2^n, 2^(n+1)) bytes.  What is new or has changed goes
 *   to the head, but for a segment cut from its left edge whose rest belongs to
 *   the same list: it keeps its place.  Otherwise the right rest is pushed
 *   first, then the left one.
 *   Best fit takes the smallest segment that fits, the newest of equals, and
 *   looks from the list that might have one.  First fit takes, from the same
 *   list on, the first in the order of the lists, not of addresses.  Instant
 *   fit (the default there) takes the first of the lists whose every segment is
 *   large enough, and only if they are empty the first that fits of the list
 *   that might have one.  Next fit is that of vmem_fit.c.
 * 2 Representation.  The classes of freelist.c, counted in 64ths of the
 *   quantum: all segments then are above the classes of one size each.
 * 3 Invariants.  Those of vmem.c.
 * 4 Cost.  Instant and first fit: as best fit in vmem_fit.c.  Best fit walks
 *   the segments of its first list that are large enough.  No release of a span
 *   is put off, and vmem_quick.h is for the others.
 * 5 Fidelity.  illumos vmem.c as systems.md 3.1(c) describes it, reproduced on
 *   the arena figures of systems.md 3.5.  Requests with limits import nothing
 *   (vmem.md, "Defects").  For requests with constraints, of which nothing is
 *   said there, instant fit passes over segments that do not fit.
 */
#include "arena.h"

static bool
takes(const struct kv_vmem *vm, bt_id id, const struct kv_vmem_req *rq,
    kv_va_t *va)
{
	return kv_arena_fits(tag_of(vm, id), rq, va);
}

/* The first that fits, in order of the lists from class to end - 1. */
static bt_id
first_search(struct kv_vmem *vm, const struct kv_vmem_req *rq, unsigned class,
    unsigned end, kv_va_t *va)
{
	bt_id id;

	for (class = freelist_next(&vm->free, class); class < end;
	     class = freelist_next(&vm->free, class + 1)) {
		id = BT_NONE;
		while ((id = kv_freelist_find(
			    &vm->free, class, id, rq->size)) != BT_NONE)
			if (takes(vm, id, rq, va))
				return id;
	}
	return BT_NONE;
}

/* The smallest that fits of one list. */
static bt_id
smallest(struct kv_vmem *vm, const struct kv_vmem_req *rq, unsigned class,
    kv_va_t *va)
{
	bt_id id = BT_NONE, best = BT_NONE;
	kv_va_t at;

	while ((id = kv_freelist_find(&vm->free, class, id, rq->size)) !=
	       BT_NONE) {
		uint64_t size = tag_of(vm, id)->size;

		if ((best != BT_NONE && size >= tag_of(vm, best)->size) ||
		    !takes(vm, id, rq, &at))
			continue;
		best = id;
		*va = at;
		if (size == rq->size)
			break;
	}
	return best;
}

static bt_id
best_search(struct kv_vmem *vm, const struct kv_vmem_req *rq, unsigned class,
    kv_va_t *va)
{
	bt_id id = BT_NONE;

	for (class = freelist_next(&vm->free, class);
	     class < FREELIST_CLASSES && id == BT_NONE;
	     class = freelist_next(&vm->free, class + 1))
		id = smallest(vm, rq, class, va);
	return id;
}

static bt_id
search(struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va)
{
	unsigned class = freelist_class(&vm->free, rq->size);
	unsigned sure = class + !kv_is_pow2(rq->size);
	bt_id id;

	if (rq->fit == KV_VMEM_BESTFIT)
		return best_search(vm, rq, class, va);
	if (rq->fit == KV_VMEM_FIRSTFIT)
		return first_search(vm, rq, class, FREELIST_CLASSES, va);
	id = first_search(vm, rq, sure, FREELIST_CLASSES, va);
	if (id == BT_NONE)
		id = first_search(vm, rq, class, sure, va);
	return id;
}

void
kv_arena_clip_pow2(struct kv_vmem *vm, bt_id id, kv_va_t va, uint64_t size)
{
	struct bt *t = tag_of(vm, id);
	uint64_t lead = va - t->start, rest = t->size - lead - size;
	bool whole = rest <= vm->qmask;
	bool stays = lead == 0 && !whole &&
		     freelist_class(&vm->free, rest) ==
			 freelist_class(&vm->free, t->size);
	bt_id left = BT_NONE;

	if (!stays)
		freelist_remove(&vm->free, id);
	if (lead != 0) {
		left = tag_insert(vm, id, KV_VMEM_FREE, t->start, lead);
		t->start = va;
		t->size -= lead;
	}
	if (whole) {
		bt_set_kind(t, KV_VMEM_BUSY);
		size = t->size;
	} else {
		bt_id busy = tag_insert(vm, id, KV_VMEM_BUSY, va, size);

		t->start += size;
		t->size = rest;
		if (stays)
			kv_freelist_resized(&vm->free, id);
		else
			freelist_push(&vm->free, id);
		id = busy;
	}
	if (left != BT_NONE)
		freelist_push(&vm->free, left);
	bt_hash_insert(&vm->store, id);
	vm->inuse += size;
}

int
kv_arena_pow2(struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va)
{
	bool limited = rq->phase != 0 || rq->nocross != 0 || rq->min != 0 ||
		       rq->max != KV_ADDR_MAX;
	bt_id id;

	while ((id = search(vm, rq, va)) == BT_NONE) {
		if (!limited && kv_arena_import(vm, rq, &id) == 0)
			freelist_push(&vm->free, id);
		else if (!kv_arena_drain(vm))
			return ENOMEM;
	}
	kv_arena_clip_pow2(vm, id, *va, rq->size);
	return 0;
}
