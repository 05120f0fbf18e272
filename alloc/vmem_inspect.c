/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmem_inspect.c - arenas seen from outside: statistics, walks, check, whatis
 *
 * The concepts and the invariants checked here are those of vmem.c; nothing
 * in this file changes an arena, except that what was put off is done first.
 */
#include <stdlib.h>

#include "arena.h"
#include "arith.h"

/* Lower bound of the highest class in use, bytes. */
static uint64_t
maxfree(const struct kv_vmem *vm)
{
	uint64_t high = vm->free.filled[1], low = vm->free.filled[0];

	if (high != 0)
		return freelist_lower(64 + kv_log2(high)) << vm->free.qshift;
	return low == 0 ? 0 : freelist_lower(kv_log2(low)) << vm->free.qshift;
}

/* All tags in the segment list but span tags, busy ones and the cursor. */
static uint64_t
nfree(const struct kv_vmem *vm)
{
	const struct bt_store *s = &vm->store;

	return s->capacity - s->nidle - BT_FRESH / BT_SIZE - s->nbusy -
	       vm->nspan;
}

struct kv_vmem_stats
kv_vmem_stats(const struct kv_vmem *vm)
{
	arena_settle(vm);
	return (struct kv_vmem_stats){.size = vm->size,
	    .inuse = vm->inuse,
	    .maxfree = maxfree(vm),
	    .nbusy = vm->store.nbusy,
	    .nfree = nfree(vm),
	    .nspan = vm->nspan,
	    .alloc = vm->count_alloc,
	    .free = vm->count_alloc - vm->store.nbusy,
	    .fail = vm->count_fail,
	    .import = vm->count_import,
	    .release = vm->count_release};
}

const struct kv_tap *
kv_vmem_tap(const struct kv_vmem *vm)
{
	return &vm->tap;
}

const char *
kv_vmem_name(const struct kv_vmem *vm)
{
	return vm->name;
}

uint64_t
kv_vmem_quantum(const struct kv_vmem *vm)
{
	return vm->qmask + 1;
}

uint64_t
kv_vmem_cached(const struct kv_vmem *vm)
{
	uint64_t quanta = 0;

	for (unsigned i = 0; i < vm->ncaches; i++)
		quanta += (i + 1) * vm->cache[i].count;
	return quanta << vm->qshift;
}

uint64_t
kv_vmem_largest_free(const struct kv_vmem *vm)
{
	uint64_t largest = 0;

	arena_settle(vm);
	for (bt_id id = tag_of(vm, BT_NONE)->next; id != BT_NONE;
	     id = tag_of(vm, id)->next)
		if (bt_is_free(tag_of(vm, id)) &&
		    tag_of(vm, id)->size > largest)
			largest = tag_of(vm, id)->size;
	return largest;
}

static struct kv_vmem_seg
segment(const struct bt *t)
{
	return (struct kv_vmem_seg){bt_kind(t), t->start, t->size};
}

int
kv_vmem_walk(const struct kv_vmem *vm, kv_vmem_walk_fn *cb, void *arg)
{
	int stop = 0;

	arena_settle(vm);
	for (bt_id id = tag_of(vm, BT_NONE)->next; id != BT_NONE && stop == 0;
	     id = tag_of(vm, id)->next) {
		struct kv_vmem_seg seg = segment(tag_of(vm, id));

		stop = cb(arg, &seg);
	}
	return stop;
}

int
kv_vmem_walk_class(
    const struct kv_vmem *vm, unsigned class, kv_vmem_walk_fn *cb, void *arg)
{
	int stop = 0;

	arena_settle(vm);
	if (class >= FREELIST_CLASSES ||
	    freelist_next(&vm->free, class) != class)
		return 0;
	for (bt_id id = freelist_head(&vm->free, class);
	     id != BT_NONE && stop == 0;
	     id = kv_freelist_older(&vm->free, class, id)) {
		struct kv_vmem_seg seg = segment(tag_of(vm, id));

		stop = cb(arg, &seg);
	}
	return stop;
}

int
kv_vmem_whatis(const struct kv_vmem *vm, kv_va_t va, struct kv_vmem_seg *seg)
{
	arena_settle(vm);
	for (bt_id id = tag_of(vm, BT_NONE)->next; id != BT_NONE;
	     id = tag_of(vm, id)->next) {
		const struct bt *t = tag_of(vm, id);

		if ((bt_kind(t) == KV_VMEM_FREE ||
			bt_kind(t) == KV_VMEM_BUSY) &&
		    va - t->start < t->size) {
			*seg = segment(t);
			return 0;
		}
	}
	return ENOENT;
}

/* ---- Check ----------------------------------------------------------- */

struct check {
	const struct kv_vmem *vm;
	struct kv_diag *diag;
	uint64_t size, inuse, nbusy, nfree, nspan;
	kv_va_t at;    /* where the next segment must start */
	uint64_t left; /* bytes of the span still to be tiled */
};

static int
bad(struct check *c, unsigned invariant, kv_va_t va, const char *text)
{
	return kv_diag_set(c->diag, EFAULT, "vmem", invariant, va, text);
}

/* I2: a span tag opens a span; the one before must be tiled. */
static int
check_span(struct check *c, const struct bt *t)
{
	if (c->left != 0)
		return bad(c, 2, c->at, "span is not covered by segments");
	c->size += t->size;
	c->nspan++;
	c->at = t->start;
	c->left = t->size;
	return 0;
}

