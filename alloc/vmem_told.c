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
	if (vm->careful == ARENA_HELD) {
		kv_arena_let_go(vm);
		return vm->free.nlogs == 0
			   ? quick_alloc(vm, size, fit, va, false)
			   : kv_arena_alloc(vm, size, fit, va);
	}
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
	       vm->limit == 0 && t->size > size;
}

/* Can a block be cut from the front of a segment, and something be left? */
static inline bool
is_front(const struct bt *t, uint64_t size, uint64_t align)
{
	return t->size > size && (t->start & (align - 1)) == 0;
}

/* No class has a block, tags are in stock and nobody listens: import. */
static int
alloc_imported(struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va)
{
	struct bt *t;
	kv_va_t got;
	bt_id id;

	quick_fill(vm);
	if (kv_arena_import(vm, rq, &id) != 0) {
		vm->count_fail++;
		return ENOMEM;
	}
	t = tag_of(vm, id);
	if (vm->careful == 0 && vm->free.nlogs == 0 &&
	    is_front(t, rq->size, rq->align)) {
		freelist_list_push(&vm->free, vm->store.tag,
		    freelist_class_of((t->size - rq->size) >> vm->qshift), id);
		return quick_cut(vm, id, rq->size, va, false);
	}
	if (kv_arena_spans(vm, rq, id, &got) != 0) {
		vm->count_fail++;
		return ENOMEM;
	}
	vm->count_alloc++;
	*va = got;
	return 0;
}

int
kv_arena_alloc_front(
    struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va)
{
	unsigned class = freelist_class(&vm->free, rq->size);
	bt_id id;

	if ((vm->careful | vm->free.nlogs) != 0 ||
	    vm->store.nidle < TAGS_PER_OP ||
	    vm->store.nbusy >= vm->store.busy_max)
		return EAGAIN;
	class = freelist_next(&vm->free, class);
	if (class == FREELIST_CLASSES)
		return vm->source.import == NULL ? EAGAIN
						 : alloc_imported(vm, rq, va);
	id = tag_of(vm, freelist_head_of(class))->link;
	return is_front(tag_of(vm, id), rq->size, rq->align)
		   ? kv_arena_alloc_cut(vm, rq->size, rq->fit, va, class)
		   : EAGAIN;
}

int
kv_arena_alloc_parked(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va)
{
	struct kv_vmem_req rq = {.size = size,
	    .align = vm->qmask + 1,
	    .max = KV_ADDR_MAX,
	    .fit = fit};
	bt_id id;

	if (vm->free.filled[1] != 0 || vm->store.nidle < TAGS_PER_OP)
		return kv_arena_alloc(vm, size, fit, va);
	if (!parked_fits(vm, size, fit))
		return vm->tap.fn == NULL && vm->source.import != NULL
			   ? alloc_imported(vm, &rq, va)
			   : kv_arena_alloc(vm, size, fit, va);
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
