/* SPDX-License-Identifier: BSD-2-Clause */
/* buddy.h - free blocks of physical memory: queues, split, join */
#ifndef KV_BUDDY_H
#define KV_BUDDY_H

#include "base.h"
#include "host.h"

/*
 * The mechanism below phys.h; callers outside phys*.c want that header.  Page
 * numbers have 32 bits here; KV_BUDDY_NONE ends a queue.
 */
#define KV_BUDDY_NONE UINT32_MAX

/* Two pools that are asked from; boot memory may wait in a third one. */
enum { KV_BUDDY_DIRECT = 1, KV_BUDDY_LAZY = 2, KV_BUDDY_POOLS = 3 };

/* Pools in the order in which upstream numbers, so searches, them: the lazy
 * one, then those that are asked from. */
static inline unsigned
kv_buddy_pool_at(unsigned i)
{
	return (i + KV_BUDDY_LAZY) % KV_BUDDY_POOLS;
}

struct kv_buddy_link {
	uint32_t next, prev; /* heads of blocks in the same queue (I3) */
};

/* Per-page state of a piece that is not one free or used block. */
struct kv_buddy_detail {
	struct kv_buddy_detail *spare; /* next unused detail */
	struct kv_buddy_link *link;    /* valid where head is not 0 */
	uint64_t *pool;		       /* bit: the page's pool is direct */
	uint64_t *lazy;		       /* bit: it is lazy; NULL: never */
	uint8_t *head;		       /* 1 + order of the free block, or 0 */
};

/* 2^piece_order aligned pages: as many as a reservation has. */
struct kv_buddy_piece {
	struct kv_buddy_link link;	/* valid where head is not 0 */
	struct kv_buddy_detail *detail; /* NULL: all pages are alike (I4) */
	uint8_t head; /* 1 + order of the free block, >= a piece, or 0 */
	uint8_t pool; /* of all pages; void when there is a detail */
};

/* Memory [start, end), pages, of one domain and one free list. */
struct kv_buddy_seg {
	uint32_t start, end;	       /* (c) */
	uint16_t domain, list;	       /* (c) */
	uint32_t piece0;	       /* (c) page number >> piece_order */
	uint32_t npieces;	       /* (c) */
	uint32_t slot0;		       /* (c) pieces in all segments before */
	struct kv_buddy_piece *pieces; /* (c) */
};

struct kv_buddy_queue {
	uint32_t head, tail;
	uint64_t count; /* blocks (I3) */
};

struct kv_buddy {
	struct kv_host *host;	       /* (c) */
	unsigned piece_order;	       /* (c) log2 pages */
	unsigned max_order;	       /* (c) */
	unsigned ndomains, nlists;     /* (c) */
	bool lazy;		       /* (c) there is a lazy pool */
	struct kv_buddy_seg *segs;     /* (c) ascending */
	size_t nsegs;		       /* (c) */
	struct kv_buddy_queue *queues; /* [domain][list][pool][order] */
	uint32_t *orders; /* [domain][list][pool]: bit o: queue o not empty */
	uint64_t *free;	  /* [domain]: pages in its queues (I5) */
	struct kv_buddy_detail *spares;
	size_t nspares;
	struct kv_buddy_cut {
		uint32_t pfn;
		uint8_t order, from; /* of what was given, of the block */
		uint8_t pool;
	} cut; /* a split put off: from = order = 0 if there is none */
};

/*
 * segs (start, end, domain, list set; ascending, disjoint) is adopted: it came
 * from the host.  All memory counts as used until it is enqueued.
 * => 0; ENOMEM, and segs still belongs to the caller
 */
int kv_buddy_init(struct kv_buddy *b, struct kv_buddy_seg *segs, size_t nsegs);
void kv_buddy_fini(struct kv_buddy *b);

/* The segment that holds a page, or NULL. */
struct kv_buddy_seg *kv_buddy_seg_of(const struct kv_buddy *b, uint64_t pfn);

/* Pages of a piece; the piece of a page, and which page of it that is. */
static inline uint32_t
kv_buddy_piece_pages(const struct kv_buddy *b)
{
	return UINT32_C(1) << b->piece_order;
}

static inline struct kv_buddy_piece *
kv_buddy_piece_of(
    const struct kv_buddy *b, const struct kv_buddy_seg *seg, uint32_t pfn)
{
	return &seg->pieces[(pfn >> b->piece_order) - seg->piece0];
}

static inline unsigned
kv_buddy_page_in_piece(const struct kv_buddy *b, uint32_t pfn)
{
	return pfn & (kv_buddy_piece_pages(b) - 1);
}

