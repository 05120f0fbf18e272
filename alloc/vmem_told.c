/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmem_told.c - arenas: what is asked most, when somebody listens, and what is
 * asked less of an arena without a listener
 *
 * The concepts and invariants are those of vmem.c.
 */
#include "vmem_quick.h"

/* ---- Allocate -------------------------------------------------------- */

int
kv_arena_alloc_told(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va)
{
	return vm->careful == ARENA_TOLD && vm->free.nlogs == 0
		   ? quick_alloc(vm, size, fit, va, true)
		   : kv_arena_alloc(vm, size, fit, va);
}

int
kv_arena_alloc_cut(struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit,
    kv_va_t *va, unsigned class)
{
	struct bt *tag = vm->store.tag, *t;
	bt_id id = bt_of(tag, freelist_head_of(class))->link;

	if (vm->store.nidle < TAGS_PER_OP)
		return kv_arena_alloc(vm, size, fit, va);
	quick_fill(vm);
	t = bt_of(tag, id);
	freelist_list_pop(&vm->free, tag, class, t);
	freelist_list_push(&vm->free, tag,
	    freelist_class_of((t->size - size) >> vm->qshift), id);
	return quick_cut(vm, id, size, va, vm->tap.fn != NULL);
}

/* Must, after no class had a block, the parked span be taken back, to be cut
 * from its front?  The import of so few bytes is of one import quantum.
 * Nothing parked: tag 0 has no size. */
static inline bool
parked_fits(const struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit)
{
	const struct bt *t = tag_of(vm, vm->parked);

	return fit == KV_VMEM_BESTFIT && t->size == vm->source.import_quantum &&
	       vm->limit == 0 && t->size > size && vm->free.filled[1] == 0 &&
	       vm->store.nidle >= TAGS_PER_OP;
}

int
kv_arena_alloc_parked(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va)
{
	bt_id id;

	if (!parked_fits(vm, size, fit))
		return kv_arena_alloc(vm, size, fit, va);
	quick_fill(vm);
	id = arena_unpark(vm);
	freelist_list_push(&vm->free, vm->store.tag,
	    freelist_class_of((tag_of(vm, id)->size - size) >> vm->qshift), id);
	return quick_cut(vm, id, size, va, vm->tap.fn != NULL);
}

/* ---- Free ------------------------------------------------------------ */

int
kv_arena_xfree(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	uint64_t bytes = kv_align_up(size, vm->qmask + 1);
	bt_id *at;
	const struct bt *t;

	if (vm->below != NULL)
		kv_arena_let_go(vm);
	at = bt_hash_chain(&vm->store, va);
	t = tag_of(vm, *at);
	while (*at != BT_NONE && t->start != va) {
		at = &tag_of(vm, *at)->link;
		t = tag_of(vm, *at);
	}
	if (*at == BT_NONE || t->size - bytes > vm->qmask ||
	    t->back == TAG_CACHED) {
		bt_id id;

		kv_tap_emit(
		    &vm->tap, KV_EV_VMEM_FREE, vm->name, va, bytes, 0, 0);
		return kv_arena_find(vm, va, size, &id, diag);
	}
	return quick_free(vm, at, diag, true);
}

int
kv_arena_list(struct kv_vmem *vm, bt_id id)
{
	freelist_push(&vm->free, id);
	return 0;
}

int
kv_arena_whole(struct kv_vmem *vm, bt_id id, struct kv_diag *diag)
{
	int error = 0;

	if (!kv_arena_release(vm, id, false, &error, diag))
		freelist_push(&vm->free, id);
	return error;
}
