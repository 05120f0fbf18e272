/* SPDX-License-Identifier: BSD-2-Clause */
/* event_log.c - event logs: events that are written again are read alike */
#include <errno.h>

#include "fuzz.h"
#include "in/trace_kv.h"
#include "out/emit.h"
#include "out/event_log.h"

enum { EVENTS_MAX = 2000 };

/* Hash of all events up to the first error, and these as a log of their own.
 * => the number of events; *error as the reader has it */
static unsigned
read_all(const char *path, uint64_t *fnv, struct kv_buf *again, int *error)
{
	struct kv_errors errors = {0};
	struct kv_event_reader *r;
	struct kv_event e;
	unsigned n = 0;

	*error = kv_event_reader_open(path, &r, &errors);
	if (*error == 0) {
		char line[KV_EVENT_LINE];
		struct kv_text input;

		kv_event_reader_input(r, &input);
		kv_text_fini(&input);
		kv_buf_printf(again, "%s\n", KV_EVENT_LOG_MAGIC);
		for (; kv_event_reader_next(r, &e, error, &errors); n++) {
			ck_assert(e.kind < KV_EV_COUNT && e.source != NULL);
			for (unsigned i = 0; i < 4; i++)
				*fnv = (*fnv ^ e.value[i]) *
				       UINT64_C(1099511628211);
			*fnv ^= e.kind;
			kv_buf_add(again, line, kv_event_log_line(&e, line));
			kv_buf_add(again, "\n", 1);
		}
		if (kv_event_reader_close(r, &errors) != 0)
			*error = EINVAL;
	}
	ck_assert((*error != 0) == (kv_errors_noted(&errors) != 0));
	kv_errors_fini(&errors);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t first = 0, second = 0;
	struct kv_buf log = {0}, same = {0};
	const char *path;
	unsigned n;
	int error;

	fuzz_start();
	path = fuzz_file(KV_FUZZ_NAME, data, size);
	kv_event_log_recognise(path);
	n = read_all(path, &first, &log, &error);
	if (n != 0 && n < EVENTS_MAX) {
		path = fuzz_file("", (const uint8_t *)log.data, log.size);
		ck_assert(kv_event_log_recognise(path));
		ck_assert(read_all(path, &second, &same, &error) == n);
		ck_assert(error == 0 && first == second);
		ck_assert(same.size == log.size);
	}
	kv_buf_fini(&log);
	kv_buf_fini(&same);
	return 0;
}
