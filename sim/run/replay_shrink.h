/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_shrink.h - the least scenario that violates what a replay violated */
#ifndef KV_SIM_REPLAY_SHRINK_H
#define KV_SIM_REPLAY_SHRINK_H

#include "run/replay.h"
#include "run/shrink.h"

/*
 * Leave out forks and exits while the replay still violates what it found;
 * what is left becomes a scenario, which is shrunk as any other.  inject: the
 * id of the fault of cfg, or NULL.  Free with kv_shrunk_fini.
 */
void kv_replay_shrink(const struct kv_replay_config *cfg,
    const struct kv_replay *found, const char *inject, uint64_t seed,
    struct kv_shrunk *result);

#endif
