/* SPDX-License-Identifier: BSD-2-Clause */
/* replay.c - a recording of threads, driven through one kernel-stack policy */
#include "run/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out/limit.h"
#include "out/log.h"
#include "out/mem.h"
#include "run/listen.h"
#include "run/oracle.h"

/* Operations between two looks at the progress. */
enum { PROGRESS_STEP = 1 << 14 };

#define NO_STACK SIZE_MAX

/*
 * The world keeps live stacks in a dense array and moves the last one into a
 * gap; so both ways are kept: where a thread's stack stands, whose it is.
 */
struct driver {
	const struct kv_replay_config *cfg;
	const struct kv_thread_trace *trace;
	struct kv_replay *result;
	struct kv_world *world;
	size_t *stack_of;    /* thread -> stack, NO_STACK: its fork failed */
	uint32_t *thread_of; /* stack -> thread; residents have none */
	size_t op;	     /* operations done */
	struct kv_ears ears; /* who listens */
	struct kv_tap tap;
	struct kv_oracle *oracle; /* NULL: it does not judge */
	uint64_t told;		  /* operations, those of residents too */
	bool over;		  /* nothing can follow what happened */
};

/* ---- Audit ------------------------------------------------------------ */

void
kv_replay_id(const struct kv_replay *r, char id[KV_REPLAY_ID])
{
	bool generic = strcmp(r->diag.module, "V") == 0;

	snprintf(id, KV_REPLAY_ID, generic ? "%s%u" : "%s-I%u", r->diag.module,
	    r->diag.invariant);
}

/* Keep the first violation; what follows may be its consequence. */
static void
violate(struct driver *d, int error, const struct kv_diag *diag)
{
	if (error == 0)
		return;
	d->result->violated = true;
	d->result->diag = *diag;
	d->result->op = d->op;
}

static void
audit_world(struct driver *d, unsigned level)
{
	struct kv_diag diag = {0};

	if (d->cfg->audit >= level && !d->result->violated)
		violate(d, kv_world_check(d->world, &diag), &diag);
}

/* An operation begins. */
static void
tell_op(struct driver *d)
{
	kv_tap_emit(&d->tap, KV_EV_RUN_OP, "replay", ++d->told, 0, 0, 0);
}

/* What the judge of events has found. */
static void
audit_events(struct driver *d)
{
	const struct kv_finding *f;
	struct kv_diag diag;
	size_t count;

	if (d->oracle == NULL || d->result->violated)
		return;
	kv_oracle_settle(d->oracle);
	f = kv_oracle_findings(d->oracle, &count);
	if (count != 0)
		violate(d,
		    kv_diag_set(&diag, EFAULT, f->module, f->invariant,
			f->address, f->text),
		    &diag);
}

static void
listen(struct driver *d)
{
	const struct kv_replay_config *cfg = d->cfg;
	const bool all =
	    cfg->audit >= 2 ||
	    (cfg->audit == 1 && kv_plants_of_kstacks(&cfg->plants) != 0);
	const bool small = cfg->audit == 1 &&
			   d->trace->nops + cfg->resident <= KV_ORACLE_SMALL;
	struct kv_tap tap;

	kv_ears_add(&d->ears, &cfg->tap);
	if (all || small) {
		d->oracle = kv_oracle_create();
		if (!all)
			kv_oracle_bound(d->oracle, KV_ORACLE_HEARD);
		tap = kv_oracle_tap(d->oracle);
		kv_ears_add(&d->ears, &tap);
	}
	d->tap = kv_ears_tap(&d->ears);
}

/* What a step touched: the stack that it made. */
static void
audit_stack(struct driver *d, size_t stack)
{
	struct kv_diag diag = {0};

	if (d->cfg->audit >= 2 && !d->result->violated)
		violate(d, kv_world_check_stack(d->world, stack, &diag), &diag);
	audit_world(d, 3);
}

/* ---- Operations ------------------------------------------------------- */

/* A fault stops the creation: it panics, or it never ends. */
static void
stop(struct driver *d)
{
	struct kv_replay *r = d->result;
	struct kv_diag diag = {0};

	r->panicked = kv_kstack_stopped(d->world->kstack, &diag) == EFAULT;
	violate(d, EFAULT, &diag);
	d->over = true;
}

/* => there is one more stack; failures are counted by the world */
static bool
spawn(struct driver *d, unsigned npages, unsigned domain)
{
	int error = kv_world_spawn(d->world, npages, domain);

	if (error == EFAULT || error == EDEADLK)
		stop(d);
	return error == 0;
}

static void
fork_op(struct driver *d, const struct kv_thread_op *op)
{
	struct kv_world *w = d->world;
	size_t stack = w->nstacks;

	d->stack_of[op->thread] = NO_STACK;
	if (!spawn(d, op->npages, op->domain))
		return;
	d->stack_of[op->thread] = stack;
	d->thread_of[stack] = op->thread;
	audit_stack(d, stack);
}

static void
exit_op(struct driver *d, const struct kv_thread_op *op)
{
	struct kv_world *w = d->world;
	size_t stack = d->stack_of[op->thread], last = w->nstacks - 1;

	if (stack == NO_STACK)
		return;
	if (kv_world_dispose(w, stack, &d->result->diag) != 0) {
		d->result->panicked = d->over = true;
		d->result->op = d->op;
		return;
	}
	d->thread_of[stack] = d->thread_of[last];
	d->stack_of[d->thread_of[stack]] = stack;
	audit_world(d, 3);
}

static void
ops_run(struct driver *d, size_t end)
{
	while (d->op < end && !d->over) {
		const struct kv_thread_op *op = &d->trace->ops[d->op];

		kv_limit_step();
		tell_op(d);
		if (op->what == KV_THREAD_FORK)
			fork_op(d, op);
		else
			exit_op(d, op);
		audit_events(d);
		kv_world_note_usage(d->world);
		d->op += !d->over;
	}
}

