/* SPDX-License-Identifier: BSD-2-Clause */
/* reservation.h - one reservation: population map, queue, life and end */
#ifndef KV_RESERVATION_H
#define KV_RESERVATION_H

#include "base.h"
#include "event.h"
#include "host.h"
#include "object.h"
#include "pagecache.h"
#include "phys.h"

/*
 * The mechanism below reserv.h; callers outside reserv*.c want that header.
 */
struct kv_reservation {
	struct kv_object *object;	      /* (c) but for a rename */
	struct kv_window *window;	      /* the pindexes it covers */
	struct kv_reservation *next, *prev;   /* partial queue, or spares */
	struct kv_reservation *older, *newer; /* of the object */
	struct kv_reservation *beside; /* older one over the same window */
	uint64_t lasttick;	       /* of the last move in the queue */
	size_t slot;		       /* (c) */
	uint32_t pfn;		       /* (c) first page */
	uint32_t popcnt;	       /* bits set in popmap (I2) */
	uint16_t domain;	       /* (c) */
	bool queued;
	uint64_t popmap[]; /* bit i: page i is in use */
};

struct kv_reserv {
	struct kv_phys *phys;	       /* (c) */
	struct kv_pagecache *cache;    /* (c) NULL: none */
	struct kv_host *host;	       /* (c) */
	struct kv_tap tap;	       /* (c) */
	unsigned order;		       /* (c) log2 pages of a reservation */
	unsigned npages;	       /* (c) pages of a reservation */
	unsigned fast;		       /* (c) pages of one call that are taken
					  together; 0: each is drawn alone */
	unsigned page_shift;	       /* (c) */
	uint64_t now;		       /* ticks */
	struct kv_reservation **slots; /* by slot number; NULL: none */
	size_t nslots;		       /* (c) */
	struct kv_reservation *spares; /* records to use next */
	size_t nspares;
	uint64_t broken, freed, reclaimed; /* (s) */
	struct kv_reserv_domain {
		struct kv_reservation *head, *tail; /* partial queue */
		uint64_t queued;		    /* in the queue (I4) */
		uint64_t active, full, populated;   /* (I5) */
	} domain[];
};

/* Have n spare records.  => 0, ENOMEM */
int kv_reservation_reserve(struct kv_reserv *rv, size_t n);
void kv_reservation_destroy(struct kv_reserv *rv, struct kv_reservation *r);

/* The reservation that holds a frame, or NULL. */
struct kv_reservation *kv_reservation_of(
    const struct kv_reserv *rv, kv_pfn_t pfn);

/* Is all that is resident in the window the population of one reservation? */
static inline bool
kv_window_is_pure(const struct kv_window *w)
{
	return w->reserv != NULL && w->resident == w->reserv->popcnt;
}

/*
 * A reservation over an empty window, from a block taken for it; a spare
 * record must be there.  Nothing is populated yet, which must follow.
 */
struct kv_reservation *kv_reservation_create(struct kv_reserv *rv,
    struct kv_object *obj, struct kv_window *w, kv_pfn_t pfn, unsigned domain);

/* Facts 19, 20 for pages [i, i + n), all clear (set) before.  The object and
 * the free count are the caller's. */
void kv_reservation_populate(
    struct kv_reserv *rv, struct kv_reservation *r, unsigned i, unsigned n);
/* At population 0 the reservation is gone. */
void kv_reservation_depopulate(
    struct kv_reserv *rv, struct kv_reservation *r, unsigned i, unsigned n);

/*
 * Fact 21: pages in use, and [i, i + n), which the caller takes, stay used;
 * the others are queued.  The reservation is gone.
 * => 0; ENOMEM: no metadata; nothing is changed
 */
int kv_reservation_break(
    struct kv_reserv *rv, struct kv_reservation *r, unsigned i, unsigned n);

/* Give it to the window of another object, as that one's newest. */
void kv_reservation_rename(
    struct kv_reservation *r, struct kv_object *obj, struct kv_window *w);

#endif
