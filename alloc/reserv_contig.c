/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reserv_contig.c - pages without an object, and physically contiguous runs
 *
 * 1 Concepts.  A contiguous run for an object comes from the reservation that
 *   covers it, from new adjoining reservations, from the free queues, or from
 *   the idle pages of a partial reservation that is broken for it.
 * 2 Representation.  New reservations for n pages from page i of a window:
 *
 *     pindex     first   first + i              need = i + n
 *     windows    |.......#######|##############|#####........|
 *     frames     one run of whole reservations               ^ round_up(need)
 *     or, when the last piece does not fit                ^ need
 *
 *   In the second case the pages of the last piece have no reservation.
 * 3 Invariants.  I1..I6 of reservation.c.
 * 4 Cost.  The search in phys_contig.c; for the last resort, the partial queue
 *   and each map in it.
 * 5 Fidelity.  spec phys.md 12, 14, 18, 23, 24, from vm_reserv.c and vm_page.c.
 *   A run must also suit the request's alignment and boundary where its page
 *   in the reservation puts it; the spec's fact 24 takes that for granted.
 */
#include "arith.h"
#include "reserv.h"
#include "pagerun.h"

/* ---- Single pages ------------------------------------------------------ */

int
kv_page_alloc_anon(struct kv_reserv *rv, unsigned domain, kv_pfn_t *pfn)
{
	if (domain >= kv_phys_domains(rv->phys))
		return EINVAL;
	if (kv_draws_refuse(rv->host->draws, KV_DRAW_PAGE))
		return ENOMEM;
	for (;;) {
		if (rv->cache != NULL && kv_pagecache_alloc(rv->cache,
					     KV_PHYS_DIRECT, domain, pfn) == 0)
			return 0;
		if (kv_phys_reserve(rv->phys, 1) != 0 ||
		    !kv_phys_charge(rv->phys, KV_PHYS_NORMAL, domain, 1))
			return ENOMEM;
		if (kv_phys_take(rv->phys, KV_PHYS_DIRECT, 0, domain, pfn) == 0)
			return 0;
		kv_phys_uncharge(rv->phys, domain, 1);
		if (kv_reserv_reclaim(rv, domain) != 0)
			return ENOMEM;
	}
}

int
kv_page_free_anon(struct kv_reserv *rv, kv_pfn_t pfn, struct kv_diag *diag)
{
	if (rv->cache != NULL && kv_pagecache_free(rv->cache, pfn))
		return 0;
	return kv_phys_free(rv->phys, pfn, 0, diag);
}

/* ---- From reservations (fact 24) --------------------------------------- */

/* One request. */
struct contig {
	struct kv_reserv *rv;
	const struct kv_pagerun *run; /* obj NULL: without an object */
	const struct kv_phys_want *want;
};

/* Without an object it is a request of the class normal. */
static enum kv_phys_class
class_of(const struct contig *c)
{
	const struct kv_object *obj = c->run->obj;

	return obj == NULL ? KV_PHYS_NORMAL : kv_object_config(obj)->request;
}

/* Does the run fit into r, and suit? */
static bool
suits_existing(
    const struct contig *c, const struct kv_reservation *r, unsigned i)
{
	const struct kv_reserv *rv = c->rv;
	uint64_t n = c->want->npages;

	return n <= rv->npages - i && kv_bits_none(r->popmap, i, (unsigned)n) &&
	       kv_phys_suits(
		   rv->phys, c->want, ((kv_pa_t)r->pfn + i) << rv->page_shift);
}

/* Pages to take for new reservations; 0: there can be none. */
static uint64_t
pages_for_new(const struct contig *c, const struct kv_window *w, unsigned i)
{
	const struct kv_reserv *rv = c->rv;
	const struct kv_object_config *cfg = kv_object_config(c->run->obj);
	uint64_t need = i + c->want->npages;
	uint64_t whole = kv_align_up(need, rv->npages);
	const struct kv_window *last =
	    kv_object_window(c->run->obj, c->run->end - 1);

	if (c->run->pindex < w->first)
		return 0;
	/* The first window must be empty, which covers the left cap. */
	if (w->resident != 0)
		return 0;
	if (last->resident == 0 && (cfg->anon || w->first + whole <= cfg->size))
		return whole;
	return whole == rv->npages ? 0 : need;
}

