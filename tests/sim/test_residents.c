/* SPDX-License-Identifier: BSD-2-Clause */
/* test_residents.c - spaces that lose their tables, and regain them */
#include "runrig.h"

#define HEAD                                            \
	"kvasir: 1\n"                                   \
	"machine: {name: amd64, memory: 64M}\n"         \
	"objects: {o: {pages: 1024}, p: {pages: 64}}\n" \
	"pools: {pt: {capacity: 11, reclaim: empty}}\n" \
	"spaces:\n"                                     \
	"  a: {promotion: false}\n"                     \
	"  b: {promotion: false}\n"                     \
	"  c: {promotion: false, tables: pt}\n"         \
	"  d: {promotion: false, tables: pt}\n"         \
	"  image: {promotion: false, template: true}\n" \
	"residents: {limit: 1}\n"                       \
	"tlb: {preset: unlimited}\n"                    \
	"work:\n"

static void
runs(const char *steps)
{
	const struct kv_run_config cfg = {.seed = 12345, .audit = 3};

	if (execute_text(&cfg, HEAD, steps) != 0)
		ck_abort_msg("%s", errors.list[0].text);
	ck_assert_uint_eq(run->nviolations, 0);
}

/* Leaves of any size and any rights, and nothing else, come back. */
START_TEST(test_leaves)
{
	runs("- map: {space: a, va: 1G, pages: 3, object: p, prot: rx}\n"
	     "- map: {space: a, va: 2G, size: 4M, object: o, how: leaf}\n"
	     "- map: {space: a, va: 512G, pages: 2, object: p, offset: 9}\n"
	     "- unmap: {space: a, va: 512G, pages: 1}\n"
	     "- enter: {sequence: AB}\n");
	ck_assert_uint_eq(figure("residents.evictions"), 1);
	ck_assert_uint_eq(figure("space.a.mapped_bytes"), 0);
	ck_assert_uint_eq(figure("space.a.pt_pages"), 1);
	runs("- map: {space: a, va: 1G, pages: 3, object: p, prot: rx}\n"
	     "- map: {space: a, va: 2G, size: 4M, object: o, how: leaf}\n"
	     "- map: {space: a, va: 512G, pages: 2, object: p, offset: 9}\n"
	     "- unmap: {space: a, va: 512G, pages: 1}\n"
	     "- enter: {sequence: ABA}\n");
	ck_assert_uint_eq(figure("residents.rebuilds"), 1);
	ck_assert_uint_eq(figure("residents.leaf_writes"), 3 + 2 + 1);
	ck_assert_uint_eq(
	    figure("space.a.mapped_bytes"), (4 << 20) + (4 << 12));
	ck_assert_uint_eq(figure("residents.changed"), 0);
}
END_TEST

/* Who asks for the tables of a space that lost them has them again. */
START_TEST(test_needed)
{
	static const char *const steps[] = {
	    "- touch: {space: a, va: 1G, size: 8K}\n",
	    "- protect: {space: a, va: 1G, pages: 1, prot: r}\n",
	    "- map: {space: a, va: 2G, pages: 1, object: p, offset: 5}\n",
	    "- park: {space: a}\n"};
	char text[400];

	snprintf(text, sizeof(text),
	    "- map: {space: a, va: 1G, pages: 2, object: p}\n"
	    "- enter: {sequence: AB}\n%s",
	    steps[_i]);
	runs(text);
	ck_assert_uint_eq(figure("residents.rebuilds"), 1);
	ck_assert_uint_eq(figure("residents.evictions"), 2);
	ck_assert_uint_eq(figure("residents.spaces"), 1);
	ck_assert_uint_eq(figure("tlb.faults"), 0);
	ck_assert_uint_ge(figure("space.a.mapped_bytes"), 2 << 12);
}
END_TEST

START_TEST(test_dropped)
{
	runs("- map: {space: a, va: 0, pages: 2, object: p, data: cow_eager}\n"
	     "- enter: {sequence: AB}\n"
	     "- drop: {space: a}\n"
	     "- enter: {space: b}\n");
	ck_assert_uint_eq(figure("residents.spaces"), 1);
	ck_assert_uint_eq(figure("space.a.mapped_bytes"), 0);
}
END_TEST

