/* SPDX-License-Identifier: BSD-2-Clause */
/* leaf_list.h - leaves of a space, as vm.pmap.kernel_maps lists them */
#ifndef KV_SIM_LEAF_LIST_H
#define KV_SIM_LEAF_LIST_H

#include "out/emit.h"
#include "run/space.h"

/* "rw-sg": read, write, execute, user or system, global. */
enum { KV_LEAF_MODE = 6 };
void kv_leaf_mode(unsigned attr, char mode[KV_LEAF_MODE]);

/*
 * A line for each maximal range that is mapped alike:
 *     START-END MODE WB n1G n2M [n64K] n4K
 * with the sizes of leaves that the format has, contiguous groups counted as
 * one where it has them.  A superpage that lacks a page shows as n4K = 511.
 * => lines written
 */
size_t kv_leaf_list(const struct kv_space *s, struct kv_buf *b);

#endif
