/* SPDX-License-Identifier: BSD-2-Clause */
/* sort.h - stable radix sort of indices by a 64-bit key */
#ifndef KV_SIM_SORT_H
#define KV_SIM_SORT_H

#include <stddef.h>
#include <stdint.h>

struct kv_keyed {
	uint64_t key;
	size_t index;
};

/*
 * Sort by key, in place; entries of equal keys keep their order.  Digits in
 * which all keys agree cost nothing, so addresses close together sort in two
 * or three passes.
 */
void kv_keyed_sort(struct kv_keyed *a, size_t count);

#endif
