/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_trace.c - kvasir vmem TRACE, kvasir phys TRACE: the trace languages */
#include <stdio.h>

#include "cmd.h"
#include "in/trace_phys.h"
#include "in/trace_vmem.h"

/* Unpacked: some 60 million operations. */
#define TRACE_MAX ((size_t)1 << 30)

typedef int trace_fn(
    const struct kv_text *text, struct kv_buf *out, struct kv_errors *errors);

/* The answer goes to stdout as a whole or, when the trace is refused, not at
 * all. */
static int
run_trace(const struct kv_opts *opts, trace_fn *trace)
{
	struct kv_errors errors = {0};
	struct kv_text text = {0};
	struct kv_buf out = {0};
	int status = KV_EXIT_USAGE;

	if (kv_text_read(opts->operands[0], TRACE_MAX, &text, &errors) == 0 &&
	    trace(&text, &out, &errors) == 0) {
		fwrite(out.data, 1, out.size, stdout);
		status = KV_EXIT_OK;
	}
	kv_errors_print(&errors);
	kv_errors_fini(&errors);
	kv_buf_fini(&out);
	kv_text_fini(&text);
	return status;
}

int
kv_cmd_vmem(const struct kv_opts *opts)
{
	return run_trace(opts, kv_trace_vmem_run);
}

int
kv_cmd_phys(const struct kv_opts *opts)
{
	return run_trace(opts, kv_trace_phys_run);
}
