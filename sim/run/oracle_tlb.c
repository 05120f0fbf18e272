/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oracle_tlb.c - the judge's TLB: what may still be held
 *
 *   V7  What a touch found, no flush has come for since: when the leaf has
 *       another frame by then, or fewer rights, whoever changed it owes a
 *       flush, and a touch that is answered from the TLB is wrong.
 * The judge remembers, for each page that was touched, the translation of
 * then, until a flush covers it.  Evictions it does not see, so it says nothing
 * of a touch that walks.
 */
#include "run/oracle_parts.h"

enum { W_X_U = 7, GLOBAL = 8, RANGE_MAX = 1 << 16 };

/* As they are told. */
enum { HIT, MISS, FAULT = 3, STALE_FRAME, STALE_PERMISSIVE, STALE_RESTRICTIVE };

static void
remember(
    struct kv_oracle *o, struct oracle_space *s, uint64_t page, uint64_t word)
{
	if ((word & GLOBAL) != 0) {
		kv_owords_put(&o->promise, page, word);
		word = 0;
	}
	kv_owords_put(&s->promise, page, word);
}

/* Does the translation of before give what that of now does not? */
static bool
gives_more(uint64_t before, uint64_t now)
{
	return now == 0 ||
	       (before & ~LEAF_THERE) >> LEAF_SHIFT !=
		   (now & ~LEAF_THERE) >> LEAF_SHIFT ||
	       (before & ~now & W_X_U) != 0;
}

static void
touch(struct kv_oracle *o, const uint64_t v[4])
{
	struct oracle_space *s = oracle_space_of(o, v[0]);
	uint64_t page = v[1] >> o->shift, now, before;

	if (s == NULL) {
		oracle_blame_v(o, 7, v[1], "a touch of no space");
		return;
	}
	now = oracle_translate(o, s, v[1]);
	before = kv_owords_get(&s->promise, page);
	if (before == 0)
		before = kv_owords_get(&o->promise, page);
	if (v[3] == STALE_FRAME || v[3] == STALE_PERMISSIVE)
		oracle_blame_v(o, 7, v[1],
		    v[3] == STALE_FRAME
			? "stale TLB entry: another frame, or none"
			: "stale TLB entry: it allows more");
	else if (v[3] == STALE_RESTRICTIVE)
		return;
	else if ((now == 0) != (v[3] == FAULT))
		oracle_blame_v(o, 7, v[1],
		    now == 0 ? "a touch finds what no table maps"
			     : "a touch faults on what is mapped");
	else if (v[3] == HIT && before != 0 && gives_more(before, now))
		oracle_blame_v(
		    o, 7, v[1], "a translation changed and no flush has come");
	else
		remember(o, s, page, now);
}

static void
range(struct kv_oracle *o, const uint64_t v[4])
{
	struct oracle_space *s = oracle_space_of(o, v[0]);
	uint64_t page = v[1] >> o->shift, i;

	if (s == NULL)
		return;
	if (v[2] > RANGE_MAX) {
		kv_owords_fini(&s->promise);
		kv_owords_fini(&o->promise);
		return;
	}
	for (i = 0; i < v[2]; i++) {
		kv_owords_put(&s->promise, page + i, 0);
		kv_owords_put(&o->promise, page + i, 0);
	}
}

static void
sweep(struct kv_oracle *o)
{
	for (size_t i = 0; i < o->nspaces; i++)
		kv_owords_fini(&o->spaces[i]->promise);
}

void
oracle_tlb_event(struct kv_oracle *o, const struct kv_event *e)
{
	struct oracle_space *s;

	switch (e->kind) {
	case KV_EV_TLB_TOUCH:
		touch(o, e->value);
		break;
	case KV_EV_TLB_RANGE:
		range(o, e->value);
		break;
	case KV_EV_TLB_TAG:
		s = oracle_space_of(o, e->value[0]);
		if (s != NULL)
			kv_owords_fini(&s->promise);
		break;
	case KV_EV_TLB_ALL:
		kv_owords_fini(&o->promise);
		sweep(o);
		break;
	default:
		sweep(o);
		break;
	}
}
