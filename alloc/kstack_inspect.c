/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kstack_inspect.c - kernel stacks seen from outside: walks, check, whatis
 *
 * The concepts and the invariants checked here are those of kstack.c; nothing
 * in this file changes a stack.  Live stacks are not listed anywhere: they are
 * the busy segments of their arenas.
 */
#include <stdlib.h>

#include "arith.h"
#include "kstack_parts.h"

struct kv_kstack_stats
kv_kstack_stats(const struct kv_kstack *ks)
{
	struct kv_kstack_stats s = {.live = ks->live,
	    .created = ks->created,
	    .disposed = ks->disposed,
	    .failed = ks->failed,
	    .wrong_domain = ks->wrong_domain,
	    .turn = ks->domains.turn,
	    .out = ks->nout};

	for (unsigned i = 0; kstack_has_chunks(ks) && i < ks->cfg.ndomains;
	     i++) {
		struct kv_vmem_stats v = kv_vmem_stats(ks->domain[i].stacks);

		s.imports += v.import;
		s.releases += v.release;
	}
	return s;
}

const struct kv_pindex_map *
kv_kstack_map(const struct kv_kstack *ks)
{
	return &ks->map;
}

const struct kv_object *
kv_kstack_object(const struct kv_kstack *ks)
{
	return ks->object;
}

const struct kv_object *
kv_kstack_alt_object(const struct kv_kstack *ks)
{
	return ks->alt_object;
}

const struct kv_vmem *
kv_kstack_arena(const struct kv_kstack *ks, unsigned i)
{
	if (i == 0)
		return ks->kernel;
	i--;
	if (!kstack_has_chunks(ks) || i / 2 >= ks->cfg.ndomains)
		return NULL;
	return i % 2 == 0 ? ks->domain[i / 2].kva : ks->domain[i / 2].stacks;
}

const char *
kv_kstack_scheme_name(enum kv_kstack_scheme scheme)
{
	static const char *const names[] = {"old", "new", "nores", "ffff"};

	return names[scheme];
}

/* ---- Stacks ---------------------------------------------------------- */

struct gather {
	const struct kv_kstack *ks;
	struct kv_stack *list; /* [ks->live] */
	uint64_t count;
	unsigned domain;
};

/* A busy segment as the stack in it. */
static struct kv_stack
stack_at(const struct kv_kstack *ks, kv_va_t kva, unsigned domain)
{
	struct kv_stack s = {.ks = kva + ks->cfg.gpages * ks->page,
	    .npages = ks->cfg.npages,
	    .domain = (uint16_t)domain};
	kv_pfn_t first;

	if (kv_pindex_of(&ks->map, s.ks, &s.pindex) != 0)
		s.pindex = UINT64_MAX; /* I1 is broken; check says so */
	if (!kstack_has_chunks(ks) && ks->cfg.ndomains > 1 &&
	    kv_object_lookup(ks->object, s.pindex, &first) == 0)
		s.domain = (uint16_t)kv_phys_domain(ks->cfg.phys, first);
	return s;
}

static int
gather_segment(void *arg, const struct kv_vmem_seg *seg)
{
	struct gather *g = arg;

	if (seg->kind != KV_VMEM_BUSY || seg->size != g->ks->slot)
		return 0;
	if (g->count == g->ks->live)
		return EFAULT;
	g->list[g->count++] = stack_at(g->ks, seg->start, g->domain);
	return 0;
}

static int
by_address(const void *a, const void *b)
{
	const struct kv_stack *x = a, *y = b;

	return x->ks < y->ks ? -1 : x->ks > y->ks;
}

