/* SPDX-License-Identifier: BSD-2-Clause */
/* report_run.h - the report of `kvasir run`, as text and as JSON */
#ifndef KV_SIM_REPORT_RUN_H
#define KV_SIM_REPORT_RUN_H

#include "out/emit.h"
#include "run/runner.h"

/* For readers: grouped, in the order in which an expert asks. */
void kv_report_run_text(const struct kv_run *run, struct kv_buf *b);

/* For programs: one object, keys sorted. */
void kv_report_run_json(const struct kv_run *run, struct kv_buf *b);

/* Series i of the scenario's samples, as it stands in the run. */
struct kv_series kv_report_run_series(const struct kv_run *run, size_t i);

#endif
