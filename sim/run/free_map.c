/* SPDX-License-Identifier: BSD-2-Clause */
/* free_map.c - where free memory lies, superpage by superpage */
#include "run/free_map.h"

#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "run/sort.h"

/* Free blocks in the order of the queues. */
struct blocks {
	struct kv_keyed *list; /* pfn, order */
	size_t count, capacity;
};

static int
block_add(void *arg, const struct kv_phys_block *block)
{
	struct blocks *b = arg;

	if (b->count == b->capacity) {
		b->capacity = b->capacity == 0 ? 64 : 2 * b->capacity;
		b->list = kv_mem_resize(b->list, b->capacity, sizeof(*b->list));
	}
	b->list[b->count++] = (struct kv_keyed){block->pfn, block->order};
	return 0;
}

/* Entries for all of memory, none free. */
static void
map_open(const struct kv_phys *phys, struct kv_free_map *map)
{
	unsigned shift = kv_phys_machine(phys)->page_shift + map->order;
	struct kv_phys_seg seg, last = {0};
	size_t i;

	for (i = 0; kv_phys_seg(phys, i, &seg) == 0; i++) {
		if (i == 0)
			map->first = seg.start >> shift;
		last = seg;
	}
	map->count = (size_t)(((last.end - 1) >> shift) + 1 - map->first);
	map->pages = kv_mem_resize(NULL, map->count, sizeof(*map->pages));
	memset(map->pages, 0, map->count * sizeof(*map->pages));
}

/* A block is as aligned as it is large: it lies in one superpage, or is
 * several of them. */
static void
map_add(struct kv_free_map *map, kv_pfn_t pfn, size_t order)
{
	uint64_t npages = UINT64_C(1) << order, size = UINT64_C(1)
						       << map->order;
	size_t i = (size_t)((pfn >> map->order) - map->first);

	if (npages < size) {
		map->pages[i] += npages;
		map->whole += map->pages[i] == size;
		return;
	}
	map->whole += npages >> map->order;
	for (; npages != 0; npages -= size)
		map->pages[i++] = size;
}

void
kv_free_map_take(const struct kv_phys *phys, struct kv_free_map *map)
{
	struct blocks b = {0};
	uint64_t run = 0, end = 0;
	size_t i;

	map_open(phys, map);
	kv_phys_walk(phys, block_add, &b);
	kv_keyed_sort(b.list, b.count);
	for (i = 0; i < b.count; i++) {
		run = b.list[i].key == end ? run : 0;
		run += UINT64_C(1) << b.list[i].index;
		end = b.list[i].key + (UINT64_C(1) << b.list[i].index);
		map->largest = run > map->largest ? run : map->largest;
		map_add(map, b.list[i].key, b.list[i].index);
	}
	kv_mem_free(b.list);
}

void
kv_free_map_fini(struct kv_free_map *map)
{
	kv_mem_free(map->pages);
	*map = (struct kv_free_map){0};
}
