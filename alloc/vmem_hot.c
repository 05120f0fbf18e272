/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmem_hot.c - arenas: the shortest way through an allocation and a free
 *
 * The concepts and invariants are those of vmem.c.  What is rare is called in
 * other files, so that these functions stay small and keep few registers.
 */
#include "arena.h"

/* ---- Allocate -------------------------------------------------------- */

/* Must, after no class had a block, the parked span be taken back, to be cut
 * from its front?  The import of so few bytes is of one import quantum.
 * Nothing parked: tag 0 has no size. */
static inline bool
parked_fits(const struct kv_vmem *vm, uint64_t bytes, enum kv_vmem_fit fit)
{
	const struct bt *t = tag_of(vm, vm->parked);

	return fit == KV_VMEM_BESTFIT && t->size == vm->source.import_quantum &&
	       vm->limit == 0 && t->size > bytes + vm->qmask &&
	       (t->start & vm->qmask) == 0;
}

static inline void
alloc_parked(struct kv_vmem *vm, uint64_t bytes, kv_va_t *va)
{
	bt_id id = arena_unpark(vm);
	struct bt *t = tag_of(vm, id);

	*va = t->start;
	bt_hash_insert(
	    &vm->store, tag_insert(vm, id, KV_VMEM_BUSY, t->start, bytes));
	t->start += bytes;
	t->size -= bytes;
	freelist_push(&vm->free, id);
	vm->inuse += bytes;
	alloc_note(vm, *va, bytes);
}

/* Cut size bytes from the front of the head of a list: what is left is larger
 * than a quantum and keeps the tag.  => the busy tag */
static inline bt_id
cut_head(struct kv_vmem *vm, bt_id id, unsigned class, uint64_t size)
{
	struct bt *t = tag_of(vm, id);
	uint64_t rest = t->size - size;
	unsigned to = freelist_class(&vm->free, rest);
	bt_id busy = tag_insert(vm, id, KV_VMEM_BUSY, t->start, size);

	t->start += size;
	t->size = rest;
	if (to != class) {
		freelist_pop(&vm->free, class, t);
		freelist_push(&vm->free, id);
	}
	return busy;
}

int
kv_vmem_alloc(
    struct kv_vmem *vm, uint64_t size, enum kv_vmem_fit fit, kv_va_t *va)
{
	uint64_t quanta = (size + vm->qmask) >> vm->qshift;
	uint64_t bytes = quanta << vm->qshift;
	unsigned class;
	struct bt *t;
	bt_id id;

	/* quanta is 0 when the size is, or wraps */
	if (vm->below != NULL || fit == KV_VMEM_NEXTFIT ||
	    quanta - 1 >= FREELIST_EXACT || quanta <= vm->nslow)
		return kv_arena_alloc(vm, size, fit, va);
	if (bt_short_of(&vm->store, TAGS_PER_OP))
		return kv_arena_alloc(vm, size, fit, va);
	class = freelist_next(&vm->free, (unsigned)quanta - 1);
	if (class == FREELIST_CLASSES && parked_fits(vm, bytes, fit)) {
		if (vm->spare < SPARE_MIN)
			vm->spare = SPARE_MIN;
		alloc_parked(vm, bytes, va);
		return 0;
	}
	if (class == FREELIST_CLASSES || vm->free.log[class] != NULL)
		return kv_arena_alloc(vm, size, fit, va);
	id = vm->free.head[class];
	t = tag_of(vm, id);
	if ((t->start & vm->qmask) != 0 ||
	    (t->size != bytes && t->size - bytes <= vm->qmask))
		return kv_arena_alloc(vm, size, fit, va);
	if (vm->spare < SPARE_MIN)
		vm->spare = SPARE_MIN;
	*va = t->start;
	if (t->size == bytes) {
		freelist_pop(&vm->free, class, t);
		bt_set_kind(t, KV_VMEM_BUSY);
	} else {
		id = cut_head(vm, id, class, bytes);
	}
	bt_hash_insert(&vm->store, id);
	vm->inuse += bytes;
	alloc_note(vm, *va, bytes);
	return 0;
}

