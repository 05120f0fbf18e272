/* SPDX-License-Identifier: BSD-2-Clause */
/* names.c - a set of names, each with its number */
#include "in/names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"

/* The slot of a name: the one that holds it, or the free one for it. */
static size_t *
slot_of(const struct kv_names *names, const char *name)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
	const char *c;
	size_t i;

	for (c = name; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
	for (i = (size_t)hash;; i++) {
		size_t *slot = &names->slots[i & (names->nslots - 1)];

		if (*slot == 0 || strcmp(names->list[*slot - 1], name) == 0)
			return slot;
	}
}

/* Twice as many slots, so that at least half of them are free. */
static void
widen(struct kv_names *names)
{
	size_t i;

	names->nslots = names->nslots == 0 ? 16 : 2 * names->nslots;
	names->slots =
	    kv_mem_resize(names->slots, names->nslots, sizeof(*names->slots));
	names->list =
	    kv_mem_resize(names->list, names->nslots / 2, sizeof(*names->list));
	memset(names->slots, 0, names->nslots * sizeof(*names->slots));
	for (i = 0; i < names->count; i++)
		*slot_of(names, names->list[i]) = i + 1;
}

bool
kv_names_find(const struct kv_names *names, const char *name, size_t *index)
{
	size_t *slot;

	if (names->nslots == 0)
		return false;
	slot = slot_of(names, name);
	if (*slot == 0)
		return false;
	*index = *slot - 1;
	return true;
}

bool
kv_names_add(struct kv_names *names, const char *name, size_t *index)
{
	if (kv_names_find(names, name, index))
		return false;
	if (names->count == names->nslots / 2)
		widen(names);
	*slot_of(names, name) = names->count + 1;
	names->list[names->count] = name;
	*index = names->count++;
	return true;
}

void
kv_names_fini(struct kv_names *names)
{
	kv_mem_free(names->list);
	kv_mem_free(names->slots);
	*names = (struct kv_names){0};
}
