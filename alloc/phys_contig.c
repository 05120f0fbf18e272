/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * phys_contig.c - physically contiguous runs, batches and single pages by name
 *
 * 1 Concepts.  A run is n pages in a row, not a power of two.  The search does
 *   not look inside blocks: a block serves if the run may begin at its start.
 *
 *     want 3 pages, aligned to 4          want 3 pages, aligned to 8
 *     [0 . . .|4 . . .]  order 3          [4 . . .] order 2: start not aligned
 *      ^run^ 3  excess -> queue heads     although no other block is free
 *
 * 2 Representation.  That of buddy.c.
 * 3 Invariants.  I1..I5 of buddy.c; a piece of which only a part was given out
 *   has a detail.
 * 4 Cost.  Search: the blocks of a list that are large enough, each once; for
 *   runs above the largest order its blocks, each row of neighbours once.
 * 5 Fidelity.  spec phys.md 10-13, from vm_phys.c (Aug-Nov 2023; 13.0 searched
 *   and freed runs differently).
 */
#include "arith.h"
#include "buddy.h"
#include "phys.h"

/* ---- Contiguous runs --------------------------------------------------- */

bool
kv_phys_suits(
    const struct kv_phys *phys, const struct kv_phys_want *want, kv_pa_t pa)
{
	uint64_t size = want->npages << kv_phys_machine(phys)->page_shift;
	kv_pa_t last = pa + size - 1;

	return pa >= want->low && last < want->high &&
	       (pa & (want->align - 1)) == 0 &&
	       (want->boundary == 0 ||
		   ((pa ^ last) & ~(want->boundary - 1)) == 0);
}

/* A search, and what it found. */
struct search {
	const struct kv_phys *phys;
	const struct kv_buddy *b;
	const struct kv_phys_want *want;
	unsigned order;	  /* of the blocks to use */
	uint64_t nblocks; /* of that order, in a row */
};

static bool
suits(const struct search *s, uint64_t pfn)
{
	return kv_phys_suits(
	    s->phys, s->want, pfn << kv_phys_machine(s->phys)->page_shift);
}

/* n pages from the start of one block of at least n pages. */
static uint32_t
find_block(struct search *s, unsigned domain, unsigned list)
{
	const struct kv_buddy *b = s->b;

	s->nblocks = 1;
	for (s->order = kv_log2_ceil(s->want->npages); s->order <= b->max_order;
	     s->order++)
		for (unsigned i = 0; i < KV_BUDDY_POOLS; i++) {
			uint32_t pfn = kv_buddy_queue(
			    b, domain, list, kv_buddy_pool_at(i), s->order)
					   ->head;

			while (pfn != KV_BUDDY_NONE && !suits(s, pfn))
				pfn = kv_buddy_next(b, pfn, s->order);
			if (pfn != KV_BUDDY_NONE)
				return pfn;
		}
	return KV_BUDDY_NONE;
}

/* In the row of free largest blocks that begins at pfn, if one does. */
static uint32_t
find_in_row(const struct search *s, uint32_t pfn)
{
	const struct kv_buddy *b = s->b;
	const struct kv_buddy_seg *seg = kv_buddy_seg_of(b, pfn);
	uint32_t block = UINT32_C(1) << b->max_order, end = pfn;

	if (pfn >= block && kv_buddy_is_free(b, seg, pfn - block, b->max_order))
		return KV_BUDDY_NONE;
	while (kv_buddy_is_free(b, seg, end, b->max_order))
		end += block;
	for (; end - pfn >= s->want->npages; pfn += block)
		if (suits(s, pfn))
			return pfn;
	return KV_BUDDY_NONE;
}

/* More pages than the largest block has. */
static uint32_t
find_row(struct search *s, unsigned domain, unsigned list)
{
	const struct kv_buddy *b = s->b;
	uint64_t block = UINT64_C(1) << b->max_order;

	s->order = b->max_order;
	s->nblocks = (s->want->npages + block - 1) >> b->max_order;
	for (unsigned i = 0; i < KV_BUDDY_POOLS; i++) {
		uint32_t pfn = kv_buddy_queue(
		    b, domain, list, kv_buddy_pool_at(i), s->order)
				   ->head;

		for (; pfn != KV_BUDDY_NONE;
		     pfn = kv_buddy_next(b, pfn, s->order)) {
			uint32_t found = find_in_row(s, pfn);

			if (found != KV_BUDDY_NONE)
				return found;
		}
	}
	return KV_BUDDY_NONE;
}

