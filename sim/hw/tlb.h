/* SPDX-License-Identifier: BSD-2-Clause */
/* tlb.h - translation cache: sizes, ways, tags, global bit, coalescing */
#ifndef KV_SIM_TLB_H
#define KV_SIM_TLB_H

#include "hw/pmap.h"

struct kv_tlb;

/* ---- Create ---------------------------------------------------------- */

enum { KV_TLB_ARRAYS_MAX = 8, KV_TLB_COALESCE_MAX = 6 };

/* One array of entries; a page size looks in every array that holds it. */
struct kv_tlb_array {
	unsigned sets, ways; /* sets: power of two; ways 0: unlimited */
	unsigned levels;     /* bit L: leaves of level L */
	unsigned groups;     /* bit L: contiguous groups of level L as one
				entry; without it one leaf of them */
	const char *name;    /* "l1", for figures; not owned */
};

/*
 * A core, as data.  Arrays are looked up in order.  A miss fills all of them
 * that hold the leaf; a hit fills those that were looked up in vain: so a small
 * array followed by a large one is a first and a second level.
 */
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

/* => 0; EINVAL (no array, too many, sets no power of two or above 2^20,
 *    coalesce above its maximum) */
int kv_tlb_create(const struct kv_tlb_config *cfg, struct kv_tlb **result);
void kv_tlb_destroy(struct kv_tlb *tlb);

/* Tell of every touch and flush from now on, under a name that outlives it; a
 * tap without function: nobody. */
void kv_tlb_listen(
    struct kv_tlb *tlb, const struct kv_tap *tap, const char *name);

/* ---- Use ------------------------------------------------------------- */

enum kv_tlb_result {
	KV_TLB_HIT,
	KV_TLB_MISS,  /* filled from the walk */
	KV_TLB_STALE, /* the entry differs from the walk; it stays */
	KV_TLB_FAULT  /* a miss, and the walk has no leaf */
};

/* In events a stale touch has this number and that of the next list more. */
enum { KV_TLB_TOLD_STALE = 4 };

/* How a stale entry differs from the walk (V7 of systems.md). */
enum kv_tlb_stale {
	KV_STALE_FRAME,	     /* another frame, or none: fatal */
	KV_STALE_PERMISSIVE, /* allows more: fatal */
	KV_STALE_RESTRICTIVE /* allows less: one spurious fault */
};

/*
 * One access to va in the space of that pmap and tag; sets A and M in the pmap
 * as the walk does, M only where the leaf is writable.  *stale (may be NULL) is
 * written for KV_TLB_STALE only.  All pmaps of a TLB have one format.
 */
enum kv_tlb_result kv_tlb_touch(struct kv_tlb *tlb, struct kv_pmap *pmap,
    unsigned tag, kv_va_t va, bool write, enum kv_tlb_stale *stale);

/* The entry that a touch of va would find: its KV_PTE_*.  => 0; ENOENT */
int kv_tlb_lookup(
    const struct kv_tlb *tlb, unsigned tag, kv_va_t va, unsigned *attr);

/* Flushes.  page: global entries too; range: every page of it counts.  tag:
 * what is not global; without tags like nonglobal. */
void kv_tlb_flush_page(struct kv_tlb *tlb, unsigned tag, kv_va_t va);
void kv_tlb_flush_range(
    struct kv_tlb *tlb, unsigned tag, kv_va_t va, uint64_t npages);
void kv_tlb_flush_tag(struct kv_tlb *tlb, unsigned tag);
void kv_tlb_flush_nonglobal(struct kv_tlb *tlb); /* a switch of the root */
void kv_tlb_flush_all(struct kv_tlb *tlb);

/* ---- Inspect --------------------------------------------------------- */

struct kv_tlb_entry {
	unsigned array, tag, level;
	kv_va_t va; /* start of what it maps, aligned to size */
	kv_pa_t pa; /* likewise */
	uint64_t size;
	unsigned attr; /* KV_PTE_G: of every space */
};

/* Visit the entries by array, set and last use; cb's not 0 ends it.
 * => what the last cb returned, 0 without entries */
typedef int kv_tlb_entry_fn(void *arg, const struct kv_tlb_entry *entry);
int kv_tlb_walk(const struct kv_tlb *tlb, kv_tlb_entry_fn *cb, void *arg);

struct kv_tlb_stats {
	uint64_t hits, misses, stale; /* one of them a touch */
	uint64_t faults;	      /* misses without a leaf */
	uint64_t stale_frame, stale_permissive, stale_restrictive;
	uint64_t evictions;    /* entries pushed out by newer ones */
	uint64_t coalesced;    /* misses that filled for more than one PTE */
	uint64_t page_flushes; /* pages asked for, present or not */
	uint64_t tag_flushes, nonglobal_flushes, full_flushes;
	/* now; what several arrays hold counts once; reach in bytes */
	uint64_t entries, reach;
	struct {
		uint64_t hits, entries;
	} array[KV_TLB_ARRAYS_MAX]; /* each on its own */
};
struct kv_tlb_stats kv_tlb_stats(const struct kv_tlb *tlb);
const struct kv_tlb_config *kv_tlb_config(const struct kv_tlb *tlb);

/* Invariants of tlb.c.  => 0; EFAULT and *diag */
int kv_tlb_check(const struct kv_tlb *tlb, struct kv_diag *diag);

/*
 * Entries needed to cover all leaves that meet [start, end) when the TLB knows
 * base pages, also 16 KiB, also 64 KiB, also leaves of level 1 (metrics.md 10).
 * Groups are naturally aligned in VA and PA, all present, same W, X, U and G.
 * A larger leaf counts by the parts that a TLB knows; a size below a base page
 * adds nothing.
 */
struct kv_tlb_cover {
	uint64_t base, with_16k, with_64k, with_super;
	uint64_t pages;		       /* base pages in all leaves */
	uint64_t pages_16k, pages_64k; /* those in groups of that size */
};
void kv_tlb_cover(const struct kv_pmap *pmap, kv_va_t start, kv_va_t end,
    struct kv_tlb_cover *cover);

#endif
