/* SPDX-License-Identifier: BSD-2-Clause */
/* test_steps_touch.c - steps on the TLB, and what other steps flush from it */
#include "runrig.h"

/* Run these steps.  => the result of kv_run_execute */
static int
try_steps(const char *head, const char *steps, uint64_t seed)
{
	const struct kv_run_config cfg = {.seed = seed, .audit = 3};
	char text[512];

	snprintf(text, sizeof(text),
	    "kvasir: 1\nmachine: {name: amd64, memory: 64M}\n"
	    "objects: {o: {pages: 64}}\nspaces: {s: {}, t: {}}\n"
	    "%s\nwork:\n",
	    head);
	return execute_text(&cfg, text, steps);
}

#define TLB "tlb: {arrays: {all: {}}, tags: yes}"

static void
steps(const char *text)
{
	ck_assert_int_eq(try_steps(TLB, text, 1), 0);
}

/* Mapping over a page flushes it; mapping where nothing was flushes nothing. */
START_TEST(test_map_flushes)
{
	steps(" - map: {space: s, va: 1G, pages: 4, object: o, how: qenter}\n"
	      " - touch: {space: s, va: 1G, size: 16K}\n"
	      " - map: {space: s, va: 1G + 16K, pages: 4, object: o, how: "
	      "qenter}\n");
	ck_assert_uint_eq(figure("tlb.page_flushes"), 0);
	steps(" - map: {space: s, va: 1G, pages: 4, object: o, how: qenter}\n"
	      " - touch: {space: s, va: 1G, size: 16K}\n"
	      " - map: {space: s, va: 1G + 8K, pages: 4, object: o, offset: "
	      "8, how: qenter}\n"
	      " - touch: {space: s, va: 1G, size: 24K}\n");
	ck_assert_uint_eq(figure("tlb.page_flushes"), 4);
	ck_assert_uint_eq(figure("tlb.misses"), 8);
	ck_assert_uint_eq(figure("tlb.hits"), 2);
	ck_assert_uint_eq(figure("tlb.stale"), 0);
	ck_assert_uint_eq(run->nviolations, 0);
}
END_TEST

/* The same with the flush left out: V7, which the scenario does not expect. */
START_TEST(test_forgotten_flush)
{
	steps(" - map: {space: s, va: 1G, pages: 4, object: o, how: qenter}\n"
	      " - touch: {space: s, va: 1G, size: 16K}\n"
	      " - map: {space: s, va: 1G + 8K, pages: 4, object: o, offset: "
	      "8, how: qenter, flush: no}\n"
	      " - touch: {space: s, va: 1G, size: 24K}\n");
	ck_assert_uint_eq(figure("tlb.page_flushes"), 0);
	ck_assert_uint_eq(figure("tlb.stale_frame"), 2);
	ck_assert_uint_eq(run->nviolations, 2);
	ck_assert_str_eq(run->violations[0].id, "V7");
	ck_assert_uint_eq(
	    run->violations[0].address, (UINT64_C(1) << 30) + 8192);
	ck_assert(!kv_run_passed(run));
}
END_TEST

/* To allow less is counted, and no violation. */
START_TEST(test_restrictive)
{
	steps(" - map: {space: s, va: 1G, pages: 1, object: o, prot: r}\n"
	      " - touch: {space: s, va: 1G}\n"
	      " - protect: {space: s, va: 1G, pages: 1, prot: rw, flush: no}\n"
	      " - touch: {space: s, va: 1G}\n");
	ck_assert_uint_eq(figure("tlb.stale_restrictive"), 1);
	ck_assert_uint_eq(run->nviolations, 0);
	ck_assert(kv_run_passed(run));
}
END_TEST

/* A stack that goes takes its entries along, drain takes all. */
START_TEST(test_stacks)
{
	ck_assert_int_eq(
	    try_steps(TLB "\nkstacks: {policy: freebsd-d38852, pages: 6}",
		" - spawn: {count: 10}\n"
		" - touch: {stacks: all, times: 2}\n"
		" - dispose: {count: 3}\n",
		1),
	    0);
	ck_assert_uint_eq(figure("tlb.misses"), 60);
	ck_assert_uint_eq(figure("tlb.hits"), 60);
	ck_assert_uint_eq(figure("tlb.page_flushes"), 10 + 3 * 6);
	ck_assert_uint_eq(figure("tlb.entries"), 42);
	ck_assert_int_eq(try_steps(TLB "\nkstacks: {policy: freebsd-d38852}",
			     " - spawn: {count: 10}\n"
			     " - map: {space: s, va: 1G, pages: 1, object: o}\n"
			     " - touch: {space: s, va: 1G}\n"
			     " - touch: {stacks: all}\n"
			     " - drain: {}\n",
			     1),
	    0);
	ck_assert_uint_eq(figure("tlb.entries"), 0);
	ck_assert_uint_eq(figure("tlb.full_flushes"), 1);
}
END_TEST

/* An unmapped page is a miss and a fault, a guard as well. */
START_TEST(test_faults)
{
	steps(" - map: {space: s, va: 1G, pages: 1, object: o}\n"
	      " - touch: {space: s, va: 1G, size: 8K}\n"
	      " - touch: {space: t, va: 1G}\n");
	ck_assert_uint_eq(figure("tlb.misses"), 3);
	ck_assert_uint_eq(figure("tlb.faults"), 2);
}
END_TEST

/* size, stride: the last touch lies in the range. */
START_TEST(test_strides)
{
	steps(" - map: {space: s, va: 1G, pages: 64, object: o}\n"
	      " - touch: {space: s, va: 1G, size: 16K + 1, stride: 8K}\n"
	      " - touch: {space: s, va: 1G, size: 4K, stride: 64}\n");
	ck_assert_uint_eq(figure("tlb.misses"), 3);
	ck_assert_uint_eq(figure("tlb.hits"), 64);
}
END_TEST

