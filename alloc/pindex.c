/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pindex.c - kernel-stack KVA to object page index
 *
 * 1 Concepts.  The pages of all kernel stacks belong to one VM object.  Which
 *   index a page has decides which reservation it comes from, and so whether
 *   reservations can fill.  The linear scheme uses the page's distance from the
 *   origin, so that guard pages leave holes; the skip-guard scheme of D38852
 *   counts stack pages only.
 * 2 Representation.  Pure functions of page numbers; see pindex.h.
 * 3 Invariants (L = page number, k = npages + gpages).
 *   I1  skip-guard is defined on L % k >= gpages and nowhere else.
 *   I2  On that domain it is a bijection onto 0, 1, 2, ...; to_page inverts it.
 *   I3  It equals the linear scheme when gpages is 0.
 * 4 Cost.  Two divisions.
 * 5 Fidelity.  FreeBSD sys/vm/vm_glue.c vm_kstack_pindex (D38852), spec
 *   freebsd.md 3.3.  The kernel asserts I1; here it is EINVAL.  The first draft
 *   of the review held for one guard page only (freebsd-F1).
 */
#include "pindex.h"

int
kv_pindex_of(const struct kv_pindex_map *map, kv_va_t va, kv_pindex_t *pindex)
{
	if (va < map->origin)
		return ERANGE;
	return kv_pindex_of_page(
	    map, (va - map->origin) >> map->page_shift, pindex);
}

int
kv_pindex_va(const struct kv_pindex_map *map, kv_pindex_t pindex, kv_va_t *va)
{
	uint64_t kpages = (uint64_t)map->npages + map->gpages;
	uint64_t limit = (KV_ADDR_MAX - map->origin) >> map->page_shift;

	/* page <= (pindex / npages + 1) * kpages: bound the slot first */
	if (map->scheme == KV_PINDEX_LINEAR
		? pindex > limit
		: pindex / map->npages > limit / kpages)
		return ERANGE;
	pindex = kv_pindex_to_page(map, pindex);
	if (pindex > limit)
		return ERANGE;
	*va = map->origin + (pindex << map->page_shift);
	return 0;
}

const char *
kv_pindex_scheme_name(enum kv_pindex_scheme scheme)
{
	return scheme == KV_PINDEX_LINEAR ? "linear" : "skip-guard";
}
