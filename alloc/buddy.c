/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy.c - free blocks of physical memory
 *
 * 1 Concepts.  Free memory is a set of blocks of 2^order pages, aligned to
 *   their size.  Equal blocks wait in a queue: first in, first out.  A block
 *   is split in halves when a smaller one is wanted, and joined with its buddy
 *   (the other half) when both are free.
 * 2 Representation.  A segment is cut into pieces of as many pages as a
 *   reservation has.  A block of at least a piece is described by the record
 *   of its first piece; a smaller one by its first page's entry in the detail
 *   of its piece, which exists only while the piece is not of one kind.
 *
 *     order 12  [piece|piece|piece|piece|piece|piece|piece|piece]
 *                head
 *     order 3        [detail: 0 0 0 0 0 0 0 0 4 0 0 0 0 0 0 0 ...]
 *                                             head of 8 pages
 *
 *   So memory that nobody split costs one record a piece.
 *   The last split may be put off (the cut): its block is then in no queue and
 *   the upper halves are counted nowhere.  Settled, they are where they would
 *   have been, for nothing else was asked since.  If the part that was given is
 *   freed before that, each of its buddies up to the block is one of those
 *   halves: they are joined, and what is left to do is to free the block.
 * 3 Invariants.
 *   I1  Blocks are aligned to their size and lie in one segment.
 *   I2  Blocks do not overlap.
 *   I3  A queue holds exactly the blocks of its domain, list, pool and order,
 *       linked both ways; count and the bit in orders agree.
 *   I4  A piece that is (part of) a free block of at least a piece has no
 *       detail; one that holds the head of a smaller block has one.
 *   I5  free[domain] is the sum over its blocks.
 * 4 Cost.  insert, remove: constant (a block of several pieces: one write
 *   each).  take, join: one step an order.  24 bytes a piece, and 9 1/8 a page
 *   of a piece with a detail.
 * 5 Fidelity.  spec phys.md 5, 7-9, from vm_phys.c.  Pages carry the pool they
 *   were last put in, as struct vm_page does; a block is in the pool of its
 *   first page.  Boot memory may be in a pool of its own, which nobody asks
 *   from: it is always stolen (phys.md, other versions).
 */
#include <string.h>

#include "arith.h"
#include "bitmap.h"
#include "buddy.h"

static size_t
nqueues(const struct kv_buddy *b)
{
	return (size_t)b->ndomains * b->nlists * KV_BUDDY_POOLS;
}

static size_t
detail_size(const struct kv_buddy *b)
{
	size_t n = kv_buddy_piece_pages(b);

	return sizeof(struct kv_buddy_detail) +
	       n * sizeof(struct kv_buddy_link) + (1u + b->lazy) * n / 8 + n;
}

struct kv_buddy_seg *
kv_buddy_seg_of(const struct kv_buddy *b, uint64_t pfn)
{
	size_t low = 0, high = b->nsegs;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (pfn < b->segs[mid].start)
			high = mid;
		else if (pfn >= b->segs[mid].end)
			low = mid + 1;
		else
			return &b->segs[mid];
	}
	return NULL;
}

/* ---- Details ----------------------------------------------------------- */

static struct kv_buddy_detail *
detail_create(struct kv_buddy *b)
{
	size_t n = kv_buddy_piece_pages(b);
	struct kv_buddy_detail *d =
	    kv_host_resize(b->host, NULL, 0, detail_size(b));

	if (d == NULL)
		return NULL;
	d->link = (struct kv_buddy_link *)(d + 1);
	d->pool = (uint64_t *)(d->link + n);
	d->lazy = b->lazy ? d->pool + n / 64 : NULL;
	d->head = (uint8_t *)(d->pool + (1u + b->lazy) * n / 64);
	memset(d->head, 0, n);
	return d;
}

static void
detail_destroy(struct kv_buddy *b, struct kv_buddy_detail *d)
{
	if (d != NULL)
		kv_host_resize(b->host, d, detail_size(b), 0);
}

int
kv_buddy_reserve(struct kv_buddy *b, size_t n)
{
	while (b->nspares < n) {
		struct kv_buddy_detail *d = detail_create(b);

		if (d == NULL)
			return ENOMEM;
		d->spare = b->spares;
		b->spares = d;
		b->nspares++;
	}
	return 0;
}

