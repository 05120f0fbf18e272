/* SPDX-License-Identifier: BSD-2-Clause */
/* test_measure_map.c - the figures of three runs, by hand */
#include "kvtest.h"
#include "out/metrics.h"
#include "run/measure_map.h"

static struct kv_xlat x;
static struct kv_metrics m;

static void
setup(void)
{
	static const struct kv_xlat_run runs[] = {
	    {.vpn = 4, .pfn = 1020, .npages = 16},
	    {.vpn = 20, .pfn = 40, .npages = 3}, /* VA goes on */
	    {.vpn = 24, .pfn = 1040, .npages = 1} /* first offset again */};
	size_t i;

	for (i = 0; i < 3; i++)
		kv_xlat_add(&x, &runs[i]);
}

static void
teardown(void)
{
	kv_xlat_fini(&x);
	kv_metrics_fini(&m);
}

START_TEST(test_all)
{
	static const struct {
		const char *name;
		double value;
	} rows[] = {{"map.pages", 20}, {"map.runs", 3}, {"map.n80", 1},
	    {"map.n80_reached", 80}, {"map.n90", 2}, {"map.n90_reached", 95},
	    {"map.n99", 3}, {"map.n99_reached", 100}, {"map.cover32", 100},
	    {"map.mean_run", 20.0 / 3}, {"map.weighted_run", 266.0 / 20},
	    {"map.cdf.o0", 5}, {"map.cdf.o1", 5}, {"map.cdf.o2", 20},
	    {"map.cdf.o3", 20}, {"map.cdf.o4", 100}, {"map.cdf.o12", 100},
	    {"map.virtual.runs", 2}, {"map.virtual.n80", 1},
	    {"map.virtual.n80_reached", 95}, {"map.spot.runs", 2},
	    {"map.spot.n80", 1}, {"map.spot.n80_reached", 85},
	    /* 4..7 8..15 16..19 | 20..22 | 24 at distance 4: the fewest */
	    {"map.anchor.distance", 4}, {"map.anchor.runs", 6},
	    {"map.coalescable4", 80}, {"map.coalescable16", 0},
	    {"map.coalescable512", 0}};
	size_t i;

	kv_measure_map(&x, &m);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct kv_metric *f = kv_metrics_find(&m, rows[i].name);
		double value;

		ck_assert_msg(f != NULL, "%s", rows[i].name);
		value = f->kind == KV_METRIC_RATIO ? f->r : (double)f->u;
		ck_assert_msg(value > rows[i].value - 1e-9 &&
				  value < rows[i].value + 1e-9,
		    "%s is %f, not %f", rows[i].name, value, rows[i].value);
	}
}
END_TEST

/* Without frames: the runs of VA, and nothing that needs more. */
START_TEST(test_virtual)
{
	kv_measure_virtual(&x, &m);
	ck_assert_uint_eq(kv_metrics_find(&m, "map.virtual.runs")->u, 2);
	ck_assert_uint_eq(kv_metrics_find(&m, "map.pages")->u, 20);
	ck_assert_ptr_null(kv_metrics_find(&m, "map.runs"));
	ck_assert_ptr_null(kv_metrics_find(&m, "map.coalescable4"));
}
END_TEST

/* Every name is declared; nothing mapped divides by nothing. */
START_TEST(test_nothing)
{
	size_t i;

	kv_xlat_fini(&x);
	kv_measure_map(&x, &m);
	for (i = 0; i < m.count; i++) {
		ck_assert_msg(kv_metric_declared(m.list[i].name) != NULL, "%s",
		    m.list[i].name);
		if (m.list[i].kind == KV_METRIC_RATIO)
			ck_assert(m.list[i].r == 0);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("measure_map");
	TCase *t = tcase_create("measure_map");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_all);
	tcase_add_test(t, test_virtual);
	tcase_add_test(t, test_nothing);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
