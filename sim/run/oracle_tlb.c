/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oracle_tlb.c - the judge's TLB: what may still be held
 *
 *   V7  What a touch found, no flush has come for since: when the leaf has
 *       another frame by then, or fewer rights, whoever changed it owes a
 *       flush, and a touch that is answered from the TLB is wrong.
 * The judge remembers, for each page that was touched, the translation of
 * then, until a flush covers it; of each TLB by itself.  Evictions it does not
 * see, so it says nothing of a touch that walks.
 */
#include <string.h>

#include "out/mem.h"
#include "run/oracle_parts.h"

enum { W_X_U = 7, GLOBAL = 8, RANGE_MAX = 1 << 16 };

/* As they are told. */
enum { HIT, MISS, FAULT = 3, STALE_FRAME, STALE_PERMISSIVE, STALE_RESTRICTIVE };

/* The TLB of that name, which may be new. */
static size_t
tlb_find(struct kv_oracle *o, const char *name)
{
	size_t i;

	for (i = 0; i < o->ntlbs; i++)
		if (o->tlbs[i].name == name)
			return i;
	for (i = 0; i < o->ntlbs; i++)
		if (strcmp(o->tlbs[i].name, name) == 0)
			return i;
	o->tlbs = kv_mem_resize(o->tlbs, o->ntlbs + 1, sizeof(*o->tlbs));
	o->tlbs[o->ntlbs] = (struct oracle_tlb){.name = name};
	return o->ntlbs++;
}

/* What that TLB may hold of a space. */
static struct kv_owords *
promise_of(struct oracle_space *s, size_t tlb)
{
	if (tlb >= s->npromise) {
		s->promise =
		    kv_mem_resize(s->promise, tlb + 1, sizeof(*s->promise));
		while (s->npromise <= tlb)
			s->promise[s->npromise++] = (struct kv_owords){0};
	}
	return &s->promise[tlb];
}

static void
remember(struct kv_owords *global, struct kv_owords *own, uint64_t page,
    uint64_t word)
{
	if ((word & GLOBAL) != 0) {
		kv_owords_put(global, page, word);
		word = 0;
	}
	kv_owords_put(own, page, word);
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
touch(struct kv_oracle *o, size_t tlb, const uint64_t v[4])
{
	struct kv_owords *global = &o->tlbs[tlb].promise, *own;
	struct oracle_space *s = oracle_space_of(o, v[0]);
	uint64_t page = v[1] >> o->shift, now, before;

	if (s == NULL) {
		oracle_blame_v(o, 7, v[1], "a touch of no space");
		return;
	}
	own = promise_of(s, tlb);
	now = oracle_translate(o, s, v[1]);
	before = kv_owords_get(own, page);
	if (before == 0)
		before = kv_owords_get(global, page);
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
		remember(global, own, page, now);
}

static void
range(struct kv_oracle *o, size_t tlb, const uint64_t v[4])
{
	struct kv_owords *global = &o->tlbs[tlb].promise, *own;
	struct oracle_space *s = oracle_space_of(o, v[0]);
	uint64_t page = v[1] >> o->shift, i;

	if (s == NULL)
		return;
	own = promise_of(s, tlb);
	if (v[2] > RANGE_MAX) {
		kv_owords_fini(own);
		kv_owords_fini(global);
		return;
	}
	for (i = 0; i < v[2]; i++) {
		kv_owords_put(own, page + i, 0);
		kv_owords_put(global, page + i, 0);
	}
}

static void
sweep(struct kv_oracle *o, size_t tlb)
{
	for (size_t i = 0; i < o->nspaces; i++)
		kv_owords_fini(promise_of(o->spaces[i], tlb));
}

void
oracle_tlb_event(struct kv_oracle *o, const struct kv_event *e)
{
	const size_t tlb = tlb_find(o, e->source);
	struct oracle_space *s;

	switch (e->kind) {
	case KV_EV_TLB_TOUCH:
		touch(o, tlb, e->value);
		break;
	case KV_EV_TLB_RANGE:
		range(o, tlb, e->value);
		break;
	case KV_EV_TLB_TAG:
		s = oracle_space_of(o, e->value[0]);
		if (s != NULL)
			kv_owords_fini(promise_of(s, tlb));
		break;
	case KV_EV_TLB_ALL:
		kv_owords_fini(&o->tlbs[tlb].promise);
		sweep(o, tlb);
		break;
	default:
		sweep(o, tlb);
		break;
	}
}

void
oracle_tlb_fini(struct kv_oracle *o)
{
	size_t i, tlb;

	for (i = 0; i < o->nspaces; i++) {
		for (tlb = 0; tlb < o->spaces[i]->npromise; tlb++)
			kv_owords_fini(&o->spaces[i]->promise[tlb]);
		kv_mem_free(o->spaces[i]->promise);
	}
	for (tlb = 0; tlb < o->ntlbs; tlb++)
		kv_owords_fini(&o->tlbs[tlb].promise);
	kv_mem_free(o->tlbs);
}
