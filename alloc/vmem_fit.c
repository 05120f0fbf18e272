/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmem_fit.c - arenas: where a request goes
 *
 * The concepts and invariants are those of vmem.c; the three strategies are
 * those of freebsd.md 1.3 and 1.5.
 */
#include "arena.h"

/* There is one correction for nocross, so a candidate that no longer fits is
 * given up.  Arithmetic is modulo 2^64 as upstream, where a candidate that
 * wrapped trips an assertion; here it does not fit. */
bool
kv_arena_fits(const struct bt *t, const struct kv_vmem_req *rq, kv_va_t *va)
{
	kv_va_t lowest = t->start > rq->min ? t->start : rq->min;
	kv_va_t start = lowest;
	kv_va_t end = t->start + (t->size - 1);

	if (end > rq->max)
		end = rq->max;
	if (start > end)
		return false;
	start = kv_align_up(start - rq->phase, rq->align) + rq->phase;
	if (start < t->start)
		start += rq->align;
	if (rq->nocross != 0 && kv_crosses(start, rq->size, rq->nocross))
		start = kv_align_up(start - rq->phase, rq->nocross) + rq->phase;
	if (start < lowest || start > end || end - start < rq->size - 1)
		return false;
	*va = start;
	return true;
}

/* The leading piece is pushed before the trailing one, which keeps the tag.
 * Most blocks are cut from the front of the head of a list, and the rest would
 * be pushed where it stands. */
void
kv_arena_clip(
    struct kv_vmem *vm, bt_id id, kv_va_t va, uint64_t size, bool listed)
{
	struct bt *t = tag_of(vm, id);
	uint64_t lead = va - t->start, rest = t->size - lead - size;
	bool stays = listed && lead == 0 && rest > vm->qmask &&
		     freelist_is_head(&vm->free, t, rest);

	if (listed && !stays)
		freelist_remove(&vm->free, id);
	if (lead != 0) {
		freelist_push(&vm->free,
		    tag_insert(vm, id, KV_VMEM_FREE, t->start, lead));
		t->start = va;
		t->size -= lead;
	}
	if (rest > vm->qmask) {
		bt_id busy = tag_insert(vm, id, KV_VMEM_BUSY, va, size);

		t->start += size;
		t->size = rest;
		if (!stays)
			freelist_push(&vm->free, id);
		id = busy;
	} else {
		bt_set_kind(t, KV_VMEM_BUSY);
		size = t->size;
	}
	bt_hash_insert(&vm->store, id);
	vm->inuse += size;
}

/* ---- Best fit, instant fit --------------------------------------------- */

/* First block of any class from `class` on that fits.  => its tag and *va */
static bt_id
best_search(struct kv_vmem *vm, const struct kv_vmem_req *rq, unsigned class,
    kv_va_t *va)
{
	bt_id id;

	for (class = freelist_next(&vm->free, class); class < FREELIST_CLASSES;
	     class = freelist_next(&vm->free, class + 1)) {
		id = BT_NONE;
		while ((id = kv_freelist_find(
			    &vm->free, class, id, rq->size)) != BT_NONE)
			if (kv_arena_fits(tag_of(vm, id), rq, va))
				return id;
	}
	return BT_NONE;
}

/* Instant fit: heads only, of classes without a block that is too small. */
static bt_id
instant_search(
    const struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va)
{
	unsigned class = freelist_class(&vm->free, rq->size);
	bt_id id;

	if (freelist_lower(class) != rq->size >> vm->qshift)
		class ++;
	for (class = freelist_next(&vm->free, class); class < FREELIST_CLASSES;
	     class = freelist_next(&vm->free, class + 1)) {
		id = freelist_head(&vm->free, class);
		if (tag_of(vm, id)->size >= rq->size &&
		    kv_arena_fits(tag_of(vm, id), rq, va))
			return id;
	}
	return BT_NONE;
}

/* A search after an import could find nothing but the new span, so it is tried
 * at once. */
int
kv_arena_spans(
    struct kv_vmem *vm, const struct kv_vmem_req *rq, bt_id id, kv_va_t *va)
{
	do {
		if (tag_of(vm, id)->size >= rq->size &&
		    kv_arena_fits(tag_of(vm, id), rq, va)) {
			kv_arena_clip(vm, id, *va, rq->size, false);
			return 0;
		}
		freelist_push(&vm->free, id);
	} while (kv_arena_import(vm, rq, &id) == 0);
	return ENOMEM;
}

/* Best fit; instant fit makes one pass of its own first. */
int
kv_arena_best(struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va)
{
	unsigned class = freelist_class(&vm->free, rq->size);
	bt_id id = BT_NONE;

	if (rq->fit != KV_VMEM_BESTFIT)
		id = instant_search(vm, rq, va);
	for (;;) {
		if (id == BT_NONE)
			id = best_search(vm, rq, class, va);
		if (id != BT_NONE) {
			kv_arena_clip(vm, id, *va, rq->size, true);
			return 0;
		}
		if (kv_arena_import(vm, rq, &id) == 0 &&
		    kv_arena_spans(vm, rq, id, va) == 0)
			return 0;
		if (!kv_arena_drain(vm))
			return ENOMEM;
		id = BT_NONE;
	}
}

/*
 * The block that best_alloc would take for a request without constraints: the
 * newest one of a class whose every block is large enough, unless the size's
 * own class is a range and has one (best fit).  BT_NONE when there is none or
 * it does not start on a quantum.
 */
