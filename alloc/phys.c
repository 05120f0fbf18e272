/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * phys.c - physical memory of a machine: segments, free lists, free counts
 *
 * 1 Concepts.  Memory is a row of segments: ranges that share a domain and a
 *   free list.  Free lists keep low memory for those who need it.  A domain's
 *   free count says how many pages an allocation may still ask for; it counts
 *   idle pages of reservations, which stand in no queue.
 * 2 Representation.  buddy.h holds the blocks; here are the counts.
 * 3 Invariants.
 *   I1..I5 of buddy.c.
 *   I6  Segments are ascending and disjoint; touching ones differ in domain
 *       or list.
 *   I7  free count >= pages in the domain's queues; equal without
 *       reservations.
 * 4 Cost.  Create: one record a reservation-sized piece (24 bytes), one queue
 *   insertion a block of the largest order; nothing a page.
 * 5 Fidelity.  spec phys.md 1-9, 14, from vm_phys.c.  Not modelled: per-CPU
 *   page caches, early boot carving (27).
 */
#include "arith.h"
#include "buddy.h"
#include "phys.h"
#include "phys_layout.h"

struct kv_phys {
	struct kv_buddy buddy;		  /* (I1..I5) */
	struct kv_host *host;		  /* (c) */
	struct kv_tap tap;		  /* (c) */
	const struct kv_machine *machine; /* (c) */
	uint64_t pages;			  /* (c) of memory */
	struct phys_domain {
		uint64_t free;			 /* pages (I7) */
		uint64_t limit[KV_PHYS_CLASSES]; /* pages to leave */
		uint64_t free_min; /* pages; below: short of memory */
	} domain[];
};

/* The blocks, as they are when no split is put off: what all but a pair of
 * alloc and free must see. */
static struct kv_buddy *
settled(const struct kv_phys *phys)
{
	struct kv_buddy *b = (struct kv_buddy *)(uintptr_t)&phys->buddy;

	kv_buddy_settle(b);
	return b;
}

void
kv_phys_tell(const struct kv_phys *phys, enum kv_event_kind kind, kv_pfn_t pfn,
    uint64_t npages, unsigned domain, unsigned pool)
{
	kv_tap_emit(&phys->tap, kind, "phys", pfn << phys->machine->page_shift,
	    npages, domain, pool);
}

/* ---- Create ------------------------------------------------------------ */

/* Memory, as a listener must know it. */
static void
segs_tell(const struct kv_phys *phys)
{
	struct kv_phys_seg seg;

	for (size_t i = 0;
	     phys->tap.fn != NULL && kv_phys_seg(phys, i, &seg) == 0; i++)
		kv_tap_tell(&phys->tap, KV_EV_PHYS_SEG, "phys", seg.start,
		    seg.end - seg.start, seg.domain, seg.list);
}

/* Queue the available memory (fact 5); a range may border on another inside
 * one segment, and then its blocks end there.  Pieces that an end cuts need
 * a detail; those that fill up lose it again. */
static int
boot_fill(struct kv_phys *phys, const struct kv_phys_config *cfg)
{
	struct kv_buddy *b = &phys->buddy;
	unsigned shift = cfg->machine->page_shift;
	size_t r = 0;

	for (size_t s = 0; s < b->nsegs; s++) {
		struct kv_buddy_seg *seg = &b->segs[s];
		uint32_t start = seg->start;

		if (kv_buddy_detail(b, seg, start, 1) != 0)
			return ENOMEM;
		while (start < seg->end) {
			uint32_t end = (uint32_t)(cfg->ranges[r].end >> shift);

			if (end <= seg->end)
				r++;
			else
				end = seg->end;
			if (kv_buddy_detail(b, seg, end - 1, 1) != 0)
				return ENOMEM;
			kv_buddy_enqueue(b, seg, start, end - start,
			    cfg->lazy_init ? KV_PHYS_LAZYINIT : KV_PHYS_DEFAULT,
			    KV_BUDDY_TAIL);
			start = end;
		}
		phys->domain[seg->domain].free += seg->end - seg->start;
		phys->pages += seg->end - seg->start;
	}
	return 0;
}

static size_t
phys_size(unsigned ndomains)
{
	return sizeof(struct kv_phys) + ndomains * sizeof(struct phys_domain);
}

