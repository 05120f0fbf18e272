/* SPDX-License-Identifier: BSD-2-Clause */
/* pmap_inspect.c - translate, visit, count and check (theory: pmap.c) */
#include <stdlib.h>

#include "hw/pmap_parts.h"
#include "out/mem.h"

/* ---- Leaves ------------------------------------------------------------ */

/* Entry i of a table of a level, a leaf that begins at an offset. */
static inline struct kv_leaf
leaf_at(const struct kv_pmap *p, uint64_t entry, unsigned level, unsigned i,
    uint64_t offset)
{
	const uint64_t single = kv_pt_single(p, entry, level, i);

	return (struct kv_leaf){.va = kv_pt_va(p, offset),
	    .pa = kv_pte_frame(p->format, single),
	    .level = level,
	    .attr = kv_pt_attr(p, entry)};
}

int
kv_pmap_extract(const struct kv_pmap *pmap, kv_va_t va, struct kv_leaf *leaf)
{
	unsigned level;
	const struct kv_pt *t = kv_pt_descend(pmap, va, &level);
	const unsigned i = kv_pt_index(pmap, va, level);
	const unsigned shift = pmap->level[level].shift;
	const uint64_t entry = t->entry[i];

	if (!kv_pt_canonical(pmap, va))
		return EINVAL;
	if (entry == 0)
		return ENOENT;
	*leaf = leaf_at(
	    pmap, entry, level, i, (va & pmap->va_mask) >> shift << shift);
	return 0;
}

/* Of the leaf at va A and M are on (off) where attr has them.  => as access */
static int
set_attr(struct kv_pmap *p, kv_va_t va, unsigned attr, bool on)
{
	const struct kv_pte_format *f = p->format;
	struct kv_pt *t = kv_pt_lookup(p, va);
	const unsigned i = kv_pt_index(p, va, t->level);
	const uint64_t old = t->entry[i];
	uint64_t entry = old;

	if (old == 0 || !kv_pt_canonical(p, va))
		return ENOENT;
	if (on && !kv_pte_on(&f->attr[KV_PTE_W_BIT], old))
		attr &= ~(unsigned)KV_PTE_M;
	if ((attr & KV_PTE_A) != 0)
		entry = kv_pte_set(&f->attr[KV_PTE_A_BIT], entry, on);
	if ((attr & KV_PTE_M) != 0)
		entry = kv_pte_set(&f->attr[KV_PTE_M_BIT], entry, on);
	if (entry != old)
		kv_pt_put(p, t, i, entry);
	return 0;
}

int
kv_pmap_access(struct kv_pmap *pmap, kv_va_t va, bool write)
{
	return set_attr(
	    pmap, va, KV_PTE_A | (write ? (unsigned)KV_PTE_M : 0), true);
}

int
kv_pmap_clear(struct kv_pmap *pmap, kv_va_t va, unsigned attr)
{
	return set_attr(pmap, va, attr, false);
}

/* ---- Visits ------------------------------------------------------------ */

static int
walk_table(const struct kv_pmap *p, const struct kv_pt *t, uint64_t lo,
    uint64_t hi, kv_leaf_fn *cb, void *arg)
{
	const unsigned shift = p->level[t->level].shift;
	const unsigned last = kv_pt_index(p, hi, t->level);
	unsigned i = kv_pt_index(p, lo, t->level);
	uint64_t offset = lo >> shift << shift;

	for (; i <= last; i++, offset += UINT64_C(1) << shift) {
		uint64_t from = lo, to = hi;
		struct kv_leaf leaf;
		int ended;

		if (t->entry[i] == 0)
			continue;
		if (t->level != 0 && t->child[i] != NULL) {
			kv_pt_clip(p, t->level, i, &from, &to);
			ended = walk_table(p, t->child[i], from, to, cb, arg);
		} else {
			leaf = leaf_at(p, t->entry[i], t->level, i, offset);
			ended = cb(arg, &leaf);
		}
		if (ended != 0)
			return ended;
	}
	return 0;
}