/* A random order is one of the same pages, the seed's alone. */
START_TEST(test_random)
{
	static const char *const text =
	    " - map: {space: s, va: 1G, pages: 64, object: o}\n"
	    " - touch: {space: s, va: 1G, size: 256K, times: 40, order: "
	    "random}\n";
	static const char small[] = "tlb: {arrays: {all: {ways: 32}}}";
	uint64_t hits, others = 0;

	steps(text);
	ck_assert_uint_eq(figure("tlb.misses"), 64);
	ck_assert_uint_eq(figure("tlb.hits"), 39 * 64);
	ck_assert_int_eq(try_steps(small, text, 1), 0);
	hits = figure("tlb.hits");
	ck_assert_int_eq(try_steps(small, text, 1), 0);
	ck_assert_uint_eq(figure("tlb.hits"), hits);
	for (uint64_t seed = 2; seed < 6; seed++) {
		ck_assert_int_eq(try_steps(small, text, seed), 0);
		others += figure("tlb.hits") != hits;
	}
	ck_assert_uint_gt(others, 0);
	ck_assert_uint_gt(hits, 0); /* in order LRU would never hit */
}
END_TEST

/* Each flush removes what it says. */
START_TEST(test_flushes)
{
	static const struct {
		const char *flush, *metric;
		uint64_t entries;
	} rows[] = {{"{what: all}", "tlb.full_flushes", 0},
	    {"{what: nonglobal}", "tlb.nonglobal_flushes", 2},
	    {"{what: tag, space: s}", "tlb.tag_flushes", 4},
	    {"{space: s, va: 1G}", "tlb.page_flushes", 5},
	    {"{space: s, va: 1G, size: 4K}", "tlb.page_flushes", 5},
	    {"{va: 1G + 8K}", "tlb.page_flushes", 5}};
	static char text[1024];

	/* s: 2 pages; t: 2 pages; global of both: 2 */
	snprintf(text, sizeof(text),
	    " - map: {space: s, va: 1G, pages: 2, object: o}\n"
	    " - map: {space: t, va: 1G, pages: 2, object: o}\n"
	    " - map: {space: s, va: 1G + 8K, pages: 2, object: o, global: "
	    "yes}\n"
	    " - touch: {space: s, va: 1G, size: 16K}\n"
	    " - touch: {space: t, va: 1G, size: 8K}\n"
	    " - flush: %s\n",
	    rows[_i].flush);
	steps(text);
	ck_assert_uint_eq(figure(rows[_i].metric), 1);
	ck_assert_uint_eq(figure("tlb.entries"), rows[_i].entries);
}
END_TEST

/* A block that got no address is touched nowhere. */
START_TEST(test_late)
{
	ck_assert_int_eq(
	    try_steps(TLB "\narenas: {va: {base: 1G, size: 16K}}",
		" - alloc: {arena: va, size: 8K, as: a}\n"
		" - map: {va: machine.kva_start, pages: 1, object: o}\n"
		" - touch: {space: s, va: block.a.va, size: 8K}\n",
		1),
	    0);
	ck_assert_uint_eq(figure("tlb.faults"), 2);
	ck_assert_int_eq(try_steps(TLB "\narenas: {va: {base: 1G, size: 16K}}",
			     " - alloc: {arena: va, size: 32K, as: a}\n"
			     " - touch: {space: s, va: block.a.va, size: 8K}\n",
			     1),
	    0);
	ck_assert_uint_eq(figure("tlb.misses"), 0);
}
END_TEST

/* What the reader of the section makes of it. */
START_TEST(test_section)
{
	const struct kv_tlb_config *t;

	ck_assert_int_eq(
	    try_steps("tlb: {preset: amd-zen2, tags: no, coalesce: 1}",
		" - flush: {what: all}\n", 1),
	    0);
	t = sc->tlb;
	ck_assert_str_eq(t->name, "amd-zen2");
	ck_assert_uint_eq(t->coalesce, 0);
	ck_assert(!t->tags);
	ck_assert_int_eq(
	    try_steps("tlb: {arrays: {b: {sets: 4, ways: 2, sizes: "
		      "[4K]}, a: {sizes: [2M, 1G]}}, coalesce: 8}",
		" - flush: {what: all}\n", 1),
	    0);
	t = sc->tlb;
	ck_assert_uint_eq(t->narrays, 2);
	ck_assert_str_eq(t->arrays[0].name, "b");
	ck_assert_uint_eq(t->arrays[0].sets, 4);
	ck_assert_uint_eq(t->arrays[0].ways, 2);
	ck_assert_uint_eq(t->arrays[0].levels, 1);
	ck_assert_uint_eq(t->arrays[0].groups, 0);
	ck_assert_uint_eq(t->arrays[1].levels, 6);
	ck_assert_uint_eq(t->arrays[1].ways, 0);
	ck_assert_uint_eq(t->coalesce, 3);
	ck_assert(!t->tags);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("steps_touch");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, NULL, finish);
	tcase_add_test(tc, test_map_flushes);
	tcase_add_test(tc, test_forgotten_flush);
	tcase_add_test(tc, test_restrictive);
	tcase_add_test(tc, test_stacks);
	tcase_add_test(tc, test_faults);
	tcase_add_test(tc, test_strides);
	tcase_add_test(tc, test_random);
	tcase_add_loop_test(tc, test_flushes, 0, 6);
	tcase_add_test(tc, test_late);
	tcase_add_test(tc, test_section);
	suite_add_tcase(suite, tc);
	return kv_test_main(suite);
}
