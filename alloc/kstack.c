/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kstack.c - kernel stacks: KVA with guard pages, pages, return to the owner
 *
 * 1 Concepts.
 *   A stack of s pages stands above g unmapped guard pages; both together are
 *   its slot, k = s + g pages.  Stacks grow down, so an overflow meets the
 *   guard of its own slot.  A thread gets KVA for the slot from an arena and
 *   pages for the stack from a VM object, at the indices that the pindex
 *   scheme names.  Where the KVA comes from:
 *
 *   old          kernel arena <- kernel map
 *   new, nores,  stack arena of the domain <- domain arena <- kernel arena
 *   ffff         <- kernel map; other sizes from the domain arena
 *
 *   A stack arena imports chunks: one KVA quantum a slot page, aligned to the
 *   quantum.  The base is moved up (the bump) to the next page number that k
 *   divides, so that skip-guard pindexes are defined; one slot is given up for
 *   that, needed or not:
 *
 *   ffff has no bump and gives up no slot: its chunks start where the first
 *   pindex is a multiple of a reservation, and so end where one ends.  Each
 *   then fills its own reservations, FFFF, and no two domains meet in one.
 *
 *   parent                base = parent + bump                parent + chunk
 *   |<- bump < k pages ->|g|stack|g|stack| ...     |g|stack|<- rest of slot ->|
 *
 * 2 Representation.  Arenas as above; two objects (default and other sizes).
 *   The kernel map is kernmap.c; where parents keep their spans, as in the
 *   kernel, nothing ever returns to it.  A stack is a value that its thread
 *   keeps.
 * 3 Invariants (numbers of the spec's oracle list, freebsd.md 3.8; reported as
 *   freebsd-I1 and so on).
 *   I1   A default slot starts at a page number that k divides (new schemes).
 *   I2   A guard page has no page, no mapping (and, new schemes, no pindex).
 *   I3   A stack's pindexes are consecutive and nobody else's: the object
 *        holds exactly the pages of live stacks.
 *   I4   All pages of a stack are of one domain; new schemes: its KVA's.
 *   I5   Freed KVA is a busy segment of the arena that it is freed to.
 *   I6   The parent gets back what it gave, address and size.
 *   I7   A thread with a stack names a domain that exists; without, none.
 *   I8   A chunk is whole slots and lies inside what its parent gave.
 *   I9   Default and other sizes never share an object (new schemes).
 *   I10  Without live stacks the stack arenas and objects are empty.
 *   I11  A creation or a swap-in comes to an end: with pages, or with ENOMEM;
 *        it neither sleeps nor tries the same again for ever (NOWAIT).
 *   I5, I6 and I11 are checked as things happen; I7 is checked where threads
 *   are (world.c).  I11 is ours, the others are the spec's.
 * 4 Cost.  One segment of an arena and s pages; two divisions for the pindex.
 * 5 Fidelity.  FreeBSD sys/vm/vm_glue.c and vm_kern.c: 14.x (old), review
 *   D38852 as committed in April 2024 (new), trees that track main in 2025-26
 *   (nores: the object is no longer coloured, freebsd-F20); spec freebsd.md 2,
 *   3, 8.1.  ffff is a proposal (freebsd.md 6): nobody's code.  The domain
 *   guard is one, too: kernel_object asserts what it makes a condition.  The
 *   owner of the KVA is stored with the stack; the kernel takes the domain of
 *   its first page instead (freebsd-F21).  No stack cache.  Both
 *   objects have one domain policy, and one round-robin pointer.
 */
#include <string.h>

#include "arith.h"
#include "kstack_parts.h"

/* ---- Arenas ---------------------------------------------------------- */

/* kva_import: the lowest address of the kernel map, on a KVA quantum. */
static int
import_map(
    void *arg, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va, uint64_t *got)
{
	struct kv_kstack *ks = arg;

	(void)fit;
	*got = size;
	return kv_kernmap_alloc(&ks->map_kva, size, va);
}

static int
release_map(void *arg, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	struct kv_kstack *ks = arg;

	(void)diag;
	kv_kernmap_free(&ks->map_kva, va, size);
	return 0;
}

static int
arena_create(struct kv_kstack *ks, const char *name, struct kv_vmem **vm)
{
	struct kv_vmem_config cfg = {.name = name,
	    .quantum = ks->page,
	    .host = ks->cfg.host,
	    .tap = ks->cfg.tap};

	return kv_vmem_create(&cfg, vm);
}

