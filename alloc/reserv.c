/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reserv.c - pages for objects: from reservations, queues, or by breaking
 *
 * 1 Concepts.  A page for a pindex comes, in this order, from the reservation
 *   that covers it, from a new reservation, from the page cache of the CPU (if
 *   there is one), from the free queues, and, when those are empty, from what
 *   the breaking of the oldest partial reservation sets free.
 * 2 Representation.  That of reservation.c and object.c.
 * 3 Invariants.  I1..I6 of reservation.c.
 * 4 Cost.  A run inside an active reservation, or a free of one: a lookup of
 *   the window, a few words of two maps, at most one move in the queue.
 * 5 Fidelity.  spec phys.md 16-18, 25, from vm_reserv.c and vm_page.c.
 *   Metadata is obtained before anything changes, which upstream need not do.
 */
#include "reserv.h"
#include "pagerun.h"

/* ---- Create ------------------------------------------------------------ */

static size_t
reserv_size(unsigned ndomains)
{
	return sizeof(struct kv_reserv) +
	       ndomains * sizeof(struct kv_reserv_domain);
}

int
kv_reserv_create(const struct kv_reserv_config *cfg, struct kv_reserv **rv)
{
	const struct kv_machine *m = kv_phys_machine(cfg->phys);
	unsigned ndomains = kv_phys_domains(cfg->phys);
	struct kv_reserv *r =
	    kv_host_zalloc(cfg->host, 1, reserv_size(ndomains));

	if (r == NULL)
		return ENOMEM;
	r->nslots = kv_phys_slots(cfg->phys);
	r->slots = kv_host_zalloc(cfg->host, r->nslots, sizeof(*r->slots));
	if (r->slots == NULL) {
		kv_host_free(cfg->host, r, 1, reserv_size(ndomains));
		return ENOMEM;
	}
	r->phys = cfg->phys;
	r->cache = cfg->cache;
	r->host = cfg->host;
	r->tap = cfg->tap;
	r->order = m->reserv_order;
	r->npages = 1u << m->reserv_order;
	r->fast = cfg->host->draws != NULL ? 0 : r->npages;
	r->page_shift = m->page_shift;
	r->now = 1;
	*rv = r;
	return 0;
}

void
kv_reserv_destroy(struct kv_reserv *rv)
{
	if (rv == NULL)
		return;
	for (size_t i = 0; i < rv->nslots; i++)
		if (rv->slots[i] != NULL)
			kv_reservation_destroy(rv, rv->slots[i]);
	while (rv->spares != NULL) {
		struct kv_reservation *r = rv->spares;

		rv->spares = r->next;
		kv_reservation_destroy(rv, r);
	}
	kv_host_free(rv->host, rv->slots, rv->nslots, sizeof(*rv->slots));
	kv_host_free(rv->host, rv, 1, reserv_size(kv_phys_domains(rv->phys)));
}

void
kv_reserv_tick(struct kv_reserv *rv, uint64_t n)
{
	rv->now += n;
}

/* ---- Domains ----------------------------------------------------------- */

static enum kv_phys_class
class_of(const struct kv_object *obj)
{
	return kv_object_config(obj)->request;
}

/* May the object have pages of that reservation when it asks a domain? */
static bool
domain_suits(const struct kv_object *obj, const struct kv_reservation *r,
    unsigned domain)
{
	return r->domain == domain || !kv_object_config(obj)->domain_guard;
}

/* ---- Metadata first ---------------------------------------------------- */

/* Blocks that a reservation can be made of, at most `enough`. */
static uint64_t
reserv_blocks(const struct kv_reserv *rv, unsigned domain, uint64_t enough)
{
	unsigned max_order = kv_phys_machine(rv->phys)->max_order;
	uint64_t n = 0;

	for (unsigned list = 0; list < kv_phys_lists(rv->phys); list++)
		for (unsigned pool = 0; pool < KV_PHYS_POOLS; pool++)
			for (unsigned o = rv->order;
			     o <= max_order && n < enough; o++)
				n += kv_phys_blocks(
				    rv->phys, domain, list, pool, o);
	return n;
}

/* May the domain run out of pages, or come to its limit, on the way? */
static bool
run_is_tight(const struct kv_reserv *rv, const struct kv_pagerun *run)
{
	uint64_t n = run->end - run->pindex;
	uint64_t room = n + (kv_pagerun_windows(rv, run) << rv->order);

	return kv_phys_queued(rv->phys, run->domain) < room ||
	       kv_phys_free_count(rv->phys, run->domain) <
		   kv_phys_limit(rv->phys, class_of(run->obj), run->domain) + n;
}

/* Might one of pages [pindex, pindex + n) of this window get a frame outside
 * of a reservation? */
