/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_free.c - the figures of free memory, phys.* */
#include "run/measure_free.h"

#include <stdio.h>

#include "run/frag.h"

enum { NAME_SIZE = 64 };

static void
put(struct kv_metrics *m, const char *name, uint64_t value)
{
	kv_metrics_put_uint(m, KV_METRIC_COUNT, name, value);
}

/* A figure for requests of each order. */
static const struct {
	const char *name;
	int64_t (*index)(const uint64_t *, unsigned, unsigned);
	uint64_t (*share)(const uint64_t *, unsigned, unsigned);
} by_order[] = {{"phys.extfrag.o%u", NULL, kv_frag_percent},
    {"phys.fmfi.o%u", kv_frag_fmfi, NULL},
    {"phys.frag_index.o%u", kv_frag_index, NULL},
    {"phys.unusable_index.o%u", NULL, kv_frag_unusable}};

static void
measure_order(
    const struct kv_free_memory *f, unsigned order, struct kv_metrics *m)
{
	char name[NAME_SIZE];
	size_t i;

	snprintf(name, sizeof(name), "phys.blocks.o%u", order);
	put(m, name, f->blocks[order]);
	for (i = 0; i < sizeof(by_order) / sizeof(by_order[0]); i++) {
		snprintf(name, sizeof(name), by_order[i].name, order);
		if (by_order[i].index != NULL)
			kv_metrics_put_int(m, name,
			    by_order[i].index(f->blocks, f->norders, order));
		else
			put(m, name,
			    by_order[i].share(f->blocks, f->norders, order));
	}
}

/* Virtuoso's: whole superpages in free blocks / superpages of memory.  1 is
 * unfragmented. */
static double
target_fragmentation(const struct kv_free_memory *f)
{
	double all =
	    (double)f->present / (double)(UINT64_C(1) << f->huge_order);

	return (double)kv_frag_usable(f->blocks, f->norders, f->huge_order) /
	       all;
}

void
kv_measure_free(const struct kv_free_memory *f, struct kv_metrics *m)
{
	uint64_t pages = kv_frag_pages(f->blocks, f->norders);
	unsigned order;

	for (order = 0; order < f->norders; order++)
		measure_order(f, order, m);
	put(m, "phys.free_blocks", kv_frag_blocks(f->blocks, f->norders));
	put(m, "phys.queued_pages", pages);
	put(m, "phys.free_huge", f->free_huge);
	kv_metrics_put_ratio(m, "phys.free_huge_score",
	    kv_frag_huge_score(
		f->free_huge, pages, UINT64_C(1) << f->huge_order));
	if (f->largest != 0 || pages == 0) {
		put(m, "phys.largest_free", f->largest);
		kv_metrics_put_ratio(m, "phys.largest_free_ratio",
		    kv_frag_largest_ratio(f->largest, pages));
	}
	if (f->present != 0)
		kv_metrics_put_ratio(
		    m, "phys.target_fragmentation", target_fragmentation(f));
}
