/* SPDX-License-Identifier: BSD-2-Clause */
/* usage.c - memory used over memory live, in four ways, over a run */
#include "run/usage.h"

void
kv_usage_add(struct kv_usage *u, uint64_t live, uint64_t used)
{
	if (live == 0)
		return;
	u->instants++;
	u->sum += (double)used / (double)live;
	if (live > u->max_live) {
		u->max_live = live;
		u->used_at_max = used;
	}
	if (used > u->max_used) {
		u->max_used = used;
		u->live_at_max = live;
	}
}

struct kv_usage_ratios
kv_usage_ratios(const struct kv_usage *u)
{
	struct kv_usage_ratios r = {0};

	if (u->instants == 0)
		return r;
	r.average = u->sum / (double)u->instants;
	r.at_max_live = (double)u->used_at_max / (double)u->max_live;
	if (u->live_at_max != 0)
		r.at_max_used = (double)u->max_used / (double)u->live_at_max;
	r.max_used_over_max_live = (double)u->max_used / (double)u->max_live;
	return r;
}
