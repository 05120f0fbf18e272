/* SPDX-License-Identifier: BSD-2-Clause */
/* replay.h - a recording of threads, driven through one kernel-stack policy */
#ifndef KV_SIM_REPLAY_H
#define KV_SIM_REPLAY_H

#include "in/thread_trace.h"
#include "run/observe.h"
#include "run/plant.h"
#include "run/policy.h"

/* Memory of each domain, and where that of the first one begins. */
#define KV_REPLAY_MEMORY (UINT64_C(1) << 30)
#define KV_REPLAY_MEMORY_START (UINT64_C(16) << 20)

struct kv_replay_config {
	const struct kv_thread_trace *trace;
	const struct kv_machine *machine;
	uint64_t resident; /* stacks that are there before the first event */
	unsigned audit;	   /* 0 none, 1 peak and end, 2 touched, 3 all */
	unsigned nsamples; /* over time, at least 2; 0 = no plots are wanted */
	struct kv_tap tap; /* is told what happens; {0}: nobody is */
	struct kv_plants plants; /* faults of kernel stacks */
	bool lean; /* what is violated counts alone: nothing is looked at */
};

struct kv_counterexample;

/* What one policy made of the recording. */
struct kv_replay {
	const struct kv_policy *policy;
	struct kv_moment peak, end;
	struct kv_timeline timeline;	     /* when samples are wanted */
	struct kv_runs map_runs, frame_runs; /* likewise, at the peak */
	bool violated, panicked;	     /* diag says what came first */
	size_t op;			     /* operations before that */
	struct kv_diag diag;
	const struct kv_counterexample *counterexample; /* not owned; NULL:
							   none was sought */
};

/* "freebsd-I5", "V1": what came first. */
enum { KV_REPLAY_ID = 40 };
void kv_replay_id(const struct kv_replay *r, char id[KV_REPLAY_ID]);

/* Stacks for which all memory of all domains would do. */
uint64_t kv_replay_capacity(const struct kv_replay_config *cfg);

/*
 * Create the residents; then a stack for every fork and none for one that ends
 * in ENOMEM; dispose of it at the exit.  Where the kernel would have panicked,
 * or a fault never ends, it ends, and what is measured is the state of then.
 * => 0, ENOMEM, EINVAL (the machine cannot have this policy)
 */
int kv_replay_run(const struct kv_replay_config *cfg,
    const struct kv_policy *policy, struct kv_replay *result);
void kv_replay_fini(struct kv_replay *result);

#endif
