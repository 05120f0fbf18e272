/* SPDX-License-Identifier: BSD-2-Clause */
/* kstack_parts.h - what the kernel-stack allocator is made of: shared by
 * kstack.c and kstack_inspect.c */
#ifndef KV_KSTACK_PARTS_H
#define KV_KSTACK_PARTS_H

#include "kernmap.h"
#include "kstack.h"
#include "link.h"
#include "radix.h"

enum { KSTACK_NAME = 16 };

/* The arenas of one domain; none under the old scheme. */
struct kstack_domain {
	struct kv_vmem *kva;	/* vmd_kernel_arena */
	struct kv_vmem *stacks; /* vmd_kstack_arena: slots of default size */
	struct kv_link kva_link, stacks_link; /* (c) where they import */
	char kva_name[KSTACK_NAME], stacks_name[KSTACK_NAME];
};

struct kv_kstack {
	struct kv_kstack_config cfg; /* (c) */
	struct kv_pindex_map map;    /* (c) of default-size stacks */
	struct kv_pindex_map linear; /* (c) of the others */
	uint64_t page;		     /* (c) bytes of a page */
	uint64_t slot;	      /* (c) bytes of a default slot, guard included */
	uint64_t kva_quantum; /* (c) bytes: imports of the kernel arena */
	uint64_t chunk;	      /* (c) bytes taken from the parent (KSQ) */
	struct kv_kernmap map_kva;    /* kernel_map: source of the arenas */
	struct kv_vmem *kernel;	      /* kernel_arena */
	struct kstack_domain *domain; /* [cfg.ndomains], new schemes only */
	struct kv_domainset domains;  /* of the objects */
	struct kv_object *object;     /* default size */
	struct kv_object *alt_object; /* other sizes; NULL: old scheme */
	struct kv_stack *others;      /* live stacks of other sizes */
	size_t nothers, others_capacity;
	struct kv_radix out; /* by page number: swapped out */
	uint64_t nout;
	/* of faults */
	int stopped;	    /* errno of the first creation that was */
	struct kv_diag why; /* and what it would have panicked on */
	unsigned asked;	    /* domain that the last creator stored */
	bool paired;	    /* by the second of two racing creators */
	uint64_t live, created, disposed, failed, wrong_domain; /* (s) */
};

/* Are there stack arenas? */
static inline bool
kstack_has_chunks(const struct kv_kstack *ks)
{
	return ks->cfg.scheme != KV_KSTACK_OLD;
}

static inline bool
kstack_is_default(const struct kv_kstack *ks, unsigned npages)
{
	return npages == ks->cfg.npages;
}

/* KVA of a stack's slot: lowest guard byte. */
static inline kv_va_t
kstack_kva(const struct kv_kstack *ks, const struct kv_stack *stack)
{
	return stack->ks - ks->cfg.gpages * ks->page;
}

/* The object that holds the pages of a stack of that size. */
static inline struct kv_object *
kstack_object_for(const struct kv_kstack *ks, unsigned npages)
{
	return kstack_is_default(ks, npages) || ks->alt_object == NULL
		   ? ks->object
		   : ks->alt_object;
}

/* The arena that owns KVA of stacks of that size and domain. */
static inline struct kv_vmem *
kstack_arena_for(const struct kv_kstack *ks, unsigned npages, unsigned domain)
{
	if (!kstack_has_chunks(ks))
		return ks->kernel;
	return kstack_is_default(ks, npages) ? ks->domain[domain].stacks
					     : ks->domain[domain].kva;
}

/* pindex of a stack's first page; other sizes are linear. */
static inline int
kstack_first_pindex(const struct kv_kstack *ks, const struct kv_stack *stack,
    kv_pindex_t *pindex)
{
	return kv_pindex_of(
	    kstack_is_default(ks, stack->npages) ? &ks->map : &ks->linear,
	    stack->ks, pindex);
}

/* A stack has its pages: count it as misplaced or not, tell them and why. */
void kv_kstack_backed(struct kv_kstack *ks, const struct kv_stack *stack,
    const kv_pfn_t *pfns, enum kv_event_kind why);

/* Does the stack stand on another domain's pages? */
static inline bool
kstack_is_misplaced(
    const struct kv_kstack *ks, const struct kv_stack *stack, kv_pfn_t first)
{
	return ks->cfg.ndomains > 1 &&
	       kv_phys_domain(ks->cfg.phys, first) != stack->domain;
}

/* vm_page_count_min */
bool kv_kstack_is_low(const void *ks, unsigned domain);

/* It is not swapped out any more. */
void kv_kstack_not_out(struct kv_kstack *ks, const struct kv_stack *stack);

/* ---- Faults (kstack_faults.c) ------------------------------------------ */

static inline bool
kstack_has_fault(const struct kv_kstack *ks, enum kv_kstack_fault fault)
{
	return (ks->cfg.faults & (unsigned)fault) != 0;
}

/* KVA and pages of a stack, faults and all.  => as kv_stack_create */
int kv_kstack_create_faulty(
    struct kv_kstack *ks, unsigned domain, struct kv_stack *stack);

/* I5 is broken.  => error, and *diag */
int kv_kstack_not_busy(const struct kv_kstack *ks, const struct kv_stack *stack,
    int error, struct kv_diag *diag);

/* The domain whose arena gets the KVA back.  => 0; ENOENT, EINVAL and *diag */
int kv_kstack_infer_domain(const struct kv_kstack *ks,
    const struct kv_stack *stack, unsigned *domain, struct kv_diag *diag);

#endif
