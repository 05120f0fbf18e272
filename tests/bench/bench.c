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

/* The best repeat counts; none begins after so many seconds. */
enum { REPEATS = 5, ENOUGH = 2 };

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

#elif defined(KV_BENCH_PHYS)
#include "alloc/kv.h"

static struct kv_host host;
static struct kv_phys *phys;
static struct kv_reserv *reserv;
static struct kv_object *object;

static void
setup(const struct ops *ops)
{
	static const struct kv_phys_range memory = {
	    UINT64_C(16) << 20, UINT64_C(2) << 30, 0};
	struct kv_phys_config pc = {.machine = kv_machine_find("amd64"),
	    .ranges = &memory,
	    .nranges = 1,
	    .ndomains = 1,
	    .host = &host};
	struct kv_reserv_config rc = {.host = &host};
	struct kv_object_config oc = {.name = "object",
	    .size = UINT64_C(1) << 30,
	    .colored = true,
	    .host = &host};

	(void)ops;
	kv_host_default(&host);
	if (kv_phys_create(&pc, &phys) != 0)
		abort();
	rc.phys = phys;
	if (kv_reserv_create(&rc, &reserv) != 0 ||
	    kv_object_create(&oc, &object) != 0)
		abort();
}

static inline uint64_t
take(const struct ops *ops, const struct op *op)
{
	unsigned npages = (unsigned)(op->size / OPS_PAGE);
	kv_pfn_t pfn = 0;
	int error;

	(void)ops;
	if (op->arena == OPS_RAW)
		error = kv_phys_alloc(phys, KV_PHYS_DEFAULT, 0, 0, &pfn);
	else
		error = kv_page_alloc(reserv, object,
		    (kv_pindex_t)op->slot * npages, npages, 0, NULL);
	if (error != 0)
		abort();
	return op->arena == OPS_RAW ? pfn : op->slot + UINT64_C(1);
}

/* Before a stack goes its pages are looked up, as a kernel does. */
static inline void
give(const struct op *op, uint64_t va)
{
	unsigned npages = (unsigned)(op->size / OPS_PAGE);
	kv_pindex_t pindex = (kv_pindex_t)op->slot * npages;
	kv_pfn_t pfn;

	if (op->arena == OPS_RAW) {
		kv_phys_free(phys, va, 0, NULL);
		return;
	}
	for (unsigned i = 0; npages > 1 && i < npages; i++)
		if (kv_object_lookup(object, pindex + i, &pfn) != 0)
			abort();
	kv_page_free(reserv, object, pindex, npages, NULL);
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
	void *ptr = malloc(op->size);

	(void)ops;
	if (ptr == NULL)
		abort(); /* a failure is quick: no figure to compare with */
	return (uint64_t)(uintptr_t)ptr;
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

/* Fill ops with what the arguments name. */
static bool
choose(struct ops *ops, int argc, char **argv)
{
	uint32_t n[3] = {0};
	const char *mode = argc > 2 ? argv[1] : "";

	for (int i = 2; i < argc && i < 5; i++)
		n[i - 2] = (uint32_t)strtoul(argv[i], NULL, 10);
	if (argc == 3 && strcmp(mode, "trace") == 0)
		ops_read(ops, argv[2]);
	else if (argc == 4 && strcmp(mode, "churn") == 0)
		ops_churn(ops, n[0], n[1]);
	else if (argc == 3 && strcmp(mode, "page_pair") == 0)
		ops_page_pair(ops, n[0]);
	else if (argc == 4 && strcmp(mode, "page_churn") == 0)
		ops_page_churn(ops, n[0], n[1]);
	else if (argc == 4 && strcmp(mode, "object_fill") == 0)
		ops_object_fill(ops, n[0], n[1]);
	else if (argc == 5 && strcmp(mode, "object_churn") == 0)
		ops_object_churn(ops, n[0], n[1], n[2]);
	return ops->count > ops->fill;
}

int
main(int argc, char **argv)
{
	struct ops ops = {0};
	uint64_t *slot;
	double best = 1e9;

	if (!choose(&ops, argc, argv))
		return 2;
	slot = calloc(ops.slots, sizeof(*slot));
	if (slot == NULL)
		return 2;
	setup(&ops);
	for (int i = 0; i < REPEATS; i++) {
		double start;

		if (i > 0 && seconds() > ENOUGH)
			break;
		drain(&ops, slot);
		replay(&ops, slot, 0, ops.fill);
		start = seconds();
		replay(&ops, slot, ops.fill, ops.count);
		start = seconds() - start;
		best = start < best ? start : best;
	}
	printf(
	    "%.2f %s\n", best * 1e9 / (double)(ops.count - ops.fill), which());
	return 0;
}