int
kv_phys_create(const struct kv_phys_config *cfg, struct kv_phys **phys)
{
	struct kv_buddy_seg *segs;
	struct kv_phys *p;
	size_t nsegs;
	unsigned nlists;
	int error = kv_phys_layout(cfg, &segs, &nsegs, &nlists);

	if (error != 0)
		return error;
	p = kv_host_zalloc(cfg->host, 1, phys_size(cfg->ndomains));
	if (p == NULL) {
		kv_host_free(cfg->host, segs, nsegs, sizeof(*segs));
		return ENOMEM;
	}
	p->host = cfg->host;
	p->tap = cfg->tap;
	p->machine = cfg->machine;
	p->buddy = (struct kv_buddy){.host = cfg->host,
	    .piece_order = cfg->machine->reserv_order,
	    .max_order = cfg->machine->max_order,
	    .ndomains = cfg->ndomains,
	    .lazy = cfg->lazy_init,
	    .nlists = nlists};
	if (kv_buddy_init(&p->buddy, segs, nsegs) != 0) {
		kv_host_free(cfg->host, segs, nsegs, sizeof(*segs));
		kv_host_free(cfg->host, p, 1, phys_size(cfg->ndomains));
		return ENOMEM;
	}
	if (boot_fill(p, cfg) != 0) {
		kv_phys_destroy(p);
		return ENOMEM;
	}
	segs_tell(p);
	*phys = p;
	return 0;
}

void
kv_phys_destroy(struct kv_phys *phys)
{
	if (phys == NULL)
		return;
	kv_buddy_fini(&phys->buddy);
	kv_host_free(phys->host, phys, 1, phys_size(phys->buddy.ndomains));
}

/* ---- Use --------------------------------------------------------------- */

bool
kv_phys_charge(struct kv_phys *phys, enum kv_phys_class class, unsigned domain,
    uint64_t npages)
{
	struct phys_domain *d = &phys->domain[domain];

	if (d->free < d->limit[class] || d->free - d->limit[class] < npages)
		return false;
	d->free -= npages;
	return true;
}

void
kv_phys_uncharge(struct kv_phys *phys, unsigned domain, uint64_t npages)
{
	phys->domain[domain].free += npages;
}

void
kv_phys_set_limit(struct kv_phys *phys, unsigned domain, uint64_t limit)
{
	for (unsigned c = 0; c < KV_PHYS_CLASSES; c++)
		kv_phys_set_class_limit(
		    phys, (enum kv_phys_class)c, domain, limit);
}

void
kv_phys_set_class_limit(struct kv_phys *phys, enum kv_phys_class class,
    unsigned domain, uint64_t limit)
{
	if (domain < phys->buddy.ndomains)
		phys->domain[domain].limit[class] = limit;
}

void
kv_phys_set_free_min(struct kv_phys *phys, unsigned domain, uint64_t npages)
{
	if (domain < phys->buddy.ndomains)
		phys->domain[domain].free_min = npages;
}

int
kv_phys_reserve(struct kv_phys *phys, size_t n)
{
	return kv_buddy_reserve(settled(phys), n);
}

int
kv_phys_detail(struct kv_phys *phys, kv_pfn_t pfn, uint64_t npages)
{
	return kv_buddy_detail(settled(phys),
	    kv_buddy_seg_of(&phys->buddy, pfn), (uint32_t)pfn,
	    (uint32_t)npages);
}

int
kv_phys_take(struct kv_phys *phys, enum kv_phys_pool pool, unsigned order,
    unsigned domain, kv_pfn_t *pfn)
{
	uint32_t page = kv_buddy_take(settled(phys), domain, pool, order);

	if (page == KV_BUDDY_NONE)
		return ENOMEM;
	*pfn = page;
	kv_phys_tell(
	    phys, KV_EV_PHYS_ALLOC, page, UINT64_C(1) << order, domain, pool);
	return 0;
}

void
kv_phys_give(struct kv_phys *phys, kv_pfn_t pfn, unsigned order)
{
	kv_phys_tell(phys, KV_EV_PHYS_FREE, pfn, UINT64_C(1) << order, 0, 0);
	kv_buddy_join(settled(phys), kv_buddy_seg_of(&phys->buddy, pfn),
	    (uint32_t)pfn, order);
}

void
kv_phys_give_run(struct kv_phys *phys, kv_pfn_t pfn, uint64_t npages)
{
	kv_phys_tell(phys, KV_EV_PHYS_FREE, pfn, npages, 0, 0);
	kv_buddy_enqueue(settled(phys), kv_buddy_seg_of(&phys->buddy, pfn),
	    (uint32_t)pfn, (uint32_t)npages, KV_PHYS_DEFAULT, KV_BUDDY_TAIL);
}

