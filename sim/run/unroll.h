/* SPDX-License-Identifier: BSD-2-Clause */
/* unroll.h - a run, written as a scenario that says each operation */
#ifndef KV_SIM_UNROLL_H
#define KV_SIM_UNROLL_H

#include "in/doc.h"
#include "run/once.h"

/*
 * The scenario's tree, with what -D and --inject say in it, and in place of
 * its work what the run makes of it: churns, counts and random choices become
 * steps on stacks and blocks that have names.  Loops stay, and then all does.
 * *steps gets the items of the work.
 * => an owned tree; NULL: the scenario cannot run
 */
struct kv_doc *kv_unroll(const struct kv_once_config *cfg, uint64_t *steps);

#endif
