/* SPDX-License-Identifier: BSD-2-Clause */
/* steps_stack.c - steps that create and dispose of kernel stacks */
#include "out/mem.h"
#include "run/runner_parts.h"

/*
 * Creations in a row that fail before the rest of a spawn step is written off:
 * nothing is freed in between, so the rest must fail as well.
 */
enum { FAILURES_MAX = 1000 };

/* ---- Age of stacks --------------------------------------------------- */

static void
age_append(struct kv_runner *r, size_t entry)
{
	if (!r->aged)
		return;
	if (entry >= r->age_capacity) {
		r->age_capacity = r->run->world->capacity;
		r->ages =
		    kv_mem_resize(r->ages, r->age_capacity, sizeof(*r->ages));
	}
	r->ages[entry] = (struct age){r->youngest, 0};
	if (r->youngest != 0)
		r->ages[r->youngest - 1].younger = entry + 1;
	else
		r->oldest = entry + 1;
	r->youngest = entry + 1;
}

/* Make both neighbours of `at` point to `to` (entry + 1, or over it: 0). */
static void
age_point(struct kv_runner *r, const struct age *at, size_t to)
{
	if (at->older != 0)
		r->ages[at->older - 1].younger = to != 0 ? to : at->younger;
	else
		r->oldest = to != 0 ? to : at->younger;
	if (at->younger != 0)
		r->ages[at->younger - 1].older = to != 0 ? to : at->older;
	else
		r->youngest = to != 0 ? to : at->older;
}

/* Entry i goes and the last entry moves into its place. */
static void
age_remove(struct kv_runner *r, size_t i, size_t last)
{
	if (!r->aged)
		return;
	age_point(r, &r->ages[i], 0);
	if (i == last)
		return;
	r->ages[i] = r->ages[last];
	age_point(r, &r->ages[i], i + 1);
}

/* ---- Operations on stacks -------------------------------------------- */

/* The CPU that a step names, or the next one, of the domain if it names that.
 */
static unsigned
next_cpu(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_world *w = r->run->world;
	unsigned cpu = step->cpu, i;

	for (i = 0; step->cpu == KV_ANYWHERE && i < w->spec.ncpus; i++) {
		cpu = (unsigned)(r->turn++ % w->spec.ncpus);
		if (step->domain == KV_ANYWHERE ||
		    kv_world_cpu_domain(w, cpu) == step->domain)
			break;
	}
	return cpu;
}

/* Run what follows there.  => the domain that it prefers */
static unsigned
place(struct kv_runner *r, const struct kv_step *step)
{
	unsigned cpu = next_cpu(r, step);

	kv_world_run_on(r->run->world, cpu);
	return step->domain != KV_ANYWHERE
		   ? step->domain
		   : kv_world_cpu_domain(r->run->world, cpu);
}

/* A fault stops the creation. */
static void
stopped(struct kv_runner *r)
{
	struct kv_diag diag = {0};

	if (kv_kstack_stopped(r->run->world->kstack, &diag) == EFAULT)
		kv_runner_panic(r, &diag);
	else
		kv_runner_hang(r, &diag);
}

/* => 0, ENOMEM (counted by the world), EINVAL with an entry in the errors;
 *    EFAULT, EDEADLK: the run ends */
static int
spawn(struct kv_runner *r, const struct kv_step *step)
{
	struct kv_world *w = r->run->world;
	struct kv_op *op = &r->run->op;
	int error;

	kv_runner_begin(r, KV_STEP_SPAWN);
	op->npages = step->npages;
	op->domain = place(r, step);
	op->cpu = w->cpu;
	op->error = error = kv_world_spawn(w, step->npages, op->domain);
	if (error == 0)
		op->va = w->stacks[w->nstacks - 1].ks;
	if (step->name != NULL)
		r->blocks[step - r->run->sc->work] =
		    (struct block){.va = op->va, .given = error == 0};
	if (error == EFAULT || error == EDEADLK) {
		stopped(r);
		return error;
	}
	if (error == 0)
		age_append(r, w->nstacks - 1);
	else if (error != ENOMEM)
		return kv_runner_refuse(
		    r, &step->place, "no such stack on this machine");
	kv_runner_end(r, error == 0);
	return error;
}

static void
dispose(struct kv_runner *r, const struct kv_step *step, size_t i)
{
	struct kv_world *w = r->run->world;
	struct kv_diag diag;

	kv_runner_begin(r, KV_STEP_DISPOSE);
	place(r, step);
	r->run->op.cpu = w->cpu;
	r->run->op.va = w->stacks[i].ks;
	if (kv_world_dispose(w, i, &diag) != 0) {
		kv_runner_panic(r, &diag);
		return;
	}
	age_remove(r, i, w->nstacks);
	kv_runner_end(r, false);
}

int
kv_step_spawn(struct kv_runner *r, const struct kv_step *step)
{
	uint64_t i, failures = 0;

	for (i = 0; i < step->count && failures < FAILURES_MAX && !r->panicked;
	     i++) {
		int error = spawn(r, step);

		if (error == EINVAL)
			return error;
		failures = error == 0 ? 0 : failures + 1;
	}
	if (!r->panicked)
		r->run->world->failed += step->count - i;
	return 0;
}

