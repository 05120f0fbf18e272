/* SPDX-License-Identifier: BSD-2-Clause */
/* ids.c - the live ids of a trace, by open addressing */
#include "in/ids.h"
#include "out/mem.h"

enum { FIRST_LOG2 = 6 };

static size_t
home(const struct kv_ids *ids, uint64_t id)
{
	return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >>
			(64 - ids->log2_slots));
}

static size_t
mask(const struct kv_ids *ids)
{
	return ((size_t)1 << ids->log2_slots) - 1;
}

/* Slot of the id, or the empty slot where it would go. */
static size_t
slot_of(const struct kv_ids *ids, uint64_t id)
{
	size_t i = home(ids, id);

	while (ids->slot[i].owner != NULL && ids->slot[i].id != id)
		i = (i + 1) & mask(ids);
	return i;
}

const struct kv_id *
kv_ids_find(const struct kv_ids *ids, uint64_t id)
{
	const struct kv_id *e;

	if (ids->slot == NULL)
		return NULL;
	e = &ids->slot[slot_of(ids, id)];
	return e->owner == NULL ? NULL : e;
}

static void
grow(struct kv_ids *ids)
{
	struct kv_ids bigger = {
	    .log2_slots = ids->slot == NULL ? FIRST_LOG2 : ids->log2_slots + 1};

	bigger.slot = kv_mem_zalloc(mask(&bigger) + 1, sizeof(*bigger.slot));
	for (size_t i = 0; ids->slot != NULL && i <= mask(ids); i++)
		if (ids->slot[i].owner != NULL)
			kv_ids_add(&bigger, &ids->slot[i]);
	kv_mem_free(ids->slot);
	*ids = bigger;
}

void
kv_ids_add(struct kv_ids *ids, const struct kv_id *entry)
{
	if (ids->slot == NULL || ids->count > mask(ids) / 2)
		grow(ids);
	ids->slot[slot_of(ids, entry->id)] = *entry;
	ids->count++;
}

void
kv_ids_remove(struct kv_ids *ids, uint64_t id)
{
	size_t hole = slot_of(ids, id);

	for (size_t i = (hole + 1) & mask(ids); ids->slot[i].owner != NULL;
	     i = (i + 1) & mask(ids)) {
		size_t h = home(ids, ids->slot[i].id);

		if (((i - h) & mask(ids)) >= ((i - hole) & mask(ids))) {
			ids->slot[hole] = ids->slot[i];
			hole = i;
		}
	}
	ids->slot[hole].owner = NULL;
	ids->count--;
}

void
kv_ids_fini(struct kv_ids *ids)
{
	kv_mem_free(ids->slot);
	*ids = (struct kv_ids){0};
}