static void
detail_attach(struct kv_buddy *b, struct kv_buddy_piece *piece)
{
	struct kv_buddy_detail *d = b->spares;

	if (piece->detail != NULL)
		return;
	KV_ASSERT(d != NULL);
	b->spares = d->spare;
	b->nspares--;
	memset(d->pool, piece->pool == KV_BUDDY_DIRECT ? 0xff : 0,
	    kv_buddy_piece_pages(b) / 8);
	if (d->lazy != NULL)
		memset(d->lazy, piece->pool == KV_BUDDY_LAZY ? 0xff : 0,
		    kv_buddy_piece_pages(b) / 8);
	piece->detail = d;
}

/* Its heads are all clear: no free block is left in the piece. */
static void
detail_release(struct kv_buddy *b, struct kv_buddy_piece *piece)
{
	enum { KEEP = 8 }; /* so that split and join in turn stay cheap */
	struct kv_buddy_detail *d = piece->detail;

	if (d == NULL)
		return;
	piece->detail = NULL;
	if (b->nspares >= KEEP) {
		detail_destroy(b, d);
		return;
	}
	d->spare = b->spares;
	b->spares = d;
	b->nspares++;
}

int
kv_buddy_detail(
    struct kv_buddy *b, struct kv_buddy_seg *seg, uint32_t pfn, uint32_t npages)
{
	struct kv_buddy_piece *first = kv_buddy_piece_of(b, seg, pfn);
	struct kv_buddy_piece *last =
	    kv_buddy_piece_of(b, seg, pfn + npages - 1);
	size_t missing = 0;

	for (struct kv_buddy_piece *p = first; p <= last; p++)
		missing += p->detail == NULL;
	if (kv_buddy_reserve(b, missing) != 0)
		return ENOMEM;
	for (struct kv_buddy_piece *p = first; p <= last; p++)
		detail_attach(b, p);
	return 0;
}

/* ---- Create ------------------------------------------------------------ */

static int
segs_init(struct kv_buddy *b)
{
	uint32_t slot = 0;

	for (size_t i = 0; i < b->nsegs; i++) {
		struct kv_buddy_seg *s = &b->segs[i];

		s->piece0 = s->start >> b->piece_order;
		s->npieces = ((s->end - 1) >> b->piece_order) - s->piece0 + 1;
		s->slot0 = slot;
		slot += s->npieces;
		s->pieces =
		    kv_host_zalloc(b->host, s->npieces, sizeof(*s->pieces));
		if (s->pieces == NULL)
			return ENOMEM;
	}
	return 0;
}

int
kv_buddy_init(struct kv_buddy *b, struct kv_buddy_seg *segs, size_t nsegs)
{
	size_t n = nqueues(b);

	b->segs = segs;
	b->nsegs = nsegs;
	b->queues =
	    kv_host_zalloc(b->host, n * (b->max_order + 1), sizeof(*b->queues));
	b->orders = kv_host_zalloc(b->host, n, sizeof(*b->orders));
	b->free = kv_host_zalloc(b->host, b->ndomains, sizeof(*b->free));
	if (b->queues == NULL || b->orders == NULL || b->free == NULL ||
	    segs_init(b) != 0) {
		b->segs = NULL;
		for (size_t i = 0; i < nsegs; i++)
			kv_host_free(b->host, segs[i].pieces, segs[i].npieces,
			    sizeof(*segs[i].pieces));
		b->nsegs = 0;
		kv_buddy_fini(b);
		return ENOMEM;
	}
	for (size_t i = 0; i < n * (b->max_order + 1); i++)
		b->queues[i].head = b->queues[i].tail = KV_BUDDY_NONE;
	return 0;
}

void
kv_buddy_fini(struct kv_buddy *b)
{
	size_t n = nqueues(b);

	for (size_t i = 0; i < b->nsegs; i++) {
		struct kv_buddy_seg *s = &b->segs[i];

		for (uint32_t p = 0; p < s->npieces; p++)
			detail_destroy(b, s->pieces[p].detail);
		kv_host_free(
		    b->host, s->pieces, s->npieces, sizeof(*s->pieces));
	}
	kv_host_free(b->host, b->segs, b->nsegs, sizeof(*b->segs));
	while (b->spares != NULL) {
		struct kv_buddy_detail *d = b->spares;

		b->spares = d->spare;
		detail_destroy(b, d);
	}
	kv_host_free(
	    b->host, b->queues, n * (b->max_order + 1), sizeof(*b->queues));
	kv_host_free(b->host, b->orders, n, sizeof(*b->orders));
	kv_host_free(b->host, b->free, b->ndomains, sizeof(*b->free));
}

