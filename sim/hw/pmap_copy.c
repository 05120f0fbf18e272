/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap_copy.c - all tables at once: they go, or another space's are copied
 *
 * Theory: pmap.c.  Where tables come from a range of pages of their own, a new
 * program begins with the range as it was at first, and a new process with a
 * copy of it, byte by byte: each table of the copy is where its original is,
 * seen from the beginning of the range.
 */
#include <string.h>

#include "hw/pmap_parts.h"

void
kv_pmap_empty(struct kv_pmap *pmap)
{
	struct kv_pt *root = pmap->root;

	KV_ASSERT(
	    !pmap->keeps && !kv_pmap_borrows(pmap) && !kv_pmap_lends(pmap));
	for (unsigned i = 0; i <= pmap->level[pmap->top].mask; i++) {
		if (pmap->top != 0 && root->child[i] != NULL) {
			kv_pt_prune(pmap, root, i);
		} else if (root->entry[i] != 0) {
			kv_pt_count(pmap, root, -1);
			kv_pt_put(pmap, root, i, 0);
		}
	}
	memset(pmap->stats.leaves, 0, sizeof(pmap->stats.leaves));
	pmap->stats.grouped = pmap->stats.spoilers = 0;
	pmap->pages = 0;
}

/* A copy that is made. */
struct copy {
	struct kv_pmap *to;
	const struct kv_pmap *from;
	kv_pmap_copy_fn *next;
	void *arg;
};

static int copy_table(
    const struct copy *c, struct kv_pt *to, const struct kv_pt *from);

/* What is below an entry, then the entry: nobody sees half a table. */
static int
copy_child(const struct copy *c, struct kv_pt *to, unsigned i,
    const struct kv_pt *from)
{
	const struct kv_pte_format *f = c->to->format;
	struct kv_pt *child;
	int error;

	c->next(c->arg, from->pa);
	error = kv_pt_create(c->to, from->level, true, &child);
	if (error != 0)
		return error;
	error = copy_table(c, child, from);
	to->child[i] = child;
	kv_pt_count(c->to, to, 1);
	kv_pt_put(c->to, to, i, child->pa >> f->frame_shift | f->table);
	return error;
}

static int
copy_table(const struct copy *c, struct kv_pt *to, const struct kv_pt *from)
{
	int error = 0;

	for (unsigned i = 0;
	     i <= c->from->level[from->level].mask && error == 0; i++) {
		if (from->level != 0 && from->child[i] != NULL) {
			error = copy_child(c, to, i, from->child[i]);
		} else if (from->entry[i] != 0) {
			kv_pt_leaves(c->to, to, 1);
			kv_pt_put(c->to, to, i, from->entry[i]);
		}
	}
	return error;
}

int
kv_pmap_copy(struct kv_pmap *pmap, const struct kv_pmap *from,
    kv_pmap_copy_fn *next, void *arg)
{
	const struct copy c = {pmap, from, next, arg};
	int error;

	if (pmap->format != from->format || pmap->root->count != 0 ||
	    kv_pmap_borrows(pmap) || kv_pmap_borrows(from))
		return EINVAL;
	error = copy_table(&c, pmap->root, from->root);
	if (error != 0) {
		kv_pmap_empty(pmap);
		return error;
	}
	pmap->stats.grouped = from->stats.grouped;
	pmap->pages = from->pages;
	return 0;
}
