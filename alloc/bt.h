/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bt.h - boundary tags: the store, the segment list and the hash of busy tags
 *
 * Private to vmem.  The code stands in the header because it is the hot path:
 * an allocation is a few dozen instructions over these structures.
 */
#ifndef KV_BT_H
#define KV_BT_H

#include "base.h"
#include "host.h"
#include "vmem.h"

/* A tag is named by its distance from the first one, in bytes: half a pointer,
 * and stable when the store grows. */
typedef uint32_t bt_id;

enum { BT_SIZE = 32 }; /* of a tag */

/* The first tag is the end of every list; it also heads the segment list. */
#define BT_NONE 0u
#define BT_CURSOR (1u * BT_SIZE)
#define BT_HEADS (2u * BT_SIZE)	 /* 90 that head lists of free tags */
#define BT_FRESH (92u * BT_SIZE) /* the first tag for a segment */
#define BT_MAX (1u << 27)	 /* tags */

#define BT_KINDS (BT_SIZE - 1u)
#define BT_IS(kind) (1u << (kind))

/*
 * 32 bytes, so that two tags share a cache line and never straddle one.
 * back and link belong to the free list (see freelist.c) while the tag is
 * FREE; link is the rest of the chain while it is BUSY.
 */
struct bt {
	kv_va_t start; /* bytes */
	uint64_t size; /* bytes; the segment is [start, start + size) */
	uint32_t prev; /* segment list; low five bits: BT_IS(its kind) */
	bt_id next;    /* segment list; also chains unused tags */
	uint32_t back;
	uint32_t link;
};

_Static_assert(sizeof(struct bt) == BT_SIZE, "the size of a tag");

/* The tag of that name in an array of them. */
static inline struct bt *
bt_of(struct bt *tag, bt_id id)
{
	return (struct bt *)(void *)((char *)tag + id);
}

struct bt_store {
	struct bt *tag;	      /* 32-byte aligned */
	bt_id *hash;	      /* newest busy tag of each chain */
	uint64_t hash_factor; /* (c) 2^64 / phi / quantum */
	unsigned hash_shift;  /* 64 - log2(chains) */
	uint32_t nbusy;	      /* tags in hash */
	uint32_t busy_max;    /* no more before it grows */
	uint32_t nidle;	      /* tags that can be had without growing */
	bt_id unused;	      /* chain of tags given back */
	uint32_t fresh;	      /* tags from here on were never used */
	uint32_t capacity;    /* tags in tag[] */
	void *block;	      /* what the host gave for tag[] */
	struct kv_host *host;
};

/* => 0, ENOMEM */
int kv_bt_store_init(struct bt_store *s, struct kv_host *host, unsigned qshift);
void kv_bt_store_fini(struct bt_store *s);

/* Slow paths of bt_reserve.  => 0, ENOMEM with nothing changed */
int kv_bt_store_grow(struct bt_store *s);
int kv_bt_hash_grow(struct bt_store *s);

static inline uint32_t
bt_hash_chains(const struct bt_store *s)
{
	return UINT32_C(1) << (64 - s->hash_shift);
}

/* Make sure that ntags tags and one hash entry can be had.
 * => 0, ENOMEM with nothing changed */
static inline int
bt_reserve(struct bt_store *s, uint32_t ntags)
{
	if (s->nidle < ntags && kv_bt_store_grow(s) != 0)
		return ENOMEM;
	return s->nbusy < s->busy_max ? 0 : kv_bt_hash_grow(s);
}

static inline enum kv_vmem_kind
bt_kind(const struct bt *t)
{
	return (enum kv_vmem_kind)__builtin_ctz(t->prev);
}

static inline bt_id
bt_prev(const struct bt *t)
{
	return t->prev & ~BT_KINDS;
}

static inline void
bt_set_kind(struct bt *t, enum kv_vmem_kind kind)
{
	t->prev = bt_prev(t) | BT_IS(kind);
}

