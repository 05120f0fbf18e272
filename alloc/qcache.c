/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * qcache.c - quantum caches: a LIFO stack of busy tags per size
 *
 * 1 Concepts.  An arena may keep freed segments of 1..16 quanta aside, so that
 *   the common sizes never reach the boundary tags.
 * 2 Representation.  One stack of tag numbers a size; a tag in a cache is
 *   marked, so that freeing it twice is seen.
 * 3 Invariants.  I1 every item is a marked busy tag of its arena, of that size,
 *   and no other tag is marked.
 * 4 Cost.  A few instructions for a hit.
 * 5 Fidelity.  A stand-in for FreeBSD's UMA zones (vmem.md, "quantum-cache
 *   policy"): unbounded, one stack instead of per-CPU buckets.  KVA and
 *   kernel-stack arenas have no quantum cache.
 */
#include "qcache.h"

int
kv_qcache_reserve(struct qcache *qc, struct kv_host *host, size_t n)
{
	size_t capacity = qc->capacity == 0 ? QCACHE_MAX : qc->capacity;
	uint32_t *item;

	if (qc->capacity - qc->count >= n)
		return 0;
	while (capacity - qc->count < n)
		capacity *= 2;
	item = kv_host_resize(host, qc->item, qc->capacity * sizeof(*item),
	    capacity * sizeof(*item));
	if (item == NULL)
		return ENOMEM;
	qc->item = item;
	qc->capacity = capacity;
	return 0;
}

void
kv_qcache_fini(struct qcache *qc, struct kv_host *host)
{
	kv_host_free(host, qc->item, qc->capacity, sizeof(*qc->item));
}
