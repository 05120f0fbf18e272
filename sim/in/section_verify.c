/* SPDX-License-Identifier: BSD-2-Clause */
/* section_verify.c - steps that hold machines against each other */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "in/lex.h"
#include "in/sections.h"

struct verify_args {
	const struct kv_node *guards;
	unsigned access;
	const char *name;
};

static const char *const accesses[] = {[KV_ACCESSES_AUTO] = "auto",
    [KV_ACCESSES_READ] = "read",
    [KV_ACCESSES_WRITE] = "write",
    NULL};

static const struct kv_field verify_fields[] = {
    {.key = "guards",
	.kind = KV_FIELD_NODE,
	.offset = offsetof(struct verify_args, guards)},
    {.key = "access",
	.kind = KV_FIELD_CHOICE,
	.offset = offsetof(struct verify_args, access),
	.words = accesses},
    {.key = "as",
	.kind = KV_FIELD_WORD,
	.offset = offsetof(struct verify_args, name)}};

struct overflow_args {
	uint64_t count, size;
};

static const struct kv_field overflow_fields[] = {
    {.key = "count",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct overflow_args, count),
	.min = 1},
    {.key = "size",
	.kind = KV_FIELD_UINT,
	.offset = offsetof(struct overflow_args, size),
	.min = 1}};

/* all, or how many. */
static int
read_guards(struct kv_load *ld, const struct kv_node *node, uint64_t *guards)
{
	const struct kv_field field = {
	    .key = "guards", .kind = KV_FIELD_UINT, .min = 1};

	if (node == NULL)
		return 0;
	if (node->kind == KV_NODE_SCALAR && strcmp(node->text, "all") == 0) {
		*guards = UINT64_MAX;
		return 0;
	}
	return kv_load_value(ld, node, &field, guards);
}

int
kv_step_read_verify(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct kv_verify_step *s = kv_pool_alloc(&ld->sc->pool, sizeof(*s));
	struct verify_args a = {0};
	size_t i;

	if (kv_fields_read(ld, key->next, key->text, "key", verify_fields,
		sizeof(verify_fields) / sizeof(verify_fields[0]), &a) != 0 ||
	    read_guards(ld, a.guards, &s->guards) != 0)
		return EINVAL;
	if (a.name != NULL && !kv_is_name(a.name, strlen(a.name)))
		return kv_load_refuse(ld, kv_map_get(key->next, "as"),
		    "'%.40s' cannot name figures (letters, digits and _)",
		    a.name);
	s->access = (enum kv_accesses)a.access;
	s->name = a.name;
	if (a.name != NULL)
		kv_names_add(&ld->points, a.name, &i);
	step->verify = s;
	ld->sc->verifies = true;
	return 0;
}

int
kv_step_read_overflow(
    struct kv_load *ld, const struct kv_node *key, struct kv_step *step)
{
	struct kv_verify_step *s = kv_pool_alloc(&ld->sc->pool, sizeof(*s));
	struct overflow_args a = {.count = 1};

	if (!ld->sc->kstacks.present)
		return kv_load_refuse(ld, key,
		    "'%s' needs kernel stacks: the section 'kstacks' is "
		    "missing",
		    key->text);
	if (kv_fields_read(ld, key->next, key->text, "key", overflow_fields,
		sizeof(overflow_fields) / sizeof(overflow_fields[0]), &a) != 0)
		return EINVAL;
	if (a.size % KV_PUSH_SIZE != 0)
		return kv_load_refuse(ld, kv_map_get(key->next, "size"),
		    "a push is of %d bytes", KV_PUSH_SIZE);
	step->count = a.count;
	s->size = a.size;
	step->verify = s;
	ld->sc->verifies = true;
	return 0;
}
