/* SPDX-License-Identifier: BSD-2-Clause */
/* section_actors.c - the section actors: others that use memory */
#include <errno.h>
#include <stddef.h>

#include "in/sections.h"
#include "out/mem.h"

enum { PAGES_MAX = 1 << 20, ACTORS_MAX = 256 };
#define LIFE_MAX (UINT64_C(1) << 40)

struct actor_args {
	unsigned kind;
	uint64_t pages, pages_max, life, life_max, every, limit;
};
#define UINT(name, ...)                                                \
	{                                                              \
		.key = #name, .kind = KV_FIELD_UINT,                   \
		.offset = offsetof(struct actor_args, name), .min = 1, \
		__VA_ARGS__                                            \
	}

static const char *const kinds[] = {[KV_ACTOR_ANON] = "anon",
    [KV_ACTOR_CACHE] = "cache",
    [KV_ACTOR_KERNEL] = "kernel",
    NULL};
static const struct kv_field fields[] = {
    {.key = "kind",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct actor_args, kind),
	.required = true,
	.words = kinds},
    UINT(pages, .required = true, .max = PAGES_MAX),
    UINT(pages_max, .max = PAGES_MAX),
    UINT(life, .required = true, .max = LIFE_MAX),
    UINT(life_max, .max = LIFE_MAX), UINT(every, .max = LIFE_MAX),
    UINT(limit, .max = UINT32_MAX)};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

/* A greatest value that is there must not be below the least one. */
static int
check_range(struct kv_load *ld, const struct kv_node *map, const char *key,
    uint64_t least, uint64_t *greatest)
{
	if (*greatest == 0)
		*greatest = least;
	if (*greatest >= least)
		return 0;
	return kv_load_refuse(
	    ld, kv_map_get(map, key), "'%s' is below what it limits", key);
}

static void
read_actor(struct kv_load *ld, const struct kv_node *key)
{
	struct kv_scenario *sc = ld->sc;
	const struct kv_node *map = key->next;
	struct actor_args a = {.every = 1};
	size_t i;

	if (!kv_load_new_name(ld, key, &ld->actors, "an actor") ||
	    kv_fields_read(ld, map, key->text, "key", fields, FIELDS, &a) !=
		0 ||
	    check_range(ld, map, "pages_max", a.pages, &a.pages_max) != 0 ||
	    check_range(ld, map, "life_max", a.life, &a.life_max) != 0)
		return;
	kv_names_add(&ld->actors, key->text, &i);
	sc->actors =
	    kv_mem_resize(sc->actors, sc->nactors + 1, sizeof(*sc->actors));
	sc->actors[sc->nactors++] = (struct kv_actor_spec){.name = key->text,
	    .kind = (enum kv_actor_kind)a.kind,
	    .pages = a.pages,
	    .pages_max = a.pages_max,
	    .life = a.life,
	    .life_max = a.life_max,
	    .every = a.every,
	    .limit = a.limit};
}

void
kv_section_actors(struct kv_load *ld, const struct kv_node *node)
{
	const struct kv_node *key = kv_load_entries(ld, node, "actors");

	for (; key != NULL; key = key->next->next)
		read_actor(ld, key);
}
