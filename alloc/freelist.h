/* SPDX-License-Identifier: BSD-2-Clause */
/* freelist.h - the 90 size classes of an arena's free segments */
#ifndef KV_FREELIST_H
#define KV_FREELIST_H

#include "arith.h"
#include "bt.h"

/* OPTVALUE 32, OPTORDER 5, MAXORDER 90 for 64-bit sizes (freebsd.md 1.2). */
enum {
	FREELIST_EXACT = 31, /* classes 0..30 hold 1..31 quanta exactly */
	FREELIST_RANGES = 59,
	FREELIST_CLASSES = FREELIST_EXACT + FREELIST_RANGES,
	FREELIST_FANOUT = 16, /* one cache line of keys */
	FREELIST_LEVELS = 8
};

/* A range class: its tags in order of insertion, with a tree of maxima. */
struct freelist_log {
	bt_id *tag; /* tag[0..used); BT_NONE where one was removed */
	uint32_t *key[FREELIST_LEVELS]; /* level 0: quanta of tag[i], 0 =
					   hole; above: largest of a group */
	uint32_t used, live, capacity;
	unsigned levels;
};

struct freelist {
	uint64_t filled[2];	    /* bit c: class c is not empty */
	bt_id head[FREELIST_EXACT]; /* exact classes: newest first */
	struct freelist_log log[FREELIST_RANGES];
	struct bt_store *store;
	unsigned qshift; /* (c) */
};

/* All classes empty; nothing is allocated before the first reserve. */
void freelist_init(struct freelist *f, struct bt_store *store, unsigned qshift);
void freelist_fini(struct freelist *f);

/* Class of a size in bytes. */
static inline unsigned
freelist_class(const struct freelist *f, uint64_t size)
{
	uint64_t q = size >> f->qshift;

	if (q <= FREELIST_EXACT + 1)
		return q == 0 ? 0 : (unsigned)q - 1;
	return kv_log2(q) + 26;
}

/* Least quanta that a class holds. */
static inline uint64_t
freelist_lower(unsigned class)
{
	return class < 32 ? class + 1u : UINT64_C(1) << (class - 26);
}

/* First class >= class that is not empty, or FREELIST_CLASSES. */
static inline unsigned
freelist_next(const struct freelist *f, unsigned class)
{
	uint64_t word;

	if (class < 64) {
		word = f->filled[0] >> class;
		if (word != 0)
			return class + (unsigned)__builtin_ctzll(word);
		class = 64;
	}
	if (class >= FREELIST_CLASSES)
		return FREELIST_CLASSES;
	word = f->filled[1] >> (class - 64);
	return word == 0 ? FREELIST_CLASSES
			 : class + (unsigned)__builtin_ctzll(word);
}

/* Slow path of freelist_reserve. */
int freelist_log_reserve(struct freelist *f, unsigned class);

/* Make sure that two free segments of that class can be pushed.
 * => 0, ENOMEM with nothing changed */
static inline int
freelist_reserve(struct freelist *f, uint64_t size)
{
	unsigned class = freelist_class(f, size);

	return class < FREELIST_EXACT ? 0 : freelist_log_reserve(f, class);
}

/* Put a free segment at the head of a class above the exact ones, whose
 * place is reserved; take one out of such a class. */
void freelist_log_push(struct freelist *f, unsigned class, bt_id id);
void freelist_log_remove(struct freelist *f, bt_id id);

#define FREELIST_MARK (UINT32_C(1) << 31) /* the rest names a class */

/* Push at the head of the class of the tag's size; reserved before. */
static inline void
freelist_push(struct freelist *f, bt_id id)
{
	struct bt *tag = f->store->tag, *t = &tag[id];
	unsigned class = freelist_class(f, t->size);
	bt_id old;

	f->filled[class / 64] |= UINT64_C(1) << class % 64;
	if (class >= FREELIST_EXACT) {
		freelist_log_push(f, class, id);
		return;
	}
	old = f->head[class];
	t->back = FREELIST_MARK | class;
	t->link = old;
	if (old != BT_NONE)
		tag[old].back = id;
	f->head[class] = id;
}

/* Remove a tag from the class that it was pushed on, whatever its size is by
 * now. */
static inline void
freelist_remove(struct freelist *f, bt_id id)
{
	struct bt *tag = f->store->tag, *t = &tag[id];
	unsigned class;

	if (t->link & FREELIST_MARK) {
		freelist_log_remove(f, id);
		return;
	}
	if (t->link != BT_NONE)
		tag[t->link].back = t->back;
	if ((t->back & FREELIST_MARK) == 0) {
		tag[t->back].link = t->link;
		return;
	}
	class = t->back & ~FREELIST_MARK;
	f->head[class] = t->link;
	if (t->link == BT_NONE)
		f->filled[0] &= ~(UINT64_C(1) << class);
}

/* Class of a listed tag: where it was pushed, not what its size says. */
unsigned freelist_class_of(const struct freelist *f, bt_id id);

/* The tag's size grew where it stands: it keeps its place and class. */
void freelist_grown(struct freelist *f, bt_id id);

/*
 * The newest tag of a class, older than `after` (BT_NONE: from the newest),
 * that has at least size bytes; BT_NONE when there is none.
 */
bt_id freelist_find(
    const struct freelist *f, unsigned class, bt_id after, uint64_t size);

#endif
