/* SPDX-License-Identifier: BSD-2-Clause */
/* world_stacks.c - the stacks of a world: made, mapped, cached, given out */
#include "out/mem.h"
#include "run/rng.h"
#include "run/world.h"

/* ---- Making and mapping ---------------------------------------------- */

/* The hash of freebsd.md 8.3: pages ascending, then the stack. */
static void
hash_creation(
    struct kv_world *w, const struct kv_stack *stack, const kv_pfn_t *pfns)
{
	unsigned shift = w->spec.machine->page_shift;
	uint32_t i;

	for (i = 0; i < stack->npages; i++)
		w->fnv = kv_fnv_mix(w->fnv, pfns[i] << shift);
	w->fnv = kv_fnv_mix(w->fnv, stack->ks);
}

/* pmap_qremove, or pmap_remove where pmap_enter maps stacks; both flush the
 * range, pmap_qremove whatever was there. */
static void
unmap(struct kv_world *w, kv_va_t va, unsigned npages)
{
	struct kv_pmap *kernel = w->spaces[0].pmap;
	uint64_t size = (uint64_t)npages << w->spec.machine->page_shift;

	if (w->spec.mapping == KV_WORLD_QENTER)
		kv_pmap_qremove(kernel, va, npages);
	else
		kv_pmap_remove(kernel, va, size, NULL);
	if (w->cpus != NULL)
		kv_cpus_flush_range(w->cpus, 0, va, npages);
}

/*
 * The guard first (freebsd.md 3.4), then the pages.  What cannot be mapped,
 * because a superpage is in the way, the check of leaves names.
 * => 0; ENOMEM: no table, which in a kernel's half is never missing
 */
static int
map_stack(struct kv_world *w, const struct kv_stack *s, const kv_pfn_t *pfns)
{
	const unsigned attr = KV_PTE_W | KV_PTE_G;
	unsigned shift = w->spec.machine->page_shift;
	kv_va_t guard = s->ks - ((uint64_t)w->spec.gpages << shift);
	struct kv_space *kernel = &w->spaces[0];
	int error = 0;
	uint32_t i;

	unmap(w, guard, w->spec.gpages);
	if (w->spec.mapping == KV_WORLD_QENTER)
		error =
		    kv_pmap_qenter(kernel->pmap, s->ks, pfns, s->npages, attr);
	else
		for (i = 0; i < s->npages && error != ENOMEM; i++)
			error = kv_space_enter(kernel,
			    s->ks + ((uint64_t)i << shift), pfns[i],
			    attr | KV_PTE_A | KV_PTE_M);
	return error == ENOMEM ? ENOMEM : 0;
}

/* What is done with the frames of a new stack.  => 0, ENOMEM */
static int
use_pages(struct kv_world *w, const struct kv_stack *stack)
{
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];

	if (kv_stack_pages(w->kstack, stack, pfns) != 0)
		return 0; /* kv_world_check says so */
	if (map_stack(w, stack, pfns) != 0)
		return ENOMEM;
	if (w->spec.hash)
		hash_creation(w, stack, pfns);
	return 0;
}

static int
make(struct kv_world *w, unsigned npages, unsigned domain,
    struct kv_stack *stack)
{
	int error;

	if (w->spec.domains == KV_DOMAINSET_FIRST_TOUCH)
		domain = kv_world_cpu_domain(w, w->cpu);
	error = kv_stack_create(w->kstack, npages, domain, stack);
	if (error == 0 && use_pages(w, stack) != 0) {
		unmap(w, stack->ks, stack->npages);
		kv_stack_dispose(w->kstack, stack, NULL);
		error = ENOMEM;
	}
	return error;
}

static int
unmake(struct kv_world *w, const struct kv_stack *stack, struct kv_diag *diag)
{
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
	int error;

	unmap(w, stack->ks, stack->npages);
	error = kv_stack_dispose(w->kstack, stack, diag);
	if (error == 0 && w->spec.hash)
		w->fnv = kv_fnv_mix(w->fnv, stack->ks);
	/* What could not go is as it was, to be looked at. */
	if (error != 0 && kv_stack_pages(w->kstack, stack, pfns) == 0)
		map_stack(w, stack, pfns);
	return error;
}

/* ---- The cache (freebsd.md 3.5) -------------------------------------- */

static unsigned
import(void *arg, void *items, unsigned n, unsigned domain)
{
	struct kv_stack *stacks = items;
	unsigned i = 0;

	while (i < n && make(arg, 0, domain, &stacks[i]) == 0)
		i++;
	return i;
}

static int
release(void *arg, const void *item, struct kv_diag *diag)
{
	return unmake(arg, item, diag);
}

/* That of the page at ks, whatever arena the KVA is from. */
unsigned
kv_world_page_domain(const struct kv_world *w, const struct kv_stack *stack)
{
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];

	if (kv_stack_pages(w->kstack, stack, pfns) != 0)
		return stack->domain;
	return kv_phys_domain(w->phys, pfns[0]);
}

static unsigned
domain_of(void *arg, const void *item)
{
	return kv_world_page_domain(arg, item);
}