/* "kstack" and 7 -> "kstack7" */
static void
name_domain(char name[KSTACK_NAME], const char *stem, unsigned domain)
{
	size_t n = strlen(stem);
	unsigned scale = 1;

	memcpy(name, stem, n);
	while (domain / scale >= 10)
		scale *= 10;
	for (; scale > 0; scale /= 10)
		name[n++] = (char)('0' + domain / scale % 10);
	name[n] = '\0';
}

/*
 * ffff: bytes from one possible start of a chunk to the next.  A start L0
 * (pages from the origin) is a multiple of k, the KVA quantum Q, and k * n for
 * the least n of which n * s is a multiple of a reservation R = Q pages:
 * n = R / gcd(s, R).  Both divide R * k, so their common multiple is at most a
 * chunk.  Example: s 4, k 5, R 512: n 128, k * n = 640 pages; common with 512:
 * 2560 pages, 10 MiB.
 */
static uint64_t
stride_of(const struct kv_kstack *ks)
{
	uint64_t quantum = kv_machine_reserv_size(ks->cfg.machine);
	uint64_t pages = quantum / ks->page;
	uint64_t slots = pages / kv_gcd(ks->cfg.npages, pages);

	return quantum / kv_gcd(quantum, slots * ks->slot) * slots * ks->slot;
}

/* Those of the import and the release of chunks. */
static unsigned
link_faults(const struct kv_kstack *ks)
{
	static const struct {
		enum kv_kstack_fault fault;
		enum kv_link_fault link;
	} rows[] = {{KV_KSTACK_KEEP_BUMP, KV_LINK_KEEP_BUMP},
	    {KV_KSTACK_NO_SPARE_SLOT, KV_LINK_NO_SPARE_SLOT},
	    {KV_KSTACK_BYTE_ASSERT, KV_LINK_BYTE_ASSERT},
	    {KV_KSTACK_ADD_ASKED, KV_LINK_ADD_ASKED}};
	unsigned faults = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (kstack_has_fault(ks, rows[i].fault))
			faults |= (unsigned)rows[i].link;
	return faults;
}

static int
domain_create(struct kv_kstack *ks, unsigned i)
{
	struct kstack_domain *d = &ks->domain[i];
	uint64_t quantum = kv_machine_reserv_size(ks->cfg.machine);
	int error;

	name_domain(d->kva_name, "domain", i);
	name_domain(d->stacks_name, "kstack", i);
	if (arena_create(ks, d->kva_name, &d->kva) != 0 ||
	    arena_create(ks, d->stacks_name, &d->stacks) != 0)
		return ENOMEM;
	d->kva_link = (struct kv_link){.parent = ks->kernel,
	    .align = quantum,
	    .quantum = ks->kva_quantum,
	    .keep = !ks->cfg.returned};
	d->stacks_link = (struct kv_link){.parent = d->kva,
	    .align = quantum,
	    .origin = ks->linear.origin,
	    .faults = link_faults(ks)};
	if (ks->cfg.scheme == KV_KSTACK_FFFF) {
		d->stacks_link.quantum = ks->chunk;
		d->stacks_link.stride = stride_of(ks);
	} else if (kstack_has_fault(ks, KV_KSTACK_NO_SPARE_SLOT)) {
		d->stacks_link.quantum = ks->chunk;
		d->stacks_link.slot = ks->slot;
	} else {
		d->stacks_link.quantum = ks->chunk - ks->slot;
		d->stacks_link.slot = ks->slot;
	}
	error = kv_link_set(d->kva, &d->kva_link);
	return error != 0 ? error : kv_link_set(d->stacks, &d->stacks_link);
}

static int
arenas_create(struct kv_kstack *ks)
{
	struct kv_vmem_source map = {.import = import_map,
	    .release = ks->cfg.returned ? release_map : NULL,
	    .arg = ks,
	    .import_quantum = ks->kva_quantum};
	int error = arena_create(ks, "kernel", &ks->kernel);

	if (error == 0)
		error = kv_vmem_set_source(ks->kernel, &map);
	if (error != 0 || !kstack_has_chunks(ks))
		return error;
	ks->domain =
	    kv_host_zalloc(ks->cfg.host, ks->cfg.ndomains, sizeof(*ks->domain));
	if (ks->domain == NULL)
		return ENOMEM;
	for (unsigned i = 0; i < ks->cfg.ndomains && error == 0; i++)
		error = domain_create(ks, i);
	return error;
}

/* ---- Create ---------------------------------------------------------- */

