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
	uint64_t filled[2]; /* bit c: class c is not empty */
	unsigned nlogs;	    /* classes that are logs */
	struct bt_store *store;
	unsigned qshift;			    /* (c) */
	struct freelist_log *log[FREELIST_CLASSES]; /* NULL: a list */
};

/* Empty classes over a store's tags; sizes are counted in 2^qshift bytes. */
void kv_freelist_init(
    struct freelist *f, struct bt_store *store, unsigned qshift);

/* Give back the logs; the tags are the store's. */
void kv_freelist_fini(struct freelist *f);

/* Class of a number of quanta, more than 0: of both answers the less is right.
 */
static inline unsigned
freelist_class_of(uint64_t quanta)
{
	uint64_t range = kv_log2(quanta) + 26u;

	return (unsigned)(quanta - 1 < range ? quanta - 1 : range);
}

/* Class of a size in bytes. */
static inline unsigned
freelist_class(const struct freelist *f, uint64_t size)
{
	uint64_t quanta = size >> f->qshift;

	return freelist_class_of(quanta + (quanta == 0));
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

_Static_assert(BT_HEADS + FREELIST_CLASSES * BT_SIZE == BT_FRESH,
    "a tag heads each class");

/* In a link: the class of a log, which is no tag. */
#define FREELIST_LOG(class) ((class) << 1 | 1)

/* The tag that heads the list of a class, empty or not. */
static inline bt_id
freelist_head_of(unsigned class)
{
	return BT_HEADS + class * BT_SIZE;
}

/* The slow halves of push, remove and head: the class is a log. */
void kv_freelist_log_push(struct freelist *f, unsigned class, bt_id id);

/* Remove a tag that stands in a log. */
void kv_freelist_log_remove(struct freelist *f, bt_id id);

/* The newest tag of a log. */
bt_id kv_freelist_log_head(const struct freelist_log *log);

/* Push at the head of the list of that class. */
static inline void
freelist_list_push(struct freelist *f, struct bt *tag, unsigned class, bt_id id)
{
	bt_id head = freelist_head_of(class), old = bt_of(tag, head)->link;
	struct bt *t = bt_of(tag, id);

	t->back = head;
	t->link = old;
	bt_of(tag, old)->back = id;
	bt_of(tag, head)->link = id;
	f->filled[class / 64] |= UINT64_C(1) << class % 64;
}

/* Push at the head of the class of the tag's size. */
static inline void
freelist_push(struct freelist *f, bt_id id)
{
	struct bt *tag = f->store->tag;
	unsigned class = freelist_class(f, bt_of(tag, id)->size);

	if (f->log[class] != NULL)
		kv_freelist_log_push(f, class, id);
	else
		freelist_list_push(f, tag, class, id);
}

/* Remove a tag from a list, whatever its size is by now.  The last one is
 * beside the head on both sides. */
static inline void
freelist_list_remove(struct freelist *f, struct bt *tag, const struct bt *t)
{
	bt_id back = t->back, link = t->link;
	unsigned class = back / BT_SIZE - BT_HEADS / BT_SIZE;

	bt_of(tag, link)->back = back;
	bt_of(tag, back)->link = link;
	f->filled[class / 64 % 2] &= ~((uint64_t)(back == link) << class % 64);
}

/* Remove the newest tag of a list. */
static inline void
freelist_list_pop(
    struct freelist *f, struct bt *tag, unsigned class, const struct bt *t)
{
	bt_id head = freelist_head_of(class), link = t->link;

	bt_of(tag, link)->back = head;
	bt_of(tag, head)->link = link;
	f->filled[class / 64] &= ~((uint64_t)(head == link) << class % 64);
}

/* Remove a tag from the class that it was pushed on. */
static inline void
freelist_remove(struct freelist *f, bt_id id)
{
	struct bt *tag = f->store->tag, *t = bt_of(tag, id);

	if (t->link & FREELIST_LOG(0))
		kv_freelist_log_remove(f, id);
	else
		freelist_list_remove(f, tag, t);
}

/* Would a block of that size, pushed, stand where this tag stands: at the head
 * of the same list? */
static inline bool
freelist_is_head(const struct freelist *f, const struct bt *t, uint64_t size)
{
	return (t->link & FREELIST_LOG(0)) == 0 &&
	       t->back == freelist_head_of(freelist_class(f, size));
}

/* The newest tag of a class that is not empty. */
static inline bt_id
freelist_head(const struct freelist *f, unsigned class)
{
	return f->log[class] == NULL
		   ? bt_of(f->store->tag, freelist_head_of(class))->link
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
