/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bt.c - boundary tags: growth of the store and of the hash
 *
 * 1 Concepts.  A boundary tag describes one segment or span of an arena.  All
 *   tags of an arena stand in one segment list, in the order in which spans
 *   came; busy tags are also found by their start address.
 * 2 Representation.  Tags live in one array and name each other by
 *   distance from its start.  The first heads the circular segment list, the
 *   second is the next-fit cursor, then come heads of classes (freelist.c).
 *   The hash is an array of chains through the busy tags, newest first; the top
 *   bits of the quantum's number times 2^64 / phi name the chain, which spreads
 *   addresses at equal distances evenly.
 * 3 Invariants.
 *   I1  The segment list is circular through the first tag and links are
 *       symmetric.
 *   I2  A tag that heads nothing is in the segment list, in the unused
 *       chain, or fresh.
 *   I3  The hash holds each BUSY tag once, in the chain of its address, and
 *       nothing else; there are at least twice as many chains as busy tags.
 * 4 Cost.  32 bytes a tag and 8 to 16 bytes of hash a busy segment; a free
 *   with a random victim misses the cache once for the chain, once for the tag
 *   (neighbours of one span tend to share its line).  To enter a tag and to
 *   take out the newest of its chain needs no branch.
 * 5 Fidelity.  FreeBSD hashes the eight bytes of the address one by one into
 *   chained buckets (freebsd.md 1.7); none of that moves an address.
 */
#include <string.h>

#include "bt.h"

enum {
	TAGS_FIRST = 128,
	HASH_FIRST_LOG2 = 5,
	HASH_MOST_LOG2 = 31,
	TAG_ALIGN = 64
};

/* The array starts on a cache line, so that no tag straddles two. */
static struct bt *
aligned(void *block)
{
	uintptr_t start = (uintptr_t)block;

	return (
	    struct bt *)((start + TAG_ALIGN - 1) & ~(uintptr_t)(TAG_ALIGN - 1));
}

static size_t
block_size(uint32_t capacity)
{
	return (size_t)capacity * sizeof(struct bt) + TAG_ALIGN;
}

int
kv_bt_store_init(struct bt_store *s, struct kv_host *host, unsigned qshift)
{
	*s = (struct bt_store){.host = host,
	    .hash_factor = UINT64_C(0x9e3779b97f4a7c15) >> qshift,
	    .capacity = TAGS_FIRST,
	    .fresh = BT_FRESH,
	    .nidle = TAGS_FIRST - BT_FRESH / BT_SIZE,
	    .hash_shift = 64 - HASH_FIRST_LOG2};
	s->block = kv_host_resize(host, NULL, 0, block_size(TAGS_FIRST));
	s->hash = kv_host_zalloc(host, bt_hash_chains(s), sizeof(*s->hash));
	s->busy_max = bt_hash_chains(s) / 2;
	if (s->block == NULL || s->hash == NULL) {
		kv_bt_store_fini(s);
		return ENOMEM;
	}
	s->tag = aligned(s->block);
	memset(s->tag, 0, BT_FRESH);
	bt_set_kind(bt_of(s->tag, BT_NONE), KV_VMEM_CURSOR);
	bt_set_kind(bt_of(s->tag, BT_CURSOR), KV_VMEM_CURSOR);
	bt_link_before(s, BT_NONE, BT_CURSOR);
	return 0;
}

void
kv_bt_store_fini(struct bt_store *s)
{
	kv_host_free(s->host, s->block, 1, block_size(s->capacity));
	kv_host_free(s->host, s->hash, bt_hash_chains(s), sizeof(*s->hash));
}

int
kv_bt_store_grow(struct bt_store *s)
{
	uint32_t capacity = s->capacity * 2;
	void *block;

	if (capacity > BT_MAX)
		return ENOMEM;
	block = kv_host_resize(s->host, NULL, 0, block_size(capacity));
	if (block == NULL)
		return ENOMEM;
	memcpy(aligned(block), s->tag, s->fresh);
	kv_host_free(s->host, s->block, 1, block_size(s->capacity));
	s->block = block;
	s->tag = aligned(block);
	s->nidle += capacity - s->capacity;
	s->capacity = capacity;
	return 0;
}

int
kv_bt_hash_grow(struct bt_store *s)
{
	struct bt_store old = *s;

	if (s->hash_shift == 64 - HASH_MOST_LOG2)
		return ENOMEM;
	s->hash_shift--;
	s->hash = kv_host_zalloc(s->host, bt_hash_chains(s), sizeof(*s->hash));
	if (s->hash == NULL) {
		s->hash = old.hash;
		s->hash_shift = old.hash_shift;
		return ENOMEM;
	}
	s->busy_max = bt_hash_chains(s) / 2;
	s->nbusy = 0;
	for (uint32_t i = 0; i < bt_hash_chains(&old); i++)
		for (bt_id id = old.hash[i], rest; id != BT_NONE; id = rest) {
			rest = bt_of(s->tag, id)->link;
			bt_hash_insert(s, id);
		}
	kv_host_free(
	    s->host, old.hash, bt_hash_chains(&old), sizeof(*old.hash));
	return 0;
}