/* Do page i of a reservation and the n - 1 after it suit, wherever a
 * reservation may lie? */
static bool
suits_anywhere(const struct contig *c, unsigned i)
{
	struct kv_phys_want want = *c->want;

	want.low = 0;
	want.high = KV_ADDR_MAX;
	return kv_phys_suits(
	    c->rv->phys, &want, (kv_pa_t)i << c->rv->page_shift);
}

/* Frames from pfn on cover the windows of the run from its first window on:
 * whole ones become reservations. */
static void
create_all(const struct contig *c, kv_pfn_t pfn, uint64_t npages)
{
	struct kv_reserv *rv = c->rv;
	const struct kv_pagerun *run = c->run;
	unsigned step;

	for (kv_pindex_t p = run->pindex; p < run->end; p += step) {
		struct kv_window *w = kv_object_window(run->obj, p);
		unsigned i = (unsigned)(p - w->first);

		step = kv_pagerun_step(rv, run, p);
		if (npages >= rv->npages) {
			struct kv_reservation *r = kv_reservation_create(
			    rv, run->obj, w, pfn, run->domain);

			kv_pagerun_populate(rv, run->obj, w, r, i, step);
			npages -= rv->npages;
		} else {
			kv_phys_detail(rv->phys, pfn, step);
			for (unsigned j = 0; j < step; j++)
				kv_object_add(run->obj, w, j, pfn + j);
		}
		pfn += rv->npages;
	}
}

static bool
alloc_new(
    const struct contig *c, struct kv_window *w, unsigned i, kv_pfn_t *pfn)
{
	struct kv_reserv *rv = c->rv;
	uint64_t reserv_size = (uint64_t)rv->npages << rv->page_shift;
	struct kv_phys_want want = *c->want;
	kv_pfn_t first;

	want.npages = pages_for_new(c, w, i);
	if (want.npages == 0 || !kv_phys_charge(rv->phys, class_of(c),
				    c->run->domain, c->want->npages))
		return false;
	if (want.align < reserv_size)
		want.align = reserv_size;
	if (want.boundary <= reserv_size)
		want.boundary = 0;
	if (kv_phys_take_contig(rv->phys, &want, c->run->domain, &first) != 0) {
		kv_phys_uncharge(rv->phys, c->run->domain, c->want->npages);
		return false;
	}
	create_all(c, first, want.npages);
	*pfn = first + i;
	return true;
}

static bool
alloc_reserved(const struct contig *c, kv_pfn_t *pfn)
{
	struct kv_reserv *rv = c->rv;
	const struct kv_pagerun *run = c->run;
	struct kv_window *w = kv_object_window(run->obj, run->pindex);
	unsigned i = kv_object_window_page(run->obj, run->pindex);
	struct kv_reservation *r = kv_reservation_covering(rv, w, i);

	if (!kv_object_config(run->obj)->colored ||
	    run->end > kv_object_config(run->obj)->size ||
	    !suits_anywhere(c, i))
		return false;
	if (r == NULL)
		return alloc_new(c, w, i, pfn);
	if (!suits_existing(c, r, i) ||
	    !kv_phys_charge(rv->phys, class_of(c), r->domain, c->want->npages))
		return false;
	kv_pagerun_populate(rv, run->obj, w, r, i, (unsigned)c->want->npages);
	*pfn = (kv_pfn_t)r->pfn + i;
	return true;
}

/* ---- From the queues, or by breaking (facts 12, 23) -------------------- */

/* The first idle run of a reservation that suits.  => its page, or npages */
static unsigned
idle_run(const struct contig *c, const struct kv_reservation *r)
{
	const struct kv_reserv *rv = c->rv;
	unsigned n = (unsigned)c->want->npages;

	for (unsigned i = 0; i + n <= rv->npages; i++)
		if (kv_bits_none(r->popmap, i, n) &&
		    kv_phys_suits(rv->phys, c->want,
			((kv_pa_t)r->pfn + i) << rv->page_shift))
			return i;
	return rv->npages;
}

