/* SPDX-License-Identifier: BSD-2-Clause */
/* capture.c - states of real kernels, as their tools print them */
#include "fuzz.h"
#include "out/report_capture.h"

static void
report(const struct kv_capture *capture, const struct kv_machine *machine)
{
	struct kv_captured captured;
	struct kv_capture_report r = {.name = "input",
	    .kind = kv_capture_name(capture->kind),
	    .machine = machine,
	    .captured = &captured};
	struct kv_buf b = {0};

	kv_capture_measure(capture, machine, &captured);
	kv_report_capture_text(&r, &b);
	kv_report_capture_json(&r, &b);
	kv_buf_fini(&b);
	kv_captured_fini(&captured);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const machines[] = {"amd64", "arm64-16k"};
	const char *path;

	fuzz_start();
	path = fuzz_file(KV_FUZZ_NAME, data, size);
	for (int i = 0; i < 2; i++) {
		const struct kv_machine *m = kv_machine_find(machines[i]);
		struct kv_errors errors = {0};
		struct kv_capture capture;

		if (kv_capture_read(path, m, &capture, &errors) == 0) {
			report(&capture, m);
			kv_capture_fini(&capture);
		} else {
			ck_assert(kv_errors_noted(&errors) != 0);
		}
		kv_errors_fini(&errors);
	}
	return 0;
}
