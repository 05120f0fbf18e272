/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reservation.c - one reservation: population map, queue, life and end
 *
 * 1 Concepts.  A reservation promises an aligned block of 2^order frames to
 *   one stretch of an object, so that the object's pages become physically
 *   contiguous if it ever uses all.  Partly used ones wait in a queue, least
 *   recently changed first, for the day when memory is short: then the head
 *   is broken and its idle pages become ordinary free ones.
 * 2 Representation.  A record a reservation, found from its frames through
 *   slots[] and from its pindexes through the window; the window's map says
 *   what is resident in the object, popmap what is used of the block.
 *
 *     window   first ............................ first + npages
 *     popmap   1111 1111 0000 0000 1111 ...        popcnt 12
 *     frames   pfn  pfn+4 ...
 *
 * 3 Invariants.
 *   I1  slots[r->slot] = r; r is in the list of its object and of its window;
 *       the window has the size and phase of a reservation.
 *   I2  popcnt = bits in popmap, > 0.
 *   I3  A used page of r is resident in r's window; an idle one is not free
 *       in any queue of phys.
 *   I4  The queue of a domain holds only partial reservations of it, each at
 *       most once; lasttick never decreases along it, so that its head is the
 *       least recently changed.  Full ones are not in it.  A partial one is
 *       missing only if it was full in the tick that lasttick names (5).
 *   I5  The counts of a domain agree with the records.
 *   I6  free count = pages in queues of phys + idle pages of reservations.
 * 4 Cost.  populate, depopulate: constant in the run, but for the words it
 *   covers.  80 bytes and two bits a page (one here, one in the window).
 * 5 Fidelity.  spec phys.md 15-22, 26, from vm_reserv.c.  One call for a run
 *   is the same as one a page within a tick:
 *   populate.  The first page moves r to the tail and sets lasttick, unless r
 *     is queued and was changed in this tick; the others find it so and leave
 *     it; the one that fills it takes it out and sets lasttick.  So the end
 *     state depends on the run only through "full now?".
 *   depopulate.  The first page moves r to the tail and sets lasttick if a
 *     tick has passed; the others find none has passed and leave it; the one
 *     that empties it takes it out.  Had it filled in this very tick, no page
 *     of the run puts it back: it stays in no queue, as upstream.
 */
#include <string.h>

#include "bitmap.h"
#include "reservation.h"

static size_t
record_size(const struct kv_reserv *rv)
{
	return sizeof(struct kv_reservation) + rv->npages / 8;
}

/* ---- Records ----------------------------------------------------------- */

int
kv_reservation_reserve(struct kv_reserv *rv, size_t n)
{
	while (rv->nspares < n) {
		struct kv_reservation *r =
		    kv_host_resize(rv->host, NULL, 0, record_size(rv));

		if (r == NULL)
			return ENOMEM;
		r->next = rv->spares;
		rv->spares = r;
		rv->nspares++;
	}
	return 0;
}

void
kv_reservation_destroy(struct kv_reserv *rv, struct kv_reservation *r)
{
	kv_host_resize(rv->host, r, record_size(rv), 0);
}

static void
record_free(struct kv_reserv *rv, struct kv_reservation *r)
{
	enum { KEEP = 8 }; /* so that the last stack of one comes and goes */

	if (rv->nspares >= KEEP) {
		kv_reservation_destroy(rv, r);
		return;
	}
	r->next = rv->spares;
	rv->spares = r;
	rv->nspares++;
}

struct kv_reservation *
kv_reservation_of(const struct kv_reserv *rv, kv_pfn_t pfn)
{
	size_t slot;

	return kv_phys_slot(rv->phys, pfn, &slot) == 0 ? rv->slots[slot] : NULL;
}

static void
emit(const struct kv_reserv *rv, enum kv_event_kind kind,
    const struct kv_reservation *r)
{
	const uint64_t told[] = {(kv_pa_t)r->pfn << rv->page_shift,
	    r->window->first, r->domain,
	    kind == KV_EV_RESERV_BREAK ? r->popcnt : 0};

	if (rv->tap.fn != NULL)
		kv_tap_tell_of(&rv->tap, kind, "reserv",
		    kv_object_config(r->object)->name, told);
}

/* ---- Lists of object and window ---------------------------------------- */

static void
attach(struct kv_reservation *r, struct kv_object *obj, struct kv_window *w)
{
	struct kv_reservation **newest = kv_object_reservs(obj);

	r->object = obj;
	r->window = w;
	r->beside = w->reserv;
	w->reserv = r;
	r->newer = NULL;
	r->older = *newest;
	if (r->older != NULL)
		r->older->newer = r;
	*newest = r;
}

static void
detach(struct kv_reservation *r)
{
	struct kv_reservation **link = &r->window->reserv;

	while (*link != r)
		link = &(*link)->beside;
	*link = r->beside;
	if (r->newer != NULL)
		r->newer->older = r->older;
	else
		*kv_object_reservs(r->object) = r->older;
	if (r->older != NULL)
		r->older->newer = r->newer;
}

