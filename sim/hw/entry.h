/* SPDX-License-Identifier: BSD-2-Clause */
/* entry.h - a CPU enters address spaces: what it flushes from its TLB */
#ifndef KV_SIM_ENTRY_H
#define KV_SIM_ENTRY_H

#include "hw/tlb.h"

/* Beside the switch of the root; in this order in scenarios. */
enum kv_entry_flush {
	KV_ENTRY_NONE,
	KV_ENTRY_PREVIOUS,  /* another image: the pages of the last one */
	KV_ENTRY_ALL,	    /* another image: everything */
	KV_ENTRY_OWN,	    /* always: the pages of the image entered */
	KV_ENTRY_NEXT_COUNT /* another image: from the start of the last one, as
			       many pages as the next one has */
};

/* The pages of a space that are global, or may be. */
struct kv_image {
	unsigned tag; /* of the space */
	uint64_t key; /* tells images apart */
	kv_va_t va;
	uint64_t npages; /* 0: the space has none */
};

/* A CPU and what it remembers.  Zero-initialise but for the policy. */
struct kv_entry {
	enum kv_entry_flush policy;
	struct kv_image last; /* npages 0: none so far */
};

/* Enter the space of next: flush as the policy says, then switch the root,
 * which without tags flushes what is not global. */
void kv_entry_switch(
    struct kv_entry *e, struct kv_tlb *tlb, const struct kv_image *next);

#endif
