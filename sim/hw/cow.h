/* SPDX-License-Identifier: BSD-2-Clause */
/* cow.h - data of an object in a space: copied, shared, or copied on write */
#ifndef KV_SIM_COW_H
#define KV_SIM_COW_H

#include "alloc/kv.h"
#include "hw/pmap.h"
#include "hw/store.h"

enum kv_cow_mode {
	KV_COW_MEMCPY,	  /* all pages copied when it is mapped */
	KV_COW_DIRECT_RO, /* the pages themselves; writes are violations */
	KV_COW_EAGER,	  /* all leaves at once; the first write copies */
	KV_COW_LAZY,	  /* no leaves at first; the first touch maps */
	KV_COW_EPHEMERAL  /* as LAZY, over the zero page */
};

/* Which faults flush the page. */
enum kv_cow_flush {
	KV_COW_FLUSH_ALWAYS,
	KV_COW_FLUSH_PRESENT, /* those that replace a leaf */
	KV_COW_FLUSH_NEVER
};

/* Counts of all mappings that share it. */
struct kv_cow_stats {
	uint64_t violations; /* writes to what is mapped direct_ro */
	uint64_t pages_copied, faults, leaf_writes, flushes;
	uint64_t minted; /* pages of objects replaced by mint */
	uint64_t failed; /* faults for which there was no memory */
};

/* The pages of an object as published; of all its mappings. */
struct kv_cow_source {
	struct kv_object *object; /* its pages are resident while mapped */
	uint64_t *content;	  /* owned by whoever has the source */
};

struct kv_cow_config {
	struct kv_pmap *pmap;
	struct kv_reserv *reserv; /* private pages come from it */
	struct kv_cow_source *source;
	struct kv_cow_stats *stats;
	kv_va_t va;
	kv_pindex_t pindex; /* of the first page in the object */
	uint64_t npages;
	unsigned domain; /* that private pages are wanted from */
	unsigned attr;	 /* KV_PTE_*; W and M only where it may be written */
	unsigned level;	 /* of the leaves of DIRECT_RO and EAGER */
	enum kv_cow_mode mode;
	enum kv_cow_flush flush;
	bool in_place; /* a mistake: a write makes the shared page writable */
	kv_pfn_t zero; /* the zero page, for EPHEMERAL */
};

struct kv_cow;

/* Map.  => 0; ENOMEM; EAGAIN: the frames make no leaf of that level; errors of
 * kv_pmap_qenter and kv_pmap_enter_leaf; nothing is mapped then */
int kv_cow_create(const struct kv_cow_config *cfg, struct kv_cow **cow);

/* Unmap; private pages are freed, what was written is lost. */
void kv_cow_destroy(struct kv_cow *cow);

/* Is the address inside? */
bool kv_cow_has(const struct kv_cow *cow, kv_va_t va);

/*
 * An access inside faulted.  *flush: the page must be flushed before the next
 * access.
 * => 0: try again; EACCES: a violation, counted; ENOMEM, counted: no page for
 *    the copy, or no table to split the leaf into
 */
int kv_cow_fault(struct kv_cow *cow, kv_va_t va, bool write, bool *flush);

/* A write went through to the page that its leaf maps. */
void kv_cow_wrote(struct kv_cow *cow, kv_va_t va);

/* Publish what was written, in place of the object's pages; counted. */
void kv_cow_mint(struct kv_cow *cow, struct kv_store *store);

/* Private pages become read-only, and stay: the next write flips W alone. */
void kv_cow_park(struct kv_cow *cow);

/* A mistake: as it was created, without what was written since.  Its leaves
 * are gone.  => 0; as kv_cow_create */
int kv_cow_reset(struct kv_cow *cow);

/* What it was created with. */
const struct kv_cow_config *kv_cow_config(const struct kv_cow *cow);

/* Invariants of cow.c.  => 0; EFAULT and *diag */
int kv_cow_check(const struct kv_cow *cow, struct kv_diag *diag);

#endif
