/* SPDX-License-Identifier: BSD-2-Clause */
/* sweep_parts.h - what the parts of a sweep share */
#ifndef KV_SIM_SWEEP_PARTS_H
#define KV_SIM_SWEEP_PARTS_H

#include "out/sweep.h"

/* A row as it comes from the process that ran it: whether it passed, outcome,
 * why, then a cell a column. */
struct kv_sweep {
	struct kv_scenario_file *file;
	const struct kv_sweep_config *cfg;
	const struct kv_axis *axes; /* one a parameter */
	size_t naxes;
	size_t *counts; /* values that each takes */
	size_t npoints;
	char *name, *title; /* of the scenario; title may be NULL */
	char **columns;	    /* parameters, then metrics */
	size_t ncolumns;
	char **rows; /* one a point */
	size_t nfailed, nrefused;
};

struct kv_sweep_cell {
	struct kv_value value; /* a word lives in the row */
	bool hex;
};

/* A row, taken apart. */
struct kv_sweep_row {
	bool passed, refused;
	const char *outcome, *why;   /* why: "" when it passed */
	struct kv_sweep_cell *cells; /* as many as columns; the caller's */
};

/* Run one point and append its row.  errors: what is wrong when the row is
 * refused; NULL if nobody asks. */
void kv_sweep_point(const struct kv_sweep *s, size_t point, struct kv_buf *row,
    struct kv_errors *errors);

/* row->cells is set by the caller. */
void kv_sweep_row_read(
    const struct kv_sweep *s, const char *data, struct kv_sweep_row *row);

/* Run all points, several at a time, and keep their rows in order.
 * => 0; ECHILD after a message */
int kv_sweep_points(struct kv_sweep *s);

#endif
