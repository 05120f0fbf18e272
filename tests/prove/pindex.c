/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pindex.c - the bijection of pindex.h and its inverse, for Frama-C
 *
 * prove.py gives S and G, stack and guard pages, SHIFT, log2 bytes of a page,
 * and PAGES_MAX, the largest page number of 64-bit addresses.
 */
#include "alloc/base.h"

#define K (S + G)

#include "alloc/pindex.h"

/*@ predicate skips{L}(struct kv_pindex_map *m) = \valid_read(m) &&
  @   m->npages == S && m->gpages == G && m->page_shift == SHIFT &&
  @   m->scheme == KV_PINDEX_SKIP_GUARD; */

/*@ requires skips(map) && \valid(pindex) && \separated(map, pindex);
  @ assigns *pindex;
  @ behavior guard:
  @   assumes page % K < G;
  @   ensures \result == EINVAL && *pindex == \old(*pindex);
  @ behavior stack:
  @   assumes page % K >= G;
  @   ensures \result == 0;
  @   ensures *pindex == page / K * S + (page % K - G);
  @ complete behaviors; disjoint behaviors; */
static inline int kv_pindex_of_page(
    const struct kv_pindex_map *map, uint64_t page, kv_pindex_t *pindex);

/*@ requires skips(map) && pindex <= PAGES_MAX;
  @ assigns \nothing;
  @ ensures \result == pindex / S * K + G + pindex % S;
  @ ensures \result % K >= G;
  @ ensures \result / K == pindex / S; */
static inline uint64_t kv_pindex_to_page(
    const struct kv_pindex_map *map, kv_pindex_t pindex);

/*@ requires skips(map) && \valid(pindex) && \separated(map, pindex);
  @ assigns *pindex;
  @ behavior below:
  @   assumes va < map->origin;
  @   ensures \result == ERANGE && *pindex == \old(*pindex);
  @ behavior guard:
  @   assumes va >= map->origin && ((va - map->origin) >> map->page_shift) % K <
  G;
  @   ensures \result == EINVAL && *pindex == \old(*pindex);
  @ behavior stack:
  @   assumes va >= map->origin && ((va - map->origin) >> map->page_shift) % K
  >= G;
  @   ensures \result == 0;
  @   ensures *pindex == ((va - map->origin) >> map->page_shift) / K * S +
  @     (((va - map->origin) >> map->page_shift) % K - G);
  @ complete behaviors; disjoint behaviors; */
int kv_pindex_of(
    const struct kv_pindex_map *map, kv_va_t va, kv_pindex_t *pindex);

#include "alloc/pindex.c"

/*@ requires skips(map) && page <= PAGES_MAX && page % K >= G;
  @ assigns \nothing;
  @ ensures \result == page; */
uint64_t
there_and_back(const struct kv_pindex_map *map, uint64_t page)
{
	kv_pindex_t pindex = 0;

	kv_pindex_of_page(map, page, &pindex);
	return kv_pindex_to_page(map, pindex);
}

/*@ requires skips(map) && pindex / S * K + K <= PAGES_MAX;
  @ assigns \nothing;
  @ ensures \result == pindex; */
uint64_t
back_and_there(const struct kv_pindex_map *map, kv_pindex_t pindex)
{
	kv_pindex_t again = 0;

	kv_pindex_of_page(map, kv_pindex_to_page(map, pindex), &again);
	return again;
}
