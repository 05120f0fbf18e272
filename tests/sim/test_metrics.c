/* SPDX-License-Identifier: BSD-2-Clause */
/* test_metrics.c - the table of names and the sets of figures */
#include <stdio.h>
#include <string.h>

#include "kvtest.h"
#include "out/metrics.h"

/* Each name once, in order, with a meaning. */
START_TEST(test_table)
{
	size_t count, i;
	const struct kv_metric_decl *rows = kv_metric_table(&count);

	ck_assert_uint_gt(count, 0);
	for (i = 0; i < count; i++) {
		ck_assert_ptr_nonnull(strchr(rows[i].name, '.'));
		ck_assert_str_ne(rows[i].about, "");
		if (i != 0)
			ck_assert_str_lt(rows[i - 1].name, rows[i].name);
	}
}
END_TEST

/* What scripts read (interface.md), as far as this version knows it. */
START_TEST(test_promised_names)
{
	static const char *const names[] = {"trace.fnv", "kstack.live",
	    "kstack.created", "kstack.failed", "kstack.phys_contiguous",
	    "kstack.pa16k_aligned", "kstack.va16k_aligned",
	    "kstack.coalescable_16k", "kstack.arena_imports",
	    "kstack.arena_releases", "kstack.cache_hits", "kstack.cache_misses",
	    "kstack.wrong_domain", "kstack.pattern", "reserv.full",
	    "reserv.partial", "reserv.unused_pages", "reserv.broken",
	    "reserv.freed", "reserv.reclaimed", "phys.free_pages",
	    "phys.frag_index.oN", "phys.fmfi.oN", "phys.unusable_index.oN",
	    "map.runs", "map.n80", "map.n90", "map.n99", "map.cover32",
	    "map.cover128", "guard.mapped", "vmem.NAME.size", "vmem.NAME.inuse",
	    "vmem.NAME.maxfree", "vmem.NAME.largest_free"};
	size_t count, i, j;
	const struct kv_metric_decl *rows = kv_metric_table(&count);

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (j = 0; j < count; j++)
			if (strcmp(rows[j].name, names[i]) == 0)
				break;
		ck_assert_msg(j < count, "%s is not declared", names[i]);
	}
}
END_TEST

/* NAME and N stand for what they say, and for nothing less. */
START_TEST(test_declared)
{
	ck_assert_str_eq(
	    kv_metric_declared("vmem.kernel.size")->name, "vmem.NAME.size");
	ck_assert_str_eq(
	    kv_metric_declared("vmem.a.b.size")->name, "vmem.NAME.size");
	ck_assert_str_eq(
	    kv_metric_declared("phys.fmfi.o12")->name, "phys.fmfi.oN");
	ck_assert_str_eq(
	    kv_metric_declared("kstack.live")->name, "kstack.live");
	ck_assert_str_eq(kv_metric_declared("phys.domain12.inuse")->name,
	    "phys.domainN.inuse");
	ck_assert_ptr_null(kv_metric_declared("phys.domain.inuse"));
	ck_assert_ptr_null(kv_metric_declared("phys.domain1x.inuse"));
	ck_assert_ptr_null(kv_metric_declared("vmem.size"));
	ck_assert_ptr_null(kv_metric_declared("vmem..size"));
	ck_assert_ptr_null(kv_metric_declared("phys.fmfi.o"));
	ck_assert_ptr_null(kv_metric_declared("phys.fmfi.o1x"));
	ck_assert_ptr_null(kv_metric_declared("kstack.liv"));
	ck_assert_ptr_null(kv_metric_declared("kstack.lives"));
	ck_assert_ptr_null(kv_metric_declared(""));
}
END_TEST

START_TEST(test_put_find_sort)
{
	struct kv_metrics m = {0};
	char name[16];
	unsigned i;

	ck_assert_ptr_null(kv_metrics_find(&m, "b"));
	kv_metrics_put_uint(&m, KV_METRIC_COUNT, "b", 1);
	kv_metrics_put_text(&m, "a", "word");
	kv_metrics_put_int(&m, "c", -3);
	kv_metrics_put_ratio(&m, "d", 0.5);
	ck_assert_uint_eq(kv_metrics_find(&m, "b")->u, 1);
	ck_assert_str_eq(kv_metrics_find(&m, "a")->text, "word");
	ck_assert_int_eq(kv_metrics_find(&m, "c")->i, -3);
	ck_assert(kv_metrics_find(&m, "d")->r == 0.5);
	/* A name that is there is replaced, kind and all. */
	kv_metrics_put_uint(&m, KV_METRIC_HEX, "a", 255);
	ck_assert_uint_eq(m.count, 4);
	ck_assert_int_eq(kv_metrics_find(&m, "a")->kind, KV_METRIC_HEX);
	ck_assert_ptr_null(kv_metrics_find(&m, "a")->text);
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "x%03u", 199 - i);
		kv_metrics_put_uint(&m, KV_METRIC_COUNT, name, i);
	}
	kv_metrics_sort(&m);
	ck_assert_uint_eq(m.count, 204);
	for (i = 1; i < m.count; i++)
		ck_assert_str_lt(m.list[i - 1].name, m.list[i].name);
	ck_assert_uint_eq(kv_metrics_find(&m, "x000")->u, 199);
	kv_metrics_fini(&m);
	ck_assert_uint_eq(m.count, 0);
}
END_TEST

/* A text may be put over itself. */
START_TEST(test_put_own_text)
{
	struct kv_metrics m = {0};

	kv_metrics_put_text(&m, "a", "word");
	kv_metrics_put_text(&m, "a", kv_metrics_find(&m, "a")->text);
	ck_assert_str_eq(kv_metrics_find(&m, "a")->text, "word");
	kv_metrics_fini(&m);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("metrics");
	TCase *t = tcase_create("metrics");

	tcase_add_test(t, test_table);
	tcase_add_test(t, test_promised_names);
	tcase_add_test(t, test_declared);
	tcase_add_test(t, test_put_find_sort);
	tcase_add_test(t, test_put_own_text);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
