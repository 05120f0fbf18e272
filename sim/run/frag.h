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

/* Linux extfrag_for_order, percent: share of the free pages in blocks too
 * small for the order; 0 when nothing is free. */
uint64_t kv_frag_percent(
    const uint64_t *blocks, unsigned norders, unsigned order);

/* Linux's proactive-compaction score of a node that is one zone of `present`
 * pages (metrics.md 4), for requests of that order. */
uint64_t kv_frag_score(
    const uint64_t *blocks, unsigned norders, unsigned order, uint64_t present);

/* Free pages and free blocks, all orders. */
uint64_t kv_frag_pages(const uint64_t *blocks, unsigned norders);
uint64_t kv_frag_blocks(const uint64_t *blocks, unsigned norders);

/* Blocks of exactly 2^order pages that the free blocks hold, aligned. */
uint64_t kv_frag_usable(
    const uint64_t *blocks, unsigned norders, unsigned order);

/* Largest-free ratio: 1 - largest/free, 0 when nothing is free. */
double kv_frag_largest_ratio(uint64_t largest, uint64_t free_pages);

/* Free-huge score, percent: of the superpages of npages that the free pages
 * would make, those that are free whole (LLFree); 0 when they make none. */
double kv_frag_huge_score(
    uint64_t free_huge, uint64_t free_pages, uint64_t npages);

/* Its map: a digit for a superpage of npages, 0 full .. 9 free (metrics.md 6:
 * 1 + free/64 of 512). */
char kv_frag_digit(uint64_t free_pages, uint64_t npages);

#endif
