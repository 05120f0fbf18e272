/* SPDX-License-Identifier: BSD-2-Clause */
/* actors.h - others that use memory: what they take, and for how long */
#ifndef KV_SIM_ACTORS_H
#define KV_SIM_ACTORS_H

#include "in/scenario.h"
#include "run/world.h"

struct kv_actors; /* all of a run */

/* The specs outlive them.  => 0, ENOMEM */
int kv_actors_create(struct kv_world *w, const struct kv_actor_spec *specs,
    size_t n, uint64_t seed, struct kv_actors **actors);
void kv_actors_destroy(struct kv_actors *a);

/* One operation has come: free what is at its end, take what is due. */
void kv_actors_act(struct kv_actors *a);

/* Free all they hold. */
void kv_actors_drain(struct kv_actors *a);

/* actor.NAME.* of each. */
void kv_actors_measure(const struct kv_actors *a, struct kv_metrics *m);

#endif
