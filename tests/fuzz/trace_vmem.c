/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_vmem.c - traces of arenas: one line an operation, or a refusal */
#include "fuzz.h"
#include "in/trace_vmem.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kv_errors errors = {0};
	struct kv_buf out = {0};
	struct kv_text text;

	fuzz_start();
	text = fuzz_text(data, size);
	if (kv_trace_vmem_run(&text, &out, &errors) != 0)
		ck_assert(errors.count == 1);
	else
		ck_assert(out.size == 0 || out.data[out.size - 1] == '\n');
	kv_errors_fini(&errors);
	kv_buf_fini(&out);
	kv_text_fini(&text);
	return 0;
}
