/* SPDX-License-Identifier: BSD-2-Clause */
/* test_failing.c - each draw refused: shipped scenarios survive that */
#include <stdio.h>
#include <string.h>

#include "input.h"
#include "kvtest.h"
#include "run/failing.h"

static struct kv_scenario *sc;
static struct kv_failing f;
static struct kv_errors errors;

static void
load(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/../scenarios/%s.yaml", KV_TESTS, name);
	ck_assert_int_eq(kv_scenario_load(path, NULL, 0, &sc, &errors), 0);
}

static void
each(const char *name, uint64_t first, uint64_t second)
{
	const struct kv_failing_config cfg = {
	    .run.seed = 12345, .refuse = {first, second}};
	struct kv_buf b = {0};

	load(name);
	ck_assert_int_eq(kv_failing_run(sc, &cfg, &f, &errors), 0);
	kv_failing_text(&f, name, &b);
	ck_assert_msg(f.nfindings == 0, "%s: %s", name, b.data);
	kv_buf_fini(&b);
}

static void
done(void)
{
	kv_failing_fini(&f);
	kv_scenario_free(sc);
	sc = NULL;
}

/* A sample; `make fail-each` has them all. */
static const char *const sample[] = {"k001_one_stack", "k015_other_size",
    "k016_sizes_do_not_share", "k050_stack_cache", "n009_request_classes",
    "m010_shifted_frames", "m025_stacks_that_could_group", "m050_mapped_guard",
    "r457_nub_global_data", "v007_import_and_release", "v012_kstack_release",
    "v013_qcache_lifo_and_drain"};
enum { SAMPLE = sizeof(sample) / sizeof(sample[0]) };

START_TEST(a_sample_is_clean)
{
	each(sample[_i], 0, 0);
	ck_assert_uint_gt(f.draws, 0);
	ck_assert_uint_eq(f.runs, f.draws);
	done();
}
END_TEST

/* Before the first operation nothing runs; after it each draw is some
 * operation's, which fails or not. */
START_TEST(each_draw_is_accounted_for)
{
	uint64_t of = 0;

	each("m010_shifted_frames", 0, 0);
	for (unsigned i = 0; i < KV_DRAWS; i++)
		of += f.of[i];
	ck_assert_uint_eq(of, f.draws);
	ck_assert_uint_eq(
	    f.unbuilt + f.absorbed + f.same + f.rest + f.prefix, 2 * f.draws);
	ck_assert_uint_gt(f.unbuilt, 0);
	ck_assert_uint_gt(f.same + f.rest, 0);
	done();
}
END_TEST

/* One stack: 4 pages, and its KVA through three imports; a table for each of
 * the levels below the root. */
START_TEST(one_stack_draws)
{
	each("k001_one_stack", 0, 0);
	ck_assert_uint_eq(f.of[KV_DRAW_PAGE], 4);
	ck_assert_uint_eq(f.of[KV_DRAW_IMPORT], 3);
	ck_assert_uint_eq(f.of[KV_DRAW_TAGS], 3);
	ck_assert_uint_eq(f.of[KV_DRAW_TABLE], 1 + 3);
	ck_assert_uint_gt(f.pairs, f.runs);
	done();
}
END_TEST

START_TEST(one_draw_alone)
{
	each("k001_one_stack", 3, 0);
	ck_assert_uint_eq(f.runs, 1);
	ck_assert_uint_eq(f.pairs, 0);
	ck_assert_uint_eq(f.unbuilt, 2);
	done();
	each("k001_one_stack", 40, 41);
	ck_assert_uint_eq(f.runs, 1);
	ck_assert_uint_eq(f.pairs, 1);
	done();
}
END_TEST

/* The domain iterator of 2024 comes by twice: one page that is refused is tried
 * again, and none at all is ENOMEM; then the KVA stays imported. */
START_TEST(a_page_is_tried_again)
{
	each("k001_one_stack", 39, 0);
	ck_assert_uint_eq(f.runs + f.lasting, 2);
	ck_assert_uint_eq(f.absorbed, 1);
	ck_assert_uint_eq(f.rest, 1);
	done();
}
END_TEST

/* The unmap of systems.md D2, in a pool that has pages enough: nothing fails,
 * and nobody says where to look.  A draw that is refused shows that the routine
 * that returns early leaves a part undone and says nothing of it. */
static void
partial_unmap(const char *on_fail)
{
	const struct kv_failing_config cfg = {.run.seed = 12345};
	char text[1024];

	snprintf(text, sizeof(text),
	    "kvasir: 1\n"
	    "machine: {name: arm64-4k, memory: [{start: 15T, size: 16M}]}\n"
	    "pools: {tables: {capacity: 64}}\n"
	    "spaces: {guest: {promotion: false, tables: tables}}\n"
	    "tlb: {preset: unlimited, generation: true, on_fail: %s}\n"
	    "work:\n"
	    "  - map: {space: guest, va: 8G, pa: 8G, size: 4M, how: leaf}\n"
	    "  - touch: {space: guest, va: 8G, size: 4M}\n"
	    "  - unmap: {space: guest, va: 8G, size: 2M + 4K}\n",
	    on_fail);
	ck_assert_int_eq(
	    kv_scenario_load(input_file(text), NULL, 0, &sc, &errors), 0);
	ck_assert_int_eq(kv_failing_run(sc, &cfg, &f, &errors), 0);
	input_remove();
}

