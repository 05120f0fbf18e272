/* SPDX-License-Identifier: BSD-2-Clause */
/* phys.h - physical pages: binary buddy queues per domain, list and pool */
#ifndef KV_PHYS_H
#define KV_PHYS_H

#include "base.h"
#include "event.h"
#include "host.h"
#include "machine.h"

struct kv_phys;
struct kv_buddy;

/* ---- Create ------------------------------------------------------------ */

enum {
	KV_PHYS_POOLS = 3,
	KV_PHYS_ORDERS = 16,
	KV_PHYS_LISTS = 3,
	KV_PHYS_DOMAINS = 64
};
enum kv_phys_pool {
	KV_PHYS_DEFAULT, /* pages of objects: all kernel stacks */
	KV_PHYS_DIRECT,	 /* pages without an object */
	KV_PHYS_LAZYINIT /* boot memory that nobody took yet; no page is asked
			    for here */
};

/* Request classes: who may go how far into the last free pages. */
enum kv_phys_class {
	KV_PHYS_NORMAL, /* leaves free_reserved */
	KV_PHYS_SYSTEM, /* leaves interrupt_free_min */
	KV_PHYS_INTERRUPT,
	KV_PHYS_CLASSES
};

/* Available memory [start, end), bytes, page aligned. */
struct kv_phys_range {
	kv_pa_t start, end;
	unsigned domain;
};

struct kv_phys_config {
	const struct kv_machine *machine;
	const struct kv_phys_range *ranges; /* ascending, disjoint; copied */
	size_t nranges;
	unsigned ndomains;
	bool lazy_init; /* boot memory begins in the pool LAZYINIT */
	struct kv_host *host;
	struct kv_tap tap;
};

/* => 0; EINVAL (no ranges, out of order, misaligned, bad domain, more than
 *    KV_PHYS_DOMAINS); ERANGE (beyond 2^32 pages); ENOMEM */
int kv_phys_create(const struct kv_phys_config *cfg, struct kv_phys **phys);
void kv_phys_destroy(struct kv_phys *phys);

/* ---- Use --------------------------------------------------------------- */

/* 2^order pages, naturally aligned.
 * => 0; ENOMEM (or the limit forbids it); EINVAL (order, domain, pool) */
int kv_phys_alloc(struct kv_phys *phys, enum kv_phys_pool pool, unsigned order,
    unsigned domain, kv_pfn_t *pfn);

/* Free a block that is allocated as a whole, or pages of one.
 * => 0; EINVAL and *diag (not memory, misaligned, a page is free already);
 *    ENOMEM: no metadata to free part of a large block; nothing is changed */
int kv_phys_free(
    struct kv_phys *phys, kv_pfn_t pfn, unsigned order, struct kv_diag *diag);

/* Allocations must leave limit pages free in the domain; 0 at start. */
void kv_phys_set_limit(struct kv_phys *phys, unsigned domain, uint64_t limit);

/*
 * Up to npages single pages in one batch, as a page cache refills (fact 11).
 * => 0 and *got, pfns in the order they come; ENOMEM: the limit forbids
 *    npages, or no metadata; nothing is changed
 */
int kv_phys_alloc_batch(struct kv_phys *phys, enum kv_phys_pool pool,
    uint64_t npages, unsigned domain, kv_pfn_t *pfns, uint64_t *got);

/* Free a run of one segment in one call (fact 10).  Errors: kv_phys_free */
int kv_phys_free_run(
    struct kv_phys *phys, kv_pfn_t pfn, uint64_t npages, struct kv_diag *diag);

/* Pull a page out of the free queues, whatever the limit (fact 13).
 * => 0; ENOENT: it is not free; ENOMEM */
int kv_phys_unfree(struct kv_phys *phys, kv_pfn_t pfn);

/* The same for requests of one class alone. */
void kv_phys_set_class_limit(struct kv_phys *phys, enum kv_phys_class class,
    unsigned domain, uint64_t limit);

/* Pages below which a domain is short of memory; 0 at start. */
void kv_phys_set_free_min(
    struct kv_phys *phys, unsigned domain, uint64_t npages);

/* ---- Use, for the layer above: the free count is the caller's ---------- */

/* Take npages off (add them to) the domain's free count; false = the limit
 * forbids it, nothing is changed. */
bool kv_phys_charge(struct kv_phys *phys, enum kv_phys_class class,
    unsigned domain, uint64_t npages);
void kv_phys_uncharge(struct kv_phys *phys, unsigned domain, uint64_t npages);

/* Have metadata for n splits of large blocks, so that the next n takes below
 * the order of a reservation cannot fail for lack of it.  => 0, ENOMEM */
int kv_phys_reserve(struct kv_phys *phys, size_t n);

/* Make the pages of [pfn, pfn + npages), of one segment, freeable one by one.
 * => 0, ENOMEM */
int kv_phys_detail(struct kv_phys *phys, kv_pfn_t pfn, uint64_t npages);

/* As kv_phys_alloc after kv_phys_reserve(1).  => 0; ENOMEM: no such block */
int kv_phys_take(struct kv_phys *phys, enum kv_phys_pool pool, unsigned order,
    unsigned domain, kv_pfn_t *pfn);

