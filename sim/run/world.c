/* SPDX-License-Identifier: BSD-2-Clause */
/* world.c - a machine with memory, kernel stacks, objects and spaces */
#include "run/world.h"

#include <stdlib.h>

#include "out/mem.h"
#include "run/rng.h"

/* ---- Create ---------------------------------------------------------- */

static int
objects_create(struct kv_world *w)
{
	const struct kv_world_spec *s = &w->spec;
	struct kv_object_config cfg;
	int error = 0;

	w->objects =
	    kv_mem_resize(NULL, s->nobjects, sizeof(struct kv_object *));
	while (w->nobjects < s->nobjects && error == 0) {
		cfg = s->objects[w->nobjects];
		cfg.host = &w->host;
		cfg.tap = s->tap;
		error = kv_object_create(&cfg, &w->objects[w->nobjects]);
		w->nobjects += error == 0;
	}
	return error;
}

static int
pools_create(struct kv_world *w)
{
	const struct kv_world_spec *s = &w->spec;
	struct kv_ptpool_config cfg;
	int error = 0;

	w->pools = kv_mem_resize(NULL, s->npools, sizeof(struct kv_ptpool *));
	while (w->npools < s->npools && error == 0) {
		cfg = s->pools[w->npools];
		cfg.host = &w->host;
		error = kv_ptpool_create(&cfg, &w->pools[w->npools]);
		w->npools += error == 0;
	}
	return error;
}

static int
spaces_create(struct kv_world *w)
{
	const struct kv_world_spec *s = &w->spec;
	const struct kv_space_config kernel = {.name = "kernel",
	    .format = kv_pte_find(s->machine->name),
	    .promotion = true};
	size_t n = s->nspaces != 0 ? s->nspaces : 1;
	struct kv_space_config cfg;
	int error = 0;

	w->spaces = kv_mem_resize(NULL, n, sizeof(*w->spaces));
	while (w->nspaces < n && error == 0) {
		cfg = s->nspaces != 0 ? s->spaces[w->nspaces] : kernel;
		cfg.user = w->nspaces != 0;
		cfg.tap = s->tap;
		cfg.phys = w->phys;
		cfg.reserv = w->reserv;
		cfg.id = (uint32_t)w->nspaces;
		if (s->nspaces != 0 && s->tables != NULL &&
		    s->tables[w->nspaces] != 0)
			cfg.pool = w->pools[s->tables[w->nspaces] - 1];
		cfg.draws = s->draws;
		error = kv_space_init(&w->spaces[w->nspaces], &cfg);
		w->nspaces += error == 0;
	}
	return error;
}

/* freebsd.md 4.2 */
static void
set_thresholds(struct kv_world *w, unsigned domain)
{
	uint64_t reserved = w->spec.free_reserved;

	kv_phys_set_free_min(w->phys, domain, w->spec.free_min);
	kv_phys_set_class_limit(w->phys, KV_PHYS_NORMAL, domain, reserved);
	kv_phys_set_class_limit(w->phys, KV_PHYS_SYSTEM, domain,
	    reserved < KV_WORLD_INTERRUPT_MIN ? reserved
					      : KV_WORLD_INTERRUPT_MIN);
}

static int
memory_create(struct kv_world *w)
{
	const struct kv_world_spec *s = &w->spec;
	struct kv_phys_config phys = {.machine = s->machine,
	    .ranges = s->ranges,
	    .nranges = s->nranges,
	    .ndomains = s->ndomains,
	    .lazy_init = s->lazy_init,
	    .host = &w->host,
	    .tap = s->tap};
	struct kv_pagecache_config cache = {
	    .host = &w->host, .ncpus = s->ncpus};
	struct kv_reserv_config reserv = {.host = &w->host, .tap = s->tap};
	unsigned d;
	int error;

	kv_tap_emit(&s->tap, KV_EV_RUN_MACHINE, s->machine->name,
	    kv_machine_page_size(s->machine),
	    kv_machine_reserv_size(s->machine), s->ndomains, 0);
	error = kv_phys_create(&phys, &w->phys);

	if (error != 0)
		return error;
	for (d = 0; d < s->ndomains; d++)
		set_thresholds(w, d);
	reserv.phys = cache.phys = w->phys;
	if (s->page_cache)
		error = kv_pagecache_create(&cache, &w->page_cache);
	reserv.cache = w->page_cache;
	return error != 0 ? error : kv_reserv_create(&reserv, &w->reserv);
}

