/* SPDX-License-Identifier: BSD-2-Clause */
/* frag.c - fragmentation of free memory, from the number of blocks by order */
#include "run/frag.h"

/* Free pages and blocks of at least an order. */
struct sum {
	uint64_t pages, blocks;
};

static struct sum
sum_from(const uint64_t *blocks, unsigned norders, unsigned order)
{
	struct sum s = {0, 0};
	unsigned i;

	for (i = order; i < norders; i++) {
		s.pages += blocks[i] << i;
		s.blocks += blocks[i];
	}
	return s;
}

int64_t
kv_frag_index(const uint64_t *blocks, unsigned norders, unsigned order)
{
	struct sum all = sum_from(blocks, norders, 0);

	if (all.blocks == 0)
		return 0;
	if (sum_from(blocks, norders, order).blocks != 0)
		return -1000;
	return 1000 -
	       (int64_t)((1000 + (all.pages * 1000 >> order)) / all.blocks);
}

int64_t
kv_frag_fmfi(const uint64_t *blocks, unsigned norders, unsigned order)
{
	struct sum all = sum_from(blocks, norders, 0);

	if (all.blocks == 0)
		return 0;
	return 1000 - (int64_t)((all.pages * 1000 >> order) / all.blocks);
}

uint64_t
kv_frag_unusable(const uint64_t *blocks, unsigned norders, unsigned order)
{
	uint64_t all = sum_from(blocks, norders, 0).pages;
	uint64_t usable = sum_from(blocks, norders, order).pages;

	return all == 0 ? 1000 : (all - usable) * 1000 / all;
}
