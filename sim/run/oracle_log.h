/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle_log.h - the judge, over a log that was written */
#ifndef KV_SIM_ORACLE_LOG_H
#define KV_SIM_ORACLE_LOG_H

#include "in/scenario.h"
#include "in/trace_kv.h"
#include "run/oracle.h"

/*
 * Judge an event log; the number of a finding's event is its line.  *sc gets
 * the scenario that was run, NULL: it is not in the log.
 * => 0, owned *o and *sc; EINVAL with entries in *errors
 */
int kv_oracle_judge_log(const char *path, struct kv_oracle **o,
    struct kv_scenario **sc, struct kv_errors *errors);

#endif