/* ---- Look -------------------------------------------------------------- */

/* A neighbour in a queue: most often in the same segment. */
static struct kv_buddy_link *
link_near(const struct kv_buddy *b, const struct kv_buddy_seg *seg,
    uint32_t pfn, unsigned order)
{
	if (pfn < seg->start || pfn >= seg->end)
		seg = kv_buddy_seg_of(b, pfn);
	return kv_buddy_link_of(b, seg, pfn, order);
}

uint32_t
kv_buddy_next(const struct kv_buddy *b, uint32_t pfn, unsigned order)
{
	return kv_buddy_link_of(b, kv_buddy_seg_of(b, pfn), pfn, order)->next;
}

bool
kv_buddy_is_free(const struct kv_buddy *b, const struct kv_buddy_seg *seg,
    uint32_t pfn, unsigned order)
{
	const struct kv_buddy_piece *p;

	if (pfn < seg->start || pfn >= seg->end)
		return false;
	p = kv_buddy_piece_of(b, seg, pfn);
	if (order >= b->piece_order)
		return kv_buddy_page_in_piece(b, pfn) == 0 &&
		       p->head == order + 1;
	return p->detail != NULL &&
	       p->detail->head[kv_buddy_page_in_piece(b, pfn)] == order + 1;
}

int
kv_buddy_holder(const struct kv_buddy *b, const struct kv_buddy_seg *seg,
    uint32_t pfn, uint32_t *head)
{
	for (unsigned o = 0; o <= b->max_order; o++) {
		uint32_t h = pfn >> o << o;

		if (kv_buddy_is_free(b, seg, h, o)) {
			*head = h;
			return (int)o;
		}
	}
	return -1;
}

bool
kv_buddy_any_free(const struct kv_buddy *b, const struct kv_buddy_seg *seg,
    uint32_t pfn, uint32_t npages)
{
	uint32_t head, end = pfn + npages;

	if (kv_buddy_holder(b, seg, pfn, &head) >= 0)
		return true;
	while (pfn < end) {
		const struct kv_buddy_piece *p = kv_buddy_piece_of(b, seg, pfn);
		uint32_t i = kv_buddy_page_in_piece(b, pfn),
			 n = kv_buddy_piece_pages(b) - i;

		n = n < end - pfn ? n : end - pfn;
		if (i == 0 && p->head != 0)
			return true;
		for (uint32_t j = 0; p->detail != NULL && j < n; j++)
			if (p->detail->head[i + j] != 0)
				return true;
		pfn += n;
	}
	return false;
}

unsigned
kv_buddy_pool(
    const struct kv_buddy *b, const struct kv_buddy_seg *seg, uint32_t pfn)
{
	const struct kv_buddy_piece *p = kv_buddy_piece_of(b, seg, pfn);
	const struct kv_buddy_detail *d = p->detail;
	unsigned i = kv_buddy_page_in_piece(b, pfn);

	if (d == NULL)
		return p->pool;
	return d->lazy != NULL && kv_bit_test(d->lazy, i)
		   ? KV_BUDDY_LAZY
		   : kv_bit_test(d->pool, i);
}

/* ---- Change ------------------------------------------------------------ */

/* All pages of a block become alike; a block of whole pieces drops their
 * details, which hold nothing any more. */
void
kv_buddy_set_pool(struct kv_buddy *b, struct kv_buddy_seg *seg, uint32_t pfn,
    unsigned order, unsigned pool)
{
	struct kv_buddy_piece *p = kv_buddy_piece_of(b, seg, pfn);
	unsigned i = kv_buddy_page_in_piece(b, pfn);

	if (order >= b->piece_order) {
		for (uint32_t n = 0; n >> (order - b->piece_order) == 0; n++) {
			detail_release(b, &p[n]);
			p[n].pool = (uint8_t)pool;
		}
		return;
	}
	if (pool == KV_BUDDY_DIRECT)
		kv_bits_set(p->detail->pool, i, 1u << order);
	else
		kv_bits_clear(p->detail->pool, i, 1u << order);
	if (p->detail->lazy == NULL)
		return;
	if (pool == KV_BUDDY_LAZY)
		kv_bits_set(p->detail->lazy, i, 1u << order);
	else
		kv_bits_clear(p->detail->lazy, i, 1u << order);
}

