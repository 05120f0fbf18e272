/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.c - one run of one allocator over one list of operations
 *
 * Built once for each allocator (KV_BENCH_*), so that the loop calls it
 * directly and the process that times glibc links nothing that replaces malloc.
 * Prints nanoseconds an operation, loop included, and which malloc ran.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops.h"

enum { REPEATS = 5 }; /* of which the best counts */

#if defined(KV_BENCH_VMEM)
#include "alloc/kv.h"

static struct kv_vmem *arena[16];
static struct kv_link links[16];
static struct kv_host host;

static void
setup(const struct ops *ops)
{
	kv_host_default(&host);
	for (unsigned i = 0; i < ops->narenas; i++) {
		const struct arena_spec *a = &ops->arena[i];
		struct kv_vmem_config cfg = {
		    .name = a->name, .quantum = a->quantum, .host = &host};

		if (kv_vmem_create(&cfg, &arena[i]) != 0)
			abort();
		if (a->size != 0)
			kv_vmem_add(arena[i], a->base, a->size);
		for (unsigned j = 0; j < a->nextra; j++)
			kv_vmem_add(arena[i], a->extra[j][0], a->extra[j][1]);
		if (a->parent < 0)
			continue;
		links[i] = (struct kv_link){.parent = arena[a->parent],
		    .align = a->import_align,
		    .quantum = a->import_quantum,
		    .slot = a->kpages * a->quantum,
		    .origin = a->origin};
		if (kv_link_set(arena[i], &links[i]) != 0)
			abort();
	}
}

static inline uint64_t
take(const struct ops *ops, const struct op *op)
{
	kv_va_t va = 0;
	int error =
	    op->kind == OP_XALLOC
		? kv_vmem_xalloc(arena[op->arena], &ops->req[op->req], &va)
		: kv_vmem_alloc(arena[op->arena], op->size,
		      (enum kv_vmem_fit)op->fit, &va);

	return error == 0 ? va : 0;
}

static inline void
give(const struct op *op, uint64_t va)
{
	if (op->fit == OP_XALLOC)
		kv_vmem_xfree(arena[op->arena], va, op->size, NULL);
	else
		kv_vmem_free(arena[op->arena], va, op->size, NULL);
}

static const char *
which(void)
{
	return "kvasir";
}

#elif defined(KV_BENCH_FLOOR)

static uint64_t bump = 4096;

static void
setup(const struct ops *ops)
{
	(void)ops;
}

static inline uint64_t
take(const struct ops *ops, const struct op *op)
{
	(void)ops;
	return bump += op->size;
}

static inline void
give(const struct op *op, uint64_t va)
{
	bump ^= va + op->size;
}

static const char *
which(void)
{
	return "none";
}

#else /* whatever malloc the process has */

#ifdef KV_BENCH_JEMALLOC
#include <jemalloc/jemalloc.h>
#else
#include <gnu/libc-version.h>
#endif

static void
setup(const struct ops *ops)
{
	(void)ops;
}

static inline uint64_t
take(const struct ops *ops, const struct op *op)
{
	(void)ops;
	return (uint64_t)(uintptr_t)malloc(op->size);
}

static inline void
give(const struct op *op, uint64_t va)
{
	(void)op;
	free((void *)(uintptr_t)va);
}

static const char *
which(void)
{
#ifdef KV_BENCH_JEMALLOC
	const char *version = "?";
	size_t size = sizeof(version);

	mallctl("version", (void *)&version, &size, NULL, 0);
	return version;
#else
	return gnu_get_libc_version();
#endif
}
#endif

static void
replay(const struct ops *ops, uint64_t *slot, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct op *op = &ops->op[i];

		if (op->kind != OP_FREE) {
			slot[op->slot] = take(ops, op);
		} else if (slot[op->slot] != 0) {
			give(op, slot[op->slot]);
			slot[op->slot] = 0;
		}
	}
}

/* Free what the operations leave allocated, so that they can run again. */
static void
drain(const struct ops *ops, uint64_t *slot)
{
	for (size_t i = ops->count; i-- > 0;) {
		struct op op = ops->op[i];

		if (op.kind == OP_FREE || slot[op.slot] == 0)
			continue;
		op.fit = op.kind;
		give(&op, slot[op.slot]);
		slot[op.slot] = 0;
	}
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int
main(int argc, char **argv)
{
	struct ops ops = {0};
	uint64_t *slot;
	double best = 1e9;

	if (argc == 3 && strcmp(argv[1], "trace") == 0)
		ops_read(&ops, argv[2]);
	else if (argc == 4 && strcmp(argv[1], "churn") == 0)
		ops_churn(
		    &ops, (uint32_t)atoi(argv[2]), (uint32_t)atoi(argv[3]));
	else
		return 2;
	slot = calloc(ops.slots, sizeof(*slot));
	if (slot == NULL || ops.count == ops.fill)
		return 2;
	setup(&ops);
	for (int i = 0; i < REPEATS; i++) {
		double start;

		replay(&ops, slot, 0, ops.fill);
		start = seconds();
		replay(&ops, slot, ops.fill, ops.count);
		start = seconds() - start;
		best = start < best ? start : best;
		drain(&ops, slot);
	}
	printf(
	    "%.2f %s\n", best * 1e9 / (double)(ops.count - ops.fill), which());
	return 0;
}
