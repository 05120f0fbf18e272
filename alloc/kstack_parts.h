/* SPDX-License-Identifier: BSD-2-Clause */
/* kstack_parts.h - what the kernel-stack allocator is made of: shared by
 * kstack.c and kstack_inspect.c */
#ifndef KV_KSTACK_PARTS_H
#define KV_KSTACK_PARTS_H

#include "kernmap.h"
#include "kstack.h"
#include "link.h"

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

#endif