static int
build(struct kv_world *w)
{
	const struct kv_world_spec *s = &w->spec;
	struct kv_kstack_config kstack = {.machine = s->machine,
	    .host = &w->host,
	    .tap = s->tap,
	    .scheme = s->scheme,
	    .npages = s->npages,
	    .gpages = s->gpages,
	    .ndomains = s->ndomains,
	    .domain_guard = s->domain_guard,
	    .request = s->request,
	    .domains = s->domains,
	    .iterator = s->iterator,
	    .returned = s->returned,
	    .import_quantum = s->import_quantum,
	    .first_kva = s->first_kva,
	    .faults =
		s->faults & ~(unsigned)(KV_WORLD_NO_GUARD | KV_WORLD_STALE)};
	int error = memory_create(w);

	if (error == 0)
		error = objects_create(w);
	w->data = kv_data_create(w->nobjects);
	if (error == 0)
		error = pools_create(w);
	if (error == 0)
		error = spaces_create(w);
	if (error != 0 || s->no_kstacks)
		return error;
	kstack.phys = w->phys;
	kstack.reserv = w->reserv;
	error = kv_kstack_create(&kstack, &w->kstack);
	return error != 0 || !s->stack_cache ? error
					     : kv_world_stack_cache_create(w);
}

int
kv_world_create(const struct kv_world_spec *spec, struct kv_world **world)
{
	struct kv_world *w = kv_mem_resize(NULL, 1, sizeof(*w));
	int error;

	*w = (struct kv_world){.spec = *spec, .fnv = KV_FNV_BASIS};
	if (spec->ncpus == 0)
		w->spec.ncpus = 1;
	kv_mem_host(&w->host, !spec->nested);
	w->host.draws = spec->draws;
	error = build(w);
	if (error != 0)
		kv_world_destroy(w);
	else
		*world = w;
	return error;
}

/* Who borrows tables gives them back before their owner goes. */
static void
ungraft(struct kv_world *w)
{
	for (size_t i = 0; i < w->nspaces; i++)
		kv_space_ungraft(&w->spaces[i], false);
}

void
kv_world_destroy(struct kv_world *w)
{
	size_t i;

	if (w == NULL)
		return;
	kv_zone_destroy(w->stack_cache);
	if (w->kstack != NULL)
		kv_kstack_destroy(w->kstack);
	kv_data_destroy(w->data);
	ungraft(w);
	for (i = 0; i < w->nspaces; i++)
		kv_space_fini(&w->spaces[i]);
	for (i = 0; i < w->npools; i++)
		kv_ptpool_destroy(w->pools[i]);
	for (i = 0; i < w->nobjects; i++)
		kv_object_destroy(w->objects[i]);
	if (w->reserv != NULL)
		kv_reserv_destroy(w->reserv);
	kv_pagecache_destroy(w->page_cache);
	if (w->phys != NULL)
		kv_phys_destroy(w->phys);
	kv_host_fini(&w->host);
	kv_mem_free(w->stacks);
	kv_mem_free(w->homes);
	kv_mem_free(w->spaces);
	kv_mem_free(w->pools);
	kv_mem_free(w->objects);
	kv_mem_free(w);
}

/* ---- Objects and spaces ---------------------------------------------- */

int
kv_world_map(
    struct kv_world *w, size_t space, const struct kv_space_range *range)
{
	kv_world_tick(w);
	return kv_space_map(&w->spaces[space], range);
}

void
kv_world_clear(struct kv_world *w)
{
	kv_pindex_t pindex;
	kv_pfn_t pfn;
	size_t i;

	kv_data_clear(w->data);
	ungraft(w);
	for (i = 0; i < w->nspaces; i++)
		kv_space_clear(&w->spaces[i]);
	for (i = 0; i < w->nobjects; i++)
		while (kv_object_from(w->objects[i], 0, &pindex, &pfn) == 0 &&
		       kv_page_free(
			   w->reserv, w->objects[i], pindex, 1, NULL) == 0)
			;
}

/* ---- Inspect --------------------------------------------------------- */

const struct kv_vmem *
kv_world_arena(const struct kv_world *w, unsigned i)
{
	return w->kstack != NULL ? kv_kstack_arena(w->kstack, i) : NULL;
}

uint64_t
kv_world_domain_pages(const struct kv_world *w, unsigned domain)
{
	struct kv_phys_seg seg;
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; kv_phys_seg(w->phys, i, &seg) == 0; i++)
		if (seg.domain == domain)
			bytes += seg.end - seg.start;
	return bytes >> w->spec.machine->page_shift;
}

