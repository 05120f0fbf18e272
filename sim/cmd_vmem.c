/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_vmem.c - kvasir vmem TRACE: the vmem trace language */
#include <stdio.h>

#include "cmd.h"
#include "in/trace_vmem.h"

/* Unpacked: about 400 million operations. */
#define TRACE_MAX ((size_t)8 << 30)

int
kv_cmd_vmem(const struct kv_opts *opts)
{
	struct kv_errors errors = {0};
	struct kv_text text = {0};
	struct kv_buf out = {0};
	int status = KV_EXIT_USAGE;

	if (kv_text_read(opts->operands[0], TRACE_MAX, &text, &errors) == 0 &&
	    kv_trace_vmem_run(&text, &out, &errors) == 0) {
		fwrite(out.data, 1, out.size, stdout);
		status = KV_EXIT_OK;
	}
	kv_errors_print(&errors);
	kv_errors_fini(&errors);
	kv_buf_fini(&out);
	kv_text_fini(&text);
	return status;
}