static inline void
bt_set_prev(struct bt *t, bt_id prev)
{
	t->prev = (t->prev & BT_KINDS) | prev;
}

/* FREE and in a list?  The head of the segment list has a kind of its own. */
static inline bool
bt_is_free(const struct bt *t)
{
	return (t->prev & BT_IS(KV_VMEM_FREE)) != 0;
}

/* A tag that bt_reserve made sure of. */
static inline bt_id
bt_take(struct bt_store *s)
{
	bt_id id = s->unused;

	s->nidle--;
	if (id != BT_NONE) {
		s->unused = bt_of(s->tag, id)->next;
		return id;
	}
	id = s->fresh;
	s->fresh += BT_SIZE;
	return id;
}

/* Give a tag back. */
static inline void
bt_give(struct bt_store *s, bt_id id)
{
	bt_of(s->tag, id)->next = s->unused;
	s->unused = id;
	s->nidle++;
}

/* Link a tag in whose kind is set: the cursor, or a new one. */
static inline void
bt_link_before(struct bt_store *s, bt_id where, bt_id id)
{
	struct bt *t = bt_of(s->tag, id), *w = bt_of(s->tag, where);
	bt_id prev = bt_prev(w);

	bt_set_prev(t, prev);
	t->next = where;
	bt_of(s->tag, prev)->next = id;
	w->prev += id - prev;
}

/* A tag that bt_reserve made sure of, linked in before `where`. */
static inline bt_id
bt_insert_before(struct bt_store *s, bt_id where, enum kv_vmem_kind kind,
    kv_va_t start, uint64_t size)
{
	bt_id id = bt_take(s);
	struct bt *t = bt_of(s->tag, id);

	t->start = start;
	t->size = size;
	t->back = 0; /* not in a quantum cache */
	t->prev = BT_IS(kind);
	bt_link_before(s, where, id);
	return id;
}

/* Take a tag out of the segment list, without giving it back. */
static inline void
bt_unlink(struct bt_store *s, bt_id id)
{
	const struct bt *t = bt_of(s->tag, id);

	bt_of(s->tag, bt_prev(t))->next = t->next;
	bt_of(s->tag, t->next)->prev += bt_prev(t) - id;
}

/* Take a tag out of the segment list and give it back. */
static inline void
bt_drop(struct bt_store *s, bt_id id)
{
	bt_unlink(s, id);
	bt_give(s, id);
}

/* The chain of the busy tags that may start at an address. */
static inline bt_id *
bt_hash_chain(const struct bt_store *s, kv_va_t start)
{
	return &s->hash[start * s->hash_factor >> s->hash_shift];
}

/* Enter a busy tag; bt_reserve made sure of room. */
static inline void
bt_hash_insert(struct bt_store *s, bt_id id)
{
	bt_id *chain = bt_hash_chain(s, bt_of(s->tag, id)->start);

	bt_of(s->tag, id)->link = *chain;
	*chain = id;
	s->nbusy++;
}

/* The busy tag that starts at va, or BT_NONE. */
static inline bt_id
bt_hash_find(const struct bt_store *s, kv_va_t va)
{
	bt_id id = *bt_hash_chain(s, va);

	while (id != BT_NONE && bt_of(s->tag, id)->start != va)
		id = bt_of(s->tag, id)->link;
	return id;
}

/* What names a busy tag, which is there, in its chain. */
static inline bt_id *
bt_hash_at(const struct bt_store *s, bt_id id)
{
	bt_id *at = bt_hash_chain(s, bt_of(s->tag, id)->start);

	while (*at != id)
		at = &bt_of(s->tag, *at)->link;
	return at;
}

/* Take out the busy tag that *at, in its chain, names. */
static inline void
bt_hash_remove(struct bt_store *s, bt_id *at)
{
	*at = bt_of(s->tag, *at)->link;
	s->nbusy--;
}

#endif
