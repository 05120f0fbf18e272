/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.c - windows and what regions share, for Frama-C
 *
 * The functions are static: the file is taken whole, behind their contracts.
 */
#include "alloc/arith.h"
#include "alloc/layout.h"

/*@ assigns \nothing;
  @ ensures \result != 0 <==>
  @   (an != 0 && bn != 0 && a < b + bn && b < a + an); */
static inline bool kv_overlap(uint64_t a, uint64_t an, uint64_t b, uint64_t bn);

/*@ assigns \nothing;
  @ ensures \result != 0 <==> size >= 0x8000000000000000; */
static bool is_negative(uint64_t size);

/*@ assigns \nothing;
  @ ensures \result != 0 <==> base + size > UINT64_MAX + 1; */
static bool is_cut(kv_va_t base, uint64_t size);

struct piece;

#include "alloc/layout.c"

/*@ requires \valid(at);
  @ requires a.size >= 1 ==> a.base + a.size <= UINT64_MAX + 1;
  @ requires b.size >= 1 ==> b.base + b.size <= UINT64_MAX + 1;
  @ assigns *at;
  @ ensures \result == \max(0, \min(a.base + a.size, b.base + b.size) -
  @   \max(a.base, b.base));
  @ ensures \result != 0 ==> *at == \max(a.base, b.base); */
static uint64_t common(struct piece a, struct piece b, kv_va_t *at);

/*@ requires \valid_read(l) && \valid(l);
  @ assigns l->base, l->size;
  @ behavior good:
  @   assumes size != 0 && base + size <= UINT64_MAX + 1;
  @   ensures \result == 0 && l->base == base && l->size == size;
  @ behavior bad:
  @   assumes size == 0 || base + size > UINT64_MAX + 1;
  @   ensures \result == EINVAL;
  @   ensures l->base == \old(l->base) && l->size == \old(l->size); */
int kv_layout_set_window(struct kv_layout *l, kv_va_t base, uint64_t size);
