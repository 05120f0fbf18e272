/* SPDX-License-Identifier: BSD-2-Clause */
/* pagerun.h - a run of pindexes of an object, window by window */
#ifndef KV_PAGERUN_H
#define KV_PAGERUN_H

#include "bitmap.h"
#include "reservation.h"

/*
 * The mechanism below reserv.h; callers outside reserv*.c want that header.
 * What one call to the page allocator is about: pindexes [pindex, end).
 */
struct kv_pagerun {
	struct kv_object *obj;
	kv_pindex_t pindex, end;
	unsigned domain; /* asked for */
};

/* The part of the run, from pindex on, that lies in one window; pages. */
unsigned kv_pagerun_step(const struct kv_reserv *rv,
    const struct kv_pagerun *run, kv_pindex_t pindex);

/* Windows that a run touches, at most. */
uint64_t kv_pagerun_windows(
    const struct kv_reserv *rv, const struct kv_pagerun *run);

/* Is every page of a run resident?  If not, *at is the first that is not. */
bool kv_pagerun_is_resident(
    const struct kv_reserv *rv, const struct kv_pagerun *run, kv_pindex_t *at);

/* Can a run be allocated at all?  => 0; EINVAL, ERANGE, EEXIST, ENOMEM as
 * kv_page_alloc; the object is bound to the machine then */
int kv_pagerun_check(const struct kv_reserv *rv, const struct kv_pagerun *run);

/* Give back the windows of a run that hold nothing. */
void kv_pagerun_put(const struct kv_reserv *rv, const struct kv_pagerun *run);

/* Frames of a run, all of it resident. */
void kv_pagerun_frames(const struct kv_pagerun *run, kv_pfn_t *pfns);

/* ---- Which reservation ------------------------------------------------- */

/* Fact 16: the existing reservation for page i, which is not resident. */
struct kv_reservation *kv_reservation_covering(
    const struct kv_reserv *rv, const struct kv_window *w, unsigned i);

/* Fact 17 for a pindex inside the object, but for the block itself and the
 * free count. */
bool kv_reservation_fits(const struct kv_reserv *rv,
    const struct kv_object *obj, const struct kv_window *w, kv_pindex_t pindex);

/* ---- Pages ------------------------------------------------------------- */

/* Pages [i, i + n) come from a reservation of the window; charged before. */
void kv_pagerun_populate(struct kv_reserv *rv, struct kv_object *obj,
    struct kv_window *w, struct kv_reservation *r, unsigned i, unsigned n);

/* Free (fact 25) pages [i, i + n) of a window, all resident; the window goes
 * too when it was all. */
void kv_pagerun_free_window(struct kv_reserv *rv, struct kv_object *obj,
    struct kv_window *w, unsigned i, unsigned n);

/* Free a run, all of it resident. */
void kv_pagerun_free(struct kv_reserv *rv, const struct kv_pagerun *run);

#endif
