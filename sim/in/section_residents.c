/* SPDX-License-Identifier: BSD-2-Clause */
/* section_residents.c - the section residents: spaces that keep their tables */
#include <stddef.h>

#include "in/sections.h"

struct residents_args {
	uint64_t limit;
	unsigned evict, rebuild;
};

static const char *const evicts[] = {[KV_EVICT_LRU] = "lru",
    [KV_EVICT_WINDOW] = "window",
    [KV_EVICT_NONE] = "none",
    NULL};
static const char *const rebuilds[] = {[KV_REBUILD_LEAVES] = "leaves",
    [KV_REBUILD_ORIGINAL] = "original",
    [KV_REBUILD_MAPPED] = "mapped",
    NULL};

static const struct kv_field residents_fields[] = {
    {.key = "limit",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct residents_args, limit),
	.min = 1,
	.required = true},
    {.key = "evict",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct residents_args, evict),
	.words = evicts},
    {.key = "rebuild",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct residents_args, rebuild),
	.words = rebuilds}};
enum { FIELDS = sizeof(residents_fields) / sizeof(residents_fields[0]) };

void
kv_section_residents(struct kv_load *ld, const struct kv_node *node)
{
	struct residents_args a = {0};

	if (node == NULL)
		return;
	ld->sc->paging = true;
	if (kv_fields_read(ld, node, "residents", "key", residents_fields,
		FIELDS, &a) != 0)
		return;
	ld->sc->residents = (struct kv_residents_spec){
	    a.limit, (enum kv_evict)a.evict, (enum kv_rebuild)a.rebuild};
}
