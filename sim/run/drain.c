/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drain.c - everything goes back, and nothing may be missing then
 *
 * 1 Concepts.  What a run has left over, it gives back: stacks, caches, what
 *   actors hold, mappings, pages of objects, blocks of arenas.
 * 2 Representation.  None.
 * 3 Invariants (reported as world-I1 and so on; freebsd.md 3.8, I10).
 *   I1   After a drain all pages are free, in the queues.
 *   I2   After a drain stack arenas are empty and nothing is in use in those
 *        that they import from.
 *   I3   After a drain nothing is in use in an arena of the scenario from which
 *        no other imports, unless it keeps some in quantum caches.
 * 4 Cost.  That of giving back what there is.
 * 5 Fidelity.  A kernel cannot do this; a model of one can.
 */
#include "run/runner_parts.h"

static int
lost(struct kv_diag *diag, unsigned invariant, uint64_t where, const char *text)
{
	return kv_diag_set(diag, EFAULT, "world", invariant, where, text);
}

static int
check_memory(const struct kv_phys *phys, struct kv_diag *diag)
{
	uint64_t queued = 0, pages = kv_phys_pages(phys);
	unsigned d;

	for (d = 0; d < kv_phys_domains(phys); d++)
		queued += kv_phys_queued(phys, d);
	return queued == pages
		   ? 0
		   : lost(diag, 1, pages - queued,
			 "pages are not free after everything was drained");
}

/* "kernel", then two a domain: that of KVA, that of stacks. */
static int
check_stack_arenas(const struct kv_world *w, struct kv_diag *diag)
{
	const struct kv_vmem *vm;
	unsigned i;

	for (i = 1; (vm = kv_world_arena(w, i)) != NULL; i++)
		if (i % 2 == 0 ? kv_vmem_stats(vm).size != 0
			       : kv_vmem_stats(vm).inuse != 0)
			return lost(diag, 2, kv_vmem_stats(vm).inuse,
			    "an arena of kernel stacks is not empty after "
			    "everything was drained");
	return 0;
}

/* Does another arena import from it, or a cache keep blocks of it? */
static bool
may_be_in_use(const struct kv_scenario *sc, size_t arena)
{
	size_t i;

	for (i = 0; i < sc->narenas; i++)
		if (sc->arenas[i].parent == (int)arena)
			return true;
	return sc->arenas[arena].qcache_max != 0;
}

static int
check_arenas(const struct kv_run *run, struct kv_diag *diag)
{
	size_t i;

	for (i = 0; i < run->sc->narenas; i++)
		if (!may_be_in_use(run->sc, i) &&
		    kv_vmem_stats(run->arenas[i]).inuse != 0)
			return lost(diag, 3,
			    kv_vmem_stats(run->arenas[i]).inuse,
			    "an arena is in use after everything was drained");
	return 0;
}

static int
check(const struct kv_run *run, struct kv_diag *diag)
{
	int error = 0;

	if (run->world != NULL)
		error = check_memory(run->world->phys, diag);
	if (error == 0 && run->world != NULL)
		error = check_stack_arenas(run->world, diag);
	return error != 0 ? error : check_arenas(run, diag);
}

/* Stacks, newest entry first, then what stood behind them. */
static void
drain_world(struct kv_runner *r, const struct kv_step *step)
{
	struct kv_world *w = r->run->world;
	struct kv_diag diag;

	kv_stacks_drain(r, step);
	if (r->actors != NULL)
		kv_actors_drain(r->actors);
	if (r->panicked)
		return;
	for (unsigned i = 0; i < w->nspaces; i++)
		kv_lazy_drop(&r->lazy, i);
	kv_world_clear(w);
	if (r->residents != NULL)
		kv_residents_clear(r->residents);
	if (r->run->cpus != NULL)
		kv_cpus_flush_all(r->run->cpus);
	if (kv_world_drain_caches(w, &diag) != 0)
		kv_runner_panic(r, &diag);
}

int
kv_step_drain(struct kv_runner *r, const struct kv_step *step)
{
	struct kv_diag diag;

	if (r->run->world != NULL)
		drain_world(r, step);
	kv_blocks_drain(r);
	if (!r->panicked)
		kv_tap_emit(&r->tap, KV_EV_RUN_DRAINED, "run",
		    r->run->world != NULL ? r->run->world->nstacks : 0, 0, 0,
		    0);
	kv_runner_hear(r);
	if (!r->panicked && r->run->cfg.audit >= 1 && check(r->run, &diag) != 0)
		kv_run_violate(r->run, &diag);
	return 0;
}

void
kv_run_drain(struct kv_run *run)
{
	const struct kv_step step = {.domain = KV_ANYWHERE, .cpu = KV_ANYWHERE};

	if (run->runner->panicked)
		return;
	run->runner->over = true;
	kv_step_drain(run->runner, &step);
	if (run->outcome == KV_OUTCOME_OK && !kv_run_passed(run))
		run->outcome = KV_OUTCOME_FAILED;
}
