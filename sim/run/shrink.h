/* SPDX-License-Identifier: BSD-2-Clause */
/* shrink.h - the least scenario that still violates what a run violated */
#ifndef KV_SIM_SHRINK_H
#define KV_SIM_SHRINK_H

#include "in/doc.h"
#include "run/once.h"
#include "run/state.h"

enum { KV_SHRINK_RUNS = 3000, KV_SHRINK_OPS = 5000000 };

struct kv_shrunk {
	uint64_t from, steps; /* of the work, unrolled, and what is left */
	uint64_t runs;	      /* candidates that were tried */
	bool reproduced; /* it violates the same by itself; else the rest is
			    empty */
	struct kv_buf scenario; /* owned; it expects that violation,
				   and what else it violates */
	struct kv_buf diff;  /* owned; state before and after the operation */
	uint64_t op;	     /* of that: after which it was found */
	struct kv_once once; /* owned; its run, not drained */
};

/*
 * Delta-debug: leave out steps, then sections and keys, then make numbers
 * smaller, as long as the run violates that id; where only the drain behind it
 * did, that becomes its last step.  Each candidate is a file as it would be
 * written.  It ends after so many runs, or operations of theirs.  Free with
 * kv_shrunk_fini.
 */
void kv_shrink(
    const struct kv_once_config *cfg, const char *id, struct kv_shrunk *result);
void kv_shrunk_fini(struct kv_shrunk *result);

/* The same of a tree, which is owned then. */
void kv_shrink_doc(struct kv_doc *root, const struct kv_once_config *cfg,
    const char *id, struct kv_shrunk *result);

#endif
