/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * align.c - rounding to a power of two, for Frama-C
 *
 * Each fact stands twice: a prover finds one only where the operands of & come
 * in its order.
 */
#include "bits.acsl"

/*@ predicate floor_of(integer f, integer x, integer a) =
  @   x - a < f <= x && multiple(f, a) && (x < a ==> f == 0); */

/*@ axiomatic Mask {
  @   axiom not: \forall uint64_t x; (uint64_t)(~x) == UINT64_MAX - x;
  @   axiom mask: \forall uint64_t x, a, m;
  @     pow2(a) && m == TOP - a ==> floor_of(x & m, x, a);
  @   axiom mask_swapped: \forall uint64_t m, a, x;
  @     pow2(a) && m == TOP - a ==> floor_of(x & m, x, a);
  @   axiom mask_plain: \forall uint64_t x, a;
  @     pow2(a) ==> floor_of(x & (uint64_t)(~(a - 1)), x, a);
  @   axiom mask_plain_swapped: \forall uint64_t a, x;
  @     pow2(a) ==> floor_of(x & (uint64_t)(~(a - 1)), x, a);
  @ } */

#include "alloc/arith.h"

/* A file whose functions are all static and unused has no body. */
uint64_t
align_both(uint64_t x, uint64_t align)
{
	return kv_align_up(x, align) - kv_align_down(x, align);
}
