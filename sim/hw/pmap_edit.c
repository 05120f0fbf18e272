/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_edit.c - remove and protect: ranges, and the leaves that they cut
 *
 * Theory: pmap.c.  A range is edited in order of address, so that a failure
 * leaves a prefix done; a table that has become empty goes, or stays if it is
 * kept.  A superpage that the range cuts is demoted until its
 * pieces are inside or outside; a contiguous group that it cuts becomes single
 * entries.
 */
#include <string.h>

#include "hw/pmap_parts.h"

/* What to do to the leaves of a range. */
struct edit {
	bool remove;
	unsigned attr; /* else: W and X of it */
	uint64_t next; /* offset of the first byte that is not done */
};

/* ---- Leaves ------------------------------------------------------------ */

/* Entry i with W and X of attr; frame and the rest stay. */
static uint64_t protected(
    const struct kv_pmap *p, uint64_t entry, unsigned attr)
{
	const unsigned wx = KV_PTE_W | KV_PTE_X;

	attr = (kv_pt_attr(p, entry) & ~wx) | (attr & wx);
	return (entry & ~p->attrs) | p->code[attr];
}

static bool
changes(const struct kv_pmap *p, uint64_t entry, const struct edit *ed)
{
	return ed->remove || protected(p, entry, ed->attr) != entry;
}

static void
remove_leaf(struct kv_pmap *p, struct kv_pt *t, unsigned i)
{
	if (t->level == 0 && (t->entry[i] & p->contig) != 0)
		p->stats.grouped--;
	p->kept -= t->level != 0 && p->kept != 0;
	kv_pt_put(p, t, i, 0);
	kv_pt_leaves(p, t, -1);
	p->pages -= kv_pt_pages(p, t->level);
}

static void
edit_leaf(struct kv_pmap *p, struct kv_pt *t, unsigned i, const struct edit *ed)
{
	if (ed->remove)
		remove_leaf(p, t, i);
	else if (changes(p, t->entry[i], ed))
		kv_pt_put(p, t, i, protected(p, t->entry[i], ed->attr));
}

/* Break the contiguous groups that [i, j] of t cuts. */
static void
cut_groups(struct kv_pmap *p, struct kv_pt *t, unsigned i, unsigned j,
    const struct edit *ed)
{
	const unsigned low = (1u << p->level[t->level].order) - 1;

	if ((i & low) != 0 && changes(p, t->entry[i], ed))
		kv_pt_break_group(p, t, i);
	if (((j + 1) & low) != 0 && changes(p, t->entry[j], ed))
		kv_pt_break_group(p, t, j);
}

/* All leaves of a lowest table at once, where nobody is told of each.  Entries
 * of a table that goes need no clearing. */
static void
remove_table(struct kv_pmap *p, struct kv_pt *t)
{
	const unsigned n = p->level[0].mask + 1;

	for (unsigned i = 0; p->stats.grouped != 0 && i < n; i++)
		p->stats.grouped -= (t->entry[i] & p->contig) != 0;
	p->pages -= t->count;
	kv_pt_leaves(p, t, -(int)t->count);
	if (kv_pt_kept(p, t))
		memset(t->entry, 0, n * sizeof(t->entry[0]));
}

/* ---- Ranges ------------------------------------------------------------ */

static int edit_table(struct kv_pmap *p, struct kv_pt *t, uint64_t lo,
    uint64_t hi, struct edit *ed);

/* [lo, hi] lies in entry i of t, which is not 0. */
static int
edit_entry(struct kv_pmap *p, struct kv_pt *t, unsigned i, uint64_t lo,
    uint64_t hi, struct edit *ed)
{
	const uint64_t span = UINT64_C(1) << p->level[t->level].shift;
	int error;

	if (t->level == 0 || t->child[i] == NULL) {
		if (hi - lo == span - 1 || !changes(p, t->entry[i], ed)) {
			edit_leaf(p, t, i, ed);
			return 0;
		}
		error = kv_pt_demote(p, t, i);
		if (error != 0)
			return error;
	}
	error = edit_table(p, t->child[i], lo, hi, ed);
	if (ed->remove && t->child[i]->count == 0 &&
	    !kv_pt_kept(p, t->child[i]))
		kv_pt_prune(p, t, i);
	else if (p->repromote && t->level == 1 &&
		 t->child[i]->count == p->level[0].mask + 1 &&
		 kv_pte_leaf_level(p->format, 1))
		(void)kv_pt_promote(p, t, i);
	return error;
}

