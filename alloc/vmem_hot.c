/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmem_hot.c - arenas: what is asked most, when nobody listens
 *
 * The concepts and invariants are those of vmem.c.
 */
#include "vmem_quick.h"

static inline bool
is_careful(const struct kv_vmem *vm)
{
	return (vm->careful | vm->free.nlogs) != 0;
}

int
kv_vmem_alloc(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va)
{
	return is_careful(vm) ? kv_arena_alloc_told(vm, size, fit, va)
			      : quick_alloc(vm, size, fit, va, false);
}

int
kv_vmem_xfree(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	bt_id *at = bt_hash_chain(&vm->store, va);
	const struct bt *t = tag_of(vm, *at);

	/* all sizes are multiples of the quantum */
	if (is_careful(vm) || *at == BT_NONE || t->start != va ||
	    t->size - size > vm->qmask)
		return kv_arena_xfree(vm, va, size, diag);
	return quick_free(vm, at, diag, false);
}

int
kv_vmem_free(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	return vm->ncaches == 0 ? kv_vmem_xfree(vm, va, size, diag)
				: kv_arena_cache(vm, va, size, diag);
}
