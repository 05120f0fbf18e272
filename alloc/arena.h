/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.h - what an arena is made of: shared by vmem.c and vmem_inspect.c */
#ifndef KV_ARENA_H
#define KV_ARENA_H

#include "bt.h"
#include "freelist.h"
#include "qcache.h"
#include "vmem.h"

enum {
	SPARE_MIN = 4,	/* BT_MAXALLOC: what one operation may use up */
	SPARE_MAX = 32, /* BT_MAXFREE */
	TAGS_PER_OP = 4
};

struct kv_vmem {
	struct bt_store store;
	struct freelist free;
	uint64_t qmask;		      /* (c) quantum - 1 */
	uint64_t size, inuse;	      /* (I1) */
	uint64_t limit;		      /* most bytes of spans; 0 = none */
	unsigned spare;		      /* (I7) */
	unsigned qshift;	      /* (c) */
	struct kv_vmem_source source; /* import NULL: none */
	struct kv_tap tap;	      /* (c) */
	const char *name;	      /* (c) */
	uint64_t nfree, nspan; /* (s) tags by kind; busy ones: store.nbusy */
	uint64_t count_alloc, count_free, count_fail; /* (s) */
	uint64_t count_import, count_release;	      /* (s) */
	unsigned ncaches;     /* (c) sizes with a quantum cache */
	uint64_t batch;	      /* items that a cache miss imports */
	struct qcache *cache; /* cache[n - 1] holds n quanta */
};

static inline struct bt *
tag_of(const struct kv_vmem *vm, bt_id id)
{
	return &vm->store.tag[id];
}

#endif