static int
objects_create(struct kv_kstack *ks)
{
	const struct kv_machine *m = ks->cfg.machine;
	struct kv_object_config cfg = {.name = "kstack_object",
	    .size = (m->kva_end - m->kva_start) >> m->page_shift,
	    .colored = ks->cfg.scheme != KV_KSTACK_NORES &&
		       !kstack_has_fault(ks, KV_KSTACK_UNCOLORED),
	    .domain_guard = ks->cfg.domain_guard &&
			    !kstack_has_fault(ks, KV_KSTACK_FOREIGN),
	    .request = kstack_has_fault(ks, KV_KSTACK_CLASS_NORMAL)
			   ? KV_PHYS_NORMAL
			   : ks->cfg.request,
	    .host = ks->cfg.host,
	    .tap = ks->cfg.tap};
	int error = kv_object_create(&cfg, &ks->object);

	if (error != 0 || !kstack_has_chunks(ks) ||
	    kstack_has_fault(ks, KV_KSTACK_ONE_OBJECT))
		return error;
	cfg.name = "kstack_alt_object";
	return kv_object_create(&cfg, &ks->alt_object);
}

static int
config_check(const struct kv_kstack_config *cfg)
{
	const struct kv_machine *m = cfg->machine;
	uint64_t kpages = (uint64_t)cfg->npages + cfg->gpages;

	if (cfg->npages == 0 || cfg->npages > m->kstack_max ||
	    kpages >= UINT64_C(1) << m->reserv_order || cfg->ndomains == 0 ||
	    cfg->ndomains > KV_DOMAINSET_MAX)
		return EINVAL;
	/* An import on a stride asks its parent for what it had before. */
	if ((cfg->returned && cfg->scheme == KV_KSTACK_FFFF) ||
	    cfg->import_quantum % kv_machine_reserv_size(m) != 0)
		return EINVAL;
	return cfg->first_kva < m->kva_end - m->kva_start ? 0 : EINVAL;
}

/*
 * Both faults of the formula are another map.  One guard page: g is 1.  Guard
 * above: pindex = L - (L / k) * g where L % k < s; that is the formula from an
 * origin g pages below, since (L + g) / k = L / k there.
 */
static void
maps_init(struct kv_kstack *ks)
{
	const struct kv_machine *m = ks->cfg.machine;

	ks->linear = (struct kv_pindex_map){.scheme = KV_PINDEX_LINEAR,
	    .origin = m->kva_start,
	    .page_shift = m->page_shift,
	    .npages = ks->cfg.npages,
	    .gpages = ks->cfg.gpages};
	ks->map = ks->linear;
	if (ks->cfg.scheme == KV_KSTACK_OLD)
		return;
	ks->map.scheme = KV_PINDEX_SKIP_GUARD;
	if (kstack_has_fault(ks, KV_KSTACK_ONE_GUARD))
		ks->map.gpages = 1;
	if (kstack_has_fault(ks, KV_KSTACK_GUARD_ABOVE))
		ks->map.origin -= (uint64_t)ks->cfg.gpages << m->page_shift;
}

int
kv_kstack_create(const struct kv_kstack_config *cfg, struct kv_kstack **ks)
{
	const struct kv_machine *m = cfg->machine;
	uint64_t quantum = kv_machine_reserv_size(m), kpages;
	struct kv_kstack *k;
	int error = config_check(cfg);

	if (error != 0)
		return error;
	k = kv_host_zalloc(cfg->host, 1, sizeof(*k));
	if (k == NULL)
		return ENOMEM;
	kpages = (uint64_t)cfg->npages + cfg->gpages;
	k->cfg = *cfg;
	k->out.host = cfg->host;
	maps_init(k);
	k->page = kv_machine_page_size(m);
	k->slot = kpages * k->page;
	k->chunk = kpages * quantum;
	k->domains = (struct kv_domainset){.policy = cfg->domains,
	    .iterator = cfg->iterator,
	    .ndomains = cfg->ndomains};
	k->kva_quantum = cfg->import_quantum;
	if (k->kva_quantum == 0)
		k->kva_quantum =
		    quantum * (cfg->ndomains > 1 ? m->domain_import : 1);
	kv_kernmap_init(&k->map_kva, cfg->host, quantum,
	    m->kva_start + cfg->first_kva, m->kva_end);
	kv_tap_emit(&k->cfg.tap, KV_EV_KSTACK_POLICY, "kstack",
	    (uint64_t)cfg->scheme, cfg->npages, cfg->gpages, m->kva_start);
	error = arenas_create(k);
	if (error == 0)
		error = objects_create(k);
	if (error == 0)
		*ks = k;
	else
		kv_kstack_destroy(k);
	return error;
}

/* A stack that is still out is its thread's. */
static void
forget(void *arg, void *value)
{
	(void)arg;
	(void)value;
}

