/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_map.h - the figures of translation runs, map.* */
#ifndef KV_SIM_MEASURE_MAP_H
#define KV_SIM_MEASURE_MAP_H

#include "out/metrics.h"
#include "run/xlat.h"

/* map.cdf.oN stands for N = 0 to one less: runs of at most 2^N pages. */
enum { KV_MEASURE_CDF_ORDERS = 13 };

/* All of map.*: runs by family, means, coalescable shares. */
void kv_measure_map(const struct kv_xlat *x, struct kv_metrics *m);

/* map.virtual.* and map.pages alone: where frames are not known. */
void kv_measure_virtual(const struct kv_xlat *x, struct kv_metrics *m);

/* The name of a figure ("runs", "n80") of a family. */
void kv_measure_map_name(
    char *s, size_t size, enum kv_xlat_family family, const char *figure);

#endif
