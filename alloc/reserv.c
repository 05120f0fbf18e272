/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reserv.c - pages for objects: from reservations, queues, or by breaking
 *
 * 1 Concepts.  A page for a pindex comes, in this order, from the reservation
 *   that covers it, from a new reservation, from the free queues, and, when
 *   those are empty, from what the breaking of the oldest partial reservation
 *   sets free.
 * 2 Representation.  That of reservation.c and object.c.
 * 3 Invariants.  I1..I6 of reservation.c.
 * 4 Cost.  A run inside an active reservation, or a free of one: a lookup of
 *   the window, a few words of two maps, at most one move in the queue.
 * 5 Fidelity.  spec phys.md 16-18, 25, from vm_reserv.c and vm_page.c.
 *   Upstream looks for the nearest resident pages and asks whether their
 *   frames belong to a reservation of the object that covers pindex.  Since a
 *   reservation covers one window exactly and always has a used page:
 *   - if all resident pages of the window belong to its one reservation, then
 *     one of the neighbours does, and that reservation is the answer;
 *   - a neighbour outside the window cannot answer, so the search can stop at
 *     its edges; it is made only in a window of mixed pages;
 *   - a new reservation is possible iff the window is empty: a page in it is a
 *     neighbour whose cap lies inside; a neighbour beyond it, or beyond its
 *     reservation, leaves all of the window free.
 *   Metadata is obtained before anything changes, which upstream need not do.
 */
#include "bitmap.h"
#include "reserv.h"
#include "reservation.h"

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
	r->host = cfg->host;
	r->tap = cfg->tap;
	r->order = m->reserv_order;
	r->npages = 1u << m->reserv_order;
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

/* ---- Which reservation ------------------------------------------------- */

/* All that is resident in the window is the population of its reservation. */
static bool
is_pure(const struct kv_window *w)
{
	return w->reserv != NULL && w->resident == w->reserv->popcnt;
}

/* The reservation of resident page i, if it is one of this window. */
static struct kv_reservation *
reserv_of_page(
    const struct kv_reserv *rv, const struct kv_window *w, unsigned i)
{
	struct kv_reservation *r = kv_reservation_of(rv, kv_window_frame(w, i));

	return r != NULL && r->window == w ? r : NULL;
}

/* Fact 16: the existing reservation for page i, which is not resident. */
static struct kv_reservation *
covering(const struct kv_reserv *rv, const struct kv_window *w, unsigned i)
{
	struct kv_reservation *r = NULL;
	unsigned near;

	if (w->reserv == NULL || is_pure(w))
		return w->reserv;
	near = kv_bits_last(w->map, i);
	if (near != i)
		r = reserv_of_page(rv, w, near);
	if (r != NULL)
		return r;
	near = kv_bits_find(w->map, rv->npages, i, true);
	return near == rv->npages ? NULL : reserv_of_page(rv, w, near);
}

