/* SPDX-License-Identifier: BSD-2-Clause */
/* arith.c - what checked arithmetic gives, for Frama-C */
#include "alloc/arith.h"

/*@ requires \valid(sum);
  @ assigns *sum;
  @ ensures \result != 0 <==> a + b <= UINT64_MAX;
  @ ensures \result != 0 ==> *sum == a + b;
  @ ensures \result == 0 ==> *sum == \old(*sum); */
static inline bool kv_add(uint64_t a, uint64_t b, uint64_t *sum);

/*@ requires \valid(product);
  @ assigns *product;
  @ ensures \result != 0 <==> a * b <= UINT64_MAX;
  @ ensures \result != 0 ==> *product == a * b;
  @ ensures \result == 0 ==> *product == \old(*product); */
static inline bool kv_mul(uint64_t a, uint64_t b, uint64_t *product);

/*@ requires \valid(up) && step > 0;
  @ assigns *up;
  @ ensures \result != 0 ==> x <= *up < x + step;
  @ ensures \result != 0 ==> *up % step == 0;
  @ ensures \result == 0 ==> *up == \old(*up); */
static inline bool kv_round_up(uint64_t x, uint64_t step, uint64_t *up);

/*@ assigns \nothing;
  @ ensures \result != 0 <==>
  @   (an != 0 && bn != 0 && a < b + bn && b < a + an); */
static inline bool kv_overlap(uint64_t a, uint64_t an, uint64_t b, uint64_t bn);
