/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb_range.c - operands of an instruction that flushes a range of pages
 *
 * A coarse scale flushes up to a unit more than was asked for, so the finest
 * that reaches is taken (systems.md 1.1; TLBI RVA of Armv8.4 has the form).
 */
#include "hw/tlb_range.h"

#include <errno.h>

#include "alloc/arith.h"

int
kv_tlb_range_op(const struct kv_tlb_range *range, uint64_t npages,
    struct kv_tlb_range_op *op)
{
	uint64_t unit = range->unit, units, pages;
	unsigned scale;

	if (npages == 0)
		return EINVAL;
	if (range->limit != 0 && npages > range->limit)
		return ERANGE;
	for (scale = 0; scale < range->scales; scale++) {
		units = (npages - 1) / unit + 1;
		if (units <= range->nums) {
			if (!kv_mul(units, unit, &pages))
				return ERANGE;
			*op = (struct kv_tlb_range_op){
			    scale, (unsigned)(units - 1), pages};
			return 0;
		}
		if (!kv_mul(unit, range->step, &unit))
			return ERANGE;
	}
	return ERANGE;
}
