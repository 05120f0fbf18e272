/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_promote.c - superpages and contiguous groups: made and taken apart
 *
 * 1 Concepts.  Promotion replaces a table of leaves by one leaf one level up;
 *   demotion is the way back.  A contiguous group is the same with less: its
 *   members stay, and each gets a bit that says that a translation cache may
 *   hold them as one.
 * 2 Representation.  That of pmap.c.
 * 3 Invariants.  Those of pmap.c; I6 (V5) is the one at stake.
 * 4 Cost.  One pass over the entries; a table that is not full is told at once.
 * 5 Fidelity.  spec freebsd.md 5.  All entries must be there, consecutive in
 *   frames from one aligned to what the leaf maps, with equal attributes, A and
 *   M, and A set.  Of several reasons to fail the first in the order of enum
 *   kv_pmap_cause counts.  As in the kernel's own pmap, an attempt is made, and
 *   can fail, whether or not the table is full; a process's (user) only tries
 *   full ones.
 *   Simplified: FreeBSD keeps the table page of a promoted range for its
 *   demotion, here it goes back to the source and a demotion asks for one
 *   (unlimited ones are not refused then, whatever draws are); and
 *   amd64 takes W from entries that are W but not M rather than fail when some
 *   are M, which gives up the permission that keeps M exact.
 *   A demotion leaves single entries, no groups.
 */
#include "hw/pmap_parts.h"

/* ---- May these be one? ------------------------------------------------- */

/* How entry i fails to be what is expected there, as a bit of the cause. */
static unsigned
mismatch(const struct kv_pmap *p, const struct kv_pt *t, unsigned i,
    uint64_t expected)
{
	const uint64_t entry = t->entry[i];
	const uint64_t differs = kv_pt_alone(p, t, i) ^ expected;

	if (entry == 0 || (t->level != 0 && t->child[i] != NULL))
		return 1u << KV_PMAP_HOLE;
	return (unsigned)((differs & p->format->frame_mask) != 0)
		   << KV_PMAP_FRAMES |
	       (unsigned)((differs & p->attrs & ~p->am) != 0)
		   << KV_PMAP_ATTRIBUTE |
	       (unsigned)((differs & p->am) != 0) << KV_PMAP_ACCESSED;
}

/* n entries of t from i on: why they cannot be one leaf; KV_PMAP_CAUSES when
 * they can. */
static enum kv_pmap_cause
obstacle(const struct kv_pmap *p, const struct kv_pt *t, unsigned i, unsigned n)
{
	const struct kv_pt_level *l = &p->level[t->level];
	const uint64_t first = kv_pt_alone(p, t, i);
	const uint64_t size = (uint64_t)n << l->shift;
	unsigned causes = 0;

	if (first == 0 || (t->level != 0 && t->child[i] != NULL))
		return KV_PMAP_HOLE;
	for (unsigned k = 1; k < n; k++) {
		const uint64_t expected = first + k * l->step;

		if (kv_pt_alone(p, t, i + k) != expected)
			causes |= mismatch(p, t, i + k, expected);
	}
	if ((kv_pte_frame(p->format, first) & (size - 1)) != 0 &&
	    !(p->join_any && n > l->mask))
		causes |= 1u << KV_PMAP_FRAMES;
	if ((kv_pt_attr(p, first) & KV_PTE_A) == 0)
		causes |= 1u << KV_PMAP_ACCESSED;
	return causes == 0 ? KV_PMAP_CAUSES
			   : (enum kv_pmap_cause)__builtin_ctz(causes);
}

/* ---- Contiguous groups ------------------------------------------------- */

void
kv_pt_break_group(struct kv_pmap *p, struct kv_pt *t, unsigned i)
{
	const unsigned n = 1u << p->level[t->level].order;

	if ((t->entry[i] & p->contig) == 0)
		return;
	i &= ~(n - 1);
	for (unsigned k = 0; k < n; k++)
		kv_pt_put(p, t, i + k, kv_pt_alone(p, t, i + k));
	p->stats.group_demotions++;
	p->stats.grouped -= t->level == 0 ? n : 0;
}

void
kv_pt_make_group(struct kv_pmap *p, struct kv_pt *t, unsigned i)
{
	const unsigned order = p->level[t->level].order, n = 1u << order;

	if (order == 0 || (t->entry[i] & p->contig) != 0)
		return;
	i &= ~(n - 1);
	if (obstacle(p, t, i, n) != KV_PMAP_CAUSES) {
		p->stats.group_p_failures++;
		return;
	}
	for (unsigned k = 0; k < n; k++)
		kv_pt_put(p, t, i + k,
		    kv_pte_join(p->format, t->entry[i + k], order));
	p->stats.group_promotions++;
	p->stats.grouped += t->level == 0 ? n : 0;
}

