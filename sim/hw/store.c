/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.c - pages by their content: one of each
 *
 * 1 Concepts.  A page is published under a number that stands for its content;
 *   pages of one content are one page.
 * 2 Representation.  The numbers, by open addressing in a power of two of
 *   slots, at most half of them used.
 * 3 Invariants.  No number twice; count is their number.
 * 4 Cost.  One probe or few a page.
 * 5 Fidelity.  systems.md 2.1 (store, publish), N6.  Contents are numbers that
 *   a bijection makes: what is written differently differs, without collision.
 */
#include "hw/store.h"

#include <stdlib.h>
#include <string.h>

#include "out/mem.h"

enum { FIRST_SHIFT = 6 };

/* A bijection of 64 bits. */
static uint64_t
mix(uint64_t x)
{
	x ^= x >> 31;
	x *= UINT64_C(0x9e3779b97f4a7c15);
	x ^= x >> 29;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 32;
}

uint64_t
kv_content_first(uint64_t object, uint64_t i)
{
	return mix((object + 1) << 40 | i);
}

uint64_t
kv_content_written(uint64_t content)
{
	content = mix(content + 1);
	return content != 0 ? content : 1;
}

/* The slot of a content, or the empty one where it would go. */
static size_t
slot_of(const struct kv_store *s, uint64_t content)
{
	size_t mask = ((size_t)1 << s->shift) - 1;
	size_t i = (size_t)(mix(content) >> 7) & mask;

	while (s->slot[i] != 0 && s->slot[i] != content)
		i = (i + 1) & mask;
	return i;
}

static void
grow(struct kv_store *s)
{
	struct kv_store bigger = {
	    .shift = s->slot == NULL ? FIRST_SHIFT : s->shift + 1};
	size_t n = (size_t)1 << bigger.shift, i;

	bigger.slot = kv_mem_resize(NULL, n, sizeof(*bigger.slot));
	memset(bigger.slot, 0, n * sizeof(*bigger.slot));
	for (i = 0; s->slot != NULL && i < n / 2; i++)
		if (s->slot[i] != 0)
			kv_store_publish(&bigger, s->slot[i]);
	kv_mem_free(s->slot);
	*s = bigger;
}

void
kv_store_publish(struct kv_store *s, uint64_t content)
{
	size_t i;

	if (s->slot == NULL || s->count >= (UINT64_C(1) << s->shift) / 2)
		grow(s);
	i = slot_of(s, content);
	s->count += s->slot[i] == 0;
	s->slot[i] = content;
}

void
kv_store_fini(struct kv_store *s)
{
	kv_mem_free(s->slot);
	*s = (struct kv_store){0};
}
