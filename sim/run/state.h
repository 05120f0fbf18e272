/* SPDX-License-Identifier: BSD-2-Clause */
/* state.h - all that a run has, as text: to compare, to show, to recognise */
#ifndef KV_SIM_STATE_H
#define KV_SIM_STATE_H

#include "out/emit.h"
#include "run/runner.h"

/* Pages in a row that are mapped alike, whatever the level of their leaves. */
struct kv_mapped {
	unsigned space;
	kv_va_t va;
	kv_pa_t pa;
	uint64_t size; /* bytes */
	unsigned attr;
};

/* Lines, each of which says what it is about.  Zero-initialise. */
struct kv_state {
	struct kv_buf used;	  /* what somebody has */
	struct kv_buf rest;	  /* what is free, and in which order it stands;
				     tables, reservations, imports */
	struct kv_mapped *mapped; /* owned; by space, then address */
	size_t nmapped, capacity;
};

/* Replaces what *s held. */
void kv_state_take(const struct kv_run *run, struct kv_state *s);
void kv_state_fini(struct kv_state *s);

enum kv_state_change {
	KV_STATE_SAME,	 /* not a bit */
	KV_STATE_REST,	 /* what is free, cached or imported, and its order */
	KV_STATE_PREFIX, /* the bytes that the operation says it did */
	KV_STATE_USED	 /* what somebody has: a failed step must not */
};

/* What an operation made of a state. */
enum kv_state_change kv_state_compare(const struct kv_state *before,
    const struct kv_state *after, const struct kv_op *op);

/* "- LINE" of what is no more, "+ LINE" of what is new, at most so many. */
void kv_state_diff(const struct kv_state *before, const struct kv_state *after,
    size_t max, struct kv_buf *out);

/* All of it as one text; equal exactly for states from which the same follows,
 * where nothing is cached. */
void kv_state_text(const struct kv_state *s, struct kv_buf *out);

#endif
