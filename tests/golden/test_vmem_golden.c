/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vmem_golden.c - the golden vmem traces, byte for byte */
#include <stdio.h>
#include <string.h>

#include "in/trace_vmem.h"
#include "kvtest.h"

static const char *const names[] = {"addspan", "aligned-a", "aligned-b",
    "edge-01-freelist-lifo", "edge-03-cursor", "edge-05-import",
    "edge-07-constraints", "edge-09-qcache-drain", "edge-11-cursor-import",
    "exhaust", "fragstorm-best", "fragstorm-mix", "kstack-2p1", "kstack-4p1",
    "kstack-big", "kstack-numa", "kstack-small", "mixed-best", "mixed-both",
    "mixed-bytes", "mixed-instant", "nested", "nextfit-ids", "nextfit-pages",
    "nextimp-a", "nextimp-b", "nexttight-a", "nexttight-b", "qcache-b1",
    "qcache-b16-full"};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

static void
read_golden(const char *name, const char *kind, struct kv_text *text)
{
	struct kv_errors errors = {0};
	char path[512];

	snprintf(path, sizeof(path), "%s/golden/vmem/%s.%s.gz", KV_TESTS, name,
	    kind);
	ck_assert_int_eq(kv_text_read(path, (size_t)1 << 30, text, &errors), 0);
}

/* Number of the first line in which a and b differ, from 1. */
static unsigned
differing_line(const char *a, const char *b, size_t n)
{
	unsigned line = 1;

	for (size_t i = 0; i < n && a[i] == b[i]; i++)
		line += a[i] == '\n';
	return line;
}

START_TEST(golden)
{
	struct kv_text trace, want;
	struct kv_errors errors = {0};
	struct kv_buf got = {0};
	size_t n;

	read_golden(names[_i], "trace", &trace);
	read_golden(names[_i], "out", &want);
	ck_assert_int_eq(kv_trace_vmem_run(&trace, &got, &errors), 0);
	n = got.size < want.size ? got.size : want.size;
	ck_assert_msg(
	    got.size == want.size && memcmp(got.data, want.data, n) == 0,
	    "%s differs in output line %u", names[_i],
	    differing_line(got.data, want.data, n));
	kv_buf_fini(&got);
	kv_text_fini(&want);
	kv_text_fini(&trace);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("golden vmem traces");
	TCase *tc = tcase_create("byte for byte");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, golden, 0, NAMES);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
