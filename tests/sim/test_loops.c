/* SPDX-License-Identifier: BSD-2-Clause */
/* test_loops.c - loops with a name: passes, nesting, failures, places */
#include <errno.h>

#include "runrig.h"

#define HEAD                                            \
	"kvasir: 1\n"                                   \
	"machine: {name: amd64, memory: 64M}\n"         \
	"param: {step: 4K}\n"                           \
	"arenas: {va: {base: 64K, size: 16K}}\n"        \
	"pools: {pt: {capacity: 5}}\n"                  \
	"spaces: {s: {tables: pt, promotion: false}}\n" \
	"work:\n"

static int
execute(const char *steps)
{
	const struct kv_run_config cfg = {.seed = 12345, .audit = 3};

	return execute_text(&cfg, HEAD, steps);
}

static void
runs(const char *steps)
{
	if (execute(steps) != 0)
		ck_abort_msg("%s", errors.list[0].text);
	ck_assert_uint_eq(run->nviolations, 0);
}

static bool
is_mapped(kv_va_t va)
{
	struct kv_leaf leaf;

	return kv_pmap_extract(run->world->spaces[1].pmap, va, &leaf) == 0;
}

/* Every pass of the inner loop in every pass of the outer one. */
START_TEST(test_nested)
{
	runs("- repeat:\n"
	     "    as: i\n"
	     "    times: 3\n"
	     "    steps:\n"
	     "    - repeat:\n"
	     "        as: j\n"
	     "        times: 2\n"
	     "        steps:\n"
	     "        - map: {space: s, va: (i * 2 + j) * 2 * step, "
	     "size: 4K, pa: 1G + j * step}\n"
	     "    - unmap: {space: s, va: i * 4 * step, size: 4K}\n");
	for (kv_va_t page = 0; page < 14; page++)
		ck_assert_int_eq(
		    is_mapped(page << 12), page % 4 == 2 && page < 12);
	ck_assert_uint_eq(figure("repeat.i.passes"), 3);
	ck_assert_uint_eq(figure("repeat.i.clean"), 3);
	ck_assert_uint_eq(figure("repeat.j.passes"), 6);
	ck_assert_uint_eq(run->ops, 9);
}
END_TEST

START_TEST(test_not_at_all)
{
	runs("- repeat: {times: 0, as: i, steps: [{drain: {}}]}\n"
	     "- repeat: {times: 5, as: j, steps: []}\n"
	     "- repeat: {times: 2, as: k, steps: [{repeat: {times: 0, as: l, "
	     "steps: [{drain: {}}]}}]}\n");
	ck_assert_uint_eq(figure("repeat.i.passes"), 0);
	ck_assert_uint_eq(figure("repeat.j.clean"), 5);
	ck_assert_uint_eq(figure("repeat.k.clean"), 2);
	ck_assert_uint_eq(figure("repeat.l.passes"), 0);
	ck_assert_uint_eq(run->ops, 0);
}
END_TEST

/* The pool has a root, and with each block a table of base pages and, the first
 * time, two above it: the third block fails. */
#define BLOCK "{map: {space: s, va: (i * 2 + j) * 2M, size: 4K, pa: 1G}}"

START_TEST(test_failures_go_on)
{
	runs("- repeat: {times: 2, as: i, steps: [{repeat: {times: 2, as: j, "
	     "steps: [" BLOCK "]}}]}\n");
	ck_assert_uint_eq(figure("fail.map"), 2);
	ck_assert_uint_eq(figure("repeat.j.passes"), 4);
	ck_assert_uint_eq(figure("repeat.j.clean"), 2);
	ck_assert_uint_eq(figure("repeat.i.passes"), 2);
	ck_assert_uint_eq(figure("repeat.i.clean"), 1);
}
END_TEST

