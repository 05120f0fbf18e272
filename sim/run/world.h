/* SPDX-License-Identifier: BSD-2-Clause */
/* world.h - builds what a run needs; owns all of it and frees it */
#ifndef KV_SIM_WORLD_H
#define KV_SIM_WORLD_H

#include "alloc/kv.h"
#include "hw/cpus.h"
#include "out/metrics.h"
#include "run/data.h"
#include "run/space.h"
#include "run/usage.h"

/* How stacks are mapped; the kernel does it with pmap_qenter. */
enum kv_world_mapping {
	KV_WORLD_QENTER,
	KV_WORLD_ENTER /* what if: pmap_enter, which tries promotion */
};

/* Faults of threads and of the cache of stacks (freebsd.md 7). */
enum kv_world_fault {
	KV_WORLD_NO_GUARD = KV_KSTACK_FAULT(14), /* not accounted */
	KV_WORLD_STALE = KV_KSTACK_FAULT(15)	 /* UINT16_MAX: no domain */
};

/* A machine with memory, one kernel-stack policy, objects and spaces. */
struct kv_world_spec {
	const struct kv_machine *machine;
	const struct kv_phys_range *ranges; /* for kv_world_create only */
	size_t nranges;
	unsigned ndomains;
	enum kv_kstack_scheme scheme;
	unsigned npages, gpages;
	bool domain_guard;
	enum kv_phys_class request; /* of the pages of stacks */
	enum kv_domainset_policy domains;
	enum kv_domainset_iterator iterator;
	uint64_t free_min, free_reserved; /* pages of a domain */
	bool returned;			  /* parents give spans back */
	uint64_t import_quantum;      /* of those, bytes; 0: the machine's */
	bool lazy_init;		      /* boot memory is in a pool of its own */
	bool stack_cache, page_cache; /* per-CPU caches of them */
	unsigned ncpus;		      /* dealt to the domains in blocks; 0: 1 */
	uint64_t first_kva;
	enum kv_world_mapping mapping;
	bool no_kstacks; /* what is said of them does not count */
	unsigned faults; /* bits of kv_kstack_fault and kv_world_fault */
	/* The next seven are for kv_world_create only.  Without spaces there is
	 * the kernel's, in the machine's format, with promotion. */
	const struct kv_object_config *objects; /* host is filled in */
	size_t nobjects;
	const struct kv_space_config *spaces; /* memory is filled in */
	size_t nspaces;
	const size_t *tables; /* of each space: 1 + its pool, 0 = none */
	const struct kv_ptpool_config *pools; /* host is filled in */
	size_t npools;
	bool hash;   /* keep trace.fnv: a look at every page of a new stack */
	bool nested; /* one of many: metadata from malloc */
	struct kv_draws *draws; /* not owned; NULL: none is refused */
	struct kv_tap tap;	/* is told what happens; {0}: nobody is */
};

/* Disposals, where there are several domains (metrics.md 14). */
struct kv_world_frees {
	uint64_t matched, mismatched; /* the CPU's domain and the pages' */
	uint64_t remote; /* on another domain than it was created on */
};

/*
 * Live stacks stand in a dense array: disposing of entry i moves the last
 * entry into i (freebsd.md 8.3).  Use it read-only.
 */
struct kv_world {
	struct kv_host host;
	struct kv_phys *phys;
	struct kv_reserv *reserv;
	struct kv_pagecache *page_cache; /* NULL: none */
	struct kv_kstack *kstack;	 /* NULL: no kernel stacks */
	struct kv_zone *stack_cache;	 /* of default stacks; NULL: none */
	uint64_t item_size;		 /* bytes that each counts as there */
	unsigned cpu;			 /* that operations run on */
	struct kv_ptpool **pools;	 /* that tables come from */
	size_t npools;
	struct kv_space *spaces; /* the kernel's first */
	struct kv_cpus *cpus; /* not owned; flushed with stacks; NULL: none */
	size_t nspaces;
	struct kv_object **objects; /* of the scenario */
	size_t nobjects;
	struct kv_data *data; /* mapped by mode */
	struct kv_stack *stacks;
	uint16_t *homes; /* domains that stacks were created on */
	size_t nstacks, capacity;
	struct kv_stack gone; /* what the last thread that ended still says */
	bool swaps;	      /* a stack was to be swapped out */
	struct kv_world_frees frees;
	uint64_t failed; /* creations that ended in ENOMEM */
	bool low_memory; /* the last operation found no memory */
	uint64_t lowmem; /* times that the caches were drained for that */
	uint64_t fnv;	 /* trace.fnv so far */
	uint64_t ops;	 /* creations and disposals, failed ones included */
	struct kv_usage usage;	   /* pages: populated, and out of the queues */
	struct kv_world_spec spec; /* (c) */
};

