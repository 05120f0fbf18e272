/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy_check.c - whether the free blocks are as buddy.c says
 *
 * 1 Concepts, 2 Representation, 3 Invariants, 5 Fidelity.  Those of buddy.c.
 * 4 Cost.  Every block, every piece and every page with a detail, once.
 */
#include "buddy.h"

static int
bad(struct kv_diag *diag, unsigned invariant, uint32_t pfn, const char *text)
{
	return kv_diag_set(diag, EFAULT, "phys", invariant, pfn, text);
}

/* One block: aligned, inside, its pages free only through it (I1, I2, I4). */
static int
check_block(const struct kv_buddy *b, const struct kv_buddy_seg *seg,
    uint32_t pfn, unsigned order, struct kv_diag *diag)
{
	uint32_t npages = UINT32_C(1) << order;

	if ((pfn & (npages - 1)) != 0 || seg->end - pfn < npages)
		return bad(diag, 1, pfn, "block misaligned or cut");
	for (unsigned o = order + 1; o <= b->max_order; o++)
		if (kv_buddy_is_free(b, seg, pfn >> o << o, o))
			return bad(diag, 2, pfn, "block inside another");
	if (order < b->piece_order)
		return 0;
	for (uint32_t p = pfn; p < pfn + npages; p += kv_buddy_piece_pages(b)) {
		if (kv_buddy_piece_of(b, seg, p)->detail != NULL)
			return bad(diag, 4, p, "free piece has a detail");
		if (p != pfn && kv_buddy_piece_of(b, seg, p)->head != 0)
			return bad(diag, 2, p, "block inside another");
	}
	return 0;
}

static int
check_queue(const struct kv_buddy *b, size_t row, unsigned order,
    uint64_t *free, struct kv_diag *diag)
{
	unsigned pool = (unsigned)(row % KV_BUDDY_POOLS);
	unsigned list = (unsigned)(row / KV_BUDDY_POOLS % b->nlists);
	unsigned domain = (unsigned)(row / KV_BUDDY_POOLS / b->nlists);
	const struct kv_buddy_queue *q =
	    kv_buddy_queue(b, domain, list, pool, order);
	uint32_t prev = KV_BUDDY_NONE;
	uint64_t count = 0;

	for (uint32_t p = q->head; p != KV_BUDDY_NONE; count++) {
		const struct kv_buddy_seg *seg = kv_buddy_seg_of(b, p);

		if (count > q->count || seg == NULL || seg->list != list ||
		    seg->domain != domain ||
		    !kv_buddy_is_free(b, seg, p, order) ||
		    kv_buddy_pool(b, seg, p) != pool ||
		    kv_buddy_link_of(b, seg, p, order)->prev != prev)
			return bad(diag, 3, p, "block in the wrong queue");
		if (check_block(b, seg, p, order, diag) != 0)
			return EFAULT;
		prev = p;
		p = kv_buddy_link_of(b, seg, p, order)->next;
	}
	if (count != q->count || q->tail != prev ||
	    (b->orders[row] >> order & 1) != (count != 0))
		return bad(diag, 3, prev, "queue count, tail or bit is wrong");
	*free += count << order;
	return 0;
}

/* Heads marked in the pieces; the queues must hold as many. */
static uint64_t
count_heads(const struct kv_buddy *b)
{
	uint64_t n = 0;

	for (size_t s = 0; s < b->nsegs; s++)
		for (uint32_t p = 0; p < b->segs[s].npieces; p++) {
			const struct kv_buddy_piece *piece =
			    &b->segs[s].pieces[p];

			n += piece->head != 0;
			for (uint32_t i = 0; piece->detail != NULL &&
					     i < kv_buddy_piece_pages(b);
			     i++)
				n += piece->detail->head[i] != 0;
		}
	return n;
}

int
kv_buddy_check(const struct kv_buddy *b, struct kv_diag *diag)
{
	uint64_t blocks = 0;

	for (unsigned d = 0; d < b->ndomains; d++) {
		size_t rows = (size_t)b->nlists * KV_BUDDY_POOLS;
		uint64_t free = 0;

		for (size_t row = d * rows; row < (d + 1) * rows; row++)
			for (unsigned o = 0; o <= b->max_order; o++) {
				if (check_queue(b, row, o, &free, diag) != 0)
					return EFAULT;
				blocks +=
				    b->queues[row * (b->max_order + 1) + o]
					.count;
			}
		if (free != b->free[d])
			return bad(diag, 5, d, "free pages of a domain");
	}
	if (blocks != count_heads(b))
		return bad(diag, 3, 0, "a free block is in no queue");
	return 0;
}