/* Does a segment share npages with [low, high)? */
static bool
overlaps(const struct search *s, const struct kv_buddy_seg *seg)
{
	unsigned shift = kv_phys_machine(s->phys)->page_shift;
	kv_pa_t start = (kv_pa_t)seg->start << shift;
	kv_pa_t end = (kv_pa_t)seg->end << shift;

	start = start > s->want->low ? start : s->want->low;
	end = end < s->want->high ? end : s->want->high;
	return end > start && (end - start) >> shift >= s->want->npages;
}

static uint32_t
find(struct search *s, unsigned domain)
{
	const struct kv_buddy *b = s->b;
	unsigned searched = b->nlists;

	for (size_t i = b->nsegs; i-- != 0;) {
		const struct kv_buddy_seg *seg = &b->segs[i];
		uint32_t pfn;

		if (seg->domain != domain || !overlaps(s, seg) ||
		    seg->list == searched)
			continue;
		searched = seg->list;
		pfn = s->want->npages > UINT64_C(1) << b->max_order
			  ? find_row(s, domain, seg->list)
			  : find_block(s, domain, seg->list);
		if (pfn != KV_BUDDY_NONE)
			return pfn;
	}
	return KV_BUDDY_NONE;
}

int
kv_phys_take_contig(struct kv_phys *phys, const struct kv_phys_want *want,
    unsigned domain, kv_pfn_t *pfn)
{
	struct kv_buddy *b = kv_phys_buddy(phys);
	struct search s = {.phys = phys, .b = b, .want = want};
	struct kv_buddy_seg *seg;
	uint32_t first, used, total;

	if (want->npages > kv_phys_pages(phys))
		return ENOMEM;
	first = find(&s, domain);
	if (first == KV_BUDDY_NONE)
		return ENOMEM;
	seg = kv_buddy_seg_of(b, first);
	for (uint64_t i = 0; i < s.nblocks; i++) {
		uint32_t block = first + (uint32_t)(i << s.order);

		kv_buddy_remove(b, seg, block, s.order);
		kv_buddy_set_pool(b, seg, block, s.order, KV_PHYS_DEFAULT);
	}
	used = (uint32_t)want->npages;
	total = (uint32_t)(s.nblocks << s.order);
	if (used != total) {
		kv_buddy_detail(b, seg, first + used, 1);
		kv_buddy_enqueue(b, seg, first + used, total - used,
		    KV_PHYS_DEFAULT, KV_BUDDY_HEAD);
	}
	kv_phys_tell(
	    phys, KV_EV_PHYS_ALLOC, first, used, domain, KV_PHYS_DEFAULT);
	*pfn = first;
	return 0;
}

/* ---- Batches ----------------------------------------------------------- */

struct batch {
	struct kv_phys *phys;
	struct kv_buddy *b;
	unsigned domain, pool;
	uint64_t wanted, got;
	kv_pfn_t *pfns;
};

/* Use the head of a queue; what is left of it goes back. */
static void
batch_block(struct batch *bt, unsigned list, unsigned from_pool, unsigned order)
{
	struct kv_buddy *b = bt->b;
	uint32_t pfn =
	    kv_buddy_pop(b, bt->domain, list, from_pool, order, bt->pool);
	struct kv_buddy_seg *seg = kv_buddy_seg_of(b, pfn);
	uint64_t left = bt->wanted - bt->got;
	uint32_t total = UINT32_C(1) << order;
	uint32_t used = left < total ? (uint32_t)left : total;

	/* The pages will be freed one by one. */
	kv_buddy_detail(b, seg, pfn, used);
	if (used != total) {
		kv_buddy_detail(b, seg, pfn + used, 1);
		kv_buddy_enqueue(
		    b, seg, pfn + used, total - used, bt->pool, KV_BUDDY_TAIL);
	}
	kv_phys_tell(
	    bt->phys, KV_EV_PHYS_ALLOC, pfn, used, bt->domain, bt->pool);
	for (uint32_t i = 0; i < used; i++)
		bt->pfns[bt->got++] = (kv_pfn_t)pfn + i;
}

static void
batch_queue(struct batch *bt, unsigned list, unsigned from_pool, unsigned order)
{
	const struct kv_buddy_queue *q =
	    kv_buddy_queue(bt->b, bt->domain, list, from_pool, order);

	while (bt->got < bt->wanted && q->head != KV_BUDDY_NONE)
		batch_block(bt, list, from_pool, order);
}

static void
batch_fill(struct batch *bt)
{
	for (unsigned list = 0; list < bt->b->nlists; list++) {
		for (unsigned o = 0; o <= bt->b->max_order; o++)
			batch_queue(bt, list, bt->pool, o);
		for (unsigned o = bt->b->max_order + 1; o-- != 0;)
			for (unsigned i = 0; i < KV_BUDDY_POOLS; i++)
				batch_queue(bt, list, kv_buddy_pool_at(i), o);
	}
}

