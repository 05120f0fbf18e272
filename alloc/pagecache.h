/* SPDX-License-Identifier: BSD-2-Clause */
/* pagecache.h - per-CPU caches of single pages before the free queues */
#ifndef KV_PAGECACHE_H
#define KV_PAGECACHE_H

#include "phys.h"
#include "zone.h"

struct kv_pagecache; /* the page caches of one machine */

struct kv_pagecache_config {
	struct kv_phys *phys; /* outlives this */
	struct kv_host *host;
	unsigned ncpus;
};

/* One zone a domain and pool; each may cache 0.1 % of the domain's pages.
 * => 0; EINVAL (no CPU); ENOMEM */
int kv_pagecache_create(
    const struct kv_pagecache_config *cfg, struct kv_pagecache **result);

/* Pages still cached stay charged: drain first. */
void kv_pagecache_destroy(struct kv_pagecache *pc);

/* The CPU that what follows runs on; 0 at start.  => 0; EINVAL */
int kv_pagecache_set_cpu(struct kv_pagecache *pc, unsigned cpu);

/* A single page.  => 0; ENOMEM: neither cached nor to be had in a batch */
int kv_pagecache_alloc(struct kv_pagecache *pc, enum kv_phys_pool pool,
    unsigned domain, kv_pfn_t *pfn);

/* Take back a page that came from a cache.  => false: it did not, and nothing
 * is changed */
bool kv_pagecache_free(struct kv_pagecache *pc, kv_pfn_t pfn);

/* All cached pages go to the free queues, as low memory has it. */
void kv_pagecache_drain(struct kv_pagecache *pc);

/* Over all zones. */
struct kv_zone_stats kv_pagecache_stats(const struct kv_pagecache *pc);

/* Invariants of pagecache.c.  => 0; EFAULT and *diag */
int kv_pagecache_check(const struct kv_pagecache *pc, struct kv_diag *diag);

#endif