/* A pool gets the lowest tables back: c has two of them, d one.  One is too
 * few for c, and nothing of it is there then. */
START_TEST(test_no_tables)
{
	runs("- map: {space: c, va: 0, pages: 1, object: p}\n"
	     "- map: {space: c, va: 512G, pages: 1, object: p, offset: 1}\n"
	     "- map: {space: d, va: 0, pages: 1, object: p, offset: 2}\n"
	     "- enter: {sequence: CD}\n"
	     "- draw: {pool: pt, pages: 2}\n"
	     "- enter: {space: c}\n");
	ck_assert_uint_eq(figure("residents.failed"), 1);
	ck_assert_uint_eq(figure("residents.spaces"), 0);
	ck_assert_uint_eq(figure("space.c.mapped_bytes"), 0);
	ck_assert_uint_eq(figure("space.c.pt_pages"), 5);
	runs("- map: {space: c, va: 0, pages: 1, object: p}\n"
	     "- map: {space: c, va: 512G, pages: 1, object: p, offset: 1}\n"
	     "- map: {space: d, va: 0, pages: 1, object: p, offset: 2}\n"
	     "- enter: {sequence: CD}\n"
	     "- draw: {pool: pt, pages: 1}\n"
	     "- enter: {sequence: CDC}\n");
	ck_assert_uint_eq(figure("residents.failed"), 0);
	ck_assert_uint_eq(figure("residents.rebuilds"), 3);
}
END_TEST

/* No entry stays, global or not, for the next space to find (V7). */
START_TEST(test_flushed)
{
	runs("- map: {space: a, va: 1G, pages: 2, object: p, global: yes}\n"
	     "- map: {space: a, va: 2G, pages: 2, object: p, offset: 2}\n"
	     "- map: {space: b, va: 1G, pages: 1, object: p, offset: 8}\n"
	     "- enter: {space: a}\n"
	     "- touch: {space: a, va: 1G, size: 8K}\n"
	     "- touch: {space: a, va: 2G, size: 8K}\n"
	     "- enter: {space: b}\n"
	     "- touch: {space: b, va: 1G, size: 8K}\n");
	ck_assert_uint_eq(figure("tlb.page_flushes"), 2);
	ck_assert_uint_eq(figure("tlb.stale"), 0);
	ck_assert_uint_eq(figure("tlb.faults"), 1);
}
END_TEST

/* What a template lends stays where it is. */
START_TEST(test_grafted)
{
	runs("- map: {space: image, va: 513G, pages: 4, object: p}\n"
	     "- graft: {space: a, from: image, va: 513G}\n"
	     "- map: {space: a, va: 0, pages: 1, object: p, offset: 9}\n"
	     "- enter: {sequence: ABA}\n"
	     "- touch: {space: a, va: 513G, size: 16K}\n");
	ck_assert_uint_eq(figure("residents.leaf_writes"), 1);
	ck_assert_uint_eq(figure("residents.changed"), 0);
	ck_assert_uint_eq(figure("tlb.faults"), 0);
}
END_TEST

/* Pages of a space that is away are given back with the others. */
START_TEST(test_drained)
{
	runs("- map: {space: a, va: 0, pages: 8, object: p, data: cow_lazy}\n"
	     "- enter: {space: a}\n"
	     "- touch: {space: a, va: 0, size: 16K, write: yes}\n"
	     "- enter: {space: b}\n"
	     "- drain: {}\n"
	     "- enter: {space: a}\n");
	ck_assert_uint_eq(figure("residents.rebuilds"), 0);
	kv_run_drain(run);
	ck_assert_uint_eq(run->nviolations, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("residents");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, NULL, finish);
	tcase_add_test(tc, test_leaves);
	tcase_add_loop_test(tc, test_needed, 0, 4);
	tcase_add_test(tc, test_dropped);
	tcase_add_test(tc, test_no_tables);
	tcase_add_test(tc, test_flushed);
	tcase_add_test(tc, test_grafted);
	tcase_add_test(tc, test_drained);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