int
kv_phys_alloc_batch(struct kv_phys *phys, enum kv_phys_pool pool,
    uint64_t npages, unsigned domain, kv_pfn_t *pfns, uint64_t *got)
{
	struct kv_buddy *b = kv_phys_buddy(phys);
	struct batch bt = {phys, b, domain, pool, npages, 0, pfns};

	if (!kv_phys_charge(phys, KV_PHYS_NORMAL, domain, npages))
		return ENOMEM;
	if (kv_phys_reserve(phys, (npages >> b->piece_order) + 2) != 0) {
		kv_phys_uncharge(phys, domain, npages);
		return ENOMEM;
	}
	batch_fill(&bt);
	kv_phys_uncharge(phys, domain, npages - bt.got);
	*got = bt.got;
	return 0;
}

/* ---- Free a run, unfree a page ----------------------------------------- */

/* Fact 10: the middle is queued as it is, then the ends are joined. */
static void
free_ends_last(
    struct kv_buddy *b, struct kv_buddy_seg *seg, uint32_t start, uint32_t end)
{
	unsigned most = kv_log2(start ^ end);
	unsigned low, high = (unsigned)__builtin_ctz(end);
	uint32_t first = start, last = end;

	most = most < b->max_order ? most : b->max_order;
	low = start == 0 ? most : (unsigned)__builtin_ctz(start);
	if (low < most)
		first += UINT32_C(1) << low;
	if (high < most)
		last -= UINT32_C(1) << high;
	kv_buddy_enqueue(
	    b, seg, first, last - first, KV_BUDDY_POOLS, KV_BUDDY_TAIL);
	if (first != start)
		kv_buddy_join(b, seg, start, low);
	if (last != end)
		kv_buddy_join(b, seg, last, high);
}

int
kv_phys_free_run(
    struct kv_phys *phys, kv_pfn_t pfn, uint64_t npages, struct kv_diag *diag)
{
	struct kv_buddy *b = kv_phys_buddy(phys);
	struct kv_buddy_seg *seg = kv_buddy_seg_of(b, pfn);
	kv_pa_t pa = pfn << kv_phys_machine(phys)->page_shift;
	uint32_t start = (uint32_t)pfn, n = (uint32_t)npages;

	kv_phys_tell(phys, KV_EV_PHYS_FREE, pfn, npages, 0, 0);
	if (seg == NULL || npages == 0 || seg->end - pfn < npages)
		return kv_diag_set(diag, EINVAL, "phys", 1, pa,
		    "freed run is not memory of one segment");
	if (kv_buddy_any_free(b, seg, start, n))
		return kv_diag_set(
		    diag, EINVAL, "phys", 2, pa, "freed run holds a free page");
	if (kv_buddy_reserve(b, 2) != 0)
		return ENOMEM;
	kv_buddy_detail(b, seg, start, 1);
	kv_buddy_detail(b, seg, start + n - 1, 1);
	free_ends_last(b, seg, start, start + n);
	kv_phys_uncharge(phys, seg->domain, npages);
	return 0;
}

int
kv_phys_unfree(struct kv_phys *phys, kv_pfn_t pfn)
{
	struct kv_buddy *b = kv_phys_buddy(phys);
	struct kv_buddy_seg *seg = kv_buddy_seg_of(b, pfn);
	uint32_t page = (uint32_t)pfn, head;
	unsigned pool;
	int order;

	if (seg == NULL)
		return ENOENT;
	order = kv_buddy_holder(b, seg, page, &head);
	if (order < 0)
		return ENOENT;
	if (kv_buddy_reserve(b, 1) != 0)
		return ENOMEM;
	pool = kv_buddy_pool(b, seg, head);
	kv_buddy_remove(b, seg, head, (unsigned)order);
	kv_buddy_detail(b, seg, page, 1);
	while (order-- != 0) {
		uint32_t half = UINT32_C(1) << order;

		/* The half without the page goes. */
		kv_buddy_insert(b, seg, page - head < half ? head + half : head,
		    (unsigned)order, pool, KV_BUDDY_HEAD);
		if (page - head >= half)
			head += half;
	}
	if (pool == KV_PHYS_LAZYINIT)
		kv_buddy_set_pool(b, seg, page, 0, KV_PHYS_DEFAULT);
	kv_phys_tell(phys, KV_EV_PHYS_ALLOC, pfn, 1, seg->domain, pool);
	kv_phys_uncharge(phys, seg->domain, UINT64_MAX);
	return 0;
}
