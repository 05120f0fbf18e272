/* SPDX-License-Identifier: BSD-2-Clause */
/* section_data.c - steps on data mapped by mode: park, drop */
#include <errno.h>
#include <stddef.h>

#include "in/sections.h"

struct data_args {
	const char *space;
	uint64_t cpu;
	unsigned on_drop, grafts;
	bool flush;
};
#define AT(field) offsetof(struct data_args, field)

static const char *const drops[] = {"drop", "mint", NULL};
static const char *const grafts[] = {"keep", "free", NULL};

static const struct kv_field park_fields[] = {{.key = "space",
						  .kind = KV_FIELD_WORD,
						  .offset = AT(space),
						  .required = true},
    {.key = "flush", .kind = KV_FIELD_BOOL, .offset = AT(flush)},
    {.key = "cpu", .kind = KV_FIELD_UINT, .offset = AT(cpu)}};
static const struct kv_field drop_fields[] = {{.key = "space",
						  .kind = KV_FIELD_WORD,
						  .offset = AT(space),
						  .required = true},
    {.key = "on_drop",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(on_drop),
	.words = drops},
    {.key = "grafts",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(grafts),
	.words = grafts},
    {.key = "cpu", .kind = KV_FIELD_UINT, .offset = AT(cpu)}};
enum { PARK_FIELDS = 3, DROP_FIELDS = 4 };
#undef AT

static int
read(struct kv_load *ld, const struct kv_node *key,
    const struct kv_field *fields, size_t nfields, struct kv_step *step)
{
	struct kv_data_step *s = kv_pool_alloc(&ld->sc->pool, sizeof(*s));
	struct data_args a = {0};

	ld->sc->paging = true;
	if (kv_fields_read(
		ld, key->next, key->text, "key", fields, nfields, &a) != 0 ||
	    kv_load_space(
		ld, kv_map_get(key->next, "space"), a.space, &s->space) != 0 ||
	    kv_load_cpu(ld, key->next, a.cpu, step) != 0)
		return EINVAL;
	s->mint = a.on_drop == 1;
	s->flush = a.flush;
	s->free = a.grafts == 1;
	step->data = s;
	return 0;
}

int
kv_step_read_park(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	return read(ld, key, park_fields, PARK_FIELDS, step);
}

int
kv_step_read_drop(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	return read(ld, key, drop_fields, DROP_FIELDS, step);
}
