/* SPDX-License-Identifier: BSD-2-Clause */
/* test_plot_tlb.c - data of pictures, held against closed forms */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "in/scenario.h"
#include "input.h"
#include "kvtest.h"
#include "out/plot_tlb.h"

/* The n-th line that is no comment, from 0. */
static const char *
row(const struct kv_buf *b, unsigned n)
{
	const char *line = b->data;

	while (line[0] == '#' || n-- != 0) {
		line = strchr(line, '\n');
		ck_assert_ptr_nonnull(line);
		line++;
	}
	return line;
}

static void
row_is(const char *line, const double *want, unsigned n)
{
	char *end;

	for (unsigned i = 0; i < n; i++) {
		double got = strtod(line, &end);

		ck_assert_msg(end != line && fabs(got - want[i]) < 0.0001,
		    "column %u: %f, not %f", i, got, want[i]);
		line = end;
	}
}

/* The table of metrics.md 2, 4 pages: stride, stacks in 2 MiB, use of PTEs,
 * bytes of PTE pages, share of stacks that coalesce. */
START_TEST(test_guards)
{
	static const double share[] = {100, 25, 50, 25, 100};
	struct kv_buf b = {0};

	kv_plot_guards(&b, kv_machine_find("amd64"));
	for (unsigned g = 0; g < 5; g++) {
		double kpages = 4 + g;
		double with_16k = 4 - 3 * share[g] / 100;
		double want[] = {g, 4096 * kpages, 512 / kpages, 400 / kpages,
		    8 * kpages, 4, with_16k, g == 0 ? 0.25 : with_16k,
		    share[g]};

		row_is(row(&b, 1 + g), want, 9);
	}
	kv_buf_fini(&b);
}
END_TEST

/* A base page of 16 KiB is what 16 KiB can cover: nothing to coalesce. */
START_TEST(test_guards_16k)
{
	const struct kv_machine *m = kv_machine_find("arm64-16k");
	double n = m->kstack_pages, kpages = n + 1;
	double want[] = {1, 16384 * kpages, 2048 / kpages, 100 * n / kpages,
	    8 * kpages, n, n};
	struct kv_buf b = {0};

	kv_plot_guards(&b, m);
	row_is(row(&b, 2), want, 7);
	kv_buf_fini(&b);
}
END_TEST

static struct kv_scenario *sc;
static struct kv_run *run;

static void
execute(const char *text)
{
	const struct kv_run_config cfg = {
	    .seed = 1, .audit = 1, .nsamples = 100};
	struct kv_errors errors = {0};

	if (kv_scenario_load(input_file(text), NULL, 0, &sc, &errors) != 0 ||
	    kv_run_execute(sc, &cfg, &run, &errors) != 0)
		ck_abort_msg("%s", errors.list[0].text);
}

static void
finish(void)
{
	kv_run_free(run);
	kv_scenario_free(sc);
	input_remove();
}

/* Half a superpage, a whole one, one with a hole: a row each, and one before */
START_TEST(test_promotion)
{
	static const double page = 4096, half = 1048576, big = 2097152;
	const double want[4][4] = {{0, 0, 0, NAN}, {1, half, 0, 0},
	    {2, big, big, 100}, {3, big - page, 0, 0}};
	struct kv_buf b = {0};

	execute("kvasir: 1\nmachine: {name: amd64, memory: 64M}\n"
		"objects: {o: {pages: 512}}\nspaces: {s: {}}\nwork:\n"
		" - map: {space: s, va: 1G, size: 1M, object: o}\n"
		" - map: {space: s, va: 1G + 1M, size: 1M, object: o, offset: "
		"256}\n"
		" - unmap: {space: s, va: 1G, pages: 1}\n");
	kv_plot_promotion(&b, &run->timeline);
	ck_assert_uint_eq(run->timeline.nsamples, 4);
	row_is(row(&b, 1), want[0], 3);
	ck_assert_ptr_nonnull(strstr(row(&b, 1), "NaN"));
	for (unsigned i = 1; i < 4; i++)
		row_is(row(&b, 1 + i), want[i], 4);
	b.size = 0;
	kv_plot_entries(&b, run->world);
	ck_assert_ptr_nonnull(strstr(b.data, "\n\"kernel\" 0 0 0 0\n"));
	ck_assert_ptr_nonnull(strstr(b.data, "\n\"s\" 511 130 37 37\n"));
	kv_buf_fini(&b);
}
END_TEST

/* The row of a run on KVM; without one all is zero. */
START_TEST(test_huge)
{
	struct kv_buf b = {0};

	execute("kvasir: 1\nkstacks: {policy: freebsd-linear}\n"
		"machine: {name: amd64, memory: 64M}\n"
		"metrics: {other: 1}\n");
	kv_plot_huge(&b, run);
	ck_assert_ptr_nonnull(strstr(b.data, "\n\"old\" 0 0 0\n"));
	kv_metrics_put_uint(
	    &run->metrics, KV_METRIC_BYTES, "host.resident_bytes", 7);
	kv_metrics_put_uint(
	    &run->metrics, KV_METRIC_BYTES, "host.huge_bytes", 5);
	kv_metrics_put_uint(
	    &run->metrics, KV_METRIC_COUNT, "host.contiguous_runs", 3);
	b.size = 0;
	kv_plot_huge(&b, run);
	ck_assert_ptr_nonnull(strstr(b.data, "\n\"old\" 7 5 3\n"));
	kv_buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("plot_tlb");
	TCase *closed = tcase_create("closed forms");
	TCase *runs = tcase_create("runs");

	tcase_add_test(closed, test_guards);
	tcase_add_test(closed, test_guards_16k);
	tcase_add_checked_fixture(runs, NULL, finish);
	tcase_add_test(runs, test_promotion);
	tcase_add_test(runs, test_huge);
	suite_add_tcase(suite, closed);
	suite_add_tcase(suite, runs);
	return kv_test_main(suite);
}