static void
residents_create(struct driver *d)
{
	for (uint64_t i = 0; i < d->cfg->resident && !d->over; i++) {
		kv_limit_step();
		tell_op(d);
		if (spawn(d, 0, 0))
			audit_stack(d, d->world->nstacks - 1);
		audit_events(d);
		kv_world_note_usage(d->world);
	}
}

/* ---- Looking ---------------------------------------------------------- */

/* The operation before which sample i is taken: the first before all of them,
 * the last behind them, the others evenly between. */
static size_t
sample_op(const struct driver *d, size_t i)
{
	size_t last = d->cfg->nsamples - 1, n = d->trace->nops;

	return n / last * i + n % last * i / last;
}

static void
sample_take(struct driver *d)
{
	const struct kv_thread_trace *t = d->trace;
	double seconds = 0;

	if (d->op > 0)
		seconds =
		    (double)(int64_t)(t->ops[d->op - 1].nsec - t->ops[0].nsec) /
		    1e9;
	kv_timeline_add(d->world, d->op, seconds, &d->result->timeline);
}

static void
peak_take(struct driver *d)
{
	if (!d->cfg->lean)
		kv_moment_take(d->world, &d->result->peak);
	audit_world(d, 1);
	if (d->cfg->nsamples == 0)
		return;
	kv_runs_of_map(d->world, &d->result->map_runs);
	kv_runs_of_frames(d->world, &d->result->frame_runs);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Run to the next place where something is looked at. */
static void
run_on(struct driver *d)
{
	const struct kv_thread_trace *t = d->trace;
	size_t stop = least(t->nops, d->op + PROGRESS_STEP);
	size_t taken = d->result->timeline.nsamples;

	if (d->op < t->peak)
		stop = least(stop, t->peak);
	if (taken < d->cfg->nsamples)
		stop = least(stop, sample_op(d, taken));
	ops_run(d, stop);
	if (!d->cfg->lean)
		kv_log_progress(d->result->policy->name, d->op, t->nops);
}

static void
replay(struct driver *d)
{
	const struct kv_replay_config *cfg = d->cfg;
	struct kv_replay *r = d->result;
	bool peaked = false;

	residents_create(d);
	for (;;) {
		if (!peaked && (d->op == d->trace->peak || d->over)) {
			peak_take(d);
			peaked = true;
		}
		while (r->timeline.nsamples < cfg->nsamples &&
		       sample_op(d, r->timeline.nsamples) <= d->op)
			sample_take(d);
		if (d->op == d->trace->nops || d->over)
			break;
		run_on(d);
	}
	if (!cfg->lean)
		kv_moment_take(d->world, &r->end);
	audit_world(d, 1);
}

/* ---- The whole -------------------------------------------------------- */

static int
world_create(struct driver *d, const struct kv_policy *policy)
{
	const struct kv_replay_config *cfg = d->cfg;
	struct kv_phys_range ranges[KV_THREAD_DOMAINS];
	struct kv_world_spec spec = {
	    .machine = cfg->machine,
	    .ranges = ranges,
	    .nranges = cfg->trace->ndomains,
	    .ndomains = cfg->trace->ndomains,
	    .scheme = policy->scheme,
	    .iterator = policy->iterator,
	    .request = policy->request,
	    .npages = cfg->machine->kstack_pages,
	    .gpages = cfg->machine->kstack_guard,
	    .faults = kv_plants_of_kstacks(&cfg->plants),
	    .tap = d->tap,
	};

	for (unsigned i = 0; i < spec.ndomains; i++)
		ranges[i] = (struct kv_phys_range){
		    .start = KV_REPLAY_MEMORY_START + i * KV_REPLAY_MEMORY,
		    .end = KV_REPLAY_MEMORY_START + (i + 1) * KV_REPLAY_MEMORY,
		    .domain = i,
		};
	return kv_world_create(&spec, &d->world);
}

uint64_t
kv_replay_capacity(const struct kv_replay_config *cfg)
{
	return cfg->trace->ndomains * KV_REPLAY_MEMORY /
	       kv_machine_page_size(cfg->machine) / cfg->machine->kstack_pages;
}

int
kv_replay_run(const struct kv_replay_config *cfg,
    const struct kv_policy *policy, struct kv_replay *result)
{
	size_t nthreads = cfg->trace->nthreads;
	struct driver d = {.cfg = cfg, .trace = cfg->trace, .result = result};
	int error;

	kv_limit_start();
	listen(&d);
	error = world_create(&d, policy);
	if (error != 0) {
		kv_oracle_destroy(d.oracle);
		return error;
	}
	*result = (struct kv_replay){.policy = policy};
	d.stack_of = kv_mem_resize(NULL, nthreads, sizeof(*d.stack_of));
	d.thread_of =
	    kv_mem_resize(NULL, cfg->resident + nthreads, sizeof(*d.thread_of));
	replay(&d);
	kv_tap_emit(&d.tap, KV_EV_RUN_END, "replay", d.told, 0, 0, 0);
	kv_mem_free(d.stack_of);
	kv_mem_free(d.thread_of);
	kv_world_destroy(d.world);
	kv_oracle_destroy(d.oracle);
	return 0;
}

void
kv_replay_fini(struct kv_replay *result)
{
	kv_moment_fini(&result->peak);
	kv_moment_fini(&result->end);
	kv_timeline_fini(&result->timeline);
	kv_runs_fini(&result->map_runs);
	kv_runs_fini(&result->frame_runs);
	*result = (struct kv_replay){0};
}