static bool
needs_frames(const struct kv_reserv *rv, const struct kv_pagerun *run,
    const struct kv_window *w, kv_pindex_t pindex, unsigned n)
{
	uint64_t enough = 2 * kv_pagerun_windows(rv, run);

	if (pindex + n > kv_object_config(run->obj)->size)
		return true;
	if (kv_window_is_pure(w) &&
	    domain_suits(run->obj, w->reserv, run->domain)) {
		unsigned d = w->reserv->domain;

		return kv_phys_free_count(rv->phys, d) <
		       kv_phys_limit(rv->phys, class_of(run->obj), d) +
			   (run->end - run->pindex);
	}
	return !kv_reservation_fits(rv, run->obj, w, pindex) ||
	       reserv_blocks(rv, run->domain, enough) < enough;
}

static int
run_get(const struct kv_reserv *rv, const struct kv_pagerun *run, bool tight)
{
	unsigned step;

	for (kv_pindex_t p = run->pindex; p < run->end; p += step) {
		struct kv_window *w;

		step = kv_pagerun_step(rv, run, p);
		if (kv_object_window_get(run->obj, p, &w) != 0)
			return ENOMEM;
		if ((tight || needs_frames(rv, run, w, p, step)) &&
		    kv_object_window_frames(run->obj, w) != 0)
			return ENOMEM;
	}
	return 0;
}

/*
 * Obtain all the metadata a run can need: windows, their frames, records, and
 * details for splits (one a reservation's worth of pages) and for breaks (one
 * a page, if that many can be broken).
 */
static int
run_prepare(struct kv_reserv *rv, const struct kv_pagerun *run)
{
	bool tight = rv->cache != NULL || run_is_tight(rv, run);
	uint64_t windows = kv_pagerun_windows(rv, run), details = windows;

	if (tight) {
		/* Those of the run itself can be broken again. */
		uint64_t queued = rv->domain[run->domain].queued + windows;
		uint64_t n = run->end - run->pindex;

		details += queued < n ? queued : n;
	}
	/* Batches split what single pages would, and half a bucket more. */
	if (rv->cache != NULL)
		details += windows;
	if (kv_reservation_reserve(rv, windows) != 0 ||
	    kv_phys_reserve(rv->phys, details) != 0)
		return ENOMEM;
	if (run_get(rv, run, tight) != 0) {
		kv_pagerun_put(rv, run);
		return ENOMEM;
	}
	return 0;
}

/* ---- Allocate ---------------------------------------------------------- */

/* The whole run from the one reservation of its window, if that is so easy. */
static bool
alloc_in_window(struct kv_reserv *rv, const struct kv_pagerun *run,
    struct kv_window *w, kv_pindex_t pindex, unsigned n)
{
	unsigned i = (unsigned)(pindex - w->first);
	struct kv_object *obj = run->obj;
	const struct kv_object_config *cfg = kv_object_config(obj);

	if (!kv_window_is_pure(w) || n > rv->npages - i ||
	    pindex + n > cfg->size ||
	    !domain_suits(obj, w->reserv, run->domain) ||
	    !kv_bits_none(w->map, i, n) ||
	    !kv_phys_charge(rv->phys, cfg->request, w->reserv->domain, n))
		return false;
	kv_pagerun_populate(rv, obj, w, w->reserv, i, n);
	return true;
}

/* Facts 16 and 17.  => true, and page i of the window is there */
static bool
alloc_reserved(struct kv_reserv *rv, const struct kv_pagerun *run,
    struct kv_window *w, kv_pindex_t pindex)
{
	unsigned i = (unsigned)(pindex - w->first);
	struct kv_reservation *r = kv_reservation_covering(rv, w, i);
	kv_pfn_t pfn;

	if (pindex >= kv_object_config(run->obj)->size)
		return false;
	if (r != NULL) {
		if (kv_bit_test(r->popmap, i) ||
		    !domain_suits(run->obj, r, run->domain) ||
		    !kv_phys_charge(rv->phys, class_of(run->obj), r->domain, 1))
			return false;
	} else {
		if (!kv_reservation_fits(rv, run->obj, w, pindex) ||
		    !kv_phys_charge(
			rv->phys, class_of(run->obj), run->domain, 1))
			return false;
		if (kv_phys_take(rv->phys, KV_PHYS_DEFAULT, rv->order,
			run->domain, &pfn) != 0) {
			kv_phys_uncharge(rv->phys, run->domain, 1);
			return false;
		}
		r = kv_reservation_create(rv, run->obj, w, pfn, run->domain);
	}
	kv_pagerun_populate(rv, run->obj, w, r, i, 1);
	return true;
}

/* A single page for a pindex of no reservation, if the cache has one. */
static bool
alloc_cached(const struct kv_reserv *rv, const struct kv_pagerun *run,
    struct kv_window *w, kv_pindex_t pindex)
{
	kv_pfn_t pfn;

	if (rv->cache == NULL || kv_pagecache_alloc(rv->cache, KV_PHYS_DEFAULT,
				     run->domain, &pfn) != 0)
		return false;
	kv_object_add(run->obj, w, (unsigned)(pindex - w->first), pfn);
	return true;
}