START_TEST(a_partial_unmap_is_found)
{
	bool found = false;

	partial_unmap("return");
	for (size_t i = 0; i < f.nfindings; i++)
		found |= strcmp(f.findings[i].what.id, "V8") == 0 &&
			 f.findings[i].step == KV_STEP_UNMAP &&
			 f.findings[i].kind == KV_DRAW_TABLE;
	ck_assert(found);
	ck_assert_uint_eq(f.prefix, 0);
	done();
	partial_unmap("flush");
	ck_assert_uint_eq(f.nfindings, 0);
	ck_assert_uint_gt(f.prefix, 0);
	done();
}
END_TEST

/* The partial back-out of freebsd.md 7 (F11), where memory is plenty: the run
 * itself is fine, and who refuses its pages sees what they leave behind. */
START_TEST(a_partial_back_out_is_found)
{
	static const char *const ids[] = {"V8", "freebsd-I10", "world-I1"};
	const struct kv_failing_config cfg = {.run.seed = 12345};
	bool found[3] = {false};

	ck_assert_int_eq(
	    kv_scenario_load(input_file("kvasir: 1\n"
					"machine: {name: amd64, memory: 64M}\n"
					"kstacks: {policy: freebsd-d38852}\n"
					"inject: [freebsd-F11]\n"
					"work: [{spawn: {count: 2}}]\n"),
		NULL, 0, &sc, &errors),
	    0);
	ck_assert_int_eq(kv_failing_run(sc, &cfg, &f, &errors), 0);
	for (size_t i = 0; i < f.nfindings; i++)
		for (unsigned k = 0; k < 3; k++)
			found[k] |= strcmp(f.findings[i].what.id, ids[k]) == 0;
	ck_assert(found[0] && found[1] && found[2]);
	input_remove();
	done();
}
END_TEST

/* The second map completes a superpage and goes on to a table that it cannot
 * have; taking back its part splits that superpage, with the table that the
 * promotion set free. */
START_TEST(a_promotion_keeps_its_table)
{
	const struct kv_failing_config cfg = {.run.seed = 12345};

	ck_assert_int_eq(
	    kv_scenario_load(
		input_file("kvasir: 1\n"
			   "machine: {name: amd64, memory: 64M}\n"
			   "objects: {data: {pages: 1024}}\n"
			   "work:\n"
			   "  - map: {object: data, va: 1G, pages: 500}\n"
			   "  - map: {object: data, va: 1G + 500 * 4K, "
			   "pages: 20, offset: 500}\n"
			   "  - unmap: {va: 1G + 64K, pages: 1}\n"),
		NULL, 0, &sc, &errors),
	    0);
	ck_assert_int_eq(kv_failing_run(sc, &cfg, &f, &errors), 0);
	ck_assert_uint_eq(f.nfindings, 0);
	ck_assert_uint_gt(f.rest, 0);
	/* the root, three for each of the two ranges of 2 MiB less two that
	 * they share */
	ck_assert_uint_eq(f.of[KV_DRAW_TABLE], 1 + 3 + 1);
	input_remove();
	done();
}
END_TEST

/* The same addresses as without: what is drawn one by one is the same. */
START_TEST(draws_move_no_address)
{
	struct kv_draws draws = {0};
	struct kv_run_config cfg = {.seed = 12345, .audit = 1};
	struct kv_run *run[2];

	load("k010_reference_churn");
	ck_assert_int_eq(kv_run_execute(sc, &cfg, &run[0], &errors), 0);
	cfg.draws = &draws;
	ck_assert_int_eq(kv_run_execute(sc, &cfg, &run[1], &errors), 0);
	ck_assert_uint_gt(draws.count, 4000);
	ck_assert_uint_eq(run[0]->world->fnv, run[1]->world->fnv);
	ck_assert(kv_run_passed(run[1]));
	kv_run_free(run[0]);
	kv_run_free(run[1]);
	done();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("failing");
	TCase *t = tcase_create("each");

	tcase_add_loop_test(t, a_sample_is_clean, 0, SAMPLE);
	tcase_add_test(t, each_draw_is_accounted_for);
	tcase_add_test(t, one_stack_draws);
	tcase_add_test(t, one_draw_alone);
	tcase_add_test(t, a_page_is_tried_again);
	tcase_add_test(t, a_partial_unmap_is_found);
	tcase_add_test(t, a_partial_back_out_is_found);
	tcase_add_test(t, a_promotion_keeps_its_table);
	tcase_add_test(t, draws_move_no_address);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
