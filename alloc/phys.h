/* SPDX-License-Identifier: BSD-2-Clause */
/* phys.h - physical pages: binary buddy queues per domain, list and pool */
#ifndef KV_PHYS_H
#define KV_PHYS_H

#include "base.h"
#include "event.h"
#include "host.h"
#include "machine.h"

struct kv_phys;

/* ---- Create ---------------------------------------------------------- */

enum { KV_PHYS_POOLS = 2, KV_PHYS_ORDERS = 16, KV_PHYS_LISTS = 3 };
enum kv_phys_pool {
	KV_PHYS_DEFAULT, /* pages of objects: all kernel stacks */
	KV_PHYS_DIRECT	 /* pages without an object */
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
	struct kv_host *host;
	struct kv_tap tap;
};

/* => 0; EINVAL (ranges out of order, misaligned, bad domain); ENOMEM */
int kv_phys_create(const struct kv_phys_config *cfg, struct kv_phys **phys);
void kv_phys_destroy(struct kv_phys *phys);

/* ---- Use ------------------------------------------------------------- */

/* 2^order pages, naturally aligned.  => 0, ENOMEM, EINVAL */
int kv_phys_alloc(struct kv_phys *phys, enum kv_phys_pool pool, unsigned order,
    unsigned domain, kv_pfn_t *pfn);

/* Free a block that is allocated as a whole.  => 0; EINVAL and *diag */
int kv_phys_free(
    struct kv_phys *phys, kv_pfn_t pfn, unsigned order, struct kv_diag *diag);

/* Allocations must leave limit pages free in the domain; 0 at start. */
void kv_phys_set_limit(struct kv_phys *phys, unsigned domain, uint64_t limit);

/* ---- Inspect --------------------------------------------------------- */

struct kv_phys_stats {
	uint64_t pages;	     /* of memory, all domains */
	uint64_t free_pages; /* counting idle pages of reservations */
	uint64_t blocks[KV_PHYS_ORDERS]; /* free blocks by order, queues only */
};

struct kv_phys_stats kv_phys_stats(const struct kv_phys *phys);

/* Free pages of one domain, idle pages of its reservations included. */
uint64_t kv_phys_free_count(const struct kv_phys *phys, unsigned domain);

/* Domain of a page; the page must be memory (else ndomains). */
unsigned kv_phys_domain(const struct kv_phys *phys, kv_pfn_t pfn);

/* Visit the free blocks: domain, list, pool, order ascending, queue order. */
struct kv_phys_block {
	kv_pfn_t pfn;
	unsigned domain, list, pool, order;
};
typedef int kv_phys_walk_fn(void *arg, const struct kv_phys_block *block);
int kv_phys_walk(const struct kv_phys *phys, kv_phys_walk_fn *cb, void *arg);

/* All invariants.  => 0, or EFAULT and *diag */
int kv_phys_check(const struct kv_phys *phys, struct kv_diag *diag);

enum kv_phys_state { KV_PHYS_ABSENT, KV_PHYS_FREE, KV_PHYS_USED };

/* What a page is; *block is filled for a free one. */
enum kv_phys_state kv_phys_whatis(
    const struct kv_phys *phys, kv_pfn_t pfn, struct kv_phys_block *block);

#endif
