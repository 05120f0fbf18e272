/* SPDX-License-Identifier: BSD-2-Clause */
/* tlb_array.h - one array of a TLB: entries in sets, least recently used out */
#ifndef KV_SIM_TLB_ARRAY_H
#define KV_SIM_TLB_ARRAY_H

#include "hw/tlb.h"

/* The class of an entry: its level, plus KV_TLBE_GROUP for a group. */
enum {
	KV_TLBE_NONE = -1, /* end of a list of entries */
	KV_TLBE_GROUP = KV_PTE_LEVELS_MAX,
	KV_TLBE_CLASSES = 2 * KV_PTE_LEVELS_MAX
};

struct kv_tlbe {
	kv_va_t va; /* both aligned to what it maps */
	kv_pa_t pa;
	unsigned tag;
	int next;      /* in the list of its set, or of free places */
	uint8_t shift; /* log2 bytes that it maps */
	uint8_t class;
	uint8_t attr;
	bool used;
};

/* What all arrays of a TLB share. */
struct kv_tlb_rules {
	const struct kv_pte_format *format; /* NULL: nothing touched yet */
	unsigned coalesce;
	bool tags;
};

struct kv_tlba {
	struct kv_tlb_array cfg;	  /* (c) */
	const struct kv_tlb_rules *rules; /* (c) */
	int *sets;			  /* first entry of each, or NONE */
	unsigned sets_shift;		  /* log2 of their number */
	struct kv_tlbe *entries;
	int nentries, capacity, free; /* places: ever used, there; free list */
	uint64_t count, of_class[KV_TLBE_CLASSES];
	uint64_t evictions;
};

/* What to remove: entries that meet [first, last] in the space of a tag. */
struct kv_tlb_sweep {
	kv_va_t first, last;
	unsigned tag;
	bool global;	 /* global entries too */
	bool all_spaces; /* whatever the tag */
};

/* sets: a power of two, in cfg */
void kv_tlba_init(struct kv_tlba *a, const struct kv_tlb_array *cfg,
    const struct kv_tlb_rules *rules);
void kv_tlba_fini(struct kv_tlba *a);

/* The link to the entry that answers; good for kv_tlba_use.  => NULL: none */
int *kv_tlba_find(const struct kv_tlba *a, unsigned tag, kv_va_t va);

/* Make it the last used of its set.  => it, valid until the next insert */
struct kv_tlbe *kv_tlba_use(struct kv_tlba *a, int *link);

/* A new entry, the last used of its set; what it overlaps goes. */
void kv_tlba_insert(struct kv_tlba *a, const struct kv_tlbe *e);
void kv_tlba_sweep(struct kv_tlba *a, const struct kv_tlb_sweep *s);

/* The set that a class and an address belong to. */
size_t kv_tlba_set(const struct kv_tlba *a, unsigned class, kv_va_t va);
size_t kv_tlba_nsets(const struct kv_tlba *a);

/* log2 bytes of a leaf, and log2 leaves of a contiguous group of that level
 * (0: the format has none). */
unsigned kv_tlbe_level_shift(const struct kv_pte_format *f, unsigned level);
unsigned kv_tlbe_group_order(const struct kv_pte_format *f, unsigned level);

static inline unsigned
kv_tlbe_level(const struct kv_tlbe *e)
{
	return e->class % KV_TLBE_GROUP;
}

/* The last byte that it maps. */
static inline kv_va_t
kv_tlbe_last(const struct kv_tlbe *e)
{
	return e->va + ((UINT64_C(1) << e->shift) - 1);
}

#endif
