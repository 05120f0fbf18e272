/* SPDX-License-Identifier: BSD-2-Clause */
/* sweep.h - a scenario at every combination of its parameters' values */
#ifndef KV_SIM_SWEEP_H
#define KV_SIM_SWEEP_H

#include "in/scenario.h"
#include "out/emit.h"

/* More points are refused. */
enum { KV_SWEEP_POINTS_MAX = 1000000, KV_SWEEP_JOBS_MAX = 256 };

struct kv_sweep_config {
	uint64_t seed;
	unsigned audit, njobs;		 /* njobs: processes, from 1 */
	const struct kv_define *defines; /* fix parameters */
	size_t ndefines;
	const char *const *metrics; /* to show beside the scenario's own */
	size_t nmetrics;
};

struct kv_sweep;

/*
 * Run every point: the parameters vary like digits, the last one in the file
 * fastest.  A point that is refused is a row that failed, unless all are: then
 * the scenario is.  file and cfg must outlive the sweep.
 * => 0 and an owned *result, whatever the points say; EINVAL with entries in
 *    *errors, ECHILD after a message
 */
int kv_sweep_run(struct kv_scenario_file *file,
    const struct kv_sweep_config *cfg, struct kv_sweep **result,
    struct kv_errors *errors);
void kv_sweep_free(struct kv_sweep *s);

/* Did every point pass, as kv_run_passed? */
bool kv_sweep_passed(const struct kv_sweep *s);

/* The rows: for readers, for spreadsheets, for programs, for gnuplot.  The last
 * has the columns that are numbers. */
void kv_sweep_text(const struct kv_sweep *s, struct kv_buf *b);
void kv_sweep_csv(const struct kv_sweep *s, struct kv_buf *b);
void kv_sweep_json(const struct kv_sweep *s, struct kv_buf *b);
void kv_sweep_columns(const struct kv_sweep *s, struct kv_buf *b);

#endif
