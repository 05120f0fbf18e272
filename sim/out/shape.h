/* SPDX-License-Identifier: BSD-2-Clause */
/* shape.h - the state after a run in the shapes of the kernels' own tools */
#ifndef KV_SIM_SHAPE_H
#define KV_SIM_SHAPE_H

#include "out/emit.h"
#include "run/runner.h"

/*
 * What an expert greps for, so that it is recognised at sight; kvasir report
 * reads the first five.  Nothing is written where there is nothing to show.
 */
typedef void kv_shape_fn(const struct kv_run *run, struct kv_buf *b);

struct kv_shape {
	const char *file; /* "buddyinfo.txt" */
	kv_shape_fn *write;
};
extern const struct kv_shape kv_shapes[];
extern const size_t kv_nshapes;

#endif
