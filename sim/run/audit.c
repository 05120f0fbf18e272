/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * audit.c - when invariants are checked while a scenario runs
 *
 * A check of everything goes through the whole state, so its cost is counted in
 * things that it looks at: pages, leaves, tags, of some 100 ns each.  Level 3
 * checks after each operation, whatever that costs.  At level 2 a run has
 * CREDIT things to begin with, which is each operation of a small one; each
 * operation adds PER_OP, and everything is checked when that is enough for as
 * many things as there were the last time.  So a million stacks are checked now
 * and then, at about the cost of creating them, and a thousand every thousand
 * operations. It is the same operations on every host.
 */
#include <errno.h>

#include "out/log.h"
#include "run/runner_parts.h"

enum { CREDIT = 1 << 20, PER_OP = 16 };

/* Of a table, and of a page of memory in no block, few are read one by one. */
enum { THINGS_A_TABLE = 64, PAGES_A_THING = 64 };

/* ---- Size ------------------------------------------------------------ */

static uint64_t
things_of_arena(const struct kv_vmem *vm)
{
	struct kv_vmem_stats s = kv_vmem_stats(vm);

	return s.nbusy + s.nfree + s.nspan;
}

static uint64_t
things_of_space(const struct kv_space *space)
{
	struct kv_pmap_stats s = kv_pmap_stats(space->pmap);
	uint64_t n = s.pt_pages * THINGS_A_TABLE;
	unsigned level;

	for (level = 0; level < KV_PTE_LEVELS_MAX; level++)
		n += s.leaves[level];
	return n;
}

static uint64_t
things_of_world(const struct kv_world *w)
{
	struct kv_phys_stats s = kv_phys_stats(w->phys);
	const struct kv_vmem *vm;
	uint64_t n = s.pages / PAGES_A_THING + s.pages - s.free_pages;
	unsigned order, i;
	size_t space;

	for (order = 0; order < KV_PHYS_ORDERS; order++)
		n += s.blocks[order];
	for (i = 0; (vm = kv_world_arena(w, i)) != NULL; i++)
		n += things_of_arena(vm);
	for (space = 0; space < w->nspaces; space++)
		n += things_of_space(&w->spaces[space]);
	return n + w->nstacks * (w->spec.npages + w->spec.gpages);
}

static uint64_t
things(const struct kv_run *run)
{
	uint64_t n = 1;
	size_t i;

	if (run->world != NULL)
		n += things_of_world(run->world);
	if (run->cpus != NULL)
		n += kv_cpus_stats(run->cpus).entries;
	for (i = 0; i < run->sc->narenas; i++)
		n += things_of_arena(run->arenas[i]);
	return n;
}

/* ---- Audit ----------------------------------------------------------- */

static void
judge(struct kv_run *run, int error, const struct kv_diag *diag)
{
	if (error == ENOMEM)
		kv_log_warn("no memory to check invariants");
	else if (error != 0)
		kv_run_violate(run, diag);
}

void
kv_audit_all(struct kv_run *run)
{
	struct kv_diag diag;
	size_t i;

	if (run->world != NULL)
		judge(run, kv_world_check(run->world, &diag), &diag);
	if (run->cpus != NULL)
		judge(run, kv_cpus_check(run->cpus, &diag), &diag);
	if (run->runner->residents != NULL)
		judge(run, kv_residents_check(run->runner->residents, &diag),
		    &diag);
	for (i = 0; i < run->sc->narenas; i++) {
		judge(run, kv_vmem_check(run->arenas[i], &diag), &diag);
		kv_generic_imports(run, i);
	}
}

/* What is broken stays so: it is said once, and at the end. */
static void
audit_on_the_way(struct kv_runner *r)
{
	struct kv_audit *a = &r->audit;
	size_t before = r->run->nviolations;

	a->credit += PER_OP;
	if (a->broken || a->credit < a->things)
		return;
	kv_audit_all(r->run);
	a->things = things(r->run);
	a->credit -= a->credit < a->things ? a->credit : a->things;
	a->broken = r->run->nviolations != before;
}

void
kv_audit_begin(struct kv_runner *r)
{
	r->audit = (struct kv_audit){.credit = CREDIT};
}

void
kv_audit_operation(struct kv_runner *r, bool created)
{
	struct kv_run *run = r->run;
	struct kv_diag diag;

	if (run->cfg.audit >= 2 && created)
		judge(run,
		    kv_world_check_stack(
			run->world, run->world->nstacks - 1, &diag),
		    &diag);
	if (run->cfg.audit >= 3 || run->ops == run->cfg.audit_op)
		kv_audit_all(run);
	else if (run->cfg.audit == 2)
		audit_on_the_way(r);
}
