/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_phys.c - kvasir phys TRACE: the physical-memory trace language */
#include <stdio.h>

#include "cmd.h"
#include "in/trace_phys.h"

/* Unpacked: about 60 million operations. */
#define TRACE_MAX ((size_t)1 << 30)

int
kv_cmd_phys(const struct kv_opts *opts)
{
	struct kv_errors errors = {0};
	struct kv_text text = {0};
	struct kv_buf out = {0};
	int status = KV_EXIT_USAGE;

	if (kv_text_read(opts->operands[0], TRACE_MAX, &text, &errors) == 0 &&
	    kv_trace_phys_run(&text, &out, &errors) == 0) {
		fwrite(out.data, 1, out.size, stdout);
		status = KV_EXIT_OK;
	}
	kv_errors_print(&errors);
	kv_errors_fini(&errors);
	kv_buf_fini(&out);
	kv_text_fini(&text);
	return status;
}
