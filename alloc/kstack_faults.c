/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kstack_faults.c - stacks created as faulty code did, to be seen by judges
 *
 * 1 Concepts.  Drafts of D38852, the reviewed one and the committed one had
 *   faults; each is a policy that can be put back alone (kv_kstack_fault).
 *   Those of addresses, objects and chunks are parameters, set up in kstack.c;
 *   here are those of the way in which a stack comes about.
 * 2 Representation.  Bits in the configuration.  Without any of them nothing
 *   of this file runs, but for what the domain of a stack's KVA is.
 * 3 Invariants.  Those of kstack.c, which these policies break.
 * 4 Cost.  No matter.
 * 5 Fidelity.  Spec freebsd.md 7, one line a fault.  Where the kernel would
 *   hang or panic the creation is stopped, and what it had goes back, so that
 *   the state can be looked at.  Two racing creators (freebsd-F12) are taken to
 *   store their policy before either uses it, the first one last: so the
 *   second uses what the first asked for.  Pages that a partial back-out
 *   leaves behind are busy for life: who finds one at a pindex of his sleeps.
 */
#include "kstack_parts.h"

int
kv_kstack_stopped(const struct kv_kstack *ks, struct kv_diag *diag)
{
	if (ks->stopped != 0)
		*diag = ks->why;
	return ks->stopped;
}

static int
stop(struct kv_kstack *ks, int error, unsigned invariant, kv_va_t va,
    const char *text)
{
	if (ks->stopped == 0) {
		ks->stopped = error;
		kv_diag_set(&ks->why, error, "freebsd", invariant, va, text);
	}
	return error;
}

/* freebsd-F12 */
static unsigned
domain_asked(struct kv_kstack *ks, unsigned domain)
{
	if (!kstack_has_fault(ks, KV_KSTACK_SHARED_POLICY))
		return domain;
	if (!ks->paired)
		ks->asked = domain;
	ks->paired = !ks->paired;
	return ks->asked;
}

/* freebsd-F3, F5: no KVA in that domain. */
static int
without_kva(struct kv_kstack *ks)
{
	if (kstack_has_fault(ks, KV_KSTACK_WAIT_KVA))
		return stop(ks, EDEADLK, 11, 0,
		    "a creation sleeps until KVA is freed (M_WAITOK)");
	if (kstack_has_fault(ks, KV_KSTACK_WAIT_PAGES))
		return stop(ks, EDEADLK, 11, 0,
		    "short of KVA, a creation waits for pages, of which "
		    "there are, and tries again for ever");
	return ENOMEM;
}

/* Where the pages go.  => 0; EFAULT: an assertion fails (freebsd-F1, 8, 10) */
static int
place(struct kv_kstack *ks, kv_va_t kva, struct kv_stack *stack)
{
	struct kv_stack at = *stack;

	stack->ks = at.ks = kva + ks->cfg.gpages * ks->page;
	if (kstack_has_fault(ks, KV_KSTACK_ALIGN_ALL) &&
	    kstack_has_chunks(ks) && (kva - ks->linear.origin) % ks->slot != 0)
		return stop(ks, EFAULT, 1, stack->ks,
		    "a slot is asserted to be on a slot boundary");
	if (kstack_has_fault(ks, KV_KSTACK_BACK_SLOT) &&
	    kstack_is_default(ks, stack->npages))
		at.ks = kva;
	if (kstack_first_pindex(ks, &at, &stack->pindex) != 0)
		return stop(ks, EFAULT, 2, at.ks, "guard page pindex");
	stack->pindex += (stack->ks - at.ks) / ks->page;
	return 0;
}

/* Pages one by one, of which the first stay when a later one is missing. */
static int
back_singly(struct kv_kstack *ks, struct kv_object *obj,
    const struct kv_stack *stack, unsigned domain, kv_pfn_t *pfns)
{
	int error = 0;

	for (unsigned i = 0; i < stack->npages && error == 0; i++)
		error = kv_page_alloc(ks->cfg.reserv, obj, stack->pindex + i, 1,
		    domain, &pfns[i]);
	return error;
}

