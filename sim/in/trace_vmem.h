/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_vmem.h - the vmem trace language, version 1 */
#ifndef KV_SIM_TRACE_VMEM_H
#define KV_SIM_TRACE_VMEM_H

#include "in/text.h"
#include "out/emit.h"

/*
 * Run a trace (spec vmem.md) and append one line an operation to *out.
 * => 0; EINVAL with the place of the first line that breaks a rule in *errors;
 *    *out is then not to be printed
 */
int kv_trace_vmem_run(
    const struct kv_text *text, struct kv_buf *out, struct kv_errors *errors);

#endif
