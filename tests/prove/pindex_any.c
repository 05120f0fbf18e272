/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pindex_any.c - the bijection of pindex.h for any stack and guard pages
 *
 * Both formulas, but not that they undo each other: that is beyond the provers
 * without numbers, and pindex.c has it for the machine table.
 */
#include "alloc/base.h"
#include "alloc/pindex.h"

#define S map->npages
#define G map->gpages
#define K (map->npages + map->gpages)

/*@ predicate skips{L}(struct kv_pindex_map *m) = \valid_read(m) &&
  @   m->npages >= 1 && m->scheme == KV_PINDEX_SKIP_GUARD; */

/*@ lemma split: \forall integer k, x; k > 0 && x >= 0 ==>
  @   x == x / k * k + x % k && 0 <= x % k < k && x / k >= 0; */

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

/*@ requires skips(map) && pindex / S * K + K <= UINT64_MAX;
  @ assigns \nothing;
  @ ensures \result == pindex / S * K + G + pindex % S; */
static inline uint64_t kv_pindex_to_page(
    const struct kv_pindex_map *map, kv_pindex_t pindex);

#include "alloc/pindex.c"
