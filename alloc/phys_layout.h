/* SPDX-License-Identifier: BSD-2-Clause */
/* phys_layout.h - memory ranges to segments: where lists and domains cut */
#ifndef KV_PHYS_LAYOUT_H
#define KV_PHYS_LAYOUT_H

#include "buddy.h"
#include "phys.h"

/*
 * Segments of the configured memory (facts 2, 3), in an array from cfg->host
 * that the caller frees.
 * => 0; EINVAL, ERANGE, ENOMEM as kv_phys_create
 */
int kv_phys_layout(const struct kv_phys_config *cfg, struct kv_buddy_seg **segs,
    size_t *nsegs, unsigned *nlists);

#endif