int
kv_world_stack_cache_create(struct kv_world *w)
{
	uint64_t limit = UINT64_C(4) * w->spec.ncpus;
	struct kv_zone_config cfg = {.item_size = sizeof(struct kv_stack),
	    .ncpus = w->spec.ncpus,
	    .ndomains = w->spec.ndomains,
	    .limit = limit < KV_WORLD_CACHE_MIN ? KV_WORLD_CACHE_MIN : limit,
	    .source = {import, release, domain_of, w},
	    .host = &w->host};

	/* The zone's item size counts for accounts alone. */
	w->item_size = w->spec.npages;
	if ((w->spec.faults & KV_WORLD_NO_GUARD) == 0)
		w->item_size += w->spec.gpages;
	w->item_size *= kv_machine_page_size(w->spec.machine);
	return kv_zone_create(&cfg, &w->stack_cache);
}

int
kv_world_drain_caches(struct kv_world *w, struct kv_diag *diag)
{
	int error = 0;

	if (w->stack_cache != NULL)
		error = kv_zone_drain(w->stack_cache, diag);
	if (w->page_cache != NULL)
		kv_pagecache_drain(w->page_cache);
	return error;
}

void
kv_world_note_shortage(struct kv_world *w)
{
	w->low_memory = w->stack_cache != NULL || w->page_cache != NULL;
}

/* What the page daemon has the zones do when an allocation has failed. */
static void
relieve(struct kv_world *w)
{
	w->low_memory = false;
	w->lowmem++;
	kv_world_drain_caches(w, NULL); /* what cannot be freed stays */
}

void
kv_world_tick(struct kv_world *w)
{
	w->ops++;
	kv_reserv_tick(w->reserv, 1);
	if (w->low_memory)
		relieve(w);
}

/* ---- Threads --------------------------------------------------------- */

unsigned
kv_world_cpu_domain(const struct kv_world *w, unsigned cpu)
{
	return (unsigned)((uint64_t)cpu * w->spec.ndomains / w->spec.ncpus);
}

void
kv_world_run_on(struct kv_world *w, unsigned cpu)
{
	w->cpu = cpu;
	if (w->page_cache != NULL)
		kv_pagecache_set_cpu(w->page_cache, cpu);
	if (w->cpus != NULL && w->cpus->cfg.count > 1)
		kv_cpus_run_on(w->cpus, cpu);
}

/* vm_thread_new: from the cache, else made for the thread. */
static int
thread_new(struct kv_world *w, unsigned npages, unsigned domain,
    struct kv_stack *stack)
{
	if (w->stack_cache != NULL &&
	    (npages <= 1 || npages == w->spec.npages) &&
	    kv_zone_alloc(w->stack_cache, w->cpu, stack) == 0)
		return 0;
	return make(w, npages, domain, stack);
}

int
kv_world_spawn(struct kv_world *w, unsigned npages, unsigned domain)
{
	struct kv_stack stack;
	int error;

	kv_world_tick(w);
	error = thread_new(w, npages, domain, &stack);
	if (error == EFAULT || error == EDEADLK)
		return error;
	if (error != 0) {
		w->failed++;
		kv_world_note_shortage(w);
		return error;
	}
	if (w->nstacks == w->capacity) {
		w->capacity = w->capacity == 0 ? 1024 : 2 * w->capacity;
		w->stacks =
		    kv_mem_resize(w->stacks, w->capacity, sizeof(*w->stacks));
		w->homes =
		    kv_mem_resize(w->homes, w->capacity, sizeof(*w->homes));
	}
	w->homes[w->nstacks] = (uint16_t)kv_world_cpu_domain(w, w->cpu);
	w->stacks[w->nstacks++] = stack;
	return 0;
}

static void
note_free(struct kv_world *w, size_t i)
{
	unsigned cpu = kv_world_cpu_domain(w, w->cpu);
	bool matched = kv_world_page_domain(w, &w->stacks[i]) == cpu;

	w->frees.matched += matched;
	w->frees.mismatched += !matched;
	w->frees.remote += w->homes[i] != cpu;
}

int
kv_world_dispose(struct kv_world *w, size_t i, struct kv_diag *diag)
{
	struct kv_stack stack = w->stacks[i];
	int error;

	if (w->spec.ndomains > 1)
		note_free(w, i);
	kv_world_tick(w);
	if (w->stack_cache != NULL && stack.npages == w->spec.npages)
		error = kv_zone_free(w->stack_cache, w->cpu, &stack, diag);
	else
		error = unmake(w, &stack, diag);
	if (error == 0) {
		w->gone = stack;
		w->gone.domain = (w->spec.faults & KV_WORLD_STALE) != 0
				     ? UINT16_MAX
				     : KV_WORLD_NO_DOMAIN;
		w->stacks[i] = w->stacks[--w->nstacks];
		w->homes[i] = w->homes[w->nstacks];
	}
	return error;
}

/* ---- Swapping -------------------------------------------------------- */

int
kv_world_swapout(struct kv_world *w, size_t i, struct kv_diag *diag)
{
	const struct kv_stack *stack = &w->stacks[i];
	int error;

	kv_world_tick(w);
	w->swaps = true;
	error = kv_stack_swapout(w->kstack, stack, diag);
	if (error == 0)
		unmap(w, stack->ks, stack->npages);
	return error;
}

int
kv_world_swapin(struct kv_world *w, size_t i, struct kv_diag *diag)
{
	int error;

	kv_world_tick(w);
	error = kv_stack_swapin(w->kstack, &w->stacks[i], diag);
	if (error == 0 && use_pages(w, &w->stacks[i]) != 0) {
		unmap(w, w->stacks[i].ks, w->stacks[i].npages);
		kv_stack_swapout(w->kstack, &w->stacks[i], NULL);
		error = ENOMEM;
	}
	if (error == ENOMEM)
		kv_world_note_shortage(w);
	return error;
}
