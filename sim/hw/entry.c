/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.c - what a CPU flushes when it enters an address space
 *
 * 1 Concepts.  Images of several spaces may stand at one address.  Where their
 *   pages are global, a switch of the root leaves their entries behind, and the
 *   next image would run on frames of the last one; a discipline prevents it.
 *   With tags each space has entries of its own and a switch flushes nothing.
 * 2 Representation.  The image entered last; a space without one changes
 *   nothing about that.
 * 3 Invariants.  Whether a discipline is enough is judged by each touch (V7).
 * 4 Cost.  One flush an entry.
 * 5 Fidelity.  systems.md 2.1 (remember the last image; when the next differs,
 *   page-flush every page of the previous arena) and 2.4 F4, F6.  The pages of
 *   the previous image are flushed before the root changes, under its tag.
 */
#include "hw/entry.h"

static void
flush(struct kv_tlb *tlb, const struct kv_image *image, uint64_t npages)
{
	kv_tlb_flush_range(tlb, image->tag, image->va, npages);
}

static void
change(const struct kv_entry *e, struct kv_tlb *tlb, uint64_t npages)
{
	switch (e->policy) {
	case KV_ENTRY_PREVIOUS:
		flush(tlb, &e->last, e->last.npages);
		break;
	case KV_ENTRY_NEXT_COUNT:
		flush(tlb, &e->last, npages);
		break;
	case KV_ENTRY_ALL:
		kv_tlb_flush_all(tlb);
		break;
	case KV_ENTRY_NONE:
	case KV_ENTRY_OWN:
		break;
	}
}

void
kv_entry_switch(
    struct kv_entry *e, struct kv_tlb *tlb, const struct kv_image *next)
{
	if (next->npages != 0) {
		if (e->last.npages != 0 && e->last.key != next->key)
			change(e, tlb, next->npages);
		if (e->policy == KV_ENTRY_OWN)
			flush(tlb, next, next->npages);
		e->last = *next;
	}
	if (!kv_tlb_config(tlb)->tags)
		kv_tlb_flush_nonglobal(tlb);
}
