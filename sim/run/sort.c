/* SPDX-License-Identifier: BSD-2-Clause */
/* sort.c - stable radix sort of indices by a 64-bit key */
#include "run/sort.h"

#include <stdlib.h>
#include <string.h>

#include "out/mem.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

/* One stable pass by the digit at shift, from a to b. */
static void
pass(const struct kv_keyed *a, struct kv_keyed *b, size_t count, unsigned shift)
{
	size_t place[DIGITS] = {0}, sum = 0, i;

	for (i = 0; i < count; i++)
		place[a[i].key >> shift & (DIGITS - 1)]++;
	for (i = 0; i < DIGITS; i++) {
		size_t n = place[i];

		place[i] = sum;
		sum += n;
	}
	for (i = 0; i < count; i++)
		b[place[a[i].key >> shift & (DIGITS - 1)]++] = a[i];
}

void
kv_keyed_sort(struct kv_keyed *a, size_t count)
{
	struct kv_keyed *spare = kv_mem_resize(NULL, count, sizeof(*spare));
	struct kv_keyed *from = a, *to = spare, *swap;
	uint64_t differ = 0;
	unsigned shift;
	size_t i;

	for (i = 1; i < count; i++)
		differ |= a[i].key ^ a[0].key;
	for (shift = 0; shift < 64; shift += DIGIT_BITS) {
		if ((differ >> shift & (DIGITS - 1)) == 0)
			continue;
		pass(from, to, count, shift);
		swap = from;
		from = to;
		to = swap;
	}
	if (from != a)
		memcpy(a, from, count * sizeof(*a));
	kv_mem_free(spare);
}
