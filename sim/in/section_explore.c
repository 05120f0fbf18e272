/* SPDX-License-Identifier: BSD-2-Clause */
/* section_explore.c - the section explore: which operations, how many */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "in/sections.h"
#include "out/mem.h"

enum { LENGTH_MAX = 64, SLOTS_MAX = 64 };

struct explore_args {
	uint64_t length, slots;
	const struct kv_node *operations;
};

static const struct kv_field fields[] = {
    {.key = "length",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct explore_args, length),
	.required = true,
	.min = 1,
	.max = LENGTH_MAX},
    {.key = "slots",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct explore_args, slots),
	.min = 1,
	.max = SLOTS_MAX},
    {.key = "operations",
	.kind = KV_FIELD_NODE,
	.offset = offsetof(struct explore_args, operations),
	.required = true}};

/* Steps of one operation, of which the state tells all that follows. */
static bool
is_operation(const struct kv_step *s)
{
	switch (s->kind) {
	case KV_STEP_SPAWN:
	case KV_STEP_ALLOC:
		return s->count <= 1 && s->name == NULL;
	case KV_STEP_MAP:
		return s->count == 1 && !s->map->data;
	case KV_STEP_UNMAP:
	case KV_STEP_PROTECT:
	case KV_STEP_PROMOTE:
	case KV_STEP_DEMOTE:
	case KV_STEP_GROW:
		return s->count == 1;
	case KV_STEP_RECLAIM:
	case KV_STEP_DRAIN:
		return true;
	default:
		return false;
	}
}

/* A bare word: each stack, or block, that lives.  => false: it is none */
static bool
read_word(struct kv_load *ld, const struct kv_node *item)
{
	struct kv_explore_spec *e = &ld->sc->explore;

	if (item->kind != KV_NODE_SCALAR)
		return false;
	e->dispose |= strcmp(item->text, "dispose") == 0;
	e->free |= strcmp(item->text, "free") == 0;
	return strcmp(item->text, "dispose") == 0 ||
	       strcmp(item->text, "free") == 0;
}

static void
read_operations(struct kv_load *ld, const struct kv_node *list)
{
	struct kv_scenario *sc = ld->sc;
	size_t capacity = 0;
	const struct kv_node *item;

	for (item = list->child; item != NULL && !kv_errors_full(ld->errors);
	     item = item->next) {
		size_t before = sc->nwork;

		if (read_word(ld, item))
			continue;
		kv_load_step(ld, item, &capacity);
		if (sc->nwork > before + 1 ||
		    (sc->nwork == before + 1 &&
			!is_operation(&sc->work[before])))
			kv_load_refuse(ld, item,
			    "no single operation whose state tells what can "
			    "follow");
	}
}

void
kv_section_explore(struct kv_load *ld, const struct kv_node *node)
{
	struct kv_scenario *sc = ld->sc;
	struct explore_args args = {.slots = 6};
	struct kv_step *work = sc->work;
	size_t nwork = sc->nwork;

	if (node == NULL ||
	    kv_fields_read(ld, node, "explore", "key", fields,
		sizeof(fields) / sizeof(fields[0]), &args) != 0 ||
	    kv_load_list(ld, args.operations, "operations") == NULL)
		return;
	sc->explore = (struct kv_explore_spec){.length = args.length,
	    .slots = args.slots,
	    .place = {sc->text.path, node->line, node->column}};
	/* The reader of steps appends to the work. */
	sc->work = NULL;
	sc->nwork = 0;
	read_operations(ld, args.operations);
	sc->explore.ops = sc->work;
	sc->explore.nops = sc->nwork;
	sc->work = work;
	sc->nwork = nwork;
}
