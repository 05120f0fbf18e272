/* SPDX-License-Identifier: BSD-2-Clause */
/* report_whatis.h - what an address is, in words */
#ifndef KV_SIM_REPORT_WHATIS_H
#define KV_SIM_REPORT_WHATIS_H

#include "out/emit.h"
#include "run/runner.h"

/*
 * Say what a virtual or physical address is after a run: arena, span, segment,
 * chunk, stack, guard, pindex, frame, reservation, page-table leaf.
 */
void kv_report_whatis(
    const struct kv_run *run, uint64_t address, struct kv_buf *b);

#endif