/* A stack whose creation failed is none. */
static int
dispose_named(struct kv_runner *r, const struct kv_step *step)
{
	const struct kv_world *w = r->run->world;
	struct block *b = kv_block_named(r, step);
	size_t i = 0;

	if (b == NULL || !b->given)
		return b != NULL ? 0
				 : kv_runner_refuse(r, &step->place,
				       "no stack of that name so far");
	while (i < w->nstacks && w->stacks[i].ks != b->va)
		i++;
	b->given = false;
	if (i != w->nstacks)
		dispose(r, step, i);
	return 0;
}

int
kv_step_dispose(struct kv_runner *r, const struct kv_step *step)
{
	struct kv_world *w = r->run->world;
	uint64_t i;

	if (step->name != NULL)
		return dispose_named(r, step);
	for (i = 0; i < step->count && w->nstacks != 0 && !r->panicked; i++) {
		if (step->order == KV_ORDER_OLDEST)
			dispose(r, step, r->oldest - 1);
		else if (step->order == KV_ORDER_NEWEST)
			dispose(r, step, r->youngest - 1);
		else
			dispose(r, step, kv_rng_below(&r->pick, w->nstacks));
	}
	return 0;
}

/* The procedure of freebsd.md 8.3, choice by choice. */
int
kv_step_churn(struct kv_runner *r, const struct kv_step *step)
{
	struct kv_world *w = r->run->world;
	struct kv_rng rng = {r->run->cfg.seed};
	uint64_t i;

	for (i = 0; i < step->count && !r->panicked; i++) {
		if (w->nstacks == 0 || (w->nstacks < step->limit &&
					   (kv_rng_next(&rng) & 1) != 0)) {
			if (spawn(r, step) == EINVAL)
				return EINVAL;
		} else {
			dispose(r, step, kv_rng_next(&rng) % w->nstacks);
		}
	}
	return 0;
}

/* ---- Swapping -------------------------------------------------------- */

/* The entry behind i in that order, which runs out with nstacks. */
static size_t
follow(const struct kv_runner *r, const struct kv_step *step, size_t i)
{
	size_t n = r->run->world->nstacks, next = i + 1;

	if (step->order == KV_ORDER_OLDEST)
		next = r->ages[i].younger == 0 ? n : r->ages[i].younger - 1;
	else if (step->order == KV_ORDER_NEWEST)
		next = r->ages[i].older == 0 ? n : r->ages[i].older - 1;
	return next;
}

static size_t
first(struct kv_runner *r, const struct kv_step *step)
{
	if (step->order == KV_ORDER_OLDEST)
		return r->oldest - 1;
	if (step->order == KV_ORDER_NEWEST)
		return r->youngest - 1;
	return kv_rng_below(&r->pick, r->run->world->nstacks);
}

/* => false: no memory to note it, or the run ends */
static bool
swapout(struct kv_runner *r, size_t i)
{
	struct kv_diag diag;
	int error;

	kv_runner_begin(r, KV_STEP_SWAPOUT);
	r->run->op.va = r->run->world->stacks[i].ks;
	error = kv_world_swapout(r->run->world, i, &diag);
	r->run->op.error = error;
	if (error == ENOENT)
		kv_runner_panic(r, &diag);
	else
		kv_runner_end(r, false);
	return error == 0;
}

int
kv_step_swapout(struct kv_runner *r, const struct kv_step *step)
{
	struct kv_world *w = r->run->world;
	uint64_t left = step->count;
	size_t i;

	if (w->nstacks == 0)
		return 0;
	for (i = first(r, step); left != 0 && i < w->nstacks;
	     i = follow(r, step, i)) {
		if (kv_stack_is_out(w->kstack, &w->stacks[i]))
			continue;
		if (!swapout(r, i))
			break;
		left--;
	}
	return 0;
}

static void
swapin(struct kv_runner *r, size_t i)
{
	struct kv_diag diag;

	kv_runner_begin(r, KV_STEP_SWAPIN);
	r->run->op.va = r->run->world->stacks[i].ks;
	r->run->op.error = kv_world_swapin(r->run->world, i, &diag);
	if (r->run->op.error == EDEADLK)
		kv_runner_hang(r, &diag);
	else
		kv_runner_end(r, false);
}

int
kv_step_swapin(struct kv_runner *r, const struct kv_step *step)
{
	struct kv_world *w = r->run->world;
	uint64_t left = step->count != 0 ? step->count : UINT64_MAX;
	size_t i;

	for (i = 0; i < w->nstacks && left != 0 && !r->panicked; i++) {
		if (!kv_stack_is_out(w->kstack, &w->stacks[i]))
			continue;
		swapin(r, i);
		left--;
	}
	return 0;
}

void
kv_stacks_drain(struct kv_runner *r, const struct kv_step *step)
{
	struct kv_world *w = r->run->world;

	while (w != NULL && w->nstacks != 0 && !r->panicked)
		dispose(r, step, w->nstacks - 1);
}
