/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oracle_arena.c - the judge's arenas: spans, segments, debts
 *
 *   V1  Segments lie in spans and do not overlap; a request gets what it asks;
 *       a free names an exact live segment of that arena.
 *   V2  An imported span lies in a live segment of its source, alone; a span
 *       that is free as a whole goes back at once, and its segment with it.
 *   vmem-I3  Spans do not overlap.
 * Of arenas of kernel stacks: freed KVA is a busy segment of equal size
 * (freebsd-I5); the source gets back what it gave (I6); a chunk is whole slots
 * inside what its source gave (I8).
 */
#include <stdlib.h>
#include <string.h>

#include "out/mem.h"
#include "run/oracle_parts.h"

/* Names of a log are kept once each, those of a run mostly are one pointer. */
struct oracle_arena *
oracle_arena_find(struct kv_oracle *o, const char *name)
{
	if (name == o->asked_name)
		return o->asked_arena;
	for (struct oracle_arena *a = o->arenas; a != NULL; a = a->next)
		if (a->name == name || strcmp(a->name, name) == 0) {
			o->asked_name = name;
			o->asked_arena = a;
			return a;
		}
	return NULL;
}

bool
oracle_arena_has(const struct oracle_arena *a, uint64_t va, uint64_t size)
{
	const struct kv_orange *r =
	    a == NULL ? NULL : kv_oranges_at(&a->busy, va);

	return r != NULL && r->last - va == size - 1;
}

/* As the arena's own, or as the kernel stacks'. */
static void
blame(struct kv_oracle *o, const struct oracle_arena *a, unsigned v,
    unsigned kva, uint64_t va, const char *text)
{
	if (a->kva)
		oracle_blame(o, "freebsd", kva, va, text);
	else
		oracle_blame_v(o, v, va, text);
}

/* Does [va, va + size) not wrap? */
static bool
is_range(uint64_t va, uint64_t size)
{
	return size != 0 && va + (size - 1) >= va;
}

/* ---- Arenas ---------------------------------------------------------------
 */

static void
create(struct kv_oracle *o, const struct kv_event *e)
{
	struct oracle_arena *a = oracle_arena_find(o, e->source);

	if (a != NULL) {
		oracle_blame_v(o, 1, 0, "an arena is created twice");
		return;
	}
	a = kv_mem_resize(NULL, 1, sizeof(*a));
	memset(a, 0, sizeof(*a));
	a->name = e->source;
	a->quantum = e->value[0] != 0 ? e->value[0] : 1;
	a->is_pow2 = e->value[2] != 0;
	a->kva = o->policy.building && o->policy.narenas < ORACLE_KVA;
	if (a->kva)
		o->policy.arenas[o->policy.narenas++] = a;
	*o->arena_end = a;
	o->arena_end = &a->next;
}

static void
link_to(struct kv_oracle *o, struct oracle_arena *a, const struct kv_event *e)
{
	a->from = oracle_arena_find(o, e->other);
	a->align = e->value[0];
	a->slot = e->value[1];
	a->origin = e->value[2];
	a->stride = e->value[3];
	if (a->from == NULL || a->from == a)
		oracle_blame_v(o, 2, 0, "an arena imports from nobody");
}

/* ---- Spans ----------------------------------------------------------------
 */

static struct kv_orange *
span_add(
    struct kv_oracle *o, struct oracle_arena *a, uint64_t va, uint64_t size)
{
	if (!is_range(va, size) ||
	    kv_oranges_meet(&a->spans, va, va + (size - 1)) != NULL) {
		oracle_blame(o, "vmem", 3, va, "a span overlaps another one");
		return NULL;
	}
	a->size += size;
	if (a->limit != 0 && a->size > a->limit)
		oracle_blame(
		    o, "vmem", 1, va, "an arena has more than its limit");
	return kv_oranges_add(&a->spans, va, va + (size - 1));
}

/* The segment of the source that holds a span, which no other span has. */
static struct kv_orange *
cover(const struct oracle_arena *a, uint64_t va, uint64_t size)
{
	struct kv_orange *r = kv_oranges_holder(&a->from->busy, va);

	if (r == NULL || r->last < va + (size - 1) ||
	    (r->flags & (SEG_CLAIMED | SEG_CACHED)) != 0)
		return NULL;
	return r;
}

static bool
is_whole_slots(const struct kv_oracle *o, const struct oracle_arena *a,
    uint64_t va, uint64_t size)
{
	uint64_t slot = a->slot;

	if (slot == 0 && a->kva && a->stride != 0)
		slot = (o->policy.npages + o->policy.gpages) << o->shift;
	return slot == 0 || (size % slot == 0 && (va - a->origin) % slot == 0);
}

