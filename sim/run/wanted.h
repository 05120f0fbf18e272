/* SPDX-License-Identifier: BSD-2-Clause */
/* wanted.h - what a world maps, as a machine should have it */
#ifndef KV_SIM_WANTED_H
#define KV_SIM_WANTED_H

#include "run/leafmap.h"
#include "run/world.h"

/*
 * Memory of a machine, given out to memory of the world in windows of one leaf
 * of level 2: pages of a VM object stand there at their pindex, other pages at
 * their frame number, both modulo a window.  So an object that leaves indexes
 * out leaves pages out.  Zero-initialise, finish with kv_backing_fini.
 */
struct kv_backing {
	struct kv_window_of *list; /* owned; in order of address */
	size_t count, last;
};
void kv_backing_fini(struct kv_backing *b);

/* Zero-initialise, finish with kv_wanted_fini. */
struct kv_wanted {
	struct kv_leafmap leaves;
	kv_va_t *guards; /* guard pages, ascending */
	size_t nguards;
};
void kv_wanted_fini(struct kv_wanted *wanted);

/*
 * The leaves of a space and, of the first one, the guard pages of stacks.  The
 * leaf of a stack's page must map the frame that the stack's object has at its
 * pindex.  Leaves above a level become leaves of that level.  wanted: empty.
 * => 0; EFAULT and *diag (I8)
 */
int kv_wanted_take(const struct kv_world *w, size_t space, unsigned level,
    struct kv_backing *backing, struct kv_wanted *wanted, struct kv_diag *diag);

/* What an address of a space is, in words: "guard page 1 below the stack at
 * 0x...". */
void kv_wanted_words(const struct kv_world *w, size_t space, kv_va_t va,
    char *words, size_t size);

#endif
