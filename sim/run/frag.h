/* SPDX-License-Identifier: BSD-2-Clause */
/* frag.h - fragmentation of free memory, from the number of blocks by order */
#ifndef KV_SIM_FRAG_H
#define KV_SIM_FRAG_H

#include <stdint.h>

/*
 * blocks[i] is the number of free blocks of 2^i pages, i < norders; order is
 * that of the request, below 64.  Spec metrics.md 1 to 3; all in thousandths.
 */

/* Linux extfrag_index: -1000 the request would succeed, towards 0 for want of
 * memory, towards 1000 because of fragmentation. */
int64_t kv_frag_index(const uint64_t *blocks, unsigned norders, unsigned order);

/* FreeBSD vm.phys_frag_idx: as above, but far below zero for plenty. */
int64_t kv_frag_fmfi(const uint64_t *blocks, unsigned norders, unsigned order);

/* Share of the free pages in blocks too small for the order. */
uint64_t kv_frag_unusable(
    const uint64_t *blocks, unsigned norders, unsigned order);

#endif
