/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_capture.h - our figures for the state of a real kernel */
#ifndef KV_SIM_MEASURE_CAPTURE_H
#define KV_SIM_MEASURE_CAPTURE_H

#include "in/capture.h"
#include "out/metrics.h"

/* The figures of one zone; metrics are sorted. */
struct kv_captured_zone {
	char *name; /* "node0.Normal", "domain0", "kernel"; owned */
	struct kv_metrics metrics;
};

/* What a capture says.  Finish with kv_captured_fini. */
struct kv_captured {
	struct kv_captured_zone *zones; /* in the order of the file */
	size_t count;
	size_t uneven; /* ranges whose counts are not their size: the kernel
			  walks its page tables without stopping them */
};

/*
 * buddyinfo: a zone each.  phys_free: a domain each, and its free lists where
 * it has several.  partpopq: a domain each, or a domain and level.
 * kernel_maps: a section each.  ::vmem: all in one.
 */
void kv_capture_measure(const struct kv_capture *c,
    const struct kv_machine *machine, struct kv_captured *result);
void kv_captured_fini(struct kv_captured *result);

#endif
