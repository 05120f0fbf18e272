/* SPDX-License-Identifier: BSD-2-Clause */
/* report_layout.h - the regions of a plan as a table, and who moved */
#ifndef KV_SIM_REPORT_LAYOUT_H
#define KV_SIM_REPORT_LAYOUT_H

#include "out/emit.h"
#include "run/runner.h"

/* Append the table, if the run has a plan.  shown[i] becomes true where it
 * says what figure i of the run says. */
void kv_report_layout(const struct kv_run *run, bool *shown, struct kv_buf *b);

#endif