static int
back(struct kv_kstack *ks, const struct kv_stack *stack, unsigned domain,
    kv_pfn_t *pfns)
{
	struct kv_object *obj = kstack_object_for(ks, stack->npages);

	if (kstack_has_fault(ks, KV_KSTACK_PAGES_STAY))
		return back_singly(ks, obj, stack, domain, pfns);
	return kv_page_alloc(
	    ks->cfg.reserv, obj, stack->pindex, stack->npages, domain, pfns);
}

/* A page stands at a pindex of the stack: left behind (freebsd-F11), or one
 * of a stack of another size (freebsd-F17). */
static int
found_busy(struct kv_kstack *ks, kv_va_t va)
{
	if (kstack_has_fault(ks, KV_KSTACK_ONE_OBJECT))
		return stop(ks, EDEADLK, 9, va,
		    "a page of a stack of another size stands at this one's "
		    "pindex, busy for life");
	return stop(ks, EDEADLK, 11, va,
	    "a creation sleeps on a busy page that one before left behind");
}

/* Pages of the stack's domain; with freebsd-F4 of those that follow, too. */
static int
back_from(struct kv_kstack *ks, struct kv_domainset_walk *walk,
    struct kv_stack *stack)
{
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
	unsigned domain = stack->domain;
	int error = back(ks, stack, domain, pfns);

	while (error == ENOMEM && kstack_has_fault(ks, KV_KSTACK_KVA_STAYS) &&
	       kv_domainset_next(walk, &domain)) {
		stack->domain = (uint16_t)domain;
		error = back(ks, stack, domain, pfns);
	}
	if (error == EEXIST)
		return found_busy(ks, stack->ks);
	if (error == 0)
		kv_kstack_backed(ks, stack, pfns, KV_EV_KSTACK_CREATE);
	return error;
}

static int
create_in(struct kv_kstack *ks, struct kv_domainset_walk *walk,
    struct kv_stack *stack)
{
	uint64_t size = (stack->npages + ks->cfg.gpages) * ks->page;
	struct kv_vmem *vm = kstack_arena_for(ks, stack->npages, stack->domain);
	kv_va_t kva;
	int error;

	if (kv_vmem_alloc(vm, size, KV_VMEM_BESTFIT, &kva) != 0)
		return without_kva(ks);
	error = place(ks, kva, stack);
	if (error == 0)
		error = back_from(ks, walk, stack);
	if (error != 0)
		kv_vmem_free(vm, kva, size, NULL);
	return error;
}

int
kv_kstack_create_faulty(
    struct kv_kstack *ks, unsigned domain, struct kv_stack *stack)
{
	struct kv_domainset_walk walk;
	int error = ENOMEM;

	domain = domain_asked(ks, domain);
	kv_domainset_start(&ks->domains, domain, kv_kstack_is_low, ks, &walk);
	while (error == ENOMEM && kv_domainset_next(&walk, &domain)) {
		stack->domain = (uint16_t)domain;
		error = create_in(ks, &walk, stack);
	}
	return error;
}

int
kv_kstack_infer_domain(const struct kv_kstack *ks, const struct kv_stack *stack,
    unsigned *domain, struct kv_diag *diag)
{
	struct kv_vmem_seg seg;
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];

	if (!kstack_has_fault(ks, KV_KSTACK_FOREIGN) &&
	    !kstack_has_fault(ks, KV_KSTACK_KVA_STAYS))
		return 0;
	if (kv_stack_pages(ks, stack, pfns) != 0)
		return 0; /* what frees them says so */
	*domain = kv_phys_domain(ks->cfg.phys, pfns[0]);
	for (unsigned i = 1; i < stack->npages; i++)
		if (kv_phys_domain(ks->cfg.phys, pfns[i]) != *domain)
			return kv_diag_set(diag, EINVAL, "freebsd", 4,
			    stack->ks, "a stack has pages of two domains");
	/* Found out before anything goes, so that it can be looked at. */
	if (kv_vmem_whatis(kstack_arena_for(ks, stack->npages, *domain),
		kstack_kva(ks, stack), &seg) != 0 ||
	    seg.kind != KV_VMEM_BUSY || seg.start != kstack_kva(ks, stack))
		return kv_kstack_not_busy(ks, stack, ENOENT, diag);
	return 0;
}