/* One page (facts 16-18).  => 0, ENOMEM */
static int
alloc_page(struct kv_reserv *rv, const struct kv_pagerun *run,
    struct kv_window *w, kv_pindex_t pindex)
{
	if (kv_draws_refuse(rv->host->draws, KV_DRAW_PAGE))
		return ENOMEM;
	for (;;) {
		kv_pfn_t pfn;

		if (alloc_reserved(rv, run, w, pindex) ||
		    alloc_cached(rv, run, w, pindex))
			return 0;
		if (!kv_phys_charge(
			rv->phys, class_of(run->obj), run->domain, 1))
			return ENOMEM;
		if (kv_phys_take(
			rv->phys, KV_PHYS_DEFAULT, 0, run->domain, &pfn) == 0) {
			kv_object_add(
			    run->obj, w, (unsigned)(pindex - w->first), pfn);
			return 0;
		}
		kv_phys_uncharge(rv->phys, run->domain, 1);
		if (kv_reserv_reclaim(rv, run->domain) != 0)
			return ENOMEM;
	}
}

static int
run_alloc(struct kv_reserv *rv, const struct kv_pagerun *run)
{
	kv_pindex_t p = run->pindex;
	int error = 0;

	while (p < run->end) {
		struct kv_window *w = kv_object_window(run->obj, p);
		unsigned step = kv_pagerun_step(rv, run, p);

		if (rv->fast == 0 || !alloc_in_window(rv, run, w, p, step)) {
			step = 1;
			error = alloc_page(rv, run, w, p);
			if (error != 0)
				break;
		}
		p += step;
	}
	if (error != 0) {
		struct kv_pagerun done = {
		    run->obj, run->pindex, p, run->domain};

		kv_pagerun_free(rv, &done);
		kv_pagerun_put(rv, run);
	}
	return error;
}

/* Runs that are not wholly in one existing reservation. */
static int
alloc_slow(struct kv_reserv *rv, const struct kv_pagerun *run, kv_pfn_t *pfns)
{
	int error = kv_pagerun_check(rv, run);

	if (error == 0)
		error = run_prepare(rv, run);
	if (error == 0)
		error = run_alloc(rv, run);
	if (error == 0 && pfns != NULL)
		kv_pagerun_frames(run, pfns);
	return error;
}

int
kv_page_alloc(struct kv_reserv *rv, struct kv_object *obj, kv_pindex_t pindex,
    unsigned npages, unsigned domain, kv_pfn_t *pfns)
{
	struct kv_window *w = kv_object_window(obj, pindex);
	struct kv_pagerun run = {obj, pindex, pindex + npages, domain};

	if (pindex > KV_OBJECT_SIZE_MAX)
		return ERANGE;
	if (w == NULL || npages - 1 >= rv->fast ||
	    !alloc_in_window(rv, &run, w, pindex, npages))
		return alloc_slow(rv, &run, pfns);
	if (pfns != NULL)
		for (unsigned j = 0; j < npages; j++)
			pfns[j] = kv_window_frame(
			    w, (unsigned)(pindex - w->first) + j);
	return 0;
}

int
kv_page_free(struct kv_reserv *rv, struct kv_object *obj, kv_pindex_t pindex,
    unsigned npages, struct kv_diag *diag)
{
	struct kv_pagerun run = {obj, pindex, pindex + npages, 0};
	struct kv_window *w = kv_object_window(obj, pindex);
	unsigned i = kv_object_window_page(obj, pindex);

	if (pindex <= KV_OBJECT_SIZE_MAX && w != NULL &&
	    npages <= rv->npages - i && kv_bits_all(w->map, i, npages)) {
		if (npages != 0)
			kv_pagerun_free_window(rv, obj, w, i, npages);
		return 0;
	}
	if (pindex > KV_OBJECT_SIZE_MAX ||
	    !kv_pagerun_is_resident(rv, &run, &pindex)) {
		kv_tap_emit(&kv_object_config(obj)->tap, KV_EV_OBJECT_ABSENT,
		    kv_object_config(obj)->name, pindex, 0, 0, 0);
		return kv_diag_set(diag, ENOENT, "reserv", 3, pindex,
		    "freed page is not resident");
	}
	kv_pagerun_free(rv, &run);
	return 0;
}

/* ---- Break ------------------------------------------------------------- */

int
kv_reserv_reclaim(struct kv_reserv *rv, unsigned domain)
{
	if (domain >= kv_phys_domains(rv->phys) ||
	    rv->domain[domain].head == NULL)
		return ENOENT;
	if (kv_reservation_break(rv, rv->domain[domain].head, 0, 0) != 0)
		return ENOMEM;
	rv->reclaimed++;
	return 0;
}

int
kv_reserv_break(struct kv_reserv *rv, struct kv_object *obj, uint64_t *broken)
{
	struct kv_reservation **newest = kv_object_reservs(obj);
	uint64_t n = 0;

	for (const struct kv_reservation *r = *newest; r != NULL; r = r->older)
		n++;
	if (kv_phys_reserve(rv->phys, n) != 0)
		return ENOMEM;
	while (*newest != NULL)
		kv_reservation_break(rv, *newest, 0, 0);
	if (broken != NULL)
		*broken = n;
	return 0;
}
