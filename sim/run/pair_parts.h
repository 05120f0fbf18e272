/* SPDX-License-Identifier: BSD-2-Clause */
/* pair_parts.h - what pair.c, pair_probe.c and pair_look.c share */
#ifndef KV_SIM_PAIR_PARTS_H
#define KV_SIM_PAIR_PARTS_H

#include "run/pair.h"

enum { QUEUE_MAX = 1 << 16 };
enum machine { TWIN, REAL, MACHINES };

/* Touches that wait to be run. */
struct queue {
	enum kv_access access;
	size_t n;
	kv_va_t *list;
	int *errors; /* expected */
	struct kv_fault *faults[MACHINES];
	size_t nfaults[MACHINES];
};

struct gap {
	kv_va_t va;
	uint64_t size;
};

struct kv_pair {
	struct kv_mmu *mmu[MACHINES]; /* [REAL] may be NULL */
	struct kv_leafmap told;
	size_t hint; /* run of told that the last touch found */
	struct queue queue;
	struct kv_edit *promotions; /* of the sync that runs */
	size_t npromotions, promotion_capacity;
	struct gap *gaps;
	size_t ngaps, gap_capacity;
	struct kv_mmu_leaves counted; /* by the real machine */
	bool is_counted;
	struct kv_dispute dispute;
	struct kv_pair_stats stats;
};

/* Begin the words of a dispute, the only one, and add to them. */
void kv_pair_object(struct kv_pair *p, unsigned invariant, kv_va_t va);
void kv_pair_say(struct kv_pair *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* What failed on which machine.  => EFAULT */
int kv_pair_fail(struct kv_pair *p, enum machine i, unsigned invariant,
    kv_va_t va, const char *what, int error);

/* The run and leaf of told that map va.  => NULL: none */
const struct kv_leaf_run *kv_pair_find(
    const struct kv_pair *p, kv_va_t va, size_t *index);

#endif
