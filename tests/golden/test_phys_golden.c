/* SPDX-License-Identifier: BSD-2-Clause */
/* test_phys_golden.c - the golden phys traces, byte for byte */
#include <stdlib.h>

#include "golden/golden.h"
#include "in/trace_phys.h"
#include "kvtest.h"

static const char *const names[] = {"batch-1", "buddy-1", "churn-linear-1",
    "churn-nonlin-2", "churn-numa2-4", "contig-1", "exhaust-1", "fullpop-1",
    "kst-linear-1", "kst-nonlin-1", "layout-1", "limit-1", "mixed-numa2-3",
    "numa-oldpolicy-1", "numa-straddle-1", "objcontig-1", "objcontig-3",
    "objects-1", "objects-options-3"};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

START_TEST(golden)
{
	golden_compare(KV_TESTS, "phys", names[_i], kv_trace_phys_run);
}
END_TEST

/*
 * spec phys.md, "Domains": how many of the 400 stacks lie in the other domain.
 * Both machines have 64 MiB in two domains: the border is 32 MiB.
 */
static const struct {
	const char *name;
	unsigned stacks, misplaced;
} numa[] = {{"numa-oldpolicy-1", 400, 200}, {"numa-straddle-1", 400, 76}};

/* The line after p, or NULL. */
static const char *
next_line(const char *p)
{
	p = strchr(p, '\n');
	return p == NULL || p[1] == '\0' ? NULL : p + 1;
}

START_TEST(misplaced)
{
	struct kv_text trace;
	struct kv_errors errors = {0};
	struct kv_buf out = {0};
	unsigned stacks = 0, wrong = 0;
	const char *op, *answer;

	golden_read(KV_TESTS, "phys", numa[_i].name, "trace", &trace);
	ck_assert_int_eq(kv_trace_phys_run(&trace, &out, &errors), 0);
	answer = out.data;
	for (op = trace.data; op != NULL; op = next_line(op)) {
		unsigned long long pindex, domain, pa;

		if (*op == '#' || *op == '\n')
			continue;
		if (sscanf(op, "pages kst %llu 4 %llu", &pindex, &domain) ==
		    2) {
			pa = strtoull(answer, NULL, 16);
			stacks++;
			wrong += (pa >= UINT64_C(32) << 20) != (domain == 1);
		}
		answer = next_line(answer);
	}
	ck_assert_uint_eq(stacks, numa[_i].stacks);
	ck_assert_uint_eq(wrong, numa[_i].misplaced);
	kv_buf_fini(&out);
	kv_text_fini(&trace);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("golden phys traces");
	TCase *tc = tcase_create("byte for byte");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, golden, 0, NAMES);
	tcase_add_loop_test(tc, misplaced, 0, 2);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