void
kv_world_note_usage(struct kv_world *w)
{
	uint64_t pages = kv_phys_pages(w->phys), live = pages, used = pages;
	unsigned d;

	for (d = 0; d < kv_phys_domains(w->phys); d++) {
		live -= kv_phys_free_count(w->phys, d);
		used -= kv_phys_queued(w->phys, d);
	}
	kv_usage_add(&w->usage, live, used);
}

void
kv_world_blocks(const struct kv_phys *phys, unsigned domain,
    uint64_t blocks[KV_PHYS_ORDERS])
{
	unsigned orders = kv_phys_machine(phys)->max_order + 1;
	unsigned list, pool, order;

	for (order = 0; order < KV_PHYS_ORDERS; order++)
		blocks[order] = 0;
	for (list = 0; list < kv_phys_lists(phys); list++)
		for (pool = 0; pool < KV_PHYS_POOLS; pool++)
			for (order = 0; order < orders; order++)
				blocks[order] += kv_phys_blocks(
				    phys, domain, list, pool, order);
}

/* ---- Check ----------------------------------------------------------- */

static int
broken(struct kv_diag *diag, unsigned invariant, uint64_t va, const char *text)
{
	return kv_diag_set(diag, EFAULT, "freebsd", invariant, va, text);
}

/* Default-size stacks stand in an object of their own. */
static bool
is_default(const struct kv_world *w, const struct kv_stack *stack)
{
	return stack->npages == w->spec.npages;
}

const struct kv_object *
kv_world_object(const struct kv_world *w, const struct kv_stack *stack)
{
	const struct kv_object *alt = kv_kstack_alt_object(w->kstack);

	return is_default(w, stack) || alt == NULL ? kv_kstack_object(w->kstack)
						   : alt;
}

/* Has the object a page where the guard page at va would have one? */
static bool
guard_has_page(
    const struct kv_world *w, const struct kv_stack *stack, kv_va_t va)
{
	const struct kv_machine *m = w->spec.machine;
	kv_pindex_t pindex = (va - m->kva_start) >> m->page_shift;
	kv_pfn_t pfn;

	if (is_default(w, stack) &&
	    kv_pindex_of(kv_kstack_map(w->kstack), va, &pindex) != 0)
		return false;
	return kv_object_lookup(kv_world_object(w, stack), pindex, &pfn) == 0;
}

/* Has a guard page of a stack of the default size a pindex? */
static bool
guard_has_pindex(const struct kv_world *w, const struct kv_stack *stack)
{
	const struct kv_pindex_map *map = kv_kstack_map(w->kstack);
	unsigned shift = w->spec.machine->page_shift, g;
	kv_pindex_t pindex;

	for (g = 1; g <= w->spec.gpages; g++)
		if (kv_pindex_of(
			map, stack->ks - ((uint64_t)g << shift), &pindex) == 0)
			return true;
	return false;
}

uint64_t
kv_world_guard_pages(const struct kv_world *w, const struct kv_stack *stack)
{
	uint64_t size = kv_machine_page_size(w->spec.machine), mapped = 0;
	kv_va_t va = stack->ks - w->spec.gpages * size;
	struct kv_leaf leaf;

	for (; va < stack->ks; va += size)
		mapped += guard_has_page(w, stack, va) ||
			  kv_pmap_extract(w->spaces[0].pmap, va, &leaf) == 0;
	return mapped;
}

/* I4: one domain; that of the KVA where domains have KVA of their own. */
static int
check_domain(
    const struct kv_world *w, const struct kv_stack *s, struct kv_diag *diag)
{
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
	unsigned domain = s->domain;
	uint32_t i;

	if (kv_stack_pages(w->kstack, s, pfns) != 0)
		return broken(diag, 3, s->ks, "a page is missing");
	if (w->spec.scheme == KV_KSTACK_OLD)
		domain = kv_phys_domain(w->phys, pfns[0]);
	for (i = 0; i < s->npages; i++)
		if (kv_phys_domain(w->phys, pfns[i]) != domain)
			return broken(diag, 4, s->ks,
			    "a page is of another domain than the KVA");
	return 0;
}

/* space-I1: each page has a base leaf, of its frame. */
static int
check_leaves(
    const struct kv_world *w, const struct kv_stack *s, struct kv_diag *diag)
{
	unsigned shift = w->spec.machine->page_shift;
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
	struct kv_leaf leaf;
	kv_va_t va = s->ks;
	uint32_t i;

	if (kv_stack_pages(w->kstack, s, pfns) != 0)
		return 0;
	for (i = 0; i < s->npages; i++, va += UINT64_C(1) << shift)
		if (kv_pmap_extract(w->spaces[0].pmap, va, &leaf) != 0 ||
		    leaf.pa + (va - leaf.va) != pfns[i] << shift)
			return kv_diag_set(diag, EFAULT, "space", 1, va,
			    "a page of a stack is not mapped to its frame");
	return 0;
}

