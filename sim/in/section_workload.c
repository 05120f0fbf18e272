/* SPDX-License-Identifier: BSD-2-Clause */
/* section_workload.c - the steps of work that are workloads of an arena */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#include "in/sections.h"

const char *const kv_fit_words[2 * KV_FIT_WORDS + 1] = {
    [KV_VMEM_BESTFIT] = "bestfit",
    [KV_VMEM_FIRSTFIT] = "firstfit",
    [KV_VMEM_NEXTFIT] = "nextfit",
    [KV_VMEM_INSTANTFIT] = "instantfit",
    [KV_FIT_WORDS + KV_VMEM_BESTFIT] = "best",
    [KV_FIT_WORDS + KV_VMEM_FIRSTFIT] = "first",
    [KV_FIT_WORDS + KV_VMEM_NEXTFIT] = "next",
    [KV_FIT_WORDS + KV_VMEM_INSTANTFIT] = "instant"};

struct args {
	const char *arena;
	uint64_t count, steps, size, unit, cap, seed;
	unsigned fit, generator;
};
#define AT(field) offsetof(struct args, field)

static const char *const generators[] = {"fixed", NULL};

#define UINT(name, least)                                                \
	{                                                                \
		.key = #name, .kind = KV_FIELD_UINT, .offset = AT(name), \
		.required = true, .min = least                           \
	}
#define ARENA                                                               \
	{                                                                   \
		.key = "arena", .kind = KV_FIELD_WORD, .offset = AT(arena), \
		.required = true                                            \
	}
#define FIT                                                               \
	{                                                                 \
		.key = "fit", .kind = KV_FIELD_CHOICE, .offset = AT(fit), \
		.words = kv_fit_words                                     \
	}

static const struct kv_field comb_fields[] = {
    ARENA, UINT(count, 1), UINT(size, 1), FIT};
static const struct kv_field doubling_fields[] = {
    ARENA, UINT(unit, 1), UINT(cap, 1), FIT};
static const struct kv_field churn_fields[] = {ARENA, UINT(steps, 0),
    UINT(unit, 1), UINT(cap, 1), UINT(seed, 0), FIT,
    {.key = "generator",
	.kind = KV_FIELD_CHOICE,
	.offset = AT(generator),
	.words = generators}};

/* A step while it is read. */
struct reading {
	struct kv_load *ld;
	const struct kv_node *key;
	struct args args;
};

static const struct kv_node *
at(const struct reading *r, const char *key)
{
	return kv_map_get(r->key->next, key);
}

static int
read_fields(struct reading *r, const struct kv_field *fields, size_t nfields)
{
	return kv_fields_read(r->ld, r->key->next, r->key->text, "key", fields,
	    nfields, &r->args);
}

/* Blocks of 1 to `largest` times the value of key, whole quanta: next fit
 * asserts them. */
static int
take_unit(struct reading *r, struct kv_step *step, const char *key,
    uint64_t unit, uint64_t largest)
{
	const struct kv_arena_spec *a =
	    kv_load_arena(r->ld, at(r, "arena"), r->args.arena, &step->arena);
	uint64_t size;

	if (a == NULL)
		return EINVAL;
	if (!kv_mul(unit, largest, &largest) ||
	    !kv_round_up(largest, a->quantum, &size))
		return kv_load_refuse(r->ld, at(r, key),
		    "the largest block does not fit in 64 bits");
	if (unit % a->quantum != 0)
		return kv_load_refuse(r->ld, at(r, key),
		    "'%s' (0x%" PRIx64 ") is no multiple of the quantum of "
		    "'%s' (0x%" PRIx64 ")",
		    key, unit, a->name, a->quantum);
	step->req = (struct kv_vmem_req){.size = unit,
	    .fit = (enum kv_vmem_fit)(r->args.fit % KV_FIT_WORDS)};
	return 0;
}

/* Live blocks are kept and walked: not too many of them. */
static int
take_cap(struct reading *r, struct kv_step *step)
{
	step->limit = r->args.cap;
	if (r->args.cap / r->args.unit <= KV_WORKLOAD_UNITS)
		return 0;
	return kv_load_refuse(r->ld, at(r, "cap"), "more than %d times 'unit'",
	    KV_WORKLOAD_UNITS);
}

int
kv_step_read_comb(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct reading r = {.ld = ld, .key = key};

	if (read_fields(&r, comb_fields, 4) != 0)
		return EINVAL;
	step->count = r.args.count;
	return take_unit(&r, step, "size", r.args.size, 1);
}

int
kv_step_read_doubling(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct reading r = {.ld = ld, .key = key};

	if (read_fields(&r, doubling_fields, 4) != 0 || take_cap(&r, step) != 0)
		return EINVAL;
	step->count = r.args.cap / r.args.unit;
	return take_unit(&r, step, "unit", r.args.unit, 1);
}

int
kv_step_read_fixed_churn(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct reading r = {.ld = ld, .key = key};

	if (read_fields(&r, churn_fields, 7) != 0 || take_cap(&r, step) != 0)
		return EINVAL;
	step->count = r.args.steps;
	step->seed = r.args.seed;
	return take_unit(&r, step, "unit", r.args.unit, KV_WORKLOAD_LARGEST);
}