/* The part of [start, last] among the offsets of one half, which begins at
 * first: the range may take in both halves and the hole between them. */
static int
walk_half(const struct kv_pmap *p, kv_va_t first, uint64_t size, kv_va_t start,
    kv_va_t last, kv_leaf_fn *cb, void *arg)
{
	const kv_va_t end = first + (size - 1);

	start = start > first ? start : first;
	last = last < end ? last : end;
	if (start > last)
		return 0;
	return walk_table(
	    p, p->root, start & p->va_mask, last & p->va_mask, cb, arg);
}

int
kv_pmap_walk(const struct kv_pmap *pmap, kv_va_t start, kv_va_t end,
    kv_leaf_fn *cb, void *arg)
{
	const uint64_t half = pmap->va_sign;
	int ended;

	if (start >= end)
		return 0;
	if (half == 0)
		return walk_half(pmap, pmap->va_high, pmap->va_mask + 1, start,
		    end - 1, cb, arg);
	ended = walk_half(pmap, 0, half, start, end - 1, cb, arg);
	if (ended == 0)
		ended = walk_half(pmap, -half, half, start, end - 1, cb, arg);
	return ended;
}

/* ---- Counts ------------------------------------------------------------ */

struct kv_pmap_stats
kv_pmap_stats(const struct kv_pmap *pmap)
{
	return pmap->stats;
}

const struct kv_pte_format *
kv_pmap_format(const struct kv_pmap *pmap)
{
	return pmap->format;
}

kv_pa_t
kv_pmap_root(const struct kv_pmap *pmap)
{
	return pmap->root->pa;
}

/* ---- Check ------------------------------------------------------------- */

/* What a walk finds, beside what the pmap says. */
struct audit {
	const struct kv_pmap *p;
	struct kv_diag *diag;
	struct kv_pmap_stats found;
	uint64_t pages;
	kv_pa_t *tables; /* addresses of all tables */
	size_t ntables;
};

static int
broken(struct audit *a, unsigned invariant, uint64_t address, const char *text)
{
	return kv_diag_set(a->diag, EFAULT, "pmap", invariant, address, text);
}

/* I4 for the group of entry i, which says that it is in one. */
static int
check_group(struct audit *a, const struct kv_pt *t, unsigned i, kv_va_t va)
{
	const struct kv_pt_level *l = &a->p->level[t->level];
	const unsigned n = 1u << l->order, first = i & ~(n - 1);
	const uint64_t same = ~a->p->am;
	const uint64_t head = kv_pt_alone(a->p, t, first);

	if (l->order == 0)
		return broken(a, 4, va, "a group where there are none");
	if ((kv_pte_frame(a->p->format, head) &
		(((uint64_t)n << l->shift) - 1)) != 0)
		return broken(a, 4, va, "the frames of a group not aligned");
	if ((t->entry[i] & a->p->contig) == 0 ||
	    (kv_pt_alone(a->p, t, i) & same) !=
		((head + (i - first) * l->step) & same))
		return broken(a, 4, va, "a group is not whole");
	return 0;
}

static int
check_leaf(struct audit *a, const struct kv_pt *t, unsigned i, kv_va_t va)
{
	const struct kv_pmap *p = a->p;
	const struct kv_pte_format *f = p->format;
	const struct kv_pt_level *l = &p->level[t->level];
	const uint64_t entry = t->entry[i];
	const struct kv_leaf leaf = leaf_at(p, entry, t->level, i, va);
	const unsigned n = 1u << l->order;
	uint64_t group = 0;

	for (unsigned k = 0; k < n; k++)
		group |= t->entry[(i & ~(n - 1)) + k] & p->contig;
	if (!kv_pte_leaf_level(f, t->level))
		return broken(a, 3, va, "a leaf where there are none");
	if (!kv_pte_on(&f->present, entry))
		return broken(a, 3, va, "an entry is not valid");
	if ((leaf.pa & l->pa_mask) != 0 ||
	    kv_pt_alone(p, t, i) != kv_pt_leaf(p, leaf.pa, t->level, leaf.attr))
		return broken(a, 3, va, "bits that no leaf has");
	a->found.leaves[t->level]++;
	a->pages += kv_pt_pages(p, t->level);
	if (group != 0)
		a->found.grouped += t->level == 0;
	return group != 0 ? check_group(a, t, i, va) : 0;
}

