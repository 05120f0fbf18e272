/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_tlb.c - figures of a translation cache (metrics.md 10) */
#include "run/measure_tlb.h"

#include <stdio.h>

enum { NAME_SIZE = 64 };

struct row {
	const char *name;
	uint64_t value;
};

static void
put_rows(const struct row *rows, size_t n, struct kv_metrics *m)
{
	for (size_t i = 0; i < n; i++)
		kv_metrics_put_uint(
		    m, KV_METRIC_COUNT, rows[i].name, rows[i].value);
}

static void
put_array(
    const char *array, const char *what, uint64_t value, struct kv_metrics *m)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "tlb.%s.%s", array, what);
	kv_metrics_put_uint(m, KV_METRIC_COUNT, name, value);
}

static void
put_cpus(const struct kv_cpus *cpus, struct kv_metrics *m)
{
	const unsigned count = cpus->cfg.count;
	char cpu[16];

	if (count == 1)
		return;
	kv_metrics_put_uint(
	    m, KV_METRIC_COUNT, "tlb.shootdowns", cpus->shootdowns);
	for (unsigned i = 0; i < count; i++) {
		struct kv_tlb_stats s = kv_tlb_stats(kv_cpus_tlb_of(cpus, i));

		snprintf(cpu, sizeof(cpu), "cpu%u", i);
		put_array(cpu, "hits", s.hits, m);
		put_array(cpu, "misses", s.misses, m);
		put_array(cpu, "stale", s.stale, m);
	}
}

void
kv_measure_tlb(const struct kv_cpus *cpus, struct kv_metrics *m)
{
	const struct kv_tlb_config *cfg =
	    kv_tlb_config(kv_cpus_tlb_of(cpus, 0));
	struct kv_tlb_stats s = kv_cpus_stats(cpus);
	uint64_t touches = s.hits + s.misses + s.stale;
	const struct row rows[] = {{"tlb.hits", s.hits},
	    {"tlb.misses", s.misses}, {"tlb.faults", s.faults},
	    {"tlb.stale", s.stale}, {"tlb.stale_frame", s.stale_frame},
	    {"tlb.stale_permissive", s.stale_permissive},
	    {"tlb.stale_restrictive", s.stale_restrictive},
	    {"tlb.evictions", s.evictions}, {"tlb.coalesced", s.coalesced},
	    {"tlb.page_flushes", s.page_flushes},
	    {"tlb.tag_flushes", s.tag_flushes},
	    {"tlb.nonglobal_flushes", s.nonglobal_flushes},
	    {"tlb.full_flushes", s.full_flushes}, {"tlb.entries", s.entries}};

	put_rows(rows, sizeof(rows) / sizeof(rows[0]), m);
	kv_metrics_put_uint(m, KV_METRIC_BYTES, "tlb.reach_bytes", s.reach);
	kv_metrics_put_ratio(m, "tlb.misses_per_1000",
	    touches == 0 ? 0 : 1000.0 * (double)s.misses / (double)touches);
	put_cpus(cpus, m);
	for (unsigned i = 0; i < cfg->narrays; i++) {
		put_array(cfg->arrays[i].name, "hits", s.array[i].hits, m);
		put_array(
		    cfg->arrays[i].name, "entries", s.array[i].entries, m);
	}
}

void
kv_measure_cover(
    const struct kv_space *spaces, size_t nspaces, struct kv_metrics *m)
{
	struct kv_tlb_cover sum = {0};

	for (size_t i = 0; i < nspaces; i++) {
		struct kv_tlb_cover c;

		kv_tlb_cover(spaces[i].pmap, 0, UINT64_MAX, &c);
		sum.base += c.base;
		sum.with_16k += c.with_16k;
		sum.with_64k += c.with_64k;
		sum.with_super += c.with_super;
	}
	const struct row rows[] = {{"tlb.needed_base", sum.base},
	    {"tlb.needed_16k", sum.with_16k}, {"tlb.needed_64k", sum.with_64k},
	    {"tlb.needed_super", sum.with_super}};

	put_rows(rows, sizeof(rows) / sizeof(rows[0]), m);
}