void
kv_kstack_destroy(struct kv_kstack *ks)
{
	struct kv_host *host;

	if (ks == NULL)
		return;
	host = ks->cfg.host;
	for (unsigned i = 0; ks->domain != NULL && i < ks->cfg.ndomains; i++) {
		kv_vmem_destroy(ks->domain[i].stacks);
		kv_vmem_destroy(ks->domain[i].kva);
	}
	kv_host_free(host, ks->domain, ks->cfg.ndomains, sizeof(*ks->domain));
	kv_vmem_destroy(ks->kernel);
	kv_kernmap_fini(&ks->map_kva);
	kv_object_destroy(ks->object);
	kv_object_destroy(ks->alt_object);
	kv_host_free(
	    host, ks->others, ks->others_capacity, sizeof(*ks->others));
	kv_radix_fini(&ks->out, forget, NULL);
	kv_host_free(host, ks, 1, sizeof(*ks));
}

/* ---- Use ------------------------------------------------------------- */

static void
pages_emit(const struct kv_kstack *ks, const struct kv_stack *stack,
    const kv_pfn_t *pfns, enum kv_event_kind why)
{
	unsigned shift = ks->cfg.machine->page_shift;

	for (unsigned i = 0; i < stack->npages; i++)
		kv_tap_emit(&ks->cfg.tap, KV_EV_KSTACK_PAGE, "kstack",
		    stack->ks, stack->pindex + i, pfns[i] << shift,
		    kv_phys_domain(ks->cfg.phys, pfns[i]));
	kv_tap_emit(&ks->cfg.tap, why, "kstack", stack->ks, stack->npages,
	    stack->domain, stack->pindex);
}

static inline void
backed(struct kv_kstack *ks, const struct kv_stack *stack, const kv_pfn_t *pfns,
    enum kv_event_kind why)
{
	ks->wrong_domain += kstack_is_misplaced(ks, stack, pfns[0]);
	if (ks->cfg.tap.fn != NULL)
		pages_emit(ks, stack, pfns, why);
}

void
kv_kstack_backed(struct kv_kstack *ks, const struct kv_stack *stack,
    const kv_pfn_t *pfns, enum kv_event_kind why)
{
	backed(ks, stack, pfns, why);
}

/* KVA and pages from one domain.  => 0; ENOMEM, EEXIST with all undone */
static int
create_in(struct kv_kstack *ks, struct kv_stack *stack)
{
	uint64_t size = (stack->npages + ks->cfg.gpages) * ks->page;
	struct kv_vmem *vm = kstack_arena_for(ks, stack->npages, stack->domain);
	kv_pfn_t pfns[KV_KSTACK_PAGES_MAX];
	kv_va_t kva;
	int error;

	if (kv_vmem_alloc(vm, size, KV_VMEM_BESTFIT, &kva) != 0)
		return ENOMEM;
	stack->ks = kva + ks->cfg.gpages * ks->page;
	error = kstack_first_pindex(ks, stack, &stack->pindex);
	KV_ASSERT(error == 0); /* I1: arenas give whole slots */
	error =
	    kv_page_alloc(ks->cfg.reserv, kstack_object_for(ks, stack->npages),
		stack->pindex, stack->npages, stack->domain, pfns);
	if (error != 0) {
		kv_vmem_free(vm, kva, size, NULL);
		return error;
	}
	backed(ks, stack, pfns, KV_EV_KSTACK_CREATE);
	return 0;
}

/* Room to remember one more stack of another size. */
static int
others_reserve(struct kv_kstack *ks)
{
	size_t capacity = ks->others_capacity * 2 + 16;
	struct kv_stack *others;

	if (ks->nothers < ks->others_capacity)
		return 0;
	others = kv_host_resize(ks->cfg.host, ks->others,
	    ks->others_capacity * sizeof(*others), capacity * sizeof(*others));
	if (others == NULL)
		return ENOMEM;
	ks->others = others;
	ks->others_capacity = capacity;
	return 0;
}

bool
kv_kstack_is_low(const void *arg, unsigned domain)
{
	const struct kv_kstack *ks = arg;

	return kv_phys_free_count(ks->cfg.phys, domain) <
	       kv_phys_free_min(ks->cfg.phys, domain);
}

int
kv_stack_create(struct kv_kstack *ks, unsigned npages, unsigned domain,
    struct kv_stack *stack)
{
	struct kv_stack s = {.npages = npages};
	struct kv_domainset_walk walk;
	int error = ENOMEM;