/* ---- Free ------------------------------------------------------------ */

/*
 * A tag that became FREE and its free neighbours become one; which tag stays
 * cannot be seen.  The merged segment will stand at the head of its class: a
 * neighbour that stands there already stays, if there is one.
 * => the tag that stays; *listed: it is in its class already
 */
static inline bt_id
coalesce(
    struct kv_vmem *vm, bt_id id, bool with_prev, bool with_next, bool *listed)
{
	const struct bt *t = tag_of(vm, id);
	bt_id stays = with_next ? t->next : bt_prev(t);
	struct bt *s = tag_of(vm, stays);
	uint64_t size = t->size + s->size;
	kv_va_t start = with_prev ? tag_of(vm, bt_prev(t))->start : t->start;

	if (with_prev & with_next) {
		bt_id goes = bt_prev(t);

		size += tag_of(vm, goes)->size;
		if (!freelist_is_head(&vm->free, s, size)) {
			goes = stays;
			stays = bt_prev(t);
			s = tag_of(vm, stays);
		}
		freelist_remove(&vm->free, goes);
		tag_drop(vm, goes);
	}
	tag_drop(vm, id);
	tags_trim(vm);
	*listed = freelist_is_head(&vm->free, s, size);
	if (!*listed)
		freelist_remove(&vm->free, stays);
	s->start = start;
	s->size = size;
	return stays;
}

/* Free the busy tag that *at, in its chain of the hash, names. */
static inline int
free_at(struct kv_vmem *vm, bt_id *at, struct kv_diag *diag)
{
	bt_id id = *at;
	struct bt *t = tag_of(vm, id);
	const struct bt *prev = tag_of(vm, bt_prev(t));
	bool with_prev = bt_is_free(prev);
	bool with_next = bt_is_free(tag_of(vm, t->next));
	bool listed = false;
	int error = 0;

	bt_hash_remove(&vm->store, at);
	vm->inuse -= t->size;
	kv_tap_emit(
	    &vm->tap, KV_EV_VMEM_FREE, vm->name, t->start, t->size, 0, 0);
	if (with_prev | with_next) {
		id = coalesce(vm, id, with_prev, with_next, &listed);
		t = tag_of(vm, id);
		prev = tag_of(vm, bt_prev(t));
	} else {
		bt_set_kind(t, KV_VMEM_FREE);
	}
	if (bt_kind(prev) == KV_VMEM_SPAN && prev->size == t->size &&
	    kv_arena_release(vm, id, listed, &error, diag))
		return error;
	if (!listed)
		freelist_push(&vm->free, id);
	return 0;
}

int
kv_vmem_xfree(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	uint64_t bytes = kv_align_up(size, vm->qmask + 1);
	bt_id *at;
	const struct bt *t;

	if (vm->below != NULL)
		kv_arena_let_go(vm);
	at = bt_hash_chain(&vm->store, va);
	t = tag_of(vm, *at);
	while (*at != BT_NONE && t->start != va) {
		at = &tag_of(vm, *at)->link;
		t = tag_of(vm, *at);
	}
	if (*at == BT_NONE || t->size - bytes > vm->qmask ||
	    t->back == TAG_CACHED) {
		bt_id id;

		kv_tap_emit(
		    &vm->tap, KV_EV_VMEM_FREE, vm->name, va, bytes, 0, 0);
		return kv_arena_find(vm, va, size, &id, diag);
	}
	return free_at(vm, at, diag);
}

int
kv_vmem_free(
    struct kv_vmem *vm, kv_va_t va, uint64_t size, struct kv_diag *diag)
{
	return vm->ncaches == 0 ? kv_vmem_xfree(vm, va, size, diag)
				: kv_arena_cache(vm, va, size, diag);
}
