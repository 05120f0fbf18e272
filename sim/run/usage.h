/* SPDX-License-Identifier: BSD-2-Clause */
/* usage.h - memory used over memory live, in four ways, over a run */
#ifndef KV_SIM_USAGE_H
#define KV_SIM_USAGE_H

#include <stdint.h>

/*
 * The four measures of Johnstone and Wilson (spec metrics.md 7).  used: what
 * the allocator holds; live: what its clients asked for and have.  Instants
 * at which nothing is live are left out.  Zero-initialise.
 */
struct kv_usage {
	uint64_t instants;
	double sum;			/* of used / live */
	uint64_t max_live, used_at_max; /* first instant of the most live */
	uint64_t max_used, live_at_max; /* first instant of the most used */
};

/* One instant, in the unit of the caller. */
void kv_usage_add(struct kv_usage *u, uint64_t live, uint64_t used);

struct kv_usage_ratios {
	double average;	    /* used / live, averaged over the instants */
	double at_max_live; /* the one to print: both of the same instant */
	double at_max_used;
	double max_used_over_max_live;
};
/* All 0 when nothing was ever live. */
struct kv_usage_ratios kv_usage_ratios(const struct kv_usage *u);

#endif