void
kv_reservation_rename(
    struct kv_reservation *r, struct kv_object *obj, struct kv_window *w)
{
	detach(r);
	attach(r, obj, w);
}

/* ---- Partial queue ----------------------------------------------------- */

static void
dequeue(struct kv_reserv *rv, struct kv_reservation *r)
{
	struct kv_reserv_domain *d = &rv->domain[r->domain];

	if (!r->queued)
		return;
	r->queued = false;
	if (r->prev != NULL)
		r->prev->next = r->next;
	else
		d->head = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	else
		d->tail = r->prev;
	d->queued--;
}

static void
enqueue(struct kv_reserv *rv, struct kv_reservation *r)
{
	struct kv_reserv_domain *d = &rv->domain[r->domain];

	r->queued = true;
	r->next = NULL;
	r->prev = d->tail;
	if (d->tail != NULL)
		d->tail->next = r;
	else
		d->head = r;
	d->tail = r;
	d->queued++;
}

/* Leave the queue and enter it again at the tail. */
static void
requeue(struct kv_reserv *rv, struct kv_reservation *r)
{
	if (r->queued && r->next == NULL)
		return;
	dequeue(rv, r);
	enqueue(rv, r);
}

/* ---- Life -------------------------------------------------------------- */

struct kv_reservation *
kv_reservation_create(struct kv_reserv *rv, struct kv_object *obj,
    struct kv_window *w, kv_pfn_t pfn, unsigned domain)
{
	struct kv_reservation *r = rv->spares;
	size_t slot = 0;

	KV_ASSERT(r != NULL && w->resident == 0);
	rv->spares = r->next;
	rv->nspares--;
	memset(r, 0, record_size(rv));
	kv_phys_slot(rv->phys, pfn, &slot);
	r->slot = slot;
	r->pfn = (uint32_t)pfn;
	r->domain = (uint16_t)domain;
	rv->slots[slot] = r;
	w->base = r->pfn;
	attach(r, obj, w);
	rv->domain[domain].active++;
	emit(rv, KV_EV_RESERV_CREATE, r);
	return r;
}

void
kv_reservation_populate(
    struct kv_reserv *rv, struct kv_reservation *r, unsigned i, unsigned n)
{
	struct kv_reserv_domain *d = &rv->domain[r->domain];

	kv_bits_set(r->popmap, i, n);
	r->popcnt += n;
	d->populated += n;
	if (r->popcnt == rv->npages) {
		dequeue(rv, r);
		r->lasttick = rv->now;
		d->full++;
		emit(rv, KV_EV_RESERV_FULL, r);
	} else if (!r->queued || r->lasttick != rv->now) {
		requeue(rv, r);
		r->lasttick = rv->now;
	}
}

/* Out of every list; the record goes back. */
static void
end(struct kv_reserv *rv, struct kv_reservation *r)
{
	dequeue(rv, r);
	detach(r);
	rv->slots[r->slot] = NULL;
	rv->domain[r->domain].active--;
	record_free(rv, r);
}

void
kv_reservation_depopulate(
    struct kv_reserv *rv, struct kv_reservation *r, unsigned i, unsigned n)
{
	struct kv_reserv_domain *d = &rv->domain[r->domain];
	kv_pfn_t pfn = r->pfn;

	d->full -= r->popcnt == rv->npages;
	kv_bits_clear(r->popmap, i, n);
	r->popcnt -= n;
	d->populated -= n;
	if (r->popcnt == 0) {
		rv->freed++;
		emit(rv, KV_EV_RESERV_FREE, r);
		end(rv, r);
		kv_phys_give(rv->phys, pfn, rv->order);
	} else if (r->lasttick != rv->now) {
		requeue(rv, r);
		r->lasttick = rv->now;
	}
}

int
kv_reservation_break(
    struct kv_reserv *rv, struct kv_reservation *r, unsigned i, unsigned n)
{
	struct kv_reserv_domain *d = &rv->domain[r->domain];

	/* Also when no page is idle: those in use are now freed singly. */
	if (kv_phys_detail(rv->phys, r->pfn, rv->npages) != 0)
		return ENOMEM;
	emit(rv, KV_EV_RESERV_BREAK, r);
	d->full -= r->popcnt == rv->npages;
	d->populated -= r->popcnt;
	kv_bits_set(r->popmap, i, n);
	for (unsigned start = 0, stop;; start = stop) {
		start = kv_bits_find(r->popmap, rv->npages, start, false);
		if (start == rv->npages)
			break;
		stop = kv_bits_find(r->popmap, rv->npages, start, true);
		kv_phys_give_run(
		    rv->phys, (kv_pfn_t)r->pfn + start, stop - start);
	}
	end(rv, r);
	rv->broken++;
	return 0;
}
