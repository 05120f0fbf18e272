/* SPDX-License-Identifier: BSD-2-Clause */
/* measure_tlb.h - figures of a translation cache, and of what it would need */
#ifndef KV_SIM_MEASURE_TLB_H
#define KV_SIM_MEASURE_TLB_H

#include "hw/cpus.h"
#include "out/metrics.h"
#include "run/space.h"

/* Add tlb.*: touches, flushes, entries, reach, figures of each array, of all
 * CPUs together; where several have a TLB, what each of them touched. */
void kv_measure_tlb(const struct kv_cpus *cpus, struct kv_metrics *m);

/* Add tlb.needed_*: entries that all leaves of the spaces need. */
void kv_measure_cover(
    const struct kv_space *spaces, size_t nspaces, struct kv_metrics *m);

#endif
