/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.h - what an arena is made of: shared by the files vmem*.c */
#ifndef KV_ARENA_H
#define KV_ARENA_H

#include "arith.h"
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

/* In the back field of a BUSY tag: it waits in a quantum cache. */
#define TAG_CACHED UINT32_MAX

static inline struct bt *
tag_of(const struct kv_vmem *vm, bt_id id)
{
	return &vm->store.tag[id];
}

static inline void
free_push(struct kv_vmem *vm, bt_id id)
{
	freelist_push(&vm->free, id);
	vm->nfree++;
}

static inline void
free_remove(struct kv_vmem *vm, bt_id id)
{
	freelist_remove(&vm->free, id);
	vm->nfree--;
}

/* Before an operation: four tags in stock (bt_fill), and as many for us.
 * => 0, ENOMEM with nothing changed */
static inline int
tags_fill(struct kv_vmem *vm)
{
	if (vm->spare < SPARE_MIN)
		vm->spare = SPARE_MIN;
	return bt_reserve(&vm->store, TAGS_PER_OP);
}

static inline void
tags_trim(struct kv_vmem *vm)
{
	if (vm->spare > SPARE_MAX)
		vm->spare = SPARE_MAX;
}

static inline void
tag_drop(struct kv_vmem *vm, bt_id id)
{
	bt_drop(&vm->store, id);
	vm->spare++;
}

static inline bt_id
tag_insert(struct kv_vmem *vm, bt_id where, enum kv_vmem_kind kind,
    kv_va_t start, uint64_t size)
{
	vm->spare--;
	return bt_insert_before(&vm->store, where, kind, start, size);
}

/* A segment was handed out. */
static inline void
alloc_note(struct kv_vmem *vm, kv_va_t va, uint64_t size)
{
	vm->count_alloc++;
	kv_tap_emit(&vm->tap, KV_EV_VMEM_ALLOC, vm->name, va, size, 0, 0);
}

/* ---- Between the files (requests are rounded, defaults filled in) ----- */

/*
 * vmem_add1: tags are reserved.
 * => the FREE tag of the span, joined or not, which is in no class yet
 */
bt_id kv_arena_add(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, enum kv_vmem_kind kind);

/* vmem_import.  => 0 and the new FREE tag, in no class yet; ENOMEM */
int kv_arena_import(
    struct kv_vmem *vm, const struct kv_vmem_req *rq, bt_id *id);

/*
 * vmem_try_release: hand a free segment, listed in a class or not, back when it
 * is a whole imported span.  The cursor between the two tags prevents that.
 * => true when it is gone; *error then says what the source answered
 */
bool kv_arena_release(struct kv_vmem *vm, bt_id id, bool listed, int *error,
    struct kv_diag *diag);

/* vmem_fit: where in the segment the request goes.  => true and *va */
bool kv_arena_fits(
    const struct bt *t, const struct kv_vmem_req *rq, kv_va_t *va);

/* vmem_clip: make [va, va + size) of a free segment busy; listed: the tag is
 * in a class. */
void kv_arena_clip(
    struct kv_vmem *vm, bt_id id, kv_va_t va, uint64_t size, bool listed);

/* Best and instant fit; next fit; what best_alloc does for a request without
 * constraints when nothing must be imported.  => 0 and *va; ENOMEM */
int kv_arena_best(
    struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va);
int kv_arena_next(
    struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va);
int kv_arena_plain(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va);

/* Free the busy tag in a slot of the hash, now.  => 0, or what the source says
 * to a span that goes back */
int kv_arena_free(struct kv_vmem *vm, uint32_t slot, struct kv_diag *diag);

/* vmem_try_fetch, second half: empty the quantum caches.
 * => true when another search may succeed */
bool kv_arena_drain(struct kv_vmem *vm);

#endif