static bt_id
plain_search(struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit)
{
	unsigned class = freelist_class(&vm->free, size);
	bt_id id = BT_NONE;

	if (class >= FREELIST_EXACT) {
		if (fit == KV_VMEM_BESTFIT)
			id = kv_freelist_find(&vm->free, class, BT_NONE, size);
		else if (freelist_lower(class) == size >> vm->qshift)
			class --;
		class ++;
	}
	if (id == BT_NONE) {
		class = freelist_next(&vm->free, class);
		if (class == FREELIST_CLASSES)
			return BT_NONE;
		id = freelist_head(&vm->free, class);
	}
	return (tag_of(vm, id)->start & vm->qmask) == 0 ? id : BT_NONE;
}

int
kv_arena_plain(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va)
{
	struct bt *t;
	bt_id id;

	size = kv_align_up(size, vm->qmask + 1);
	if (size == 0)
		return ENOMEM;
	id = plain_search(vm, size, fit);
	if (id == BT_NONE || tags_fill(vm) != 0)
		return ENOMEM;
	t = tag_of(vm, id);
	*va = t->start;
	if (t->size == size && size >> vm->qshift <= FREELIST_EXACT) {
		/* the commonest case by far, spelled out */
		freelist_remove(&vm->free, id);
		bt_set_kind(t, KV_VMEM_BUSY);
		bt_hash_insert(&vm->store, id);
		vm->inuse += size;
	} else {
		kv_arena_clip(vm, id, *va, size, true);
	}
	alloc_note(vm, *va, size);
	return 0;
}

/* ---- Next fit -------------------------------------------------------- */

/*
 * Walk once round the segment list from the cursor.
 * => 0 and *id, *va; ENOMEM: nothing fits; EDEADLK: nothing fits and the cursor
 *    heads the list, where the real walk never ends
 */
static int
next_search(const struct kv_vmem *vm, const struct kv_vmem_req *rq, bt_id *id,
    kv_va_t *va)
{
	bt_id first = tag_of(vm, BT_NONE)->next;
	bt_id at = tag_of(vm, BT_CURSOR)->next;

	for (;; at = tag_of(vm, at)->next) {
		if (at == BT_NONE)
			at = first;
		if (at == BT_CURSOR)
			return first == BT_CURSOR ? EDEADLK : ENOMEM;
		if (bt_is_free(tag_of(vm, at)) &&
		    tag_of(vm, at)->size >= rq->size &&
		    kv_arena_fits(tag_of(vm, at), rq, va))
			break;
	}
	*id = at;
	return 0;
}

/* The cursor goes before the first tag, from `at` on, that starts past the
 * block's last byte; there is none: to the head of the list. */
static void
cursor_move(struct kv_vmem *vm, bt_id at, kv_va_t last)
{
	bt_unlink(&vm->store, BT_CURSOR);
	while (at != BT_NONE && tag_of(vm, at)->start <= last)
		at = tag_of(vm, at)->next;
	if (at == BT_NONE)
		at = tag_of(vm, BT_NONE)->next;
	bt_link_before(&vm->store, at, BT_CURSOR);
}

/*
 * Merge the free segments on both sides of the cursor.  The merged one keeps
 * its class (freebsd-F23), unless the arena relists it.  => its tag, BT_NONE
 * when there was nothing to merge
 */
static bt_id
cursor_merge(struct kv_vmem *vm)
{
	bt_id prev = bt_prev(tag_of(vm, BT_CURSOR));
	bt_id next = tag_of(vm, BT_CURSOR)->next;
	struct bt *p = tag_of(vm, prev), *n = tag_of(vm, next);

	if (prev == BT_NONE || next == BT_NONE || !bt_is_free(p) ||
	    !bt_is_free(n) || p->start + p->size != n->start)
		return BT_NONE;
	if (vm->relist && !vm->stale)
		freelist_remove(&vm->free, prev);
	p->size += n->size;
	if (vm->relist && !vm->stale)
		freelist_push(&vm->free, prev);
	else
		kv_freelist_resized(&vm->free, prev);
	freelist_remove(&vm->free, next);
	tag_drop(vm, next);
	return prev;
}

static void
next_clip(
    struct kv_vmem *vm, bt_id id, const struct kv_vmem_req *rq, kv_va_t va)
{
	if (vm->pow2)
		kv_arena_clip_pow2(vm, id, va, rq->size);
	else
		kv_arena_clip(vm, id, va, rq->size, true);
}

static int
next_once(struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va)
{
	bt_id id = BT_NONE, merged;
	int released, error = next_search(vm, rq, &id, va);

	if (error == EDEADLK)
		return error;
	if (error == 0)
		next_clip(vm, id, rq, *va);
	merged = cursor_merge(vm);
	if (merged != BT_NONE && error == ENOMEM &&
	    tag_of(vm, merged)->size >= rq->size &&
	    kv_arena_fits(tag_of(vm, merged), rq, va)) {
		next_clip(vm, merged, rq, *va);
		id = merged;
		error = 0;
	} else if (merged != BT_NONE) {
		kv_arena_release(vm, merged, true, &released, NULL);
	}
	if (error == 0)
		cursor_move(vm, id, *va + (rq->size - 1));
	return error;
}

int
kv_arena_next(struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va)
{
	bt_id id;
	int error;

	while ((error = next_once(vm, rq, va)) == ENOMEM) {
		if (kv_arena_import(vm, rq, &id) == 0)
			freelist_push(&vm->free, id);
		else if (!kv_arena_drain(vm))
			break;
	}
	return error == 0 ? 0 : ENOMEM;
}