START_TEST(test_failure_stops)
{
	/* the inner one, each time */
	runs("- repeat: {times: 3, as: i, steps: [{repeat: {times: 2, as: j, "
	     "stop: failure, steps: [" BLOCK ", {draw: {pool: pt, pages: 0}}"
	     "]}}]}\n");
	ck_assert_uint_eq(figure("fail.map"), 2);
	ck_assert_uint_eq(figure("repeat.j.passes"), 4);
	ck_assert_uint_eq(figure("repeat.i.passes"), 3);
	ck_assert_uint_eq(figure("repeat.i.clean"), 1);
	/* both with the outer one, and the work goes on behind it */
	runs("- repeat: {times: 3, as: i, stop: failure, steps: [{repeat: "
	     "{times: 2, as: j, steps: [" BLOCK "]}}]}\n"
	     "- unmap: {space: s, va: 0, size: 4K}\n");
	ck_assert_uint_eq(figure("fail.map"), 1);
	ck_assert_uint_eq(figure("repeat.j.passes"), 3);
	ck_assert_uint_eq(figure("repeat.i.passes"), 2);
	ck_assert_uint_eq(figure("repeat.i.clean"), 1);
	ck_assert(!is_mapped(0));
	ck_assert(is_mapped(0x200000));
	/* an earlier failure is not the loop's */
	runs("- draw: {pool: pt, pages: 9}\n"
	     "- repeat: {times: 3, as: i, stop: failure, steps: [{idle: "
	     "{operations: 1}}]}\n");
	ck_assert_uint_eq(figure("fail.draw"), 5);
	ck_assert_uint_eq(figure("repeat.i.clean"), 3);
}
END_TEST

/* The name is that of the newest block; the drain at the end knows all, and
 * asks that the arena be empty. */
START_TEST(test_blocks)
{
	runs("- repeat: {times: 5, as: i, steps: [{alloc: {arena: va, size: "
	     "4K, as: a}}]}\n"
	     "- drain: {}\n");
	ck_assert_uint_eq(figure("repeat.i.clean"), 4);
	ck_assert_uint_eq(figure("vmem.va.inuse"), 0);
	runs("- repeat: {times: 5, as: i, steps: [{alloc: {arena: va, size: "
	     "16K, as: a}}, {map: {space: s, va: block.a.va + i * 16K, "
	     "size: 4K, pa: 1G}}, {free: {name: a}}]}\n");
	ck_assert_uint_eq(figure("repeat.i.clean"), 5);
	ck_assert(is_mapped(0x10000 + 4 * 0x4000));
	ck_assert(!is_mapped(0x10000 + 0x1000));
}
END_TEST

/* A loop in steps that are repeated starts anew each time. */
START_TEST(test_repeated)
{
	runs("- repeat: {times: 2, steps: [{repeat: {times: 3, as: i, steps: "
	     "[{map: {space: s, va: i * 4K, size: 4K, pa: 1G}}]}}, {unmap: "
	     "{space: s, va: 4K, size: 4K}}]}\n");
	ck_assert_uint_eq(figure("repeat.i.passes"), 6);
	ck_assert(is_mapped(0));
	ck_assert(!is_mapped(0x1000));
	ck_assert(is_mapped(0x2000));
}
END_TEST

static void
refused(const char *steps, const char *place, const char *why)
{
	ck_assert_int_eq(execute(steps), EINVAL);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_msg(strstr(errors.list[0].text, place) != NULL &&
			  strstr(errors.list[0].text, why) != NULL,
	    "%s", errors.list[0].text);
}

START_TEST(test_places)
{
	refused("- repeat: {times: 5, as: i, steps: [{unmap: {space: s, va: "
		"0 / (3 - i), size: 4K}}]}\n",
	    ":8:", "division by zero");
	refused("- repeat: {times: 5, as: i, steps: [{unmap: {space: s, va: "
		"3 - i, size: 4K}}]}\n",
	    ":8:60:", "no addresses of the space (i = 0)");
	refused("- repeat: {times: 5, as: i, steps: [{repeat: {times: 5, as: "
		"j, steps: [{map: {space: s, va: 0, size: 4K, "
		"pa: 20M - i * 3M - j * 2M}}]}}]}\n",
	    ":8:110:", "mapped by 'object' (i = 0, j = 0)");
	refused("- repeat: {times: 5, as: i, steps: [{map: {space: s, va: 0, "
		"size: 4K, pa: 1G + 2 * i}}]}\n",
	    ":8:75:", "no multiple of a page (i = 1)");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("loops");
	TCase *tc = tcase_create("loops");

	tcase_add_unchecked_fixture(tc, NULL, finish);
	tcase_add_test(tc, test_nested);
	tcase_add_test(tc, test_not_at_all);
	tcase_add_test(tc, test_failures_go_on);
	tcase_add_test(tc, test_failure_stops);
	tcase_add_test(tc, test_blocks);
	tcase_add_test(tc, test_repeated);
	tcase_add_test(tc, test_places);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
