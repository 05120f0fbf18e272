/* SPDX-License-Identifier: BSD-2-Clause */
/* report_shrunk.h - what a violation comes down to, in a report */
#ifndef KV_SIM_REPORT_SHRUNK_H
#define KV_SIM_REPORT_SHRUNK_H

#include "out/emit.h"
#include "run/shrink.h"

/* *what gets the address in words.  Good as long as s, id and *what are. */
struct kv_counterexample kv_counterexample_of(
    const struct kv_shrunk *s, const char *id, struct kv_buf *what);

/* The scenario, which stands in a file of that name, both states around the
 * operation, and the address; or the same as the object "shrunk". */
void kv_counterexample_text(
    const struct kv_counterexample *c, const char *file, struct kv_buf *b);
void kv_counterexample_json(
    const struct kv_counterexample *c, struct kv_emit *e);

#endif