/* Fact 17, but for the block itself. */
static bool
may_create(const struct kv_reserv *rv, const struct kv_object *obj,
    const struct kv_window *w, kv_pindex_t pindex)
{
	const struct kv_object_config *cfg = kv_object_config(obj);

	return cfg->colored && w->resident == 0 && pindex >= w->first &&
	       pindex < cfg->size &&
	       (cfg->anon || (rv->npages <= cfg->size &&
				 w->first <= cfg->size - rv->npages));
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

/* One kv_page_alloc. */
struct run {
	struct kv_object *obj;
	kv_pindex_t pindex, end;
	unsigned domain;
};

/* The part of the run, from pindex on, that lies in one window. */
static unsigned
run_step(const struct kv_reserv *rv, const struct run *run, kv_pindex_t pindex)
{
	unsigned room = rv->npages - kv_object_window_page(run->obj, pindex);

	return run->end - pindex < room ? (unsigned)(run->end - pindex) : room;
}

/* Windows that a run touches, at most. */
static uint64_t
run_windows(const struct kv_reserv *rv, const struct run *run)
{
	return ((run->end - run->pindex) >> rv->order) + 2;
}

/* May the domain run out of pages, or come to its limit, on the way? */
static bool
run_is_tight(const struct kv_reserv *rv, const struct run *run)
{
	uint64_t n = run->end - run->pindex;
	uint64_t room = n + (run_windows(rv, run) << rv->order);

	return kv_phys_queued(rv->phys, run->domain) < room ||
	       kv_phys_free_count(rv->phys, run->domain) <
		   kv_phys_limit(rv->phys, run->domain) + n;
}

/* Might one of pages [pindex, pindex + n) of this window get a frame outside
 * of a reservation? */
static bool
needs_frames(const struct kv_reserv *rv, const struct run *run,
    const struct kv_window *w, kv_pindex_t pindex, unsigned n)
{
	uint64_t enough = 2 * run_windows(rv, run);

	if (is_pure(w)) {
		unsigned d = w->reserv->domain;

		return kv_phys_free_count(rv->phys, d) <
		       kv_phys_limit(rv->phys, d) + (run->end - run->pindex);
	}
	return !may_create(rv, run->obj, w, pindex) ||
	       !may_create(rv, run->obj, w, pindex + n - 1) ||
	       reserv_blocks(rv, run->domain, enough) < enough;
}

/* Give back the windows of a run that hold nothing. */
static void
run_put(const struct kv_reserv *rv, const struct run *run)
{
	for (kv_pindex_t p = run->pindex; p < run->end;
	     p += run_step(rv, run, p)) {
		struct kv_window *w = kv_object_window(run->obj, p);

		if (w != NULL)
			kv_object_window_put(run->obj, w);
	}
}

static int
run_get(const struct kv_reserv *rv, const struct run *run, bool tight)
{
	unsigned step;

	for (kv_pindex_t p = run->pindex; p < run->end; p += step) {
		struct kv_window *w;

		step = run_step(rv, run, p);
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
run_prepare(struct kv_reserv *rv, const struct run *run)
{
	bool tight = run_is_tight(rv, run);
	uint64_t windows = run_windows(rv, run), details = windows;

	if (tight) {
		uint64_t queued = rv->domain[run->domain].queued;
		uint64_t n = run->end - run->pindex;

		details += queued < n ? queued : n;
	}
	if (kv_reservation_reserve(rv, windows) != 0 ||
	    kv_phys_reserve(rv->phys, details) != 0)
		return ENOMEM;
	if (run_get(rv, run, tight) != 0) {
		run_put(rv, run);
		return ENOMEM;
	}
	return 0;
}

/* ---- Allocate ---------------------------------------------------------- */

static void
populate(struct kv_reserv *rv, struct kv_object *obj, struct kv_window *w,
    struct kv_reservation *r, unsigned i, unsigned n)
{
	if (r->pfn == w->base)
		kv_object_add_run(obj, w, i, n);
	else
		for (unsigned j = i; j < i + n; j++)
			kv_object_add(obj, w, j, (kv_pfn_t)r->pfn + j);
	kv_reservation_populate(rv, r, i, n);
}

/* The whole run from the one reservation of its window, if that is so easy. */
static bool
alloc_in_window(struct kv_reserv *rv, struct kv_object *obj,
    struct kv_window *w, kv_pindex_t pindex, unsigned n)
{
	unsigned i = (unsigned)(pindex - w->first);

	if (!is_pure(w) || n > rv->npages - i || !kv_bits_none(w->map, i, n) ||
	    !kv_phys_charge(rv->phys, w->reserv->domain, n))
		return false;
	populate(rv, obj, w, w->reserv, i, n);
	return true;
}

/* Facts 16 and 17.  => true, and page i of the window is there */
static bool
alloc_reserved(struct kv_reserv *rv, const struct run *run, struct kv_window *w,
    kv_pindex_t pindex)
{
	unsigned i = (unsigned)(pindex - w->first);
	struct kv_reservation *r = covering(rv, w, i);
	kv_pfn_t pfn;

	if (r != NULL) {
		if (kv_bit_test(r->popmap, i) ||
		    !kv_phys_charge(rv->phys, r->domain, 1))
			return false;
	} else {
		if (!may_create(rv, run->obj, w, pindex) ||
		    !kv_phys_charge(rv->phys, run->domain, 1))
			return false;
		if (kv_phys_take(rv->phys, KV_PHYS_DEFAULT, rv->order,
			run->domain, &pfn) != 0) {
			kv_phys_uncharge(rv->phys, run->domain, 1);
			return false;
		}
		r = kv_reservation_create(rv, run->obj, w, pfn, run->domain);
	}
	populate(rv, run->obj, w, r, i, 1);
	return true;
}

/* One page (facts 16-18).  => 0, ENOMEM */
static int
alloc_page(struct kv_reserv *rv, const struct run *run, struct kv_window *w,
    kv_pindex_t pindex)
{
	for (;;) {
		kv_pfn_t pfn;

		if (alloc_reserved(rv, run, w, pindex))
			return 0;
		if (!kv_phys_charge(rv->phys, run->domain, 1))
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

/* Free resident page i of a window (fact 25). */
static void
free_page(struct kv_reserv *rv, struct kv_object *obj, struct kv_window *w,
    unsigned i)
{
	kv_pfn_t pfn = kv_window_frame(w, i);
	struct kv_reservation *r = kv_reservation_of(rv, pfn);

	kv_object_remove_run(obj, w, i, 1);
	kv_phys_uncharge(rv->phys, kv_phys_domain(rv->phys, pfn), 1);
	if (r != NULL)
		kv_reservation_depopulate(rv, r, (unsigned)(pfn - r->pfn), 1);
	else
		kv_phys_give(rv->phys, pfn, 0);
}

/* Pages [i, i + n) of a window, all resident. */
static void
free_in_window(struct kv_reserv *rv, struct kv_object *obj, struct kv_window *w,
    unsigned i, unsigned n)
{
	if (is_pure(w)) {
		struct kv_reservation *r = w->reserv;

		kv_object_remove_run(obj, w, i, n);
		kv_phys_uncharge(rv->phys, r->domain, n);
		kv_reservation_depopulate(rv, r, i, n);
	} else
		for (unsigned j = i; j < i + n; j++)
			free_page(rv, obj, w, j);
	if (w->resident == 0)
		kv_object_window_put(obj, w);
}

static void
run_free(struct kv_reserv *rv, const struct run *run)
{
	unsigned step;

	for (kv_pindex_t p = run->pindex; p < run->end; p += step) {
		step = run_step(rv, run, p);
		free_in_window(rv, run->obj, kv_object_window(run->obj, p),
		    kv_object_window_page(run->obj, p), step);
	}
}

/* Is no page (is every page) of a run resident?  *at is the first that
 * breaks the rule. */
static bool
run_is(const struct kv_reserv *rv, const struct run *run, bool resident,
    kv_pindex_t *at)
{
	unsigned step;

	for (*at = run->pindex; *at < run->end; *at += step) {
		const struct kv_window *w = kv_object_window(run->obj, *at);
		unsigned i = kv_object_window_page(run->obj, *at);

		step = run_step(rv, run, *at);
		if (w == NULL) {
			if (resident)
				return false;
			continue;
		}
		if (resident ? kv_bits_all(w->map, i, step)
			     : kv_bits_none(w->map, i, step))
			continue;
		*at += kv_bits_find(w->map, rv->npages, i, !resident) - i;
		return false;
	}
	return true;
}

static int
run_alloc(struct kv_reserv *rv, const struct run *run)
{
	kv_pindex_t p = run->pindex;
	int error = 0;

	while (p < run->end) {
		struct kv_window *w = kv_object_window(run->obj, p);
		unsigned step = run_step(rv, run, p);

		if (!alloc_in_window(rv, run->obj, w, p, step)) {
			step = 1;
			error = alloc_page(rv, run, w, p);
			if (error != 0)
				break;
		}
		p += step;
	}
	if (error != 0) {
		struct run done = {run->obj, run->pindex, p, run->domain};

		run_free(rv, &done);
		run_put(rv, run);
	}
	return error;
}

static void
run_frames(const struct run *run, kv_pfn_t *pfns)
{
	for (kv_pindex_t p = run->pindex; p < run->end; p++)
		kv_object_lookup(run->obj, p, &pfns[p - run->pindex]);
}

/* Runs that are not wholly in one existing reservation. */
static int
alloc_slow(struct kv_reserv *rv, const struct run *run, kv_pfn_t *pfns)
{
	kv_pindex_t at;
	int error;

	if (run->domain >= kv_phys_domains(rv->phys) ||
	    kv_object_bind(run->obj, rv->order) != 0)
		return EINVAL;
	if (run->end > KV_OBJECT_SIZE_MAX)
		return ERANGE;
	if (!run_is(rv, run, false, &at))
		return EEXIST;
	if (run->end - run->pindex > kv_phys_pages(rv->phys))
		return ENOMEM;
	error = run_prepare(rv, run);
	if (error == 0)
		error = run_alloc(rv, run);
	if (error == 0 && pfns != NULL)
		run_frames(run, pfns);
	return error;
}

int
kv_page_alloc(struct kv_reserv *rv, struct kv_object *obj, kv_pindex_t pindex,
    unsigned npages, unsigned domain, kv_pfn_t *pfns)
{
	struct kv_window *w = kv_object_window(obj, pindex);
	struct run run = {obj, pindex, pindex + npages, domain};

	if (pindex > KV_OBJECT_SIZE_MAX)
		return ERANGE;
	if (w == NULL || npages == 0 ||
	    !alloc_in_window(rv, obj, w, pindex, npages))
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
	struct run run = {obj, pindex, pindex + npages, 0};
	struct kv_window *w = kv_object_window(obj, pindex);
	unsigned i = kv_object_window_page(obj, pindex);

	if (pindex <= KV_OBJECT_SIZE_MAX && w != NULL &&
	    npages <= rv->npages - i && kv_bits_all(w->map, i, npages)) {
		if (npages != 0)
			free_in_window(rv, obj, w, i, npages);
		return 0;
	}
	if (pindex > KV_OBJECT_SIZE_MAX || !run_is(rv, &run, true, &pindex))
		return kv_diag_set(diag, ENOENT, "reserv", 3, pindex,
		    "freed page is not resident");
	run_free(rv, &run);
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