/* What a contiguous run must satisfy; bytes. */
struct kv_phys_want {
	uint64_t npages;   /* > 0 */
	kv_pa_t low, high; /* the run lies in [low, high) */
	uint64_t align;	   /* of its start: a power of two */
	uint64_t boundary; /* power of two it must not cross; 0 = none */
};

/* Does the run of want->npages at pa satisfy want? */
bool kv_phys_suits(
    const struct kv_phys *phys, const struct kv_phys_want *want, kv_pa_t pa);

/* A contiguous run (fact 12) after kv_phys_reserve(1).
 * => 0; ENOMEM: no such run */
int kv_phys_take_contig(struct kv_phys *phys, const struct kv_phys_want *want,
    unsigned domain, kv_pfn_t *pfn);

/* Free with joining, unchecked; kv_phys_detail must hold below the order of a
 * reservation. */
void kv_phys_give(struct kv_phys *phys, kv_pfn_t pfn, unsigned order);

/* Enqueue a run in the default pool, unmerged, at the tails (fact 5). */
void kv_phys_give_run(struct kv_phys *phys, kv_pfn_t pfn, uint64_t npages);

/* The blocks below all this: for phys*.c. */
struct kv_buddy *kv_phys_buddy(struct kv_phys *phys);

/* Tell the tap of pages that leave or enter the queues: for phys*.c. */
void kv_phys_tell(const struct kv_phys *phys, enum kv_event_kind kind,
    kv_pfn_t pfn, uint64_t npages, unsigned domain, unsigned pool);

/* ---- Inspect ----------------------------------------------------------- */

struct kv_phys_stats {
	uint64_t pages;	     /* of memory, all domains */
	uint64_t free_pages; /* counting idle pages of reservations */
	uint64_t blocks[KV_PHYS_ORDERS]; /* free blocks by order, queues only */
};

struct kv_phys_stats kv_phys_stats(const struct kv_phys *phys);

/* Segments, ascending: memory of one domain and free list (fact 2). */
struct kv_phys_seg {
	kv_pa_t start, end; /* bytes */
	unsigned domain, list;
};

/* => 0 and segment i; ENOENT past the last */
int kv_phys_seg(const struct kv_phys *phys, size_t i, struct kv_phys_seg *seg);

/* Pages of memory, all domains. */
uint64_t kv_phys_pages(const struct kv_phys *phys);

/* Free lists that exist, 1 to 3; list 0 is searched first. */
unsigned kv_phys_lists(const struct kv_phys *phys);
/* Pools that exist, 2, or 3 with lazy_init. */
unsigned kv_phys_pools(const struct kv_phys *phys);
/* Memory domains, numbered from 0. */
unsigned kv_phys_domains(const struct kv_phys *phys);
/* The machine it was created for. */
const struct kv_machine *kv_phys_machine(const struct kv_phys *phys);

/* Free pages of one domain, idle pages of its reservations included. */
uint64_t kv_phys_free_count(const struct kv_phys *phys, unsigned domain);

/* The same without those: what the queues hold. */
uint64_t kv_phys_queued(const struct kv_phys *phys, unsigned domain);

/* Free pages that requests of a class must leave. */
uint64_t kv_phys_limit(
    const struct kv_phys *phys, enum kv_phys_class class, unsigned domain);

/* Pages below which the domain is short of memory. */
uint64_t kv_phys_free_min(const struct kv_phys *phys, unsigned domain);

/* Free blocks of one queue. */
uint64_t kv_phys_blocks(const struct kv_phys *phys, unsigned domain,
    unsigned list, unsigned pool, unsigned order);

/* Domain of a page; the page must be memory (else ndomains). */
unsigned kv_phys_domain(const struct kv_phys *phys, kv_pfn_t pfn);

/* The pool of a page of memory, free or not. */
unsigned kv_phys_pool(const struct kv_phys *phys, kv_pfn_t pfn);

/* Visit the free blocks: domain, list, pool, order ascending, queue order. */
struct kv_phys_block {
	kv_pfn_t pfn;
	unsigned domain, list, pool, order;
};
typedef int kv_phys_walk_fn(void *arg, const struct kv_phys_block *block);
int kv_phys_walk(const struct kv_phys *phys, kv_phys_walk_fn *cb, void *arg);

/* The same for one queue; of ours only domain, list, pool and order count. */
int kv_phys_walk_queue(const struct kv_phys *phys,
    const struct kv_phys_block *ours, kv_phys_walk_fn *cb, void *arg);

/*
 * Reservation slots: aligned blocks of 2^reserv_order pages.  Numbers run from
 * 0 to kv_phys_slots; a slot that a hole or border cuts has one too, but
 * kv_phys_slot does not give it (fact 6).
 */
size_t kv_phys_slots(const struct kv_phys *phys);
/* => 0 and the slot that holds a page; ENOENT: cut, or not memory */
int kv_phys_slot(const struct kv_phys *phys, kv_pfn_t pfn, size_t *slot);

/* All invariants.  => 0, or EFAULT and *diag */
int kv_phys_check(const struct kv_phys *phys, struct kv_diag *diag);

enum kv_phys_state { KV_PHYS_ABSENT, KV_PHYS_FREE, KV_PHYS_USED };

/* What a page is; *block is filled for a free one. */
enum kv_phys_state kv_phys_whatis(
    const struct kv_phys *phys, kv_pfn_t pfn, struct kv_phys_block *block);

#endif
