/* SPDX-License-Identifier: BSD-2-Clause */
/* object.h - a VM object: which physical page stands at which pindex */
#ifndef KV_OBJECT_H
#define KV_OBJECT_H

#include "base.h"
#include "event.h"
#include "host.h"
#include "phys.h"

struct kv_object;

#define KV_OBJECT_SIZE_MAX (UINT64_C(1) << 62)

struct kv_object_config {
	const char *name; /* outlives the object */
	uint64_t size;	  /* pages; past it no reservations, but pages */
	bool anon;	  /* may have reservations past its end */
	bool colored;	  /* OBJ_COLORED: reservations are attempted */
	enum kv_phys_class request; /* of requests for its pages */
	bool domain_guard;	    /* reservations of the asked domain only */
	unsigned pg_color;	    /* shifts the reservation index, pages */
	struct kv_host *host;
	struct kv_tap tap; /* listener, may be {0} */
};

/* => 0; EINVAL (size 0 or above KV_OBJECT_SIZE_MAX); ENOMEM */
int kv_object_create(
    const struct kv_object_config *cfg, struct kv_object **obj);

/* The object must be empty; what it still holds is forgotten. */
void kv_object_destroy(struct kv_object *obj);

/* The page at pindex.  => 0 or ENOENT */
int kv_object_lookup(
    const struct kv_object *obj, kv_pindex_t pindex, kv_pfn_t *pfn);

/* Resident page with the largest pindex < (smallest >=) the given one.
 * => 0 or ENOENT */
int kv_object_before(const struct kv_object *obj, kv_pindex_t pindex,
    kv_pindex_t *found, kv_pfn_t *pfn);
int kv_object_from(const struct kv_object *obj, kv_pindex_t pindex,
    kv_pindex_t *found, kv_pfn_t *pfn);

/* ---- Windows: what the page allocator changes -------------------------- */

struct kv_reservation; /* reservation.h */

/*
 * The pindexes that one reservation could cover: 2^order of them, aligned
 * after adding the colour.  Exists while pages are resident in it, and for a
 * moment before and after.  Resident page i is frames[i], if there is such a
 * table and entry, else base + i: pages of a reservation need no table, and
 * keep that frame when it is broken.
 */
struct kv_window {
	struct kv_reservation *reserv; /* newest active one of the object */
	kv_pindex_t first;	       /* (c) pindex of page 0, modulo 2^64 */
	uint32_t *frames;	       /* KV_WINDOW_BASE: base + i; NULL: all */
	uint32_t base;		       /* frame of page 0, modulo 2^32 */
	uint32_t resident;	       /* bits set in map (I2) */
	uint64_t map[];		       /* bit i: page i is resident */
};

#define KV_WINDOW_BASE UINT32_MAX

/*
 * Fix the size of windows, log2 pages, at least 6; done by the page allocator.
 * => 0; EINVAL: it has another size already
 */
int kv_object_bind(struct kv_object *obj, unsigned order);

/* Which page of its window a pindex is. */
unsigned kv_object_window_page(const struct kv_object *obj, kv_pindex_t pindex);

/* The window of a pindex, or NULL. */
struct kv_window *kv_object_window(
    const struct kv_object *obj, kv_pindex_t pindex);

/* The first window with a resident page that begins at or after the one of
 * pindex (ends at or before it), or NULL. */
struct kv_window *kv_object_window_next(
    const struct kv_object *obj, kv_pindex_t pindex);
struct kv_window *kv_object_window_prev(
    const struct kv_object *obj, kv_pindex_t pindex);

/* The window of a pindex, made if need be.  => 0; ENOMEM */
int kv_object_window_get(
    struct kv_object *obj, kv_pindex_t pindex, struct kv_window **w);

/* Free a window if nothing is resident in it. */
void kv_object_window_put(struct kv_object *obj, struct kv_window *w);

/* Have a table of frames.  => 0; ENOMEM */
int kv_object_window_frames(struct kv_object *obj, struct kv_window *w);

/* Pages [i, i + n) become resident at base + i; they were not. */
void kv_object_add_run(
    struct kv_object *obj, struct kv_window *w, unsigned i, unsigned n);

/* Page i becomes resident at a frame; there is a table if it is not base. */
void kv_object_add(
    struct kv_object *obj, struct kv_window *w, unsigned i, kv_pfn_t pfn);

/* Pages [i, i + n) are resident no more; the window stays. */
void kv_object_remove_run(
    struct kv_object *obj, struct kv_window *w, unsigned i, unsigned n);

/* Frame of resident page i. */
static inline kv_pfn_t
kv_window_frame(const struct kv_window *w, unsigned i)
{
	if (w->frames != NULL && w->frames[i] != KV_WINDOW_BASE)
		return w->frames[i];
	return (uint32_t)(w->base + i);
}

/* The object's reservations, newest first: head of a list that the page
 * allocator keeps here. */
struct kv_reservation **kv_object_reservs(struct kv_object *obj);

/* What it was created with. */
const struct kv_object_config *kv_object_config(const struct kv_object *obj);

/* ---- Inspect ----------------------------------------------------------- */

/* Resident pages. */
uint64_t kv_object_resident(const struct kv_object *obj);

/* Visit resident pages in order of pindex. */
typedef int kv_object_walk_fn(void *arg, kv_pindex_t pindex, kv_pfn_t pfn);
int kv_object_walk(
    const struct kv_object *obj, kv_object_walk_fn *cb, void *arg);

/* All invariants.  => 0, or EFAULT and *diag */
int kv_object_check(const struct kv_object *obj, struct kv_diag *diag);

#endif
