/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_report.c - kvasir report FILE: our figures for a real kernel's state */
#include <stdio.h>

#include "cmd.h"
#include "out/files.h"
#include "out/log.h"
#include "out/report_capture.h"

static int
print(const struct kv_capture_report *r, const struct kv_opts *opts)
{
	struct kv_buf text = {0}, json = {0};
	const struct kv_buf *out =
	    opts->format == KV_FORMAT_JSON ? &json : &text;
	int error = 0;

	kv_report_capture_text(r, &text);
	kv_report_capture_json(r, &json);
	if (opts->output != NULL)
		error = kv_files_report(opts->output, &text, &json);
	if (error == 0)
		fwrite(out->data, 1, out->size, stdout);
	kv_buf_fini(&text);
	kv_buf_fini(&json);
	return error == 0 ? KV_EXIT_OK : KV_EXIT_USAGE;
}

static int
measure(const struct kv_capture *capture, const struct kv_opts *opts)
{
	struct kv_captured captured;
	struct kv_capture_report r = {.name = kv_files_name(opts->operands[0]),
	    .kind = kv_capture_name(capture->kind),
	    .machine = opts->machine,
	    .captured = &captured};
	int status;

	kv_capture_measure(capture, opts->machine, &captured);
	if (captured.uneven != 0)
		kv_log_warn("report: %zu ranges are not as large as their "
			    "leaves",
		    captured.uneven);
	status = print(&r, opts);
	kv_captured_fini(&captured);
	return status;
}

int
kv_cmd_report(const struct kv_opts *opts)
{
	struct kv_errors errors = {0};
	struct kv_capture capture;
	int status = KV_EXIT_USAGE;

	if (kv_capture_read(
		opts->operands[0], opts->machine, &capture, &errors) == 0) {
		status = measure(&capture, opts);
		kv_capture_fini(&capture);
	}
	kv_errors_print(&errors);
	kv_errors_fini(&errors);
	return status;
}
