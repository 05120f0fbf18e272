/* SPDX-License-Identifier: BSD-2-Clause */
/* xlat.h - translation runs: how few entries would map what is mapped */
#ifndef KV_SIM_XLAT_H
#define KV_SIM_XLAT_H

#include <stddef.h>
#include <stdint.h>

/* Pages in which VA and PA ascend together, with the same attributes. */
struct kv_xlat_run {
	uint64_t vpn, pfn; /* page numbers of its first page */
	uint64_t npages;
	unsigned attr; /* whatever must be equal within a run */
};

/* Maximal runs, VA ascending.  Zero-initialise, finish with kv_xlat_fini. */
struct kv_xlat {
	struct kv_xlat_run *list;
	size_t count, capacity;
};

/* Append a run that starts at or behind the end of the last one; it continues
 * that one where it can. */
void kv_xlat_add(struct kv_xlat *x, const struct kv_xlat_run *run);
void kv_xlat_fini(struct kv_xlat *x);

/*
 * Four ways to count (spec metrics.md 8).  RANGE: the runs as they are.
 * VIRTUAL: VA and attributes alone decide, as if memory were one piece.
 * ANCHOR: an entry starts at a multiple of the anchor distance and ends with
 * its run or at the next multiple; pages ahead of the first one stand alone.
 * SPOT: everything with the same distance from VA to PA is one.
 */
enum kv_xlat_family {
	KV_XLAT_RANGE,
	KV_XLAT_VIRTUAL,
	KV_XLAT_ANCHOR,
	KV_XLAT_SPOT
};
enum { KV_XLAT_FAMILIES = KV_XLAT_SPOT + 1 };

/* How many entries of each length; lengths descend, none twice. */
struct kv_lengths {
	struct kv_length {
		uint64_t npages, count;
	} * list;
	size_t n;
	uint64_t pages, runs; /* in all */
};

/* The entries of a family; anchor_order: log2 pages of the anchor distance.
 * *l is owned by the caller: kv_lengths_fini. */
void kv_xlat_lengths(const struct kv_xlat *x, enum kv_xlat_family family,
    unsigned anchor_order, struct kv_lengths *l);
void kv_lengths_fini(struct kv_lengths *l);

/* The distance of 2^1 to 2^16 pages that needs the fewest anchor entries, the
 * smallest of such; log2 pages. */
unsigned kv_xlat_anchor(const struct kv_xlat *x);

/* n_80 and the like: the fewest entries that cover at least that share of the
 * pages; *covered gets how many they do cover. */
uint64_t kv_lengths_needed(
    const struct kv_lengths *l, unsigned percent, uint64_t *covered);

/* Pages in the k longest entries; with fewer than k, all of them. */
uint64_t kv_lengths_cover(const struct kv_lengths *l, uint64_t k);

/* Pages in entries of at most that length. */
uint64_t kv_lengths_upto(const struct kv_lengths *l, uint64_t npages);

/* Mean length seen by a page: sum l*l / sum l; 0 when nothing is mapped. */
double kv_lengths_weighted(const struct kv_lengths *l);

/* Pages in groups of n pages, n a power of two, that are naturally aligned in
 * VA and PA, wholly present and of the same attributes (metrics.md 9). */
uint64_t kv_xlat_coalescable(const struct kv_xlat *x, uint64_t n);

#endif
