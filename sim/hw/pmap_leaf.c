/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_leaf.c - leaves of any level at once, and tables ahead of them
 *
 * Theory: pmap.c.  All tables are made before the first leaf, so that a failure
 * takes back those that the operation made, and changes nothing.
 */
#include "hw/pmap_parts.h"
#include "out/mem.h"

static int
stop(void *arg, const struct kv_leaf *leaf)
{
	(void)arg;
	(void)leaf;
	return EEXIST;
}

/* Take back the tables of [lo, hi] below t that this operation made. */
static void
undo(struct kv_pmap *p, struct kv_pt *t, uint64_t lo, uint64_t hi)
{
	const unsigned last = kv_pt_index(p, hi, t->level);

	if (t->level == 0)
		return;
	for (unsigned i = kv_pt_index(p, lo, t->level); i <= last; i++) {
		uint64_t from = lo, to = hi;

		if (t->child[i] == NULL)
			continue;
		kv_pt_clip(p, t->level, i, &from, &to);
		if (t->child[i]->born == p->op && !kv_pt_kept(p, t->child[i]))
			kv_pt_prune(p, t, i);
		else
			undo(p, t->child[i], from, to);
	}
}

/* All tables of that level for [va, va + size).  => as kv_pt_grow */
static int
grow_all(struct kv_pmap *p, uint64_t lo, uint64_t hi, unsigned level)
{
	const unsigned shift = p->level[level].shift;
	const uint64_t span = ((uint64_t)p->level[level].mask + 1) << shift;
	struct kv_pt *t;

	p->op++;
	for (uint64_t at = lo & ~(span - 1); at <= hi; at += span) {
		int error = kv_pt_grow(p, kv_pt_va(p, at), level, &t);

		if (error == 0)
			continue;
		undo(p, p->root, lo, hi);
		return error;
	}
	return 0;
}

/* The entries of a table without leaves become leaves, pa on; so do those of
 * the tables in it. */
static void
fill(struct kv_pmap *p, struct kv_pt *t, kv_pa_t pa, unsigned attr)
{
	const struct kv_pt_level *l = &p->level[t->level];
	int more = 0;

	if (t->level == 0) {
		kv_pt_fill(p, t, kv_pt_leaf(p, pa, 0, attr));
		return;
	}
	for (unsigned i = 0; i <= l->mask; i++, pa += UINT64_C(1) << l->shift) {
		if (t->child[i] != NULL) {
			fill(p, t->child[i], pa, attr);
			continue;
		}
		kv_pt_put(p, t, i, kv_pt_leaf(p, pa, t->level, attr));
		more++;
	}
	kv_pt_leaves(p, t, more);
}

/* A leaf where there is none, but maybe a table.  => false: it fills that */
static bool
put_leaf(
    struct kv_pmap *p, struct kv_pt *t, unsigned i, kv_pa_t pa, unsigned attr)
{
	struct kv_pt *child = t->level != 0 ? t->child[i] : NULL;

	if (child != NULL && kv_pt_kept(p, child)) {
		fill(p, child, pa, attr);
		return false;
	}
	if (child != NULL)
		kv_pt_prune(p, t, i);
	kv_pt_put(p, t, i, kv_pt_leaf(p, pa, t->level, attr));
	kv_pt_leaves(p, t, 1);
	return true;
}

/* n leaves of a level from va on, where there is none and all tables are. */
static void
put_leaves(struct kv_pmap *p, kv_va_t va, kv_pa_t pa, unsigned level, size_t n,
    unsigned attr)
{
	const struct kv_pt_level *l = &p->level[level];
	struct kv_pt *t = NULL;
	uint64_t whole = 0;

	for (size_t k = 0; k < n; k++) {
		const unsigned i = kv_pt_index(p, va, level);

		if (t == NULL || i == 0)
			(void)kv_pt_grow(p, va, level, &t);
		whole += put_leaf(p, t, i, pa, attr);
		va += UINT64_C(1) << l->shift;
		pa += UINT64_C(1) << l->shift;
	}
	p->pages += n * kv_pt_pages(p, level);
	p->stats.mappings += level != 0 ? whole : 0;
}

