/* SPDX-License-Identifier: BSD-2-Clause */
/* zone.h - cache-only zones: per-CPU buckets of items before a slower source */
#ifndef KV_ZONE_H
#define KV_ZONE_H

#include "base.h"
#include "host.h"

struct kv_zone; /* a cache of items of one size */

/* ---- Create ------------------------------------------------------------ */

/*
 * Where items come from and go to.  import: up to n items of the domain into
 * items, in the order they come; => how many, 0 for none.  release: back;
 * => 0, or an errno and *diag where a kernel would panic.  domain: the domain
 * that an item belongs to; NULL: there is one.
 */
struct kv_zone_source {
	unsigned (*import)(void *arg, void *items, unsigned n, unsigned domain);
	int (*release)(void *arg, const void *item, struct kv_diag *diag);
	unsigned (*domain)(void *arg, const void *item);
	void *arg;
};

struct kv_zone_config {
	size_t item_size; /* bytes, a multiple of 8; aligned so */
	unsigned ncpus, ndomains;
	uint64_t limit;	     /* uma_zone_set_maxcache: items cached at most */
	unsigned bucket_max; /* items of a bucket at most; 0 = no bound */
	struct kv_zone_source source;
	struct kv_host *host;
};

/* What the limit makes of the buckets (freebsd.md 3.5). */
struct kv_zone_sizes {
	unsigned bucket; /* items of one bucket; 0: nothing is cached */
	uint64_t full;	 /* items in full buckets of all domains, at most */
};
struct kv_zone_sizes kv_zone_sizes(const struct kv_zone_config *cfg);

/* => 0; EINVAL (no CPU, no domain, item_size); ENOMEM */
int kv_zone_create(const struct kv_zone_config *cfg, struct kv_zone **zone);

/* Items still cached are forgotten: drain first. */
void kv_zone_destroy(struct kv_zone *zone);

/* ---- Use --------------------------------------------------------------- */

/* An item for a CPU; its domain is the CPU's.  => 0, ENOMEM */
int kv_zone_alloc(struct kv_zone *zone, unsigned cpu, void *item);

/* Back from a CPU.  => 0; what release answers when a bucket is drained: the
 * item of *diag and those behind it are cached still */
int kv_zone_free(
    struct kv_zone *zone, unsigned cpu, const void *item, struct kv_diag *diag);

/* Give everything back, as low memory does (uma_reclaim).  => as free */
int kv_zone_drain(struct kv_zone *zone, struct kv_diag *diag);

/* ---- Inspect ----------------------------------------------------------- */

struct kv_zone_stats {
	uint64_t cached;	     /* items, now */
	uint64_t hits, misses;	     /* allocations without, with an import */
	uint64_t failed;	     /* allocations that found nothing */
	uint64_t imported, released; /* items */
	uint64_t cross; /* items freed on a CPU of another domain */
};
struct kv_zone_stats kv_zone_stats(const struct kv_zone *zone);

/* The domain of a CPU: CPUs are dealt to domains in blocks. */
unsigned kv_zone_cpu_domain(const struct kv_zone *zone, unsigned cpu);

/* Visit cached items: CPU by CPU (alloc, free, cross bucket), then the full
 * buckets by domain, first to be used first.  => what the last cb returned */
typedef int kv_zone_walk_fn(void *arg, const void *item);
int kv_zone_walk(const struct kv_zone *zone, kv_zone_walk_fn *cb, void *arg);

/* Invariants of zone.c.  => 0; EFAULT and *diag */
int kv_zone_check(const struct kv_zone *zone, struct kv_diag *diag);

#endif
