/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kstack_swap.c - kernel stacks are swapped out, and in again
 *
 * 1 Concepts.  The pages of a stack whose thread sleeps long may go; its KVA,
 *   and so its pindexes, stay.  It is swapped in before the thread runs.
 * 2 Representation.  A radix tree of the stacks that are out, by page number.
 * 3 Invariants.  Those of kstack.c; a stack that is out has no pages.
 * 4 Cost.  One step a level of the tree.
 * 5 Fidelity.  FreeBSD vm_thread_swapout and vm_thread_swapin, until they were
 *   removed in 2024; spec freebsd.md 3.7.  Pages that are swapped out go to the
 *   laundry queue and are freed some time later: here they are at once.  A
 *   swap-in that finds no page in the stack's domain is put off; as committed
 *   it tried again for ever (freebsd-F9).
 */
#include "kstack_parts.h"

static uint64_t
number_of(const struct kv_kstack *ks, const struct kv_stack *stack)
{
	return (stack->ks - ks->linear.origin) / ks->page;
}

bool
kv_stack_is_out(const struct kv_kstack *ks, const struct kv_stack *stack)
{
	return kv_radix_lookup(&ks->out, number_of(ks, stack)) != NULL;
}

void
kv_kstack_not_out(struct kv_kstack *ks, const struct kv_stack *stack)
{
	kv_radix_remove(&ks->out, number_of(ks, stack));
	ks->nout--;
}

int
kv_stack_swapout(
    struct kv_kstack *ks, const struct kv_stack *stack, struct kv_diag *diag)
{
	struct kv_object *obj = kstack_has_fault(ks, KV_KSTACK_SWAPOUT_DEFAULT)
				    ? ks->object
				    : kstack_object_for(ks, stack->npages);
	kv_pfn_t first;

	if (kv_radix_insert(&ks->out, number_of(ks, stack), ks) != 0)
		return ENOMEM;
	ks->nout++;
	if (kv_object_lookup(obj, stack->pindex, &first) != 0 ||
	    kv_page_free(
		ks->cfg.reserv, obj, stack->pindex, stack->npages, NULL) != 0) {
		kv_kstack_not_out(ks, stack);
		return kv_diag_set(diag, ENOENT, "freebsd", 3, stack->ks,
		    "kernel stack page is already missing");
	}
	ks->wrong_domain -= kstack_is_misplaced(ks, stack, first);
	kv_tap_emit(&ks->cfg.tap, KV_EV_KSTACK_SWAPOUT, "kstack", stack->ks,
	    stack->npages, stack->domain, stack->pindex);
	return 0;
}

/* The pindex that a swap-in asks for. */
static kv_pindex_t
pindex_in(const struct kv_kstack *ks, const struct kv_stack *stack)
{
	return kstack_has_fault(ks, KV_KSTACK_SWAPIN_LINEAR)
		   ? number_of(ks, stack)
		   : stack->pindex;
}

int
kv_stack_swapin(
    struct kv_kstack *ks, const struct kv_stack *stack, struct kv_diag *diag)
{
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
	int error;

	if (!kv_stack_is_out(ks, stack))
		return 0;
	error =
	    kv_page_alloc(ks->cfg.reserv, kstack_object_for(ks, stack->npages),
		pindex_in(ks, stack), stack->npages, stack->domain, pfns);
	if (error == EEXIST)
		return kv_diag_set(diag, EDEADLK, "freebsd", 3, stack->ks,
		    "another page stands at a pindex of this stack, busy for "
		    "life");
	if (error != 0 && kstack_has_fault(ks, KV_KSTACK_SWAPIN_LOOPS))
		return kv_diag_set(diag, EDEADLK, "freebsd", 11, stack->ks,
		    "a swap-in tries a domain without pages for ever");
	if (error != 0)
		return error;
	kv_kstack_not_out(ks, stack);
	kv_kstack_backed(ks, stack, pfns, KV_EV_KSTACK_SWAPIN);
	return 0;
}
