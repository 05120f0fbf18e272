/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fit.c - where a request may be put in a free block, for Frama-C
 *
 * What fits lies in the block, within min and max, and nothing of it wraps,
 * whatever alignment, phase and nocross ask for: also when they are no powers
 * of two.  What does not fit leaves *va alone.
 */
#include "alloc/arena.h"

/* What these give does not matter for what is proved here. */
/*@ assigns \nothing; */
static inline uint64_t kv_align_up(uint64_t x, uint64_t align);

/*@ assigns \nothing; */
static inline bool kv_crosses(uint64_t start, uint64_t size, uint64_t boundary);

/*@ requires \valid_read(t) && \valid_read(rq) && \valid(va);
  @ requires \separated(va, t, rq);
  @ requires t->size >= 1 && t->start + (t->size - 1) <= UINT64_MAX;
  @ requires rq->size >= 1;
  @ assigns *va;
  @ ensures \result != 0 ==> t->start <= *va && rq->min <= *va;
  @ ensures \result != 0 ==>
  @   *va + (rq->size - 1) <= t->start + (t->size - 1);
  @ ensures \result != 0 ==> *va + (rq->size - 1) <= rq->max;
  @ ensures \result == 0 ==> *va == \old(*va); */
bool kv_arena_fits(
    const struct bt *t, const struct kv_vmem_req *rq, kv_va_t *va);

#include "alloc/vmem_fit.c"
