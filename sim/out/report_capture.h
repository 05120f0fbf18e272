/* SPDX-License-Identifier: BSD-2-Clause */
/* report_capture.h - the report of a captured state, as text and as JSON */
#ifndef KV_SIM_REPORT_CAPTURE_H
#define KV_SIM_REPORT_CAPTURE_H

#include "out/emit.h"
#include "run/measure_capture.h"

struct kv_capture_report {
	const char *name; /* of the file */
	const char *kind; /* kv_capture_name */
	const struct kv_machine *machine;
	const struct kv_captured *captured;
};

/* One block a zone. */
void kv_report_capture_text(
    const struct kv_capture_report *r, struct kv_buf *b);

/* metrics: an object a zone; of a single zone its figures alone. */
void kv_report_capture_json(
    const struct kv_capture_report *r, struct kv_buf *b);

#endif
