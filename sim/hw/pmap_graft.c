/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_graft.c - tables of one space in the root of another
 *
 * 1 Concepts.  A root's entry may point to a table that another pmap, the
 *   owner, has under the same entry: a graft.  All addresses below it are
 *   shared, as a kernel half is, or the tables of an image.
 * 2 Representation.  The entry and the child of the root are those of the
 *   owner; a bit of the borrower's map says that they are not its own.  A table
 *   counts its grafts (lent).
 * 3 Invariants (reported as pmap-I1).
 *   A grafted entry points to a table whose lent is not 0; a pmap counts, edits
 *   and frees tables and leaves of its own only.  A table that is lent stays
 *   when it is empty.
 * 4 Cost.  A graft writes one entry.  Edits look at the map if there is one.
 * 5 Fidelity.  systems.md 2.1 (template tables belong to the image, are
 *   grafted, and survive the frame), N9.
 */
#include <string.h>

#include "hw/pmap_parts.h"
#include "out/mem.h"

enum { WORD = 64 };

static size_t
words(const struct kv_pmap *p)
{
	return p->level[p->top].mask / WORD + 1;
}

bool
kv_pt_is_graft(const struct kv_pmap *p, unsigned i)
{
	return p->grafts != NULL && (p->grafts[i / WORD] >> i % WORD & 1) != 0;
}

bool
kv_pt_meets_graft(const struct kv_pmap *p, uint64_t lo, uint64_t hi)
{
	const unsigned last = kv_pt_index(p, hi, p->top);

	for (unsigned i = kv_pt_index(p, lo, p->top); i <= last; i++)
		if (kv_pt_is_graft(p, i))
			return true;
	return false;
}

int
kv_pmap_graft(struct kv_pmap *pmap, struct kv_pmap *owner, kv_va_t va)
{
	const unsigned i = kv_pt_index(pmap, va, pmap->top);
	struct kv_pt *t = pmap->root, *child;

	if (pmap == owner || pmap->top == 0 || pmap->format != owner->format ||
	    !kv_pt_canonical(pmap, va))
		return EINVAL;
	if (t->entry[i] != 0)
		return EBUSY;
	child = owner->root->child[i];
	if (child == NULL || kv_pt_is_graft(owner, i))
		return ENOENT;
	if (pmap->grafts == NULL)
		pmap->grafts =
		    memset(kv_mem_resize(NULL, words(pmap), sizeof(uint64_t)),
			0, words(pmap) * sizeof(uint64_t));
	pmap->grafts[i / WORD] |= UINT64_C(1) << i % WORD;
	child->lent++;
	t->child[i] = child;
	t->entry[i] =
	    child->pa >> pmap->format->frame_shift | pmap->format->table;
	kv_pt_count(pmap, t, 1);
	return 0;
}

bool
kv_pmap_ungraft(struct kv_pmap *pmap, bool free)
{
	struct kv_pt *t = pmap->root;

	if (pmap->grafts == NULL)
		return false;
	for (unsigned i = 0; i <= pmap->level[pmap->top].mask; i++) {
		if (!kv_pt_is_graft(pmap, i))
			continue;
		t->child[i]->lent--;
		if (free)
			pmap->source.put(
			    pmap->source.arg, pmap->top - 1, t->child[i]->pa);
		t->child[i] = NULL;
		t->entry[i] = 0;
		kv_pt_count(pmap, t, -1);
	}
	kv_mem_free(pmap->grafts);
	pmap->grafts = NULL;
	return true;
}

bool
kv_pmap_lends(const struct kv_pmap *pmap)
{
	const struct kv_pt *t = pmap->root;

	if (pmap->top == 0)
		return false;
	for (unsigned i = 0; i <= pmap->level[pmap->top].mask; i++)
		if (t->child[i] != NULL && t->child[i]->lent != 0 &&
		    !kv_pt_is_graft(pmap, i))
			return true;
	return false;
}

bool
kv_pmap_borrows(const struct kv_pmap *pmap)
{
	return pmap->grafts != NULL;
}
