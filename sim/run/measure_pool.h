/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_pool.h - figures of page-table pools */
#ifndef KV_SIM_MEASURE_POOL_H
#define KV_SIM_MEASURE_POOL_H

#include "alloc/kv.h"
#include "out/metrics.h"

/* Add pool.*, the sum over pools, and pool.NAME.* where there are several. */
void kv_measure_pools(
    struct kv_ptpool *const *pools, size_t npools, struct kv_metrics *m);

#endif
