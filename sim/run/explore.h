/* SPDX-License-Identifier: BSD-2-Clause */
/* explore.h - all sequences of operations up to a length, state by state */
#ifndef KV_SIM_EXPLORE_H
#define KV_SIM_EXPLORE_H

#include "out/emit.h"
#include "run/runner.h"

enum { KV_EXPLORE_LENGTH = 64 };

struct kv_exploration {
	uint64_t states, transitions; /* found; tried */
	uint64_t refused; /* operations that are not legal in a state */
	uint64_t fresh[KV_EXPLORE_LENGTH + 1]; /* states by how many operations
						  lead there at least */
	uint64_t sequences[KV_EXPLORE_LENGTH + 1]; /* of that length; saturates
						    */
	unsigned depth; /* last at which there was a state to find */
	bool merged;	/* equal states are one; else each sequence has its
			   own: something is cached, or acts */
	bool violated;
	struct kv_violation violation;
	struct kv_buf scenario; /* owned; the shortest sequence that leads to
				   the violation, to run */
	struct kv_buf diff;	/* owned; what its last operation did */
};

/*
 * After the work, all sequences of the operations that the section explore
 * names, the shorter ones first.  Every invariant is checked in every state;
 * from each all goes back once, and nothing may be missing.  The first
 * violation ends it.
 * => 0; EINVAL, noted.  Free with kv_exploration_fini.
 */
int kv_explore(const struct kv_scenario *sc, const struct kv_run_config *cfg,
    struct kv_exploration *result, struct kv_errors *errors);
void kv_exploration_fini(struct kv_exploration *result);

#endif
