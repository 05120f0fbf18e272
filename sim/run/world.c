/* SPDX-License-Identifier: BSD-2-Clause */
/* world.c - a machine with memory and one kernel-stack policy */
#include "run/world.h"

#include <stdlib.h>

#include "out/mem.h"
#include "run/rng.h"

/* ---- Create ---------------------------------------------------------- */

static int
build(struct kv_world *w)
{
	const struct kv_world_spec *s = &w->spec;
	struct kv_phys_config phys = {.machine = s->machine,
	    .ranges = s->ranges,
	    .nranges = s->nranges,
	    .ndomains = s->ndomains,
	    .host = &w->host};
	struct kv_reserv_config reserv = {.host = &w->host};
	struct kv_kstack_config kstack = {.machine = s->machine,
	    .host = &w->host,
	    .scheme = s->scheme,
	    .npages = s->npages,
	    .gpages = s->gpages,
	    .ndomains = s->ndomains,
	    .first_kva = s->first_kva};
	int error = kv_phys_create(&phys, &w->phys);

	if (error != 0)
		return error;
	reserv.phys = kstack.phys = w->phys;
	error = kv_reserv_create(&reserv, &w->reserv);
	if (error != 0)
		return error;
	kstack.reserv = w->reserv;
	return kv_kstack_create(&kstack, &w->kstack);
}

int
kv_world_create(const struct kv_world_spec *spec, struct kv_world **world)
{
	struct kv_world *w = kv_mem_resize(NULL, 1, sizeof(*w));
	int error;

	*w = (struct kv_world){.spec = *spec, .fnv = KV_FNV_BASIS};
	kv_host_default(&w->host);
	error = build(w);
	if (error != 0)
		kv_world_destroy(w);
	else
		*world = w;
	return error;
}

void
kv_world_destroy(struct kv_world *w)
{
	if (w == NULL)
		return;
	if (w->kstack != NULL)
		kv_kstack_destroy(w->kstack);
	if (w->reserv != NULL)
		kv_reserv_destroy(w->reserv);
	if (w->phys != NULL)
		kv_phys_destroy(w->phys);
	kv_host_fini(&w->host);
	free(w->stacks);
	free(w);
}

/* ---- Use ------------------------------------------------------------- */

static void
tick(struct kv_world *w)
{
	w->ops++;
	kv_reserv_tick(w->reserv, 1);
}

/* The hash of freebsd.md 8.3: pages ascending, then the stack. */
static void
hash_creation(struct kv_world *w, const struct kv_stack *stack)
{
	unsigned shift = w->spec.machine->page_shift;
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
	uint32_t i;

	if (kv_stack_pages(w->kstack, stack, pfns) != 0)
		return; /* kv_world_check says so */
	for (i = 0; i < stack->npages; i++)
		w->fnv = kv_fnv_mix(w->fnv, pfns[i] << shift);
	w->fnv = kv_fnv_mix(w->fnv, stack->ks);
}

int
kv_world_spawn(struct kv_world *w, unsigned npages, unsigned domain)
{
	struct kv_stack stack;
	int error;

	tick(w);
	error = kv_stack_create(w->kstack, npages, domain, &stack);
	if (error != 0) {
		w->failed++;
		return error;
	}
	if (w->nstacks == w->capacity) {
		w->capacity = w->capacity == 0 ? 1024 : 2 * w->capacity;
		w->stacks =
		    kv_mem_resize(w->stacks, w->capacity, sizeof(*w->stacks));
	}
	w->stacks[w->nstacks++] = stack;
	if (w->spec.hash)
		hash_creation(w, &stack);
	return 0;
}

int
kv_world_dispose(struct kv_world *w, size_t i, struct kv_diag *diag)
{
	struct kv_stack stack = w->stacks[i];
	int error;

	tick(w);
	error = kv_stack_dispose(w->kstack, &stack, diag);
	if (error != 0)
		return error;
	w->stacks[i] = w->stacks[--w->nstacks];
	if (w->spec.hash)
		w->fnv = kv_fnv_mix(w->fnv, stack.ks);
	return 0;
}

/* ---- Inspect --------------------------------------------------------- */

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

uint64_t
kv_world_guard_pages(const struct kv_world *w, const struct kv_stack *stack)
{
	const struct kv_pindex_map *map = kv_kstack_map(w->kstack);
	uint64_t page, mapped = 0;
	kv_pindex_t pindex;
	kv_pfn_t pfn;
	unsigned g;

	for (g = 1; g <= w->spec.gpages; g++) {
		page = ((stack->ks - map->origin) >> map->page_shift) - g;
		if (!is_default(w, stack))
			pindex = page;
		else if (kv_pindex_of_page(map, page, &pindex) != 0)
			continue;
		if (kv_object_lookup(kv_world_object(w, stack), pindex, &pfn) ==
		    0)
			mapped++;
	}
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

int
kv_world_check_stack(const struct kv_world *w, size_t i, struct kv_diag *diag)
{
	const struct kv_pindex_map *map = kv_kstack_map(w->kstack);
	const struct kv_stack *s = &w->stacks[i];
	uint64_t page = (s->ks - map->origin) >> map->page_shift;
	bool skips = is_default(w, s) && map->scheme == KV_PINDEX_SKIP_GUARD;

	if (skips && (page - map->gpages) % (map->npages + map->gpages) != 0)
		return broken(diag, 1, s->ks, "slot start is not aligned");
	if (kv_world_guard_pages(w, s) != 0)
		return broken(diag, 2, s->ks, "a guard page holds a page");
	if (skips && s->pindex % map->npages != 0)
		return broken(diag, 3, s->ks, "pindices are not dense");
	return check_domain(w, s, diag);
}

int
kv_world_check(const struct kv_world *w, struct kv_diag *diag)
{
	int error = kv_phys_check(w->phys, diag);

	if (error == 0)
		error = kv_reserv_check(w->reserv, diag);
	/* Arenas and objects are the stacks' own. */
	if (error == 0)
		error = kv_kstack_check(w->kstack, diag);
	return error;
}
