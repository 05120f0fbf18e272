/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vmem_golden.c - the golden vmem traces, byte for byte */
#include "golden/golden.h"
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

START_TEST(golden)
{
	golden_compare(KV_TESTS, "vmem", names[_i], kv_trace_vmem_run);
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
