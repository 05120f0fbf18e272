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
	/* a free that is put off; the theory is in vmem_park.c */
	struct kv_vmem *below; /* NULL: no block is held */
	struct kv_vmem *above; /* holds what a release would free, or NULL */
	bt_id held;
	bool held_parked, held_merges;
	uint64_t held_align, cancelled;
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

/* Would the free of that busy tag leave a whole span, which goes back? */
static inline bool
free_releases(const struct kv_vmem *vm, const struct bt *t)
{
	const struct bt *prev = tag_of(vm, bt_prev(t));
	const struct bt *next = tag_of(vm, t->next);

	return bt_kind(prev) == KV_VMEM_SPAN && vm->source.release != NULL &&
	       prev->size == t->size + (bt_is_free(next) ? next->size : 0);
}

/* ---- Frees that are put off (vmem_park.c) ------------------------------ */

/* Do what was put off and would change this arena: before anything that could
 * see or change it. */
void kv_arena_settle(const struct kv_vmem *vm);

static inline void
arena_settle(const struct kv_vmem *vm)
{
	if (vm->below != NULL)
		kv_arena_settle(vm);
}

/* Put off the free of the busy tag, when taking it back with that alignment
 * would undo it.  => true when it is put off */
bool kv_arena_park(struct kv_vmem *vm, bt_id id, uint64_t align);

/* Does the free of [va, va + size) wait, or can it again?  When not, all is
 * settled.  => true: done (park: put off; unpark: taken back, and *va) */
bool kv_arena_park_again(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, uint64_t align);
bool kv_arena_unpark(
    struct kv_vmem *vm, uint64_t size, uint64_t align, kv_va_t *va);

/* xfree of what came with that alignment, put off when it can be.
 * => as kv_vmem_xfree */
int kv_arena_give(struct kv_vmem *vm, const struct kv_vmem_block *block,
    struct kv_diag *diag);

/* ---- Between the files (requests are rounded, defaults filled in) ----- */

/*
 * vmem_add1: tags are reserved.
 * => the FREE tag of the span, joined or not, which is in no class yet
 */
bt_id kv_arena_add(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, enum kv_vmem_kind kind);

/* Bytes that an import for such a request asks of the source.
 * => false: past 2^64 */
bool kv_arena_ask(
    const struct kv_vmem *vm, uint64_t size, uint64_t align, uint64_t *ask);

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

/*
 * The busy tag at va, of that size and not in a quantum cache.  It may have
 * taken along the rest of its span, less than a quantum.
 * => 0 and the tag; else what FreeBSD would panic with
 */
int kv_arena_find(const struct kv_vmem *vm, kv_va_t va, uint64_t size,
    bt_id *id, struct kv_diag *diag);

/* Free a busy tag, now.  => 0, or what the source says to a span that goes
 * back */
int kv_arena_free(struct kv_vmem *vm, bt_id id, struct kv_diag *diag);

/* vmem_try_fetch, second half: empty the quantum caches.
 * => true when another search may succeed */
bool kv_arena_drain(struct kv_vmem *vm);

#endif
