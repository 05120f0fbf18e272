/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_free.h - the figures of free memory, phys.* */
#ifndef KV_SIM_MEASURE_FREE_H
#define KV_SIM_MEASURE_FREE_H

#include "out/metrics.h"

/* Free memory as the queues hold it; blocks[i] of 2^i pages, i < norders. */
struct kv_free_memory {
	const uint64_t *blocks;
	unsigned norders;
	unsigned huge_order; /* log2 pages of a superpage */
	uint64_t largest;    /* pages of the largest free run; 0 = not known */
	uint64_t free_huge;  /* superpages free whole */
	uint64_t present;    /* pages of memory; 0 = not known */
};

/*
 * The indices by order of the request, and what follows from the counts.  The
 * figures that need `present` or `largest` are left out when it is not known.
 */
void kv_measure_free(const struct kv_free_memory *f, struct kv_metrics *m);

#endif
