/* SPDX-License-Identifier: BSD-2-Clause */
/* pmap_parts.h - what the files of pmap share; representation: see pmap.c */
#ifndef KV_SIM_PMAP_PARTS_H
#define KV_SIM_PMAP_PARTS_H

#include "hw/pmap.h"
#include "hw/pte_code.h"

/* A table in memory: its entries, then, above level 0, its children.  The root
 * has room for as many as the others, so that children stand at one distance.
 */
struct kv_pt {
	struct kv_pt **child; /* (c) NULL at level 0; (I1) */
	kv_pa_t pa;	      /* (c) */
	uint64_t born;	      /* (c) number of the operation that made it */
	unsigned count;	      /* entries that are not 0 (I2) */
	unsigned level;	      /* (c) */
	unsigned lent;	      /* grafts of it in other roots (pmap_graft.c) */
	uint64_t entry[];     /* (I3) */
};

/* All formats keep attributes in the bits below LOW_BITS and from HIGH_FROM on,
 * and frames between. */
enum { KV_PT_LOW_BITS = 12, KV_PT_HIGH_FROM = 51 };
#define KV_PT_USER_X (1u << KV_PTE_ATTRS) /* on, if the mapping is a user's */

/* What an entry of a level has, precomputed (c). */
struct kv_pt_level {
	unsigned shift;	  /* log2 bytes that an entry maps */
	unsigned mask;	  /* entries of a table - 1 */
	unsigned order;	  /* log2 entries of a contiguous group; 0 = none */
	uint64_t step;	  /* from an entry to the next of consecutive leaves */
	uint64_t pa_mask; /* bits that no frame of a leaf has */
};

struct kv_pmap {
	const struct kv_pte_format *format; /* (c) */
	unsigned top;			    /* (c) level of the root */
	size_t room;			    /* (c) entries of a table */
	struct kv_pt_level level[KV_PTE_LEVELS_MAX]; /* (c) */
	uint64_t code[1 << KV_PTE_ATTRS];	     /* (c) attr -> bits */
	uint64_t attrs, am, contig; /* (c) masks: all but CONTIG; A, M; that */
	struct kv_pt_source source; /* (c) */
	kv_pmap_store_fn *store;    /* (c) */
	void *store_arg;	    /* (c) */
	struct kv_draws *draws;	    /* (c) */
	bool keeps;    /* (c) tables of promotions, for their demotions */
	uint64_t kept; /* of those, at most */
	uint64_t va_mask, va_sign, va_high; /* (c) canonical form */
	unsigned psind_full;	  /* (c) psind of a full reservation */
	bool user;		  /* (c) superpages of full tables alone */
	unsigned keep;		  /* (c) levels whose empty tables stay */
	bool repromote;		  /* (c) edits try to promote */
	enum kv_pmap_split split; /* (c) */
	bool join_any;		  /* (c) */
	struct kv_pt *root;
	uint64_t *grafts;		  /* bits of the root's entries */
	kv_pa_t bump;			  /* of the source that is built in */
	uint64_t op;			  /* number of the operation */
	uint64_t pages;			  /* base pages that leaves map (I6) */
	struct kv_pmap_stats stats;	  /* (I5) */
	uint8_t low[1 << KV_PT_LOW_BITS]; /* (c) attributes by low bits */
	uint8_t high[1 << (64 - KV_PT_HIGH_FROM)]; /* (c) ... by high bits */
};

static inline unsigned
kv_pt_index(const struct kv_pmap *p, kv_va_t va, unsigned level)
{
	return (unsigned)(va >> p->level[level].shift) & p->level[level].mask;
}

/* The lowest table on the way to va, and its level.  A hot walk touches nothing
 * of a table but one child, or entry. */
static inline struct kv_pt *
kv_pt_descend(const struct kv_pmap *p, kv_va_t va, unsigned *level)
{
	struct kv_pt *t = p->root;
	unsigned l = p->top;

	for (; l != 0; l--) {
		struct kv_pt *const *children =
		    (struct kv_pt *const *)(void *)(t->entry + p->room);
		struct kv_pt *child = children[kv_pt_index(p, va, l)];

		if (child == NULL)
			break;
		t = child;
	}
	*level = l;
	return t;
}

static inline struct kv_pt *
kv_pt_lookup(const struct kv_pmap *p, kv_va_t va)
{
	unsigned level;

	return kv_pt_descend(p, va, &level);
}

/* As kv_pte_decode, by tables. */
static inline unsigned
kv_pt_attr(const struct kv_pmap *p, uint64_t entry)
{
	const unsigned low = p->low[entry & ((1u << KV_PT_LOW_BITS) - 1)];
	const unsigned attr = low | p->high[entry >> KV_PT_HIGH_FROM];
	const unsigned both = KV_PT_USER_X | KV_PTE_U;

	return (attr & both) == both ? (attr | KV_PTE_X) & (KV_PT_USER_X - 1)
				     : attr & (KV_PT_USER_X - 1);
}

/* The address of an offset into what the root covers. */
static inline kv_va_t
kv_pt_va(const struct kv_pmap *p, uint64_t offset)
{
	return ((offset ^ p->va_sign) - p->va_sign) | p->va_high;
}

static inline bool
kv_pt_canonical(const struct kv_pmap *p, kv_va_t va)
{
	return kv_pt_va(p, va & p->va_mask) == va;
}

