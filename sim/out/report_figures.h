/* SPDX-License-Identifier: BSD-2-Clause */
/* report_figures.h - the figures of a run, as text */
#ifndef KV_SIM_REPORT_FIGURES_H
#define KV_SIM_REPORT_FIGURES_H

#include "out/emit.h"
#include "run/runner.h"

/* Add all figures of the run, in the groups in which an expert asks for them:
 * of its world, of arenas, of its plan, and what is the scenario's own. */
void kv_report_figures(const struct kv_run *run, struct kv_buf *b);

#endif