static bool
alloc_by_break(const struct contig *c, kv_pfn_t *pfn)
{
	struct kv_reserv *rv = c->rv;
	struct kv_reservation *r = rv->domain[c->run->domain].head;

	if (c->want->npages >= rv->npages)
		return false;
	for (; r != NULL; r = r->next) {
		unsigned i = idle_run(c, r);

		if (i == rv->npages)
			continue;
		*pfn = (kv_pfn_t)r->pfn + i;
		if (kv_reservation_break(rv, r, i, (unsigned)c->want->npages) !=
		    0)
			return false;
		rv->reclaimed++;
		return true;
	}
	return false;
}

/* Put the plain pages of the run in place. */
static void
add_all(const struct contig *c, kv_pfn_t pfn)
{
	const struct kv_pagerun *run = c->run;

	for (kv_pindex_t p = run->pindex; p < run->end; p++, pfn++) {
		struct kv_window *w = kv_object_window(run->obj, p);

		kv_object_add(run->obj, w, (unsigned)(p - w->first), pfn);
	}
}

static int
alloc_contig(const struct contig *c, kv_pfn_t *pfn)
{
	struct kv_reserv *rv = c->rv;
	uint64_t n = c->want->npages;
	unsigned domain = c->run->domain;

	if (c->run->obj != NULL && alloc_reserved(c, pfn))
		return 0;
	if (!kv_phys_charge(rv->phys, class_of(c), domain, n))
		return ENOMEM;
	if (kv_phys_take_contig(rv->phys, c->want, domain, pfn) == 0)
		kv_phys_detail(rv->phys, *pfn, n);
	else if (!alloc_by_break(c, pfn)) {
		kv_phys_uncharge(rv->phys, domain, n);
		return ENOMEM;
	}
	if (c->run->obj != NULL)
		add_all(c, *pfn);
	return 0;
}

/* ---- The request ------------------------------------------------------- */

/* Windows for the run; a table of frames where they are not all to come from
 * one run of frames. */
static int
get_windows(const struct kv_reserv *rv, const struct kv_pagerun *run)
{
	unsigned step;

	for (kv_pindex_t p = run->pindex; p < run->end; p += step) {
		struct kv_window *w;

		step = kv_pagerun_step(rv, run, p);
		if (kv_object_window_get(run->obj, p, &w) != 0)
			return ENOMEM;
		if (w->resident != 0 &&
		    kv_object_window_frames(run->obj, w) != 0)
			return ENOMEM;
	}
	return 0;
}

int
kv_page_alloc_contig(struct kv_reserv *rv, struct kv_object *obj,
    kv_pindex_t pindex, const struct kv_phys_want *want, unsigned domain,
    kv_pfn_t *pfn)
{
	struct kv_pagerun run = {obj, pindex, pindex + want->npages, domain};
	struct contig c = {rv, &run, want};
	uint64_t windows;
	int error = 0;

	if (domain >= kv_phys_domains(rv->phys) || want->npages == 0 ||
	    !kv_is_pow2(want->align) ||
	    (want->boundary != 0 && !kv_is_pow2(want->boundary)))
		return EINVAL;
	if (obj != NULL)
		error = kv_pagerun_check(rv, &run);
	else if (want->npages > kv_phys_pages(rv->phys))
		error = ENOMEM;
	if (error == 0 && kv_draws_refuse(rv->host->draws, KV_DRAW_PAGE))
		error = ENOMEM;
	if (error != 0)
		return error;
	/* Details: of all pieces of the run, and of the one broken for it. */
	windows = (want->npages >> rv->order) + 2;
	if (kv_phys_reserve(rv->phys, windows + 1) != 0 ||
	    (obj != NULL && kv_reservation_reserve(rv, windows) != 0))
		return ENOMEM;
	if (obj != NULL)
		error = get_windows(rv, &run);
	if (error == 0)
		error = alloc_contig(&c, pfn);
	if (error != 0 && obj != NULL)
		kv_pagerun_put(rv, &run);
	return error;
}
