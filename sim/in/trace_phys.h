/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_phys.h - the physical-memory trace language */
#ifndef KV_SIM_TRACE_PHYS_H
#define KV_SIM_TRACE_PHYS_H

#include "in/text.h"
#include "out/emit.h"

/*
 * Run a trace (spec phys.md) and append one line an operation to *out.
 * => 0; EINVAL with the place of the first line that breaks a rule in *errors;
 *    *out is then not to be printed
 */
int kv_trace_phys_run(
    const struct kv_text *text, struct kv_buf *out, struct kv_errors *errors);

#endif
