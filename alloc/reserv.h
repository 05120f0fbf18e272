/* SPDX-License-Identifier: BSD-2-Clause */
/* reserv.h - superpage reservations, and the page allocator over them */
#ifndef KV_RESERV_H
#define KV_RESERV_H

#include "base.h"
#include "event.h"
#include "host.h"
#include "object.h"
#include "pagecache.h"
#include "phys.h"

struct kv_reserv; /* the reservations of one machine */

/* ---- Create ------------------------------------------------------------ */

struct kv_reserv_config {
	struct kv_phys *phys;	    /* outlives this */
	struct kv_pagecache *cache; /* likewise; NULL: single pages come
				       straight from the queues */
	struct kv_host *host;
	struct kv_tap tap;
};

/* => 0, ENOMEM */
int kv_reserv_create(const struct kv_reserv_config *cfg, struct kv_reserv **rv);
void kv_reserv_destroy(struct kv_reserv *rv);

/* Let n clock ticks pass (the clock starts at 1). */
void kv_reserv_tick(struct kv_reserv *rv, uint64_t n);

/* ---- Use (vm_page_alloc and vm_page_free, spec phys.md 16-25) ---------- */

/*
 * Give the object a page at each of [pindex, pindex + npages), ascending:
 * from a reservation, else from the page cache, else from the free queues,
 * else by breaking the oldest partial reservation.  All or nothing.  pfns, if
 * not NULL, gets npages. The domain is a wish: an existing reservation decides
 * (freebsd-F21). Past the end of the object there are pages, but no
 * reservations.
 * => 0; ENOMEM (what was obtained is freed again; when it is metadata that is
 *    missing, nothing is changed); EEXIST (a page is already there; nothing
 *    is changed); ERANGE (past KV_OBJECT_SIZE_MAX); EINVAL (no such domain;
 *    the object belongs to a machine with other reservations)
 */
int kv_page_alloc(struct kv_reserv *rv, struct kv_object *obj,
    kv_pindex_t pindex, unsigned npages, unsigned domain, kv_pfn_t *pfns);

/* Free [pindex, pindex + npages), ascending.
 * => 0; ENOENT and *diag when one is absent (nothing is changed) */
int kv_page_free(struct kv_reserv *rv, struct kv_object *obj,
    kv_pindex_t pindex, unsigned npages, struct kv_diag *diag);

/* A page without an object, from the page cache, the queues or by breaking
 * (facts 7, 18).  => 0; ENOMEM; EINVAL: no such domain */
int kv_page_alloc_anon(struct kv_reserv *rv, unsigned domain, kv_pfn_t *pfn);

/* Free what kv_page_alloc_anon gave.  => 0; errors of kv_phys_free */
int kv_page_free_anon(struct kv_reserv *rv, kv_pfn_t pfn, struct kv_diag *diag);

/*
 * A physically contiguous run (facts 12, 23, 24), from reservations, the
 * queues, or by breaking a reservation; for pindex and up of an object, or
 * without an object (obj NULL; freed with kv_phys_free or kv_phys_free_run).
 * => 0; ENOMEM (metadata: nothing is changed); EEXIST, ERANGE, EINVAL as
 *    kv_page_alloc; EINVAL also when align is no power of two
 */
int kv_page_alloc_contig(struct kv_reserv *rv, struct kv_object *obj,
    kv_pindex_t pindex, const struct kv_phys_want *want, unsigned domain,
    kv_pfn_t *pfn);

/*
 * Pages of `from` with index >= offset go to `to`, at index - offset, with
 * their reservations (fact 26).  *moved gets their number.
 * => 0; EINVAL: offset is no multiple of a reservation, the colours differ, a
 *    reservation reaches below offset or would go to an object without, or
 *    from = to; EEXIST: `to` has a page
 *    in the way; ENOMEM; nothing is changed then
 */
int kv_page_rename(struct kv_reserv *rv, struct kv_object *from,
    struct kv_object *to, uint64_t offset, uint64_t *moved);

/* Break the head of the domain's partial queue.
 * => 0; ENOENT: it is empty; ENOMEM: no metadata; nothing is changed */
int kv_reserv_reclaim(struct kv_reserv *rv, unsigned domain);

/* Break all reservations of an object, newest first; broken (may be NULL)
 * gets how many.  => 0; ENOMEM: no metadata; nothing is changed */
int kv_reserv_break(
    struct kv_reserv *rv, struct kv_object *obj, uint64_t *broken);

/* ---- Inspect ----------------------------------------------------------- */

struct kv_reserv_stats {       /* vm.reserv.* */
	uint64_t full;	       /* fullpop: all pages in use */
	uint64_t partial;      /* some pages in use */
	uint64_t populated;    /* pages in use inside reservations */
	uint64_t unused_pages; /* idle pages inside reservations */
	uint64_t broken, freed, reclaimed; /* ever */
};

struct kv_reserv_stats kv_reserv_stats(const struct kv_reserv *rv);

/* The same for one domain; broken, freed and reclaimed stay 0. */
struct kv_reserv_stats kv_reserv_domain_stats(
    const struct kv_reserv *rv, unsigned domain);

struct kv_reserv_info {
	kv_pfn_t pfn;	    /* first page */
	kv_pindex_t pindex; /* first index in the object */
	const struct kv_object *object;
	unsigned domain;
	unsigned popcnt;	/* pages in use */
	unsigned npages;	/* pages in all */
	const uint64_t *popmap; /* bit i of word i/64: page i is in use */
	bool queued;		/* on the partial queue */
};

/* Ticks of the clock. */
uint64_t kv_reserv_now(const struct kv_reserv *rv);

/* Visit an object's reservations in order of pindex (obj NULL: all, by pfn) */
typedef int kv_reserv_walk_fn(void *arg, const struct kv_reserv_info *info);
int kv_reserv_walk(const struct kv_reserv *rv, const struct kv_object *obj,
    kv_reserv_walk_fn *cb, void *arg);

/* Visit a domain's partial queue, head (least recently changed) first. */
int kv_reserv_walk_queue(const struct kv_reserv *rv, unsigned domain,
    kv_reserv_walk_fn *cb, void *arg);

/*
 * F full, E one run that ends at the last page, B one run from the first page,
 * M one run that touches neither end, H several runs, '-' none (phys.md).
 * The map has npages bits, npages a multiple of 64.
 */
char kv_reserv_letter(const uint64_t *popmap, unsigned npages);

/* All invariants.  => 0, or EFAULT and *diag */
int kv_reserv_check(const struct kv_reserv *rv, struct kv_diag *diag);

/* The active reservation that holds a page.  => 0 or ENOENT */
int kv_reserv_whatis(
    const struct kv_reserv *rv, kv_pfn_t pfn, struct kv_reserv_info *info);

#endif
