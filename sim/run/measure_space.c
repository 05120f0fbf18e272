/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_space.c - figures of page tables (metrics.md 12, 13) */
#include "run/measure_space.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "hw/pte_code.h"

static double
ratio(uint64_t a, uint64_t b)
{
	return b == 0 ? 0 : (double)a / (double)b;
}

enum { ORDERS = 64 };

/* Figures of one space, or the sum over several. */
struct sums {
	struct kv_pmap_stats t;
	uint64_t entries;	   /* places in tables of level 0 */
	uint64_t pt_bytes;	   /* of all tables */
	uint64_t mapped, promoted; /* bytes; under leaves above the base */
	uint64_t groups;	   /* contiguous groups, now */
	uint64_t leaves[ORDERS];   /* by log2 base pages */
	uint64_t base;		   /* base pages that leaves of level 0 map */
	uint64_t orders;	   /* bit i: leaves of order i may be */
};

static void
sums_add(struct sums *sum, const struct kv_space *s)
{
	const struct kv_pte_format *f = s->cfg.format;
	struct kv_pmap_stats t = kv_pmap_stats(s->pmap);
	struct kv_pmap_stats *u = &sum->t;
	unsigned order = kv_pte_group(f, 0), i;

	u->promotions += t.promotions;
	u->demotions += t.demotions;
	u->mappings += t.mappings;
	u->p_failures += t.p_failures;
	u->group_promotions += t.group_promotions;
	u->group_demotions += t.group_demotions;
	u->group_p_failures += t.group_p_failures;
	u->grouped += t.grouped;
	u->pt_pages += t.pt_pages;
	u->spoilers += t.spoilers;
	for (i = 0; i < KV_PMAP_CAUSES; i++)
		u->causes[i] += t.causes[i];
	for (i = 0; i < f->levels; i++) {
		uint64_t bytes = t.leaves[i]
				 << (f->page_shift + f->pt_shift * i);

		if ((f->leaf_levels >> i & 1) != 0)
			sum->orders |= UINT64_C(1) << f->pt_shift * i;
		sum->leaves[f->pt_shift * i] += t.leaves[i];
		sum->mapped += bytes;
		sum->promoted += i != 0 ? bytes : 0;
	}
	sum->entries += t.pt_level[0] << f->pt_shift;
	sum->pt_bytes += t.pt_pages << f->page_shift;
	sum->base += t.leaves[0];
	if (order != 0) {
		sum->groups += t.grouped >> order;
		sum->orders |= UINT64_C(1) << order;
		sum->leaves[0] -= t.grouped;
		sum->leaves[order] += t.grouped >> order;
	}
}

/* One figure: of all spaces; of one, or NULL. */
static const struct row {
	const char *all, *one;
	enum kv_metric_kind kind;
	size_t offset; /* of the uint64_t in struct sums */
} rows[] = {
#define AT(field) offsetof(struct sums, field)
    {"pmap.promotions", "space.%s.promotions", KV_METRIC_COUNT,
	AT(t.promotions)},
    {"pmap.demotions", "space.%s.demotions", KV_METRIC_COUNT, AT(t.demotions)},
    {"pmap.p_failures", "space.%s.p_failures", KV_METRIC_COUNT,
	AT(t.p_failures)},
    {"pmap.mapped_bytes", "space.%s.mapped_bytes", KV_METRIC_BYTES, AT(mapped)},
    {"pmap.pt_pages", "space.%s.pt_pages", KV_METRIC_COUNT, AT(t.pt_pages)},
    {"pmap.spoiler_holes", "space.%s.spoiler_holes", KV_METRIC_COUNT,
	AT(t.spoilers)},
    {"pmap.mappings", NULL, KV_METRIC_COUNT, AT(t.mappings)},
    {"pmap.group_promotions", NULL, KV_METRIC_COUNT, AT(t.group_promotions)},
    {"pmap.group_demotions", NULL, KV_METRIC_COUNT, AT(t.group_demotions)},
    {"pmap.group_p_failures", NULL, KV_METRIC_COUNT, AT(t.group_p_failures)},
    {"pmap.groups", NULL, KV_METRIC_COUNT, AT(groups)},
    {"pmap.pt_bytes", NULL, KV_METRIC_BYTES, AT(pt_bytes)},
    {"pmap.p_failures.hole", NULL, KV_METRIC_COUNT, AT(t.causes[KV_PMAP_HOLE])},
    {"pmap.p_failures.frames", NULL, KV_METRIC_COUNT,
	AT(t.causes[KV_PMAP_FRAMES])},
    {"pmap.p_failures.attribute", NULL, KV_METRIC_COUNT,
	AT(t.causes[KV_PMAP_ATTRIBUTE])},
    {"pmap.p_failures.accessed", NULL, KV_METRIC_COUNT,
	AT(t.causes[KV_PMAP_ACCESSED])}};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), NAME_SIZE = 64 };

