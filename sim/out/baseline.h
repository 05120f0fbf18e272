/* SPDX-License-Identifier: BSD-2-Clause */
/* baseline.h - the figures that a scenario had, kept in a small text file */
#ifndef KV_SIM_BASELINE_H
#define KV_SIM_BASELINE_H

#include "in/scenario.h"
#include "out/emit.h"

/*
 * FOLDER/NAME.txt: "# kvasir baseline 1", how the figures were taken ("# seed
 * 12345", "# define stacks=100", ...), then a line a metric, sorted: name,
 * tolerance, value.  A tolerance is that of `kvasir compare`: a number, N% or
 * any.  What is written for a new metric is 0, and for a ratio one in its last
 * decimal; one that stands there is kept.
 */
struct kv_baseline {
	const char *folder, *name;
	uint64_t seed;
	bool kvm;
	const char *inject; /* or NULL */
	const struct kv_define *defines;
	size_t ndefines;
	const struct kv_metrics *metrics; /* of the run */
};

/* A line for each way in which the run is not what the file says.
 * => 0; EINVAL, noted: the file is none of ours */
int kv_baseline_compare(const struct kv_baseline *b, struct kv_buf *lines,
    struct kv_errors *errors);

/* What the file is to hold from now on.  => as above */
int kv_baseline_write(const struct kv_baseline *b, struct kv_buf *content,
    struct kv_errors *errors);

#endif
