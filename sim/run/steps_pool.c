/* SPDX-License-Identifier: BSD-2-Clause */
/* steps_pool.c - a pool's pages all at once: exec and fork */
#include "run/runner_parts.h"

/* Tables that others walk cannot move.  => 0; EINVAL, noted */
static int
check_alone(
    struct kv_runner *r, const struct kv_step *step, const struct kv_space *s)
{
	if (!kv_pmap_borrows(s->pmap) && !kv_pmap_lends(s->pmap))
		return 0;
	return kv_runner_refuse(r, &step->place,
	    "tables of a space that draws from this pool are borrowed");
}

/* exec: spaces have nothing but a root again. */
static void
reset(struct kv_runner *r, struct kv_ptpool *pool)
{
	struct kv_world *w = r->run->world;

	for (unsigned i = 0; i < w->nspaces; i++)
		if (w->spaces[i].cfg.pool == pool) {
			kv_runner_forget(r, i);
			kv_data_drop(w->data, i, false);
			kv_lazy_drop(&r->lazy, i);
			kv_space_strip(&w->spaces[i]);
		}
	kv_ptpool_reset(pool);
	for (unsigned i = 0; i < w->nspaces; i++)
		if (w->spaces[i].cfg.pool == pool)
			kv_space_root(&w->spaces[i]);
}

int
kv_step_reset(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_pool_step *s = step->reset;
	struct kv_world *w = r->run->world;
	struct kv_ptpool *pool = w->pools[s->pool];

	for (size_t i = 0; i < w->nspaces; i++)
		if (w->spaces[i].cfg.pool == pool &&
		    check_alone(r, step, &w->spaces[i]) != 0)
			return EINVAL;
	kv_runner_begin(r, step->kind);
	kv_world_tick(w);
	if (s->wrong)
		kv_ptpool_reset(pool);
	else
		reset(r, pool);
	if (s->flush && r->run->cpus != NULL)
		kv_cpus_flush_all(r->run->cpus);
	kv_runner_end(r, false);
	return 0;
}

int
kv_step_copy(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_pool_step *s = step->reset;
	struct kv_world *w = r->run->world;
	struct kv_space *to = &w->spaces[s->space];
	const struct kv_space *from = &w->spaces[s->from];

	if (check_alone(r, step, to) != 0 || check_alone(r, step, from) != 0)
		return EINVAL;
	if (kv_data_has(w->data, s->from))
		return kv_runner_refuse(r, &step->place,
		    "the space that is copied has data of its own");
	kv_runner_begin(r, step->kind);
	kv_world_tick(w);
	kv_runner_need(r, s->from);
	kv_runner_forget(r, s->space);
	kv_data_drop(w->data, s->space, false);
	r->run->op.error = kv_space_copy(to, from);
	kv_lazy_drop(&r->lazy, s->space);
	if (r->run->op.error == 0)
		kv_lazy_copy(&r->lazy, s->space, s->from);
	r->map_fails[KV_MAP_FAIL_COPY] += r->run->op.error != 0;
	if (r->run->op.error == 0 && s->wrong)
		kv_ptpool_reset(to->cfg.pool);
	if (s->flush && r->run->cpus != NULL)
		kv_cpus_flush_all(r->run->cpus);
	kv_runner_end(r, false);
	return 0;
}