int
kv_phys_alloc(struct kv_phys *phys, enum kv_phys_pool pool, unsigned order,
    unsigned domain, kv_pfn_t *pfn)
{
	struct kv_buddy *b = settled(phys);
	uint64_t npages = UINT64_C(1) << order;
	uint32_t page;

	if (order > phys->buddy.max_order || domain >= phys->buddy.ndomains ||
	    (unsigned)pool >= KV_PHYS_LAZYINIT)
		return EINVAL;
	if (order < phys->buddy.piece_order && kv_buddy_reserve(b, 1) != 0)
		return ENOMEM;
	if (!kv_phys_charge(phys, KV_PHYS_NORMAL, domain, npages))
		return ENOMEM;
	page = kv_buddy_take_uncut(b, domain, pool, order);
	if (page == KV_BUDDY_NONE) {
		kv_phys_uncharge(phys, domain, npages);
		return ENOMEM;
	}
	kv_phys_tell(phys, KV_EV_PHYS_ALLOC, page, npages, domain, pool);
	*pfn = page;
	return 0;
}

int
kv_phys_free(
    struct kv_phys *phys, kv_pfn_t pfn, unsigned order, struct kv_diag *diag)
{
	struct kv_buddy *b = &phys->buddy;
	struct kv_buddy_seg *seg = kv_buddy_seg_of(b, pfn);
	kv_pa_t pa = pfn << phys->machine->page_shift;
	uint32_t npages;

	if (order > b->max_order || seg == NULL)
		return kv_diag_set(
		    diag, EINVAL, "phys", 1, pa, "freed block is not memory");
	npages = UINT32_C(1) << order;
	kv_phys_tell(phys, KV_EV_PHYS_FREE, pfn, npages, 0, 0);
	if (kv_buddy_uncut(b, (uint32_t)pfn, order)) {
		kv_phys_uncharge(phys, seg->domain, npages);
		return 0;
	}
	kv_buddy_settle(b);
	if ((pfn & (npages - 1)) != 0 || seg->end - pfn < npages)
		return kv_diag_set(diag, EINVAL, "phys", 1, pa,
		    "freed block is not aligned or leaves its segment");
	if (kv_buddy_any_free(b, seg, (uint32_t)pfn, npages))
		return kv_diag_set(diag, EINVAL, "phys", 2, pa,
		    "freed block holds a free page");
	if (order < b->piece_order &&
	    kv_buddy_detail(b, seg, (uint32_t)pfn, npages) != 0)
		return ENOMEM;
	kv_buddy_join(b, seg, (uint32_t)pfn, order);
	kv_phys_uncharge(phys, seg->domain, npages);
	return 0;
}

/* ---- Inspect ----------------------------------------------------------- */

struct kv_buddy *
kv_phys_buddy(struct kv_phys *phys)
{
	return settled(phys);
}

struct kv_phys_stats
kv_phys_stats(const struct kv_phys *phys)
{
	const struct kv_buddy *b = settled(phys);
	struct kv_phys_stats stats = {.pages = phys->pages};
	size_t rows = (size_t)b->ndomains * b->nlists * KV_PHYS_POOLS;

	for (unsigned d = 0; d < b->ndomains; d++)
		stats.free_pages += phys->domain[d].free;
	for (size_t i = 0; i < rows * (b->max_order + 1); i++)
		stats.blocks[i % (b->max_order + 1)] += b->queues[i].count;
	return stats;
}

uint64_t
kv_phys_free_count(const struct kv_phys *phys, unsigned domain)
{
	return phys->domain[domain].free;
}

uint64_t
kv_phys_queued(const struct kv_phys *phys, unsigned domain)
{
	return settled(phys)->free[domain];
}

uint64_t
kv_phys_limit(
    const struct kv_phys *phys, enum kv_phys_class class, unsigned domain)
{
	return phys->domain[domain].limit[class];
}

uint64_t
kv_phys_free_min(const struct kv_phys *phys, unsigned domain)
{
	return phys->domain[domain].free_min;
}

uint64_t
kv_phys_blocks(const struct kv_phys *phys, unsigned domain, unsigned list,
    unsigned pool, unsigned order)
{
	return kv_buddy_queue(settled(phys), domain, list, pool, order)->count;
}

unsigned
kv_phys_domain(const struct kv_phys *phys, kv_pfn_t pfn)
{
	const struct kv_buddy_seg *seg = kv_buddy_seg_of(&phys->buddy, pfn);

	return seg == NULL ? phys->buddy.ndomains : seg->domain;
}

unsigned
kv_phys_pool(const struct kv_phys *phys, kv_pfn_t pfn)
{
	return kv_buddy_pool(
	    settled(phys), kv_buddy_seg_of(&phys->buddy, pfn), (uint32_t)pfn);
}

uint64_t
kv_phys_pages(const struct kv_phys *phys)
{
	return phys->pages;
}

unsigned
kv_phys_domains(const struct kv_phys *phys)
{
	return phys->buddy.ndomains;
}

unsigned
kv_phys_pools(const struct kv_phys *phys)
{
	return phys->buddy.lazy ? KV_PHYS_POOLS : KV_PHYS_LAZYINIT;
}

