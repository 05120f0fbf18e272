/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_pool.c - figures of page-table pools */
#include "run/measure_pool.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 64 };

/* One figure, of all pools and of one. */
static const struct row {
	const char *all, *one;
	size_t offset; /* of the uint64_t in struct kv_ptpool_stats */
} rows[] = {
#define AT(field) offsetof(struct kv_ptpool_stats, field)
    {"pool.capacity", "pool.%s.capacity", AT(capacity)},
    {"pool.used", "pool.%s.used", AT(used)},
    {"pool.free", "pool.%s.free", AT(free)},
    {"pool.peak", "pool.%s.peak", AT(peak)},
    {"pool.draws", "pool.%s.draws", AT(draws)},
    {"pool.returns", "pool.%s.returns", AT(returns)},
    {"pool.failures", "pool.%s.failures", AT(failures)},
    {"pool.urgent", "pool.%s.urgent", AT(urgent)},
    {"pool.touched", "pool.%s.touched", AT(touched)},
    {"pool.warn_at", "pool.%s.warn_at", AT(warn_at)},
    {"pool.drawn", "pool.%s.drawn", AT(drawn)},
    {"pool.resets", "pool.%s.resets", AT(resets)},
    {"pool.cleared", "pool.%s.cleared", AT(cleared)},
    {"pool.copied", "pool.%s.copied", AT(copied)},
    {"pool.l0", "pool.%s.l0", AT(depth[0])},
    {"pool.l1", "pool.%s.l1", AT(depth[1])},
    {"pool.l2", "pool.%s.l2", AT(depth[2])},
    {"pool.l3", "pool.%s.l3", AT(depth[3])},
    {"pool.l4", "pool.%s.l4", AT(depth[4])},
    {"pool.other", "pool.%s.other", AT(depth[KV_PTPOOL_OTHER])},
    {"pool.of_spaces", "pool.%s.of_spaces", AT(scope[KV_PTPOOL_SPACE])},
    {"pool.of_templates", "pool.%s.of_templates", AT(scope[KV_PTPOOL_TEMPLATE])}
#undef AT
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static uint64_t
figure(const struct kv_ptpool_stats *s, const struct row *row)
{
	uint64_t value;

	memcpy(&value, (const char *)s + row->offset, sizeof(value));
	return value;
}

static void
put(struct kv_metrics *m, const char *name, uint64_t value)
{
	kv_metrics_put_uint(m, KV_METRIC_COUNT, name, value);
}

void
kv_measure_pools(
    struct kv_ptpool *const *pools, size_t npools, struct kv_metrics *m)
{
	uint64_t sums[ROWS] = {0};
	char name[NAME_SIZE];
	size_t i, k;

	for (i = 0; i < npools; i++) {
		const struct kv_ptpool_stats s = kv_ptpool_stats(pools[i]);

		for (k = 0; k < ROWS; k++) {
			sums[k] += figure(&s, &rows[k]);
			snprintf(name, sizeof(name), rows[k].one,
			    kv_ptpool_config(pools[i])->name);
			if (npools > 1)
				put(m, name, figure(&s, &rows[k]));
		}
	}
	/* Draws of several pools have no order among them. */
	for (k = 0; npools != 0 && k < ROWS; k++)
		if (npools == 1 ||
		    rows[k].offset != offsetof(struct kv_ptpool_stats, warn_at))
			put(m, rows[k].all, sums[k]);
}
