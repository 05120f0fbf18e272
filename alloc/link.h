/* SPDX-License-Identifier: BSD-2-Clause */
/* link.h - how an arena imports from another: plain, or as kernel stacks do */
#ifndef KV_LINK_H
#define KV_LINK_H

#include "vmem.h"

/* Faults of the import with slots (freebsd.md 7), as bits. */
enum kv_link_fault {
	KV_LINK_KEEP_BUMP = 1 << 0,	/* F6: release what the span was */
	KV_LINK_NO_SPARE_SLOT = 1 << 1, /* F18: nothing pays for the slide */
	KV_LINK_BYTE_ASSERT = 1 << 2,	/* F19: bytes for quanta */
	KV_LINK_ADD_ASKED = 1 << 3	/* F24: a span as large as asked */
};

/* Between an arena and its source; outlives the arena. */
struct kv_link {
	struct kv_vmem *parent;
	uint64_t align;	  /* of imports, bytes; 0 = the parent's quantum */
	uint64_t quantum; /* imported sizes are multiples, bytes; > 0 */
	uint64_t slot;	  /* bytes; > 0: the D38852 import */
	uint64_t stride;  /* bytes; > 0: the aligned import */
	kv_va_t origin;	  /* of slots, of strides */
	bool keep;	  /* never give a span back, join neighbours */
	unsigned faults;  /* bits of kv_link_fault; 0: none */
};

/*
 * Make the empty arena child import through the link.  With a slot (vmem.md,
 * `kstack`): whatever is asked, quantum + slot bytes come from the parent, the
 * base slides up to a whole slot and the arena gets quantum bytes.  With a
 * stride it gets exactly quantum bytes, at a multiple of stride from origin.
 * => 0; EINVAL (quantum no multiple of the slot, stride none of align, no
 *    alignment, both slot and stride), EBUSY
 */
int kv_link_set(struct kv_vmem *child, struct kv_link *link);

#endif