/* All live stacks, by address.  => 0; ENOMEM; EFAULT: more than live */
static int
gather_stacks(const struct kv_kstack *ks, struct gather *g)
{
	int error = 0;

	*g = (struct gather){.ks = ks};
	g->list = kv_host_zalloc(ks->cfg.host, ks->live, sizeof(*g->list));
	if (g->list == NULL)
		return ks->live == 0 ? 0 : ENOMEM;
	for (unsigned i = 0; i < ks->cfg.ndomains && error == 0; i++) {
		g->domain = i;
		if (kstack_has_chunks(ks))
			error = kv_vmem_walk(
			    ks->domain[i].stacks, gather_segment, g);
		else if (i == 0)
			error = kv_vmem_walk(ks->kernel, gather_segment, g);
	}
	for (size_t i = 0; i < ks->nothers && g->count < ks->live; i++)
		g->list[g->count++] = ks->others[i];
	qsort(g->list, g->count, sizeof(*g->list), by_address);
	return error;
}

static void
gather_fini(struct gather *g)
{
	kv_host_free(g->ks->cfg.host, g->list, g->ks->live, sizeof(*g->list));
}

int
kv_kstack_walk(const struct kv_kstack *ks, kv_kstack_walk_fn *cb, void *arg)
{
	struct gather g;
	int stop = 0;

	if (gather_stacks(ks, &g) == ENOMEM)
		return -ENOMEM;
	for (uint64_t i = 0; i < g.count && stop == 0; i++)
		stop = cb(arg, &g.list[i]);
	gather_fini(&g);
	return stop;
}

/* ---- Chunks ---------------------------------------------------------- */

struct chunks {
	const struct kv_kstack *ks;
	struct kv_kstack_chunk *list;
	uint64_t count, capacity;
	unsigned domain;
};

static int
gather_chunk(void *arg, const struct kv_vmem_seg *seg)
{
	struct chunks *c = arg;
	const struct kv_kstack *ks = c->ks;
	struct kv_kstack_chunk *chunk;

	if (seg->kind != KV_VMEM_SPAN || c->count == c->capacity)
		return 0;
	chunk = &c->list[c->count++];
	chunk->base = seg->start;
	chunk->size = seg->size;
	chunk->parent =
	    kv_align_down(seg->start, kv_machine_reserv_size(ks->cfg.machine));
	chunk->parent_size = ks->chunk;
	chunk->npindex = seg->size / ks->slot * ks->cfg.npages;
	chunk->domain = c->domain;
	return kv_pindex_of(
	    &ks->map, seg->start + ks->cfg.gpages * ks->page, &chunk->pindex);
}

static int
by_base(const void *a, const void *b)
{
	const struct kv_kstack_chunk *x = a, *y = b;

	return x->base < y->base ? -1 : x->base > y->base;
}

int
kv_kstack_walk_chunks(
    const struct kv_kstack *ks, kv_kstack_chunk_fn *cb, void *arg)
{
	struct chunks c = {.ks = ks};
	int stop = 0;

	if (!kstack_has_chunks(ks))
		return 0;
	for (unsigned i = 0; i < ks->cfg.ndomains; i++)
		c.capacity += kv_vmem_stats(ks->domain[i].stacks).nspan;
	c.list = kv_host_zalloc(ks->cfg.host, c.capacity, sizeof(*c.list));
	if (c.list == NULL)
		return c.capacity == 0 ? 0 : -ENOMEM;
	for (c.domain = 0; c.domain < ks->cfg.ndomains; c.domain++)
		kv_vmem_walk(ks->domain[c.domain].stacks, gather_chunk, &c);
	qsort(c.list, c.count, sizeof(*c.list), by_base);
	for (uint64_t i = 0; i < c.count && stop == 0; i++)
		stop = cb(arg, &c.list[i]);
	kv_host_free(ks->cfg.host, c.list, c.capacity, sizeof(*c.list));
	return stop;
}

/* ---- Check ----------------------------------------------------------- */

struct check {
	const struct kv_kstack *ks;
	struct kv_diag *diag;
	uint64_t pages, alt_pages; /* of live stacks seen */
};

static int
bad(struct check *c, unsigned invariant, uint64_t at, const char *text)
{
	return kv_diag_set(c->diag, EFAULT, "freebsd", invariant, at, text);
}

