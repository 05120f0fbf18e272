/* SPDX-License-Identifier: BSD-2-Clause */
/* pindex.h - kernel-stack KVA to object page index, as pure functions */
#ifndef KV_PINDEX_H
#define KV_PINDEX_H

#include "base.h"

/*
 * Let L be the page number of va counted from the origin, s the stack pages,
 * g the guard pages, k = s + g.  Stacks grow down: the guard is the low end of
 * its slot.
 *
 * LINEAR (before D38852):     pindex = L, guards included.
 * SKIP_GUARD (D38852):        pindex = L - (L / k + 1) * g, for L % k >= g.
 *   Why.  L = n*k + g + j with 0 <= j < s, so L - (n + 1)*g = n*s + j: slot n
 *   owns exactly [n*s, (n + 1)*s) and a guard page has no pindex.
 *   Example: s 4, g 1, n 2, j 3: L = 14, pindex 11.  See plots/pindex.gp.
 */
enum kv_pindex_scheme { KV_PINDEX_LINEAR, KV_PINDEX_SKIP_GUARD };

struct kv_pindex_map {
	enum kv_pindex_scheme scheme;
	kv_va_t origin;	     /* VM_MIN_KERNEL_ADDRESS */
	unsigned page_shift; /* log2 bytes */
	unsigned npages;     /* stack pages, > 0 */
	unsigned gpages;     /* guard pages, may be 0 */
};

/* Page number L -> pindex.  => 0; EINVAL: a guard page has no pindex */
static inline int
kv_pindex_of_page(
    const struct kv_pindex_map *map, uint64_t page, kv_pindex_t *pindex)
{
	uint64_t kpages = (uint64_t)map->npages + map->gpages;

	if (map->scheme == KV_PINDEX_LINEAR) {
		*pindex = page;
		return 0;
	}
	if (page % kpages < map->gpages)
		return EINVAL;
	*pindex = page - (page / kpages + 1) * map->gpages;
	return 0;
}

/* Inverse of kv_pindex_of_page; total for both schemes. */
static inline uint64_t
kv_pindex_to_page(const struct kv_pindex_map *map, kv_pindex_t pindex)
{
	uint64_t kpages = (uint64_t)map->npages + map->gpages;

	if (map->scheme == KV_PINDEX_LINEAR)
		return pindex;
	return pindex / map->npages * kpages + map->gpages +
	       pindex % map->npages;
}

/*
 * Address -> pindex (vm_kstack_pindex).
 * => 0; ERANGE: va below the origin; EINVAL: va lies in a guard page
 */
int kv_pindex_of(
    const struct kv_pindex_map *map, kv_va_t va, kv_pindex_t *pindex);

/* pindex -> address of its page.  => 0; ERANGE: past the address space */
int kv_pindex_va(
    const struct kv_pindex_map *map, kv_pindex_t pindex, kv_va_t *va);

/* "linear" or "skip-guard". */
const char *kv_pindex_scheme_name(enum kv_pindex_scheme scheme);

#endif