	if (domain >= ks->cfg.ndomains)
		return EINVAL;
	if (npages <= 1)
		s.npages = ks->cfg.npages;
	else if (npages > ks->cfg.machine->kstack_max)
		s.npages = ks->cfg.machine->kstack_max;
	if (!kstack_is_default(ks, s.npages) && others_reserve(ks) != 0)
		goto out;
	if (ks->cfg.faults != 0) {
		error = kv_kstack_create_faulty(ks, domain, &s);
		goto out;
	}
	kv_domainset_start(&ks->domains, domain, kv_kstack_is_low, ks, &walk);
	while (error == ENOMEM && kv_domainset_next(&walk, &domain)) {
		s.domain = (uint16_t)domain;
		error = create_in(ks, &s);
	}
out:
	if (error != 0) {
		ks->failed++;
		return error;
	}
	if (!kstack_is_default(ks, s.npages))
		ks->others[ks->nothers++] = s;
	ks->live++;
	ks->created++;
	*stack = s;
	return 0;
}

static void
others_remove(struct kv_kstack *ks, const struct kv_stack *stack)
{
	for (size_t i = 0; i < ks->nothers; i++)
		if (ks->others[i].ks == stack->ks) {
			ks->others[i] = ks->others[--ks->nothers];
			return;
		}
}

int
kv_kstack_not_busy(const struct kv_kstack *ks, const struct kv_stack *stack,
    int error, struct kv_diag *diag)
{
	return kv_diag_set(diag, error, "freebsd", 5, kstack_kva(ks, stack),
	    "freed KVA is not busy in that arena (bt != NULL)");
}

/* The slot's KVA did not go; or it did, and the chunk that it was the last of
 * did not.  => which of them; *diag */
static bool
is_gone(const struct kv_kstack *ks, const struct kv_stack *stack, int error,
    const struct kv_diag *why, struct kv_diag *diag)
{
	if (strcmp(why->module, "vmem") == 0) {
		kv_kstack_not_busy(ks, stack, error, diag);
		return false;
	}
	if (diag != NULL)
		*diag = *why;
	return true;
}

int
kv_stack_dispose(
    struct kv_kstack *ks, const struct kv_stack *stack, struct kv_diag *diag)
{
	uint64_t size = (stack->npages + ks->cfg.gpages) * ks->page;
	struct kv_object *obj = kstack_object_for(ks, stack->npages);
	unsigned domain = stack->domain;
	bool misplaced = false;
	kv_pindex_t pindex;
	struct kv_diag why;
	kv_pfn_t first;
	int error;

	if (domain >= ks->cfg.ndomains)
		return kv_diag_set(diag, EINVAL, "freebsd", 7, stack->ks,
		    "the stack's domain does not exist");
	if (kstack_first_pindex(ks, stack, &pindex) != 0)
		return kv_diag_set(
		    diag, EINVAL, "freebsd", 2, stack->ks, "guard page pindex");
	if (ks->cfg.ndomains > 1 && kv_object_lookup(obj, pindex, &first) == 0)
		misplaced = kstack_is_misplaced(ks, stack, first);
	if (ks->cfg.faults != 0 &&
	    (error = kv_kstack_infer_domain(ks, stack, &domain, diag)) != 0)
		return error;
	if (ks->nout != 0 && kv_stack_is_out(ks, stack))
		kv_kstack_not_out(ks, stack);
	else if (kv_page_free(
		     ks->cfg.reserv, obj, pindex, stack->npages, NULL) != 0)
		return kv_diag_set(diag, ENOENT, "freebsd", 3, stack->ks,
		    "kernel stack page is already missing");
	error = kv_vmem_free(kstack_arena_for(ks, stack->npages, domain),
	    kstack_kva(ks, stack), size, &why);
	if (error != 0 && !is_gone(ks, stack, error, &why, diag))
		return error;
	if (!kstack_is_default(ks, stack->npages))
		others_remove(ks, stack);
	ks->wrong_domain -= misplaced;
	ks->live--;
	ks->disposed++;
	kv_tap_emit(&ks->cfg.tap, KV_EV_KSTACK_DISPOSE, "kstack", stack->ks,
	    stack->npages, stack->domain, pindex);
	return error;
}

int
kv_stack_pages(
    const struct kv_kstack *ks, const struct kv_stack *stack, kv_pfn_t *pfns)
{
	const struct kv_object *obj = kstack_object_for(ks, stack->npages);

	for (unsigned i = 0; i < stack->npages; i++)
		if (kv_object_lookup(obj, stack->pindex + i, &pfns[i]) != 0)
			return ENOENT;
	return 0;
}