/* I2: no page at a guard's own linear index, where the object is linear. */
static int
check_guards(struct check *c, const struct kv_stack *stack)
{
	const struct kv_kstack *ks = c->ks;
	bool skip =
	    kstack_has_chunks(ks) && kstack_is_default(ks, stack->npages);
	kv_va_t va = kstack_kva(ks, stack);
	kv_pindex_t pindex;
	kv_pfn_t pfn;

	for (; va < stack->ks; va += ks->page) {
		if (kv_pindex_of(skip ? &ks->map : &ks->linear, va, &pindex) !=
		    0)
			continue;
		if (skip ||
		    kv_object_lookup(kstack_object_for(ks, stack->npages),
			pindex, &pfn) == 0)
			return bad(
			    c, 2, va, "a guard page has a pindex or a page");
	}
	return 0;
}

/* I4: one domain a stack. */
static int
check_domains(
    struct check *c, const struct kv_stack *stack, const kv_pfn_t *pfns)
{
	const struct kv_kstack *ks = c->ks;
	unsigned first = kv_phys_domain(ks->cfg.phys, pfns[0]);

	for (unsigned i = 1; i < stack->npages; i++)
		if (kv_phys_domain(ks->cfg.phys, pfns[i]) != first)
			return bad(c, 4, stack->ks,
			    "a stack has pages of two domains");
	if (kstack_has_chunks(ks) && first != stack->domain)
		return bad(c, 4, stack->ks,
		    "a stack stands on pages of another domain than its KVA");
	return 0;
}

static int
check_stack(void *arg, const struct kv_stack *stack)
{
	struct check *c = arg;
	const struct kv_kstack *ks = c->ks;
	bool alt =
	    ks->alt_object != NULL && !kstack_is_default(ks, stack->npages);
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
	int error;

	if (kstack_has_chunks(ks) && !alt &&
	    (kstack_kva(ks, stack) - ks->linear.origin) % ks->slot != 0)
		return bad(c, 1, stack->ks, "a slot is not on a slot boundary");
	if (ks->nout != 0 && kv_stack_is_out(ks, stack))
		return 0;
	if (kv_stack_pages(ks, stack, pfns) != 0)
		return bad(
		    c, 3, stack->ks, "a page of a live stack is missing");
	*(alt ? &c->alt_pages : &c->pages) += stack->npages;
	error = check_guards(c, stack);
	return error != 0 ? error : check_domains(c, stack, pfns);
}

static int
check_chunk(void *arg, const struct kv_kstack_chunk *chunk)
{
	struct check *c = arg;
	const struct kv_kstack *ks = c->ks;
	struct kv_vmem_seg seg;

	if (chunk->size % ks->slot != 0)
		return bad(c, 8, chunk->base, "a chunk is not whole slots");
	if (kv_vmem_whatis(
		ks->domain[chunk->domain].kva, chunk->parent, &seg) != 0 ||
	    seg.kind != KV_VMEM_BUSY || seg.start != chunk->parent ||
	    seg.size != ks->chunk ||
	    chunk->base - chunk->parent + chunk->size > seg.size)
		return bad(c, 8, chunk->base,
		    "a chunk leaves what its parent arena gave");
	return 0;
}

/* The arenas' and objects' own invariants. */
static int
check_parts(const struct kv_kstack *ks, struct kv_diag *diag)
{
	const struct kv_vmem *vm;
	int error = kv_kernmap_check(&ks->map_kva, diag);

	if (error == 0)
		error = kv_object_check(ks->object, diag);
	if (error == 0 && ks->alt_object != NULL)
		error = kv_object_check(ks->alt_object, diag);
	for (unsigned i = 0;
	     error == 0 && (vm = kv_kstack_arena(ks, i)) != NULL; i++)
		error = kv_vmem_check(vm, diag);
	return error;
}