/* The part of [*lo, *hi], offsets in a table of that level, in its entry i. */
static inline void
kv_pt_clip(const struct kv_pmap *p, unsigned level, unsigned i, uint64_t *lo,
    uint64_t *hi)
{
	const unsigned shift = p->level[level].shift;
	const uint64_t first = i - kv_pt_index(p, *lo, level) + (*lo >> shift);

	if (*lo < first << shift)
		*lo = first << shift;
	if (*hi >> shift != first)
		*hi = (first << shift) + ((UINT64_C(1) << shift) - 1);
}

/* A leaf's bits for a frame that is aligned and not too high. */
static inline uint64_t
kv_pt_leaf(const struct kv_pmap *p, kv_pa_t pa, unsigned level, unsigned attr)
{
	return pa >> p->format->frame_shift | p->format->leaf[level] |
	       p->code[attr & ((1u << KV_PTE_ATTRS) - 1)];
}

/* Entry i of a table of a level, as it would be outside its contiguous group.
 */
static inline uint64_t
kv_pt_single(
    const struct kv_pmap *p, uint64_t entry, unsigned level, unsigned i)
{
	if ((entry & p->contig) == 0)
		return entry;
	return kv_pte_alone(p->format, entry, p->level[level].order, i);
}

static inline uint64_t
kv_pt_alone(const struct kv_pmap *p, const struct kv_pt *t, unsigned i)
{
	return kv_pt_single(p, t->entry[i], t->level, i);
}

/* Replace an entry and tell whoever listens; counts are the caller's. */
static inline void
kv_pt_put(struct kv_pmap *p, struct kv_pt *t, unsigned i, uint64_t entry)
{
	uint64_t old = t->entry[i];

	t->entry[i] = entry;
	if (p->store != NULL)
		p->store(p->store_arg, t->pa, i, old, entry);
}

/* A table has that many entries more, or fewer. */
static inline void
kv_pt_count(struct kv_pmap *p, struct kv_pt *t, int more)
{
	const unsigned last = p->level[0].mask;
	unsigned count = t->count + (unsigned)more;

	if (t->level == 0)
		p->stats.spoilers +=
		    (uint64_t)(count == last) - (uint64_t)(t->count == last);
	t->count = count;
}

/* ... of leaves: counted, but not as base pages (I6). */
static inline void
kv_pt_leaves(struct kv_pmap *p, struct kv_pt *t, int more)
{
	kv_pt_count(p, t, more);
	p->stats.leaves[t->level] += (uint64_t)(int64_t)more;
}

/* Base pages that a leaf of that level maps. */
static inline uint64_t
kv_pt_pages(const struct kv_pmap *p, unsigned level)
{
	return UINT64_C(1) << (p->level[level].shift - p->level[0].shift);
}

/* All entries of a table without children become leaves: the first, and those
 * that follow it. */
static inline void
kv_pt_fill(struct kv_pmap *p, struct kv_pt *t, uint64_t first)
{
	const uint64_t step = p->level[t->level].step;
	const unsigned n = p->level[t->level].mask + 1;

	if (p->store == NULL)
		for (unsigned i = 0; i < n; i++, first += step)
			t->entry[i] = first;
	else
		for (unsigned i = 0; i < n; i++, first += step)
			kv_pt_put(p, t, i, first);
	kv_pt_leaves(p, t, (int)n);
}

/* A table of that level, in no other table yet, empty; or to be filled: what
 * its entries are is not said, if nobody listens.
 * => 0; what the source answers */
int kv_pt_create(
    struct kv_pmap *p, unsigned level, bool empty, struct kv_pt **t);

/* Give a table back; its entries no longer count. */
void kv_pt_free(struct kv_pmap *p, struct kv_pt *t);

/* Does the table stay when it is empty? */
static inline bool
kv_pt_kept(const struct kv_pmap *p, const struct kv_pt *t)
{
	return (p->keep >> t->level & 1) != 0 || t->lent != 0;
}

/* Is entry i of the root a graft; is one of those of offsets [lo, hi]? */
bool kv_pt_is_graft(const struct kv_pmap *p, unsigned i);
bool kv_pt_meets_graft(const struct kv_pmap *p, uint64_t lo, uint64_t hi);

/* The tables below t's entry i go, which have no leaves; the entry is 0. */
void kv_pt_prune(struct kv_pmap *p, struct kv_pt *t, unsigned i);

/* The table of that level for va; those that lack are made.
 * => 0; EBUSY (a leaf above it); what the source answers: nothing changed, but
 *    tables that are kept stand there */
int kv_pt_grow(struct kv_pmap *p, kv_va_t va, unsigned level, struct kv_pt **t);

/* [va, va + size) as offsets [*lo, *hi] of whole base pages, hi inclusive.
 * => 0; EINVAL */
int kv_pt_range(const struct kv_pmap *p, kv_va_t va, uint64_t size,
    uint64_t *lo, uint64_t *hi);

/* The same of n leaves of a level. */
int kv_pt_run_range(const struct kv_pmap *p, kv_va_t va, unsigned level,
    uint64_t n, uint64_t *lo, uint64_t *hi);

/* If entry i is in a contiguous group, all members become single entries. */
void kv_pt_break_group(struct kv_pmap *p, struct kv_pt *t, unsigned i);

/* The group of entry i, if it can be one; counted either way. */
void kv_pt_make_group(struct kv_pmap *p, struct kv_pt *t, unsigned i);

/* The table of entry i of t becomes a leaf, if it can; counted either way.
 * => 0, EAGAIN */
int kv_pt_promote(struct kv_pmap *p, struct kv_pt *t, unsigned i);

/* The leaf i of t becomes a table.  => 0; what the source answers */
int kv_pt_demote(struct kv_pmap *p, struct kv_pt *t, unsigned i);

#endif