static void
import(struct kv_oracle *o, struct oracle_arena *a, uint64_t va, uint64_t size)
{
	struct kv_orange *held, *span;
	bool chunks = a->slot != 0 || a->stride != 0;

	span = span_add(o, a, va, size);
	if (span == NULL)
		return;
	span->flags = SPAN_IMPORTED;
	if (!is_whole_slots(o, a, va, size))
		oracle_blame(o, "freebsd", 8, va, "a chunk is not whole slots");
	held = a->from == NULL ? NULL : cover(a, va, size);
	if (held != NULL)
		held->flags |= SEG_CLAIMED;
	else if (a->from != NULL && chunks)
		oracle_blame(o, "freebsd", 8, va,
		    "a chunk does not lie inside what its source gave");
	else if (a->from != NULL)
		oracle_blame_v(o, 2, va,
		    "a span does not lie in a live segment of its source");
	if (a->unit != 0 && size % a->unit != 0)
		oracle_blame_v(
		    o, 2, va, "a span is no multiple of the import quantum");
}

/* The source must get back what it gave, next. */
static void
owe_back(struct kv_oracle *o, struct oracle_arena *a, uint64_t va)
{
	struct oracle_arena *from = a->from;
	struct kv_orange *held =
	    from == NULL ? NULL : kv_oranges_holder(&from->busy, va);

	if (held == NULL)
		return;
	held->flags &= ~(uint32_t)SEG_CLAIMED;
	from->owed_back = true;
	from->owed = held->start;
	from->owed_size = held->last - held->start + 1;
	o->owing = from;
}

static void
release(struct kv_oracle *o, struct oracle_arena *a, uint64_t va, uint64_t size)
{
	struct kv_orange *span = kv_oranges_at(&a->spans, va);

	if (span == NULL || span->last - va != size - 1 ||
	    (span->flags & SPAN_IMPORTED) == 0) {
		oracle_blame_v(
		    o, 2, va, "what is released is no imported span");
		return;
	}
	if (span->value != 0) {
		oracle_blame_v(o, 2, va, "a span is released that is in use");
		return;
	}
	a->size -= size;
	kv_oranges_remove(&a->spans, va);
	owe_back(o, a, va);
}

/* ---- Debts -----------------------------------------------------------------
 */

static void
pay(struct kv_oracle *o)
{
	o->owing->owed_back = o->owing->owes_release = false;
	o->owing = NULL;
}

static void
default_on(struct kv_oracle *o)
{
	struct oracle_arena *a = o->owing;
	uint64_t at = a->owed;
	bool back = a->owed_back;

	pay(o);
	if (back)
		blame(o, a, 2, 6, at,
		    "the source does not get back what it gave");
	else
		oracle_blame_v(
		    o, 2, at, "a span that is free as a whole is kept");
}

void
oracle_arena_due(struct kv_oracle *o, const struct kv_event *e)
{
	const struct oracle_arena *a = o->owing;
	enum kv_event_kind due =
	    a->owed_back ? KV_EV_VMEM_FREE : KV_EV_VMEM_RELEASE;

	if (e->kind == due && oracle_arena_find(o, e->source) == a &&
	    e->value[0] == a->owed &&
	    (!a->owed_back || e->value[1] == a->owed_size))
		pay(o);
	else
		default_on(o);
}

void
oracle_arena_settle(struct kv_oracle *o)
{
	if (o->owing != NULL)
		default_on(o);
}

/* ---- Segments
 * ---------------------------------------------------------------- */

/* More, or fewer, bytes of spans are in use.  => false: not all in spans */
static bool
use(struct oracle_arena *a, uint64_t start, uint64_t last, bool on)
{
	for (;;) {
		struct kv_orange *span = kv_oranges_holder(&a->spans, start);
		uint64_t end;

		if (span == NULL)
			return false;
		end = span->last < last ? span->last : last;
		span->value += on ? end - start + 1 : start - end - 1;
		if (end == last)
			return true;
		if (a->gives) /* spans that go back do not join */
			return false;
		start = end + 1;
	}
}

static bool
suits(const struct oracle_want *w, uint64_t va, uint64_t size)
{
	uint64_t last = va + (size - 1);

	return size == w->size && va >= w->min && last <= w->max &&
	       (w->align == 0 || (va - w->phase) % w->align == 0) &&
	       (w->nocross == 0 || ((va ^ last) & ~(w->nocross - 1)) == 0);
}