/* I3: pages are those of stacks.  Without stacks that is I10. */
static int
check_residents(struct check *c)
{
	const struct kv_kstack *ks = c->ks;
	uint64_t alt =
	    ks->alt_object == NULL ? 0 : kv_object_resident(ks->alt_object);

	if (c->pages == kv_object_resident(ks->object) && c->alt_pages == alt)
		return 0;
	return ks->live == 0
		   ? bad(c, 10, alt,
			 "an object of kernel stacks holds pages without any")
		   : bad(c, 3, c->pages,
			 "the object holds pages of no live stack");
}

/* I10: without stacks nothing is held. */
static int
check_drained(struct check *c)
{
	const struct kv_kstack *ks = c->ks;

	for (unsigned i = 0; kstack_has_chunks(ks) && i < ks->cfg.ndomains; i++)
		if (kv_vmem_stats(ks->domain[i].stacks).size != 0)
			return bad(c, 10, i,
			    "a stack arena without stacks holds a chunk");
	return 0;
}

int
kv_kstack_check(const struct kv_kstack *ks, struct kv_diag *diag)
{
	struct check c = {.ks = ks, .diag = diag};
	struct gather g;
	int error = gather_stacks(ks, &g);

	if (error == ENOMEM)
		return ENOMEM;
	if (kstack_has_chunks(ks) && ks->alt_object == NULL && ks->nothers != 0)
		error = bad(&c, 9, ks->others[0].ks,
		    "stacks of other sizes share the default size's object");
	else if (error != 0 || g.count != ks->live)
		error = bad(&c, 3, g.count, "stacks and segments do not match");
	for (uint64_t i = 0; i < g.count && error == 0; i++)
		error = check_stack(&c, &g.list[i]);
	gather_fini(&g);
	if (error == 0)
		error = check_residents(&c);
	if (error == 0)
		error = kv_kstack_walk_chunks(ks, check_chunk, &c);
	if (error == 0 && ks->live == 0)
		error = check_drained(&c);
	if (error == 0)
		error = check_parts(ks, diag);
	return error == -ENOMEM ? ENOMEM : error;
}

/* ---- Whatis ---------------------------------------------------------- */

/* Is va in that stack's slot, and where? */
static enum kv_kstack_what
what_in(const struct kv_kstack *ks, const struct kv_stack *stack, kv_va_t va)
{
	if (va - kstack_kva(ks, stack) >=
	    (stack->npages + ks->cfg.gpages) * ks->page)
		return KV_KSTACK_NOTHING;
	return va < stack->ks ? KV_KSTACK_GUARD : KV_KSTACK_DATA;
}

/* The segment that holds va in the arenas of default-size stacks. */
static int
find_segment(const struct kv_kstack *ks, kv_va_t va, struct kv_vmem_seg *seg,
    unsigned *domain)
{
	unsigned n = kstack_has_chunks(ks) ? ks->cfg.ndomains : 1;

	for (*domain = 0; *domain < n; ++*domain)
		if (kv_vmem_whatis(kstack_has_chunks(ks)
				       ? ks->domain[*domain].stacks
				       : ks->kernel,
			va, seg) == 0)
			return 0;
	return ENOENT;
}

enum kv_kstack_what
kv_kstack_whatis(const struct kv_kstack *ks, kv_va_t va, struct kv_stack *stack)
{
	struct kv_vmem_seg seg;
	unsigned domain;

	for (size_t i = 0; i < ks->nothers; i++)
		if (what_in(ks, &ks->others[i], va) != KV_KSTACK_NOTHING) {
			*stack = ks->others[i];
			return what_in(ks, stack, va);
		}
	if (find_segment(ks, va, &seg, &domain) != 0)
		return KV_KSTACK_NOTHING;
	if (seg.kind != KV_VMEM_BUSY || seg.size != ks->slot)
		return KV_KSTACK_IDLE;
	*stack = stack_at(ks, seg.start, domain);
	return what_in(ks, stack, va);
}