static int check_table(struct audit *a, const struct kv_pt *t, uint64_t offset);

static int
check_child(struct audit *a, const struct kv_pt *t, unsigned i, uint64_t offset)
{
	const struct kv_pt *child = t->child[i];
	const struct kv_pte_format *f = a->p->format;

	if (t->entry[i] != (child->pa >> f->frame_shift | f->table) ||
	    child->level + 1 != t->level)
		return broken(a, 1, child->pa, "a table is not where it hangs");
	if (t->level != a->p->top || !kv_pt_is_graft(a->p, i))
		return check_table(a, child, offset);
	return child->lent != 0 ? 0
				: broken(a, 1, child->pa,
				      "a table that is grafted is not lent");
}

static int
check_table(struct audit *a, const struct kv_pt *t, uint64_t offset)
{
	const struct kv_pt_level *l = &a->p->level[t->level];
	unsigned count = 0;
	int error = 0;

	a->tables = kv_mem_resize(a->tables, a->ntables + 1, sizeof(kv_pa_t));
	a->tables[a->ntables++] = t->pa;
	a->found.pt_pages++;
	a->found.pt_level[t->level]++;
	for (unsigned i = 0; error == 0 && i <= l->mask; i++) {
		const uint64_t at = offset + ((uint64_t)i << l->shift);

		count += t->entry[i] != 0;
		if (t->level != 0 && t->child[i] != NULL)
			error = check_child(a, t, i, at);
		else if (t->entry[i] != 0)
			error = check_leaf(a, t, i, kv_pt_va(a->p, at));
	}
	if (error == 0 && count != t->count)
		error = broken(a, 2, t->pa, "entries of a table miscounted");
	a->found.spoilers += t->level == 0 && count == l->mask;
	return error;
}

static int
ascending(const void *a, const void *b)
{
	const kv_pa_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int
check_tables(struct audit *a)
{
	qsort(a->tables, a->ntables, sizeof(kv_pa_t), ascending);
	for (size_t i = 1; i < a->ntables; i++)
		if (a->tables[i - 1] == a->tables[i])
			return broken(
			    a, 1, a->tables[i], "one page, two tables");
	return 0;
}

static int
check_counts(struct audit *a)
{
	const struct kv_pmap_stats *is = &a->p->stats, *found = &a->found;
	uint64_t failures = 0;

	for (unsigned i = 0; i < KV_PMAP_CAUSES; i++)
		failures += is->causes[i];
	if (failures != is->p_failures)
		return broken(a, 5, failures, "causes are not the failures");
	for (unsigned l = 0; l < KV_PTE_LEVELS_MAX; l++)
		if (is->pt_level[l] != found->pt_level[l])
			return broken(a, 1, l, "tables of a level miscounted");
		else if (is->leaves[l] != found->leaves[l])
			return broken(a, 5, l, "leaves of a level miscounted");
	if (is->pt_pages != found->pt_pages)
		return broken(a, 1, is->pt_pages, "tables miscounted");
	if (is->grouped != found->grouped)
		return broken(a, 5, is->grouped, "grouped leaves miscounted");
	if (is->spoilers != found->spoilers)
		return broken(a, 5, is->spoilers, "spoiler holes miscounted");
	if (a->p->pages != a->pages)
		return broken(a, 6, a->pages, "base pages made or lost");
	return 0;
}

int
kv_pmap_check(const struct kv_pmap *pmap, struct kv_diag *diag)
{
	struct audit a = {.p = pmap, .diag = diag};
	int error = check_table(&a, pmap->root, 0);

	if (error == 0)
		error = check_tables(&a);
	if (error == 0)
		error = check_counts(&a);
	kv_mem_free(a.tables);
	return error;
}
