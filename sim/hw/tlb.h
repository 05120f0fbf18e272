/* SPDX-License-Identifier: BSD-2-Clause */
/* tlb.h - translation cache: sizes, ways, tags, global bit, coalescing */
#ifndef KV_SIM_TLB_H
#define KV_SIM_TLB_H

#include "hw/pmap.h"

struct kv_tlb;

/* ---- Create ---------------------------------------------------------- */

enum { KV_TLB_ARRAYS_MAX = 4 };

/* One array of entries; a page size looks in every array that holds it. */
struct kv_tlb_array {
	unsigned sets, ways; /* sets: power of two; ways 0: unlimited */
	unsigned levels;     /* bit L: leaves of level L */
	bool groups;	     /* holds contiguous groups as one entry */
};

/* A core, as data. */
struct kv_tlb_config {
	const char *name, *about; /* about names the source */
	struct kv_tlb_array arrays[KV_TLB_ARRAYS_MAX];
	unsigned narrays;
	unsigned coalesce; /* log2 of the aligned PTEs that become one entry
			      when consecutive in VA and PA; 0 = never */
	bool tags;	   /* PCID / ASID: entries carry the space's tag */
};

/* Presets; *count gets their number.  Never freed. */
const struct kv_tlb_config *kv_tlb_table(size_t *count);
const struct kv_tlb_config *kv_tlb_find(const char *name);

/* => 0; EINVAL (no array, sets no power of two) */
int kv_tlb_create(const struct kv_tlb_config *cfg, struct kv_tlb **tlb);
void kv_tlb_destroy(struct kv_tlb *tlb);

/* ---- Use ------------------------------------------------------------- */

enum kv_tlb_result {
	KV_TLB_HIT,
	KV_TLB_MISS,  /* filled from the walk, if that has a leaf */
	KV_TLB_STALE, /* the entry differs from the walk; it stays */
	KV_TLB_FAULT  /* a miss, and the walk has no leaf */
};

/* How a stale entry differs from the walk (V7 of systems.md). */
enum kv_tlb_stale {
	KV_STALE_FRAME,	     /* another frame, or none: fatal */
	KV_STALE_PERMISSIVE, /* allows more: fatal */
	KV_STALE_RESTRICTIVE /* allows less: one spurious fault */
};

/* One access to va in the space of that pmap and tag; sets A and M in the pmap
 * as the walk does.  *stale is written for KV_TLB_STALE only. */
enum kv_tlb_result kv_tlb_touch(struct kv_tlb *tlb, struct kv_pmap *pmap,
    unsigned tag, kv_va_t va, bool write, enum kv_tlb_stale *stale);

/* Flushes.  page: global entries too; range: every page of it counts. */
void kv_tlb_flush_page(struct kv_tlb *tlb, unsigned tag, kv_va_t va);
void kv_tlb_flush_range(
    struct kv_tlb *tlb, unsigned tag, kv_va_t va, uint64_t npages);
void kv_tlb_flush_tag(struct kv_tlb *tlb, unsigned tag);
void kv_tlb_flush_nonglobal(struct kv_tlb *tlb); /* a switch of the root */
void kv_tlb_flush_all(struct kv_tlb *tlb);

/* ---- Inspect --------------------------------------------------------- */

struct kv_tlb_stats {
	uint64_t hits, misses, stale; /* one of them a touch */
	uint64_t stale_frame, stale_permissive, stale_restrictive;
	uint64_t evictions, coalesced; /* fills of more than one PTE */
	uint64_t page_flushes;	       /* pages asked for, present or not */
	uint64_t full_flushes;
	uint64_t entries, reach; /* now; reach in bytes */
};
struct kv_tlb_stats kv_tlb_stats(const struct kv_tlb *tlb);

/* Entries needed to cover all leaves of [start, end) when the TLB knows base
 * pages, also 16 KiB, also 64 KiB, also superpages (metrics.md 10). */
struct kv_tlb_cover {
	uint64_t base, with_16k, with_64k, with_super;
};
void kv_tlb_cover(const struct kv_pmap *pmap, kv_va_t start, kv_va_t end,
    struct kv_tlb_cover *cover);

#endif