static void
set_head(struct kv_buddy *b, struct kv_buddy_seg *seg, uint32_t pfn,
    unsigned order, unsigned value)
{
	struct kv_buddy_piece *p = kv_buddy_piece_of(b, seg, pfn);

	if (order >= b->piece_order)
		p->head = (uint8_t)value;
	else
		p->detail->head[kv_buddy_page_in_piece(b, pfn)] =
		    (uint8_t)value;
}

/* The block is in that pool already. */
static void
insert(struct kv_buddy *b, struct kv_buddy_seg *seg, uint32_t pfn,
    unsigned order, unsigned pool, enum kv_buddy_end end)
{
	struct kv_buddy_queue *q =
	    kv_buddy_queue(b, seg->domain, seg->list, pool, order);
	size_t row =
	    (seg->domain * b->nlists + seg->list) * KV_BUDDY_POOLS + pool;
	struct kv_buddy_link *link;

	set_head(b, seg, pfn, order, order + 1);
	link = kv_buddy_link_of(b, seg, pfn, order);
	link->prev = end == KV_BUDDY_TAIL ? q->tail : KV_BUDDY_NONE;
	link->next = end == KV_BUDDY_TAIL ? KV_BUDDY_NONE : q->head;
	if (link->prev != KV_BUDDY_NONE)
		link_near(b, seg, link->prev, order)->next = pfn;
	else
		q->head = pfn;
	if (link->next != KV_BUDDY_NONE)
		link_near(b, seg, link->next, order)->prev = pfn;
	else
		q->tail = pfn;
	q->count++;
	b->orders[row] |= UINT32_C(1) << order;
	b->free[seg->domain] += UINT64_C(1) << order;
}

void
kv_buddy_insert(struct kv_buddy *b, struct kv_buddy_seg *seg, uint32_t pfn,
    unsigned order, unsigned pool, enum kv_buddy_end end)
{
	kv_buddy_set_pool(b, seg, pfn, order, pool);
	insert(b, seg, pfn, order, pool, end);
}

void
kv_buddy_remove(
    struct kv_buddy *b, struct kv_buddy_seg *seg, uint32_t pfn, unsigned order)
{
	unsigned pool = kv_buddy_pool(b, seg, pfn);
	struct kv_buddy_queue *q =
	    kv_buddy_queue(b, seg->domain, seg->list, pool, order);
	size_t row =
	    (seg->domain * b->nlists + seg->list) * KV_BUDDY_POOLS + pool;
	struct kv_buddy_link *link = kv_buddy_link_of(b, seg, pfn, order);

	if (link->prev != KV_BUDDY_NONE)
		link_near(b, seg, link->prev, order)->next = link->next;
	else
		q->head = link->next;
	if (link->next != KV_BUDDY_NONE)
		link_near(b, seg, link->next, order)->prev = link->prev;
	else
		q->tail = link->prev;
	if (--q->count == 0)
		b->orders[row] &= ~(UINT32_C(1) << order);
	set_head(b, seg, pfn, order, 0);
	b->free[seg->domain] -= UINT64_C(1) << order;
}

void
kv_buddy_enqueue(struct kv_buddy *b, struct kv_buddy_seg *seg, uint32_t pfn,
    uint32_t npages, unsigned pool, enum kv_buddy_end end)
{
	while (npages != 0) {
		unsigned order = kv_log2(npages);
		unsigned natural =
		    pfn == 0 ? order : (unsigned)__builtin_ctz(pfn);

		order = order < natural ? order : natural;
		order = order < b->max_order ? order : b->max_order;
		kv_buddy_insert(b, seg, pfn, order,
		    pool < KV_BUDDY_POOLS ? pool : kv_buddy_pool(b, seg, pfn),
		    end);
		pfn += UINT32_C(1) << order;
		npages -= UINT32_C(1) << order;
	}
}

void
kv_buddy_join(
    struct kv_buddy *b, struct kv_buddy_seg *seg, uint32_t pfn, unsigned order)
{
	unsigned pool = kv_buddy_pool(b, seg, pfn);

