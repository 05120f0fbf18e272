/* SPDX-License-Identifier: BSD-2-Clause */
/* steps_data.c - data mapped by mode: faults, park, drop */
#include "run/runner_parts.h"

bool
kv_runner_fault(struct kv_runner *r, unsigned space, kv_va_t va, bool write)
{
	struct kv_cow *cow = kv_data_find(r->run->world->data, space, va);
	struct kv_leaf leaf;
	unsigned attr = 0;
	bool flush = false;

	if (cow == NULL)
		return true;
	if (kv_tlb_lookup(r->run->cpus->tlb, space, va, &attr) != 0) {
		if (kv_pmap_extract(
			r->run->world->spaces[space].pmap, va, &leaf) != 0)
			attr = 0;
		else
			attr = leaf.attr | KV_PTE_A;
	} else {
		attr |= KV_PTE_A;
	}
	if (attr != 0 && (!write || (attr & KV_PTE_W) != 0))
		return true;
	if (kv_cow_fault(cow, va, write, &flush) != 0)
		return false;
	if (flush)
		kv_runner_flush(r, space, va, 1);
	return true;
}

void
kv_runner_wrote(struct kv_runner *r, unsigned space, kv_va_t va)
{
	struct kv_cow *cow = kv_data_find(r->run->world->data, space, va);

	if (cow != NULL)
		kv_cow_wrote(cow, va);
}

/* The root changes with the next entry: what is not global is flushed then,
 * but for tags. */
int
kv_step_park(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_data_step *s = step->data;

	kv_runner_begin(r, step->kind);
	kv_runner_need(r, s->space);
	kv_data_park(r->run->world->data, s->space);
	if (s->flush && r->run->cpus != NULL &&
	    !kv_runner_planted(r, KV_PLANT_NUB_F8))
		kv_cpus_flush_tag(r->run->cpus, s->space);
	kv_runner_end(r, false);
	return 0;
}

int
kv_step_drop(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_data_step *s = step->data;

	kv_runner_begin(r, step->kind);
	kv_runner_need(r, s->space);
	kv_data_drop(r->run->world->data, s->space,
	    s->mint || kv_runner_planted(r, KV_PLANT_NUB_F10));
	kv_space_ungraft(&r->run->world->spaces[s->space],
	    s->free || kv_runner_planted(r, KV_PLANT_NUB_F12));
	if (r->run->cpus != NULL)
		kv_cpus_flush_tag(r->run->cpus, s->space);
	kv_runner_forget(r, s->space);
	kv_runner_end(r, false);
	return 0;
}