static uint64_t
figure(const struct sums *s, const struct row *row)
{
	uint64_t value;

	memcpy(&value, (const char *)s + row->offset, sizeof(value));
	return value;
}

static void
put_all(struct kv_metrics *m, const struct sums *s)
{
	char name[NAME_SIZE];
	unsigned order;
	size_t i;

	for (i = 0; i < ROWS; i++)
		kv_metrics_put_uint(
		    m, rows[i].kind, rows[i].all, figure(s, &rows[i]));
	kv_metrics_put_ratio(
	    m, "pmap.promoted_fraction", ratio(s->promoted, s->mapped));
	for (order = 0; order < ORDERS; order++) {
		if ((s->orders >> order & 1) == 0)
			continue;
		snprintf(name, sizeof(name), "pmap.leaves.o%u", order);
		kv_metrics_put_uint(m, KV_METRIC_COUNT, name, s->leaves[order]);
	}
	kv_metrics_put_ratio(
	    m, "pmap.pte_use", 100 * ratio(s->base, s->entries));
}

static void
put_one(struct kv_metrics *m, const char *space, const struct sums *s)
{
	char name[NAME_SIZE];
	size_t i;

	for (i = 0; i < ROWS && rows[i].one != NULL; i++) {
		snprintf(name, sizeof(name), rows[i].one, space);
		kv_metrics_put_uint(m, rows[i].kind, name, figure(s, &rows[i]));
	}
	snprintf(name, sizeof(name), "space.%s.promoted_fraction", space);
	kv_metrics_put_ratio(m, name, ratio(s->promoted, s->mapped));
}

/* Base pages whose leaves allow what they should not. */
struct rights {
	const struct kv_pte_format *format;
	struct kv_ptpool *const *pools;
	size_t npools;
	uint64_t wx;   /* both writable and executable */
	uint64_t seen; /* of pools, and a user may touch them */
};

static int
rights_note(void *arg, const struct kv_leaf *leaf)
{
	const unsigned wx = KV_PTE_W | KV_PTE_X;
	struct rights *n = arg;
	const unsigned shift = n->format->page_shift;
	const uint64_t size = UINT64_C(1)
			      << kv_pte_shift(n->format, leaf->level);

	n->wx += (leaf->attr & wx) == wx ? size >> shift : 0;
	for (size_t i = 0; i < n->npools && (leaf->attr & KV_PTE_U) != 0; i++) {
		const struct kv_ptpool_config *c =
		    kv_ptpool_config(n->pools[i]);
		const kv_pa_t end = c->base + (c->capacity << c->page_shift);
		const kv_pa_t from = leaf->pa > c->base ? leaf->pa : c->base;
		const kv_pa_t to =
		    leaf->pa + size < end ? leaf->pa + size : end;

		n->seen += from < to ? (to - from) >> shift : 0;
	}
	return 0;
}

void
kv_measure_rights(const struct kv_space *spaces, size_t nspaces,
    struct kv_ptpool *const *pools, size_t npools, struct kv_metrics *m)
{
	struct rights n = {.pools = pools, .npools = npools};

	for (size_t i = 0; i < nspaces; i++) {
		n.format = spaces[i].cfg.format;
		(void)kv_pmap_walk(
		    spaces[i].pmap, 0, KV_ADDR_MAX, rights_note, &n);
	}
	kv_metrics_put_uint(m, KV_METRIC_COUNT, "pmap.wx_pages", n.wx);
	if (npools != 0)
		kv_metrics_put_uint(
		    m, KV_METRIC_COUNT, "pool.user_pages", n.seen);
}

void
kv_measure_spaces(
    const struct kv_space *spaces, size_t nspaces, struct kv_metrics *m)
{
	struct sums all = {0};
	size_t i;

	for (i = 0; i < nspaces; i++) {
		struct sums one = {0};

		sums_add(&all, &spaces[i]);
		sums_add(&one, &spaces[i]);
		if (nspaces > 1)
			put_one(m, spaces[i].cfg.name, &one);
	}
	put_all(m, &all);
}

struct kv_spaces_sum
kv_spaces_sum(const struct kv_space *spaces, size_t nspaces)
{
	struct sums sum = {0};

	for (size_t i = 0; i < nspaces; i++)
		sums_add(&sum, &spaces[i]);
	return (struct kv_spaces_sum){sum.mapped, sum.promoted, sum.pt_bytes};
}
