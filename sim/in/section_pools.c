/* SPDX-License-Identifier: BSD-2-Clause */
/* section_pools.c - the section pools: where page tables come from */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#include "in/sections.h"
#include "out/mem.h"

struct pool_args {
	uint64_t capacity, base, reserve, warn, race;
	unsigned reclaim;
};

static const char *const reclaims[] = {[KV_PTPOOL_NONE] = "none",
    [KV_PTPOOL_EMPTY] = "empty",
    [KV_PTPOOL_PROMOTE] = "promote",
    NULL};

#define UINT(name, ...)                                                 \
	{                                                               \
		.key = #name, .kind = KV_FIELD_UINT,                    \
		.offset = offsetof(struct pool_args, name), __VA_ARGS__ \
	}

static const struct kv_field pool_fields[] = {
    UINT(capacity, .required = true, .min = 1, .max = UINT32_MAX - 1),
    {.key = "reclaim",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct pool_args, reclaim),
	.words = reclaims},
    UINT(reserve, .min = 0), UINT(warn, .max = 100), UINT(base, .min = 0),
    UINT(race, .min = 0)};
enum { POOL_FIELDS = sizeof(pool_fields) / sizeof(pool_fields[0]) };

/* => 0; EINVAL, noted */
static int
check_pool(
    struct kv_load *ld, const struct kv_node *map, const struct pool_args *a)
{
	const uint64_t page = kv_machine_page_size(ld->sc->machine);
	uint64_t size;

	if (a->reserve > a->capacity)
		return kv_load_refuse(ld, kv_map_get(map, "reserve"),
		    "a reserve of %" PRIu64 " pages in a pool of %" PRIu64,
		    a->reserve, a->capacity);
	if (a->base % page != 0)
		return kv_load_refuse(ld, kv_map_get(map, "base"),
		    "'base' (0x%" PRIx64 ") is no multiple of 0x%" PRIx64,
		    a->base, page);
	if (!kv_mul(a->capacity, page, &size) ||
	    !kv_add(a->base, size - 1, &size))
		return kv_load_refuse(
		    ld, kv_map_get(map, "base"), "the pool ends beyond 2^64");
	return 0;
}

/* The name is known even where its values are wrong: one error is enough. */
static void
read_pool(struct kv_load *ld, const struct kv_node *key)
{
	struct kv_scenario *sc = ld->sc;
	struct pool_args a = {.capacity = 1, .warn = 80};
	size_t i;

	if (!kv_load_new_name(ld, key, &ld->pools, "a pool"))
		return;
	if (kv_fields_read(ld, key->next, key->text, "key", pool_fields,
		POOL_FIELDS, &a) == 0)
		(void)check_pool(ld, key->next, &a);
	kv_names_add(&ld->pools, key->text, &i);
	sc->pools =
	    kv_mem_resize(sc->pools, sc->npools + 1, sizeof(*sc->pools));
	sc->pools[sc->npools++] = (struct kv_ptpool_config){.name = key->text,
	    .base = a.base,
	    .page_shift = sc->machine->page_shift,
	    .capacity = a.capacity,
	    .reclaim = (enum kv_ptpool_reclaim)a.reclaim,
	    .reserve = a.reserve,
	    .warn = (unsigned)a.warn,
	    .race = a.race};
}

void
kv_section_pools(struct kv_load *ld, const struct kv_node *node)
{
	const struct kv_node *key = kv_load_entries(ld, node, "pools");

	ld->sc->paging |= node != NULL;
	for (; key != NULL; key = key->next->next)
		read_pool(ld, key);
}

int
kv_load_pool(struct kv_load *ld, const struct kv_node *node, const char *name,
    size_t *pool)
{
	return kv_names_find(&ld->pools, name, pool)
		   ? 0
		   : kv_load_unknown(ld, node, "pool", name, ld->pools.list,
			 ld->pools.count);
}

/* ---- The step draw --------------------------------------------------- */

struct draw_args {
	const char *pool;
	uint64_t pages;
};

static const struct kv_field draw_fields[] = {
    {.key = "pool",
	.kind = KV_FIELD_WORD,
	.offset = offsetof(struct draw_args, pool),
	.required = true},
    {.key = "pages",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct draw_args, pages),
	.required = true,
	.max = UINT32_MAX}};

int
kv_step_read_draw(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct draw_args a = {0};

	ld->sc->paging = true;
	if (kv_fields_read(ld, key->next, key->text, "key", draw_fields,
		sizeof(draw_fields) / sizeof(draw_fields[0]), &a) != 0)
		return EINVAL;
	step->count = a.pages;
	return kv_load_pool(
	    ld, kv_map_get(key->next, "pool"), a.pool, &step->pool);
}
