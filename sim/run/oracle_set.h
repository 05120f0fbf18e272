/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle_set.h - the judge's own sets: ranges in order, words by number */
#ifndef KV_SIM_ORACLE_SET_H
#define KV_SIM_ORACLE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Ranges that do not overlap, in order of address ------------------- */

/* [start, last], inclusive, so that one may end at 2^64. */
struct kv_orange {
	uint64_t start, last;
	uint64_t value; /* the owner's */
	uint32_t flags; /* likewise */
	uint32_t left, right, prio;
};

/* A treap over an array; entry 0 is none.  Zero-initialise. */
struct kv_oranges {
	struct kv_orange *list; /* owned */
	uint32_t root, spare;	/* spare: list of free entries, by left */
	size_t used, room, count;
};

/* Free it; it is empty then. */
void kv_oranges_fini(struct kv_oranges *set);

/* The last range that starts at or below at; NULL: none.  It stays until the
 * set changes. */
struct kv_orange *kv_oranges_floor(const struct kv_oranges *set, uint64_t at);

/* The range that starts at, the one that holds it; a range that shares an
 * address with [start, last]. */
struct kv_orange *kv_oranges_at(const struct kv_oranges *set, uint64_t at);
struct kv_orange *kv_oranges_holder(const struct kv_oranges *set, uint64_t at);
struct kv_orange *kv_oranges_meet(
    const struct kv_oranges *set, uint64_t start, uint64_t last);

/* Add a range that meets none.  => it */
struct kv_orange *kv_oranges_add(
    struct kv_oranges *set, uint64_t start, uint64_t last);

/* Remove the range that starts at; it is there. */
void kv_oranges_remove(struct kv_oranges *set, uint64_t at);

/* ---- Words by number ---------------------------------------------------- */

struct kv_ochunk {
	uint64_t number; /* of the chunk */
	uint64_t *word;	 /* owned; NULL: none here */
};

/* A hash of chunks of words; a word that was never set is 0.  Zero-initialise.
 */
struct kv_owords {
	struct kv_ochunk *slot; /* owned */
	size_t nslots, nchunks;
	uint64_t last; /* slot that was used last */
};

/* Free it; all words are 0 then. */
void kv_owords_fini(struct kv_owords *set);
/* The word of a number. */
uint64_t kv_owords_get(struct kv_owords *set, uint64_t number);
/* It becomes another. */
void kv_owords_put(struct kv_owords *set, uint64_t number, uint64_t word);

/* The word itself, which may be changed until another is added. */
uint64_t *kv_owords_word(struct kv_owords *set, uint64_t number);

#endif
