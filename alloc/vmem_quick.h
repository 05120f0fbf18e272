/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmem_quick.h - arenas: the shortest way through an allocation and a free
 *
 * Private to vmem_hot.c, where nobody listens, and vmem_told.c.  The concepts
 * and invariants are those of vmem.c.
 *
 * What decides here is what was freed before, which no processor foresees; so
 * what can be done without a branch is: lists have heads that are tags, and
 * classes are computed.  What is rare is called in other files, last of all, so
 * that nothing need be kept across a call.
 */
#ifndef KV_VMEM_QUICK_H
#define KV_VMEM_QUICK_H

#include "arena.h"

/* ---- Allocate -------------------------------------------------------- */

static inline void
quick_fill(struct kv_vmem *vm)
{
	vm->spare = vm->spare < SPARE_MIN ? SPARE_MIN : vm->spare;
}

/* Enter a busy tag. */
static inline int
quick_note(struct kv_vmem *vm, struct bt *t, bt_id id, kv_va_t start,
    uint64_t size, kv_va_t *va, bool told)
{
	bt_id *chain = bt_hash_chain(&vm->store, start);

	t->link = *chain;
	*chain = id;
	vm->store.nbusy++;
	vm->inuse += size;
	vm->count_alloc++;
	*va = start;
	if (told)
		kv_tap_tell(
		    &vm->tap, KV_EV_VMEM_ALLOC, vm->name, start, size, 0, 0);
	return 0;
}

/* Cut size bytes from the front of a FREE tag, whose class is that of what is
 * left; tags are in stock. */
static inline int
quick_cut(struct kv_vmem *vm, bt_id rest, uint64_t size, kv_va_t *va, bool told)
{
	bt_id id = bt_take(&vm->store), prev;
	struct bt *t = tag_of(vm, id), *r = tag_of(vm, rest);
	kv_va_t start = r->start;

	vm->spare--;
	t->start = start;
	t->size = size;
	t->back = 0; /* not in a quantum cache */
	t->next = rest;
	r->start = start + size;
	r->size -= size;
	prev = bt_prev(r);
	t->prev = prev | BT_IS(KV_VMEM_BUSY);
	r->prev = id | BT_IS(KV_VMEM_FREE);
	tag_of(vm, prev)->next = id;
	return quick_note(vm, t, id, start, size, va, told);
}

/* kv_vmem_alloc of an arena that needs no care but, when told, to tell.  No
 * class is a log. */
static inline int
quick_alloc(struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit,
    kv_va_t *va, bool told)
{
	uint64_t quanta = (size + vm->qmask) >> vm->qshift, word;
	uint64_t bytes = quanta << vm->qshift;
	struct bt *t;
	unsigned class;
	bt_id id;

	/* quanta is 0 when the size is, or wraps */
	if (quanta - 1 >= FREELIST_EXACT || fit == KV_VMEM_NEXTFIT ||
	    vm->store.nbusy >= vm->store.busy_max)
		return kv_arena_alloc(vm, size, fit, va);
	class = (unsigned)quanta - 1;
	word = vm->free.filled[0] >> class;
	if (word == 0)
		return kv_arena_alloc_parked(vm, bytes, fit, va);
	class += (unsigned)__builtin_ctzll(word);
	id = tag_of(vm, freelist_head_of(class))->link;
	t = tag_of(vm, id);
	if (t->size == bytes) {
		quick_fill(vm);
		freelist_list_pop(&vm->free, vm->store.tag, class, t);
		t->prev ^= BT_IS(KV_VMEM_FREE) ^ BT_IS(KV_VMEM_BUSY);
		return quick_note(vm, t, id, t->start, bytes, va, told);
	}
	if (freelist_class_of((t->size - bytes) >> vm->qshift) != class ||
	    vm->store.nidle < TAGS_PER_OP)
		return kv_arena_alloc_cut(vm, bytes, fit, va, class);
	quick_fill(vm);
	return quick_cut(vm, id, bytes, va, told);
}

/* ---- Free ------------------------------------------------------------ */

/* A FREE neighbour leaves its class and is given back.  => its size */
static inline uint64_t
quick_absorb(struct kv_vmem *vm, struct bt *tag, bt_id id, bool told)
{
	struct bt *t = bt_of(tag, id);

	if (told)
		freelist_remove(&vm->free, id);
	else
		freelist_list_remove(&vm->free, tag, t);
	vm->spare += vm->spare < SPARE_MAX;
	bt_give(&vm->store, id);
	return t->size;
}

/* The last span is free again, and its block is held: it is parked. */
static inline int
quick_park(struct kv_vmem *vm, bt_id id, uint64_t size)
{
	unsigned spare = vm->spare + 2;

	vm->spare = spare < SPARE_MAX ? spare : SPARE_MAX;
	vm->size -= size;
	vm->nspan--;
	vm->count_release++;
	vm->parked = id;
	return 0;
}

/*
 * Free the busy tag that *at, in its chain of the hash, names.  It becomes one
 * with its free neighbours; which tag stays cannot be seen.  Not told: no class
 * is a log.
 */
static inline int
quick_free(struct kv_vmem *vm, bt_id *at, struct kv_diag *diag, bool told)
{
	struct bt *tag = vm->store.tag;
	bt_id id = *at, prev, next;
	struct bt *t = bt_of(tag, id), *p;
	uint64_t size = t->size;
	unsigned class;

	bt_hash_remove(&vm->store, at);
	vm->inuse -= size;
	if (told)
		kv_tap_emit(
		    &vm->tap, KV_EV_VMEM_FREE, vm->name, t->start, size, 0, 0);
	next = t->next;
	if (bt_is_free(bt_of(tag, next))) {
		t->next = bt_of(tag, next)->next;
		bt_of(tag, t->next)->prev += id - next;
		size += quick_absorb(vm, tag, next, told);
	}
	prev = bt_prev(t);
	p = bt_of(tag, prev);
	if (bt_is_free(p)) {
		bt_id gone = prev;

		t->start = p->start;
		prev = bt_prev(p);
		size += quick_absorb(vm, tag, gone, told);
		p = bt_of(tag, prev);
		p->next = id;
	}
	t->size = size;
	t->prev = prev | BT_IS(KV_VMEM_FREE);
	/* one branch: that there is a span says little about what is free */
	if (((~p->prev & BT_IS(KV_VMEM_SPAN)) | (p->size ^ size)) == 0)
		return !told && vm->above != NULL && t->next == BT_NONE
			   ? quick_park(vm, id, size)
			   : kv_arena_whole(vm, id, diag);
	if (told)
		return kv_arena_list(vm, id);
	class = freelist_class_of(size >> vm->qshift);
	freelist_list_push(&vm->free, tag, class, id);
	return 0;
}

#endif
