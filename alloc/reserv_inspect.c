/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reserv_inspect.c - what the reservations are, and whether they are right
 *
 * 1 Concepts.  The state of a reservation as an expert wants to read it: its
 *   letter, its map, its place in the queue.
 * 2 Representation, 3 Invariants, 5 Fidelity.  Those of reservation.c; the
 *   letters are those of spec phys.md.
 * 4 Cost.  stats: constant.  walk of an object: its windows; of all: slots.
 *   check: all pages of all reservations, and the queues of phys for each.
 */
#include "bitmap.h"
#include "reserv.h"
#include "reservation.h"

/* ---- Figures ----------------------------------------------------------- */

struct kv_reserv_stats
kv_reserv_domain_stats(const struct kv_reserv *rv, unsigned domain)
{
	const struct kv_reserv_domain *d = &rv->domain[domain];

	return (struct kv_reserv_stats){.full = d->full,
	    .partial = d->active - d->full,
	    .populated = d->populated,
	    .unused_pages = d->active * rv->npages - d->populated};
}

struct kv_reserv_stats
kv_reserv_stats(const struct kv_reserv *rv)
{
	struct kv_reserv_stats sum = {.broken = rv->broken,
	    .freed = rv->freed,
	    .reclaimed = rv->reclaimed};

	for (unsigned d = 0; d < kv_phys_domains(rv->phys); d++) {
		struct kv_reserv_stats s = kv_reserv_domain_stats(rv, d);

		sum.full += s.full;
		sum.partial += s.partial;
		sum.populated += s.populated;
		sum.unused_pages += s.unused_pages;
	}
	return sum;
}

uint64_t
kv_reserv_now(const struct kv_reserv *rv)
{
	return rv->now;
}

char
kv_reserv_letter(const uint64_t *popmap, unsigned npages)
{
	unsigned start = kv_bits_find(popmap, npages, 0, true);
	unsigned stop = kv_bits_find(popmap, npages, start, false);

	if (start == npages)
		return '-';
	if (kv_bits_find(popmap, npages, stop, true) != npages)
		return 'H';
	if (start == 0)
		return stop == npages ? 'F' : 'B';
	return stop == npages ? 'E' : 'M';
}

/* ---- Walk -------------------------------------------------------------- */

static struct kv_reserv_info
info_of(const struct kv_reserv *rv, const struct kv_reservation *r)
{
	return (struct kv_reserv_info){.pfn = r->pfn,
	    .pindex = r->window->first,
	    .object = r->object,
	    .domain = r->domain,
	    .popcnt = r->popcnt,
	    .npages = rv->npages,
	    .popmap = r->popmap,
	    .queued = r->queued};
}

static int
visit(const struct kv_reserv *rv, const struct kv_reservation *r,
    kv_reserv_walk_fn *cb, void *arg)
{
	struct kv_reserv_info info = info_of(rv, r);

	return cb(arg, &info);
}

static int
walk_object(const struct kv_reserv *rv, const struct kv_object *obj,
    kv_reserv_walk_fn *cb, void *arg)
{
	const struct kv_window *w = kv_object_window_next(obj, 0);

	while (w != NULL) {
		const struct kv_reservation *r = w->reserv;

		for (; r != NULL; r = r->beside) {
			int error = visit(rv, r, cb, arg);

			if (error != 0)
				return error;
		}
		w = kv_object_window_next(obj, w->first + rv->npages);
	}
	return 0;
}

int
kv_reserv_walk(const struct kv_reserv *rv, const struct kv_object *obj,
    kv_reserv_walk_fn *cb, void *arg)
{
	if (obj != NULL)
		return walk_object(rv, obj, cb, arg);
	for (size_t i = 0; i < rv->nslots; i++) {
		int error = 0;

		if (rv->slots[i] != NULL)
			error = visit(rv, rv->slots[i], cb, arg);
		if (error != 0)
			return error;
	}
	return 0;
}

int
kv_reserv_walk_queue(const struct kv_reserv *rv, unsigned domain,
    kv_reserv_walk_fn *cb, void *arg)
{
	const struct kv_reservation *r = rv->domain[domain].head;

	for (; r != NULL; r = r->next) {
		int error = visit(rv, r, cb, arg);

		if (error != 0)
			return error;
	}
	return 0;
}

int
kv_reserv_whatis(
    const struct kv_reserv *rv, kv_pfn_t pfn, struct kv_reserv_info *info)
{
	const struct kv_reservation *r = kv_reservation_of(rv, pfn);

	if (r == NULL)
		return ENOENT;
	*info = info_of(rv, r);
	return 0;
}

