/* SPDX-License-Identifier: BSD-2-Clause */
/* section_enter.c - the step enter: a CPU goes from space to space */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "in/sections.h"

static const uint64_t touches_max = 1000000000;

struct enter_args {
	const char *space, *sequence;
	uint64_t touches, cpu;
};
#define AT(field) offsetof(struct enter_args, field)

static const struct kv_field enter_fields[] = {
    {.key = "space", .kind = KV_FIELD_WORD, .offset = AT(space)},
    {.key = "sequence", .kind = KV_FIELD_WORD, .offset = AT(sequence)},
    {.key = "touches", .kind = KV_FIELD_UINT, .offset = AT(touches)},
    {.key = "cpu", .kind = KV_FIELD_UINT, .offset = AT(cpu)}};
enum { ENTER_FIELDS = 4 };
#undef AT

/* A TLB knows one format. */
static int
add_space(struct kv_load *ld, const struct kv_node *node, unsigned space,
    struct kv_enter_step *s)
{
	const struct kv_space_spec *spaces = ld->sc->spaces;

	if (spaces[space].format != spaces[0].format)
		return kv_load_refuse(ld, node,
		    "'%s' has tables of format '%s', the cache is of a "
		    "processor with '%s'",
		    spaces[space].name, spaces[space].format->name,
		    spaces[0].format->name);
	s->spaces[s->nspaces++] = space;
	return 0;
}

/* Letters are the spaces after the kernel's, in order. */
static int
read_sequence(struct kv_load *ld, const struct kv_node *node,
    const char *sequence, struct kv_enter_step *s)
{
	size_t count = ld->sc->nspaces - 1;
	const char *c;

	s->spaces = kv_pool_alloc(
	    &ld->sc->pool, (strlen(sequence) + 1) * sizeof(*s->spaces));
	for (c = sequence; *c != '\0'; c++) {
		if (*c < 'A' || *c > 'Z' || (size_t)(*c - 'A') >= count)
			return kv_load_refuse(ld, node,
			    "letter %zu of the sequence names no space: A is "
			    "the first one after the kernel's, and %zu are "
			    "there",
			    (size_t)(c - sequence) + 1, count);
		if (add_space(ld, node, 1 + (unsigned)(*c - 'A'), s) != 0)
			return EINVAL;
	}
	return 0;
}

static int
read_space(struct kv_load *ld, const struct kv_node *node, const char *name,
    struct kv_enter_step *s)
{
	unsigned space;

	s->spaces = kv_pool_alloc(&ld->sc->pool, sizeof(*s->spaces));
	if (kv_load_space(ld, node, name, &space) != 0)
		return EINVAL;
	return add_space(ld, node, space, s);
}

static int
check_touches(struct kv_load *ld, const struct kv_node *key,
    const struct kv_enter_step *s)
{
	uint64_t left = touches_max, n;

	for (size_t i = 0; i < s->nspaces; i++) {
		n = ld->sc->spaces[s->spaces[i]].image_pages;
		if (s->touches != 0 && n > left / s->touches)
			return kv_load_refuse(ld, key,
			    "these are more than %" PRIu64 " touches",
			    touches_max);
		left -= n * s->touches;
	}
	return 0;
}

int
kv_step_read_enter(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct kv_enter_step *s = kv_pool_alloc(&ld->sc->pool, sizeof(*s));
	struct enter_args a = {.touches = 1};
	int error;

	if (ld->sc->tlb == NULL)
		return kv_load_refuse(ld, key,
		    "'enter' needs a translation cache: the section 'tlb' is "
		    "missing");
	if (kv_fields_read(ld, key->next, key->text, "key", enter_fields,
		ENTER_FIELDS, &a) != 0)
		return EINVAL;
	if ((a.space != NULL) == (a.sequence != NULL))
		return kv_load_refuse(
		    ld, key, "'enter' needs either a 'space' or a 'sequence'");
	error = a.space != NULL
		    ? read_space(ld, kv_map_get(key->next, "space"), a.space, s)
		    : read_sequence(
			  ld, kv_map_get(key->next, "sequence"), a.sequence, s);
	s->touches = a.touches;
	if (error != 0 || kv_load_cpu(ld, key->next, a.cpu, step) != 0 ||
	    check_touches(ld, key, s) != 0)
		return EINVAL;
	step->count = s->nspaces;
	step->enter = s;
	return 0;
}