/* ---- Superpages -------------------------------------------------------- */

/* The table of entry i of t, which can be one leaf, becomes that. */
static void
promote(struct kv_pmap *p, struct kv_pt *t, unsigned i)
{
	const struct kv_pte_format *f = p->format;
	struct kv_pt *child = t->child[i];
	const uint64_t first = kv_pt_alone(p, child, 0);
	const unsigned last = p->level[child->level].mask;

	for (unsigned k = 0; child->level == 0 && k <= last; k++)
		p->stats.grouped -= (child->entry[k] & p->contig) != 0;
	kv_pt_leaves(p, child, -(int)child->count);
	t->child[i] = NULL;
	kv_pt_put(p, t, i,
	    kv_pt_leaf(
		p, kv_pte_frame(f, first), t->level, kv_pt_attr(p, first)));
	p->stats.leaves[t->level]++;
	kv_pt_free(p, child);
	p->stats.promotions++;
	p->kept += p->keeps;
	kv_pt_make_group(p, t, i);
}

int
kv_pt_promote(struct kv_pmap *p, struct kv_pt *t, unsigned i)
{
	const struct kv_pt *child = t->child[i];
	const unsigned n = p->level[child->level].mask + 1;
	enum kv_pmap_cause cause = KV_PMAP_HOLE;

	if (child->count == n)
		cause = obstacle(p, child, 0, n);
	if (cause != KV_PMAP_CAUSES) {
		p->stats.p_failures++;
		p->stats.causes[cause]++;
		return EAGAIN;
	}
	promote(p, t, i);
	return 0;
}

int
kv_pmap_promote(struct kv_pmap *pmap, kv_va_t va)
{
	struct kv_pt *t = kv_pt_lookup(pmap, va), *up = pmap->root;

	if (!kv_pt_canonical(pmap, va))
		return EINVAL;
	if (kv_pt_is_graft(pmap, kv_pt_index(pmap, va, pmap->top)))
		return EBUSY;
	if (t == pmap->root ||
	    (t->level != 0 && t->entry[kv_pt_index(pmap, va, t->level)] == 0))
		return ENOENT;
	if (!kv_pte_leaf_level(pmap->format, t->level + 1))
		return EINVAL;
	while (up->level != t->level + 1)
		up = up->child[kv_pt_index(pmap, va, up->level)];
	return kv_pt_promote(pmap, up, kv_pt_index(pmap, va, up->level));
}

/* The last leaf of a table is not what it was before the split. */
static void
spoil(struct kv_pmap *p, struct kv_pt *t)
{
	const unsigned last = p->level[t->level].mask;
	const uint64_t entry = t->entry[last];
	const unsigned attr = kv_pt_attr(p, entry) & ~(unsigned)KV_PTE_W;

	kv_pt_put(p, t, last,
	    p->split == KV_PMAP_SPLIT_FRAME
		? entry - p->level[t->level].step
		: (entry & ~p->attrs) | p->code[attr]);
}

int
kv_pt_demote(struct kv_pmap *p, struct kv_pt *t, unsigned i)
{
	const unsigned level = t->level - 1;
	const uint64_t pa = kv_pte_frame(p->format, t->entry[i]);
	const unsigned attr = kv_pt_attr(p, t->entry[i]);
	const uint64_t first = kv_pt_leaf(p, pa, level, attr);
	struct kv_pt *child;
	struct kv_draws *draws = p->draws;
	int error;

	/* The table of a promotion was kept for this: none is drawn. */
	if (p->kept != 0)
		p->draws = NULL;
	error = kv_pt_create(p, level, false, &child);
	p->draws = draws;
	if (error != 0)
		return error;
	p->kept -= p->kept != 0;
	kv_pt_break_group(p, t, i);
	kv_pt_fill(p, child, first);
	if (p->split != KV_PMAP_SPLIT_EXACT)
		spoil(p, child);
	t->child[i] = child;
	kv_pt_put(
	    p, t, i, child->pa >> p->format->frame_shift | p->format->table);
	p->stats.leaves[t->level]--;
	p->stats.demotions++;
	return 0;
}

int
kv_pmap_demote(struct kv_pmap *pmap, kv_va_t va)
{
	struct kv_pt *t = kv_pt_lookup(pmap, va);
	const unsigned i = kv_pt_index(pmap, va, t->level);

	if (!kv_pt_canonical(pmap, va))
		return EINVAL;
	if (kv_pt_is_graft(pmap, kv_pt_index(pmap, va, pmap->top)))
		return EBUSY;
	if (t->level == 0 || t->entry[i] == 0)
		return ENOENT;
	return kv_pt_demote(pmap, t, i);
}
