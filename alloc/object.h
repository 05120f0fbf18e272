/* SPDX-License-Identifier: BSD-2-Clause */
/* object.h - a VM object: which physical page stands at which pindex */
#ifndef KV_OBJECT_H
#define KV_OBJECT_H

#include "base.h"
#include "host.h"

struct kv_object;

struct kv_object_config {
	const char *name;  /* outlives the object */
	uint64_t size;	   /* pages; pindex < size */
	bool anon;	   /* may have reservations past its end */
	bool colored;	   /* OBJ_COLORED: reservations are attempted */
	unsigned pg_color; /* shifts the reservation index, pages */
	struct kv_host *host;
};

/* => 0, EINVAL, ENOMEM */
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

/* Resident pages. */
uint64_t kv_object_resident(const struct kv_object *obj);

/* Visit resident pages in order of pindex. */
typedef int kv_object_walk_fn(void *arg, kv_pindex_t pindex, kv_pfn_t pfn);
int kv_object_walk(
    const struct kv_object *obj, kv_object_walk_fn *cb, void *arg);

/* All invariants.  => 0, or EFAULT and *diag */
int kv_object_check(const struct kv_object *obj, struct kv_diag *diag);

#endif
