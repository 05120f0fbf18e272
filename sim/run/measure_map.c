/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_map.c - the figures of translation runs, map.* */
#include "run/measure_map.h"

#include <stdio.h>

enum { NAME_SIZE = 64 };

static double
percent(uint64_t a, uint64_t b)
{
	return b == 0 ? 0 : 100 * ((double)a / (double)b);
}

/* map.n80 is of RANGE; the others have a word of theirs: map.spot.n80. */
void
kv_measure_map_name(
    char *s, size_t size, enum kv_xlat_family family, const char *figure)
{
	static const char *const words[] = {[KV_XLAT_RANGE] = NULL,
	    [KV_XLAT_VIRTUAL] = "virtual",
	    [KV_XLAT_ANCHOR] = "anchor",
	    [KV_XLAT_SPOT] = "spot"};

	if (words[family] == NULL)
		snprintf(s, size, "map.%s", figure);
	else
		snprintf(s, size, "map.%s.%s", words[family], figure);
}

static void
put(struct kv_metrics *m, const char *name, uint64_t value)
{
	kv_metrics_put_uint(m, KV_METRIC_COUNT, name, value);
}

static void
measure_needed(const struct kv_lengths *l, enum kv_xlat_family family,
    struct kv_metrics *m)
{
	static const struct {
		unsigned percent;
		const char *needed, *reached;
	} rows[] = {{80, "n80", "n80_reached"}, {90, "n90", "n90_reached"},
	    {99, "n99", "n99_reached"}};
	char name[NAME_SIZE];
	uint64_t covered;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kv_measure_map_name(name, sizeof(name), family, rows[i].needed);
		put(m, name, kv_lengths_needed(l, rows[i].percent, &covered));
		kv_measure_map_name(
		    name, sizeof(name), family, rows[i].reached);
		kv_metrics_put_ratio(m, name, percent(covered, l->pages));
	}
}

static void
measure_cover(const struct kv_lengths *l, enum kv_xlat_family family,
    struct kv_metrics *m)
{
	static const struct {
		unsigned longest;
		const char *figure;
	} rows[] = {{32, "cover32"}, {64, "cover64"}, {128, "cover128"},
	    {256, "cover256"}};
	char name[NAME_SIZE];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kv_measure_map_name(name, sizeof(name), family, rows[i].figure);
		kv_metrics_put_ratio(m, name,
		    percent(kv_lengths_cover(l, rows[i].longest), l->pages));
	}
}

static void
measure_means(const struct kv_lengths *l, struct kv_metrics *m)
{
	kv_metrics_put_ratio(m, "map.mean_run",
	    l->runs == 0 ? 0 : (double)l->pages / (double)l->runs);
	kv_metrics_put_ratio(m, "map.weighted_run", kv_lengths_weighted(l));
}

/* The distribution, as papers draw it (metrics.md 8). */
static void
measure_cdf(const struct kv_lengths *l, struct kv_metrics *m)
{
	char name[NAME_SIZE];
	unsigned order;

	for (order = 0; order < KV_MEASURE_CDF_ORDERS; order++) {
		snprintf(name, sizeof(name), "map.cdf.o%u", order);
		kv_metrics_put_ratio(m, name,
		    percent(
			kv_lengths_upto(l, UINT64_C(1) << order), l->pages));
	}
}

static void
measure_family(const struct kv_xlat *x, enum kv_xlat_family family,
    unsigned anchor_order, struct kv_metrics *m)
{
	struct kv_lengths l;
	char name[NAME_SIZE];

	kv_xlat_lengths(x, family, anchor_order, &l);
	kv_measure_map_name(name, sizeof(name), family, "runs");
	put(m, name, l.runs);
	measure_needed(&l, family, m);
	measure_cover(&l, family, m);
	put(m, "map.pages", l.pages); /* the same in all families */
	if (family == KV_XLAT_RANGE) {
		measure_means(&l, m);
		measure_cdf(&l, m);
	}
	kv_lengths_fini(&l);
}

void
kv_measure_map(const struct kv_xlat *x, struct kv_metrics *m)
{
	static const unsigned orders[] = {2, 4, 9}; /* 4, 16, 512 pages */
	unsigned anchor = kv_xlat_anchor(x), f;
	uint64_t pages;
	char name[NAME_SIZE];
	size_t i;

	for (f = 0; f < KV_XLAT_FAMILIES; f++)
		measure_family(x, (enum kv_xlat_family)f, anchor, m);
	put(m, "map.anchor.distance", UINT64_C(1) << anchor);
	pages = kv_metrics_find(m, "map.pages")->u;
	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		unsigned n = 1u << orders[i];

		snprintf(name, sizeof(name), "map.coalescable%u", n);
		kv_metrics_put_ratio(
		    m, name, percent(kv_xlat_coalescable(x, n), pages));
	}
}

void
kv_measure_virtual(const struct kv_xlat *x, struct kv_metrics *m)
{
	measure_family(x, KV_XLAT_VIRTUAL, 0, m);
}