	for (; order < b->max_order; order++) {
		uint32_t buddy = pfn ^ UINT32_C(1) << order;

		if (!kv_buddy_is_free(b, seg, buddy, order))
			break;
		kv_buddy_remove(b, seg, buddy, order);
		pfn &= ~(UINT32_C(1) << order);
	}
	kv_buddy_insert(b, seg, pfn, order, pool, KV_BUDDY_TAIL);
}

uint32_t
kv_buddy_pop(struct kv_buddy *b, unsigned domain, unsigned list,
    unsigned from_pool, unsigned order, unsigned to_pool)
{
	uint32_t pfn = kv_buddy_queue(b, domain, list, from_pool, order)->head;
	struct kv_buddy_seg *seg = kv_buddy_seg_of(b, pfn);

	kv_buddy_remove(b, seg, pfn, order);
	if (from_pool != to_pool)
		kv_buddy_set_pool(b, seg, pfn, order, to_pool);
	return pfn;
}

/* Keep the low 2^order pages of a block of 2^from; queue the upper halves. */
static void
split(struct kv_buddy *b, uint32_t pfn, unsigned from, unsigned order,
    unsigned pool)
{
	struct kv_buddy_seg *seg = kv_buddy_seg_of(b, pfn);

	while (from > order) {
		if (from-- == b->piece_order)
			detail_attach(b, kv_buddy_piece_of(b, seg, pfn));
		kv_buddy_insert(b, seg, pfn + (UINT32_C(1) << from), from, pool,
		    KV_BUDDY_TAIL);
	}
}

/* Which queue of a list serves (fact 7): own pool, smallest block; else the
 * biggest of all pools, of the first that has one.
 * => its order, or -1; *pool which pool */
static int
choose(const struct kv_buddy *b, unsigned domain, unsigned list, unsigned order,
    unsigned *pool)
{
	const uint32_t *orders =
	    &b->orders[(domain * b->nlists + list) * KV_BUDDY_POOLS];
	uint32_t fit = orders[*pool] >> order << order;
	int best = -1;

	if (fit != 0)
		return __builtin_ctz(fit);
	for (unsigned i = 0; i < KV_BUDDY_POOLS; i++) {
		unsigned p = kv_buddy_pool_at(i);

		if (orders[p] >> order != 0 &&
		    (best < 0 || kv_log2(orders[p]) > (unsigned)best)) {
			best = (int)kv_log2(orders[p]);
			*pool = p;
		}
	}
	return best;
}

uint32_t
kv_buddy_take_uncut(
    struct kv_buddy *b, unsigned domain, unsigned pool, unsigned order)
{
	for (unsigned list = 0; list < b->nlists; list++) {
		unsigned from_pool = pool;
		int from = choose(b, domain, list, order, &from_pool);

		if (from < 0)
			continue;
		b->cut =
		    (struct kv_buddy_cut){.pfn = kv_buddy_pop(b, domain, list,
					      from_pool, (unsigned)from, pool),
			.order = (uint8_t)order,
			.from = (uint8_t)from,
			.pool = (uint8_t)pool};
		return b->cut.pfn;
	}
	return KV_BUDDY_NONE;
}

void
kv_buddy_settle(struct kv_buddy *b)
{
	if (b->cut.from == b->cut.order)
		return;
	split(b, b->cut.pfn, b->cut.from, b->cut.order, b->cut.pool);
	b->cut.from = b->cut.order;
}

bool
kv_buddy_uncut(struct kv_buddy *b, uint32_t pfn, unsigned order)
{
	struct kv_buddy_cut *c = &b->cut;
	struct kv_buddy_seg *seg;

	if (c->from == c->order || pfn != c->pfn || order != c->order)
		return false;
	c->order = c->from;
	seg = kv_buddy_seg_of(b, pfn);
	if (c->from == b->max_order)
		insert(b, seg, pfn, c->from, c->pool, KV_BUDDY_TAIL);
	else
		kv_buddy_join(b, seg, pfn, c->from);
	return true;
}

uint32_t
kv_buddy_take(
    struct kv_buddy *b, unsigned domain, unsigned pool, unsigned order)
{
	uint32_t pfn = kv_buddy_take_uncut(b, domain, pool, order);

	kv_buddy_settle(b);
	return pfn;
}
