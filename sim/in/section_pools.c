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

/* ---- The steps reset and copy ------------------------------------------ */

struct reset_args {
	const char *pool, *space, *from;
	unsigned tables, pointer;
	bool flush;
};
#define AT(field) offsetof(struct reset_args, field)

static const char *const tables_words[] = {"go", "stay", NULL};
static const char *const pointers[] = {"kept", "base", NULL};

static const struct kv_field reset_fields[] = {{.key = "pool",
						   .kind = KV_FIELD_WORD,
						   .offset = AT(pool),
						   .required = true},
    {.key = "tables",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(tables),
	.words = tables_words},
    {.key = "flush", .kind = KV_FIELD_BOOL, .offset = AT(flush)}};
static const struct kv_field copy_fields[] = {{.key = "space",
						  .kind = KV_FIELD_WORD,
						  .offset = AT(space),
						  .required = true},
    {.key = "from",
	.kind = KV_FIELD_WORD,
	.offset = AT(from),
	.required = true},
    {.key = "pointer",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(pointer),
	.words = pointers},
    {.key = "flush", .kind = KV_FIELD_BOOL, .offset = AT(flush)}};
#undef AT

/* Pages that two draws got cannot be told apart any more. */
static int
check_race(struct kv_load *ld, const struct kv_node *node, size_t pool)
{
	return ld->sc->pools[pool].race == 0
		   ? 0
		   : kv_load_refuse(ld, node,
			 "pool '%s' has a 'race': it is not reset or copied",
			 ld->sc->pools[pool].name);
}

int
kv_step_read_reset(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct kv_pool_step *s = kv_pool_alloc(&ld->sc->pool, sizeof(*s));
	struct reset_args a = {.flush = true};
	const struct kv_node *node;

	ld->sc->paging = true;
	if (kv_fields_read(ld, key->next, key->text, "key", reset_fields,
		sizeof(reset_fields) / sizeof(reset_fields[0]), &a) != 0)
		return EINVAL;
	node = kv_map_get(key->next, "pool");
	s->wrong = a.tables == 1;
	s->flush = a.flush;
	step->reset = s;
	return kv_load_pool(ld, node, a.pool, &s->pool) != 0
		   ? EINVAL
		   : check_race(ld, node, s->pool);
}

/* A space that is copied, or becomes the copy: its pool is its own. */
static int
check_pool_of(struct kv_load *ld, const struct kv_node *node, unsigned space)
{
	const struct kv_scenario *sc = ld->sc;
	const size_t pool = sc->spaces[space].tables;

	if (pool == 0)
		return kv_load_refuse(ld, node,
		    "the tables of '%s' come from no pool",
		    sc->spaces[space].name);
	for (size_t i = 0; i < sc->nspaces; i++)
		if (i != space && sc->spaces[i].tables == pool)
			return kv_load_refuse(ld, node,
			    "pool '%s' is of several spaces",
			    sc->pools[pool - 1].name);
	return check_race(ld, node, pool - 1);
}

int
kv_step_read_copy(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct kv_pool_step *s = kv_pool_alloc(&ld->sc->pool, sizeof(*s));
	struct reset_args a = {.flush = true};
	const struct kv_node *to, *from;

	ld->sc->paging = true;
	if (kv_fields_read(ld, key->next, key->text, "key", copy_fields,
		sizeof(copy_fields) / sizeof(copy_fields[0]), &a) != 0)
		return EINVAL;
	to = kv_map_get(key->next, "space");
	from = kv_map_get(key->next, "from");
	if (kv_load_space(ld, to, a.space, &s->space) != 0 ||
	    kv_load_space(ld, from, a.from, &s->from) != 0 ||
	    check_pool_of(ld, to, s->space) != 0 ||
	    check_pool_of(ld, from, s->from) != 0)
		return EINVAL;
	if (s->space == s->from)
		return kv_load_refuse(
		    ld, from, "a space cannot be a copy of itself");
	if (ld->sc->spaces[s->space].format != ld->sc->spaces[s->from].format)
		return kv_load_refuse(
		    ld, from, "these spaces have different formats");
	s->wrong = a.pointer == 1;
	s->flush = a.flush;
	step->reset = s;
	return 0;
}
