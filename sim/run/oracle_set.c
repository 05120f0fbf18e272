/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oracle_set.c - the judge's own sets: ranges in order, words by number
 *
 * 1 Concepts.  The judge shares no code with what it judges, so it has sets of
 *   its own, chosen for being short: a treap and a hash of chunks.
 * 2 Representation.  The treap's priorities are a hash of the entry's number:
 *   the same log gives the same tree.  Chunks are found by linear probing and
 *   are never removed before all are.
 * 3 Invariants.  I1 ranges do not overlap and stand in order; a parent's
 *   priority is not below its children's.
 * 4 Cost.  Ranges: logarithmic; words: constant, mostly the chunk of before.
 * 5 Fidelity.  Nobody's.
 */
#include "run/oracle_set.h"

#include <stdlib.h>
#include <string.h>

#include "out/mem.h"

/* ---- Ranges -------------------------------------------------------------- */

static uint64_t
scramble(uint64_t x)
{
	x *= UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 29;
}

void
kv_oranges_fini(struct kv_oranges *set)
{
	kv_mem_free(set->list);
	*set = (struct kv_oranges){0};
}

struct kv_orange *
kv_oranges_floor(const struct kv_oranges *set, uint64_t at)
{
	struct kv_orange *found = NULL;

	for (uint32_t i = set->root; i != 0;) {
		struct kv_orange *r = &set->list[i];

		if (r->start <= at)
			found = r;
		i = r->start <= at ? r->right : r->left;
	}
	return found;
}

struct kv_orange *
kv_oranges_at(const struct kv_oranges *set, uint64_t at)
{
	struct kv_orange *r = kv_oranges_floor(set, at);

	return r != NULL && r->start == at ? r : NULL;
}

struct kv_orange *
kv_oranges_holder(const struct kv_oranges *set, uint64_t at)
{
	struct kv_orange *r = kv_oranges_floor(set, at);

	return r != NULL && r->last >= at ? r : NULL;
}

struct kv_orange *
kv_oranges_meet(const struct kv_oranges *set, uint64_t start, uint64_t last)
{
	struct kv_orange *r = kv_oranges_floor(set, last);

	return r != NULL && r->last >= start ? r : NULL;
}

static uint32_t
entry_new(struct kv_oranges *set)
{
	uint32_t i = set->spare;

	if (i != 0) {
		set->spare = set->list[i].left;
		return i;
	}
	if (set->used == 0)
		set->used = 1;
	if (set->used >= set->room) {
		set->room = set->room == 0 ? 64 : 2 * set->room;
		set->list =
		    kv_mem_resize(set->list, set->room, sizeof(*set->list));
	}
	return (uint32_t)set->used++;
}

/* Split the tree at `root` into what starts below at, and the rest. */
static void
split(struct kv_oranges *set, uint32_t root, uint64_t at, uint32_t *low,
    uint32_t *high)
{
	while (root != 0) {
		struct kv_orange *r = &set->list[root];

		if (r->start < at) {
			*low = root;
			low = &r->right;
			root = r->right;
		} else {
			*high = root;
			high = &r->left;
			root = r->left;
		}
	}
	*low = *high = 0;
}

struct kv_orange *
kv_oranges_add(struct kv_oranges *set, uint64_t start, uint64_t last)
{
	uint32_t i = entry_new(set), *link = &set->root;
	struct kv_orange *r = &set->list[i];

	*r = (struct kv_orange){.start = start,
	    .last = last,
	    .prio = (uint32_t)(scramble(i) >> 20)};
	while (*link != 0 && set->list[*link].prio >= r->prio)
		link = set->list[*link].start < start ? &set->list[*link].right
						      : &set->list[*link].left;
	split(set, *link, start, &r->left, &r->right);
	*link = i;
	set->count++;
	return r;
}

