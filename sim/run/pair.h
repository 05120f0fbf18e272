/* SPDX-License-Identifier: BSD-2-Clause */
/* pair.h - two machines that are told the same and must do the same */
#ifndef KV_SIM_PAIR_H
#define KV_SIM_PAIR_H

#include "hw/mmu.h"
#include "run/leafmap.h"

struct kv_pair; /* the theory block of pair.c numbers what is checked */

/* A probe that must not fault; no machine answers so. */
enum { KV_PROBE_FINE = ~0 };

/* The first thing that is not as it should be. */
struct kv_dispute {
	unsigned invariant; /* 0: none so far */
	kv_va_t va;
	char text[256]; /* who says what */
};

/*
 * twin: the model's machine; real: the other one, or NULL.  The pair closes
 * both.  A pair that has found a dispute does nothing any more: every function
 * below answers EFAULT then.
 */
void kv_pair_create(const struct kv_pte_format *format, struct kv_mmu *twin,
    struct kv_mmu *real, struct kv_pair **pair);
void kv_pair_destroy(struct kv_pair *pair);

/*
 * Make both machines map `leaves` and nothing else; leaves that are new have A
 * and M as their states say.  The map's content is taken over, the map empty
 * after.  => 0; EFAULT
 */
int kv_pair_sync(struct kv_pair *pair, struct kv_leafmap *leaves);

/* What both map now. */
const struct kv_leafmap *kv_pair_leaves(const struct kv_pair *pair);

/* Visit the base pages that the last sync took away and nothing maps now.
 * => what the last cb returned; not 0 ends it */
typedef int kv_pair_gap_fn(void *arg, kv_va_t va);
int kv_pair_gaps(const struct kv_pair *pair, kv_pair_gap_fn *cb, void *arg);

/* ---- Probes ---------------------------------------------------------- */

/*
 * Queue a touch of va, which must end in `error` (KV_FAULT_* | U never), or
 * KV_PROBE_FINE: must not fault.  Full queues run by themselves; one queue
 * holds accesses of one kind, in order.  => 0; EFAULT
 */
int kv_pair_probe(
    struct kv_pair *pair, enum kv_access access, kv_va_t va, int error);

/* The error of an access to va, as the leaves say. */
int kv_pair_expect(
    const struct kv_pair *pair, enum kv_access access, kv_va_t va);

/* Run what is queued.  => 0; EFAULT */
int kv_pair_flush(struct kv_pair *pair);

/* Push size bytes downwards from top: #DF where the first page cannot be
 * written, or no fault.  A machine that cannot is passed over.  => 0; EFAULT */
int kv_pair_overflow(struct kv_pair *pair, kv_va_t top, uint64_t size);

/* ---- Looks ----------------------------------------------------------- */

/* The leaf of one address, A and M too; with the witness of the machine, if
 * asked and if it has one.  => 0; EFAULT */
int kv_pair_look(struct kv_pair *pair, kv_va_t va, bool witness);

/* All leaves, A and M too, in order; nothing else is mapped.  => 0; EFAULT */
int kv_pair_look_all(struct kv_pair *pair);

/* What the real machine counted at the last look; NULL: nothing. */
const struct kv_mmu_leaves *kv_pair_counted(const struct kv_pair *pair);

/* The leaves by size, as each machine counts them where it counts those of its
 * tables; exact: it has memory in pages as large as they are.  => 0; EFAULT */
int kv_pair_look_leaves(struct kv_pair *pair, bool exact);

/* ---- Inspect --------------------------------------------------------- */

struct kv_pair_stats {
	uint64_t edits;		  /* both machines were told */
	uint64_t unused;	  /* leaves that they were to map without A */
	uint64_t touches, faults; /* on each machine */
	uint64_t overflows, looks, witnesses; /* likewise */
};

struct kv_pair_stats kv_pair_stats(const struct kv_pair *pair);

/* Never NULL; invariant 0: all is well. */
const struct kv_dispute *kv_pair_dispute(const struct kv_pair *pair);

/* The machines; real may be NULL. */
struct kv_mmu *kv_pair_real(const struct kv_pair *pair);
struct kv_mmu *kv_pair_twin(const struct kv_pair *pair);

#endif