static int
edit_table(struct kv_pmap *p, struct kv_pt *t, uint64_t lo, uint64_t hi,
    struct edit *ed)
{
	const unsigned first = kv_pt_index(p, lo, t->level);
	const unsigned last = kv_pt_index(p, hi, t->level);

	if (t->level == 0 && ed->remove && p->store == NULL &&
	    last - first == p->level[0].mask) {
		remove_table(p, t);
		ed->next = hi + 1;
		return 0;
	}
	if (p->level[t->level].order != 0)
		cut_groups(p, t, first, last, ed);
	for (unsigned i = first; i <= last; i++) {
		uint64_t from = lo, to = hi;
		int error = 0;

		kv_pt_clip(p, t->level, i, &from, &to);
		if (t->entry[i] != 0)
			error = edit_entry(p, t, i, from, to, ed);
		if (error != 0)
			return error;
		ed->next = to + 1;
	}
	return 0;
}

static int
edit(struct kv_pmap *p, kv_va_t va, uint64_t size, struct edit *ed,
    uint64_t *done)
{
	uint64_t lo = 0, hi;
	int error = 0;

	if (size != 0)
		error = kv_pt_range(p, va, size, &lo, &hi);
	ed->next = lo;
	if (size != 0 && error == 0)
		error = edit_table(p, p->root, lo, hi, ed);
	if (done != NULL)
		*done = ed->next - lo;
	return error;
}

int
kv_pmap_remove(struct kv_pmap *pmap, kv_va_t va, uint64_t size, uint64_t *done)
{
	struct edit ed = {.remove = true};

	return edit(pmap, va, size, &ed, done);
}

int
kv_pmap_protect(struct kv_pmap *pmap, kv_va_t va, uint64_t size, unsigned attr,
    uint64_t *done)
{
	struct edit ed = {.attr = attr};

	return edit(pmap, va, size, &ed, done);
}

/* The base pages of t from offset lo to hi or its end.  => where it ended */
static uint64_t
clear_table(struct kv_pmap *p, struct kv_pt *t, uint64_t lo, uint64_t hi)
{
	const struct edit ed = {.remove = true};
	const uint64_t span = UINT64_C(1) << p->level[1].shift;
	const unsigned first = kv_pt_index(p, lo, 0);
	unsigned last;

	hi = hi < (lo | (span - 1)) ? hi : lo | (span - 1);
	last = kv_pt_index(p, hi, 0);
	if (p->level[0].order != 0)
		cut_groups(p, t, first, last, &ed);
	for (unsigned i = first; i <= last; i++)
		if (t->entry[i] != 0)
			remove_leaf(p, t, i);
	return hi;
}

int
kv_pmap_qremove(struct kv_pmap *pmap, kv_va_t va, size_t n)
{
	const unsigned shift = pmap->level[0].shift;
	uint64_t lo, hi;
	int error;

	if (n == 0)
		return 0;
	if (n > UINT64_MAX >> shift)
		return EINVAL;
	error = kv_pt_range(pmap, va, (uint64_t)n << shift, &lo, &hi);
	if (error != 0)
		return error;
	while (lo <= hi) {
		struct kv_pt *t = kv_pt_lookup(pmap, lo);
		const unsigned i = kv_pt_index(pmap, lo, t->level);

		if (t->level == 0)
			lo = clear_table(pmap, t, lo, hi) + 1;
		else if (t->entry[i] == 0)
			lo = (lo |
				 ((UINT64_C(1) << pmap->level[t->level].shift) -
				     1)) +
			     1;
		else
			return EBUSY;
	}
	return 0;
}
