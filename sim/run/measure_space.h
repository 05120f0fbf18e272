/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_space.h - figures of page tables (metrics.md 12, 13) */
#ifndef KV_SIM_MEASURE_SPACE_H
#define KV_SIM_MEASURE_SPACE_H

#include "out/metrics.h"
#include "run/space.h"

/* Pages that leaves allow to be both written and executed, and pages of pools
 * that a user may touch; of all spaces. */
void kv_measure_rights(const struct kv_space *spaces, size_t nspaces,
    struct kv_ptpool *const *pools, size_t npools, struct kv_metrics *m);

/* Add pmap.*, the sum over spaces, and space.NAME.* where there are several. */
void kv_measure_spaces(
    const struct kv_space *spaces, size_t nspaces, struct kv_metrics *m);

/* Bytes under leaves, of them under superpages, and of page tables. */
struct kv_spaces_sum {
	uint64_t mapped, promoted, pt_bytes;
};
struct kv_spaces_sum kv_spaces_sum(
    const struct kv_space *spaces, size_t nspaces);

#endif