/* => 0; EINVAL, ERANGE (memory or policy not legal); ENOMEM */
int kv_world_create(const struct kv_world_spec *spec, struct kv_world **w);
void kv_world_destroy(struct kv_world *w);

/* interrupt_free_min: pages that requests of the class system leave, where
 * those of the class normal leave as many. */
enum { KV_WORLD_INTERRUPT_MIN = 2 };

/* KSTACK_CACHE_SIZE has a floor: 128 stacks, or 4 a CPU. */
enum { KV_WORLD_CACHE_MIN = 128 };

/* Put the zone of default stacks before the stacks.  => 0, ENOMEM */
int kv_world_stack_cache_create(struct kv_world *w);

/* All cached stacks and pages go back.  => 0, or would-panic with *diag */
int kv_world_drain_caches(struct kv_world *w, struct kv_diag *diag);

/* An allocation found no memory: the next tick drains the caches. */
void kv_world_note_shortage(struct kv_world *w);

/* The domain of a CPU; and the CPU, below ncpus, that runs what follows. */
unsigned kv_world_cpu_domain(const struct kv_world *w, unsigned cpu);
void kv_world_run_on(struct kv_world *w, unsigned cpu);

/*
 * One tick, then a stack: from the cache of the CPU if there is one and the
 * size is the default, else made, the domain preferred.  After a failure the
 * next tick drains the caches.
 * => 0 and it is the last of stacks[]; ENOMEM; EFAULT, EDEADLK where a fault
 *    stops it: kv_kstack_stopped
 */
int kv_world_spawn(struct kv_world *w, unsigned npages, unsigned domain);

/* One tick, then entry i goes.  => 0, or would-panic with *diag */
int kv_world_dispose(struct kv_world *w, size_t i, struct kv_diag *diag);

/* One tick, then as kv_space_map. */
int kv_world_map(
    struct kv_world *w, size_t space, const struct kv_space_range *range);

/* What a thread without a stack says of its domain (MAXMEMDOM). */
enum { KV_WORLD_NO_DOMAIN = KV_DOMAINSET_MAX };

/* One tick, then entry i is swapped out, or in.
 * => 0; ENOMEM; what kv_stack_swapout and kv_stack_swapin answer, *diag */
int kv_world_swapout(struct kv_world *w, size_t i, struct kv_diag *diag);
int kv_world_swapin(struct kv_world *w, size_t i, struct kv_diag *diag);

/* One tick: an operation on page tables alone follows. */
void kv_world_tick(struct kv_world *w);

/* Unmap all that is mapped, free all pages of objects; no stacks are there. */
void kv_world_clear(struct kv_world *w);

/* Note how much memory is used and live now; after each operation. */
void kv_world_note_usage(struct kv_world *w);

/* Free blocks of a domain by order, over its lists and pools. */
void kv_world_blocks(const struct kv_phys *phys, unsigned domain,
    uint64_t blocks[KV_PHYS_ORDERS]);

/* Add all metrics of the state to the set, names as in metrics.def. */
void kv_world_measure(const struct kv_world *w, struct kv_metrics *m);

/* The figures of one arena, vmem.NAME.*. */
void kv_world_measure_arena(const struct kv_vmem *vm, struct kv_metrics *m);

/* Pages of memory of a domain. */
uint64_t kv_world_domain_pages(const struct kv_world *w, unsigned domain);

/* The domain of a stack's first page; that of its KVA if that is missing. */
unsigned kv_world_page_domain(
    const struct kv_world *w, const struct kv_stack *stack);

/* Arenas of the kernel stacks, as kv_kstack_arena; without stacks none. */
const struct kv_vmem *kv_world_arena(const struct kv_world *w, unsigned i);

/* The object that holds the pages of a stack. */
const struct kv_object *kv_world_object(
    const struct kv_world *w, const struct kv_stack *stack);

/* Guard pages of a stack at whose index its object holds a page, or which a
 * leaf maps. */
uint64_t kv_world_guard_pages(
    const struct kv_world *w, const struct kv_stack *stack);

/*
 * What holds for entry i alone: slot alignment, guards, dense pindices, pages
 * present and of the stack's domain (I1 to I4 of kstack.c), leaves (I1 of
 * space.c).
 * => 0, or EFAULT and *diag
 */
int kv_world_check_stack(
    const struct kv_world *w, size_t i, struct kv_diag *diag);

/* All invariants of all parts.
 * => 0; EFAULT and *diag; ENOMEM: no room to check */
int kv_world_check(const struct kv_world *w, struct kv_diag *diag);

#endif
