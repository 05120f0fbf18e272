/* SPDX-License-Identifier: BSD-2-Clause */
/* free_map.h - where free memory lies, superpage by superpage */
#ifndef KV_SIM_FREE_MAP_H
#define KV_SIM_FREE_MAP_H

#include "alloc/kv.h"

/*
 * Free pages of the queues by aligned superpage of 2^order pages, from the
 * first that holds memory; what is no memory counts as not free.  Set order
 * and leave the rest zero; finish with kv_free_map_fini.
 */
struct kv_free_map {
	unsigned order;
	uint64_t first;	 /* superpage number of entry 0: pfn >> order */
	uint64_t *pages; /* owned; free pages of each */
	size_t count;
	uint64_t whole;	  /* superpages free as a whole */
	uint64_t largest; /* pages of the longest run of free pages */
};
void kv_free_map_take(const struct kv_phys *phys, struct kv_free_map *map);
void kv_free_map_fini(struct kv_free_map *map);

#endif
