/* SPDX-License-Identifier: BSD-2-Clause */
/* section_swap.c - steps that swap kernel stacks */
#include <errno.h>
#include <stddef.h>

#include "in/sections.h"

const char *const kv_order_words[] = {[KV_ORDER_OLDEST] = "oldest",
    [KV_ORDER_NEWEST] = "newest",
    [KV_ORDER_RANDOM] = "random",
    NULL};

struct swap_args {
	uint64_t count;
	unsigned order;
};

static const struct kv_field swapin_fields[] = {{.key = "count",
    .kind = KV_FIELD_UINT,
    .offset = offsetof(struct swap_args, count),
    .min = 1}};
static const struct kv_field swapout_fields[] = {
    {.key = "count",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct swap_args, count),
	.required = true,
	.min = 1},
    {.key = "order",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct swap_args, order),
	.words = kv_order_words}};

/* Kernel stacks were swapped until 2024: with the schemes old and new. */
static int
read_swap(struct kv_load *ld, const struct kv_node *key,
    const struct kv_field *fields, size_t nfields, struct kv_step *step)
{
	const struct kv_kstacks_spec *kstacks = &ld->sc->kstacks;
	struct swap_args a = {0};

	if (!kstacks->present)
		return kv_load_refuse(ld, key,
		    "'%s' needs kernel stacks: the section 'kstacks' is "
		    "missing",
		    key->text);
	if (kstacks->scheme != KV_KSTACK_OLD &&
	    kstacks->scheme != KV_KSTACK_NEW)
		return kv_load_refuse(ld, key,
		    "'%s': kernel stacks of this scheme are not swapped any "
		    "more",
		    key->text);
	if (kv_fields_read(
		ld, key->next, key->text, "key", fields, nfields, &a) != 0)
		return EINVAL;
	step->count = a.count;
	step->order = (enum kv_step_order)a.order;
	return 0;
}

int
kv_step_read_swapout(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	return read_swap(ld, key, swapout_fields, 2, step);
}

int
kv_step_read_swapin(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	return read_swap(ld, key, swapin_fields, 1, step);
}
