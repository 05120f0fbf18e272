/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lazy.c - ranges that are mapped, a block at a time, when they are touched
 *
 * A range is remembered, not mapped.  The first touch of a block in it makes
 * the block's leaf; where the range ends inside the block it takes a table, and
 * the pages of the range alone.  What is unmapped or protected in between cuts
 * ranges (systems.md 1.1, lazy touch).
 */
#include "run/lazy.h"

#include <string.h>

#include "hw/pte_code.h"
#include "out/mem.h"

void
kv_lazy_fini(struct kv_lazy *l)
{
	kv_mem_free(l->list);
	*l = (struct kv_lazy){0};
}

void
kv_lazy_add(struct kv_lazy *l, const struct kv_lazy_range *range)
{
	const struct kv_lazy_range copy = *range; /* the list may move */

	if (l->count == l->capacity) {
		l->capacity = l->capacity == 0 ? 16 : 2 * l->capacity;
		l->list = kv_mem_resize(l->list, l->capacity, sizeof(*l->list));
	}
	l->list[l->count++] = copy;
}

/* The range of a space that has va, or NULL. */
static struct kv_lazy_range *
find(const struct kv_lazy *l, unsigned space, kv_va_t va)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->list[i].space == space &&
		    va - l->list[i].va < l->list[i].size)
			return &l->list[i];
	return NULL;
}

bool
kv_lazy_meets(
    const struct kv_lazy *l, unsigned space, kv_va_t va, uint64_t size)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->list[i].space == space &&
		    kv_overlap(l->list[i].va, l->list[i].size, va, size))
			return true;
	return false;
}

/* No range lies on both sides of va. */
static void
cut(struct kv_lazy *l, unsigned space, kv_va_t va)
{
	struct kv_lazy_range *r = find(l, space, va), rest;

	if (r == NULL || r->va == va)
		return;
	rest = *r;
	rest.va = va;
	rest.size = r->size - (va - r->va);
	rest.pa = r->pa + (va - r->va);
	r->size = va - r->va;
	kv_lazy_add(l, &rest);
}

void
kv_lazy_unmap(struct kv_lazy *l, unsigned space, kv_va_t va, uint64_t size)
{
	size_t kept = 0;

	cut(l, space, va);
	cut(l, space, va + size);
	for (size_t i = 0; i < l->count; i++)
		if (l->list[i].space != space || l->list[i].va - va >= size)
			l->list[kept++] = l->list[i];
	l->count = kept;
}

void
kv_lazy_protect(
    struct kv_lazy *l, unsigned space, kv_va_t va, uint64_t size, unsigned attr)
{
	const unsigned given = KV_PTE_W | KV_PTE_X;

	cut(l, space, va);
	cut(l, space, va + size);
	for (size_t i = 0; i < l->count; i++) {
		struct kv_lazy_range *r = &l->list[i];

		if (r->space == space && r->va - va < size)
			r->attr = (r->attr & ~given) | (attr & given);
	}
}

void
kv_lazy_drop(struct kv_lazy *l, unsigned space)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++)
		if (l->list[i].space != space)
			l->list[kept++] = l->list[i];
	l->count = kept;
}

void
kv_lazy_copy(struct kv_lazy *l, unsigned space, unsigned from)
{
	const size_t count = l->count;

	for (size_t i = 0; i < count; i++)
		if (l->list[i].space == from) {
			struct kv_lazy_range r = l->list[i];

			r.space = space;
			kv_lazy_add(l, &r);
		}
}

/* The part of a range in the block of va. */
static int
map_block(struct kv_space *s, const struct kv_lazy_range *r, kv_va_t va)
{
	const uint64_t size = UINT64_C(1)
			      << kv_pte_shift(s->cfg.format, r->level);
	const kv_va_t block = kv_align_down(va, size);
	const kv_va_t start = block > r->va ? block : r->va;
	const uint64_t left = r->size - (start - r->va);
	const uint64_t room = size - (start - block);
	const uint64_t bytes = left < room ? left : room;
	struct kv_space_range range = {.va = start,
	    .npages = bytes >> s->cfg.format->page_shift,
	    .pa = r->pa + (start - r->va),
	    .how = KV_SPACE_LEAF,
	    .level = r->level,
	    .attr = r->attr};
	int error = EAGAIN;

	if (bytes == size && range.pa % size == 0)
		error = kv_space_map(s, &range);
	if (error != EAGAIN && error != EEXIST)
		return error;
	range.how = KV_SPACE_ENTER;
	return kv_space_map(s, &range);
}

int
kv_lazy_touch(struct kv_lazy *l, struct kv_space *s, unsigned space, kv_va_t va)
{
	const struct kv_lazy_range *r = find(l, space, va);
	struct kv_leaf leaf;
	int error;

	if (r == NULL || kv_pmap_extract(s->pmap, va, &leaf) == 0)
		return 0;
	error = map_block(s, r, va);
	l->faults += error == 0;
	l->failed += error != 0;
	return error;
}