/* ---- Check ------------------------------------------------------------- */

static int
bad(struct kv_diag *diag, unsigned invariant, uint64_t at, const char *text)
{
	return kv_diag_set(diag, EFAULT, "reserv", invariant, at, text);
}

/* Is r in the list of its object and of its window? */
static bool
is_listed(const struct kv_reservation *r)
{
	const struct kv_reservation *o = r, *w = r->window->reserv;

	while (o->newer != NULL && o->newer->older == o)
		o = o->newer;
	while (w != NULL && w != r)
		w = w->beside;
	return w == r && *kv_object_reservs(r->object) == o;
}

static int
check_page(const struct kv_reserv *rv, const struct kv_reservation *r,
    unsigned i, struct kv_diag *diag)
{
	struct kv_phys_block block;

	if (kv_phys_whatis(rv->phys, (kv_pfn_t)r->pfn + i, &block) !=
	    KV_PHYS_USED)
		return bad(diag, 3, r->pfn + i, "page of it is free in phys");
	if (kv_bit_test(r->popmap, i) &&
	    (!kv_bit_test(r->window->map, i) ||
		kv_window_frame(r->window, i) != (kv_pfn_t)r->pfn + i))
		return bad(diag, 3, r->pfn + i,
		    "used page is not resident in the object");
	return 0;
}

static int
check_one(const struct kv_reserv *rv, const struct kv_reservation *r,
    size_t slot, struct kv_diag *diag)
{
	unsigned popcnt = 0;

	if (r->slot != slot || kv_reservation_of(rv, r->pfn) != r ||
	    kv_object_window(r->object, r->window->first) != r->window ||
	    !is_listed(r))
		return bad(diag, 1, r->pfn, "slot, object or window lost it");
	for (unsigned i = 0; i < rv->npages; i++) {
		popcnt += kv_bit_test(r->popmap, i);
		if (check_page(rv, r, i, diag) != 0)
			return EFAULT;
	}
	if (popcnt != r->popcnt || popcnt == 0)
		return bad(diag, 2, r->pfn, "popcnt is not that of popmap");
	if (popcnt == rv->npages && r->queued)
		return bad(diag, 4, r->pfn, "full and queued");
	return 0;
}

static int
check_queue(const struct kv_reserv *rv, unsigned domain, struct kv_diag *diag)
{
	const struct kv_reserv_domain *d = &rv->domain[domain];
	const struct kv_reservation *prev = NULL;
	uint64_t n = 0;

	for (const struct kv_reservation *r = d->head; r != NULL; r = r->next) {
		if (!r->queued || r->domain != domain || r->prev != prev ||
		    n++ >= d->queued)
			return bad(diag, 4, r->pfn, "queue is not well linked");
		if (prev != NULL && prev->lasttick > r->lasttick)
			return bad(diag, 4, r->pfn, "queue is not by age");
		prev = r;
	}
	if (n != d->queued || d->tail != prev)
		return bad(diag, 4, domain, "queue count or tail");
	return 0;
}

static int
check_domain(const struct kv_reserv *rv, unsigned domain, struct kv_diag *diag)
{
	const struct kv_reserv_domain *d = &rv->domain[domain];
	struct kv_reserv_domain sum = {0};

	for (size_t i = 0; i < rv->nslots; i++) {
		const struct kv_reservation *r = rv->slots[i];

		if (r == NULL || r->domain != domain)
			continue;
		sum.active++;
		sum.full += r->popcnt == rv->npages;
		sum.populated += r->popcnt;
		sum.queued += r->queued;
	}
	if (sum.active != d->active || sum.full != d->full ||
	    sum.populated != d->populated || sum.queued != d->queued)
		return bad(diag, 5, domain, "counts of a domain");
	if (kv_phys_free_count(rv->phys, domain) !=
	    kv_phys_queued(rv->phys, domain) + d->active * rv->npages -
		d->populated)
		return bad(diag, 6, domain, "free count of a domain");
	return check_queue(rv, domain, diag);
}

int
kv_reserv_check(const struct kv_reserv *rv, struct kv_diag *diag)
{
	for (size_t i = 0; i < rv->nslots; i++)
		if (rv->slots[i] != NULL &&
		    check_one(rv, rv->slots[i], i, diag) != 0)
			return EFAULT;
	for (unsigned d = 0; d < kv_phys_domains(rv->phys); d++)
		if (check_domain(rv, d, diag) != 0)
			return EFAULT;
	return 0;
}
