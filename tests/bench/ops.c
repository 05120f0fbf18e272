/* SPDX-License-Identifier: BSD-2-Clause */
/* ops.c - traces and synthetic churn as arrays of operations */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"

static void
die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(2);
}

static void *
more(void *list, size_t *capacity, size_t size)
{
	*capacity = *capacity * 2 + 1024;
	list = realloc(list, *capacity * size);
	if (list == NULL)
		die("out of memory");
	return list;
}

static struct op *
op_add(struct ops *ops)
{
	if (ops->count == ops->capacity)
		ops->op = more(ops->op, &ops->capacity, sizeof(struct op));
	memset(&ops->op[ops->count], 0, sizeof(struct op));
	return &ops->op[ops->count++];
}

/* Ids of a trace grow; slots are reused, newest first. */
struct live {
	struct op *by_id; /* the allocation */
	size_t capacity;
	uint32_t *idle;
	size_t nidle, idle_capacity;
};

static uint32_t
slot_take(struct ops *ops, struct live *live)
{
	return live->nidle > 0 ? live->idle[--live->nidle] : ops->slots++;
}

static void
slot_give(struct live *live, uint32_t slot)
{
	if (live->nidle == live->idle_capacity)
		live->idle =
		    more(live->idle, &live->idle_capacity, sizeof(uint32_t));
	live->idle[live->nidle++] = slot;
}

static uint8_t
arena_named(const struct ops *ops, const char *name)
{
	for (unsigned i = 0; i < ops->narenas; i++)
		if (strcmp(ops->arena[i].name, name) == 0)
			return (uint8_t)i;
	die("unknown arena");
	return 0;
}

static void
read_arena(struct ops *ops, const char *line)
{
	struct arena_spec *a = &ops->arena[ops->narenas];
	char parent[16] = "";

	if (sscanf(line,
		"arena %15s %" SCNi64 " %" SCNi64 " %" SCNi64
		" %*i parent %15s %" SCNi64 " %" SCNi64 " kstack %" SCNi64
		" %" SCNi64,
		a->name, (int64_t *)&a->base, (int64_t *)&a->size,
		(int64_t *)&a->quantum, parent, (int64_t *)&a->import_quantum,
		(int64_t *)&a->import_align, (int64_t *)&a->kpages,
		(int64_t *)&a->origin) < 4)
		die("bad arena line");
	/* sscanf's %i is signed; bases are above 2^63 */
	a->base = strtoull(strstr(line, a->name) + strlen(a->name), NULL, 0);
	if (a->kpages != 0)
		a->origin = strtoull(strrchr(line, ' '), NULL, 0);
	a->parent = parent[0] == '\0' ? -1 : arena_named(ops, parent);
	ops->narenas++;
}

static enum kv_vmem_fit
fit_of(const char *word)
{
	return word[0] == 'n'	? KV_VMEM_NEXTFIT
	       : word[0] == 'f' ? KV_VMEM_FIRSTFIT
				: KV_VMEM_BESTFIT;
}

static void
read_alloc(struct ops *ops, struct live *live, char *line)
{
	bool x = line[0] == 'x';
	struct op *op = op_add(ops);
	struct kv_vmem_req rq = {0};
	uint64_t n[6] = {0}, id;
	char *at = strchr(line, ' '), *name;

	id = strtoull(at, &at, 0);
	name = strtok(at, " ");
	at = name + strlen(name) + 1;
	for (unsigned i = 0; i < (x ? 6 : 1); i++)
		n[i] = strtoull(at, &at, 0);
	rq = (struct kv_vmem_req){
	    n[0], n[1], n[2], n[3], n[4], n[5], fit_of(at + strspn(at, " "))};
	op->kind = x ? OP_XALLOC : OP_ALLOC;
	op->fit = (uint8_t)rq.fit;
	op->size = n[0];
	op->arena = arena_named(ops, name);
	op->slot = slot_take(ops, live);
	if (x) {
		if (ops->nreqs == ops->reqs_capacity)
			ops->req =
			    more(ops->req, &ops->reqs_capacity, sizeof(rq));
		op->req = (uint32_t)ops->nreqs;
		ops->req[ops->nreqs++] = rq;
	}
	while (id >= live->capacity)
		live->by_id =
		    more(live->by_id, &live->capacity, sizeof(struct op));
	live->by_id[id] = *op;
}

static void
read_free(struct ops *ops, struct live *live, const char *line)
{
	uint64_t id = strtoull(strchr(line, ' '), NULL, 0);
	struct op *op = op_add(ops);

	*op = live->by_id[id];
	op->fit = op->kind; /* freed the way it was allocated */
	op->kind = OP_FREE;
	slot_give(live, op->slot);
}

static void
read_add(struct ops *ops, char *line)
{
	struct arena_spec *a;
	char *name;

	strtok(line, " ");
	name = strtok(NULL, " ");
	a = &ops->arena[arena_named(ops, name)];
	if (a->nextra == 2)
		die("too many add lines");
	a->extra[a->nextra][0] = strtoull(strtok(NULL, " "), NULL, 0);
	a->extra[a->nextra++][1] = strtoull(strtok(NULL, " "), NULL, 0);
}