unsigned
kv_phys_lists(const struct kv_phys *phys)
{
	return phys->buddy.nlists;
}

const struct kv_machine *
kv_phys_machine(const struct kv_phys *phys)
{
	return phys->machine;
}

int
kv_phys_seg(const struct kv_phys *phys, size_t i, struct kv_phys_seg *seg)
{
	unsigned shift = phys->machine->page_shift;
	const struct kv_buddy_seg *s;

	if (i >= phys->buddy.nsegs)
		return ENOENT;
	s = &phys->buddy.segs[i];
	*seg = (struct kv_phys_seg){(kv_pa_t)s->start << shift,
	    (kv_pa_t)s->end << shift, s->domain, s->list};
	return 0;
}

size_t
kv_phys_slots(const struct kv_phys *phys)
{
	const struct kv_buddy_seg *last =
	    &phys->buddy.segs[phys->buddy.nsegs - 1];

	return (size_t)last->slot0 + last->npieces;
}

int
kv_phys_slot(const struct kv_phys *phys, kv_pfn_t pfn, size_t *slot)
{
	const struct kv_buddy *b = &phys->buddy;
	const struct kv_buddy_seg *seg = kv_buddy_seg_of(b, pfn);
	uint64_t first = pfn >> b->piece_order << b->piece_order;

	if (seg == NULL || first < seg->start ||
	    seg->end - first < UINT64_C(1) << b->piece_order)
		return ENOENT;
	*slot = seg->slot0 + (size_t)((pfn >> b->piece_order) - seg->piece0);
	return 0;
}

int
kv_phys_walk_queue(const struct kv_phys *phys, const struct kv_phys_block *ours,
    kv_phys_walk_fn *cb, void *arg)
{
	const struct kv_buddy *b = settled(phys);
	struct kv_phys_block block = *ours;
	uint32_t pfn =
	    kv_buddy_queue(b, block.domain, block.list, block.pool, block.order)
		->head;

	for (; pfn != KV_BUDDY_NONE; pfn = kv_buddy_next(b, pfn, block.order)) {
		int error;

		block.pfn = pfn;
		error = cb(arg, &block);
		if (error != 0)
			return error;
	}
	return 0;
}

int
kv_phys_walk(const struct kv_phys *phys, kv_phys_walk_fn *cb, void *arg)
{
	const struct kv_buddy *b = settled(phys);
	size_t norders = b->max_order + 1;
	size_t n = (size_t)b->ndomains * b->nlists * KV_PHYS_POOLS * norders;

	for (size_t i = 0; i < n; i++) {
		size_t row = i / norders;
		struct kv_phys_block ours = {
		    .domain = (unsigned)(row / KV_PHYS_POOLS / b->nlists),
		    .list = (unsigned)(row / KV_PHYS_POOLS % b->nlists),
		    .pool = (unsigned)(row % KV_PHYS_POOLS),
		    .order = (unsigned)(i % norders)};
		int error = kv_phys_walk_queue(phys, &ours, cb, arg);

		if (error != 0)
			return error;
	}
	return 0;
}

enum kv_phys_state
kv_phys_whatis(
    const struct kv_phys *phys, kv_pfn_t pfn, struct kv_phys_block *block)
{
	const struct kv_buddy *b = settled(phys);
	const struct kv_buddy_seg *seg = kv_buddy_seg_of(b, pfn);
	uint32_t head;
	int order;

	if (seg == NULL)
		return KV_PHYS_ABSENT;
	order = kv_buddy_holder(b, seg, (uint32_t)pfn, &head);
	if (order < 0)
		return KV_PHYS_USED;
	*block = (struct kv_phys_block){.pfn = head,
	    .domain = seg->domain,
	    .list = seg->list,
	    .pool = kv_buddy_pool(b, seg, head),
	    .order = (unsigned)order};
	return KV_PHYS_FREE;
}

int
kv_phys_check(const struct kv_phys *phys, struct kv_diag *diag)
{
	const struct kv_buddy *b = settled(phys);
	int error = kv_buddy_check(b, diag);

	for (size_t i = 1; error == 0 && i < b->nsegs; i++) {
		const struct kv_buddy_seg *s = &b->segs[i], *p = s - 1;

		if (s->start < p->end ||
		    (s->start == p->end && s->domain == p->domain &&
			s->list == p->list))
			error = kv_diag_set(diag, EFAULT, "phys", 6,
			    (kv_pa_t)s->start << phys->machine->page_shift,
			    "segments overlap or should be one");
	}
	for (unsigned d = 0; error == 0 && d < b->ndomains; d++)
		if (phys->domain[d].free < b->free[d])
			error = kv_diag_set(diag, EFAULT, "phys", 7, d,
			    "free count below what the queues hold");
	return error;
}
