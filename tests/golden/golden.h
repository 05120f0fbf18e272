/* SPDX-License-Identifier: BSD-2-Clause */
/* golden.h - a packed trace and its recorded answer, for tests */
#ifndef KV_TEST_GOLDEN_H
#define KV_TEST_GOLDEN_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "in/text.h"
#include "out/emit.h"

typedef int golden_run_fn(
    const struct kv_text *text, struct kv_buf *out, struct kv_errors *errors);

/* ROOT/golden/FAMILY/NAME.KIND.gz, unpacked. */
static inline void
golden_read(const char *root, const char *family, const char *name,
    const char *kind, struct kv_text *text)
{
	struct kv_errors errors = {0};
	char path[512];

	snprintf(path, sizeof(path), "%s/golden/%s/%s.%s.gz", root, family,
	    name, kind);
	ck_assert_int_eq(kv_text_read(path, (size_t)1 << 30, text, &errors), 0);
}

/* Number of the first line in which a and b differ, from 1. */
static inline unsigned
golden_differing_line(const char *a, const char *b, size_t n)
{
	unsigned line = 1;

	for (size_t i = 0; i < n && a[i] == b[i]; i++)
		line += a[i] == '\n';
	return line;
}

/* Running the trace must give the recorded bytes. */
static inline void
golden_compare(
    const char *root, const char *family, const char *name, golden_run_fn *run)
{
	struct kv_text trace, want;
	struct kv_errors errors = {0};
	struct kv_buf got = {0};
	size_t n;

	golden_read(root, family, name, "trace", &trace);
	golden_read(root, family, name, "out", &want);
	ck_assert_int_eq(run(&trace, &got, &errors), 0);
	n = got.size < want.size ? got.size : want.size;
	ck_assert_msg(
	    got.size == want.size && memcmp(got.data, want.data, n) == 0,
	    "%s differs in output line %u", name,
	    golden_differing_line(got.data, want.data, n));
	kv_buf_fini(&got);
	kv_text_fini(&want);
	kv_text_fini(&trace);
}

#endif
