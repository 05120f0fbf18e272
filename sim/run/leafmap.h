/* SPDX-License-Identifier: BSD-2-Clause */
/* leafmap.h - leaves in order of address, and the edits between two sets */
#ifndef KV_SIM_LEAFMAP_H
#define KV_SIM_LEAFMAP_H

#include "hw/pte.h"

/* What is known of a leaf beside its entry. */
enum {
	KV_LEAF_A = 1,	   /* accessed */
	KV_LEAF_M = 2,	   /* modified */
	KV_LEAF_UNSURE = 4 /* A and M are whatever the edit left */
};

/* Consecutive leaves: va and pa ascend together. */
struct kv_leaf_run {
	kv_va_t va;
	kv_pa_t pa;
	size_t n;     /* leaves */
	size_t first; /* index of its first leaf in state[] */
	unsigned level;
	unsigned attr; /* KV_PTE_W, X, U, G */
};

/* Zero-initialise but for the shifts, finish with kv_leafmap_fini. */
struct kv_leafmap {
	unsigned page_shift, pt_shift; /* of the format */
	struct kv_leaf_run *runs;      /* ascending */
	size_t nruns, capacity;
	uint8_t *state; /* KV_LEAF_* of each leaf, in order */
	size_t nleaves, nstates;
};

/* Empty it; the shifts stay. */
void kv_leafmap_fini(struct kv_leafmap *m);

/* Bytes that a leaf of that level maps. */
uint64_t kv_leaf_size(const struct kv_leafmap *m, unsigned level);

/* Bytes that a run maps. */
uint64_t kv_leaf_run_size(
    const struct kv_leafmap *m, const struct kv_leaf_run *run);

/* Base pages that all leaves map. */
uint64_t kv_leafmap_pages(const struct kv_leafmap *m);

/*
 * Append n leaves above all others; those that continue the last run join it.
 * => 0; EINVAL: not above them, or misaligned
 */
int kv_leafmap_add(struct kv_leafmap *m, kv_va_t va, kv_pa_t pa, unsigned level,
    size_t n, unsigned attr);

/*
 * The run with the leaf that maps va, and that leaf's index in it.  *hint: a
 * run to try first, with the next; it becomes the one found.
 * => NULL: no leaf maps va
 */
const struct kv_leaf_run *kv_leafmap_find(
    const struct kv_leafmap *m, kv_va_t va, size_t *hint, size_t *index);

/* ---- Edits ----------------------------------------------------------- */

enum kv_edit_kind {
	KV_EDIT_MAP,
	KV_EDIT_UNMAP,
	KV_EDIT_PROTECT, /* W and X become attr's */
	KV_EDIT_PROMOTE, /* the table at va becomes one leaf of level */
	KV_EDIT_DEMOTE	 /* the leaf at va, of level, becomes a table */
};

struct kv_edit {
	enum kv_edit_kind kind;
	kv_va_t va;
	kv_pa_t pa;
	unsigned level;
	size_t n; /* leaves */
	uint64_t size;
	unsigned attr;
	const uint8_t *state; /* of a map: what is known of each leaf */
};
typedef int kv_edit_fn(void *arg, const struct kv_edit *edit);

/*
 * The edits that lead from one map to another, leaf after leaf; a
 * promotion where 2^pt_shift leaves became one with the same frames and
 * attributes, a demotion where the reverse.  What is known of a leaf stays
 * known where it stays; what `to` knows of new ones is what they start with. =>
 * what the last cb returned; not 0 ends it
 */
int kv_leafmap_edits(const struct kv_leafmap *from, struct kv_leafmap *to,
    kv_edit_fn *cb, void *arg);

#endif