/* I2: a segment continues its span; joined spans have no tag of their own. */
static int
check_segment(struct check *c, const struct bt *t)
{
	if (t->size == 0 || t->start != c->at)
		return bad(
		    c, 2, t->start, "segment does not continue its span");
	if (t->size > c->left && c->vm->source.release == NULL) {
		c->size += t->size - c->left;
		c->left = t->size;
	}
	if (t->size > c->left)
		return bad(c, 2, t->start, "segment leaves its span");
	c->at += t->size;
	c->left -= t->size;
	return 0;
}

/* I5: where the tag must be found, and where not. */
static int
check_lists(struct check *c, bt_id id)
{
	const struct kv_vmem *vm = c->vm;
	const struct bt *t = tag_of(vm, id);
	bt_id found = bt_hash_find(&vm->store, t->start);

	if (bt_kind(t) == KV_VMEM_BUSY) {
		c->nbusy++;
		c->inuse += t->size;
		return found != id ? bad(c, 5, t->start,
					 "busy segment is not in the hash")
				   : 0;
	}
	c->nfree++;
	return found != BT_NONE
		   ? bad(c, 5, t->start, "free segment is in the hash")
		   : 0;
}

/* I4: a cursor between two tags is a tag of its own, so no case here. */
static int
check_coalesced(struct check *c, const struct bt *t)
{
	const struct bt *next = tag_of(c->vm, t->next);

	return bt_is_free(t) && bt_is_free(next) &&
		       t->start + t->size == next->start
		   ? bad(c, 4, t->start, "free neighbours not coalesced")
		   : 0;
}

static int
check_tag(struct check *c, bt_id id)
{
	const struct bt *t = tag_of(c->vm, id);
	int error;

	if (bt_prev(tag_of(c->vm, t->next)) != id)
		return bad(c, 2, t->start, "segment list is not symmetric");
	switch (bt_kind(t)) {
	case KV_VMEM_SPAN:
	case KV_VMEM_STATIC:
		return check_span(c, t);
	case KV_VMEM_CURSOR:
		return id == BT_CURSOR && t->start == 0 && t->size == 0
			   ? 0
			   : bad(c, 2, t->start, "cursor is not (0, 0)");
	case KV_VMEM_FREE:
	case KV_VMEM_BUSY:
		break;
	}
	error = check_segment(c, t);
	if (error == 0)
		error = check_lists(c, id);
	return error == 0 ? check_coalesced(c, t) : error;
}

/* I5: one class holds FREE tags only, none smaller than the class. */
static int
check_class(struct check *c, unsigned class, uint64_t *listed)
{
	const struct freelist *f = &c->vm->free;

	for (bt_id id = freelist_head(f, class); id != BT_NONE;
	     id = kv_freelist_older(f, class, id)) {
		const struct bt *t = tag_of(c->vm, id);

		++*listed;
		if (!bt_is_free(t))
			return bad(
			    c, 5, t->start, "a class holds a busy segment");
		if (class > freelist_class(f, t->size))
			return bad(
			    c, 5, t->start, "class above that of the size");
		if (c->vm->relist && class != freelist_class(f, t->size))
			return bad(c, 5, t->start,
			    "class below that of the size, a block too large");
	}
	return 0;
}

/* I5: the classes hold as many tags as are FREE. */
static int
check_classes(struct check *c)
{
	const struct freelist *f = &c->vm->free;
	uint64_t listed = 0;
	unsigned class = freelist_next(f, 0);
	int error = 0;

	while (class < FREELIST_CLASSES && error == 0) {
		error = check_class(c, class, &listed);
		class = freelist_next(f, class + 1);
	}
	if (error == 0 && listed != c->nfree)
		return bad(c, 5, listed, "free segment in no class or in two");
	return error;
}

static int
by_start(const void *a, const void *b)
{
	const struct kv_vmem_seg *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* I3, over span tags sorted by address.  => 0, EFAULT; ENOMEM: no room */
static int
check_spans(struct check *c)
{
	struct kv_host *host = c->vm->store.host;
	struct kv_vmem_seg *span =
	    kv_host_zalloc(host, c->nspan, sizeof(*span));
	uint64_t n = 0;
	int error = 0;

	if (span == NULL)
		return c->nspan == 0 ? 0 : ENOMEM;
	for (bt_id id = tag_of(c->vm, BT_NONE)->next; id != BT_NONE;
	     id = tag_of(c->vm, id)->next)
		if (bt_kind(tag_of(c->vm, id)) <= KV_VMEM_STATIC)
			span[n++] = segment(tag_of(c->vm, id));
	qsort(span, n, sizeof(*span), by_start);
	for (uint64_t i = 1; i < n && error == 0; i++)
		if (kv_overlap(span[i - 1].start, span[i - 1].size,
			span[i].start, span[i].size))
			error = bad(c, 3, span[i].start, "spans overlap");
	kv_host_free(host, span, c->nspan, sizeof(*span));
	return error;
}

int
kv_vmem_check(const struct kv_vmem *vm, struct kv_diag *diag)
{
	struct check c = {.vm = vm, .diag = diag};
	int error = 0;

	arena_settle(vm);
	for (bt_id id = tag_of(vm, BT_NONE)->next; id != BT_NONE && error == 0;
	     id = tag_of(vm, id)->next)
		error = check_tag(&c, id);
	if (error != 0)
		return error;
	if (c.left != 0)
		return bad(&c, 2, c.at, "span is not covered by segments");
	if (c.size != vm->size || c.inuse != vm->inuse)
		return bad(&c, 1, c.size, "size or inuse is not the sum");
	if (c.nbusy != vm->store.nbusy || c.nfree != nfree(vm) ||
	    c.nspan != vm->nspan)
		return bad(&c, 5, c.nbusy, "tags by kind do not add up");
	error = check_classes(&c);
	return error == 0 ? check_spans(&c) : error;
}