int
kv_world_check_stack(const struct kv_world *w, size_t i, struct kv_diag *diag)
{
	const struct kv_machine *m = w->spec.machine;
	const struct kv_stack *s = &w->stacks[i];
	uint64_t page = (s->ks - m->kva_start) >> m->page_shift;
	unsigned npages = w->spec.npages, gpages = w->spec.gpages;
	bool skips = is_default(w, s) && w->spec.scheme != KV_KSTACK_OLD;
	int error;

	if (s->domain >= w->spec.ndomains)
		return broken(diag, 7, s->ks, "a thread's domain is none");
	if (skips && (page - gpages) % (npages + gpages) != 0)
		return broken(diag, 1, s->ks, "slot start is not aligned");
	if (kv_world_guard_pages(w, s) != 0 ||
	    (skips && guard_has_pindex(w, s)))
		return broken(diag, 2, s->ks,
		    "a guard page holds a page, has a pindex or is mapped");
	if (skips && s->pindex % npages != 0)
		return broken(diag, 3, s->ks, "pindices are not dense");
	error = check_domain(w, s, diag);
	return error != 0 ? error : check_leaves(w, s, diag);
}

static int
check_stacks(const struct kv_world *w, struct kv_diag *diag)
{
	int error = 0;
	size_t i;

	if (w->gone.npages != 0 && w->gone.domain != KV_WORLD_NO_DOMAIN)
		return broken(diag, 7, w->gone.ks,
		    "a thread without a stack still says a domain");
	/* Arenas and objects are the stacks' own. */
	if (w->kstack != NULL)
		error = kv_kstack_check(w->kstack, diag);
	for (i = 0; i < w->nstacks && error == 0; i++) {
		if (kv_world_guard_pages(w, &w->stacks[i]) != 0)
			return broken(diag, 2, w->stacks[i].ks,
			    "a guard page holds a page or is mapped");
		error = check_leaves(w, &w->stacks[i], diag);
	}
	return error;
}

/* The tables that a pool gave to spaces are those that their roots reach. */
static int
check_tables(const struct kv_world *w, const struct kv_ptpool *pool,
    struct kv_diag *diag)
{
	const struct kv_ptpool_stats have = kv_ptpool_stats(pool);
	uint64_t reached[KV_PTPOOL_DEPTHS] = {0};

	for (size_t i = 0; i < w->nspaces; i++) {
		const struct kv_space *s = &w->spaces[i];
		const struct kv_pmap_stats t = kv_pmap_stats(s->pmap);
		const unsigned levels = s->cfg.format->levels;

		for (unsigned l = 0; s->cfg.pool == pool && l < levels; l++)
			reached[levels - 1 - l] += t.pt_level[l];
	}
	for (unsigned d = 0; d < KV_PTPOOL_OTHER; d++)
		if (reached[d] != have.depth[d])
			return kv_diag_set(diag, EFAULT, "ptpool", 5, d,
			    reached[d] < have.depth[d]
				? "a table of the pool is reached from no root"
				: "a space has a table that its pool has not");
	return 0;
}

int
kv_world_check(const struct kv_world *w, struct kv_diag *diag)
{
	int error = kv_phys_check(w->phys, diag);
	size_t i;

	if (error == 0)
		error = kv_reserv_check(w->reserv, diag);
	if (error == 0 && w->page_cache != NULL)
		error = kv_pagecache_check(w->page_cache, diag);
	if (error == 0 && w->stack_cache != NULL)
		error = kv_zone_check(w->stack_cache, diag);
	for (i = 0; i < w->nobjects && error == 0; i++)
		error = kv_object_check(w->objects[i], diag);
	if (error == 0)
		error = check_stacks(w, diag);
	for (i = 0; i < w->npools && error == 0; i++)
		error = kv_ptpool_check(w->pools[i], diag);
	for (i = 0; i < w->npools && error == 0; i++)
		error = check_tables(w, w->pools[i], diag);
	for (i = 0; i < w->nspaces && error == 0; i++)
		error = kv_space_check(&w->spaces[i], diag);
	return error != 0 ? error : kv_data_check(w->data, diag);
}
