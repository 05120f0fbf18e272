/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagerun.c - a run of pindexes of an object, window by window
 *
 * 1 Concepts.  What the page allocator is asked for is a run of pindexes; what
 *   it works on is a window, which one reservation covers.
 * 2 Representation.  The ends of the run; windows are looked up, one after the
 *   other.
 * 3 Invariants.  I1..I6 of reservation.c.
 * 4 Cost.  A lookup a window, words of maps; a page that shares its window
 *   with pages of other origin is handled alone.
 * 5 Fidelity.  spec phys.md 16, 17, 25, from vm_reserv.c.  Upstream looks for
 *   the nearest resident pages and asks whether their frames belong to a
 *   reservation of the object that covers pindex.  Since a reservation covers
 *   one window exactly and always has a used page:
 *   - if all resident pages of the window belong to its one reservation, then
 *     one of the neighbours does, and that reservation is the answer;
 *   - a neighbour outside the window cannot answer, so the search can stop at
 *     its edges; it is made only in a window of mixed pages;
 *   - a new reservation is possible iff the window is empty: a page in it is a
 *     neighbour whose cap lies inside; a neighbour beyond it, or beyond its
 *     reservation, leaves all of the window free.
 */
#include "pagerun.h"

/* The part of the run, from pindex on, that lies in one window. */
unsigned
kv_pagerun_step(const struct kv_reserv *rv, const struct kv_pagerun *run,
    kv_pindex_t pindex)
{
	unsigned room = rv->npages - kv_object_window_page(run->obj, pindex);

	return run->end - pindex < room ? (unsigned)(run->end - pindex) : room;
}

uint64_t
kv_pagerun_windows(const struct kv_reserv *rv, const struct kv_pagerun *run)
{
	return ((run->end - run->pindex) >> rv->order) + 2;
}

bool
kv_pagerun_is_resident(
    const struct kv_reserv *rv, const struct kv_pagerun *run, kv_pindex_t *at)
{
	unsigned step;

	for (*at = run->pindex; *at < run->end; *at += step) {
		const struct kv_window *w = kv_object_window(run->obj, *at);
		unsigned i = kv_object_window_page(run->obj, *at);

		step = kv_pagerun_step(rv, run, *at);
		if (w == NULL)
			return false;
		if (kv_bits_all(w->map, i, step))
			continue;
		*at += kv_bits_find(w->map, rv->npages, i, false) - i;
		return false;
	}
	return true;
}

int
kv_pagerun_check(const struct kv_reserv *rv, const struct kv_pagerun *run)
{
	kv_pindex_t found;
	kv_pfn_t pfn;

	if (run->domain >= kv_phys_domains(rv->phys) ||
	    kv_object_bind(run->obj, rv->order) != 0)
		return EINVAL;
	if (run->pindex > KV_OBJECT_SIZE_MAX || run->end < run->pindex ||
	    run->end > KV_OBJECT_SIZE_MAX)
		return ERANGE;
	if (kv_object_from(run->obj, run->pindex, &found, &pfn) == 0 &&
	    found < run->end)
		return EEXIST;
	return run->end - run->pindex > kv_phys_pages(rv->phys) ? ENOMEM : 0;
}

/* Give back the windows of a run that hold nothing. */
void
kv_pagerun_put(const struct kv_reserv *rv, const struct kv_pagerun *run)
{
	for (kv_pindex_t p = run->pindex; p < run->end;
	     p += kv_pagerun_step(rv, run, p)) {
		struct kv_window *w = kv_object_window(run->obj, p);

		if (w != NULL)
			kv_object_window_put(run->obj, w);
	}
}

void
kv_pagerun_frames(const struct kv_pagerun *run, kv_pfn_t *pfns)
{
	for (kv_pindex_t p = run->pindex; p < run->end; p++)
		kv_object_lookup(run->obj, p, &pfns[p - run->pindex]);
}

/* ---- Which reservation ------------------------------------------------- */

/* The reservation of resident page i, if it is one of this window. */
static struct kv_reservation *
reserv_of_page(
    const struct kv_reserv *rv, const struct kv_window *w, unsigned i)
{
	struct kv_reservation *r = kv_reservation_of(rv, kv_window_frame(w, i));

	return r != NULL && r->window == w ? r : NULL;
}

/* Fact 16: the existing reservation for page i, which is not resident. */
struct kv_reservation *
kv_reservation_covering(
    const struct kv_reserv *rv, const struct kv_window *w, unsigned i)
{
	struct kv_reservation *r = NULL;
	unsigned near;

	if (w->reserv == NULL || kv_window_is_pure(w))
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
bool
kv_reservation_fits(const struct kv_reserv *rv, const struct kv_object *obj,
    const struct kv_window *w, kv_pindex_t pindex)
{
	const struct kv_object_config *cfg = kv_object_config(obj);

	return cfg->colored && w->resident == 0 && pindex >= w->first &&
	       (cfg->anon || (rv->npages <= cfg->size &&
				 w->first <= cfg->size - rv->npages));
}

/* ---- Pages ------------------------------------------------------------- */

void
kv_pagerun_populate(struct kv_reserv *rv, struct kv_object *obj,
    struct kv_window *w, struct kv_reservation *r, unsigned i, unsigned n)
{
	if (r->pfn == w->base)
		kv_object_add_run(obj, w, i, n);
	else
		for (unsigned j = i; j < i + n; j++)
			kv_object_add(obj, w, j, (kv_pfn_t)r->pfn + j);
	kv_reservation_populate(rv, r, i, n);
}

/* Free resident page i of a window (fact 25): back to the cache if it came
 * from there, which spares the look at the reservations. */
static void
free_page(struct kv_reserv *rv, struct kv_object *obj, struct kv_window *w,
    unsigned i)
{
	kv_pfn_t pfn = kv_window_frame(w, i);
	struct kv_reservation *r = kv_reservation_of(rv, pfn);

	kv_object_remove_run(obj, w, i, 1);
	if (rv->cache != NULL && kv_pagecache_free(rv->cache, pfn))
		return;
	kv_phys_uncharge(rv->phys, kv_phys_domain(rv->phys, pfn), 1);
	if (r != NULL)
		kv_reservation_depopulate(rv, r, (unsigned)(pfn - r->pfn), 1);
	else
		kv_phys_give(rv->phys, pfn, 0);
}

/* Pages [i, i + n) of a window, all resident. */
void
kv_pagerun_free_window(struct kv_reserv *rv, struct kv_object *obj,
    struct kv_window *w, unsigned i, unsigned n)
{
	if (kv_window_is_pure(w)) {
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

void
kv_pagerun_free(struct kv_reserv *rv, const struct kv_pagerun *run)
{
	unsigned step;

	for (kv_pindex_t p = run->pindex; p < run->end; p += step) {
		step = kv_pagerun_step(rv, run, p);
		kv_pagerun_free_window(rv, run->obj,
		    kv_object_window(run->obj, p),
		    kv_object_window_page(run->obj, p), step);
	}
}
