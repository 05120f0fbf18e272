/* SPDX-License-Identifier: BSD-2-Clause */
/* test_sample.c - series over a run: which instants, which columns */
#include <math.h>

#include "input.h"
#include "kvtest.h"
#include "out/report_run.h"
#include "run/runner.h"

#define HEAD                                  \
	"kvasir: 1\nmachine: {memory: 16M}\n" \
	"kstacks: {policy: freebsd-d38852}\n" \
	"metrics: {share: 100 * kstack.created / kstack.live}\n"

static struct kv_scenario *sc;
static struct kv_run *run;
static struct kv_errors errors;
static const struct kv_run_config cfg = {.seed = 1, .audit = 1};

static void
teardown(void)
{
	kv_run_free(run);
	kv_scenario_free(sc);
	kv_errors_fini(&errors);
	input_remove();
}

static const struct kv_sampled *
run_text(const char *text)
{
	ck_assert_int_eq(
	    kv_scenario_load(input_file(text), NULL, 0, &sc, &errors), 0);
	ck_assert_int_eq(kv_run_execute(sc, &cfg, &run, &errors), 0);
	return run->sampled;
}

/* At 0, at every fourth, and at the end. */
START_TEST(test_instants)
{
	static const double want[] = {0, 4, 8, 10};
	const struct kv_sampled *s =
	    run_text(HEAD "sample: {a: {every: 4, of: [kstack.live]}}\n"
			  "work: [spawn: {count: 10}]\n");
	size_t i;

	ck_assert_uint_eq(s->nrows, 4);
	ck_assert_uint_eq(s->ncolumns, 2);
	ck_assert_str_eq(s->columns[0], "op");
	for (i = 0; i < 4; i++) {
		ck_assert(s->rows[2 * i] == want[i]);
		ck_assert(s->rows[2 * i + 1] == want[i]); /* a stack an op */
	}
}
END_TEST

/* A last sample that was taken already is not taken twice. */
START_TEST(test_end_is_due)
{
	const struct kv_sampled *s =
	    run_text(HEAD "sample: {a: {every: 5, of: [kstack.live]},\n"
			  "  b: {every: 99, of: [kstack.failed]}}\n"
			  "work: [spawn: {count: 10}]\n");

	ck_assert_uint_eq(s[0].nrows, 3);
	ck_assert_uint_eq(s[1].nrows, 2);
	ck_assert(s[1].rows[2] == 10);
}
END_TEST

START_TEST(test_hundredth)
{
	const struct kv_sampled *s =
	    run_text(HEAD "sample: {a: {of: [kstack.live]}}\n"
			  "work: [churn: {steps: 1000, limit: 9}]\n");

	ck_assert_uint_eq(s->every, 10);
	ck_assert_uint_eq(s->nrows, 101);
}
END_TEST

/* All orders of the machine, as they follow; and a share of nothing. */
START_TEST(test_columns)
{
	const struct kv_sampled *s = run_text(
	    HEAD "sample: {a: {every: 2, of: [phys.blocks.*, share]}}\n"
		 "work: [spawn: {count: 2}]\n");
	unsigned orders = sc->machine->max_order + 1;

	ck_assert_uint_eq(s->ncolumns, orders + 2);
	ck_assert_str_eq(s->columns[1], "phys.blocks.o0");
	ck_assert_str_eq(s->columns[orders], "phys.blocks.o12");
	ck_assert(s->rows[orders] == 1); /* 16 MiB from 16 MiB: one block */
	ck_assert(isnan(s->rows[orders + 1]));
	ck_assert(s->rows[2 * orders + 3] == 100);
	/* What could not be computed then is no failure now. */
	ck_assert(kv_run_passed(run));
}
END_TEST

START_TEST(test_written)
{
	struct kv_series series;
	struct kv_buf b = {0};
	struct kv_emit e;

	run_text(HEAD "sample: {a: {every: 2, of: [share]}}\n"
		      "work: [spawn: {count: 2}]\n");
	series = kv_report_run_series(run, 0);
	kv_emit_init(&e, &b, KV_FORM_COLUMNS);
	kv_emit_series(&e, &series);
	ck_assert_ptr_nonnull(strstr(b.data, "\n# op share\n0 NaN\n2 100\n"));
	b.size = 0;
	kv_report_run_json(run, &b);
	ck_assert_ptr_nonnull(strstr(b.data, "[0,null]"));
	ck_assert_ptr_nonnull(strstr(b.data, "[2,100]"));
	kv_buf_fini(&b);
}
END_TEST

/* One more than 10000 is a mistake; it is known once the work is counted. */
START_TEST(test_too_often)
{
	static const char text[] =
	    HEAD "sample:\n  a: {every: 1, of: [kstack.live]}\n"
		 "work: [churn: {steps: 10001, limit: 9}]\n";
	const char *path = input_file(text);

	ck_assert_int_eq(kv_scenario_load(path, NULL, 0, &sc, &errors), 0);
	ck_assert_int_ne(kv_run_execute(sc, &cfg, &run, &errors), 0);
	ck_assert_uint_eq(errors.count, 1);
	ck_assert_ptr_nonnull(
	    strstr(errors.list[0].text, ":6:3: more than 10000 samples"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sample");
	TCase *t = tcase_create("sample");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, test_instants);
	tcase_add_test(t, test_end_is_due);
	tcase_add_test(t, test_hundredth);
	tcase_add_test(t, test_columns);
	tcase_add_test(t, test_written);
	tcase_add_test(t, test_too_often);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