static void
alloc(struct kv_oracle *o, struct oracle_arena *a, uint64_t va, uint64_t size)
{
	struct oracle_want want = a->want;

	a->want.asked = false;
	if (!is_range(va, size) || va % a->quantum != 0) {
		oracle_blame_v(o, 1, va, "a segment is not aligned, or wraps");
		return;
	}
	if (kv_oranges_meet(&a->busy, va, va + (size - 1)) != NULL) {
		oracle_blame_v(o, 1, va, "a segment is given out twice");
		return;
	}
	if (want.asked && !suits(&want, va, size))
		oracle_blame_v(o, 1, va, "a segment is not what was asked for");
	kv_oranges_add(&a->busy, va, va + (size - 1));
	if (!use(a, va, va + (size - 1), true))
		oracle_blame_v(o, 1, va, "a segment lies in no span");
}

/* A span that is free as a whole must go back, unless a cursor may stand in
 * it. */
static void
owe_release(struct kv_oracle *o, struct oracle_arena *a, uint64_t va)
{
	const struct kv_orange *span = kv_oranges_holder(&a->spans, va);

	if (!a->gives || a->wanders || span == NULL || span->value != 0 ||
	    (span->flags & SPAN_IMPORTED) == 0)
		return;
	a->owes_release = true;
	a->owed = span->start;
	o->owing = a;
}

static void
free_segment(
    struct kv_oracle *o, struct oracle_arena *a, uint64_t va, uint64_t size)
{
	struct kv_orange *r = kv_oranges_at(&a->busy, va);
	uint64_t last;

	if (r == NULL || (r->flags & SEG_CACHED) != 0) {
		blame(o, a, 1, 5, va,
		    "what is freed is no live segment of this arena");
		return;
	}
	if (r->last - va - (size - 1) >= a->quantum &&
	    size - 1 - (r->last - va) >= a->quantum) {
		blame(o, a, 1, 5, va, "a segment is freed with another size");
		return;
	}
	if ((r->flags & SEG_CLAIMED) != 0) {
		blame(o, a, 2, 6, va,
		    "a source gets back a span that is still held");
		return;
	}
	last = r->last;
	kv_oranges_remove(&a->busy, va);
	use(a, va, last, false);
	owe_release(o, a, va);
}

static void
cache(struct kv_oracle *o, struct oracle_arena *a, uint64_t va, bool in)
{
	struct kv_orange *r = kv_oranges_at(&a->busy, va);

	if (r == NULL || ((r->flags & SEG_CACHED) != 0) == in)
		blame(o, a, 1, 5, va,
		    in ? "what is freed is no live segment of this arena"
		       : "a cache gives out what it does not have");
	else
		r->flags ^= SEG_CACHED;
}

/* ---- Events
 * -------------------------------------------------------------------- */

/* Fit 2 is next fit. */
enum { FIT_NEXT = 2 };

void
oracle_arena_event(struct kv_oracle *o, const struct kv_event *e)
{
	struct oracle_arena *a = oracle_arena_find(o, e->source);
	const uint64_t *v = e->value;

	if (e->kind == KV_EV_VMEM_ARENA) {
		create(o, e);
		return;
	}
	if (a == NULL) {
		oracle_blame_v(o, 1, v[0], "there is no such arena");
		return;
	}
	switch (e->kind) {
	case KV_EV_VMEM_SOURCE:
		a->unit = v[0];
		a->gives = v[1] != 0;
		break;
	case KV_EV_VMEM_LINK:
		link_to(o, a, e);
		break;
	case KV_EV_VMEM_LIMIT:
		a->limit = v[0];
		break;
	case KV_EV_VMEM_ADD:
		span_add(o, a, v[0], v[1]);
		break;
	case KV_EV_VMEM_REQUEST:
		a->want = (struct oracle_want){
		    true, v[0], v[1], v[2], v[3], 0, UINT64_MAX};
		break;
	case KV_EV_VMEM_BOUNDS:
		a->want.min = v[0];
		a->want.max = v[1];
		a->wanders |= v[2] == FIT_NEXT;
		break;
	case KV_EV_VMEM_ALLOC:
		alloc(o, a, v[0], v[1]);
		break;
	case KV_EV_VMEM_FAIL:
		a->want.asked = false;
		break;
	case KV_EV_VMEM_FREE:
		free_segment(o, a, v[0], v[1]);
		break;
	case KV_EV_VMEM_CACHE:
		cache(o, a, v[0], true);
		break;
	case KV_EV_VMEM_REUSE:
		cache(o, a, v[0], false);
		break;
	case KV_EV_VMEM_IMPORT:
		import(o, a, v[0], v[1]);
		break;
	case KV_EV_VMEM_RELEASE:
		release(o, a, v[0], v[1]);
		break;
	default:
		break;
	}
}

void
oracle_arena_fini(struct kv_oracle *o)
{
	while (o->arenas != NULL) {
		struct oracle_arena *a = o->arenas;

		o->arenas = a->next;
		kv_oranges_fini(&a->busy);
		kv_oranges_fini(&a->spans);
		kv_mem_free(a);
	}
}