/* The link of the block of an order that pfn heads. */
static inline struct kv_buddy_link *
kv_buddy_link_of(const struct kv_buddy *b, const struct kv_buddy_seg *seg,
    uint32_t pfn, unsigned order)
{
	struct kv_buddy_piece *p = kv_buddy_piece_of(b, seg, pfn);

	return order >= b->piece_order
		   ? &p->link
		   : &p->detail->link[kv_buddy_page_in_piece(b, pfn)];
}

/* The queue of free blocks of an order. */
static inline struct kv_buddy_queue *
kv_buddy_queue(const struct kv_buddy *b, unsigned domain, unsigned list,
    unsigned pool, unsigned order)
{
	size_t row = (domain * b->nlists + list) * KV_BUDDY_POOLS + pool;

	return &b->queues[row * (b->max_order + 1) + order];
}

/* Head of the next block in a queue of that order, or KV_BUDDY_NONE. */
uint32_t kv_buddy_next(const struct kv_buddy *b, uint32_t pfn, unsigned order);

/* Is pfn the head of a free block of exactly this order? */
bool kv_buddy_is_free(const struct kv_buddy *b, const struct kv_buddy_seg *seg,
    uint32_t pfn, unsigned order);

/* The free block that holds a page.  => its order, or -1; *head its head */
int kv_buddy_holder(const struct kv_buddy *b, const struct kv_buddy_seg *seg,
    uint32_t pfn, uint32_t *head);

/* Is a page of [pfn, pfn + npages), inside seg, free? */
bool kv_buddy_any_free(const struct kv_buddy *b, const struct kv_buddy_seg *seg,
    uint32_t pfn, uint32_t npages);

/* The pool a page was last put in. */
unsigned kv_buddy_pool(
    const struct kv_buddy *b, const struct kv_buddy_seg *seg, uint32_t pfn);

/* I1..I5.  => 0, or EFAULT and *diag (module "phys", address a page number) */
int kv_buddy_check(const struct kv_buddy *b, struct kv_diag *diag);

/* ---- Memory for what follows ------------------------------------------- */

/* Have n spare details, so that n pieces can be split.  => 0, ENOMEM */
int kv_buddy_reserve(struct kv_buddy *b, size_t n);

/* Give each piece of [pfn, pfn + npages) a detail, so that its pages can be
 * freed one by one.  => 0; ENOMEM and nothing is changed */
int kv_buddy_detail(struct kv_buddy *b, struct kv_buddy_seg *seg, uint32_t pfn,
    uint32_t npages);

/* ---- Change ------------------------------------------------------------ */

enum kv_buddy_end { KV_BUDDY_HEAD, KV_BUDDY_TAIL };

/* Enqueue a block.  Pieces it does not fill must have a detail. */
void kv_buddy_insert(struct kv_buddy *b, struct kv_buddy_seg *seg, uint32_t pfn,
    unsigned order, unsigned pool, enum kv_buddy_end end);

/* Take a free block off its queue. */
void kv_buddy_remove(
    struct kv_buddy *b, struct kv_buddy_seg *seg, uint32_t pfn, unsigned order);

/*
 * Enqueue a run as naturally aligned blocks, ascending, unmerged (fact 5).
 * pool KV_BUDDY_POOLS: each block goes to the pool its first page is in.
 */
void kv_buddy_enqueue(struct kv_buddy *b, struct kv_buddy_seg *seg,
    uint32_t pfn, uint32_t npages, unsigned pool, enum kv_buddy_end end);

/* Free a block with joining (fact 9); see kv_buddy_insert. */
void kv_buddy_join(
    struct kv_buddy *b, struct kv_buddy_seg *seg, uint32_t pfn, unsigned order);

/* Put all pages of a block, which is in no queue, into a pool. */
void kv_buddy_set_pool(struct kv_buddy *b, struct kv_buddy_seg *seg,
    uint32_t pfn, unsigned order, unsigned pool);

/* Take the head of a queue: out of it, and into a pool as a whole. */
uint32_t kv_buddy_pop(struct kv_buddy *b, unsigned domain, unsigned list,
    unsigned from_pool, unsigned order, unsigned to_pool);

/*
 * Take a block of an order (facts 7, 8).  One spare detail must be there when
 * order is below a piece.  => its first page, or KV_BUDDY_NONE
 */
uint32_t kv_buddy_take(
    struct kv_buddy *b, unsigned domain, unsigned pool, unsigned order);

/*
 * As kv_buddy_take, but the split may be put off: until it is settled, nothing
 * else of this header may be asked of b, and the spare detail stays its own.
 */
uint32_t kv_buddy_take_uncut(
    struct kv_buddy *b, unsigned domain, unsigned pool, unsigned order);

/* Do the split that was put off, if any. */
void kv_buddy_settle(struct kv_buddy *b);

/* Free the block that came last, if its split was put off: there is nothing to
 * join then but what was never apart.  => false: it was not */
bool kv_buddy_uncut(struct kv_buddy *b, uint32_t pfn, unsigned order);

#endif