void
ops_read(struct ops *ops, const char *path)
{
	struct live live = {0};
	char line[256];
	FILE *file = fopen(path, "r");

	if (file == NULL)
		die("cannot open the trace");
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "arena ", 6) == 0)
			read_arena(ops, line);
		else if (strncmp(line, "add ", 4) == 0)
			read_add(ops, line);
		else if (strstr(line, "alloc ") != NULL &&
			 strncmp(line, "size", 4) != 0)
			read_alloc(ops, &live, line);
		else if (strstr(line, "free ") != NULL &&
			 strncmp(line, "size", 4) != 0)
			read_free(ops, &live, line);
	}
	fclose(file);
	free(live.by_id);
	free(live.idle);
}

static uint64_t
splitmix(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Uniform in [0, n) */
static uint32_t
below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((splitmix(state) >> 32) * n >> 32);
}

/* The same operation on another slot. */
static void
op_on(struct ops *ops, struct op op, enum op_kind kind, uint32_t slot)
{
	op.kind = (uint8_t)kind;
	op.slot = slot;
	*op_add(ops) = op;
}

/* `live` slots are filled; then random ones go and come again. */
static void
churn(struct ops *ops, struct op op, uint32_t live, uint32_t pairs)
{
	uint64_t state = 11;

	ops->slots = live;
	ops->fill = live;
	for (uint32_t i = 0; i < live; i++)
		op_on(ops, op, OP_ALLOC, i);
	for (uint32_t i = 0; i < pairs; i++) {
		uint32_t slot = below(&state, live);

		op_on(ops, op, OP_FREE, slot);
		op_on(ops, op, OP_ALLOC, slot);
	}
}

void
ops_churn(struct ops *ops, uint32_t live, uint32_t pairs)
{
	static const struct arena_spec chain[] = {
	    {.name = "kernel",
		.base = UINT64_C(0xfffffe0000000000),
		.size = UINT64_C(64) << 30,
		.quantum = 4096,
		.parent = -1},
	    {.name = "kva0",
		.quantum = 4096,
		.parent = 0,
		.import_quantum = 2 << 20,
		.import_align = 2 << 20},
	    {.name = "ks0",
		.quantum = 4096,
		.parent = 1,
		.import_quantum = (10 << 20) - 20480,
		.import_align = 2 << 20,
		.kpages = 5,
		.origin = UINT64_C(0xfffffe0000000000)}};

	memcpy(ops->arena, chain, sizeof(chain));
	ops->narenas = 3;
	churn(ops, (struct op){.arena = 2, .size = 20480}, live, pairs);
}

void
ops_page_pair(struct ops *ops, uint32_t pairs)
{
	struct op op = {.arena = OPS_RAW, .size = OPS_PAGE};

	ops->slots = 1;
	for (uint32_t i = 0; i < pairs; i++) {
		op_on(ops, op, OP_ALLOC, 0);
		op_on(ops, op, OP_FREE, 0);
	}
}

void
ops_page_churn(struct ops *ops, uint32_t live, uint32_t pairs)
{
	churn(
	    ops, (struct op){.arena = OPS_RAW, .size = OPS_PAGE}, live, pairs);
}

void
ops_object_fill(struct ops *ops, uint32_t npages, uint32_t times)
{
	struct op op = {.arena = OPS_OBJECT, .size = OPS_PAGE};

	ops->slots = npages;
	for (uint32_t t = 0; t < times; t++) {
		for (uint32_t i = 0; i < npages; i++)
			op_on(ops, op, OP_ALLOC, i);
		for (uint32_t i = 0; i < npages; i++)
			op_on(ops, op, OP_FREE, i);
	}
}

static void
swap(uint32_t *a, uint32_t *b)
{
	uint32_t was = *a;

	*a = *b;
	*b = was;
}

void
ops_object_churn(struct ops *ops, uint32_t live, uint32_t slots, uint32_t pairs)
{
	struct op op = {.arena = OPS_OBJECT, .size = 4 * OPS_PAGE};
	uint32_t *slot = calloc(slots, sizeof(*slot)); /* the live ones first */
	uint64_t state = 11;

	if (slot == NULL || live == 0 || live >= slots)
		die("no slots");
	for (uint32_t i = 0; i < slots; i++) {
		slot[i] = i;
		swap(&slot[i], &slot[below(&state, i + 1)]);
	}
	ops->slots = slots;
	ops->fill = live;
	for (uint32_t i = 0; i < live; i++)
		op_on(ops, op, OP_ALLOC, slot[i]);
	for (uint32_t i = 0; i < pairs; i++) {
		uint32_t victim = below(&state, live);
		uint32_t idle = live + below(&state, slots - live);

		op_on(ops, op, OP_FREE, slot[victim]);
		op_on(ops, op, OP_ALLOC, slot[idle]);
		swap(&slot[victim], &slot[idle]);
	}
	free(slot);
}