/* All of low stands before all of high. */
static void
join(struct kv_oranges *set, uint32_t low, uint32_t high, uint32_t *link)
{
	while (low != 0 && high != 0) {
		struct kv_orange *l = &set->list[low], *h = &set->list[high];

		if (l->prio >= h->prio) {
			*link = low;
			link = &l->right;
			low = l->right;
		} else {
			*link = high;
			link = &h->left;
			high = h->left;
		}
	}
	*link = low != 0 ? low : high;
}

void
kv_oranges_remove(struct kv_oranges *set, uint64_t at)
{
	uint32_t *link = &set->root, i;

	while (set->list[*link].start != at)
		link = set->list[*link].start < at ? &set->list[*link].right
						   : &set->list[*link].left;
	i = *link;
	join(set, set->list[i].left, set->list[i].right, link);
	set->list[i].left = set->spare;
	set->spare = i;
	set->count--;
}

/* ---- Words ----------------------------------------------------------------
 */

enum { CHUNK_SHIFT = 7, CHUNK = 1 << CHUNK_SHIFT, SLOTS_FIRST = 64 };

void
kv_owords_fini(struct kv_owords *set)
{
	for (size_t i = 0; i < set->nslots; i++)
		kv_mem_free(set->slot[i].word);
	kv_mem_free(set->slot);
	*set = (struct kv_owords){0};
}

/* The slot of a chunk: its own, or the free one for it. */
static size_t
slot_of(const struct kv_owords *set, uint64_t chunk)
{
	size_t mask = set->nslots - 1, i = (size_t)(scramble(chunk) >> 20);

	for (;; i++) {
		const struct kv_ochunk *c = &set->slot[i & mask];

		if (c->word == NULL || c->number == chunk)
			return i & mask;
	}
}

static void
widen(struct kv_owords *set)
{
	struct kv_owords wide = {.nchunks = set->nchunks};

	wide.nslots = set->nslots == 0 ? SLOTS_FIRST : 2 * set->nslots;
	wide.slot = kv_mem_resize(NULL, wide.nslots, sizeof(*wide.slot));
	memset(wide.slot, 0, wide.nslots * sizeof(*wide.slot));
	for (size_t i = 0; i < set->nslots; i++)
		if (set->slot[i].word != NULL)
			wide.slot[slot_of(&wide, set->slot[i].number)] =
			    set->slot[i];
	kv_mem_free(set->slot);
	*set = wide;
}

uint64_t
kv_owords_get(struct kv_owords *set, uint64_t number)
{
	uint64_t chunk = number >> CHUNK_SHIFT;
	const struct kv_ochunk *c;

	if (set->nslots == 0)
		return 0;
	c = &set->slot[set->last];
	if (c->word == NULL || c->number != chunk) {
		size_t i = slot_of(set, chunk);

		c = &set->slot[i];
		if (c->word == NULL)
			return 0;
		set->last = i;
	}
	return c->word[number & (CHUNK - 1)];
}

uint64_t *
kv_owords_word(struct kv_owords *set, uint64_t number)
{
	uint64_t chunk = number >> CHUNK_SHIFT;
	struct kv_ochunk *c;

	if (4 * set->nchunks >= 3 * set->nslots)
		widen(set);
	c = &set->slot[set->last < set->nslots ? set->last : 0];
	if (c->word == NULL || c->number != chunk) {
		set->last = slot_of(set, chunk);
		c = &set->slot[set->last];
	}
	if (c->word == NULL) {
		c->number = chunk;
		c->word = kv_mem_resize(NULL, CHUNK, sizeof(*c->word));
		memset(c->word, 0, CHUNK * sizeof(*c->word));
		set->nchunks++;
	}
	return &c->word[number & (CHUNK - 1)];
}

void
kv_owords_put(struct kv_owords *set, uint64_t number, uint64_t word)
{
	if (word != 0 || kv_owords_get(set, number) != 0)
		*kv_owords_word(set, number) = word;
}
