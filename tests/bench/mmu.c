/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu.c - one run of one machine over stacks of 4 pages above a guard
 *
 * usage: bench_mmu model|kvm STACKS
 * Prints lines "ROW NS": CPU time per page, guard or stack.  Every fault is
 * compared with what it must be.  Exits with 77 where there is no KVM.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hw/mmu.h"

enum { PAGE = 4096, NPAGES = 4, KPAGES = 5, OFFSET = 8 };
#define BASE UINT64_C(0xfffffe0000000000)

static struct kv_mmu *mmu;
static size_t stacks;
static kv_va_t *all, *data, *guards;
static struct kv_fault *faults;

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
tell(const char *row, double start, size_t n)
{
	printf("%s %.2f\n", row, (seconds() - start) * 1e9 / (double)n);
}

static void
need(int error)
{
	if (error == 0)
		return;
	fprintf(stderr, "bench_mmu: %s: %s\n", strerror(error),
	    mmu->reason != NULL ? mmu->reason : "");
	exit(1);
}

/* Every step-th of the list is a guard, and faults as such; 0: none. */
static void
touch(const char *row, const kv_va_t *list, size_t n, size_t step, size_t units)
{
	size_t nfaults, i;
	double start = seconds();

	need(mmu->ops->touch(
	    mmu, KV_ACCESS_WRITE, list, n, faults, stacks, &nfaults));
	tell(row, start, units);
	if (nfaults != (step == 0 ? 0 : stacks))
		need(EIO);
	for (i = 0; i < nfaults; i++)
		if (faults[i].index != i * step ||
		    faults[i].va != list[i * step] ||
		    (faults[i].error & KV_FAULT_COMPARED) != KV_FAULT_W)
			need(EIO);
}

static int
visit(void *arg, const struct kv_leaf *leaf)
{
	size_t *modified = arg;

	*modified += (leaf->attr & KV_PTE_M) != 0;
	return 0;
}

static void
map(const char *row, unsigned attr)
{
	double start = seconds();
	size_t i;

	for (i = 0; i < stacks; i++)
		need(mmu->ops->map(mmu, BASE + (i * KPAGES + 1) * PAGE,
		    i * NPAGES * PAGE, 0, NPAGES, attr));
	need(mmu->ops->commit(mmu));
	tell(row, start, stacks * NPAGES);
}

static void
inspect(void)
{
	double start = seconds();
	size_t modified = 0, i;
	struct kv_leaf leaf;

	if (mmu->ops->harvest(mmu, BASE, all[stacks * KPAGES - 1], false, visit,
		&modified) != 0 ||
	    modified != stacks * NPAGES)
		need(EIO);
	tell("harvest", start, modified);
	start = seconds();
	for (i = 0; i < stacks * NPAGES; i++)
		need(mmu->ops->translate(mmu, data[i], &leaf));
	tell("translate", start, stacks * NPAGES);
}

static void
setup(void)
{
	size_t i, ndata = 0;

	all = calloc(stacks * KPAGES, sizeof(*all));
	data = calloc(stacks * NPAGES, sizeof(*data));
	guards = calloc(stacks, sizeof(*guards));
	faults = calloc(stacks, sizeof(*faults));
	if (all == NULL || data == NULL || guards == NULL || faults == NULL)
		exit(1);
	for (i = 0; i < stacks * KPAGES; i++) {
		all[i] = BASE + i * PAGE + OFFSET;
		if (i % KPAGES == 0)
			guards[i / KPAGES] = all[i];
		else
			data[ndata++] = all[i];
	}
}

int
main(int argc, char **argv)
{
	struct kv_mmu_config cfg = {.format = kv_pte_find("amd64")};
	const char *reason = "";
	int error;

	if (argc != 3)
		return 2;
	stacks = strtoul(argv[2], NULL, 10);
	if (stacks == 0)
		return 2;
	setup();
	error = strcmp(argv[1], "kvm") == 0
		    ? kv_mmu_kvm_open(&cfg, &mmu, &reason)
		    : kv_mmu_model_open(&cfg, &mmu);
	if (error != 0) {
		fprintf(stderr, "bench_mmu: %s\n", reason);
		return kv_mmu_absent(error) ? 77 : 1;
	}
	map("map", KV_PTE_W);
	touch("touch_cold", data, stacks * NPAGES, 0, stacks * NPAGES);
	touch("touch", data, stacks * NPAGES, 0, stacks * NPAGES);
	touch("guard_fault", guards, stacks, 1, stacks);
	touch("stack", all, stacks * KPAGES, KPAGES, stacks);
	inspect();
	/* The same anew, by pages that start used. */
	need(mmu->ops->unmap(mmu, BASE, stacks * KPAGES * PAGE));
	need(mmu->ops->commit(mmu));
	map("map_used", KV_PTE_W | KV_PTE_A | KV_PTE_M);
	touch("stack_used", all, stacks * KPAGES, KPAGES, stacks);
	mmu->ops->close(mmu);
	free(all);
	free(data);
	free(guards);
	free(faults);
	return 0;
}
