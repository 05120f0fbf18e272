/* SPDX-License-Identifier: BSD-2-Clause */
/* freelist.h - the 90 size classes of an arena's free segments */
#ifndef KV_FREELIST_H
#define KV_FREELIST_H

#include "arith.h"
#include "bt.h"

/* OPTVALUE 32, OPTORDER 5, MAXORDER 90 for 64-bit sizes (freebsd.md 1.2). */
enum {
	FREELIST_EXACT = 31, /* classes 0..30 hold 1..31 quanta exactly */
	FREELIST_CLASSES = 90
};

struct freelist_log;

struct freelist {
	uint64_t filled[2];	      /* bit c: class c is not empty */
	bt_id head[FREELIST_CLASSES]; /* newest tag, while it is a list */
	struct freelist_log *log[FREELIST_CLASSES]; /* NULL: a list */
	struct bt_store *store;
	unsigned qshift; /* (c) */
};

/* Empty classes over a store's tags; sizes are counted in 2^qshift bytes. */
void kv_freelist_init(
    struct freelist *f, struct bt_store *store, unsigned qshift);

/* Give back the logs; the tags are the store's. */
void kv_freelist_fini(struct freelist *f);

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

#define FREELIST_MARK (UINT32_C(1) << 31) /* the rest names a class */

/* The slow halves of push, remove and head: the class is a log. */
void kv_freelist_log_push(struct freelist *f, unsigned class, bt_id id);

/* Remove a tag that stands in a log. */
void kv_freelist_log_remove(struct freelist *f, bt_id id);

/* The newest tag of a log. */
bt_id kv_freelist_log_head(const struct freelist_log *log);

/* Push at the head of the list of that class. */
static inline void
freelist_list_push(struct freelist *f, unsigned class, bt_id id)
{
	struct bt *tag = f->store->tag, *t = &tag[id];
	bt_id old = f->head[class];

	f->filled[class / 64] |= UINT64_C(1) << class % 64;
	t->back = FREELIST_MARK | class;
	t->link = old;
	tag[old].back = id; /* harmless for BT_NONE */
	f->head[class] = id;
}

/* Push at the head of the class of the tag's size. */
static inline void
freelist_push(struct freelist *f, bt_id id)
{
	unsigned class = freelist_class(f, f->store->tag[id].size);

	if (f->log[class] != NULL)
		kv_freelist_log_push(f, class, id);
	else
		freelist_list_push(f, class, id);
}

/* Remove a tag from the class that it was pushed on, whatever its size is by
 * now. */
static inline void
freelist_remove(struct freelist *f, bt_id id)
{
	struct bt *tag = f->store->tag, *t = &tag[id];
	unsigned class;

	if (t->link & FREELIST_MARK) {
		kv_freelist_log_remove(f, id);
		return;
	}
	tag[t->link].back = t->back;
	if ((t->back & FREELIST_MARK) == 0) {
		tag[t->back].link = t->link;
		return;
	}
	class = t->back & ~FREELIST_MARK;
	f->head[class] = t->link;
	if (t->link == BT_NONE)
		f->filled[class / 64] &= ~(UINT64_C(1) << class % 64);
}

/* Remove the head of a list of more or less than one tag. */
static inline void
freelist_pop(struct freelist *f, unsigned class, const struct bt *head)
{
	f->head[class] = head->link;
	f->store->tag[head->link].back = FREELIST_MARK | class;
	f->filled[class / 64] &=
	    ~((uint64_t)(head->link == BT_NONE) << class % 64);
}

/* Would a block of that size, pushed, stand where this tag stands: at the head
 * of the same list? */
static inline bool
freelist_is_head(const struct freelist *f, const struct bt *t, uint64_t size)
{
	return t->back == (FREELIST_MARK | freelist_class(f, size));
}

/* The newest tag of a class that is not empty. */
static inline bt_id
freelist_head(const struct freelist *f, unsigned class)
{
	return f->log[class] == NULL ? f->head[class]
				     : kv_freelist_log_head(f->log[class]);
}

/* The tag's size changed where it stands: it keeps its place and class. */
void kv_freelist_resized(struct freelist *f, bt_id id);

/*
 * The newest tag of a class, older than `after` (BT_NONE: from the newest),
 * that has at least size bytes; BT_NONE when there is none.  A long list that
 * does not have one soon becomes a log.
 */
bt_id kv_freelist_find(
    struct freelist *f, unsigned class, bt_id after, uint64_t size);

/* The next older tag of the same class, whatever its size, or BT_NONE. */
bt_id kv_freelist_older(const struct freelist *f, unsigned class, bt_id id);

#endif
