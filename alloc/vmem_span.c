/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmem_span.c - arenas: spans come and go
 *
 * The concepts and invariants are those of vmem.c.  An arena without release
 * function keeps its spans and joins a new one to the last segment when the two
 * touch; one with a release function never joins, and gives a span back as soon
 * as it is one free segment (freebsd.md 1.6).
 */
#include "arena.h"

/* Does a new span at va continue the last segment?  Only arenas that never
 * give spans back join them. */
static bool
span_joins(const struct kv_vmem *vm, kv_va_t va)
{
	const struct bt *last = tag_of(vm, bt_prev(tag_of(vm, BT_NONE)));
	enum kv_vmem_kind kind = bt_kind(last);

	return vm->source.release == NULL &&
	       (kind == KV_VMEM_FREE || kind == KV_VMEM_BUSY) &&
	       last->start + last->size == va && va != 0; /* not past 2^64 */
}

bt_id
kv_arena_add(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, enum kv_vmem_kind kind)
{
	bt_id last = bt_prev(tag_of(vm, BT_NONE));

	if (((va | size) & vm->qmask) != 0)
		vm->careful |= ARENA_ODD;
	vm->size += size;
	if (!span_joins(vm, va)) {
		tag_insert(vm, BT_NONE, kind, va, size);
		vm->nspan++;
	} else if (bt_is_free(tag_of(vm, last))) {
		freelist_remove(&vm->free, last);
		tag_of(vm, last)->size += size;
		return last;
	}
	return tag_insert(vm, BT_NONE, KV_VMEM_FREE, va, size);
}

bool
kv_arena_release(
    struct kv_vmem *vm, bt_id id, bool listed, int *error, struct kv_diag *diag)
{
	struct bt *t = tag_of(vm, id);
	bt_id span = bt_prev(t);
	kv_va_t va = t->start;
	uint64_t size = t->size;
	bool park;

	if (vm->source.release == NULL || span == BT_NONE ||
	    bt_kind(tag_of(vm, span)) != KV_VMEM_SPAN ||
	    tag_of(vm, span)->size != size)
		return false;
	if (listed)
		freelist_remove(&vm->free, id);
	park = t->next == BT_NONE && kv_arena_hold(vm, span);
	if (!park) {
		bt_drop(&vm->store, id);
		bt_drop(&vm->store, span);
	}
	vm->spare += 2;
	tags_trim(vm);
	vm->size -= size;
	vm->nspan--;
	vm->count_release++;
	kv_tap_emit(&vm->tap, KV_EV_VMEM_RELEASE, vm->name, va, size, 0, 0);
	if (park)
		vm->parked = id;
	else
		*error = vm->source.release(vm->source.arg, va, size, diag);
	return true;
}

bool
kv_arena_ask(
    const struct kv_vmem *vm, uint64_t size, uint64_t align, uint64_t *ask)
{
	uint64_t quantum = vm->source.import_quantum;

	if (align != vm->qmask + 1 &&
	    (align > UINT64_MAX / 2 || !kv_add(size, 2 * align, &size)))
		return false;
	if (size > quantum)
		return kv_round_up(size, quantum, ask);
	*ask = quantum;
	return true;
}

int
kv_arena_import(struct kv_vmem *vm, const struct kv_vmem_req *rq, bt_id *id)
{
	uint64_t ask, got;
	kv_va_t va;

	if (vm->source.import == NULL || vm->spare < SPARE_MIN ||
	    !kv_arena_ask(vm, rq->size, rq->align, &ask))
		return ENOMEM;
	if (vm->limit != 0 && (ask > vm->limit || vm->size > vm->limit - ask))
		return ENOMEM;
	if (bt_reserve(&vm->store, TAGS_PER_OP) != 0 ||
	    kv_draws_refuse(vm->store.host->draws, KV_DRAW_IMPORT))
		return ENOMEM;
	if (vm->parked != BT_NONE && rq->fit == KV_VMEM_BESTFIT &&
	    (tag_of(vm, vm->parked)->size == ask || kv_arena_resize(vm, ask))) {
		*id = arena_unpark(vm);
		return 0;
	}
	if (vm->source.import(vm->source.arg, ask, rq->fit, &va, &got) != 0)
		return ENOMEM;
	vm->count_import++;
	kv_tap_emit(&vm->tap, KV_EV_VMEM_IMPORT, vm->name, va, got, 0, 0);
	*id = kv_arena_add(vm, va, got, KV_VMEM_SPAN);
	return 0;
}
