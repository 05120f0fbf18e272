/* SPDX-License-Identifier: BSD-2-Clause */
/* tlb_parts.h - what tlb.c and tlb_inspect.c share */
#ifndef KV_SIM_TLB_PARTS_H
#define KV_SIM_TLB_PARTS_H

#include "hw/tlb_array.h"

struct kv_tlb {
	struct kv_tlb_config cfg; /* (c) */
	struct kv_tlb_rules rules;
	struct kv_tlba arrays[KV_TLB_ARRAYS_MAX];
	struct kv_tlb_stats stats; /* what touches and flushes count */
	struct kv_tap tap;
	const char *name; /* in events; not owned */
};

#endif
