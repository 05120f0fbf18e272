/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oracle_step.c - the judge's steps: what one that failed has left behind
 *
 *   V8  A step that fails changed nothing, or exactly the first part of its
 *       range that it says.
 * Since the operation began each page notes what it was before it changed
 * first.  A map over other pages is not judged: they are gone if it fails.
 */
#include <stdlib.h>

#include "out/mem.h"
#include "run/oracle_parts.h"

/* A step that changed more is not judged. */
enum { CHANGES_MAX = 1 << 20 };

/* W and X, which a protection gives; and U and G. */
enum { GIVEN = 3, RIGHTS = 15 };

void
oracle_step_note(
    struct kv_oracle *o, struct oracle_space *s, uint64_t page, uint64_t old)
{
	struct oracle_changes *c = &o->changes;

	if (c->count == CHANGES_MAX) {
		c->lost = true;
		return;
	}
	if (c->count == c->room) {
		c->room = c->room == 0 ? 64 : 2 * c->room;
		c->list = kv_mem_resize(c->list, c->room, sizeof(*c->list));
	}
	c->list[c->count] = (struct oracle_change){s, page, old, c->count};
	c->count++;
}

void
oracle_step_begin(struct kv_oracle *o)
{
	o->changes.count = 0;
	o->changes.lost = false;
}

static int
by_place(const void *a, const void *b)
{
	const struct oracle_change *x = a, *y = b;

	if (x->space != y->space)
		return x->space->tag < y->space->tag ? -1 : 1;
	if (x->page != y->page)
		return x->page < y->page ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* What a step says that failed, in pages. */
struct failure {
	enum kv_event_kind kind;
	uint64_t first, npages, done, attr;
};

/* Frame and rights of a translation. */
static uint64_t
essence(uint64_t word)
{
	return word == 0 ? 0
			 : (word >> LEAF_SHIFT << LEAF_SHIFT) | (word & RIGHTS);
}

/* What a page should be now that was old before. */
static uint64_t
wanted(const struct failure *f, uint64_t page, uint64_t old)
{
	if (page - f->first >= f->done || old == 0)
		return old;
	return f->kind == KV_EV_FAIL_UNMAP
		   ? 0
		   : (old & ~(uint64_t)GIVEN) | (f->attr & GIVEN);
}

/* The pages that changed.  => the first that is not as it should be, or the
 * number of them */
static size_t
check_changes(
    struct kv_oracle *o, struct oracle_space *s, const struct failure *f)
{
	const struct oracle_changes *c = &o->changes;
	size_t i;

	for (i = 0; i < c->count; i++) {
		const struct oracle_change *x = &c->list[i];

		if (x->space != s || (i != 0 && c->list[i - 1].space == s &&
					 c->list[i - 1].page == x->page))
			continue;
		if (f->kind == KV_EV_FAIL_MAP && x->old != 0 &&
		    x->page - f->first < f->npages)
			continue;
		if (essence(kv_owords_get(&s->leaf, x->page)) !=
		    essence(wanted(f, x->page, x->old)))
			break;
	}
	return i;
}

/* The pages that the step says it did, whether they changed or not. */
static bool
is_done(struct oracle_space *s, const struct failure *f, uint64_t *page)
{
	if (f->done > CHANGES_MAX)
		return true;
	for (uint64_t i = 0; i < f->done; i++) {
		const uint64_t now = kv_owords_get(&s->leaf, f->first + i);

		*page = f->first + i;
		if (essence(now) != essence(wanted(f, *page, now)))
			return false;
	}
	return true;
}

void
oracle_step_event(struct kv_oracle *o, const struct kv_event *e)
{
	const char *text = "a step failed, and changed more than it says";
	struct oracle_space *s = oracle_space_named(o, e->source);
	struct failure f = {.kind = e->kind,
	    .first = e->value[0] >> o->shift,
	    .npages = e->value[1]};
	uint64_t page = 0;
	size_t bad;

	if (e->kind == KV_EV_FAIL_UNMAP || e->kind == KV_EV_FAIL_PROTECT)
		f.done = e->value[2] >> o->shift;
	f.attr = e->value[3];
	if (o->changes.lost)
		return;
	if (o->changes.count != 0)
		qsort(o->changes.list, o->changes.count,
		    sizeof(*o->changes.list), by_place);
	bad = check_changes(o, s, &f);
	if (bad < o->changes.count)
		oracle_blame_v(
		    o, 8, o->changes.list[bad].page << o->shift, text);
	else if (!is_done(s, &f, &page))
		oracle_blame_v(o, 8, page << o->shift,
		    "a step failed, and did less than it says");
}
