/* SPDX-License-Identifier: BSD-2-Clause */
/* tlb_range.h - operands of an instruction that flushes a range of pages */
#ifndef KV_SIM_TLB_RANGE_H
#define KV_SIM_TLB_RANGE_H

#include <stdint.h>

/*
 * The operands are a scale and a number: number + 1 units of pages go.  A unit
 * is `unit` pages at scale 0 and `step` times the one before at every other.
 */
struct kv_tlb_range {
	uint64_t unit, step;   /* pages; not 0 */
	unsigned scales, nums; /* how many there are of each; not 0 */
	uint64_t limit; /* pages that one may be asked to flush; 0: all that
			   the operands can say */
};

struct kv_tlb_range_op {
	unsigned scale, num;
	uint64_t npages; /* that it flushes */
};

/* The smallest scale that can say npages, with the smallest number.
 * => 0; EINVAL: no pages; ERANGE: above the limit, or of what can be said */
int kv_tlb_range_op(const struct kv_tlb_range *range, uint64_t npages,
    struct kv_tlb_range_op *op);

#endif
