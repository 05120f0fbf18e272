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

/* Blocks of exactly the order that larger ones hold count as many. */
uint64_t
kv_frag_usable(const uint64_t *blocks, unsigned norders, unsigned order)
{
	return sum_from(blocks, norders, order).pages >> order;
}

uint64_t
kv_frag_percent(const uint64_t *blocks, unsigned norders, unsigned order)
{
	uint64_t all = sum_from(blocks, norders, 0).pages;
	uint64_t usable = sum_from(blocks, norders, order).pages;

	return all == 0 ? 0 : 100 * (all - usable) / all;
}

uint64_t
kv_frag_score(
    const uint64_t *blocks, unsigned norders, unsigned order, uint64_t present)
{
	return present * kv_frag_percent(blocks, norders, order) /
	       (present + 1);
}

uint64_t
kv_frag_pages(const uint64_t *blocks, unsigned norders)
{
	return sum_from(blocks, norders, 0).pages;
}

uint64_t
kv_frag_blocks(const uint64_t *blocks, unsigned norders)
{
	return sum_from(blocks, norders, 0).blocks;
}

double
kv_frag_largest_ratio(uint64_t largest, uint64_t free_pages)
{
	return free_pages == 0 ? 0 : 1 - (double)largest / (double)free_pages;
}

double
kv_frag_huge_score(uint64_t free_huge, uint64_t free_pages, uint64_t npages)
{
	uint64_t most = free_pages / npages;

	return most == 0 ? 0 : 100 * (double)free_huge / (double)most;
}

char
kv_frag_digit(uint64_t free_pages, uint64_t npages)
{
	return (
	    char)('0' + (free_pages == 0 ? 0 : 1 + free_pages * 8 / npages));
}
