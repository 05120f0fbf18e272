/* SPDX-License-Identifier: BSD-2-Clause */
/* steps_reserv.c - steps that reclaim reservations */
#include "run/runner_parts.h"

static int
stop_at_first(void *arg, const struct kv_reserv_info *info)
{
	(void)arg;
	(void)info;
	return 1;
}

/* vm_reserv_reclaim_inactive, once.  => false: the queue is empty */
static bool
reclaim(struct kv_runner *r, unsigned domain)
{
	struct kv_world *w = r->run->world;
	int error;

	if (kv_reserv_walk_queue(w->reserv, domain, stop_at_first, NULL) == 0)
		return false;
	kv_runner_begin(r, KV_STEP_RECLAIM);
	kv_world_tick(w);
	error = kv_reserv_reclaim(w->reserv, domain);
	r->run->op.error = error;
	kv_runner_end(r, false);
	return error == 0;
}

/* Of each domain, or of the one that is named; count 0: all. */
int
kv_step_reclaim(struct kv_runner *r, const struct kv_step *step)
{
	unsigned ndomains = kv_phys_domains(r->run->world->phys), d;
	uint64_t i;

	for (d = 0; d < ndomains; d++) {
		if (step->domain != KV_ANYWHERE && step->domain != d)
			continue;
		for (i = 0; step->count == 0 || i < step->count; i++)
			if (!reclaim(r, d))
				break;
	}
	return 0;
}
