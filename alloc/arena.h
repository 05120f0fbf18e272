/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.h - what an arena is made of: shared by the files vmem*.c */
#ifndef KV_ARENA_H
#define KV_ARENA_H

#include <limits.h>

#include "arith.h"
#include "bt.h"
#include "freelist.h"
#include "qcache.h"
#include "vmem.h"

enum {
	SPARE_MIN = 4,	/* BT_MAXALLOC: what one operation may use up */
	SPARE_MAX = 32, /* BT_MAXFREE */
	TAGS_PER_OP = 4,
	ARENA_POW2_SHIFT = 6 /* see vmem_pow2.c */
};

/* Why an arena's requests are not to be met at once. */
enum {
	ARENA_TOLD = 1,	 /* somebody listens */
	ARENA_HELD = 2,	 /* a block is held: below is not NULL */
	ARENA_ODD = 4,	 /* there was a span of more than whole quanta */
	ARENA_OTHER = 8, /* caches, other lists, or draws that are counted */
};

struct kv_vmem {
	struct bt_store store;
	uint64_t qmask;	      /* (c) quantum - 1 */
	unsigned qshift;      /* (c) */
	unsigned careful;     /* ARENA_* */
	unsigned spare;	      /* (I7) */
	unsigned ncaches;     /* (c) sizes with a quantum cache */
	uint64_t size, inuse; /* (I1) */
	uint64_t count_alloc; /* (s) */
	struct freelist free;
	uint64_t limit;		      /* most bytes of spans; 0 = none */
	struct kv_vmem_source source; /* import NULL: none */
	struct kv_tap tap;	      /* (c) */
	const char *name;	      /* (c) */
	uint64_t nspan;		      /* (s) span tags */
	uint64_t count_fail;	      /* (s) */
	uint64_t count_import, count_release; /* (s) */
	bool pow2;	      /* (c) lists by powers of two (vmem_pow2.c) */
	bool relist, stale;   /* (c) classes of what next fit merges */
	uint64_t batch;	      /* items that a cache miss imports */
	struct qcache *cache; /* cache[n - 1] holds n quanta */
	/* spans that are released, but not yet: the theory is in vmem_park.c */
	struct kv_vmem *below; /* whose span's block is held here, or NULL */
	struct kv_vmem
	    *above;   /* where the block of our span is held, or NULL */
	bt_id held;   /* the tag of the block that is held */
	bt_id parked; /* its FREE tag, when its release is owed */
	bool held_merges, held_whole;
	uint64_t cancelled;
};

/* In the back field of a BUSY tag: it waits in a quantum cache. */
#define TAG_CACHED UINT32_MAX

static inline struct bt *
tag_of(const struct kv_vmem *vm, bt_id id)
{
	return bt_of(vm->store.tag, id);
}

/* Before an operation: four tags in stock (bt_fill), and as many for us.
 * => 0, ENOMEM with nothing changed */
static inline int
tags_fill(struct kv_vmem *vm)
{
	if (vm->spare < SPARE_MIN) {
		if (kv_draws_refuse(vm->store.host->draws, KV_DRAW_TAGS))
			return ENOMEM;
		vm->spare = SPARE_MIN;
	}
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

/* ---- Spans that are parked (vmem_park.c) -------------------------------- */

/* An arena that holds a block lets go of it: before it is used. */
void kv_arena_let_go(struct kv_vmem *vm);

/* Let go, and release what is parked: before the segments are looked at. */
void kv_arena_settle(const struct kv_vmem *vm);

static inline void
arena_settle(const struct kv_vmem *vm)
{
	if (vm->below != NULL || vm->parked != BT_NONE)
		kv_arena_settle(vm);
}

/* May the last span be parked: does the source hold its block?  It does from
 * then on. */
bool kv_arena_hold(struct kv_vmem *vm, bt_id span);

/* Let the parked span be of another size, if the source would bring that. */
bool kv_arena_resize(struct kv_vmem *vm, uint64_t size);

/* Take the parked span back.  => its FREE tag, which is in no class */
static inline bt_id
arena_unpark(struct kv_vmem *vm)
{
	bt_id id = vm->parked;
	const struct bt *t = tag_of(vm, id);

	vm->parked = BT_NONE;
	vm->above->cancelled++;
	vm->spare -= 2;
	vm->size += t->size;
	vm->nspan++;
	vm->count_import++;
	kv_tap_emit(
	    &vm->tap, KV_EV_VMEM_IMPORT, vm->name, t->start, t->size, 0, 0);
	return id;
}

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

/* A request found no block: it goes into the span just imported, which is in no
 * class, or the next that fits.  => 0 and *va; ENOMEM */
int kv_arena_spans(
    struct kv_vmem *vm, const struct kv_vmem_req *rq, bt_id id, kv_va_t *va);

/* Best and instant fit; next fit; what best_alloc does for a request without
 * constraints when nothing must be imported.  => 0 and *va; ENOMEM */
int kv_arena_best(
    struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va);
int kv_arena_next(
    struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va);
int kv_arena_pow2(
    struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va);
void kv_arena_clip_pow2(
    struct kv_vmem *vm, bt_id id, kv_va_t va, uint64_t size);
int kv_arena_plain(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va);

/*
 * The busy tag at va, of that size and not in a quantum cache.  It may have
 * taken along the rest of its span, less than a quantum.
 * => 0 and the tag; else what FreeBSD would panic with
 */
int kv_arena_find(const struct kv_vmem *vm, kv_va_t va, uint64_t size,
    bt_id *id, struct kv_diag *diag);

/* kv_vmem_alloc and kv_vmem_xfree of any arena (vmem_told.c). */
int kv_arena_alloc_told(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va);
int kv_arena_xfree(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, struct kv_diag *diag);

/*
 * What vmem_hot.c leaves, of whole quanta and no more than 31: the class has
 * the first block, but what is left of it is of another; no class has one.
 */
int kv_arena_alloc_cut(struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit,
    kv_va_t *va, unsigned class);
int kv_arena_alloc_parked(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va);

/* A best-fit request for an alignment at most, when nobody listens: met if the
 * first block found can be cut from its front, or something must be imported.
 * => 0, ENOMEM; EAGAIN with nothing changed */
int kv_arena_alloc_front(
    struct kv_vmem *vm, const struct kv_vmem_req *rq, kv_va_t *va);

/* What becomes of a FREE tag: into its class; if it is a whole imported span,
 * back to the source if that takes it.  => 0 or what the source answered */
int kv_arena_list(struct kv_vmem *vm, bt_id id);
int kv_arena_whole(struct kv_vmem *vm, bt_id id, struct kv_diag *diag);

/* kv_vmem_alloc and kv_vmem_free, with all that is rare. */
int kv_arena_alloc(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va);
int kv_arena_cache(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, struct kv_diag *diag);

/* vmem_try_fetch, second half: empty the quantum caches.
 * => true when another search may succeed */
bool kv_arena_drain(struct kv_vmem *vm);

#endif
