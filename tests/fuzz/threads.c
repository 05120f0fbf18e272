/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * threads.c - recordings of threads
 *
 * An exit names a live thread, a fork one that is not, and most threads are
 * live when the reader says.
 */
#include "fuzz.h"
#include "in/thread_trace.h"

static void
judge(const struct kv_thread_trace *t)
{
	unsigned char *live = calloc(t->nthreads + 1, 1);
	uint32_t n = 0, most = 0;
	size_t i, peak = 0;

	ck_assert_ptr_nonnull(live);
	for (i = 0; i < t->nops; i++) {
		const struct kv_thread_op *op = &t->ops[i];

		ck_assert(op->thread < t->nthreads);
		ck_assert((op->what == KV_THREAD_EXIT) == live[op->thread]);
		ck_assert(
		    op->what == KV_THREAD_EXIT || op->domain < t->ndomains);
		live[op->thread] ^= 1;
		n += op->what == KV_THREAD_FORK ? 1 : -1U;
		if (n > most) {
			most = n;
			peak = i + 1;
		}
	}
	ck_assert(most == t->nthreads && peak == t->peak);
	ck_assert(t->ndomains >= 1 && t->ndomains <= KV_THREAD_DOMAINS);
	free(live);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path;

	fuzz_start();
	path = fuzz_file(KV_FUZZ_NAME, data, size);
	for (int strict = 0; strict < 2; strict++) {
		struct kv_errors errors = {0};
		struct kv_thread_trace trace;

		if (kv_thread_trace_read(path, strict != 0, &trace, &errors) ==
		    0) {
			judge(&trace);
			kv_thread_trace_fini(&trace);
		} else {
			ck_assert(kv_errors_noted(&errors) != 0);
		}
		kv_errors_fini(&errors);
	}
	return 0;
}
