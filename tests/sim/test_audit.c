/* SPDX-License-Identifier: BSD-2-Clause */
/* What the levels of the audit find, and when: after an operation a record is
 * wrong, of which nobody is told. */
#include <string.h>

#include "input.h"
#include "kvtest.h"
#include "run/once.h"

#define TEXT(count, idle)                                               \
	"kvasir: 1\n"                                                   \
	"machine: {memory: 128M}\n"                                     \
	"kstacks: {policy: freebsd-d38852}\n"                           \
	"work: [{spawn: {count: " count "}}, {idle: {operations: " idle \
	"}}]\n"

/* The second stack is where its guard is, after so many operations. */
static void
move(void *arg, const struct kv_run *run, bool after)
{
	const uint64_t *op = arg;

	if (after && run->ops == *op)
		run->world->stacks[1].ks -= UINT64_C(1)
					    << run->sc->machine->page_shift;
}

/* => the step of the first violation, 0 without one; *count: how many */
static uint64_t
first(const char *text, unsigned audit, uint64_t op, uint64_t *count)
{
	const struct kv_once_config cfg = {.path = input_file(text),
	    .run = {.seed = 1,
		.audit = audit,
		.nested = true,
		.tell = move,
		.tell_arg = &op}};
	struct kv_errors errors = {0};
	struct kv_once o = {0};
	uint64_t step = 0;
	size_t i;

	ck_assert_int_eq(kv_once_run(&cfg, &o, &errors), 0);
	*count = o.run->nviolations + o.run->unlisted;
	if (*count != 0)
		step = o.run->violations[0].step;
	for (i = 0; i < o.run->nviolations; i++)
		ck_assert_str_eq(o.run->violations[i].id, "freebsd-I2");
	kv_once_fini(&o);
	kv_errors_fini(&errors);
	input_remove();
	return step;
}

START_TEST(levels)
{
	uint64_t n;

	ck_assert_uint_eq(first(TEXT("50", "1"), 0, 20, &n), 0);
	/* At the end alone. */
	ck_assert_uint_eq(first(TEXT("50", "1"), 1, 20, &n), 51);
	ck_assert_uint_eq(n, 1);
	/* At once; then it is broken, until the end. */
	ck_assert_uint_eq(first(TEXT("50", "1"), 2, 20, &n), 20);
	ck_assert_uint_eq(n, 2);
	/* After each operation; the end finds what the last one left. */
	ck_assert_uint_eq(first(TEXT("50", "1"), 3, 20, &n), 20);
	ck_assert_uint_eq(n, 51 - 20 + 1);
	/* Nothing is wrong if nothing was done. */
	ck_assert_uint_eq(first(TEXT("50", "1"), 3, 0, &n), 0);
}
END_TEST

/* 4000 stacks are some 40,000 things and more: looked at once in that many
 * operations by 16, not at each and not at the end alone. */
START_TEST(now_and_then)
{
	uint64_t n, step = first(TEXT("4000", "30000"), 2, 10000, &n);

	ck_assert_uint_ge(step, 10000);
	ck_assert_uint_le(step, 10000 + 2 * 60000 / 16);
	ck_assert_uint_eq(n, 2);
	/* The same operation every time. */
	ck_assert_uint_eq(first(TEXT("4000", "30000"), 2, 10000, &n), step);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("audit");
	TCase *tc = tcase_create("audit");

	tcase_add_test(tc, levels);
	tcase_add_test(tc, now_and_then);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