int
kv_pmap_enter_leaf(struct kv_pmap *pmap, kv_va_t va, kv_pa_t pa, unsigned level,
    size_t n, unsigned attr)
{
	const struct kv_pt_level *l;
	uint64_t lo, hi;
	int error;

	if (n == 0)
		return 0;
	if (level >= pmap->format->levels ||
	    !kv_pte_leaf_level(pmap->format, level))
		return EINVAL;
	l = &pmap->level[level];
	error = kv_pt_run_range(pmap, va, level, n, &lo, &hi);
	if (error != 0)
		return error;
	if ((va & ((UINT64_C(1) << l->shift) - 1)) != 0 ||
	    pa > UINT64_MAX - (hi - lo) ||
	    ((pa | kv_align_down(pa + (hi - lo), UINT64_C(1) << l->shift)) &
		l->pa_mask) != 0)
		return EINVAL;
	error = kv_pmap_walk(pmap, va, kv_pt_va(pmap, hi), stop, NULL);
	if (error == 0)
		error = grow_all(pmap, lo, hi, level);
	if (error == 0)
		put_leaves(pmap, va, pa, level, n, attr);
	return error;
}

/* What t's entry i points to is forgotten: its leaves do not count any more,
 * its tables never go back. */
static void
forget(struct kv_pmap *p, struct kv_pt *t, unsigned i)
{
	struct kv_pt *child = t->level != 0 ? t->child[i] : NULL;

	for (unsigned j = 0; child != NULL && j <= p->level[child->level].mask;
	     j++) {
		if (child->entry[j] == 0)
			continue;
		if (child->level != 0 && child->child[j] != NULL) {
			forget(p, child, j);
			continue;
		}
		p->stats.grouped -=
		    child->level == 0 && (child->entry[j] & p->contig) != 0;
		p->pages -= kv_pt_pages(p, child->level);
		kv_pt_leaves(p, child, -1);
	}
	if (child == NULL) {
		p->pages -= kv_pt_pages(p, t->level);
		kv_pt_leaves(p, t, -1);
		return;
	}
	t->child[i] = NULL;
	kv_pt_count(p, t, -1);
	p->stats.pt_pages--;
	p->stats.pt_level[child->level]--;
	kv_mem_free(child);
}

int
kv_pmap_extend_leaf(struct kv_pmap *pmap, kv_va_t va, kv_pa_t pa,
    unsigned level, bool over, unsigned attr)
{
	struct kv_pt *t;
	uint64_t lo, hi;
	unsigned i;
	int error;

	if (level == 0 || !kv_pte_leaf_level(pmap->format, level) ||
	    kv_pt_run_range(pmap, va, level, 1, &lo, &hi) != 0 ||
	    ((va | pa) & ((UINT64_C(1) << pmap->level[level].shift) - 1)) != 0)
		return EINVAL;
	error = kv_pt_grow(pmap, va, level, &t);
	if (error != 0)
		return error == EBUSY && !over ? EEXIST : error;
	i = kv_pt_index(pmap, va, level);
	if (t->entry[i] != 0 && !over)
		return EEXIST;
	kv_pt_break_group(pmap, t, i);
	if (t->entry[i] != 0)
		forget(pmap, t, i);
	put_leaves(pmap, va, pa, level, 1, attr);
	return 0;
}

int
kv_pmap_grow(struct kv_pmap *pmap, kv_va_t va, uint64_t size, unsigned level)
{
	uint64_t lo, hi;
	int error;

	if (size == 0)
		return 0;
	if (level >= pmap->format->levels)
		return EINVAL;
	error = kv_pt_range(pmap, va, size, &lo, &hi);
	return error != 0 ? error : grow_all(pmap, lo, hi, level);
}
